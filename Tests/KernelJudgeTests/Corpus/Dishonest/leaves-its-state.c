KERNEL(kernel) { return 0; }
