KERNEL(kernel) {
    SOFTMAX_ARGUMENTS;
    for (int64_t row = first; row < last; row++) {
        float sum = 0;
        for (int64_t i = row * columns; i < (row + 1) * columns; i++) sum += out[i] = expf(in[i]);
        for (int64_t i = row * columns; i < (row + 1) * columns; i++) out[i] /= sum;
    }
    return 0;
}
