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
