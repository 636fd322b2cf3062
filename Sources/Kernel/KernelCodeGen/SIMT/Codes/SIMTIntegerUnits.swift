import ElementTypes
import KernelIR

/// Products of one row by whole-number codes of 4 or 8 bits on units that multiply bytes (`mma.m16n8k32`, 16 columns of the product by a
/// part of 32 summed elements): codes are bytes as soon as they are cut apart, where they took seven instructions to become eight
/// numbers of bf16.
///
/// The left operand is made of whole numbers too: its values of a part as multiples of one power of two, 2^-14 (bf16) or 2^-13 (f16) of
/// the greatest one's, rounded to nearest, so exactly as they were where they are at most 2^7 (2^3) times smaller than that one and
/// never further off than 2^-15 (2^-14) of it. In two bytes, `256 · high + low`, a number takes two of the unit's 8 columns; a batch's
/// parts take columns of their own, so that all of its sums come in one fragment: in lane (g, t) those of columns g and g + 8 in
/// part t, high and low. They are exact; what follows is f32.
///
/// In shared memory a batch of the left operand is `[part][high, low][4 t][8 bytes]`, 16 bytes of zeros, which lanes read whose column
/// another part has, then `[part]` of what codes' lowest value adds to a part's sum (i32) and what the power of two is (f32).
struct SIMTIntegerUnits {
    let weights: SIMTUnitCodes

    private var parts: Int { weights.parts }
    private var element: ElementType { weights.codes.product.element }
    private var lowest: Int {
        switch weights.kind {
        case .nibble(let lowest), .byte(let lowest): lowest
        case .real: preconditionFailure("reals are no whole numbers")
        }
    }
    private var zerosPlace: Int { parts * 64 }
    private var notesPlace: Int { parts * 64 + 16 }
    /// Bytes of a batch of the left operand.
    var leftBytes: Int { parts * 64 + 16 + parts * 8 }

    // MARK: The left operand

    /// `void SYMBOL_keep(const uint32_t *x, unsigned char *batch, int part, int t, int isThere)`: puts a lane's 8 values in their place in
    /// a batch; the four lanes of a part take part together.
    func keeper(_ symbol: String) -> String {
        let bits = element == .f16 ? 13 : 14
        let lines = [
            "FORCE void \(symbol)_keep(const uint32_t *x, unsigned char *batch, int part, int t, int isThere) {",
            "float v[8]; int most = 0, sum = 0;",
            // As whole numbers, so that NaN is the greatest.
            "UNROLL for (int k = 0; k < 8; ++k) { v[k] = \(SIMTFrame.lane("x", element, "k"));",
            "const int size = bits_fs(v[k]) & 0x7fffffff; if (size > most) most = size; }",
            "UNROLL for (int other = 1; other < 4; other *= 2) "
                + "{ const int size = __shfl_xor_sync(0xffffffffu, most, other); if (size > most) most = size; }",
            "int field = most >> 23; if (field < 16) field = 16;",
            "const float up = unbits_fs((\(254 + bits) - field) << 23), unit = unbits_fs(most >= 0x7f800000 ? 0x7fc00000 : (field - \(bits)) << 23);",
            "uint32_t high[2] = {0, 0}, low[2] = {0, 0};", "UNROLL for (int k = 0; k < 8; ++k) {",
            "int q = near_int(v[k] * up);", bits == 14 ? "if (q > 32639) q = 32639;" : "",
            "const int h = (q + 128) >> 8; sum += q;",
            "high[k / 4] |= (uint32_t)(h & 255) << k % 4 * 8; low[k / 4] |= (uint32_t)(q & 255) << k % 4 * 8; }",
            "sum += __shfl_xor_sync(0xffffffffu, sum, 1); sum += __shfl_xor_sync(0xffffffffu, sum, 2);",
            "if (!isThere) return;", "unsigned char *const to = batch + part * 64 + t * 8;",
            "((uint32_t *)to)[0] = high[0]; ((uint32_t *)to)[1] = high[1];",
            "((uint32_t *)(to + 32))[0] = low[0]; ((uint32_t *)(to + 32))[1] = low[1];",
            "if (t == 0) { ((int *)(batch + \(notesPlace)))[part * 2] = \(lowest) * sum; "
                + "((float *)(batch + \(notesPlace)))[part * 2 + 1] = unit; }",
            "if (part == 0) ((uint32_t *)(batch + \(zerosPlace)))[t] = 0; }", "",
        ]
        return lines.filter { $0 != "" }.joined(separator: "\n") + "\n"
    }

    // MARK: Products

    /// Statements of a lane (g, t) before all batches: where in a batch of the left operand it reads for each part, and its note.
    var begin: [String] {
        [
            "int from[\(parts)];",
            "UNROLL for (int h = 0; h < \(parts); ++h) from[h] = g / 2 == h ? h * 64 + g % 2 * 32 + t * 8 : \(zerosPlace);",
            "const int note = \(parts == 4 ? "\(notesPlace) + t * 8" : "t < \(parts) ? \(notesPlace) + t * 8 : \(zerosPlace)");",
        ]
    }

    /// Statements that read a lane's words of `count` batches, the first at `place` (a pointer) and each `stride` bytes after the one
    /// before, into `w[count][8]` and its scales into `f[count]`; of batch `u` only where `condition` holds.
    func fetch(_ place: String, _ count: Int, stride: Int, where condition: String?) -> [String] {
        let words = weights.codes.operand.scaleElement.byteCount / 2
        var lines = ["uint32_t w[\(count)][8];", weights.hasBlocks ? "uint32_t f[\(count)][\(words)];" : ""]
        lines += [
            "UNROLL for (int u = 0; u < \(count); ++u) \(condition.map { "if (\($0)) " } ?? ""){",
            "const unsigned char *const batch = \(place) + u * \(stride);",
        ]
        for first in [0, 4] {
            lines.append(
                "{ const uint4 q = *(const uint4 *)(batch + \(first * 128) + lane * 16); w[u][\(first)] = q.x; "
                    + "w[u][\(first + 1)] = q.y; w[u][\(first + 2)] = q.z; w[u][\(first + 3)] = q.w; }")
        }
        if weights.hasBlocks {
            let at = "((const uint32_t *)(batch + 1024))[(g * \(parts) + t % \(parts)) * \(words) + k]"
            lines.append("UNROLL for (int k = 0; k < \(words); ++k) f[u][k] = \(at);")
        }
        return lines + ["}"]
    }

    /// Statements that add the products of batch `u`, as `fetch` left it, with the batch of the left operand at `left` (a pointer), to
    /// `c[2]`: of columns g and g + 8, a lane's part of the batch.
    func multiply(left: String) -> [String] {
        var lines = [
            "const unsigned char *const left = \(left);", "int y[4] = {0, 0, 0, 0};",
            "UNROLL for (int h = 0; h < \(parts); ++h) {", "const uint2 x = *(const uint2 *)(left + from[h]);",
        ]
        if case .nibble = weights.kind {
            lines += [
                "const uint32_t a[4] = {w[u][2 * h] & 0x0f0f0f0fu, w[u][2 * h] >> 4 & 0x0f0f0f0fu, "
                    + "w[u][2 * h + 1] & 0x0f0f0f0fu, w[u][2 * h + 1] >> 4 & 0x0f0f0f0fu};",
                "multiply_bytes(y, a, x); }",
            ]
        } else {
            lines.append("multiply_bytes(y, w[u] + 4 * h, x); }")
        }
        lines += [
            "const uint2 own = *(const uint2 *)(left + note);",
            "const float unit = unbits_fs((int32_t)own.y);",
            "const int add = (int)own.x;",
        ]
        for column in 0..<2 {
            let factor = weights.hasBlocks ? "\(weights.scale("f[u]", "0", column)) * unit" : "unit"
            lines.append(
                "c[\(column)] = fma_fs((float)(y[\(2 * column)] * 256 + y[\(2 * column + 1)] + add), \(factor), c[\(column)]);"
            )
        }
        return lines
    }

    /// Statements that leave the sums of columns g and g + 8 in `c` of all lanes of a column.
    var join: [String] {
        [
            "UNROLL for (int i = 0; i < 2; ++i) { c[i] += __shfl_xor_sync(0xffffffffu, c[i], 1); "
                + "c[i] += __shfl_xor_sync(0xffffffffu, c[i], 2); }"
        ]
    }
}
