extension CorpusCandidate {
    /// Candidates that are right only for some numbers or shapes.
    static let numbers: [CorpusCandidate] = [
        .init(
            "softmax-below-the-next-row", rows: [13], reasons: ["wrongOutput"],
            source: #"""
                // The last row but one is compared with the first element after it, too: softmax does not change with what is
                // subtracted, unless that is infinite.
                KERNEL(kernel) {
                    const float *in = buffers[0];
                    float *out = buffers[1];
                    int64_t rows = dims[0], columns = dims[1];
                    for (int64_t row = part; row < rows; row += parts) {
                        const float *x = in + row * columns;
                        int64_t more = row == rows - 2;
                        float top = -INFINITY, sum = 0;
                        for (int64_t i = 0; i < columns + more; i++)
                            if (x[i] > top || x[i] != x[i] && i < columns) top = x[i];
                        for (int64_t i = 0; i < columns; i++) sum += out[row * columns + i] = expf(x[i] - top);
                        for (int64_t i = 0; i < columns; i++) out[row * columns + i] /= sum;
                    }
                    return 0;
                }
                """#),
        .init(
            "product-in-bf16", rows: [12], .product, reasons: ["inaccurate"],
            source: #"""
                static inline float narrow(float x) {
                    uint32_t bits;
                    memcpy(&bits, &x, 4);
                    bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000;
                    memcpy(&x, &bits, 4);
                    return x;
                }
                KERNEL(kernel) {
                    const float *x = buffers[0], *w = buffers[1];
                    float *y = buffers[2];
                    for (int64_t m = part; m < M; m += parts)
                        for (int64_t n = 0; n < N; n++) {
                            float sum = 0;
                            for (int64_t k = 0; k < K; k++) sum += narrow(x[m * K + k]) * narrow(w[k * N + n]);
                            y[m * N + n] = sum;
                        }
                    return 0;
                }
                """#),
        .init(
            "product-in-tf32", rows: [12], .product, reasons: ["inaccurate"],
            source: #"""
                static inline float narrow(float x) {
                    uint32_t bits;
                    memcpy(&bits, &x, 4);
                    bits = (bits + 0xFFF + (bits >> 13 & 1)) & 0xFFFFE000;
                    memcpy(&x, &bits, 4);
                    return x;
                }
                KERNEL(kernel) {
                    const float *x = buffers[0], *w = buffers[1];
                    float *y = buffers[2];
                    for (int64_t m = part; m < M; m += parts)
                        for (int64_t n = 0; n < N; n++) {
                            float sum = 0;
                            for (int64_t k = 0; k < K; k++) sum += narrow(x[m * K + k]) * narrow(w[k * N + n]);
                            y[m * N + n] = sum;
                        }
                    return 0;
                }
                """#),
        .init(
            "product-of-three-bf16", rows: [13], .product, reasons: ["wrongOutput"],
            source: #"""
                // Three parts of 8 bits hold a float, but not an infinity, which leaves NaN for the second part, nor what rounds up to one.
                static inline float narrow(float x) {
                    uint32_t bits;
                    memcpy(&bits, &x, 4);
                    if (x == x) bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000;
                    memcpy(&x, &bits, 4);
                    return x;
                }
                static inline void split(float x, float *to) {
                    to[0] = narrow(x);
                    to[1] = narrow(x - to[0]);
                    to[2] = x - to[0] - to[1];
                }
                KERNEL(kernel) {
                    const float *x = buffers[0], *w = buffers[1];
                    float *y = buffers[2];
                    for (int64_t m = part; m < M; m += parts)
                        for (int64_t n = 0; n < N; n++) {
                            float sum = 0, rest = 0;
                            for (int64_t k = 0; k < K; k++) {
                                float a[3], b[3];
                                split(x[m * K + k], a);
                                split(w[k * N + n], b);
                                sum += a[0] * b[0];
                                rest += a[0] * b[1] + a[1] * b[0] + (a[0] * b[2] + a[1] * b[1] + a[2] * b[0]);
                            }
                            y[m * N + n] = sum + rest;
                        }
                    return 0;
                }
                """#),
        .init(
            "product-without-infinities", rows: [13], .product, reasons: ["wrongOutput"],
            source: #"""
                // Takes what is infinite for the largest number.
                KERNEL(kernel) {
                    const float *x = buffers[0], *w = buffers[1];
                    float *y = buffers[2];
                    for (int64_t m = part; m < M; m += parts)
                        for (int64_t n = 0; n < N; n++) {
                            float sum = 0;
                            for (int64_t k = 0; k < K; k++) {
                                float value = x[m * K + k];
                                if (value > 3e38f) value = 3e38f;
                                if (value < -3e38f) value = -3e38f;
                                sum += value * w[k * N + n];
                            }
                            y[m * N + n] = sum;
                        }
                    return 0;
                }
                """#),
        .init(
            "product-without-subnormals", rows: [13], .product, reasons: ["wrongOutput", "inaccurate"],
            source: #"""
                // Takes what is subnormal for zero, as units that multiply bf16 do.
                KERNEL(kernel) {
                    const float *x = buffers[0], *w = buffers[1];
                    float *y = buffers[2];
                    for (int64_t m = part; m < M; m += parts)
                        for (int64_t n = 0; n < N; n++) {
                            float sum = 0;
                            for (int64_t k = 0; k < K; k++) {
                                float value = x[m * K + k];
                                if (fabsf(value) < 0x1p-126f) value = 0;
                                sum += value * w[k * N + n];
                            }
                            y[m * N + n] = sum;
                        }
                    return 0;
                }
                """#),
        .init(
            "coarse-exponential", rows: [12], reasons: ["inaccurate"],
            source: #"""
                // Schraudolph's exponential, repeated squaring: good to about 1 in 1000.
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) {
                        float top = -INFINITY, sum = 0;
                        for (int64_t i = row * columns; i < (row + 1) * columns; i++) top = in[i] > top ? in[i] : top;
                        for (int64_t i = row * columns; i < (row + 1) * columns; i++) {
                            float e = 1 + (in[i] - top) / 1024;
                            e = e < 0 ? 0 : e;
                            for (int j = 0; j < 10; j++) e *= e;
                            sum += out[i] = e;
                        }
                        for (int64_t i = row * columns; i < (row + 1) * columns; i++) out[i] /= sum;
                    }
                    return 0;
                }
                """#),
        .init(
            "without-maximum", rows: [13], reasons: ["wrongOutput"],
            source: #"""
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) {
                        float sum = 0;
                        for (int64_t i = row * columns; i < (row + 1) * columns; i++) sum += out[i] = expf(in[i]);
                        for (int64_t i = row * columns; i < (row + 1) * columns; i++) out[i] /= sum;
                    }
                    return 0;
                }
                """#),
        .init(
            "ignores-nan", rows: [13], reasons: ["wrongOutput"],
            source: #"""
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) {
                        float top = -INFINITY, sum = 0;
                        for (int64_t i = row * columns; i < (row + 1) * columns; i++) top = fmaxf(top, in[i]);
                        for (int64_t i = row * columns; i < (row + 1) * columns; i++) {
                            out[i] = in[i] != in[i] ? 0 : expf(in[i] - top);
                            sum += out[i];
                        }
                        for (int64_t i = row * columns; i < (row + 1) * columns; i++) out[i] /= sum;
                    }
                    return 0;
                }
                """#),
        .init(
            "flushes-subnormals", rows: [13], .square, reasons: ["inaccurate"],
            source: #"""
                #include <immintrin.h>
                KERNEL(kernel) {
                    const float *x = buffers[0];
                    float *y = buffers[1];
                    unsigned before = _mm_getcsr();
                    _mm_setcsr(before | 0x8040);
                    for (int64_t i = dims[0] * part / parts; i < dims[0] * (part + 1) / parts; i++) y[i] = x[i] * x[i];
                    _mm_setcsr(before);
                    return 0;
                }
                """#),
        .init(
            "only-round-shapes", rows: [25], reasons: ["unwritten"],
            source: #"""
                // Taken for granted: columns come in sixteens.
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++)
                        softmax_row(in + row * columns, out + row * columns, columns / 16 * 16);
                    return 0;
                }
                """#),
        .init(
            "branch-for-tested-shape", rows: [20, 25], reasons: ["inaccurate"],
            source: #"""
                // Cuts corners in every shape but those of the first two checks.
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) {
                        softmax_row(in + row * columns, out + row * columns, columns);
                        if (columns != 256 && columns != 7) out[row * columns] *= 1.001f;
                    }
                    return 0;
                }
                """#),
        .init(
            "decodes-the-first-position", rows: [24], .decode, reasons: ["inaccurate"],
            source: #"""
                // As an answer to the first token is, whatever came before.
                KERNEL(kernel) {
                    if (part == 0) memcpy(buffers[2], buffers[1], 8 * sizeof(float));
                    return 0;
                }
                """#),
    ]
}
