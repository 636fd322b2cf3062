import ElementTypes
import KernelIR

/// Products of few rows by a large right operand: limited by how fast that operand is read.
///
/// Threads lie across the summed axis, 16 bytes each at a time, and take several columns together, so that what is computed
/// of the left operand serves all of them. Weights are asked for before the kernel waits for the one before it.
struct SIMTSkinnyWriter {
    let product: SIMTProduct
    let symbol: String
    /// Warps that share a column's sum.
    let across: Int
    /// Columns of one group of threads.
    let columns: Int
    /// Runs of 16 bytes of each column that a thread has under way.
    let ahead: Int
    /// Warps of a block.
    let warps: Int
    /// Warps of a processor that registers must do for, where a thread has few runs under way; 0 leaves registers to the compiler.
    var resident = 0

    /// Rows at most.
    static let mostRows = 16
    /// Rows whose left values are held at once.
    private static let heldRows = 4

    private var threads: Int { warps * 32 }

    func write() -> EmittedKernel {
        let frame = product.frame(symbol, isPacked: product.rightForm == .packed)
        let (b, n) = (product.batch, product.column)
        let element = product.element
        let run = product.runLength
        let isPacked = product.rightForm == .packed
        let isConstant = product.right.body.loadedParameters.allSatisfy { product.kernel.parameters[$0].isConstant }
        let depth = product.depth ?? 0
        let rows = product.rows ?? 1
        let runs = (depth + run - 1) / run
        let members = across * 32
        let groups = warps / across
        let perBlock = groups * columns
        let columnBlocks = (n.extent + (perBlock - 1)).floorDivided(by: IntegerExpression(perBlock), frame.ranges)
        let turns = (runs + members - 1) / members
        let ahead = min(self.ahead, turns)
        let held = min(rows, Self.heldRows)
        let left = SIMTSkinnyRows(product, frame, run: run, held: held, columns: columns)
        let address = product.rightAddress(frame, isPacked: isPacked)
        var functions = address.text
        functions += left.functions
        let finish = finish(frame, rows: rows, groups: groups)
        functions += finish.functions
        let index = frame.index
        let i = frame.integer
        let count = sumsOfGroup(rows: rows)
        func right(_ column: String, _ place: String) -> String {
            address.call(["b", column, "\(place) * \(run)"])
        }
        func load(_ u: String, _ turn: String) -> [String] {
            [
                "{ const int run = member + (\(turn)) * \(members);",
                "UNROLL for (int r = 0; r < \(columns); ++r) {",
                "w[\(u)][r].x = w[\(u)][r].y = w[\(u)][r].z = w[\(u)][r].w = 0;",
                "if (run < \(runs) && first + r < columns) w[\(u)][r] = stream16(\(right("first + r", "run"))); } }",
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
        if !isConstant { lines.append("OVERLAP_WAIT;") }
        lines += ["UNROLL for (int u = 0; u < \(ahead); ++u)"] + load("u", "u")
        if isConstant { lines.append("OVERLAP_WAIT;") }
        lines += [
            turns > ahead
                ? "KEEP_LOOP for (int turn = 0; turn < \(turns); turn += \(ahead)) {" : "{ const int turn = 0;",
            "UNROLL for (int u = 0; u < \(ahead); ++u) if (turn + u < \(turns)) {",
            "const int now = member + (turn + u) * \(members);",
            "uint32_t v[\(columns)][4];",
            "UNROLL for (int r = 0; r < \(columns); ++r) "
                + "{ v[r][0] = w[u][r].x; v[r][1] = w[u][r].y; v[r][2] = w[u][r].z; v[r][3] = w[u][r].w; }",
        ]
        if turns > ahead { lines += load("u", "turn + u + \(ahead)") }
        lines +=
            [
                "if (now < \(runs)) {"
            ] + left.statements
        lines += [
            "UNROLL for (int r = 0; r < \(columns); ++r) UNROLL for (int k = 0; k < \(run); ++k) {",
            "const float y = \(SIMTFrame.lane("v[r]", element, "k"));",
            "UNROLL for (int m = 0; m < \(held); ++m) if (top + m < \(rows)) "
                + "c[(top + m) * \(columns) + r] = fma_fs(x[m][k], y, c[(top + m) * \(columns) + r]);",
            "}", "}", "}", "}", "}",
        ]
        lines += reduce(frame, finish, rows: rows, groups: groups)
        let body = frame.kernelFunction(
            extra: isPacked ? [.init(name: "packed", type: frame.storage(element), isRead: true)] : [],
            threads: threads, blocksPerProcessor: ahead * columns <= 4 && rows == 1 ? max(1, resident / warps) : 1,
            lines)
        let packing = isPacked ? product.packing(symbol) : nil
        return EmittedKernel(
            symbol: symbol, source: functions + body, packingSource: packing?.source ?? "",
            arguments: frame.visible.map { .parameter($0) } + (isPacked ? [.packed(0)] : []),
            packings: packing.map { [$0.packing] } ?? [], workspaceBytes: 0,
            parts: .grid(.init(blocks: b.extent * columnBlocks, threads: threads, overlaps: product.target.overlaps)))
    }

    /// Sums of a group of threads: of its columns for each row, then of `rowSums` for each row.
    func sumsOfGroup(rows: Int) -> Int { rows * (columns + product.rowSums.count) }

    /// Results of a block.
    private func points(rows: Int, groups: Int) -> Int { groups * rows * (columns / product.gates) }

    /// The epilogue, whose reads are asked for before sums are joined where no thread has more than one point.
    func finish(_ frame: SIMTFrame, rows: Int, groups: Int) -> SIMTFrame.ReadyEpilogue {
        frame.readyEpilogue(
            product.epilogue, product.stores, over: [product.batch, product.row, product.result], sums: product.sums,
            isEarly: points(rows: rows, groups: groups) <= threads)
    }

    /// Sums over the threads of a group, those of a column times a factor where there is one, and the epilogue.
    func reduce(
        _ frame: SIMTFrame, _ finish: SIMTFrame.ReadyEpilogue, rows: Int, groups: Int,
        factor: ((_ column: String) -> String)? = nil
    ) -> [String] {
        let count = sumsOfGroup(rows: rows)
        let gates = product.gates
        // Columns of the result that a group has.
        let own = columns / gates
        // Where shuffles have summed over a warp, a warp counts as one.
        let width = frame.target.hasShuffles ? across : across * 32
        func sum(_ name: String, _ place: String) -> String {
            "float \(name) = 0; UNROLL for (int other = 0; other < \(width); ++other) "
                + "\(name) += folds[(own * \(width) + other) * \(count) + \(place)];"
        }
        let names = (0..<gates + product.rowSums.count).map { "sum\($0)" }
        // A thread's point among the results of a group, which are row-major over rows and columns.
        let point = [
            "const int own = place / \(rows * own), m = place % \(rows * own) / \(own), q = place % \(own);",
            "const \(frame.integer) column = (first0 + own * \(columns)) / \(gates) + q;",
        ]
        let isInside = "column < columns / \(gates)"
        var lines = ["const \(frame.integer) first0 = first - group * \(columns);"] + finish.declarations
        // Without a branch, so that reads are under way while sums are joined: threads without a point read one that is there.
        let read = finish.read(["b", "m", "\(isInside) ? column : columns / \(gates) - 1"])
        if !read.isEmpty {
            lines +=
                ["{ const int place = thread < \(points(rows: rows, groups: groups)) ? thread : 0;"] + point
                + [read + " }"]
        }
        if frame.target.hasShuffles {
            lines += [
                "UNROLL for (int i = 0; i < \(count); ++i) UNROLL for (int other = 16; other > 0; other /= 2) "
                    + "c[i] += __shfl_xor_sync(0xffffffffu, c[i], other);",
                "SHARED float folds[\(warps * count)];",
                "if (thread % 32 == 0) { UNROLL for (int i = 0; i < \(count); ++i) folds[thread / 32 * \(count) + i] = c[i]; }",
            ]
        } else {
            lines += [
                "SHARED float folds[\(threads * count)];",
                "for (int i = 0; i < \(count); ++i) folds[thread * \(count) + i] = c[i];",
            ]
        }
        lines +=
            ["BARRIER;", "for (int place = thread; place < \(groups * rows * own); place += \(threads)) {"] + point
        for (number, name) in names.enumerated() {
            let place =
                number < gates
                ? "m * \(columns) + q * \(gates) + \(number)" : "\(rows * (columns + number - gates)) + m"
            lines.append(sum(name, place))
        }
        let factored = names.enumerated().map { number, name in
            guard let factor, number < gates else { return name }
            return "\(name) * " + factor(gates == 1 ? "column" : "(column * \(gates) + \(number))")
        }
        return lines + ["if (\(isInside)) \(finish.finish(["b", "m", "column"], factored))", "}"]
    }
}
