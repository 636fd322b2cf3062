#include "dot_products.h"

#include <stdlib.h>

// Fused multiply-adds round once wherever they run, so every clone computes the same numbers; without the instruction the
// compiler calls the library's fma.
#if defined(__x86_64__) && defined(__clang__)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif

typedef double v8d __attribute__((vector_size(64)));
typedef float v16f __attribute__((vector_size(64)));

/// Rows of a tile.
enum { ROWS = 8 };

// One panel of columns lies as `[length][lanes]`; rows of the left operand are broadcast. Rows beyond the last repeat it and
// are not stored.
#define DEFINE(NAME, T, V, LANES)                                                                                              \
    CLONES static void NAME##_panel(                                                                                           \
        const T *left, int64_t rows, const V *panel, int64_t count, int64_t columns, int64_t length, double *result) {         \
        for (int64_t row = 0; row < rows; row += ROWS) {                                                                       \
            V sums[ROWS] = {0};                                                                                                \
            const T *at[ROWS];                                                                                                 \
            for (int i = 0; i < ROWS; ++i) at[i] = left + (row + i < rows ? row + i : rows - 1) * length;                      \
            for (int64_t k = 0; k < length; ++k) {                                                                             \
                const V x = panel[k];                                                                                          \
                _Pragma("unroll") for (int i = 0; i < ROWS; ++i) {                                                             \
                    const V y = (V){0} + at[i][k];                                                                             \
                    sums[i] = __builtin_elementwise_fma(x, y, sums[i]);                                                        \
                }                                                                                                              \
            }                                                                                                                  \
            for (int i = 0; i < ROWS && row + i < rows; ++i)                                                                   \
                for (int64_t lane = 0; lane < count; ++lane) result[(row + i) * columns + lane] = (double)sums[i][lane];       \
        }                                                                                                                      \
    }                                                                                                                          \
    static void NAME(const T *left, int64_t rows, const double *right, int64_t columns, int64_t length, double *result) {      \
        V *panel = aligned_alloc(64, (size_t)(length > 0 ? length : 1) * sizeof(V));                                           \
        if (!panel) abort();                                                                                                   \
        for (int64_t column = 0; column < columns; column += LANES) {                                                          \
            const int64_t count = columns - column < LANES ? columns - column : LANES;                                         \
            for (int64_t k = 0; k < length; ++k) panel[k] = (V){0};                                                            \
            for (int64_t lane = 0; lane < count; ++lane)                                                                       \
                for (int64_t k = 0; k < length; ++k) panel[k][lane] = (T)right[(column + lane) * length + k];                  \
            NAME##_panel(left, rows, panel, count, columns, length, result + column);                                          \
        }                                                                                                                      \
        free(panel);                                                                                                           \
    }

DEFINE(f64, double, v8d, 8)
DEFINE(f32, float, v16f, 16)

void hearth_dot_products_f64(
    const double *left, int64_t rows, const double *right, int64_t columns, int64_t length, double *result) {
    if (rows > 0) f64(left, rows, right, columns, length, result);
}

void hearth_dot_products_f32(
    const double *left, int64_t rows, const double *right, int64_t columns, int64_t length, double *result) {
    if (rows <= 0) return;
    float *narrow = malloc((size_t)(rows * length > 0 ? rows * length : 1) * sizeof(float));
    if (!narrow) abort();
    for (int64_t i = 0; i < rows * length; ++i) narrow[i] = (float)left[i];
    f32(narrow, rows, right, columns, length, result);
    free(narrow);
}
