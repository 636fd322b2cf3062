/// Products of f32 on matrix units that take 11 bits of a factor (TF32): `x = high + low`, each of 11 bits, and of the four products of two
/// such factors three, the greatest last. What is left out is less than 2⁻²² of the whole. Units add without rounding to nearest, so no
/// more than eight summed elements are added by them; their sums are added in f32 (H. Ootomo and R. Yokota, "Recovering single precision
/// accuracy from Tensor Cores while surpassing the FP32 theoretical peak performance", 2022).
///
/// An infinity has no low part, and what nearly overflows may become one: where a sum is no finite number, the block's tile is summed
/// again by plain multiply-adds, so that special numbers give what they give in f32.
enum SIMTSplitFactors {
    /// Summed elements of a stage: 128 bytes of an operand's row.
    static let slice = 32
    /// What is said of such a kernel.
    static let note = "fp32 by three TF32 products"

    /// The products of one slice by warps. Fragments of `m16n8k8` lie in runs of 16 bytes as those of `m16n8k16` do.
    static func multiply(_ tile: SIMTMatrixWriter.Tile) -> [String] {
        let (down, across) = (tile.warpRows / 16, tile.warpColumns / 16)
        return [
            "UNROLL for (int k = 0; k < 8; k += 2) {",
            "uint32_t x[\(down)][4], y[\(across)][4], lowX[\(down)][4], lowY[\(across)][4];",
            "UNROLL for (int i = 0; i < \(down); ++i) {",
            "const int r = warpRow + i * 16 + lane % 16, q = k + lane / 16;",
            "load_matrices(x[i], lefts + r * 128 + ((q ^ (r & 7)) << 4));",
            "UNROLL for (int e = 0; e < 4; ++e) split_tf32(&x[i][e], &lowX[i][e]); }",
            "UNROLL for (int j = 0; j < \(across); ++j) {",
            "const int r = warpColumn + j * 16 + lane / 16 * 8 + lane % 8, q = k + lane / 8 % 2;",
            "load_matrices(y[j], rights + r * 128 + ((q ^ (r & 7)) << 4));",
            "UNROLL for (int e = 0; e < 4; ++e) split_tf32(&y[j][e], &lowY[j][e]); }",
            "UNROLL for (int i = 0; i < \(down); ++i) UNROLL for (int j = 0; j < \(2 * across); ++j) {",
            "float t[4] = {0, 0, 0, 0};",
            "multiply_tf32(t, lowX[i], y[j / 2] + j % 2 * 2);",
            "multiply_tf32(t, x[i], lowY[j / 2] + j % 2 * 2);",
            "multiply_tf32(t, x[i], y[j / 2] + j % 2 * 2);",
            "UNROLL for (int e = 0; e < 4; ++e) c[(i * \(2 * across) + j) * 4 + e] += t[e]; }", "}",
        ]
    }

    /// The same by multiply-adds, each thread for its own sums.
    static func multiplyPlainly(_ tile: SIMTMatrixWriter.Tile) -> [String] {
        let across = tile.warpColumns / 8
        return [
            "KEEP_LOOP for (int k = 0; k < \(slice); ++k)",
            "UNROLL for (int i = 0; i < \(tile.warpRows / 16); ++i) UNROLL for (int j = 0; j < \(across); ++j) "
                + "UNROLL for (int e = 0; e < 4; ++e) {",
            "const int r = warpRow + i * 16 + lane / 4 + e / 2 * 8, q = warpColumn + j * 8 + lane % 4 * 2 + e % 2;",
            "const float u = *(const float *)(arena + (lefts - shared) + r * 128 + ((k / 4 ^ (r & 7)) << 4) + k % 4 * 4);",
            "const float v = *(const float *)(arena + (rights - shared) + q * 128 + ((k / 4 ^ (q & 7)) << 4) + k % 4 * 4);",
            "float *const sum = c + (i * \(across) + j) * 4 + e;", "*sum = fma_fs(u, v, *sum); }",
        ]
    }

    /// Statements that sum again, by `statements`, where a sum of the block is no finite number.
    static func plainly(_ tile: SIMTMatrixWriter.Tile, _ statements: [String]) -> [String] {
        [
            "int odd = 0;", "UNROLL for (int i = 0; i < \(tile.sums); ++i) odd |= !(abs_fs(c[i]) <= 0x1.fffffep127f);",
            "if (ANY_OF_BLOCK(odd)) {", "UNROLL for (int i = 0; i < \(tile.sums); ++i) c[i] = 0;",
        ] + statements + ["}"]
    }
}
