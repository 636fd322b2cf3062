import ElementTypes
import KernelIR

/// Products of f32 on units that multiply bf16 (AMX): every factor is cut into three bf16 pieces, and six of the nine products of
/// pieces are summed in f32, the smallest first.
///
/// **Pieces.** `high` is the factor rounded to bf16, `middle` what is left rounded to bf16, `low` the rest. Of 24 bits
/// the first step leaves 16 and the second 7, so that `x = high + middle + low` exactly. The products left out (middle · low,
/// low · middle, low · low) are together less than 2^-24 (1 + 2^-9) of the whole product, as much as one rounding to f32. See Henry, Tang and
/// Heinecke, "Leveraging the bfloat16 Artificial Intelligence Datatype For Higher-Precision Computations" (ARITH 2019).
///
/// **The window.** AMX takes subnormal numbers for zeros and makes zeros of subnormal results (Intel SDM, TDPBF16PS). Only factors
/// that are 0 or between 2^-72 and 2^23 in magnitude are cut, scaled by 2^32 first: between 2^-40 and 2^55. Such a factor is a
/// multiple of 2^-63, and so are its pieces; products of pieces are multiples of 2^-126, and so are all sums of them, rounded or not.
/// Thus none is subnormal. A sum of at most 2^16 products is below 2^127, so that none overflows. At last sums are scaled by 2^-64.
///
/// **All other factors** (infinities, NaN, what is too large or too small) mark the row of the left operand or the panel of the right one
/// that they stand in. Those stay in f32, and what needs them is summed by multiply-adds in the order of the plain kernel, so
/// that it is the same to the bit. A row never touches the results of another one, so the other rows of its tile stay as they are.
///
/// **Packed rows and panels** are `[depth / 32][piece][…]`, the rest as AMX reads bf16, with a line of 64 bytes behind whose first
/// element is the mark. Marked ones hold f32 (`[depth]` or `[depth][column]`) in the last two of their three thirds, where operands are
/// evaluated to begin with; cutting goes from there to the front in place, as every step writes only what was read before.
enum SplitProduct {
    /// Pieces of a factor.
    static let pieces = 3
    /// bf16 elements behind a packed row or panel: a line, which holds the mark.
    static let markElements = 32
    /// Most terms of a sum: with the window they bound every sum by 2^127.
    static let mostTerms = 1 << 16
    /// Bytes of the workspace for what is restored to f32: 512 steps of a panel, and of four rows.
    static let plainBytes = 512 * (32 + 4) * 4
    /// What is said of such a kernel wherever it is listed.
    static let note = "fp32 by six bf16 products (AMX)"

    /// Whether cutting may pay: rows half fill a tile at least, and each factor is used often enough. Rows may be symbolic (nil).
    static func mayPay(rows: Int?, columns: Int?, depth: Int?) -> Bool {
        guard let columns, let depth else { return false }
        return (rows ?? .max) >= 16 && columns >= 64 && (64...mostTerms).contains(depth)
    }

    /// The C functions; they need `configure_tiles` and the tile instructions before them.
    static let text = #"""
        #ifndef HEARTH_SPLIT
        #define HEARTH_SPLIT
        // 1 where a number is neither 0 nor between 2^-72 and 2^23.
        FORCE vi split_outside(vf x) {
            const vu b = (vu)x & 0x7FFFFFFFu;
            return (vi)(b - 0x1B800000u > 0x2F800000u) & (vi)(b != 0u);
        }
        // The pieces of 16 numbers as f32 whose lower halves are 0.
        typedef struct { vu high, middle, low; } split_pieces;
        FORCE vu split_rounded(vf x) { const vu u = (vu)x; return (u + 0x7FFFu + ((u >> 16) & 1u)) & 0xFFFF0000u; }
        FORCE split_pieces split_cut(vf x) {
            split_pieces p;
            x = x * 0x1p32f;
            p.high = split_rounded(x); x = x - (vf)p.high;
            p.middle = split_rounded(x); x = x - (vf)p.middle;
            p.low = split_rounded(x);
            return p;
        }
        // Exactly what was cut.
        FORCE vf split_joined(vu high, vu middle, vu low) { return (((vf)low + (vf)middle) + (vf)high) * 0x1p-32f; }
        static int split_marks(const float *from, int64_t count) {
            vi found = {0};
            for (int64_t at = 0; at < count; at += 16) found |= split_outside(*(const vf_u *)(from + at));
            return fold_any_b(found);
        }
        // Cuts a row of `depth` (a multiple of 32) numbers, or marks it; says whether it is marked.
        static __attribute__((noinline)) int split_row(uint16_t *slot, int64_t depth) {
            const float *const whole = (const float *)(slot + depth);
            const int isMarked = split_marks(whole, depth);
            slot[3 * depth] = (uint16_t)isMarked;
            if (isMarked) return 1;
            for (int64_t k = 0; k < depth; k += 32) {
                const split_pieces a = split_cut(*(const vf_u *)(whole + k)), b = split_cut(*(const vf_u *)(whole + k + 16));
                uint16_t *const to = slot + 3 * k;
                *(vh_u *)to = CONVERT(a.high >> 16, vh); *(vh_u *)(to + 16) = CONVERT(b.high >> 16, vh);
                *(vh_u *)(to + 32) = CONVERT(a.middle >> 16, vh); *(vh_u *)(to + 48) = CONVERT(b.middle >> 16, vh);
                *(vh_u *)(to + 64) = CONVERT(a.low >> 16, vh); *(vh_u *)(to + 80) = CONVERT(b.low >> 16, vh);
            }
            return 0;
        }
        // Cuts a panel of `depth` by 32 columns, or marks it.
        static __attribute__((noinline)) void split_panel(uint16_t *slot, int64_t depth) {
            const float *const whole = (const float *)(slot + 32 * depth);
            const int isMarked = split_marks(whole, 32 * depth);
            slot[96 * depth] = (uint16_t)isMarked;
            if (isMarked) return;
            for (int64_t k = 0; k < depth; k += 32) {
                float step[32 * 32] __attribute__((aligned(64)));
                __builtin_memcpy(step, whole + 32 * k, sizeof step);
                for (int run = 0; run < 32; ++run) {
                    const float *const from = step + run / 2 * 64 + run % 2 * 16;
                    const split_pieces even = split_cut(*(const vf_u *)from), odd = split_cut(*(const vf_u *)(from + 32));
                    uint16_t *const to = slot + 96 * k + 32 * run;
                    *(vu_u *)to = even.high >> 16 | odd.high;
                    *(vu_u *)(to + 1024) = even.middle >> 16 | odd.middle;
                    *(vu_u *)(to + 2048) = even.low >> 16 | odd.low;
                }
            }
        }
        // Restores elements `k` to `end` of a row (`k` is a multiple of 32).
        static const float *split_restored_row(const uint16_t *slot, int64_t k, int64_t end, float *to) {
            float *const start = to;
            for (; k < end; k += 32) {
                const uint16_t *const from = slot + 3 * k;
                for (int at = 0; at < 32; at += 16, to += 16) {
                    const vu high = CONVERT(*(const vh_u *)(from + at), vu) << 16;
                    const vu middle = CONVERT(*(const vh_u *)(from + at + 32), vu) << 16;
                    const vu low = CONVERT(*(const vh_u *)(from + at + 64), vu) << 16;
                    *(vf_u *)to = split_joined(high, middle, low);
                }
            }
            return start;
        }
        // Restores rows `k` to `end` of a panel.
        static const float *split_restored_panel(const uint16_t *slot, int64_t k, int64_t end, float *to) {
            float *const start = to;
            for (; k < end; k += 32, to += 1024) {
                for (int run = 0; run < 32; ++run) {
                    const uint16_t *const from = slot + 96 * k + 32 * run;
                    const vu high = *(const vu_u *)from, middle = *(const vu_u *)(from + 1024), low = *(const vu_u *)(from + 2048);
                    float *const place = to + run / 2 * 64 + run % 2 * 16;
                    const vu upper = (vu){0} + 0xFFFF0000u;
                    *(vf_u *)place = split_joined(high << 16, middle << 16, low << 16);
                    *(vf_u *)(place + 32) = split_joined(high & upper, middle & upper, low & upper);
                }
            }
            return start;
        }
        // The rows of a tile that are marked, or all where the panel is, as the plain kernel sums them: 256 products at a time.
        static __attribute__((noinline)) void split_plain(
            const uint16_t *left, int64_t stride, const uint16_t *right, int64_t padded, int64_t depth, int64_t count,
            float *area, float *tile) {
            const int isMarked = right[96 * padded];
            int isNeeded = isMarked;
            for (int64_t row = 0; row < count; ++row) isNeeded |= left[row * stride + 3 * padded];
            if (!isNeeded) return;
            for (int64_t k = 0; k < depth;) {
                const int64_t end = depth - k < 512 ? depth : k + 256, length = end - k;
                const float *const panel =
                    isMarked ? (const float *)(right + 32 * padded) + 32 * k : split_restored_panel(right, k, end, area);
                for (int64_t row = 0; row < count;) {
                    const float *rows[4]; float *sums[4]; int found = 0;
                    for (; row < count && found < 4; ++row) {
                        const uint16_t *const slot = left + row * stride;
                        if (!isMarked && !slot[3 * padded]) continue;
                        rows[found] = slot[3 * padded] ? (const float *)(slot + padded) + k
                            : split_restored_row(slot, k, end, area + 512 * 32 + 512 * found);
                        sums[found++] = tile + 32 * row;
                    }
                    if (found == 0) break;
                    for (int other = found; other < 4; ++other) rows[other] = rows[0];
                    vf c[4][2] = {{{0}}};
                    for (int64_t at = 0; at < length; ++at) {
                        const vf b0 = *(const vf_u *)(panel + 32 * at), b1 = *(const vf_u *)(panel + 32 * at + 16);
                        for (int r = 0; r < 4; ++r) {
                            const vf x = splat_f(rows[r][at]);
                            c[r][0] += x * b0; c[r][1] += x * b1;
                        }
                    }
                    for (int r = 0; r < found; ++r) {
                        vf_u *const to = (vf_u *)sums[r];
                        if (k > 0) { c[r][0] = to[0] + c[r][0]; c[r][1] = to[1] + c[r][1]; }
                        to[0] = c[r][0]; to[1] = c[r][1];
                    }
                }
                k = end;
            }
        }
        // Up to 32 rows by 32 columns: tiles 0 to 3 hold sums, 4 and 5 pieces of rows, 6 and 7 of columns. Sums of 256 products of
        // factors are added in vectors, so that rounding grows as slowly as in the plain kernel.
        FORCE void split_tiles(
            const uint16_t *left, int64_t stride, const uint16_t *right, int64_t depth, const char *ahead, int lines,
            int second, int64_t count, float *tile) {
            float sums[32 * 32] __attribute__((aligned(64)));
            for (int64_t k = 0; k < depth;) {
                const int64_t end = depth - k < 512 ? depth : k + 256;
                const int isFirst = k == 0;
                _tile_zero(0); _tile_zero(1);
                if (second) { _tile_zero(2); _tile_zero(3); }
                for (; k < end; k += 32) {
                    const uint16_t *const a = left + 3 * k, *const b = right + 96 * k;
                    for (int line = 0; line < lines; ++line) __builtin_prefetch(ahead + 64 * line, 0, 2);
                    ahead += 64 * lines;
                    #define SPLIT_LEFT(PIECE) \
                        _tile_loadd(4, a + 32 * PIECE, stride * 2); \
                        if (second) _tile_loadd(5, a + 16 * stride + 32 * PIECE, stride * 2)
                    #define SPLIT_RIGHT(PIECE) \
                        _tile_loadd(6, b + 1024 * PIECE, 128); _tile_loadd(7, b + 1024 * PIECE + 32, 128)
                    #define SPLIT_MULTIPLY \
                        _tile_dpbf16ps(0, 4, 6); _tile_dpbf16ps(1, 4, 7); \
                        if (second) { _tile_dpbf16ps(2, 5, 6); _tile_dpbf16ps(3, 5, 7); }
                    SPLIT_LEFT(0); SPLIT_RIGHT(2); SPLIT_MULTIPLY
                    SPLIT_RIGHT(1); SPLIT_MULTIPLY
                    SPLIT_LEFT(1); SPLIT_MULTIPLY
                    SPLIT_RIGHT(0); SPLIT_MULTIPLY
                    SPLIT_LEFT(2); SPLIT_MULTIPLY
                    SPLIT_LEFT(0); SPLIT_MULTIPLY
                }
                _tile_stored(0, sums, 128); _tile_stored(1, sums + 16, 128);
                if (second) { _tile_stored(2, sums + 512, 128); _tile_stored(3, sums + 528, 128); }
                for (int64_t at = 0; at < 32 * count; at += 16) {
                    vf sum = *(const vf_u *)(sums + at);
                    if (!isFirst) sum += *(const vf_u *)(tile + at);
                    *(vf_u *)(tile + at) = end == depth ? sum * 0x1p-64f : sum;
                }
            }
        }
        #endif

        """#
}
