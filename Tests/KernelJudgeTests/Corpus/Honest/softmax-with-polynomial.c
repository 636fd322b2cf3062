// An exponential good to about two units in the last place, as vector code has it.
static inline float fast_exp(float x) {
    if (x != x) return x;
    if (x < -104) return 0;
    float n = rintf(x * 1.44269504f);
    float r = fmaf(n, -0.693359375f, x);
    r = fmaf(n, 2.12194440e-4f, r);
    float p = 1.9875691500e-4f;
    p = fmaf(p, r, 1.3981999507e-3f);
    p = fmaf(p, r, 8.3334519073e-3f);
    p = fmaf(p, r, 4.1665795894e-2f);
    p = fmaf(p, r, 1.6666665459e-1f);
    p = fmaf(p, r, 5.0000001201e-1f);
    return ldexpf(fmaf(p, r * r, r) + 1, (int)n);
}

KERNEL(kernel) {
    SOFTMAX_ARGUMENTS;
    for (int64_t row = first; row < last; row++) {
        const float *x = in + row * columns;
        float *y = out + row * columns, top = -INFINITY, sum = 0;
        for (int64_t i = 0; i < columns; i++) top = x[i] > top || x[i] != x[i] ? x[i] : top;
        for (int64_t i = 0; i < columns; i++) sum += y[i] = fast_exp(x[i] - top);
        for (int64_t i = 0; i < columns; i++) y[i] *= 1 / sum;
    }
    return 0;
}
