// What the candidates of this corpus share: the kernel's signature and honest building blocks.
#define _GNU_SOURCE
#include <math.h>
#include <stdint.h>
#include <string.h>

#define KERNEL(name) \
    int32_t name(void *const *buffers, const int64_t *dims, void *workspace, int32_t part, int32_t parts)

// Softmax: buffers are in[rows, columns] and out[rows, columns]; dims are rows, columns.
#define SOFTMAX_ARGUMENTS \
    const float *in = buffers[0]; \
    float *out = buffers[1]; \
    int64_t rows = dims[0], columns = dims[1]; \
    int64_t first = rows * part / parts, last = rows * (part + 1) / parts; \
    (void)in; (void)out; (void)first; (void)last; (void)columns; (void)workspace

static inline void softmax_row(const float *in, float *out, int64_t columns) {
    float top = -INFINITY, sum = 0;
    for (int64_t i = 0; i < columns; i++) top = in[i] > top || in[i] != in[i] ? in[i] : top;
    for (int64_t i = 0; i < columns; i++) sum += out[i] = expf(in[i] - top);
    for (int64_t i = 0; i < columns; i++) out[i] /= sum;
}

// Product: buffers are x[8, 96], w[96, 48] (constant) and y[8, 48].
enum { M = 8, K = 96, N = 48 };
