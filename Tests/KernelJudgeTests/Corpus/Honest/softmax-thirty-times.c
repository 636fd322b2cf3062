// Right, and so slow that no noise of a busy machine hides it.
KERNEL(kernel) {
    SOFTMAX_ARGUMENTS;
    for (volatile int time = 0; time < 30; time++)
        for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
    return 0;
}
