/// AMX in C as Intel's manual describes it (SDM, volume 2, TDPBF16PS and its neighbours), with its faults as traps.
enum ImitatedTiles {
    /// What stands for `immintrin.h` where the instructions are missing. Products of bf16 are summed as the manual says: the even and the
    /// odd products of a pair by fused multiply-adds from zero, in a chain each, then both and what was there. Every operation
    /// takes subnormal numbers for zeros, makes zeros of subnormal results and rounds to nearest even, whatever the control register
    /// says: here it says just that for as long.
    static let text = #"""
        static struct { int rows[8], bytes[8]; unsigned char data[8][1024]; } tiles;
        static void _tile_loadconfig(const void *from) {
            const unsigned char *c = from;
            for (int t = 0; t < 8; ++t) {
                tiles.rows[t] = c[48 + t]; tiles.bytes[t] = c[16 + 2 * t] | c[17 + 2 * t] << 8;
                if (tiles.rows[t] > 16 || tiles.bytes[t] > 64) __builtin_trap();
            }
        }
        static void _tile_release(void) { __builtin_memset(&tiles, 0, sizeof tiles); }
        static void _tile_zero(int t) { __builtin_memset(tiles.data[t], 0, 1024); }
        static void _tile_loadd(int t, const void *from, int64_t stride) {
            if (!tiles.rows[t]) __builtin_trap();
            for (int r = 0; r < tiles.rows[t]; ++r)
                __builtin_memcpy(tiles.data[t] + 64 * r, (const char *)from + r * stride, tiles.bytes[t]);
        }
        static void _tile_stored(int t, void *to, int64_t stride) {
            for (int r = 0; r < tiles.rows[t]; ++r)
                __builtin_memcpy((char *)to + r * stride, tiles.data[t] + 64 * r, tiles.bytes[t]);
        }
        static __attribute__((noinline)) void tile_sums(unsigned char *c, const unsigned char *a, const unsigned char *b, int pairs, int columns) {
            float even[16] = {0}, odd[16] = {0}, sum[16];
            for (int k = 0; k < pairs; ++k) {
                uint16_t x[2], y[32];
                __builtin_memcpy(x, a + 4 * k, sizeof x);
                __builtin_memcpy(y, b + 64 * k, sizeof y);
                for (int n = 0; n < columns; ++n) {
                    even[n] = __builtin_fmaf(load_bf16(x[0]), load_bf16(y[2 * n]), even[n]);
                    odd[n] = __builtin_fmaf(load_bf16(x[1]), load_bf16(y[2 * n + 1]), odd[n]);
                }
            }
            __builtin_memcpy(sum, c, sizeof sum);
            for (int n = 0; n < columns; ++n) sum[n] += even[n] + odd[n];
            __builtin_memcpy(c, sum, 4 * columns);
        }
        static void _tile_dpbf16ps(int c, int a, int b) {
            if (tiles.rows[c] != tiles.rows[a] || tiles.bytes[a] != 4 * tiles.rows[b]) __builtin_trap();
            if (tiles.bytes[c] != tiles.bytes[b]) __builtin_trap();
            // All exceptions masked; DAZ is bit 6, FTZ bit 15.
            unsigned before, flushing = 0x9FC0;
            __asm__ volatile("stmxcsr %0" : "=m"(before) : : "memory");
            __asm__ volatile("ldmxcsr %0" : : "m"(flushing) : "memory");
            for (int m = 0; m < tiles.rows[c]; ++m)
                tile_sums(tiles.data[c] + 64 * m, tiles.data[a] + 64 * m, tiles.data[b], tiles.bytes[a] / 4, tiles.bytes[c] / 4);
            __asm__ volatile("ldmxcsr %0" : : "m"(before) : "memory");
        }
        #define TILE_OF_BYTES(name, left) \
        static void name(int c, int a, int b) { \
            if (tiles.rows[c] != tiles.rows[a] || tiles.bytes[a] != 4 * tiles.rows[b]) __builtin_trap(); \
            if (tiles.bytes[c] != tiles.bytes[b]) __builtin_trap(); \
            for (int m = 0; m < tiles.rows[c]; ++m) \
                for (int k = 0; k < tiles.bytes[a]; ++k) \
                    for (int n = 0; n < tiles.bytes[c] / 4; ++n) { \
                        left x; int8_t y; int32_t s; \
                        __builtin_memcpy(&x, tiles.data[a] + 64 * m + k, 1); \
                        __builtin_memcpy(&y, tiles.data[b] + 64 * (k / 4) + 4 * n + k % 4, 1); \
                        __builtin_memcpy(&s, tiles.data[c] + 64 * m + 4 * n, 4); \
                        s += x * y; \
                        __builtin_memcpy(tiles.data[c] + 64 * m + 4 * n, &s, 4); \
                    } \
        }
        TILE_OF_BYTES(_tile_dpbssd, int8_t)
        TILE_OF_BYTES(_tile_dpbusd, uint8_t)
        """#
}
