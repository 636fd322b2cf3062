KERNEL(kernel) {
    SOFTMAX_ARGUMENTS;
    float *row_buffer = workspace;
    for (int64_t row = first; row < last; row++) {
        softmax_row(in + row * columns, row_buffer, columns);
        memcpy(out + row * columns, row_buffer, sizeof(float) * columns);
    }
    return 0;
}
