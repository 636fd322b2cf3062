KERNEL(kernel) { return 7; }
