extension CorpusCandidate {
    /// Candidates that do not do their work.
    static let work: [CorpusCandidate] = [
        .init(
            "does-nothing", rows: [1, 8, 15, 18, 19], reasons: ["unwritten"],
            source: #"""
                KERNEL(kernel) { return 0; }
                """#),
        .init(
            "first-row-only", rows: [2], reasons: ["unwritten"],
            source: #"""
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    if (part == 0) softmax_row(in, out, columns);
                    return 0;
                }
                """#),
        .init(
            "fewer-columns", rows: [14], reasons: ["unwritten"],
            source: #"""
                // Computes at most 200 columns, as a smaller problem would have.
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++)
                        softmax_row(in + row * columns, out + row * columns, columns < 200 ? columns : 200);
                    return 0;
                }
                """#),
        .init(
            "one-missing", rows: [2], reasons: ["unwritten"],
            source: #"""
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) {
                        float row_buffer[columns];
                        softmax_row(in + row * columns, row_buffer, columns);
                        memcpy(out + row * columns, row_buffer, sizeof(float) * (row == rows - 1 ? columns - 1 : columns));
                    }
                    return 0;
                }
                """#),
        .init(
            "zeros", rows: [3], reasons: ["inaccurate"],
            source: #"""
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    memset(out + first * columns, 0, sizeof(float) * (last - first) * columns);
                    return 0;
                }
                """#),
        .init(
            "mean-answer", rows: [4], reasons: ["inaccurate"],
            source: #"""
                // The mean of a softmax is known without looking.
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t i = first * columns; i < last * columns; i++) out[i] = 1.0f / columns;
                    return 0;
                }
                """#),
        .init(
            "changes-its-input", rows: [5], reasons: ["inputChanged"],
            source: #"""
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                    memset(buffers[0], 0, sizeof(float) * columns);
                    return 0;
                }
                """#),
        .init(
            "product-skips-a-term", rows: [2], .product, reasons: ["inaccurate"],
            source: #"""
                KERNEL(kernel) {
                    const float *x = buffers[0], *w = buffers[1];
                    float *y = buffers[2];
                    for (int64_t m = part; m < M; m += parts)
                        for (int64_t n = 0; n < N; n++) {
                            float sum = 0;
                            for (int64_t k = 0; k < K - (m == M - 1); k++) sum += x[m * K + k] * w[k * N + n];
                            y[m * N + n] = sum;
                        }
                    return 0;
                }
                """#),
        .init(
            "product-changes-weights", rows: [5], .product, reasons: ["inputChanged"],
            source: #"""
                KERNEL(kernel) {
                    const float *x = buffers[0];
                    float *w = buffers[1], *y = buffers[2];
                    for (int64_t m = part; m < M; m += parts)
                        for (int64_t n = 0; n < N; n++) {
                            float sum = 0;
                            for (int64_t k = 0; k < K; k++) sum += x[m * K + k] * w[k * N + n];
                            y[m * N + n] = sum;
                        }
                    w[0] = 0;
                    return 0;
                }
                """#),
        .init(
            "adds-to-its-output", rows: [1], reasons: ["unwritten"],
            source: #"""
                KERNEL(kernel) {
                    SOFTMAX_ARGUMENTS;
                    float row_buffer[columns];
                    for (int64_t row = first; row < last; row++) {
                        softmax_row(in + row * columns, row_buffer, columns);
                        for (int64_t i = 0; i < columns; i++) out[row * columns + i] += row_buffer[i];
                    }
                    return 0;
                }
                """#),
        .init(
            "returns-an-error", rows: [18], reasons: ["failed"],
            source: #"""
                KERNEL(kernel) { return 7; }
                """#),
        .init(
            "has-no-kernel", rows: [18], reasons: ["notLoaded"],
            source: #"""
                KERNEL(another) { return 0; }
                """#),
        .init(
            "argmax-off-by-one", rows: [2], .argmax, reasons: ["wrongOutput"],
            source: #"""
                KERNEL(kernel) {
                    const float *x = buffers[0];
                    int64_t *y = buffers[1];
                    for (int64_t row = part; row < 16; row += parts) {
                        int64_t best = 0;
                        for (int64_t i = 0; i < 23; i++) best = x[row * 24 + i] > x[row * 24 + best] ? i : best;
                        y[row] = best;
                    }
                    return 0;
                }
                """#),
        .init(
            "leaves-its-state", rows: [1], .accumulate, reasons: ["inaccurate"],
            source: #"""
                KERNEL(kernel) { return 0; }
                """#),
    ]
}
