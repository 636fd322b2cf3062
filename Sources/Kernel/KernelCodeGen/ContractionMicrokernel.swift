import ElementTypes
import KernelIR

/// Writes the register tile of a contraction: `tile[mr][nr] = Σ_k left[row, k] × right[k, nr]`, accumulators in registers.
///
/// On each step of the depth it loads one row of the panel and, row by row, broadcasts one left element (a pair for bf16)
/// and multiplies. Accumulators are separate variables because compilers keep those in registers reliably.
struct ContractionMicrokernel {
    let plan: ContractionPlan
    let symbol: String
    /// Tiles that pass one panel before the next one is needed.
    let tilesPerPanel: Int

    private var isBF16: Bool { plan.instruction == .bf16Dot }
    var element: String { CTypes.storage(plan.packedElement) }
    private var isIndirect: Bool { plan.left == .indirect }
    /// Whether a tile may go on from sums that it stored before.
    private var continues: Bool { plan.sliceTaps != nil }

    /// Name of the function for a tile of the given size.
    func name(_ rows: Int, _ vectors: Int) -> String { "\(symbol)_tile_\(rows)x\(vectors)" }

    /// The function for a tile of the given size.
    func function(rows: Int, vectors: Int) -> String {
        if plan.instruction.usesTiles { return amxFunction(twoRows: rows > 16) }
        if plan.instruction == .int8Dot { return int8Function(rows: rows, vectors: vectors) }
        let step = plan.instruction.depthUnit
        let columns = plan.panelColumns
        var lines: [String] = []
        let leftParameters =
            switch plan.left {
            case .indirect: "const \(element) *const *restrict table, const int32_t *restrict taps, int64_t count"
            case .strided, .packed: "const \(element) *restrict left, int64_t stride"
            case .window:
                "const \(element) *restrict origin, int64_t stride, const int64_t *restrict offsets, int64_t count"
            }
        lines.append(
            "FORCE void \(name(rows, vectors))(\(leftParameters), const \(element) *restrict right, int64_t depth, "
                + "const char *ahead, float *restrict tile\(continues ? ", int continues" : "")) {")
        lines.append("    (void)ahead;")
        for row in 0..<rows {
            lines.append("    vf " + (0..<vectors).map { "c\(row)_\($0) = {0}" }.joined(separator: ", ") + ";")
        }
        // Sums are added to the tile block by block, so that rounding grows with the square root of the blocks' number
        // and not of the depth's (blocked summation; Higham 2002, 4.2).
        lines.append("    int isStored = \(continues ? "continues" : "0");")
        let isTapped = isIndirect || plan.left == .window
        if isTapped { lines.append("    int64_t pending = 0;") }
        if isIndirect {
            lines.append("    for (int64_t entry = 0; entry < count; ++entry, table += \(rows)) {")
            lines.append("    const \(element) *restrict b = right + (int64_t)taps[entry] * depth * \(columns);")
            for row in 0..<rows { lines.append("    const \(element) *const restrict a\(row) = table[\(row)];") }
        } else if plan.left == .window {
            lines.append("    const \(element) *restrict b = right;")
            lines.append("    for (int64_t entry = 0; entry < count; ++entry, b += depth * \(columns)) {")
            lines.append("    const \(element) *const restrict left = origin + offsets[entry];")
        } else {
            lines.append("    const \(element) *restrict b = right;")
        }
        let turn = plan.unroll * step
        lines.append("    int64_t k = 0;")
        if isTapped {
            lines.append("    const int64_t end = depth;")
        } else {
            lines.append("    do {")
            lines.append("    const int64_t end = depth - k < \(2 * Self.block) ? depth : k + \(Self.block);")
        }
        lines.append("    for (; k + \(turn) <= end; k += \(turn)) {")
        if plan.prefetch < 0 {
            // The next panel has as many lines as this one; the tiles share the work of asking for them.
            let lineCount = prefetchedLines(vectors)
            for line in 0..<lineCount {
                lines.append("        __builtin_prefetch(ahead + \(64 * line), 0, 2);")
            }
            lines.append("        ahead += \(64 * lineCount);")
        }
        for turn in 0..<plan.unroll { lines += body(rows, vectors, offset: turn * step) }
        lines.append("    }")
        if plan.unroll > 1 {
            lines.append("    for (; k < end; k += \(step)) {")
            lines += body(rows, vectors, offset: 0)
            lines.append("    }")
        }
        if isTapped {
            lines.append("    pending += depth;")
            lines.append("    if (pending >= \(Self.block) || entry == count - 1) { pending = 0;")
            lines += flush(rows, vectors)
            lines.append("    }")
            lines.append("    }")
            lines.append("    if (count == 0 && !isStored) {")
            lines += flush(rows, vectors)
            lines.append("    }")
        } else {
            lines += flush(rows, vectors)
            lines.append("    } while (k < depth);")
        }
        lines.append("}")
        return lines.joined(separator: "\n") + "\n"
    }

    /// Steps of the depth after which sums are added to the tile.
    static let block = 256

    /// Adds the accumulators to the tile (or stores them the first time) and clears them.
    private func flush(_ rows: Int, _ vectors: Int) -> [String] {
        var lines = ["    if (isStored) {"]
        for isFirst in [false, true] {
            for row in 0..<rows {
                for vector in 0..<vectors {
                    let place = "*(vf *)(tile + \(row * plan.panelColumns + vector * plan.lanes))"
                    lines.append("    \(place) \(isFirst ? "=" : "+=") c\(row)_\(vector); c\(row)_\(vector) = (vf){0};")
                }
            }
            lines.append(isFirst ? "    }" : "    } else {")
        }
        return lines + ["    isStored = 1;"]
    }

    /// Lines of the next panel that one turn of the inner loop asks for.
    func prefetchedLines(_ vectors: Int) -> Int {
        max(1, (plan.unroll * vectors + tilesPerPanel - 1) / max(tilesPerPanel, 1))
    }

    private func body(_ rows: Int, _ vectors: Int, offset: Int) -> [String] {
        let columns = plan.panelColumns
        var lines = ["        {"]
        for vector in 0..<vectors {
            let place = "b + (k + \(offset)) * \(columns) + \(vector * plan.lanes * plan.instruction.depthUnit)"
            lines.append("        const vf b\(vector) = *(const vf_u *)(\(place));")
            if plan.prefetch > 0 {
                lines.append("        __builtin_prefetch((const char *)(\(place)) + \(plan.prefetch), 0, 3);")
            }
        }
        for row in 0..<rows {
            let place = isIndirect ? "a\(row) + k + \(offset)" : "left + \(row) * stride + k + \(offset)"
            let value =
                isBF16 ? "(vf)splat_i(*(const pair_of_bf16 *)(\(place)))" : "splat_f(*(\(place)))"
            let sums = (0..<vectors).map { vector in
                isBF16
                    ? "c\(row)_\(vector) = dot_bf16(c\(row)_\(vector), x, b\(vector));"
                    : "c\(row)_\(vector) += x * b\(vector);"
            }
            lines.append("        { const vf x = \(value); \(sums.joined(separator: " ")) }")
        }
        return lines + ["        }"]
    }

    /// AMX: tiles 0-3 hold 32 × 32 sums, 4 and 5 left rows, 6 and 7 right columns. Rows of the tiles come from the
    /// configuration, so a block's last rows take the same code.
    private func amxFunction(twoRows: Bool) -> String {
        let columns = plan.panelColumns
        let second = twoRows
        // A row of a tile is 64 bytes: elements of a left row, or runs of 16 columns.
        let across = plan.instruction.depthUnit
        let bytes = plan.packedElement.byteCount
        let product =
            plan.instruction == .amx ? "_tile_dpbf16ps" : (plan.isLeftUnsigned ? "_tile_dpbusd" : "_tile_dpbssd")
        var lines = [
            "FORCE void \(name(twoRows ? 32 : 16, 2))(const \(element) *left, int64_t stride, const \(element) *right, "
                + "int64_t depth, const char *ahead, \(plan.instruction.sum.scalar) *tile) {",
            "    (void)ahead;",
            "    _tile_zero(0); _tile_zero(1);" + (second ? " _tile_zero(2); _tile_zero(3);" : ""),
            "    for (int64_t k = 0; k < depth; k += \(across)) {",
            "        _tile_loadd(6, right + k * \(columns), \(columns * 4));",
            "        _tile_loadd(4, left + k, stride * \(bytes));",
            "        _tile_loadd(7, right + k * \(columns) + \(across), \(columns * 4));",
        ]
        if plan.prefetch != 0 {
            // What two right tiles hold is 32 lines.
            let lineCount = max(1, min(32, 32 / max(tilesPerPanel, 1)))
            lines.append(
                "        for (int line = 0; line < \(lineCount); ++line) __builtin_prefetch(ahead + 64 * line, 0, 2);")
            lines.append("        ahead += \(64 * lineCount);")
        }
        lines.append("        \(product)(0, 4, 6);")
        if second { lines.append("        _tile_loadd(5, left + 16 * stride + k, stride * \(bytes));") }
        lines.append("        \(product)(1, 4, 7);")
        if second { lines.append("        \(product)(2, 5, 6); \(product)(3, 5, 7);") }
        lines.append("    }")
        lines.append("    _tile_stored(0, tile, \(columns * 4)); _tile_stored(1, tile + 16, \(columns * 4));")
        if second {
            let below = 16 * columns
            lines.append(
                "    _tile_stored(2, tile + \(below), \(columns * 4)); "
                    + "_tile_stored(3, tile + \(below + 16), \(columns * 4));")
        }
        lines.append("}")
        return lines.joined(separator: "\n") + "\n"
    }

    /// Declarations that the functions need beyond the prelude.
    var opening: String {
        switch plan.instruction {
        case .multiplyAdd: ""
        case .bf16Dot:
            """
            #include <immintrin.h>
            #ifndef HEARTH_DOT_BF16
            #define HEARTH_DOT_BF16
            typedef int32_t pair_of_bf16 __attribute__((may_alias, aligned(2)));
            FORCE vf dot_bf16(vf c, vf a, vf b) { return (vf)_mm512_dpbf16_ps((__m512)c, (__m512bh)a, (__m512bh)b); }
            #endif

            """
        case .int8Dot: Self.int8Opening
        case .amx, .amxInt8, .amxSplit: Self.tileOpening + (plan.instruction == .amxSplit ? SplitProduct.text : "")
        }
    }

    /// Shapes of the tile registers.
    private static let tileOpening = """
        #include <immintrin.h>
        #ifndef HEARTH_AMX
        #define HEARTH_AMX
        FORCE void configure_tiles(int above, int below) {
            struct { uint8_t palette, start, unused[14]; uint16_t bytes[16]; uint8_t rows[16]; } shape
                __attribute__((aligned(64))) = {.palette = 1};
            const int rows[8] = {above, above, below, below, above, below, 16, 16};
            for (int tile = 0; tile < 8; ++tile) {
                shape.rows[tile] = (uint8_t)(rows[tile] > 0 ? rows[tile] : 1); shape.bytes[tile] = 64;
            }
            _tile_loadconfig(&shape);
        }
        #endif

        """
}
