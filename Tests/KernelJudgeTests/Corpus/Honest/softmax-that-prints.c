// Rude, but right: what it writes to standard output must not meet the protocol.
#include <unistd.h>
KERNEL(kernel) {
    SOFTMAX_ARGUMENTS;
    if (part == 0) (void)!write(1, "\1\0\0\0 all is well", 16);
    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
    return 0;
}
