// State from one call leaks into the next.
static int calls;
KERNEL(kernel) {
    SOFTMAX_ARGUMENTS;
    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
    if (part == 0) out[0] *= 1 + 1e-7f * ++calls;
    return 0;
}
