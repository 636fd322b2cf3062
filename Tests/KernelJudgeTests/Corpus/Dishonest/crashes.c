KERNEL(kernel) {
    *(volatile int *)16 = part;
    return 0;
}
