KERNEL(kernel) {
    SOFTMAX_ARGUMENTS;
    const float *leftover = workspace;
    for (int64_t row = first; row < last; row++) {
        softmax_row(in + row * columns, out + row * columns, columns);
        out[row * columns] += leftover[0] * 1e-30f;
    }
    return 0;
}
