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
