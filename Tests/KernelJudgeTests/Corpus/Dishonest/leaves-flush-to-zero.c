#include <xmmintrin.h>
KERNEL(kernel) {
    SOFTMAX_ARGUMENTS;
    for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
    _mm_setcsr(_mm_getcsr() | 0x8040);
    return 0;
}
