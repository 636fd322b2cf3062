KERNEL(kernel) {
    SOFTMAX_ARGUMENTS;
    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
    memset(buffers[0], 0, sizeof(float) * columns);
    return 0;
}
