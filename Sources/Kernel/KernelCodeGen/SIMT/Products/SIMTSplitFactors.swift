/// Products of f32 on matrix units that take 11 bits of a factor (TF32): `x = high + low`, each of 11 bits, and of the four products of two
/// such factors three, the greatest last. What is left out is less than 2⁻²² of the whole. Units add without rounding to nearest, so no
/// more than eight summed elements are added by them; their sums are added in f32 (H. Ootomo and R. Yokota, "Recovering single precision
/// accuracy from Tensor Cores while surpassing the FP32 theoretical peak performance", 2022).
///
/// An infinity has no low part, and what nearly overflows may become one: where a sum is no number of moderate size, the block's tile is
/// summed again by plain multiply-adds, so that special numbers give what they give in f32. Below 2⁻¹¹² a factor has fewer than 24 bits, as
/// units read none below 2⁻¹³⁶.
enum SIMTSplitFactors {
    /// Summed elements of a stage: 128 bytes of an operand's row.
    static let slice = 32
    /// What is said of such a kernel.
    static let note = "fp32 by three TF32 products"
    static let roundedNote = "TF32"

    /// Whether warps have a tile, and registers for its sums beside both parts of its factors.
    static func applies(_ tile: SIMTMatrixWriter.Tile) -> Bool { !tile.isGroup && tile.sums <= 64 }

    /// What to begin with, by times on an H200 (Benchmarks/results/2026-11-23-f32-units.md): 64 × 128, or 128 × 64 for few columns, where
    /// there are two blocks of them for each processor; else 64 × 64, and the summed axis shared while all blocks are at work at once. One
    /// product of rounded factors (`isRounded`) leaves room for 128 × 128.
    static func start(
        rows: Int, columns: Int, depth: Int, batches: Int, isCountable: Bool, isRounded: Bool, _ processors: Int
    ) -> (tile: Int, stages: Int, parts: Int) {
        let tiles = SIMTMatrixWriter.tiles
        func blocks(_ place: Int) -> Int {
            let tile = tiles[place]
            return (rows + tile.rows - 1) / tile.rows * ((columns + tile.columns - 1) / tile.columns) * batches
        }
        // Of few columns no more than there are, by eights of the units.
        let large = columns <= 16 ? 18 : columns <= 32 ? 17 : columns <= 64 ? 1 : isRounded ? 0 : 3
        if blocks(large) >= 2 * processors { return (large, large == 0 ? 2 : 4, 1) }
        var parts = 1
        // Four blocks of three slices under way, or three of four, have room on a processor.
        while isCountable, parts < 8, blocks(2) * parts * 2 <= 4 * processors, depth >= 1024 * parts { parts *= 2 }
        return (2, parts > 1 ? 3 : 4, parts)
    }

    /// Blocks that a processor has room for: by shared memory, and by the registers that the products want, and more what computes,
    /// masks or counts (`isSimple` where nothing does).
    static func residents(_ tile: SIMTMatrixWriter.Tile, stages: Int, isSimple: Bool, _ target: SIMTTarget) -> Int {
        let fits = (target.sharedBytes + 1024) / (SIMTMatrixWriter.sharedBytes(tile, stages: stages) + 1024)
        let registers = tile.sums == 64 && (!isSimple || tile.threads < 256) ? 240 : 128
        return max(1, min(fits, 65536 / (registers * tile.threads)))
    }

    /// The products of one slice by warps. Fragments of `m16n8k8` lie in runs of 16 bytes as those of `m16n8k16` do.
    static func multiply(_ factors: SIMTFactorTiles) -> [String] {
        let tile = factors.tile
        let (down, across) = (tile.warpRows / 16, tile.warpColumns / 16)
        let lanes = 2 * across
        // As many at a time as hide their latency.
        let together = min(lanes, 4)
        func each(_ x: String, _ y: String) -> String {
            "UNROLL for (int j = 0; j < \(together); ++j) multiply_tf32(t[j], \(x), \(y)[(h + j) / 2] + j % 2 * 2);"
        }
        return [
            // Not written out, or what is loaded ahead would need more registers than there are.
            "KEEP_LOOP for (int k = 0; k < 8; k += 2) {", "uint32_t y[\(across)][4], lowY[\(across)][4];",
            "UNROLL for (int j = 0; j < \(across); ++j) {",
            factors.right("y[j]"),
            "UNROLL for (int e = 0; e < 4; ++e) split_tf32(&y[j][e], &lowY[j][e]); }",
            "UNROLL for (int i = 0; i < \(down); ++i) {", "uint32_t x[4], lowX[4];",
            factors.left("x"),
            "UNROLL for (int e = 0; e < 4; ++e) split_tf32(&x[e], &lowX[e]);",
            "UNROLL for (int h = 0; h < \(lanes); h += \(together)) {", "float t[\(together)][4];",
            "UNROLL for (int j = 0; j < \(together); ++j) UNROLL for (int e = 0; e < 4; ++e) t[j][e] = 0;",
            each("lowX", "y"), each("x", "lowY"), each("x", "y"),
            "UNROLL for (int j = 0; j < \(together); ++j) UNROLL for (int e = 0; e < 4; ++e) "
                + "c[(i * \(lanes) + h + j) * 4 + e] += t[j][e]; } }", "}",
        ]
    }

    /// The products of one slice by factors that are rounded to what units take, where that is allowed.
    static func multiplyRounded(_ factors: SIMTFactorTiles) -> [String] {
        let tile = factors.tile
        let (down, across) = (tile.warpRows / 16, tile.warpColumns / 16)
        // Written out, what is loaded ahead by elements would need more registers than there are.
        let isTurned = factors.isLeftTurned && factors.isRightTurned
        return [
            "\(isTurned ? "KEEP_LOOP" : "UNROLL") for (int k = 0; k < 8; k += 2) {",
            "uint32_t x[\(down)][4], y[\(across)][4];",
            "UNROLL for (int i = 0; i < \(down); ++i) {",
            factors.left("x[i]"),
            "UNROLL for (int e = 0; e < 4; ++e) x[i][e] = round_tf32(x[i][e]); }",
            "UNROLL for (int j = 0; j < \(across); ++j) {",
            factors.right("y[j]"),
            "UNROLL for (int e = 0; e < 4; ++e) y[j][e] = round_tf32(y[j][e]); }",
            "UNROLL for (int i = 0; i < \(down); ++i) UNROLL for (int j = 0; j < \(2 * across); ++j)",
            "multiply_tf32(c + (i * \(2 * across) + j) * 4, x[i], y[j / 2] + j % 2 * 2);", "}",
        ]
    }

    /// The same by multiply-adds, each thread for its own sums.
    static func multiplyPlainly(_ factors: SIMTFactorTiles) -> [String] {
        let (tile, both) = (factors.tile, factors.both)
        let across = tile.warpColumns / 8
        return [
            "KEEP_LOOP for (int k = 0; k < \(slice); ++k)",
            "UNROLL for (int i = 0; i < \(tile.warpRows / 16); ++i) UNROLL for (int j = 0; j < \(across); ++j) "
                + "UNROLL for (int e = 0; e < 4; ++e) {",
            "const int r = warpRow + i * 16 + lane / 4 + e / 2 * 8, q = warpColumn + j * 8 + lane % 4 * 2 + e % 2;",
            "const float u = \(both.left);", "const float v = \(both.right);",
            "float *const sum = c + (i * \(across) + j) * 4 + e;", "*sum = fma_fs(u, v, *sum); }",
        ]
    }

    /// Statements that sum again, by `statements`, where a sum of the block is no number of moderate size: a unit may make the greatest finite
    /// number of what overflows. What `statements` want is found anew, as it would else be kept until here.
    static func plainly(_ tile: SIMTMatrixWriter.Tile, _ statements: [String]) -> [String] {
        [
            "int odd = 0;", "UNROLL for (int i = 0; i < \(tile.sums); ++i) odd |= !(abs_fs(c[i]) <= 0x1p120f);",
            "if (ANY_OF_BLOCK(odd)) {",
            "const int own = thread, thread = hidden(own), lane = thread % 32, warp = thread / 32;", tile.place,
            "UNROLL for (int i = 0; i < \(tile.sums); ++i) c[i] = 0;",
        ] + statements + ["}"]
    }
}
