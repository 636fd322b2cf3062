KERNEL(another) { return 0; }
