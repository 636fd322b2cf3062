import ElementTypes
import KernelIR

/// The two products of attention over queries as AMX tiles of bf16 pairs. Scores `[keys, queries]` are keys as they lie in
/// memory times `[depth pairs, queries]`; results `[value columns, queries]` are values transposed to `[columns, keys]` times
/// `[key pairs, queries]`. Tiles 0 to 3 hold 32 × 32 sums, 4 and 5 the left side, 6 and 7 the right.
extension AttentionOverQueries {
    /// 4-byte elements of a row of keys in workspace: whole tiles read whole chunks of depth.
    var keyWords: Int { hasTiles ? padded(depthWords) : depthWords }

    /// Workspace for transposed values, whole chunks of 32 keys.
    func addTileAreas(_ layout: inout WorkspaceLayout) {
        let index = frame.index
        let pairs = (body.keys.extent + 31).floorDivided(by: 32, index.ranges) * 16
        layout.add("valueArea", "float", 4, pairs * padded(valueDepth), index)
        layout.add("valuePairs", "uint32_t", 4, IntegerExpression(16 * padded(valueDepth)), index)
        layout.add("valueRows", "uint16_t", 2, IntegerExpression(2 * padded(valueDepth)), index)
    }

    /// Evaluates the values of a key head, 32 keys at a time, and transposes them as pairs; missing keys are zeros.
    var tileValues: [String] {
        let width = padded(valueDepth)
        let key = body.keys.variable.name
        var lines = [
            "const int64_t pairRows = (keys + 31) / 32 * 16;",
            "for (int64_t chunk = 0; chunk < pairRows; chunk += 16) {", "for (int64_t row = 0; row < 16; ++row) {",
            "for (int64_t half = 0; half < 2; ++half) {",
            "uint16_t *const line = valueRows + half * \(width); const int64_t \(key) = (chunk + row) * 2 + half;",
            "for (int64_t i = \(key) < keys ? \(valueDepth) : 0; i < \(width); ++i) line[i] = 0;",
            "if (\(key) >= keys) continue;",
        ]
        lines += frame.evaluate(body.value, along: body.valueDepth, to: "line", as: .bf16, limit: "\(valueDepth)")
        return lines + [
            "}", "for (int64_t i = 0; i < \(width); ++i)",
            "valuePairs[row * \(width) + i] = (uint32_t)valueRows[i] | (uint32_t)valueRows[\(width) + i] << 16;", "}",
            "for (int64_t i = 0; i < \(width); i += LANES) \(symbol)_transpose((const float *)valuePairs + i, \(width), "
                + "valueArea + i * pairRows + chunk, pairRows);", "}",
        ]
    }

    /// The tile loops and the pass that finishes scores.
    var tileRoutines: String {
        let bytes = block * 4
        var lines = [
            "#include <immintrin.h>", "FORCE void \(symbol)_configure(void) {",
            "struct { uint8_t palette, start, unused[14]; uint16_t bytes[16]; uint8_t rows[16]; } shape",
            "    __attribute__((aligned(64))) = {.palette = 1};",
            "for (int tile = 0; tile < 8; ++tile) { shape.rows[tile] = 16; shape.bytes[tile] = 64; }",
            "_tile_loadconfig(&shape);", "}",
            "static void \(symbol)_tileScores(",
            "    const uint16_t *k, int64_t ks, const float *q, float *s, int64_t n) {",
            "for (int64_t i = 0; i < n; i += 32) for (int64_t j = 0; j < \(block); j += 32) {",
            "_tile_zero(0); _tile_zero(1); _tile_zero(2); _tile_zero(3);",
            "for (int64_t d = 0; d < \(padded(depthWords)); d += 16) {",
            "_tile_loadd(6, q + d * \(block) + j, \(bytes)); _tile_loadd(7, q + d * \(block) + j + 16, \(bytes));",
            "_tile_loadd(4, k + i * ks + 2 * d, ks * 2); _tile_loadd(5, k + (i + 16) * ks + 2 * d, ks * 2);",
            "_tile_dpbf16ps(0, 4, 6); _tile_dpbf16ps(1, 4, 7); _tile_dpbf16ps(2, 5, 6); _tile_dpbf16ps(3, 5, 7);", "}",
            "float *const c = s + i * \(block) + j;",
            "_tile_stored(0, c, \(bytes)); _tile_stored(1, c + 16, \(bytes));",
            "_tile_stored(2, c + \(16 * block), \(bytes)); _tile_stored(3, c + \(16 * block + 16), \(bytes));", "}",
            "}",
            "static void \(symbol)_finish(float *restrict c, const float *restrict term, float *restrict top, "
                + "int64_t beyond) {",
        ]
        for row in 0..<rows {
            for vector in 0..<vectors {
                lines.append("vf c\(row)_\(vector) = *(const vf *)(c + \(row * block + vector * lanes));")
            }
        }
        lines += finishScores(rows)
        lines += [
            "}", "static void \(symbol)_tileValues(",
            "    const float *v, int64_t vs, float *p, int64_t n, float *o, const float *fade) {",
            // The last chunk of 32 keys may not be full.
            "for (int64_t i = (n + 1) / 2 * \(block); i < (n + 31) / 32 * \(16 * block); i += LANES)",
            "*(vf *)(p + i) = (vf){0};",
            "for (int64_t e = 0; e < \(padded(valueDepth)); ++e) for (int64_t i = 0; i < \(block); i += LANES)",
            "*(vf *)(o + e * \(block) + i) *= *(const vf *)(fade + i);",
            "int64_t e = 0;",
        ]
        for tiles in [2, 1] {
            let isPair = tiles == 2
            lines += [
                "for (; e + \(16 * tiles) <= \(padded(valueDepth)); e += \(16 * tiles))",
                "for (int64_t j = 0; j < \(block); j += 32) {", "float *const c = o + e * \(block) + j;",
                "_tile_loadd(0, c, \(bytes)); _tile_loadd(1, c + 16, \(bytes));",
                isPair
                    ? "_tile_loadd(2, c + \(16 * block), \(bytes)); _tile_loadd(3, c + \(16 * block + 16), \(bytes));"
                    : "",
                "for (int64_t k = 0; k < (n + 31) / 32 * 16; k += 16) {",
                "_tile_loadd(6, p + k * \(block) + j, \(bytes)); _tile_loadd(7, p + k * \(block) + j + 16, \(bytes));",
                "_tile_loadd(4, v + e * vs + k, vs * 4); _tile_dpbf16ps(0, 4, 6); _tile_dpbf16ps(1, 4, 7);",
                isPair
                    ? "_tile_loadd(5, v + (e + 16) * vs + k, vs * 4); _tile_dpbf16ps(2, 5, 6); _tile_dpbf16ps(3, 5, 7);"
                    : "",
                "}", "_tile_stored(0, c, \(bytes)); _tile_stored(1, c + 16, \(bytes));",
                isPair
                    ? "_tile_stored(2, c + \(16 * block), \(bytes)); _tile_stored(3, c + \(16 * block + 16), \(bytes));"
                    : "",
                "}",
            ]
        }
        return (lines + ["}", ""]).joined(separator: "\n")
    }
}
