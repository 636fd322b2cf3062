import ElementTypes
import KernelIR

/// Products on matrix units, by warps (`mma.sync.m16n8k16`) or by groups of four warps that multiply out of shared memory
/// (`wgmma`, Hopper): bf16 or f16 factors, f32 sums.
///
/// Tiles of both operands lie in shared memory as rows of 64 summed elements (128 bytes), their 16-byte runs swapped about
/// (`run ^ row % 8`) so that `ldmatrix` meets no bank twice, which is also the 128-byte swizzle that `wgmma` knows (PTX ISA,
/// "Asynchronous warpgroup level matrix shared memory layout"); several tiles are under way at once (`cp.async`). An operand
/// that is not a plain load is computed into shared memory. Convolutions are the same thing with masked runs.
///
/// Factors of f32 are multiplied by warps as three products of two parts of 11 bits each (`SIMTSplitFactors`), rows of 32 summed elements.
struct SIMTMatrixWriter {
    /// A block's tile and what a warp has of it.
    struct Tile {
        let rows: Int
        let columns: Int
        let warpRows: Int
        let warpColumns: Int
        /// Whether four warps multiply together, each 16 rows of all columns.
        var isGroup = false

        var warps: Int { rows / warpRows * (columns / warpColumns) }
        var threads: Int { warps * 32 }
        /// Sums of a thread.
        var sums: Int { warpRows * warpColumns / 32 }
        /// Where a warp's sums lie in the tile, as a statement.
        var place: String {
            let across = columns / warpColumns
            return "const int warpRow = warp / \(across) * \(warpRows), warpColumn = warp % \(across) * \(warpColumns);"
        }
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
        group(64, 32), group(64, 64), group(64, 128), group(64, 256), group(128, 64), group(128, 128), group(128, 256),
        group(256, 128), group(64, 16), Tile(rows: 128, columns: 32, warpRows: 32, warpColumns: 32),
        Tile(rows: 128, columns: 16, warpRows: 32, warpColumns: 16),
    ]
    private static func group(_ rows: Int, _ columns: Int) -> Tile {
        Tile(rows: rows, columns: columns, warpRows: 16, warpColumns: columns, isGroup: true)
    }
    /// Place of the tile of groups of this size.
    static func place(_ rows: Int, _ columns: Int) -> Int {
        guard let place = tiles.firstIndex(where: { $0.isGroup && $0.rows == rows && $0.columns == columns }) else {
            preconditionFailure("there is no tile of \(rows) × \(columns)")
        }
        return place
    }
    /// Columns of all tiles that groups of warps have.
    static var groupColumns: [Int] { Set(tiles.filter(\.isGroup).map(\.columns)).sorted() }
    /// Whether a device has what a tile needs.
    static func applies(_ tile: Tile, _ target: SIMTTarget, stages: Int) -> Bool {
        (!tile.isGroup || target.hasGroupUnits) && sharedBytes(tile, stages: stages) <= target.sharedBytes
    }
    /// Summed elements of a stage, of factors of two bytes.
    static let slice = 64

    let product: SIMTProduct
    let symbol: String
    let tile: Tile
    /// Tiles of shared memory.
    let stages: Int
    /// Blocks that share the summed axis of a tile: a cluster where the device has them and they are few.
    let parts: Int

    /// How units take the factors: as they are, of f32 in parts, or of f32 rounded to what a unit takes.
    enum Factors { case narrow, inParts, rounded }
    let factors: Factors

    private var isSplit: Bool { factors == .inParts }
    /// Summed elements of a stage: 128 bytes of an operand's row.
    private var slice: Int { factors == .narrow ? Self.slice : SIMTSplitFactors.slice }

    /// Slices that are copied ahead. A group's products of the slice before may still be read while the next ones begin.
    private var ahead: Int { tile.isGroup ? max(1, stages - 2) : stages - 1 }

    /// Bytes of shared memory of a tile with so many stages.
    static func sharedBytes(_ tile: Tile, stages: Int) -> Int {
        max(stages * (tile.rows + tile.columns) * slice * 2, tile.rows * (tile.columns + 4) * 4)
    }

    func write() -> EmittedKernel {
        let rightForm = product.rightForm
        let weights = rightForm == .packed && factors == .narrow ? product.codes.flatMap(SIMTUnitCodes.init) : nil
        let frame = product.frame(symbol, isPacked: rightForm == .packed)
        let (b, m, n, s) = (product.batch, product.row, product.column, product.sum)
        let rowTiles = (m.extent + (tile.rows - 1)).floorDivided(by: IntegerExpression(tile.rows), frame.ranges)
        let columnTiles =
            (n.extent + (tile.columns - 1)).floorDivided(by: IntegerExpression(tile.columns), frame.ranges)
        let tiles = b.extent * rowTiles * columnTiles
        let threads = tile.threads
        let isClustered = parts > 1 && parts <= 8 && product.target.hasClusters && tile.rows % parts == 0
        let split = SIMTSplit(
            parts: isClustered ? 1 : parts, count: tile.sums, threads: threads, tiles: tiles.constantValue ?? 0)
        let ownRows = isClustered ? tile.rows / parts : tile.rows
        let isPacked = rightForm == .packed && weights == nil
        let coded = weights.map {
            SIMTCodedTile(weights: $0, symbol: symbol, columns: tile.columns, threads: threads)
        }
        var left = SIMTOperand(
            product.left, "left", frame, over: [b, m, s], extent: product.depth, element: product.element)
        var right =
            rightForm == .computed
            ? SIMTOperand(
                product.right, "right", frame, over: [b, n, s], extent: product.depth, element: product.element)
            : SIMTOperand(product.rightAddress(frame, isPacked: isPacked), product.element)
        // Factors of f32 that lie side by side along rows or columns are copied so.
        let turnedLeft = turned(product.left, "left", frame, [b, s, m], product.rows, unless: left)
        let turnedRight = turned(product.right, "right", frame, [b, s, n], product.columns, unless: right)
        left = turnedLeft ?? left
        right = turnedRight ?? right
        let factorTiles = SIMTFactorTiles(
            symbol: symbol, tile: tile, isLeftTurned: turnedLeft != nil, isRightTurned: turnedRight != nil)
        let fetched =
            turnedLeft == nil ? SIMTFetchedRows(product, frame, rows: tile.rows, threads: threads) : nil
        let finish = finishing(frame, ownRows: ownRows, isClustered: isClustered)
        let functions =
            left.functions + (coded?.functions ?? right.functions)
            + finish.functions + (factors == .narrow ? "" : factorTiles.functions)
        let index = frame.index
        let i = frame.integer
        let stageBytes = (tile.rows + tile.columns) * 128
        let slices = "(depth + \(slice - 1)) / \(slice)"
        // What threads store themselves must be made visible to `wgmma`; copies are, and a fence would wait for those under way.
        let needsFence = tile.isGroup && (left.form != .copied || (right.form != .copied && coded == nil))
        // Products may be under way at the loop's end only where it runs once at least: ptxas would wait for each of them
        // where their sums could also be the zeros from before the loop.
        let runsAlways = product.depth.map { ($0 + slice - 1) / slice >= max(parts, 1) && $0 > 0 } ?? false
        // Weights need not wait for the kernel before this one.
        let readsAhead = rightForm != .computed && product.isRightConstant
        var lines = [
            readsAhead ? "OVERLAP_BEGIN;" : "OVERLAP_BEGIN; OVERLAP_WAIT;",
            "extern __shared__ __align__(1024) unsigned char arena[];",
        ]
        lines += split.declarations
        lines += [
            "const int thread = THREAD, lane = thread % 32, warp = thread / 32;",
            tile.place,
            "const uint32_t shared = (uint32_t)__cvta_generic_to_shared(arena);",
            "const int tile = BLOCK / \(parts); const int part = BLOCK % \(parts);", "\(i) rest = tile;",
            "const \(i) firstRow = rest % \(index.print(rowTiles)) * \(tile.rows); rest /= \(index.print(rowTiles));",
            "const \(i) firstColumn = rest % \(index.print(columnTiles)) * \(tile.columns); rest /= \(index.print(columnTiles));",
            "const \(i) b = rest;",
            "const \(i) rows = \(index.print(m.extent)), columns = \(index.print(n.extent)), depth = \(index.print(s.extent));",
            "const int turns = \(slices), from = turns * part / \(parts), to = turns * (part + 1) / \(parts);",
            "float c[\(tile.sums)];", "UNROLL for (int i = 0; i < \(tile.sums); ++i) c[i] = 0;",
        ]
        if let coded { lines += coded.declarations }
        if factors != .narrow { lines += factorTiles.declarations }
        lines += fetched?.prepare ?? []
        func fill(
            _ operand: SIMTOperand, _ count: Int, _ first: String, _ limit: String, _ offset: Int, isTurned: Bool
        ) -> [String] {
            if isTurned {
                return operand.fill(
                    rows: slice, runs: count / 4, pitch: count * 4, threads: threads, first: "turn * \(slice)",
                    limit: "depth", from: first, end: limit, base: "shared + stage * \(stageBytes) + \(offset)",
                    integer: i, arguments: ["b", "line", "s"], swaps: SIMTFactorTiles.swaps("r", extent: count))
            }
            return operand.fill(
                rows: count, runs: 8, pitch: 128, threads: threads, first: first, limit: limit,
                from: "(\(i))turn * \(slice)", end: "depth", base: "shared + stage * \(stageBytes) + \(offset)",
                integer: i, arguments: ["b", "line", "s"])
        }
        let fillLeft =
            fetched?.fill(base: "shared + stage * \(stageBytes)")
            ?? fill(left, tile.rows, "firstRow", "rows", 0, isTurned: turnedLeft != nil)
        let fillRight =
            coded.map { $0.fetch + $0.store("shared + stage * \(stageBytes) + \(tile.rows * 128)") }
            ?? fill(
                right, tile.columns, "firstColumn", "columns", tile.rows * 128, isTurned: turnedRight != nil)
        let fill = fillLeft + fillRight
        let eachStage = [
            "UNROLL for (int stage = 0; stage < \(ahead); ++stage) {", "const int turn = from + stage;",
        ]
        if readsAhead { lines += eachStage + ["if (turn < to) {"] + fillRight + ["}", "}", "OVERLAP_WAIT;"] }
        lines += eachStage + ["if (turn < to) {"] + (readsAhead ? fillLeft : fill) + ["}", "COPIES_COMMIT;", "}"]
        // The fence of decoded codes stands before the next copies, where those under way have almost come.
        let sees = tile.isGroup ? ["GROUP_SEES;"] : []
        if let coded { lines += sees + ["{ const int turn = from + \(ahead);"] + coded.fetch + ["}"] }
        let opening = [
            runsAlways
                ? "int at = from; KEEP_LOOP do {" : "KEEP_LOOP for (int at = from; at < to; ++at) {",
            "COPIES_WAIT(\(ahead - 1)); \(needsFence ? "GROUP_SEES; " : "")BARRIER;",
            "const uint32_t lefts = shared + (at - from) % \(stages) * \(stageBytes), rights = lefts + \(tile.rows * 128);",
        ]
        if isSplit { lines.append("{") }
        lines += opening
        if tile.isGroup { lines += multiplyGroups }
        lines += ["{ const int turn = at + \(ahead), stage = (turn - from) % \(stages);", "if (turn < to) {"]
        if let coded {
            // What was read a slice ago, and then the next.
            lines += coded.store("shared + stage * \(stageBytes) + \(tile.rows * 128)") + sees + fillLeft
            lines += ["}", "COPIES_COMMIT;", "{ const int next = turn + 1, turn = next;"] + coded.fetch + ["} }"]
        } else {
            lines += fill + ["}", "COPIES_COMMIT; }"]
        }
        let end = runsAlways ? "} while (++at < to);" : "}"
        let pending = stages > 2 && runsAlways ? 1 : 0
        let products =
            switch factors {
            case .narrow: multiply
            case .inParts: SIMTSplitFactors.multiply(factorTiles)
            case .rounded: SIMTSplitFactors.multiplyRounded(factorTiles)
            }
        lines += tile.isGroup ? ["GROUP_WAIT(\(pending));", end, "GROUP_WAIT(0);"] : products + [end]
        lines.append("COPIES_WAIT(0);")
        if isSplit {
            // The same once more, where what was summed is not what sums in f32 would be.
            let next = ["{ const int turn = at + \(ahead), stage = (turn - from) % \(stages);", "if (turn < to) {"]
            var plain = (fetched?.prepare ?? []) + eachStage
            plain += ["if (turn < to) {"] + fill + ["}", "COPIES_COMMIT;", "}"]
            plain += opening + next + fill + ["}", "COPIES_COMMIT; }"]
            plain += SIMTSplitFactors.multiplyPlainly(factorTiles) + [end, "COPIES_WAIT(0);"]
            lines += ["}"] + SIMTSplitFactors.plainly(tile, plain)
        }
        lines += split.join(tile: "tile", part: "part")
        lines += gather(hasFactors: weights?.hasRowFactor ?? false)
        // Every block of a cluster finishes some rows, with the sums of all.
        lines += isClustered ? ["CLUSTER_BARRIER;"] + finish.statements + ["CLUSTER_LEAVE;"] : finish.statements
        let isShared = split.parts > 1
        var extra: [SIMTFrame.Extra] = []
        var arguments: [EmittedKernel.Argument] = frame.visible.map { .parameter($0) }
        if isPacked {
            extra.append(.init(name: "packed", type: frame.storage(product.element), isRead: true))
            arguments.append(.packed(0))
        }
        let packed = weights?.packings(symbol) ?? (isPacked ? [product.packing(symbol)] : [])
        if weights != nil {
            extra.append(.init(name: "codes", type: "uint8_t", isRead: true))
            if packed.count > 1 { extra.append(.init(name: "factors", type: "float", isRead: true)) }
            arguments += packed.indices.map { .packed($0) }
        }
        if isShared {
            extra.append(.init(name: "scratch", type: "float", isRead: false))
            arguments.append(.shared(bytes: IntegerExpression(split.scratchBytes)))
        }
        let isSimple =
            left.form == .copied && right.form == .copied && fetched == nil && product.rows != nil
            && turnedLeft == nil && turnedRight == nil
            && (product.depth ?? 1) % slice == 0
        let residents = SIMTSplitFactors.residents(tile, stages: stages, isSimple: isSimple, product.target)
        var kernel = EmittedKernel(
            symbol: symbol,
            source: functions
                + frame.kernelFunction(
                    extra: extra, hasCounters: isShared, threads: threads,
                    blocksPerProcessor: factors == .narrow ? 1 : residents, cluster: isClustered ? parts : 1, lines),
            packingSource: packed.map(\.source).joined(), arguments: arguments, packings: packed.map(\.packing),
            workspaceBytes: 0,
            parts: .grid(
                .init(
                    blocks: tiles * parts, threads: threads,
                    sharedBytes: Self.sharedBytes(tile, stages: stages), overlaps: product.target.overlaps,
                    counters: split.counters)))
        if isSplit { kernel.note = SIMTSplitFactors.note }
        if factors == .rounded { kernel.note = SIMTSplitFactors.roundedNote }
        return kernel
    }

    /// An operand whose runs lie along rows or columns, where they do not lie along the summed axis; nil where it does not lie so either.
    private func turned(
        _ function: ScalarFunction, _ name: String, _ frame: SIMTFrame, _ axes: [LoopAxis], _ extent: Int?,
        unless plain: SIMTOperand
    ) -> SIMTOperand? {
        guard factors != .narrow, plain.form != .copied else { return nil }
        let operand = SIMTOperand(function, name, frame, over: axes, extent: extent, element: product.element)
        return operand.form == .copied ? operand : nil
    }

    /// Whether neighbouring rows are neighbours in memory where neighbouring columns are not: images that lie channels first.
    private var storesAlongRows: Bool {
        guard case .contraction(let body) = product.kernel.body, let row = body.rows.last,
            let store = body.stores.first,
            body.columns.count == 1
        else { return false }
        return store.index.linearCoefficient(of: row.variable) == 1
            && store.index.linearCoefficient(of: body.columns[0].variable) != 1
    }

    /// Distance of rows of sums in shared memory: whoever reads along rows meets each bank once.
    private var sumsPitch: Int { storesAlongRows ? tile.columns + 1 : tile.columns + 4 }

    /// The epilogue of the rows that a block finishes.
    private func finishing(_ frame: SIMTFrame, ownRows: Int, isClustered: Bool) -> (
        functions: String, statements: [String]
    ) {
        let axes = [product.batch, product.row, product.column]
        let pitch = sumsPitch
        let offset = isClustered ? " + part * \(ownRows)" : ""
        let arguments = ["b", "firstRow + r", "firstColumn + q"]
        let inside = [
            "b", "(firstRow + r < rows ? firstRow + r : rows - 1)",
            "(firstColumn + q < columns ? firstColumn + q : columns - COLUMNS)",
        ]
        let condition = "firstRow + r < rows && firstColumn + q < columns"
        func within(_ run: Int) -> [String] { inside.map { $0.replacing("COLUMNS", with: "\(run)") } }
        for run in [8, 4, 2] where !storesAlongRows {
            let runs = frame.finishingRuns(
                product.epilogue, product.stores, over: axes, count: ownRows * tile.columns, run: run,
                columns: tile.columns, threads: tile.threads,
                point: ["const int r = e / \(tile.columns / run)\(offset);"], arguments: arguments,
                inside: within(run),
                accumulators: isClustered
                    ? "cluster_sums_\(parts)(sums_, shared + (r * \(pitch) + q) * 4, \(run))"
                    : "UNROLL for (int i = 0; i < \(run); ++i) sums_[i] = sums[r * \(pitch) + q + i]",
                condition: condition)
            if let runs { return (runs.functions, runs.statements) }
        }
        return frame.finishing(
            product.epilogue, product.stores, over: axes, count: ownRows * tile.columns, threads: tile.threads,
            point: [
                storesAlongRows
                    ? "const int r = e % \(ownRows)\(offset), q = e / \(ownRows);"
                    : "const int r = e / \(tile.columns)\(offset), q = e % \(tile.columns);"
            ],
            arguments: arguments, inside: within(1),
            accumulator: isClustered
                ? "cluster_sum_\(parts)(shared + (r * \(pitch) + q) * 4)" : "sums[r * \(pitch) + q]",
            condition: condition)
    }

    private var type: String { product.element == .f16 ? "f16" : "bf16" }

    /// Starts the products of one slice by groups of warps.
    private var multiplyGroups: [String] {
        [
            "GROUP_FENCE;",
            "UNROLL for (int k = 0; k < 4; ++k) multiply_group_\(type)_\(tile.columns)(c, "
                + "group_tile(lefts + warp / 4 * 8192 + k * 32), group_tile(rights + k * 32));",
            "GROUP_COMMIT;",
        ]
    }

    /// The products of one slice by warps.
    private var multiply: [String] {
        let (down, across) = (tile.warpRows / 16, tile.warpColumns / 16)
        return [
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

    /// The sums go through shared memory, so that neighbouring threads store neighbouring columns; times the factors of
    /// columns where there are any.
    private func gather(hasFactors: Bool) -> [String] {
        let pitch = sumsPitch
        let across = tile.warpColumns / 8
        let factor = hasFactors ? " * factors[firstColumn + column < columns ? firstColumn + column : columns - 1]" : ""
        return [
            "float *const sums = (float *)arena;", "BARRIER;",
            "UNROLL for (int i = 0; i < \(tile.warpRows / 16); ++i) UNROLL for (int j = 0; j < \(across); ++j) "
                + "UNROLL for (int e = 0; e < 4; ++e) {",
            "const int column = warpColumn + j * 8 + lane % 4 * 2 + e % 2;",
            "sums[(warpRow + i * 16 + lane / 4 + e / 2 * 8) * \(pitch) + column] = c[(i * \(across) + j) * 4 + e]\(factor); }",
            "BARRIER;",
        ]
    }
}
