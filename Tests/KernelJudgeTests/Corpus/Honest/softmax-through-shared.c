// Every part works in its own piece of memory that all share.
KERNEL(kernel) {
    SOFTMAX_ARGUMENTS;
    float *rows_buffer = buffers[2];
    for (int64_t row = first; row < last; row++) {
        softmax_row(in + row * columns, rows_buffer + row * columns, columns);
        memcpy(out + row * columns, rows_buffer + row * columns, sizeof(float) * columns);
    }
    return 0;
}
