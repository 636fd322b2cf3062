// A full vector where only a part of it belongs to the output.
KERNEL(kernel) {
    SOFTMAX_ARGUMENTS;
    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
    if (last == rows)
        for (int64_t i = rows * columns; i % 16; i++) out[i] = 0;
    return 0;
}
