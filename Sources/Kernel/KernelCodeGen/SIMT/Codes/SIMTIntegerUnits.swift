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
/// There are no multiples of an infinity: a part with one makes NaN of every sum, all of which are infinite or NaN by definition
/// too (`spreading`).
///
/// In shared memory a batch of the left operand is `[part][high, low][4 t][8 bytes]`, 16 bytes of zeros, which lanes read whose column
/// another part has, then `[part]` of what codes' lowest value adds to a part's sum (i32) and what the power of two is (f32).
struct SIMTIntegerUnits: SIMTDealtUnits {
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
    var spreading: String? { "a product of whole numbers" }

    // MARK: The left operand

    func functions(_ symbol: String) -> String {
        let bits = element == .f16 ? 13 : 14
        let lines = [
            "FORCE void \(symbol)_keep(const uint32_t *x, unsigned char *batch, int part, int t, int isThere) {",
            "float v[8], most = 0;",
            "UNROLL for (int k = 0; k < 8; ++k) { v[k] = \(SIMTFrame.lane("x", element, "k")); most = max_nan(most, fabsf(v[k])); }",
            "UNROLL for (int other = 1; other < 4; other *= 2) most = max_nan(most, __shfl_xor_sync(0xffffffffu, most, other));",
            "int field = bits_fs(most) >> 23; if (field < 16) field = 16;",
            "const float up = unbits_fs((\(254 + bits) - field) << 23), down = unbits_fs((field - \(bits)) << 23);",
            "const float unit = field > 254 ? unbits_fs(0x7fc00000) : down;",
            // Bits of 1.5 · 2²³ and a whole number: its last 16 are those of the number and 128, of which the upper byte is `high`, and
            // the lower one `low` but for its first bit.
            "uint32_t q[8], sum = 0;", "UNROLL for (int k = 0; k < 8; ++k) {",
            "q[k] = (uint32_t)bits_fs(fma_fs(\(bits == 14 ? "fminf(v[k], 32639 * down)" : "v[k]"), up, 12583040.0f)); sum += q[k]; }",
            "sum -= 8 * 0x4b400080u;",
            "uint32_t high[2], low[2];", "UNROLL for (int j = 0; j < 2; ++j) {",
            "const uint32_t a = __byte_perm(q[4 * j], q[4 * j + 1], 0x5140), b = __byte_perm(q[4 * j + 2], q[4 * j + 3], 0x5140);",
            "low[j] = __byte_perm(a, b, 0x5410) ^ 0x80808080u; high[j] = __byte_perm(a, b, 0x7632); }",
            "sum += __shfl_xor_sync(0xffffffffu, sum, 1); sum += __shfl_xor_sync(0xffffffffu, sum, 2);",
            "if (!isThere) return;", "unsigned char *const to = batch + part * 64 + t * 8;",
            "((uint32_t *)to)[0] = high[0]; ((uint32_t *)to)[1] = high[1];",
            "((uint32_t *)(to + 32))[0] = low[0]; ((uint32_t *)(to + 32))[1] = low[1];",
            "if (t == 0) { ((int *)(batch + \(notesPlace)))[part * 2] = \(lowest) * (int)sum; "
                + "((float *)(batch + \(notesPlace)))[part * 2 + 1] = unit; }",
            "if (part == 0) ((uint32_t *)(batch + \(zerosPlace)))[t] = 0; }", "",
        ]
        return lines.filter { $0 != "" }.joined(separator: "\n") + "\n"
    }

    // MARK: Products

    /// Those of a lane's own part.
    var scales: (words: Int, place: String) {
        let words = weights.codes.operand.scaleElement.byteCount / 2
        return (words, "(g * \(parts) + t % \(parts)) * \(words) + k")
    }

    /// Where in a batch of the left operand a lane reads for each part, and its note.
    var begin: [String] {
        [
            "int from[\(parts)];",
            "UNROLL for (int h = 0; h < \(parts); ++h) from[h] = g / 2 == h ? h * 64 + g % 2 * 32 + t * 8 : \(zerosPlace);",
            "const int note = \(parts == 4 ? "\(notesPlace) + t * 8" : "t < \(parts) ? \(notesPlace) + t * 8 : \(zerosPlace)");",
        ]
    }

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

    var join: [String] {
        [
            "UNROLL for (int i = 0; i < 2; ++i) { c[i] += __shfl_xor_sync(0xffffffffu, c[i], 1); "
                + "c[i] += __shfl_xor_sync(0xffffffffu, c[i], 2); }"
        ]
    }
}
