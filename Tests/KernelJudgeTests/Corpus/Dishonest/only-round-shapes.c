// Taken for granted: columns come in sixteens.
KERNEL(kernel) {
    SOFTMAX_ARGUMENTS;
    for (int64_t row = first; row < last; row++)
        softmax_row(in + row * columns, out + row * columns, columns / 16 * 16);
    return 0;
}
