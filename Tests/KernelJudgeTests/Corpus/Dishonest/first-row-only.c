KERNEL(kernel) {
    SOFTMAX_ARGUMENTS;
    if (part == 0) softmax_row(in, out, columns);
    return 0;
}
