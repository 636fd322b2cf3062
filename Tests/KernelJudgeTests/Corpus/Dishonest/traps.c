KERNEL(kernel) { __builtin_trap(); }
