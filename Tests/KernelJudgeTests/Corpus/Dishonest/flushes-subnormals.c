#include <immintrin.h>
KERNEL(kernel) {
    const float *x = buffers[0];
    float *y = buffers[1];
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040);
    for (int64_t i = dims[0] * part / parts; i < dims[0] * (part + 1) / parts; i++) y[i] = x[i] * x[i];
    _mm_setcsr(before);
    return 0;
}
