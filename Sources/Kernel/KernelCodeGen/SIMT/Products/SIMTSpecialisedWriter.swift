import ElementTypes
import KernelIR

/// Large products on Hopper's matrix units by specialised warps: one group of four warps fetches, the others multiply
/// (`wgmma`) and finish what they summed, each group 64 rows of all the tile's columns.
///
/// Constant right operands are packed as the units read them: for each slice of 64 summed elements all columns, eight to a block of
/// 1024 bytes that is swizzled already (`SIMTMatrixWriter`), so that one instruction copies a tile's whole slice (`cp.async.bulk`), and
/// to all blocks of a cluster at once, which have the same columns of other rows. Left operands are fetched run by run, as everywhere:
/// masks, windows and prologues are possible. Stages are handed over by barriers in shared memory (`mbarrier`), so that fetching
/// goes on while results are finished. (PTX ISA, "Asynchronous Barrier"; "Asynchronous copy".)
struct SIMTSpecialisedWriter {
    /// What a block computes at a time.
    struct Tile {
        /// Groups of warps that multiply.
        let groups: Int
        let columns: Int
        /// Whether the groups take turns, each with a tile of 64 rows of its own: one finishes while the other multiplies.
        var takesTurns = false

        var rows: Int { takesTurns ? 64 : 64 * groups }
        var threads: Int { 128 * (groups + 1) }
    }

    /// The tiles that a schedule names by their place.
    static let tiles =
        [256, 192, 128].map { Tile(groups: 2, columns: $0) }
        + [256, 224, 192, 160, 128, 96].map { Tile(groups: 2, columns: $0, takesTurns: true) }
        + [192, 128, 96, 64].map { Tile(groups: 1, columns: $0) }
    /// Columns of all tiles.
    static var columns: [Int] { Set(tiles.map(\.columns)).sorted() }
    /// Summed elements of a stage.
    static let slice = 64

    let product: SIMTProduct
    let symbol: String
    let tile: Tile
    let stages: Int
    /// Blocks that share their columns.
    let cluster: Int
    /// Whether blocks stay on their processors and take one tile after another.
    let isPersistent: Bool

    /// Whether a product can be computed so.
    static func applies(_ product: SIMTProduct) -> Bool {
        product.target.hasGroupUnits && product.isPlain && product.isReal && product.element != .f32
            && product.isRightConstant
            && product.rows != nil && product.columns != nil && product.batches != nil && (product.depth ?? 0) > 0
    }

    /// Whether the left operand lies in memory as runs.
    static func isFetched(_ product: SIMTProduct) -> Bool {
        let operand = SIMTOperand(
            product.left, "left", product.frame("probe"), over: [product.batch, product.row, product.sum],
            extent: product.depth, element: product.element)
        return operand.form == .copied
    }

    /// Bytes of shared memory: stages, a patch for each warp that multiplies, barriers.
    static func sharedBytes(_ tile: Tile, stages: Int) -> Int {
        stages * (tile.rows + tile.columns) * 128 + tile.groups * 4 * SIMTWarpFinish.patchBytes + stages * 16 + 16
    }

    /// Blocks that a processor has room for: by shared memory, and by registers, of which the units' instruction needs some more
    /// than its sums (ptxas C7602).
    static func residents(_ tile: Tile, stages: Int, _ target: SIMTTarget) -> Int {
        let fits = 2 * (sharedBytes(tile, stages: stages) + 1024) <= target.sharedBytes + 1024
        return fits && tile.columns / 2 + 32 <= 65536 / (2 * tile.threads) / 8 * 8 ? 2 : 1
    }

    /// Columns as they are packed: whole blocks of eight.
    private var packedColumns: Int { ((product.columns ?? 0) + 7) / 8 * 8 }
    private var turns: Int { ((product.depth ?? 0) + Self.slice - 1) / Self.slice }
    private var leftBytes: Int { tile.rows * 128 }
    private var stageBytes: Int { (tile.rows + tile.columns) * 128 }
    private var rowClusters: Int { ((product.rows ?? 0) + tile.rows * cluster - 1) / (tile.rows * cluster) }
    private var columnTiles: Int { ((product.columns ?? 0) + tile.columns - 1) / tile.columns }
    /// Tiles of all blocks of a cluster.
    private var tiles: Int { (product.batches ?? 1) * rowClusters * columnTiles }
    private var residents: Int { Self.residents(tile, stages: stages, product.target) }
    /// Clusters that run: all tiles', or as many as there is room for.
    private var clusters: Int {
        guard isPersistent else { return tiles }
        return min(tiles, max(1, product.target.multiprocessors * residents / cluster))
    }

    func write() -> EmittedKernel {
        let frame = product.frame(symbol, isPacked: true)
        let left = SIMTOperand(
            product.left, "left", frame, over: [product.batch, product.row, product.sum], extent: product.depth,
            element: product.element)
        let finish = finishing(frame)
        let patches = stages * stageBytes
        let barriers = patches + tile.groups * 4 * SIMTWarpFinish.patchBytes
        let meet = cluster > 1 ? "CLUSTER_BARRIER;" : "BARRIER;"
        let registers = self.registers
        let i = frame.integer
        var lines = [
            "OVERLAP_BEGIN;", "extern __shared__ __align__(1024) unsigned char arena[];",
            "const int thread = THREAD % 128, group = THREAD / 128;",
            "const uint32_t shared = (uint32_t)__cvta_generic_to_shared(arena);",
            "const uint32_t full = shared + \(barriers), empty = full + \(8 * stages), order = empty + \(8 * stages);",
            "const \(i) rows = \(product.rows ?? 0), columns = \(product.columns ?? 0), depth = \(product.depth ?? 0);",
            "if (THREAD == 0) {",
            "for (int s = 0; s < \(stages); ++s) { barrier_begin(full + 8 * s, 129); "
                + "barrier_begin(empty + 8 * s, \((tile.takesTurns ? 1 : tile.groups) * cluster)); }",
            "barrier_begin(order, 1); barrier_begin(order + 8, 1);", "BARRIERS_BEGUN;", "}", meet,
            "int stage = 0, phase = 0;",
            "if (group == 0) {",
        ]
        if let registers { lines.append("REGISTERS_DOWN(\(registers.fetching));") }
        lines += fetching(left, frame) + ["} else {"]
        if let registers { lines.append("REGISTERS_UP(\(registers.multiplying));") }
        lines += multiplying(frame, finish, patches: patches) + ["}"]
        if cluster > 1 { lines.append("CLUSTER_LEAVE;") }
        let extra = [SIMTFrame.Extra(name: "packed", type: frame.storage(product.element), isRead: true)]
        let packing = self.packing()
        return EmittedKernel(
            symbol: symbol,
            source: left.functions + finish.functions
                + frame.kernelFunction(
                    extra: extra, threads: tile.threads, blocksPerProcessor: residents, cluster: cluster, lines),
            packingSource: packing.source, arguments: frame.visible.map { .parameter($0) } + [.packed(0)],
            packings: [packing.packing], workspaceBytes: 0,
            parts: .grid(
                .init(
                    blocks: IntegerExpression(clusters * cluster), threads: tile.threads,
                    sharedBytes: Self.sharedBytes(tile, stages: stages), overlaps: product.target.overlaps, counters: 0)
            ))
    }

    /// Registers of a thread that fetches and of one that multiplies; nil where all have enough.
    private var registers: (fetching: Int, multiplying: Int)? {
        let groups = tile.groups + 1
        let even = min(255, 65536 / (residents * tile.threads)) / 8 * 8
        guard even < 200 else { return nil }
        let fetching = even < 100 ? 48 : 72
        return (fetching, min(240, (even * groups - fetching) / tile.groups / 8 * 8))
    }

    /// Statements that take apart the number of a cluster's tile.
    private func place(_ i: String) -> [String] {
        [
            "const \(i) firstRow = (tile % \(rowClusters) * \(cluster) + BLOCK % \(cluster)) * \(tile.rows);",
            "const \(i) firstColumn = tile / \(rowClusters) % \(columnTiles) * \(tile.columns);",
            "const \(i) b = tile / \(rowClusters * columnTiles); (void)b;",
        ]
    }

    /// What the group does that fetches.
    private func fetching(_ left: SIMTOperand, _ frame: SIMTFrame) -> [String] {
        let i = frame.integer
        let own = tile.columns / cluster
        let batch = product.rightBatches > 1 ? "b * \(turns) + " : ""
        // A block copies its part of the columns to all blocks of its cluster.
        let weights = [
            "if (thread == 0) {",
            "const int count = columns - firstColumn < \(tile.columns) ? \(packedColumns) - (int)firstColumn : \(tile.columns);",
            "const int first = BLOCK % \(cluster) * \(own), some = count - first < \(own) ? count - first : \(own);",
            "barrier_expect(full + 8 * stage, count * 128);",
            "if (some > 0) bulk_copy\(cluster > 1 ? "_all" : "")(shared + stage * \(stageBytes) + \(leftBytes) + first * 128, "
                + "packed + ((int64_t)(\(batch)turn) * \(packedColumns) + firstColumn + first) * 64, some * 128, "
                + "full + 8 * stage\(cluster > 1 ? ", \((1 << cluster) - 1)" : ""));",
            "}",
        ]
        let ahead = min(stages, turns)
        let advance = "if (++stage == \(stages)) { stage = 0; phase ^= 1; }"
        var lines = ["{ const int tile = BLOCK / \(cluster);"] + place(i)
        // Weights need not wait for the kernel before this one.
        lines += ["for (int turn = 0; turn < \(ahead); ++turn) { const int stage = turn;"] + weights + ["}", "}"]
        lines += [
            "OVERLAP_WAIT;", "int filled = 0;",
            "KEEP_LOOP for (int tile = BLOCK / \(cluster); tile < \(tiles); tile += \(clusters)) {",
        ]
        lines += place(i)
        let fetched = SIMTFetchedRows(product, frame, rows: tile.rows, threads: 128)
        lines += fetched?.prepare ?? []
        lines += [
            "KEEP_LOOP for (int turn = 0; turn < \(turns); ++turn) {",
            "if (filled >= \(stages)) barrier_wait(empty + 8 * stage, phase ^ 1);",
            "if (filled >= \(ahead)) {",
        ]
        lines += weights + ["}"]
        lines +=
            fetched?.fill(base: "shared + stage * \(stageBytes)")
            ?? left.fill(
                rows: tile.rows, runs: 8, pitch: 128, threads: 128, first: "firstRow", limit: "rows",
                from: "(\(i))turn * \(Self.slice)", end: "depth", base: "shared + stage * \(stageBytes)", integer: i,
                arguments: ["b", "line", "s"])
        // What threads store themselves must be made visible to `wgmma`; copies are.
        lines.append(
            left.form == .copied ? "barrier_copies(full + 8 * stage);" : "GROUP_SEES; barrier_arrive(full + 8 * stage);"
        )
        return lines + ["++filled;", advance, "}", "}"]
    }

    /// What the groups do that multiply.
    private func multiplying(_ frame: SIMTFrame, _ finish: SIMTWarpFinish, patches: Int) -> [String] {
        let i = frame.integer
        let type = product.element == .f16 ? "f16" : "bf16"
        func release(_ stage: String) -> String {
            cluster > 1
                ? "if (thread < \(cluster)) barrier_arrive_of(empty + 8 * (\(stage)), thread);"
                : "if (thread == 0) barrier_arrive(empty + 8 * (\(stage)));"
        }
        var lines = [
            "OVERLAP_WAIT;", "int taken = group - 1; (void)taken;",
            "const int lane = thread % 32, warp = thread / 32; (void)warp;",
            "float *const sums = (float *)(arena + \(patches)) + ((group - 1) * 4 + warp) * \(16 * SIMTWarpFinish.pitch);",
            "KEEP_LOOP for (int tile = BLOCK / \(cluster); tile < \(tiles); tile += \(clusters)) {",
        ]
        if tile.takesTurns {
            // A phase's parity tells it from its neighbours alone: a group waits for stages only after the other has
            // seen all that come before.
            let steps = "const int next = stage + \(turns);"
            lines += [
                "if ((tile / \(clusters) + 1) % 2 != group % 2) {", steps,
                "phase ^= next / \(stages) & 1; stage = next % \(stages); continue;", "}",
            ]
        }
        lines += place(i)
        let own = tile.takesTurns ? "" : " + (group - 1) * 8192"
        lines += [
            "const \(i) top = firstRow + \(tile.takesTurns ? "" : "(group - 1) * 64 + ")warp * 16;"
        ]
        if let words = finish.words { lines.append(words) }
        lines += finish.fetch("0", "firstColumn")
        lines += [
            "float c[\(tile.columns / 2)];", "UNROLL for (int i = 0; i < \(tile.columns / 2); ++i) c[i] = 0;",
            "int turn = 0, last = 0;",
            tile.takesTurns ? "if (taken++ > 0) barrier_wait(order + 8 * (group - 1), taken & 1);" : "",
            "KEEP_LOOP do {",
            "barrier_wait(full + 8 * stage, phase);",
            "const uint32_t lefts = shared + stage * \(stageBytes)\(own), "
                + "rights = shared + stage * \(stageBytes) + \(leftBytes);",
            "GROUP_FENCE;",
            "UNROLL for (int k = 0; k < 4; ++k) multiply_group_\(type)_\(tile.columns)(c, "
                + "group_tile(lefts + k * 32), group_tile(rights + k * 32));",
            "GROUP_COMMIT;", "GROUP_WAIT(1);",
            "if (turn > 0) { \(release("last")) }",
            "last = stage;", "if (++stage == \(stages)) { stage = 0; phase ^= 1; }",
            "} while (++turn < \(turns));",
            tile.takesTurns ? "if (thread == 0) barrier_arrive(order + 8 * (2 - group));" : "",
            "GROUP_WAIT(0);", release("last"),
        ]
        return lines + finish.finish(columns: tile.columns, first: "firstColumn", integer: i) + ["}"]
    }

    /// The epilogue of 16 rows of a tile, by a warp.
    private func finishing(_ frame: SIMTFrame) -> SIMTWarpFinish {
        SIMTWarpFinish(
            frame, product.epilogue, product.stores, over: [product.batch, product.row, product.column],
            .init(
                arguments: ["b", "top + r", "edge + q"],
                inside: { run in
                    [
                        "b", "(top + r < rows ? top + r : rows - 1)",
                        "(edge + q < columns ? edge + q : columns - \(run))",
                    ]
                }, condition: "top + r < rows && edge + q < columns"))
    }

    /// The rearrangement of the right operand as host C: `[batch][slice][column / 8][column % 8][64]`, runs of 8 swapped about, zeros
    /// where there is nothing.
    private func packing() -> (packing: EmittedKernel.Packing, source: String) {
        let column = "row % \(packedColumns)"
        return product.packing(
            symbol, rows: product.rightBatches * turns * packedColumns, length: Self.slice,
            batch: "row / \(turns * packedColumns)", column: column,
            sum: "row / \(packedColumns) % \(turns) * \(Self.slice) + (i / 8 ^ \(column) % 8) * 8 + i % 8")
    }
}
