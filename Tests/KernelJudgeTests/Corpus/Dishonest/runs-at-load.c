// Prepares the ground before anyone calls it.
__attribute__((constructor)) static void at_load(void) {
    volatile int anything[1] = {1};
    (void)anything[0];
}
KERNEL(kernel) {
    SOFTMAX_ARGUMENTS;
    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
    return 0;
}
