import ElementTypes
import KernelIR

/// Products by multiply-adds in f32: tiles of both operands in shared memory, a small tile of sums in every thread.
/// Right for every operand; both may be any function.
struct SIMTTileWriter {
    let product: SIMTProduct
    let symbol: String
    /// Rows and columns of a block's tile are 16 × `threadTile`; 256 threads.
    let threadTile: Int
    /// Blocks that share the summed axis of a tile.
    let parts: Int

    private static let threads = 256
    /// Summed elements in shared memory at once.
    private static let slice = 16

    private var side: Int { 16 * threadTile }

    func write() -> EmittedKernel {
        let frame = product.frame(symbol)
        let (b, m, n, s) = (product.batch, product.row, product.column, product.sum)
        let tile = IntegerExpression(side)
        let rowTiles = (m.extent + (side - 1)).floorDivided(by: tile, frame.ranges)
        let columnTiles = (n.extent + (side - 1)).floorDivided(by: tile, frame.ranges)
        let tiles = b.extent * rowTiles * columnTiles
        let split = SIMTSplit(
            parts: parts, count: threadTile * threadTile, threads: Self.threads, tiles: tiles.constantValue ?? 0)
        let functions =
            frame.function("left", rounded(product.left), over: [b, m, s], as: nil)
            + frame.function("right", rounded(product.right), over: [b, n, s], as: nil)
            + frame.epilogue("finish", product.epilogue, product.stores, over: [b, m, n])
        let index = frame.index
        let (i, pitch, slice) = (frame.integer, side + 4, Self.slice)
        let groups = threadTile / 4
        var lines = [
            "OVERLAP_BEGIN; OVERLAP_WAIT;",
            "SHARED float as[\(slice * pitch)] ALIGNED;", "SHARED float bs[\(slice * pitch)] ALIGNED;",
        ]
        lines += split.declarations
        lines += [
            "const int thread = THREAD, across = thread % 16, down = thread / 16;",
            "const int tile = BLOCK / \(parts); const int part = BLOCK % \(parts);",
            "\(i) rest = tile;",
            "const \(i) firstColumn = rest % \(index.print(columnTiles)) * \(side); rest /= \(index.print(columnTiles));",
            "const \(i) firstRow = rest % \(index.print(rowTiles)) * \(side); rest /= \(index.print(rowTiles));",
            "const \(i) b = rest;",
            "const \(i) rows = \(index.print(m.extent)), columns = \(index.print(n.extent)), depth = \(index.print(s.extent));",
            "const \(i) turns = (depth + \(slice - 1)) / \(slice), from = turns * part / \(parts), "
                + "to = turns * (part + 1) / \(parts);",
            "float c[\(threadTile * threadTile)];",
            "UNROLL for (int i = 0; i < \(threadTile * threadTile); ++i) c[i] = 0;",
            "for (\(i) turn = from; turn < to; ++turn) {",
            "UNROLL for (int i = 0; i < \(side * slice / Self.threads); ++i) {",
            "const int k = thread % \(slice), r = thread / \(slice) + i * \(Self.threads / slice);",
            "const \(i) s = turn * \(slice) + k, row = firstRow + r, column = firstColumn + r;",
            "as[k * \(pitch) + r] = row < rows && s < depth ? \(frame.call("left", ["b", "row", "s"])) : 0;",
            "bs[k * \(pitch) + r] = column < columns && s < depth ? \(frame.call("right", ["b", "column", "s"])) : 0;",
            "}",
            "BARRIER;",
            "UNROLL for (int k = 0; k < \(slice); ++k) {",
            "float x[\(threadTile)], y[\(threadTile)];",
            "UNROLL for (int g = 0; g < \(groups); ++g) {",
            "const float4 u = *(LOCAL const float4 *)(as + k * \(pitch) + g * 64 + down * 4);",
            "const float4 v = *(LOCAL const float4 *)(bs + k * \(pitch) + g * 64 + across * 4);",
            "x[g * 4] = u.x; x[g * 4 + 1] = u.y; x[g * 4 + 2] = u.z; x[g * 4 + 3] = u.w;",
            "y[g * 4] = v.x; y[g * 4 + 1] = v.y; y[g * 4 + 2] = v.z; y[g * 4 + 3] = v.w;",
            "}",
            "UNROLL for (int i = 0; i < \(threadTile); ++i) UNROLL for (int j = 0; j < \(threadTile); ++j) "
                + "c[i * \(threadTile) + j] = fma_fs(x[i], y[j], c[i * \(threadTile) + j]);",
            "}",
            "BARRIER;", "}",
        ]
        lines += split.join(tile: "tile", part: "part")
        lines += [
            "UNROLL for (int i = 0; i < \(threadTile); ++i) UNROLL for (int j = 0; j < \(threadTile); ++j) {",
            "const \(i) row = firstRow + i / 4 * 64 + down * 4 + i % 4, "
                + "column = firstColumn + j / 4 * 64 + across * 4 + j % 4;",
            "if (row < rows && column < columns) "
                + "\(frame.call("finish", ["b", "row", "column", "c[i * \(threadTile) + j]"]));",
            "}",
        ]
        let isShared = parts > 1
        let body = frame.kernelFunction(
            extra: isShared ? [.init(name: "scratch", type: "float", isRead: false)] : [], hasCounters: isShared,
            threads: Self.threads, lines)
        return EmittedKernel(
            symbol: symbol, source: functions + body,
            arguments: product.kernel.parameters.indices.map { .parameter($0) }
                + (isShared ? [.shared(bytes: IntegerExpression(split.scratchBytes))] : []),
            packings: [], workspaceBytes: 0,
            parts: .grid(
                .init(
                    blocks: tiles * parts, threads: Self.threads, overlaps: product.target.overlaps,
                    counters: split.counters)))
    }

    /// The factor rounded to the operands' type.
    private func rounded(_ function: ScalarFunction) -> ScalarFunction {
        if product.element == .f32 { return function }
        if case .load(let parameter, _, _) = function.body.nodes[function.result],
            product.kernel.parameters[parameter].element == product.element
        {
            return function
        }
        var body = function.body
        body.nodes.append(.cast(function.result, product.element))
        return ScalarFunction(body: body, result: body.nodes.count - 1)
    }
}
