KERNEL(kernel) {
    SOFTMAX_ARGUMENTS;
    float row_buffer[columns];
    for (int64_t row = first; row < last; row++) {
        softmax_row(in + row * columns, row_buffer, columns);
        for (int64_t i = 0; i < columns; i++) out[row * columns + i] += row_buffer[i];
    }
    return 0;
}
