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
