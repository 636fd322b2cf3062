extension CorpusCandidate {
    /// Candidates that remember, read or write what is not theirs, or give another answer each time.
    static let memory: [CorpusCandidate] = [
        .init(
            "caches-by-address", rows: [10], reasons: ["unstable", "inaccurate", "wrongOutput"],
            source: #"""
                static const void *seen;
                static float saved[1 << 16];
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    if (seen == in && rows * columns <= 1 << 16) {
                        memcpy(out + first * columns, saved + first * columns, sizeof(float) * (last - first) * columns);
                        return 0;
                    }
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    memcpy(saved + first * columns, out + first * columns, sizeof(float) * (last - first) * columns);
                    if (last == rows) seen = in;
                    return 0;
                }
                """#),
        .init(
            "caches-by-address", rows: [10], reasons: ["writableData"], audits: true,
            source: #"""
                static const void *seen;
                static float saved[1 << 16];
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    if (seen == in && rows * columns <= 1 << 16) {
                        memcpy(out + first * columns, saved + first * columns, sizeof(float) * (last - first) * columns);
                        return 0;
                    }
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    memcpy(saved + first * columns, out + first * columns, sizeof(float) * (last - first) * columns);
                    if (last == rows) seen = in;
                    return 0;
                }
                """#),
        .init(
            "remembers-a-sample", rows: [11], reasons: ["timedOutputWrong"],
            source: #"""
                // Recognises inputs by a few of their elements.
                static float sample[64][4];
                static int known[64];
                static float saved[1 << 16];
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    if (part >= 64 || rows * columns > 1 << 16 || first >= last) return first < last;
                    float now[4];
                    for (int i = 0; i < 4; i++) now[i] = in[first * columns + (last - first) * columns * i / 4];
                    size_t bytes = sizeof(float) * (last - first) * columns;
                    if (known[part] && memcmp(now, sample[part], sizeof now) == 0) {
                        memcpy(out + first * columns, saved + first * columns, bytes);
                        return 0;
                    }
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    memcpy(saved + first * columns, out + first * columns, bytes);
                    memcpy(sample[part], now, sizeof now);
                    known[part] = 1;
                    return 0;
                }
                """#),
        .init(
            "works-only-at-first", rows: [21, 28], reasons: ["timedOutputWrong"],
            source: #"""
                // Right while it is checked, idle while it is timed.
                static int calls;
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    if (__atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) > 50) return 0;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    return 0;
                }
                """#),
        .init(
            "counts-its-calls", rows: [28], reasons: ["unstable"],
            source: #"""
                // State from one call leaks into the next.
                static int calls;
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    if (part == 0) out[0] *= 1 + 1e-7f * ++calls;
                    return 0;
                }
                """#),
        .init(
            "packing-overruns", rows: [17], .product, reasons: ["outOfBounds"], isPacked: true,
            source: #"""
                KERNEL(pack) {
                    float *packed = buffers[1];
                    memcpy(packed, buffers[0], sizeof(float) * K * N);
                    memset(packed + K * N, 0, 8192);
                    return 0;
                }
                KERNEL(kernel) { return 0; }
                """#),
        .init(
            "reads-past-the-end", rows: [17], reasons: ["outOfBounds"],
            source: #"""
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) {
                        softmax_row(in + row * columns, out + row * columns, columns);
                        // The next row's first vector, prefetched by a load even after the last row.
                        volatile float next = in[(row + 1) * columns + 15];
                        (void)next;
                    }
                    return 0;
                }
                """#),
        .init(
            "reads-before-the-start", rows: [17], reasons: ["outOfBounds"],
            source: #"""
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) {
                        softmax_row(in + row * columns, out + row * columns, columns);
                        volatile float previous = in[row * columns - 1];
                        (void)previous;
                    }
                    return 0;
                }
                """#),
        .init(
            "writes-past-the-end", rows: [17], reasons: ["outOfBounds"],
            source: #"""
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    if (last == rows) out[rows * columns] = 0;
                    return 0;
                }
                """#),
        .init(
            "writes-into-the-fence", rows: [17], reasons: ["outOfBounds"],
            source: #"""
                // A full vector where only a part of it belongs to the output.
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    if (last == rows)
                        for (int64_t i = rows * columns; i % 16; i++) out[i] = 0;
                    return 0;
                }
                """#),
        .init(
            "overruns-its-workspace", rows: [17], reasons: ["outOfBounds"],
            source: #"""
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    if (last == rows) memset(workspace, 0, 1 << 20);
                    return 0;
                }
                """#),
        .init(
            "uninitialised-workspace", rows: [17], reasons: ["unstable"],
            source: #"""
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    const float *leftover = workspace;
                    for (int64_t row = first; row < last; row++) {
                        softmax_row(in + row * columns, out + row * columns, columns);
                        out[row * columns] += leftover[0] * 1e-30f;
                    }
                    return 0;
                }
                """#),
        .init(
            "remembers-in-shared", rows: [17, 28], reasons: ["unstable"], hasShared: true,
            source: #"""
                // Expects to find what the call before left in scratch memory.
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    const float *before = buffers[2];
                    for (int64_t row = first; row < last; row++) {
                        softmax_row(in + row * columns, out + row * columns, columns);
                        out[row * columns] += before[row * columns] * 1e-30f;
                    }
                    return 0;
                }
                """#),
        .init(
            "noisy", rows: [29], reasons: ["unstable"],
            source: #"""
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) {
                        softmax_row(in + row * columns, out + row * columns, columns);
                        for (int64_t i = row * columns; i < (row + 1) * columns; i++)
                            out[i] *= 1 + 1e-7f * (__builtin_ia32_rdtsc() >> 4 & 1);
                    }
                    return 0;
                }
                """#),
        .init(
            "strays-when-it-waits", rows: [29], reasons: ["outOfBounds"], isGang: true,
            source: #"""
                // Looks before the shared area, but only after it has waited long for the first part.
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    int32_t *arrived = buffers[2];
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    if (part == 0) __atomic_store_n(arrived, 1, __ATOMIC_RELEASE);
                    for (int64_t spins = 0; __atomic_load_n(arrived, __ATOMIC_ACQUIRE) == 0; spins++)
                        if (spins > 10000 && __atomic_load_n(arrived - 1, __ATOMIC_RELAXED) == 7) break;
                    return 0;
                }
                """#),
        .init(
            "hangs", rows: [29], reasons: ["timedOut"],
            source: #"""
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    while (part == 0) __builtin_ia32_pause();
                    return 0;
                }
                """#),
        .init(
            "forgets-its-state", rows: [28], .accumulate, reasons: ["inaccurate"],
            source: #"""
                KERNEL(kernel) {
                    const float *x = buffers[0];
                    float *state = buffers[1];
                    for (int64_t i = part; i < 100; i += parts) state[i] = x[i];
                    return 0;
                }
                """#),
        .init(
            "assumes-alignment", rows: [17], .square, reasons: ["crashed"],
            source: #"""
                // Vectors at multiples of their size, where a caller's tensors lie at multiples of their element.
                typedef float vector __attribute__((vector_size(16)));
                KERNEL(kernel) {
                    const float *in = buffers[0];
                    float *out = buffers[1];
                    int64_t count = dims[0], i = 0;
                    if (part != 0) return 0;
                    for (; i + 4 <= count; i += 4) {
                        const vector x = *(const volatile vector *)(in + i);
                        *(volatile vector *)(out + i) = x * x;
                    }
                    for (; i < count; i++) out[i] = in[i] * in[i];
                    return 0;
                }
                """#),
    ]
}
