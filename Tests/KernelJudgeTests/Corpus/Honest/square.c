KERNEL(kernel) {
    const float *x = buffers[0];
    float *y = buffers[1];
    for (int64_t i = dims[0] * part / parts; i < dims[0] * (part + 1) / parts; i++) y[i] = x[i] * x[i];
    return 0;
}
