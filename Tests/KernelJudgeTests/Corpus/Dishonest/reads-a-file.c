#include <stdio.h>
KERNEL(kernel) {
    SOFTMAX_ARGUMENTS;
    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
    FILE *file = part == 0 ? fopen("/proc/self/maps", "r") : NULL;
    if (file) fclose(file);
    return 0;
}
