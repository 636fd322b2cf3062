import ElementTypes
import KernelIR

/// Products of few rows by a right operand of codes and scales: as `SIMTSkinnyWriter`, but that a thread's 16 bytes are codes of
/// 4 or 8 bits, which it decodes in registers. The scale of a block multiplies the block's partial sum, the scale of a row the
/// row's sum.
struct SIMTCodedSkinnyWriter {
    let codes: SIMTCodes
    let symbol: String
    /// Warps that share a column's sum.
    let across: Int
    /// Columns of one group of threads.
    let columns: Int
    /// Runs of 16 bytes of each column that a thread has under way.
    let ahead: Int
    /// Warps of a block.
    let warps: Int

    private var product: SIMTProduct { codes.product }
    private var threads: Int { warps * 32 }
    /// Rows whose left values are held at once: a run of them takes a register for each element.
    private var held: Int { min(product.rows ?? 1, 64 / codes.run) }

    func write() -> EmittedKernel {
        var frame = product.frame(symbol)
        frame.hidden = product.packedParameters
        let (b, n) = (product.batch, product.column)
        let run = codes.run
        let rows = product.rows ?? 1
        let members = across * 32
        let groups = warps / across
        let perBlock = groups * columns
        let columnBlocks = (n.extent + (perBlock - 1)).floorDivided(by: IntegerExpression(perBlock), frame.ranges)
        let turns = (codes.runs + members - 1) / members
        let ahead = min(self.ahead, turns)
        let left = SIMTSkinnyRows(product, frame, run: run, held: held, columns: columns)
        var functions = codes.decoder(symbol)
        functions += left.functions
        let sums = SIMTSkinnyWriter(
            product: product, symbol: symbol, across: across, columns: columns, ahead: ahead, warps: warps)
        let finish = sums.finish(frame, rows: rows, groups: groups)
        functions += finish.functions
        let index = frame.index
        let i = frame.integer
        let count = sums.sumsOfGroup(rows: rows)
        let hasBlocks = codes.blocks > 1
        let scaleType = frame.storage(codes.operand.scaleElement)
        func load(_ u: String, _ turn: String) -> [String] {
            let row = codes.row("b", "first + r")
            let scale = "q[\(u)][r] = scales[\(row) * \(codes.blocks) + run * \(run) / \(codes.operand.block)];"
            return [
                "{ const int run = member + (\(turn)) * \(members);",
                "UNROLL for (int r = 0; r < \(columns); ++r) {",
                "w[\(u)][r].x = w[\(u)][r].y = w[\(u)][r].z = w[\(u)][r].w = 0;\(hasBlocks ? " q[\(u)][r] = 0;" : "")",
                "if (run < \(codes.runs) && first + r < columns) {",
                "w[\(u)][r] = stream16(codes + (\(row) * \(codes.runs) + run) * 16);", hasBlocks ? scale : "",
                "} } }",
            ]
        }
        var lines = [
            "OVERLAP_BEGIN;",
            "const int thread = THREAD, group = thread / \(members), member = thread % \(members);",
            "const \(i) columns = \(index.print(n.extent));",
            "const \(i) b = BLOCK / \(index.print(columnBlocks));",
            "const \(i) first = (BLOCK % \(index.print(columnBlocks)) * \(groups) + group) * \(columns);",
            "float c[\(count)];", "UNROLL for (int i = 0; i < \(count); ++i) c[i] = 0;",
            "uint4 w[\(ahead)][\(columns)];",
        ]
        if hasBlocks { lines.append("\(scaleType) q[\(ahead)][\(columns)];") }
        lines += ["UNROLL for (int u = 0; u < \(ahead); ++u)"] + load("u", "u")
        lines += [
            "OVERLAP_WAIT;",
            turns > ahead
                ? "KEEP_LOOP for (int turn = 0; turn < \(turns); turn += \(ahead)) {" : "{ const int turn = 0;",
            "UNROLL for (int u = 0; u < \(ahead); ++u) if (turn + u < \(turns)) {",
            "const int now = member + (turn + u) * \(members);",
            "uint32_t v[\(columns)][4];\(hasBlocks ? " float f[\(columns)];" : "")",
            "UNROLL for (int r = 0; r < \(columns); ++r) "
                + "{ v[r][0] = w[u][r].x; v[r][1] = w[u][r].y; v[r][2] = w[u][r].z; v[r][3] = w[u][r].w; \(hasBlocks ? "f[r] = \(loaded("q[u][r]"));" : "") }",
        ]
        if turns > ahead { lines += load("u", "turn + u + \(ahead)") }
        lines +=
            [
                "if (now < \(codes.runs)) {"
            ] + left.statements
        lines += [
            "UNROLL for (int r = 0; r < \(columns); ++r) {", "float y[\(run)], part[\(held)];",
            "\(symbol)_decode(v[r], y);",
            "UNROLL for (int m = 0; m < \(held); ++m) if (top + m < \(rows)) {",
            "part[m] = \(hasBlocks ? "0" : "c[(top + m) * \(columns) + r]");",
            "UNROLL for (int k = 0; k < \(run); ++k) part[m] = fma_fs(x[m][k], y[k], part[m]);",
            hasBlocks
                ? "c[(top + m) * \(columns) + r] = fma_fs(part[m], f[r], c[(top + m) * \(columns) + r]);"
                : "c[(top + m) * \(columns) + r] = part[m];",
            "}", "}", "}", "}", "}", "}",
        ]
        let scale: ((String) -> String)? =
            codes.isScaledByRow ? { codes.scale(codes.row("b", $0), frame) } : nil
        lines += sums.reduce(frame, finish, rows: rows, groups: groups, factor: scale)
        let packings = codes.packings(symbol)
        var extra = [SIMTFrame.Extra(name: "codes", type: "uint8_t", isRead: true)]
        if packings.count > 1 { extra.append(.init(name: "scales", type: scaleType, isRead: true)) }
        return EmittedKernel(
            symbol: symbol, source: functions + frame.kernelFunction(extra: extra, threads: threads, lines),
            packingSource: packings.map(\.source).joined(),
            arguments: frame.visible.map { .parameter($0) } + packings.indices.map { .packed($0) },
            packings: packings.map(\.packing), workspaceBytes: 0,
            parts: .grid(.init(blocks: b.extent * columnBlocks, threads: threads, overlaps: product.target.overlaps)))
    }

    /// Text of a stored scale as a float.
    private func loaded(_ text: String) -> String {
        codes.operand.scaleElement == .f16 ? "load_f16(\(text))" : CTypes.load(codes.operand.scaleElement, text)
    }
}
