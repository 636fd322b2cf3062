static int deeper(int depth) {
    volatile char frame[4096];
    frame[0] = (char)depth;
    return deeper(depth + 1) + frame[0];
}
KERNEL(kernel) { return deeper(0) == -1; }
