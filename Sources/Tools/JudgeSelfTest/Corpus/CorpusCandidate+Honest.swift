extension CorpusCandidate {
    /// Candidates that must be accepted.
    static let honest: [CorpusCandidate] = [
        .init(
            "softmax", audits: true,
            source: #"""
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    return 0;
                }
                """#),
        .init(
            "softmax-in-double", audits: true,
            source: #"""
                // More precise than PyTorch, and never to be refused for it.
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) {
                        const float *x = in + row * columns;
                        double top = -INFINITY, sum = 0;
                        for (int64_t i = 0; i < columns; i++) top = x[i] > top || x[i] != x[i] ? x[i] : top;
                        for (int64_t i = 0; i < columns; i++) sum += exp(x[i] - top);
                        for (int64_t i = 0; i < columns; i++) out[row * columns + i] = (float)(exp(x[i] - top) / sum);
                    }
                    return 0;
                }
                """#),
        .init(
            "softmax-with-polynomial", audits: true, flags: ["-mfma"],
            source: #"""
                // An exponential good to about two units in the last place, as vector code has it.
                static inline float fast_exp(float x) {
                    if (x != x) return x;
                    if (x < -104) return 0;
                    float n = rintf(x * 1.44269504f);
                    float r = fmaf(n, -0.693359375f, x);
                    r = fmaf(n, 2.12194440e-4f, r);
                    float p = 1.9875691500e-4f;
                    p = fmaf(p, r, 1.3981999507e-3f);
                    p = fmaf(p, r, 8.3334519073e-3f);
                    p = fmaf(p, r, 4.1665795894e-2f);
                    p = fmaf(p, r, 1.6666665459e-1f);
                    p = fmaf(p, r, 5.0000001201e-1f);
                    return ldexpf(fmaf(p, r * r, r) + 1, (int)n);
                }

                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) {
                        const float *x = in + row * columns;
                        float *y = out + row * columns, top = -INFINITY, sum = 0;
                        for (int64_t i = 0; i < columns; i++) top = x[i] > top || x[i] != x[i] ? x[i] : top;
                        for (int64_t i = 0; i < columns; i++) sum += y[i] = fast_exp(x[i] - top);
                        for (int64_t i = 0; i < columns; i++) y[i] *= 1 / sum;
                    }
                    return 0;
                }
                """#),
        .init(
            "softmax-through-workspace", audits: true,
            source: #"""
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    float *row_buffer = workspace;
                    for (int64_t row = first; row < last; row++) {
                        softmax_row(in + row * columns, row_buffer, columns);
                        memcpy(out + row * columns, row_buffer, sizeof(float) * columns);
                    }
                    return 0;
                }
                """#),
        .init(
            "softmax-gang", audits: true, isGang: true,
            source: #"""
                // All threads at once, waiting for each other in the shared area.
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    int32_t *arrived = buffers[2];
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    __atomic_add_fetch(arrived, 1, __ATOMIC_ACQ_REL);
                    while (__atomic_load_n(arrived, __ATOMIC_ACQUIRE) < parts) __builtin_ia32_pause();
                    return 0;
                }
                """#),
        .init(
            "softmax-through-shared", audits: true, hasShared: true,
            source: #"""
                // Every part works in its own piece of memory that all share.
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    float *rows_buffer = buffers[2];
                    for (int64_t row = first; row < last; row++) {
                        softmax_row(in + row * columns, rows_buffer + row * columns, columns);
                        memcpy(out + row * columns, rows_buffer + row * columns, sizeof(float) * columns);
                    }
                    return 0;
                }
                """#),
        .init(
            "softmax-that-prints",
            source: #"""
                // Rude, but right: what it writes to standard output must not meet the protocol.
                #include <unistd.h>
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    if (part == 0) (void)!write(1, "\1\0\0\0 all is well", 16);
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    return 0;
                }
                """#),
        .init(
            "product", .product, audits: true,
            source: #"""
                KERNEL(kernel) {
                    const float *x = buffers[0], *w = buffers[1];
                    float *y = buffers[2];
                    for (int64_t m = part; m < M; m += parts)
                        for (int64_t n = 0; n < N; n++) {
                            float sum = 0;
                            for (int64_t k = 0; k < K; k++) sum += x[m * K + k] * w[k * N + n];
                            y[m * N + n] = sum;
                        }
                    return 0;
                }
                """#),
        .init(
            "product-packed", .product, audits: true, flags: ["-mfma"], isPacked: true,
            source: #"""
                KERNEL(pack) {
                    const float *w = buffers[0];
                    float *packed = buffers[1];
                    for (int64_t n = 0; n < N; n++)
                        for (int64_t k = 0; k < K; k++) packed[n * K + k] = w[k * N + n];
                    return 0;
                }

                KERNEL(kernel) {
                    const float *x = buffers[0], *packed = buffers[1];
                    float *y = buffers[2];
                    for (int64_t m = part; m < M; m += parts)
                        for (int64_t n = 0; n < N; n++) {
                            float sum[8] = {0}, total = 0;
                            for (int64_t k = 0; k < K; k += 8)
                                for (int64_t i = 0; i < 8; i++) sum[i] = fmaf(x[m * K + k + i], packed[n * K + k + i], sum[i]);
                            for (int64_t i = 0; i < 8; i++) total += sum[i];
                            y[m * N + n] = total;
                        }
                    return 0;
                }
                """#),
        .init(
            "square", .square, audits: true,
            source: #"""
                KERNEL(kernel) {
                    const float *x = buffers[0];
                    float *y = buffers[1];
                    for (int64_t i = dims[0] * part / parts; i < dims[0] * (part + 1) / parts; i++) y[i] = x[i] * x[i];
                    return 0;
                }
                """#),
        .init(
            "argmax-last-of-ties", .argmax, audits: true,
            source: #"""
                // PyTorch takes the first of equal values; any of them is right.
                KERNEL(kernel) {
                    const float *x = buffers[0];
                    int64_t *y = buffers[1];
                    for (int64_t row = part; row < 16; row += parts) {
                        int64_t best = 0;
                        for (int64_t i = 0; i < 24; i++) best = x[row * 24 + i] >= x[row * 24 + best] ? i : best;
                        y[row] = best;
                    }
                    return 0;
                }
                """#),
        .init(
            "accumulate", .accumulate, audits: true,
            source: #"""
                KERNEL(kernel) {
                    const float *x = buffers[0];
                    float *state = buffers[1];
                    for (int64_t i = part; i < 100; i += parts) state[i] += x[i];
                    return 0;
                }
                """#),
        .init(
            "normalization", .normalization, audits: true,
            source: #"""
                KERNEL(kernel) {
                    const float *x = buffers[0];
                    float *y = buffers[1];
                    for (int64_t row = part; row < 16; row += parts) {
                        float sum = 0, squares = 0;
                        for (int64_t i = row * 24; i < row * 24 + 24; i++) sum += x[i];
                        float mean = sum * (1.0f / 24);
                        for (int64_t i = row * 24; i < row * 24 + 24; i++) squares += (x[i] - mean) * (x[i] - mean);
                        float scale = 1 / sqrtf(squares * (1.0f / 24) + 1e-5f);
                        for (int64_t i = row * 24; i < row * 24 + 24; i++) y[i] = (x[i] - mean) * scale;
                    }
                    return 0;
                }
                """#),
        .init(
            "decode", .decode, audits: true,
            source: #"""
                KERNEL(kernel) {
                    const int64_t rows = *(const int64_t *)buffers[0] + 1;
                    const float *cache = buffers[1];
                    float *out = buffers[2];
                    if (part != 0) return 0;
                    for (int64_t column = 0; column < 8; column++) {
                        float sum = 0;
                        for (int64_t row = 0; row < rows; row++) sum += cache[row * 8 + column];
                        out[column] = sum / rows;
                    }
                    return 0;
                }
                """#),
        .init(
            "softmax-thirty-times", audits: true,
            source: #"""
                // Right, and so slow that no noise of a busy machine hides it.
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (volatile int time = 0; time < 30; time++)
                        for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    return 0;
                }
                """#),
    ]
}
