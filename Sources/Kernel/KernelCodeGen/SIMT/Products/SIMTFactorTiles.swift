/// How factors of f32 lie in shared memory for products on matrix units, and how fragments of `mma.sync.m16n8k8` are read (PTX ISA, "Matrix
/// fragments for mma.m16n8k8"): as rows of 32 summed elements, or turned, as 32 rows of the tile's rows or columns, where
/// that is how the operand lies in memory. 16-byte runs of a turned row are swapped about, so that the four summed elements
/// and eight neighbours of a fragment meet no bank twice.
struct SIMTFactorTiles {
    let symbol: String
    let tile: SIMTMatrixWriter.Tile
    let isLeftTurned: Bool
    let isRightTurned: Bool

    /// What runs of a turned tile's row `k` of `extent` elements are swapped by, as text. Rows of 16 elements lie two to a round of the banks.
    static func swaps(_ k: String, extent: Int) -> String {
        extent >= 32 ? "(\(k) % 4 * 2)" : "(\(k) / 2 % 2 * 2)"
    }

    /// Device functions that read a factor of a turned tile.
    var functions: String {
        func one(_ name: String, _ extent: Int) -> String {
            """
            FORCE uint32_t \(symbol)_\(name)(const unsigned char *from, int at, int k) {
            return *(const uint32_t *)(from + k * \(extent * 4) + (((at >> 2) ^ \(Self.swaps("k", extent: extent))) << 4) + at % 4 * 4);
            }

            """
        }
        return (isLeftTurned ? one("left_factor", tile.rows) : "")
            + (isRightTurned ? one("right_factor", tile.columns) : "")
    }

    /// Where a thread's parts of the first fragments lie: the next are 16 rows on, and 32 bytes, which the swizzle changes by bits alone.
    var declarations: [String] {
        (isLeftTurned
            ? ["const int leftAt = warpRow + lane / 4;"]
            : ["const uint32_t leftAt = (warpRow + lane % 16) * 128 + ((lane / 16 ^ lane % 8) << 4);"])
            + (isRightTurned
                ? ["const int rightAt = warpColumn + lane / 4;"]
                : [
                    "const uint32_t rightAt = (warpColumn + lane / 16 * 8 + lane % 8) * 128 + ((lane / 8 % 2 ^ lane % 8) << 4);"
                ])
    }

    /// Fills `x` with the factors of rows from 16 × `i` on, and summed elements from 4 × `k` on.
    func left(_ x: String) -> String {
        isLeftTurned
            ? "UNROLL for (int e = 0; e < 4; ++e) \(x)[e] = \(symbol)_left_factor(arena + (lefts - shared), "
                + "leftAt + i * 16 + e % 2 * 8, k * 4 + e / 2 * 4 + lane % 4);"
            : "load_matrices(\(x), lefts + (leftAt ^ k << 4) + i * 2048);"
    }

    /// The same of columns from 16 × `j` on.
    func right(_ y: String) -> String {
        isRightTurned
            ? "UNROLL for (int e = 0; e < 4; ++e) \(y)[e] = \(symbol)_right_factor(arena + (rights - shared), "
                + "rightAt + j * 16 + e / 2 * 8, k * 4 + e % 2 * 4 + lane % 4);"
            : "load_matrices(\(y), rights + (rightAt ^ k << 4) + j * 2048);"
    }

    /// The factors of row `r` and column `q` at the summed element `k`, as text.
    var both: (left: String, right: String) {
        func one(_ base: String, _ name: String, _ line: String, isTurned: Bool) -> String {
            isTurned
                ? "unbits_fs((int32_t)\(symbol)_\(name)(arena + (\(base) - shared), \(line), k))"
                : "*(const float *)(arena + (\(base) - shared) + \(line) * 128 + ((k / 4 ^ (\(line) & 7)) << 4) + k % 4 * 4)"
        }
        return (
            one("lefts", "left_factor", "r", isTurned: isLeftTurned),
            one("rights", "right_factor", "q", isTurned: isRightTurned)
        )
    }
}
