import ElementTypes
import KernelIR

/// Products of one row by e4m3 on units that multiply f16 (`mma.m16n8k16`): codes become f16 by an instruction, two at a time, where they
/// took four to become bf16.
///
/// The left operand is f16 too: its values of a batch times a power of two that brings the greatest one to 2^14 and more, so exactly as
/// they were where they are at most 2^28 times smaller than that one. A batch of it in shared memory is `[part][4 t][16 bytes]`, then
/// the power of two that its sums are multiplied by (f32) in 16 bytes.
struct SIMTHalfUnits: SIMTDealtUnits {
    let weights: SIMTUnitCodes

    private var parts: Int { weights.parts }
    private var element: ElementType { weights.codes.product.element }
    private var unitPlace: Int { parts * 64 }
    var leftBytes: Int { parts * 64 + 16 }
    var spreading: String? { nil }

    func functions(_ symbol: String) -> String {
        [
            "FORCE void \(symbol)_keep(const uint32_t *x, unsigned char *batch, int part, int t, int isThere) {",
            "float v[8], most = 0;",
            "UNROLL for (int k = 0; k < 8; ++k) { v[k] = \(SIMTFrame.lane("x", element, "k")); most = max_nan(most, fabsf(v[k])); }",
            "UNROLL for (int other = 1; other < \(parts * 4); other *= 2) "
                + "most = max_nan(most, __shfl_xor_sync(0xffffffffu, most, other));",
            // Infinities and NaN stay what they are.
            "int field = bits_fs(most) >> 23; if (field < 16) field = 16; if (field > 254) field = 254;",
            "const float up = unbits_fs((268 - field) << 23);", "if (!isThere) return;",
            "uint32_t *const to = (uint32_t *)(batch + part * 64 + t * 16);",
            "UNROLL for (int k = 0; k < 4; ++k) to[k] = pair_f16(v[2 * k] * up, v[2 * k + 1] * up);",
            "if (part == 0 && t == 0) *(float *)(batch + \(unitPlace)) = unbits_fs((field - 14) << 23); }", "",
        ].joined(separator: "\n")
    }

    /// Those of columns g and g + 8, of all parts.
    var scales: (words: Int, place: String) {
        let words = parts * weights.codes.operand.scaleElement.byteCount / 2
        return (words, "g * \(words) + k")
    }

    var begin: [String] { [] }

    func multiply(left: String) -> [String] {
        var lines = [
            "const unsigned char *const left = \(left);", "const float unit = *(const float *)(left + \(unitPlace));",
            "float y[\(parts)][4]; UNROLL for (int h = 0; h < \(parts); ++h) UNROLL for (int q = 0; q < 4; ++q) y[h][q] = 0;",
            "UNROLL for (int h = 0; h < \(parts); ++h) {",
            // Columns of the unit do not mix, so that those of no row may hold anything.
            "const uint4 x = *(const uint4 *)(left + h * 64 + t * 16);",
            "const uint32_t b[4] = {x.x, x.y, x.z, x.w};", "UNROLL for (int j = 0; j < 2; ++j) {", "uint32_t a[4];",
            "UNROLL for (int q = 0; q < 2; ++q) { const uint32_t word = w[u][h * 4 + j * 2 + q];",
            "a[2 * q] = halves_f8e4m3((uint16_t)word); a[2 * q + 1] = halves_f8e4m3((uint16_t)(word >> 16)); }",
            "multiply_f16(y[h], a, b + 2 * j); } }",
        ]
        let sum = { (h: Int, q: Int) in "y[\(h)][\(q)]" }
        for column in 0..<2 {
            let terms = (0..<parts).map { h in
                weights.hasBlocks
                    ? "\(sum(h, 2 * column)) * \(weights.scale("f[u]", "\(h)", column))" : sum(h, 2 * column)
            }
            lines.append("c[\(column)] = fma_fs(\(terms.joined(separator: " + ")), unit, c[\(column)]);")
        }
        return lines
    }

    /// Lanes with t = 0 have the product's row.
    var join: [String] { [] }
}
