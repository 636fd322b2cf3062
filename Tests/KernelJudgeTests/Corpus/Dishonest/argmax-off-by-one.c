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
