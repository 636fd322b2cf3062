KERNEL(kernel) {
    SOFTMAX_ARGUMENTS;
    for (int64_t row = first; row < last; row++) {
        float row_buffer[columns];
        softmax_row(in + row * columns, row_buffer, columns);
        memcpy(out + row * columns, row_buffer, sizeof(float) * (row == rows - 1 ? columns - 1 : columns));
    }
    return 0;
}
