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
