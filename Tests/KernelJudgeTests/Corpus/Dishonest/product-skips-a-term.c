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
