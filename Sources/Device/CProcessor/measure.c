// Kernels that do one thing as fast as the processor can. Each keeps its results alive in `workspace`-free registers by
// storing a checksum that nobody reads.

#include "CProcessor.h"

#include <stddef.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define KERNEL(name)                                                                                                   \
    static int32_t name(void *const *buffers, const int64_t *dims, void *workspace, int32_t part, int32_t parts)
#define UNUSED (void)buffers, (void)workspace, (void)part, (void)parts
/// Keeps a register value alive.
#define KEEP(value) __asm__ volatile("" : : "x"(value))

typedef float float4 __attribute__((vector_size(16)));
typedef int64_t word2 __attribute__((vector_size(16)));

// MARK: - Memory

static void read_portable(const char *from, size_t bytes) {
    word2 a = {0}, b = {0}, c = {0}, d = {0};
    for (size_t i = 0; i + 64 <= bytes; i += 64) {
        const word2 *p = (const word2 *)(from + i);
        a |= p[0], b |= p[1], c |= p[2], d |= p[3];
    }
    volatile int64_t sink = (a | b | c | d)[0];
    (void)sink;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void read_avx2(const char *from, size_t bytes) {
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
    for (size_t i = 0; i + 128 <= bytes; i += 128) {
        const __m256i *p = (const __m256i *)(from + i);
        a = _mm256_or_si256(a, _mm256_load_si256(p)), b = _mm256_or_si256(b, _mm256_load_si256(p + 1));
        c = _mm256_or_si256(c, _mm256_load_si256(p + 2)), d = _mm256_or_si256(d, _mm256_load_si256(p + 3));
    }
    a = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
    KEEP(a);
}
#endif

int32_t hearth_measure_read(void *const *buffers, const int64_t *dims, void *workspace, int32_t part, int32_t parts) {
    (void)workspace;
    size_t share = (size_t)(dims[1] / parts) & ~(size_t)4095;
    const char *from = (const char *)buffers[0] + share * (size_t)part;
    for (int64_t i = 0; i < dims[0]; i++) {
#if defined(__x86_64__)
        if (dims[2] & HEARTH_HAS_AVX2) {
            read_avx2(from, share);
            continue;
        }
#endif
        read_portable(from, share);
    }
    return 0;
}

// MARK: - fp32

enum { CHAINS = 16, STEPS = 1024 };

KERNEL(fp32_portable) {
    UNUSED;
    float4 sums[8], x = {1e-9f, 1e-9f, 1e-9f, 1e-9f}, y = {0.5f, 0.5f, 0.5f, 0.5f};
    for (int k = 0; k < 8; k++) sums[k] = x * (float)k;
    for (int64_t i = 0; i < dims[0]; i++)
        for (int step = 0; step < STEPS; step++) {
#pragma clang loop unroll(full)
            for (int k = 0; k < 8; k++) sums[k] = sums[k] * y + x;
            __asm__ volatile("" : "+m"(x));
        }
    volatile float sink = 0;
    for (int k = 0; k < 8; k++) sink += sums[k][0];
    return 0;
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) KERNEL(fp32_avx2) {
    UNUSED;
    __m256 s[12], x = _mm256_set1_ps(1e-9f), y = _mm256_set1_ps(0.5f);
    for (int k = 0; k < 12; k++) s[k] = x;
    for (int64_t i = 0; i < dims[0]; i++)
        for (int step = 0; step < STEPS; step++) {
#pragma clang loop unroll(full)
            for (int k = 0; k < 12; k++) s[k] = _mm256_fmadd_ps(s[k], y, x);
            __asm__ volatile("" : "+x"(x));
        }
    for (int k = 1; k < 12; k++) s[0] = _mm256_add_ps(s[0], s[k]);
    KEEP(s[0]);
    return 0;
}

__attribute__((target("avx512f"))) KERNEL(fp32_avx512) {
    UNUSED;
    __m512 s[CHAINS], x = _mm512_set1_ps(1e-9f), y = _mm512_set1_ps(0.5f);
    for (int k = 0; k < CHAINS; k++) s[k] = x;
    for (int64_t i = 0; i < dims[0]; i++)
        for (int step = 0; step < STEPS; step++) {
#pragma clang loop unroll(full)
            for (int k = 0; k < CHAINS; k++) s[k] = _mm512_fmadd_ps(s[k], y, x);
            __asm__ volatile("" : "+v"(x));
        }
    for (int k = 1; k < CHAINS; k++) s[0] = _mm512_add_ps(s[0], s[k]);
    float sink = _mm512_reduce_add_ps(s[0]);
    KEEP(sink);
    return 0;
}
#endif

HearthArithmetic hearth_measure_fp32(uint32_t features) {
#if defined(__x86_64__)
    if (features & HEARTH_HAS_AVX512F) return (HearthArithmetic){fp32_avx512, (int64_t)STEPS * CHAINS * 16 * 2};
    if ((features & HEARTH_HAS_AVX2) && (features & HEARTH_HAS_FMA))
        return (HearthArithmetic){fp32_avx2, (int64_t)STEPS * 12 * 8 * 2};
#endif
    (void)features;
    return (HearthArithmetic){fp32_portable, (int64_t)STEPS * 8 * 4 * 2};
}

// MARK: - bf16 and int8

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512bf16"))) KERNEL(bf16_avx512) {
    UNUSED;
    __m512 s[CHAINS];
    __m512i x = _mm512_set1_epi16(0x3080), y = _mm512_set1_epi16(0x3f00);
    for (int k = 0; k < CHAINS; k++) s[k] = _mm512_setzero_ps();
    for (int64_t i = 0; i < dims[0]; i++)
        for (int step = 0; step < STEPS; step++) {
#pragma clang loop unroll(full)
            for (int k = 0; k < CHAINS; k++) s[k] = _mm512_dpbf16_ps(s[k], (__m512bh)x, (__m512bh)y);
            __asm__ volatile("" : "+v"(x));
        }
    for (int k = 1; k < CHAINS; k++) s[0] = _mm512_add_ps(s[0], s[k]);
    float sink = _mm512_reduce_add_ps(s[0]);
    KEEP(sink);
    return 0;
}

__attribute__((target("avx512f,avx512vnni"))) KERNEL(int8_avx512) {
    UNUSED;
    __m512i s[CHAINS], x = _mm512_set1_epi8(1), y = _mm512_set1_epi8(2);
    for (int k = 0; k < CHAINS; k++) s[k] = _mm512_setzero_si512();
    for (int64_t i = 0; i < dims[0]; i++)
        for (int step = 0; step < STEPS; step++) {
#pragma clang loop unroll(full)
            for (int k = 0; k < CHAINS; k++) s[k] = _mm512_dpbusd_epi32(s[k], x, y);
            __asm__ volatile("" : "+v"(x));
        }
    for (int k = 1; k < CHAINS; k++) s[0] = _mm512_add_epi32(s[0], s[k]);
    int sink = _mm512_reduce_add_epi32(s[0]);
    __asm__ volatile("" : : "r"(sink));
    return 0;
}

__attribute__((target("avx2,avxvnni"))) KERNEL(int8_avx) {
    UNUSED;
    __m256i s[12], x = _mm256_set1_epi8(1), y = _mm256_set1_epi8(2);
    for (int k = 0; k < 12; k++) s[k] = _mm256_setzero_si256();
    for (int64_t i = 0; i < dims[0]; i++)
        for (int step = 0; step < STEPS; step++) {
#pragma clang loop unroll(full)
            for (int k = 0; k < 12; k++) s[k] = _mm256_dpbusd_avx_epi32(s[k], x, y);
            __asm__ volatile("" : "+x"(x));
        }
    for (int k = 1; k < 12; k++) s[0] = _mm256_add_epi32(s[0], s[k]);
    KEEP(s[0]);
    return 0;
}

/// Palette 1, eight tiles of 16 rows × 64 bytes.
typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t bytes_per_row[16];
    uint8_t rows[16];
} __attribute__((packed, aligned(64))) TileConfiguration;

#define TILE_KERNEL(name, feature, multiply)                                                                           \
    __attribute__((target("amx-tile," feature))) KERNEL(name) {                                                        \
        UNUSED;                                                                                                        \
        TileConfiguration tiles = {.palette = 1};                                                                      \
        for (int k = 0; k < 8; k++) tiles.bytes_per_row[k] = 64, tiles.rows[k] = 16;                                   \
        _tile_loadconfig(&tiles);                                                                                      \
        _tile_zero(0), _tile_zero(1), _tile_zero(2), _tile_zero(3);                                                    \
        _tile_zero(4), _tile_zero(5), _tile_zero(6), _tile_zero(7);                                                    \
        for (int64_t i = 0; i < dims[0]; i++)                                                                          \
            for (int step = 0; step < STEPS / 4; step++) {                                                             \
                multiply(0, 4, 6), multiply(1, 4, 7), multiply(2, 5, 6), multiply(3, 5, 7);                            \
            }                                                                                                          \
        _tile_release();                                                                                               \
        return 0;                                                                                                      \
    }
TILE_KERNEL(bf16_amx, "amx-bf16", _tile_dpbf16ps)
TILE_KERNEL(int8_amx, "amx-int8", _tile_dpbssd)
#endif

HearthArithmetic hearth_measure_bf16(uint32_t features) {
#if defined(__x86_64__)
    if (features & HEARTH_HAS_AMX_BF16) return (HearthArithmetic){bf16_amx, (int64_t)STEPS * 16 * 16 * 32 * 2};
    if (features & HEARTH_HAS_AVX512BF16) return (HearthArithmetic){bf16_avx512, (int64_t)STEPS * CHAINS * 32 * 2};
#endif
    (void)features;
    return (HearthArithmetic){NULL, 0};
}

HearthArithmetic hearth_measure_int8(uint32_t features) {
#if defined(__x86_64__)
    if (features & HEARTH_HAS_AMX_INT8) return (HearthArithmetic){int8_amx, (int64_t)STEPS * 16 * 16 * 64 * 2};
    if (features & HEARTH_HAS_AVX512VNNI) return (HearthArithmetic){int8_avx512, (int64_t)STEPS * CHAINS * 64 * 2};
    if (features & HEARTH_HAS_AVXVNNI) return (HearthArithmetic){int8_avx, (int64_t)STEPS * 12 * 32 * 2};
#endif
    (void)features;
    return (HearthArithmetic){NULL, 0};
}
