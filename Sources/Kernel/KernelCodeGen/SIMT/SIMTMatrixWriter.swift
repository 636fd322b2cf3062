import ElementTypes
import KernelIR

/// Products on matrix units (`mma.sync.m16n8k16`): bf16 or f16 factors, f32 sums.
///
/// Tiles of both operands lie in shared memory as rows of 64 summed elements (128 bytes), their 16-byte runs swapped about
/// (`run ^ row % 8`) so that `ldmatrix` meets no bank twice; several tiles are under way at once (`cp.async`). An operand
/// that is not a plain load is computed into shared memory. Convolutions are the same thing with masked runs.
struct SIMTMatrixWriter {
    /// A block's tile and what a warp has of it.
    struct Tile {
        let rows: Int
        let columns: Int
        let warpRows: Int
        let warpColumns: Int

        var warps: Int { rows / warpRows * (columns / warpColumns) }
        var threads: Int { warps * 32 }
        /// Sums of a thread.
        var sums: Int { warpRows * warpColumns / 32 }
    }

    /// The tiles that a schedule names by their place.
    static let tiles = [
        Tile(rows: 128, columns: 128, warpRows: 64, warpColumns: 32),
        Tile(rows: 128, columns: 64, warpRows: 64, warpColumns: 32),
        Tile(rows: 64, columns: 64, warpRows: 32, warpColumns: 32),
        Tile(rows: 64, columns: 128, warpRows: 32, warpColumns: 64),
        Tile(rows: 32, columns: 64, warpRows: 32, warpColumns: 16),
        Tile(rows: 32, columns: 32, warpRows: 16, warpColumns: 16),
        Tile(rows: 16, columns: 64, warpRows: 16, warpColumns: 16),
        Tile(rows: 128, columns: 256, warpRows: 64, warpColumns: 64),
    ]
    /// Summed elements of a stage.
    static let slice = 64

    let product: SIMTProduct
    let symbol: String
    let tile: Tile
    /// Tiles of shared memory.
    let stages: Int
    /// Blocks that share the summed axis of a tile.
    let parts: Int

    /// Bytes of shared memory of a tile with so many stages.
    static func sharedBytes(_ tile: Tile, stages: Int) -> Int {
        max(stages * (tile.rows + tile.columns) * slice * 2, tile.rows * (tile.columns + 4) * 4)
    }

    func write() -> EmittedKernel {
        let frame = product.frame(symbol, isPacked: product.rightForm == .packed)
        let (b, m, n, s) = (product.batch, product.row, product.column, product.sum)
        let rowTiles = (m.extent + (tile.rows - 1)).floorDivided(by: IntegerExpression(tile.rows), frame.ranges)
        let columnTiles =
            (n.extent + (tile.columns - 1)).floorDivided(by: IntegerExpression(tile.columns), frame.ranges)
        let tiles = b.extent * rowTiles * columnTiles
        let threads = tile.threads
        let split = SIMTSplit(
            parts: parts, count: tile.sums, threads: threads, tiles: tiles.constantValue ?? 0)
        let rightForm = product.rightForm
        let isPacked = rightForm == .packed
        let left = SIMTOperand(
            product.left, "left", frame, over: [b, m, s], extent: product.depth, element: product.element)
        let right =
            rightForm == .computed
            ? SIMTOperand(
                product.right, "right", frame, over: [b, n, s], extent: product.depth, element: product.element)
            : SIMTOperand(product.rightAddress(frame, isPacked: isPacked))
        let finish = frame.finishing(
            product.epilogue, product.stores, over: [b, m, n], count: tile.rows * tile.columns, threads: threads,
            point: ["const int r = e / \(tile.columns), q = e % \(tile.columns);"],
            arguments: ["b", "firstRow + r", "firstColumn + q"],
            inside: [
                "b", "(firstRow + r < rows ? firstRow + r : rows - 1)",
                "(firstColumn + q < columns ? firstColumn + q : columns - 1)",
            ], accumulator: "sums[r * \(tile.columns + 4) + q]",
            condition: "firstRow + r < rows && firstColumn + q < columns")
        let functions =
            left.functions + right.functions
            + finish.functions
        let index = frame.index
        let i = frame.integer
        let stageBytes = (tile.rows + tile.columns) * 128
        let slices = "(depth + \(Self.slice - 1)) / \(Self.slice)"
        // Weights need not wait for the kernel before this one.
        let readsAhead = rightForm != .computed && product.isRightConstant
        var lines = [
            readsAhead ? "OVERLAP_BEGIN;" : "OVERLAP_BEGIN; OVERLAP_WAIT;",
            "extern __shared__ __align__(128) unsigned char arena[];",
        ]
        lines += split.declarations
        lines += [
            "const int thread = THREAD, lane = thread % 32, warp = thread / 32;",
            "const int warpRow = warp / \(tile.columns / tile.warpColumns) * \(tile.warpRows), "
                + "warpColumn = warp % \(tile.columns / tile.warpColumns) * \(tile.warpColumns);",
            "const uint32_t shared = (uint32_t)__cvta_generic_to_shared(arena);",
            "const int tile = BLOCK / \(parts); const int part = BLOCK % \(parts);", "\(i) rest = tile;",
            "const \(i) firstRow = rest % \(index.print(rowTiles)) * \(tile.rows); rest /= \(index.print(rowTiles));",
            "const \(i) firstColumn = rest % \(index.print(columnTiles)) * \(tile.columns); rest /= \(index.print(columnTiles));",
            "const \(i) b = rest;",
            "const \(i) rows = \(index.print(m.extent)), columns = \(index.print(n.extent)), depth = \(index.print(s.extent));",
            "const int turns = \(slices), from = turns * part / \(parts), to = turns * (part + 1) / \(parts);",
            "float c[\(tile.sums)];", "UNROLL for (int i = 0; i < \(tile.sums); ++i) c[i] = 0;",
        ]
        func fill(_ operand: SIMTOperand, _ count: Int, _ first: String, _ limit: String, _ offset: Int) -> [String] {
            operand.fill(
                rows: count, runs: 8, pitch: 128, threads: threads, first: first, limit: limit,
                from: "(\(i))turn * \(Self.slice)", end: "depth", base: "shared + stage * \(stageBytes) + \(offset)",
                integer: i, arguments: ["b", "line", "s"])
        }
        let fillLeft = fill(left, tile.rows, "firstRow", "rows", 0)
        let fillRight = fill(right, tile.columns, "firstColumn", "columns", tile.rows * 128)
        let fill = fillLeft + fillRight
        let eachStage = [
            "UNROLL for (int stage = 0; stage < \(stages - 1); ++stage) {", "const int turn = from + stage;",
        ]
        if readsAhead { lines += eachStage + ["if (turn < to) {"] + fillRight + ["}", "}", "OVERLAP_WAIT;"] }
        lines += eachStage + ["if (turn < to) {"] + (readsAhead ? fillLeft : fill) + ["}", "COPIES_COMMIT;", "}"]
        lines += [
            "KEEP_LOOP for (int at = from; at < to; ++at) {", "COPIES_WAIT(\(stages - 2)); BARRIER;",
            "{ const int turn = at + \(stages - 1), stage = (turn - from) % \(stages);", "if (turn < to) {",
        ]
        lines += fill + ["}", "COPIES_COMMIT; }"]
        lines += multiply(stageBytes) + ["}", "COPIES_WAIT(0);"]
        lines += split.join(tile: "tile", part: "part")
        lines += gather() + finish.statements
        let isShared = parts > 1
        var extra: [SIMTFrame.Extra] = []
        var arguments: [EmittedKernel.Argument] = frame.visible.map { .parameter($0) }
        if isPacked {
            extra.append(.init(name: "packed", type: frame.storage(product.element), isRead: true))
            arguments.append(.packed(0))
        }
        if isShared {
            extra.append(.init(name: "scratch", type: "float", isRead: false))
            arguments.append(.shared(bytes: IntegerExpression(split.scratchBytes)))
        }
        let packing = isPacked ? product.packing(symbol) : nil
        return EmittedKernel(
            symbol: symbol,
            source: functions
                + frame.kernelFunction(extra: extra, hasCounters: isShared, threads: threads, lines),
            packingSource: packing?.source ?? "", arguments: arguments, packings: packing.map { [$0.packing] } ?? [],
            workspaceBytes: 0,
            parts: .grid(
                .init(
                    blocks: tiles * parts, threads: threads,
                    sharedBytes: Self.sharedBytes(tile, stages: stages), overlaps: product.target.overlaps,
                    counters: split.counters)))
    }

    /// The products of one stage.
    private func multiply(_ stageBytes: Int) -> [String] {
        let (down, across) = (tile.warpRows / 16, tile.warpColumns / 16)
        let type = product.element == .f16 ? "f16" : "bf16"
        return [
            "const uint32_t lefts = shared + (at - from) % \(stages) * \(stageBytes), rights = lefts + \(tile.rows * 128);",
            "UNROLL for (int k = 0; k < 8; k += 2) {", "uint32_t x[\(down)][4], y[\(across)][4];",
            "UNROLL for (int i = 0; i < \(down); ++i) {",
            "const int r = warpRow + i * 16 + lane % 16, q = k + lane / 16;",
            "load_matrices(x[i], lefts + r * 128 + ((q ^ (r & 7)) << 4)); }",
            "UNROLL for (int j = 0; j < \(across); ++j) {",
            "const int r = warpColumn + j * 16 + lane / 16 * 8 + lane % 8, q = k + lane / 8 % 2;",
            "load_matrices(y[j], rights + r * 128 + ((q ^ (r & 7)) << 4)); }",
            "UNROLL for (int i = 0; i < \(down); ++i) UNROLL for (int j = 0; j < \(2 * across); ++j)",
            "multiply_\(type)(c + (i * \(2 * across) + j) * 4, x[i], y[j / 2] + j % 2 * 2);", "}",
        ]
    }

    /// The sums go through shared memory, so that neighbouring threads store neighbouring columns.
    private func gather() -> [String] {
        let pitch = tile.columns + 4
        let across = tile.warpColumns / 8
        return [
            "float *const sums = (float *)arena;", "BARRIER;",
            "UNROLL for (int i = 0; i < \(tile.warpRows / 16); ++i) UNROLL for (int j = 0; j < \(across); ++j) "
                + "UNROLL for (int e = 0; e < 4; ++e)",
            "sums[(warpRow + i * 16 + lane / 4 + e / 2 * 8) * \(pitch) + warpColumn + j * 8 + lane % 4 * 2 + e % 2] "
                + "= c[(i * \(across) + j) * 4 + e];", "BARRIER;",
        ]
    }
}
