#include "dot_products.h"

#include <stdlib.h>

// Fused multiply-adds round once wherever they run, so every width of register computes the same numbers; without the instruction
// the compiler calls the library's fma. Sums that wait between pieces of the summed axis lose nothing: a double holds a float.
//
// Both factors are packed for a tile of sums that stays in registers (as BLIS does it): panels `[depth][tile rows]` of the left
// operand, `[depth][tile columns]` of the right one.

enum {
    /// Summed elements of a packed piece: one right panel then lies in the first-level cache.
    DEPTH = 192,
    /// Packed rows at a time; a multiple of every tile's.
    BLOCK_ROWS = 512,
    /// Packed columns at a time; a multiple of every tile's.
    BLOCK_COLUMNS = 480,
};

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

typedef double block8 __attribute__((vector_size(64), aligned(8)));

// Turns eight lines of eight numbers: pairs, then fours, then halves.
#define SHUFFLED(A, B, ...) __builtin_shufflevector(A, B, __VA_ARGS__)
#define TRANSPOSE(X)                                                                                                           \
    block8 t[8], u[8];                                                                                                         \
    _Pragma("unroll") for (int e = 0; e < 8; e += 2) {                                                                         \
        t[e] = SHUFFLED(X[e], X[e + 1], 0, 8, 2, 10, 4, 12, 6, 14);                                                            \
        t[e + 1] = SHUFFLED(X[e], X[e + 1], 1, 9, 3, 11, 5, 13, 7, 15);                                                        \
    }                                                                                                                          \
    _Pragma("unroll") for (int e = 0; e < 8; e += 4) {                                                                         \
        u[e] = SHUFFLED(t[e], t[e + 2], 0, 1, 8, 9, 4, 5, 12, 13);                                                             \
        u[e + 1] = SHUFFLED(t[e + 1], t[e + 3], 0, 1, 8, 9, 4, 5, 12, 13);                                                     \
        u[e + 2] = SHUFFLED(t[e], t[e + 2], 2, 3, 10, 11, 6, 7, 14, 15);                                                       \
        u[e + 3] = SHUFFLED(t[e + 1], t[e + 3], 2, 3, 10, 11, 6, 7, 14, 15);                                                   \
    }                                                                                                                          \
    _Pragma("unroll") for (int e = 0; e < 4; ++e) {                                                                            \
        X[e] = SHUFFLED(u[e], u[e + 4], 0, 1, 2, 3, 8, 9, 10, 11);                                                             \
        X[e + 4] = SHUFFLED(u[e], u[e + 4], 4, 5, 6, 7, 12, 13, 14, 15);                                                       \
    }

// A product with tiles of ROWS rows and COUNT registers of BYTES bytes.
#define DEFINE(NAME, TARGET, T, BYTES, ROWS, COUNT)                                                                            \
    typedef T NAME##_block __attribute__((vector_size(8 * sizeof(T)), aligned(sizeof(T))));                                    \
    typedef T NAME##_v __attribute__((vector_size(BYTES)));                                                                    \
    enum { NAME##_columns = COUNT * BYTES / sizeof(T) };                                                                       \
    /* `sums [ROWS][columns]` += what `depth` steps of two panels give. */                                                     \
    TARGET static void NAME##_tile(const T *left, const T *right, int64_t depth, T *sums) {                                    \
        NAME##_v *rows = (NAME##_v *)sums;                                                                                     \
        NAME##_v sum[ROWS][COUNT];                                                                                             \
        _Pragma("unroll") for (int i = 0; i < ROWS; ++i)                                                                       \
            _Pragma("unroll") for (int j = 0; j < COUNT; ++j) sum[i][j] = rows[i * COUNT + j];                                 \
        const NAME##_v *columns = (const NAME##_v *)right;                                                                     \
        for (int64_t k = 0; k < depth; ++k, columns += COUNT, left += ROWS) {                                                  \
            NAME##_v y[COUNT];                                                                                                 \
            _Pragma("unroll") for (int j = 0; j < COUNT; ++j) y[j] = columns[j];                                               \
            _Pragma("unroll") for (int i = 0; i < ROWS; ++i) {                                                                 \
                const NAME##_v x = (NAME##_v){0} + left[i];                                                                    \
                _Pragma("unroll") for (int j = 0; j < COUNT; ++j)                                                              \
                    sum[i][j] = __builtin_elementwise_fma(x, y[j], sum[i][j]);                                                 \
            }                                                                                                                  \
        }                                                                                                                      \
        _Pragma("unroll") for (int i = 0; i < ROWS; ++i)                                                                       \
            _Pragma("unroll") for (int j = 0; j < COUNT; ++j) rows[i * COUNT + j] = sum[i][j];                                 \
    }                                                                                                                          \
    TARGET static void NAME##_pack(                                                                                            \
        const double *from, int64_t lines, int64_t length, int64_t depth, int64_t width, T *to) {                              \
        for (int64_t line = 0; line < lines; line += width, to += width * depth) {                                             \
            const int64_t count = least(width, lines - line);                                                                  \
            if (count < width) for (int64_t k = 0; k < width * depth; ++k) to[k] = 0;                                          \
            /* A cache line of every line at a time: lines may lie a power of two apart. */                                    \
            for (int64_t k = 0; k < depth; k += 8) {                                                                           \
                int64_t i = 0;                                                                                                 \
                if (k + 8 <= depth)                                                                                            \
                    for (; i + 8 <= count; i += 8) {                                                                           \
                        const double *const at = from + (line + i) * length + k;                                               \
                        block8 x[8];                                                                                           \
                        _Pragma("unroll") for (int e = 0; e < 8; ++e) x[e] = *(const block8 *)(at + e * length);               \
                        TRANSPOSE(x)                                                                                           \
                        _Pragma("unroll") for (int e = 0; e < 8; ++e)                                                          \
                            *(NAME##_block *)(to + (k + e) * width + i) = __builtin_convertvector(x[e], NAME##_block);         \
                    }                                                                                                          \
                for (; i < count; ++i)                                                                                         \
                    for (int64_t e = 0; e < least(8, depth - k); ++e)                                                          \
                        to[(k + e) * width + i] = (T)from[(line + i) * length + k + e];                                        \
            }                                                                                                                  \
        }                                                                                                                      \
    }                                                                                                                          \
    static void NAME(                                                                                                          \
        const double *left, int64_t rows, const double *right, int64_t columns, int64_t length, double *result,                \
        int64_t distance) {                                                                                                    \
        enum { N = NAME##_columns };                                                                                           \
        const int64_t deepest = least(DEPTH, length);                                                                          \
        const int64_t left_size = (least(BLOCK_ROWS, rows) + ROWS - 1) / ROWS * ROWS * deepest;                                \
        const int64_t right_size = (least(BLOCK_COLUMNS, columns) + N - 1) / N * N * deepest;                                  \
        T *const packed = aligned_alloc(64, ((size_t)(left_size + right_size + 64) * sizeof(T) + 127) / 64 * 64);              \
        if (!packed) abort();                                                                                                  \
        T *const right_packed = packed, *const left_packed = packed + (right_size + 15) / 16 * 16;                             \
        _Alignas(64) T sums[ROWS * N];                                                                                         \
        for (int64_t k = 0; k < length || k == 0; k += DEPTH) {                                                                \
            const int64_t depth = least(DEPTH, length - k);                                                                    \
            for (int64_t j0 = 0; j0 < columns; j0 += BLOCK_COLUMNS) {                                                          \
                const int64_t j_count = least(BLOCK_COLUMNS, columns - j0);                                                    \
                NAME##_pack(right + j0 * length + k, j_count, length, depth, N, right_packed);                                 \
                for (int64_t i0 = 0; i0 < rows; i0 += BLOCK_ROWS) {                                                            \
                    const int64_t i_count = least(BLOCK_ROWS, rows - i0);                                                      \
                    NAME##_pack(left + i0 * length + k, i_count, length, depth, ROWS, left_packed);                            \
                    for (int64_t j = 0; j < j_count; j += N) {                                                                 \
                        const int64_t width = least(N, j_count - j);                                                           \
                        for (int64_t i = 0; i < i_count; i += ROWS) {                                                          \
                            const int64_t height = least(ROWS, i_count - i);                                                   \
                            double *const at = result + (i0 + i) * distance + j0 + j;                                          \
                            for (int64_t c = 0; c < ROWS * N; ++c) sums[c] = 0;                                                \
                            if (k > 0)                                                                                         \
                                for (int64_t r = 0; r < height; ++r)                                                           \
                                    for (int64_t c = 0; c < width; ++c) sums[r * N + c] = (T)at[r * distance + c];             \
                            NAME##_tile(left_packed + i * depth, right_packed + j * depth, depth, sums);                       \
                            for (int64_t r = 0; r < height; ++r)                                                               \
                                for (int64_t c = 0; c < width; ++c) at[r * distance + c] = (double)sums[r * N + c];            \
                        }                                                                                                      \
                    }                                                                                                          \
                }                                                                                                              \
            }                                                                                                                  \
        }                                                                                                                      \
        free(packed);                                                                                                          \
    }

DEFINE(f64_narrow, , double, 16, 4, 2)
DEFINE(f32_narrow, , float, 16, 4, 2)

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f,fma,prefer-256-bit"), min_vector_width(512)))
DEFINE(f64_avx2, AVX2, double, 32, 4, 3)
DEFINE(f32_avx2, AVX2, float, 32, 4, 3)
DEFINE(f64_avx512, AVX512, double, 64, 8, 3)
DEFINE(f32_avx512, AVX512, float, 64, 8, 3)

/// What this processor has of them: 2, 1, or 0 for none.
static int width(void) {
    if (__builtin_cpu_supports("avx512f")) return 2;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif

void hearth_dot_products_f64(
    const double *left, int64_t rows, const double *right, int64_t columns, int64_t length, double *result, int64_t distance) {
    if (rows <= 0 || columns <= 0) return;
#if defined(__x86_64__)
    switch (width()) {
    case 2: return f64_avx512(left, rows, right, columns, length, result, distance);
    case 1: return f64_avx2(left, rows, right, columns, length, result, distance);
    }
#endif
    f64_narrow(left, rows, right, columns, length, result, distance);
}

void hearth_dot_products_f32(
    const double *left, int64_t rows, const double *right, int64_t columns, int64_t length, double *result, int64_t distance) {
    if (rows <= 0 || columns <= 0) return;
#if defined(__x86_64__)
    switch (width()) {
    case 2: return f32_avx512(left, rows, right, columns, length, result, distance);
    case 1: return f32_avx2(left, rows, right, columns, length, result, distance);
    }
#endif
    f32_narrow(left, rows, right, columns, length, result, distance);
}
