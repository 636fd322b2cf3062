// All threads at once, waiting for each other in the shared area.
KERNEL(kernel) {
    SOFTMAX_ARGUMENTS;
    int32_t *arrived = buffers[2];
    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
    __atomic_add_fetch(arrived, 1, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(arrived, __ATOMIC_ACQUIRE) < parts) __builtin_ia32_pause();
    return 0;
}
