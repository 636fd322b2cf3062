import ElementTypes
import KernelIR

/// Products of one row by large constant weights, in tiles of whole columns that are dealt to blocks through rings of shared memory
/// (`SIMTDealtRing`).
///
/// Threads lie across the summed axis and keep what they need of the left operand, as all tiles are multiplied by the same: in
/// registers, and what those do not hold in shared memory. A part of a tile is a piece of the summed axis of all its columns; a
/// column's piece is one bulk copy.
struct SIMTDealtWriter {
    let product: SIMTProduct
    let symbol: String
    /// Columns of a tile, a power of two.
    let width: Int
    /// Stages of the ring.
    let stages: Int

    /// Warps that multiply.
    static let warps = 8
    /// Runs of 16 bytes of a column that lie in one stage at most.
    private static let mostRuns = 256

    private var run: Int { product.runLength }
    private var depth: Int { product.depth ?? 0 }
    private var runs: Int { (depth + run - 1) / run }
    private var threads: Int { Self.warps * 32 }

    /// Parts of a column that make the fewest turns of all threads, the fewer the better.
    private var parts: Int {
        let least = (runs + Self.mostRuns - 1) / Self.mostRuns
        func turns(_ parts: Int) -> Int { parts * (((runs + parts - 1) / parts + threads - 1) / threads) }
        return (least...2 * least).min { turns($0) < turns($1) } ?? least
    }
    /// Runs of a part, but for the last.
    private var piece: Int { (runs + parts - 1) / parts }
    /// Runs of a part that a thread takes.
    private var each: Int { (piece + threads - 1) / threads }
    private var pieceBytes: Int { (piece * 16 + 127) / 128 * 128 }

    /// Whether the left operand is kept as it is stored, two elements a word; else as f32, as it is then not rounded.
    private var isWords: Bool { product.rowSums.isEmpty && product.element != .f32 }
    /// Registers that hold a thread's share of the left operand of a part.
    private var partRegisters: Int { each * (isWords ? 4 : run) }
    /// Parts whose left operand lies in registers. Of a thread's 64, this and what it reads of a stage may take 32, or 28 where parts
    /// do not fill all threads: with more, some lie on the stack, which only the small rest of the level-1 cache serves (14336 summed
    /// elements: 48 bytes at 44 registers and 28.3 µs on an H200, 27.3 µs without).
    private var kept: Int { max(1, min(parts, ((piece % threads == 0 ? 32 : 28) - stageRegisters) / partRegisters)) }
    /// Registers that hold what a thread reads of a stage.
    private var stageRegisters: Int { 4 * each * width }
    /// Bytes of shared memory for the left operand of the other parts.
    private var leftBytes: Int { (parts - kept) * partRegisters * threads * 4 }

    private var ring: SIMTDealtRing {
        SIMTDealtRing(
            product: product, width: width, parts: parts, stages: stages, stageBytes: width * pieceBytes,
            warps: Self.warps, besideBytes: leftBytes)
    }
    /// Bytes of shared memory of a block.
    var sharedBytes: Int { ring.sharedBytes }

    /// Whether a thread's registers hold what it reads of a stage, and the left operand of at least one part.
    var hasRoom: Bool { kept * partRegisters + stageRegisters <= 48 }

    /// Whether a product can be computed so at all.
    static func applies(_ product: SIMTProduct) -> Bool {
        guard product.target.overlaps, product.isReal, product.codes == nil, product.rows == 1, product.batches == 1,
            product.isRightConstant, let depth = product.depth, let columns = product.columns,
            columns % product.gates == 0, 4 % product.gates == 0
        else { return false }
        let writer = SIMTDealtWriter(product: product, symbol: "", width: 4, stages: 2)
        guard depth >= product.runLength * writer.threads / 2, writer.hasRoom,
            !stages(product, width: 4).isEmpty
        else { return false }
        switch product.rightForm {
        case .packed: return true
        case .computed: return false
        case .inPlace:
            // A column is one run from its first element to its last.
            guard let (_, index, mask) = product.right.plainLoad else { return false }
            return mask.isEmpty && index.linearCoefficient(of: product.sum.variable) == 1
        }
    }

    /// Whether it is the best to begin with: every processor has several tiles to read.
    static func isDefault(_ product: SIMTProduct) -> Bool {
        (product.columns ?? 0) >= 16 * max(1, product.target.multiprocessors)
            && (product.depth ?? 0) * product.element.byteCount >= 4096
    }

    /// Stages of a ring beside which one of more than half of the shared memory has room, most first.
    static func stages(_ product: SIMTProduct, width: Int) -> [Int] {
        let most = SIMTDealtRing.mostBeside(product.target)
        return (2...16).reversed().filter {
            let writer = SIMTDealtWriter(product: product, symbol: "", width: width, stages: $0)
            return writer.sharedBytes <= most && writer.hasRoom
        }
    }

    func write() -> EmittedKernel {
        let isPacked = product.rightForm == .packed
        let frame = product.frame(symbol, isPacked: isPacked)
        let ring = self.ring
        let axes = [product.batch, product.row, product.sum]
        let address = product.rightAddress(frame, isPacked: isPacked)
        let finish = frame.readyEpilogue(
            product.epilogue, product.stores, over: [product.batch, product.row, product.result], sums: product.sums,
            isEarly: true)
        let functions =
            address.text
            + frame.run(
                "left", product.left, over: axes, along: product.sum, count: run,
                isWords ? .words(product.element) : .values(rounded: product.leftRounding))
            + product.rowSums.enumerated().map {
                frame.run("term\($0)", $1, over: axes, along: product.sum, count: run, .values(rounded: nil))
            }.joined() + finish.functions
        var lines = ring.begin
        lines += ask(address.call)
        lines +=
            ["if (warp < \(Self.warps)) {"] + prefetchLeft(frame) + ["OVERLAP_WAIT;"] + takeLeft(frame) + multiply() + [
                "}"
            ]
        lines += ring.finish(finish, integer: frame.integer)
        // Bounds for 1024 threads: of 64 registers, as footprints count on.
        let body = frame.kernelFunction(
            extra: isPacked ? [.init(name: "packed", type: frame.storage(product.element), isRead: true)] : [],
            hasCounters: true, threads: 1024, lines.filter { !$0.isEmpty })
        let packing = isPacked ? product.packing(symbol) : nil
        let footprints = ring.footprints(sharedBytes: ring.sharedBytes)
        var grid = EmittedKernel.Grid(
            blocks: IntegerExpression(ring.blocks), threads: footprints.first.threads,
            sharedBytes: footprints.first.sharedBytes, overlaps: true, counters: SIMTDealtRing.counters)
        grid.alternate = footprints.second
        return EmittedKernel(
            symbol: symbol, source: functions + body, packingSource: packing?.source ?? "",
            arguments: frame.visible.map { .parameter($0) } + (isPacked ? [.packed(0)] : []),
            packings: packing.map { [$0.packing] } ?? [], workspaceBytes: 0,
            parts: .grid(grid))
    }

    /// Columns that are not there are not asked for; what is multiplied then is not looked at.
    private func ask(_ right: ([String]) -> String) -> [String] {
        let columns = product.columns ?? 0
        let there = columns % width == 0 ? "\(width)" : "(tile < \(columns / width) ? \(width) : \(columns % width))"
        let isWhole = runs % parts == 0
        let bytes =
            isWhole ? "\(piece * 16)" : "(part < \(parts - 1) ? \(piece * 16) : \((runs - (parts - 1) * piece) * 16))"
        return ring.ask(
            bytes: "\(there) * \(bytes)",
            copy: [
                "const int bytes = \(bytes);", "KEEP_LOOP for (int g = 0; g < \(there); ++g)",
                "bulk_copy(to + g * \(pieceBytes), \(right(["0", "tile * \(width) + g", "part * \(piece * run)"])), bytes, at);",
            ])
    }

    /// Statements that ask for what is constant in the left operand, such as a norm's weights, before the kernel waits.
    private func prefetchLeft(_ frame: SIMTFrame) -> [String] {
        let loads = frame.wideLoads(product.left, along: product.sum, count: run).filter {
            product.kernel.parameters[$0.parameter].isConstant && $0.condition == nil
        }
        guard !loads.isEmpty else { return [] }
        let (b, m, s) = (product.batch.variable.name, product.row.variable.name, product.sum.variable.name)
        return [
            "for (int now = thread; now < \(runs); now += \(threads)) {",
            "const \(frame.integer) \(b) = 0, \(m) = 0, \(s) = now * \(run); (void)\(b); (void)\(m); (void)\(s);",
        ] + loads.map { "fetch_ahead(p\($0.parameter) + \($0.base));" } + ["}"]
    }

    /// Statements that take a thread's runs of the left operand, of all parts, and sum what rows are summed of.
    private func takeLeft(_ frame: SIMTFrame) -> [String] {
        let type = isWords ? "uint32_t" : "float"
        let isWhole = runs % parts == 0 && piece % threads == 0
        func call(_ name: String, _ into: String) -> String {
            frame.call(name, ["0", "0", "now * \(run)", into]) + ";"
        }
        let (words, kept) = (isWords ? 4 : run, self.kept)
        var lines = ["\(type) x[\(kept)][\(each)][\(words)];"]
        if kept < parts { lines.append("\(type) *const lefts = (\(type) *)(arena + \(ring.besidePlace)) + thread;") }
        let count = product.rowSums.count
        if count > 0 { lines.append("float c[\(count)]; UNROLL for (int i = 0; i < \(count); ++i) c[i] = 0;") }
        lines += [
            "UNROLL for (int p = 0; p < \(parts); ++p) UNROLL for (int u = 0; u < \(each); ++u) {",
            "const int inside = u * \(threads) + thread, now = p * \(piece) + inside;",
            "\(type) taken[\(words)];",
            isWhole
                ? "{"
                : "UNROLL for (int k = 0; k < \(words); ++k) taken[k] = 0; "
                    + "if (inside < \(piece) && now < \(runs)) {",
            call("left", "taken"),
        ]
        for number in 0..<count {
            lines.append(
                "{ float z[\(run)]; \(call("term\(number)", "z")) UNROLL for (int k = 0; k < \(run); ++k) c[\(number)] += z[k]; }"
            )
        }
        let keep = "UNROLL for (int k = 0; k < \(words); ++k)"
        lines += ["}", "if (p < \(kept)) { \(keep) x[p < \(kept) ? p : 0][u][k] = taken[k]; }"]
        if kept < parts { lines.append("else { \(keep) lefts[\(sharedLeft("p", words)) * \(threads)] = taken[k]; }") }
        return lines + ["}"] + ring.handOver("c")
    }

    /// Where word `k` of a part's run `u` lies in shared memory, in runs of all threads.
    private func sharedLeft(_ part: String, _ words: Int) -> String {
        "(((\(part) - \(kept)) * \(each) + u) * \(words) + k)"
    }

    private func multiply() -> [String] {
        let element = product.element
        let (words, kept) = (isWords ? 4 : run, self.kept)
        let isWhole = piece % threads == 0
        let isEven = runs % parts == 0
        // Runs past a part's end, of zeros on the left, may hold anything on the right.
        let isThere =
            isEven && isWhole
            ? nil
            : isEven ? "inside < \(piece)" : "inside < (part < \(parts - 1) ? \(piece) : \(runs - (parts - 1) * piece))"
        let y = SIMTFrame.lane("w[u][g]", element, "k")
        let x = isWords ? SIMTFrame.lane("here", element, "k") : "here[k]"
        let take = "UNROLL for (int k = 0; k < \(words); ++k) here[k] = "
        let taken =
            kept == parts
            ? take + "x[part][u][k];"
            : "if (part < \(kept)) { \(take)x[part < \(kept) ? part : 0][u][k]; } "
                + "else { \(take)lefts[\(sharedLeft("part", words)) * \(threads)]; }"
        let read = [
            "uint32_t w[\(each)][\(width)][4];",
            "UNROLL for (int u = 0; u < \(each); ++u) { const int inside = u * \(threads) + thread;",
            "UNROLL for (int g = 0; g < \(width); ++g) {",
            isThere.map { "w[u][g][0] = w[u][g][1] = w[u][g][2] = w[u][g][3] = 0; if (\($0)) {" } ?? "{",
            "const uint4 q = *(const uint4 *)(stage_ + g * \(pieceBytes) + inside * 16);",
            "w[u][g][0] = q.x; w[u][g][1] = q.y; w[u][g][2] = q.z; w[u][g][3] = q.w; } } }",
        ]
        let sums = [
            "UNROLL for (int u = 0; u < \(each); ++u) { \(isWords ? "uint32_t" : "float") here[\(words)]; \(taken)",
            "UNROLL for (int k = 0; k < \(run); ++k) { const float left = \(x);",
            "UNROLL for (int g = 0; g < \(width); ++g) s[g] = fma_fs(left, \(y), s[g]); } }",
        ]
        // Halves of a warp exchange halves of the sums, until every group of threads has one.
        var fold: [String] = []
        var (count, far) = (width, 16)
        while count > 1 {
            count /= 2
            fold.append(
                "UNROLL for (int g = 0; g < \(count); ++g) { const float sent = lane & \(far) ? s[g] : s[g + \(count)], "
                    + "kept = lane & \(far) ? s[g + \(count)] : s[g]; s[g] = kept + __shfl_xor_sync(0xffffffffu, sent, \(far)); }"
            )
            far /= 2
        }
        fold += [
            "UNROLL for (int other = \(far); other > 0; other /= 2) s[0] += __shfl_xor_sync(0xffffffffu, s[0], other);",
            "if (lane % \(32 / width) == 0) fold[lane / \(32 / width) * \(Self.warps)] = s[0];",
        ]
        return ring.multiply(
            isUnrolled: true,
            clear: ["float s[\(width)]; UNROLL for (int g = 0; g < \(width); ++g) s[g] = 0;"],
            read: read, multiply: sums, fold: fold)
    }
}
