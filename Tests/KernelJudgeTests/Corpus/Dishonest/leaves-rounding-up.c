#include <fenv.h>
KERNEL(kernel) {
    SOFTMAX_ARGUMENTS;
    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
    fesetround(FE_UPWARD);
    return 0;
}
