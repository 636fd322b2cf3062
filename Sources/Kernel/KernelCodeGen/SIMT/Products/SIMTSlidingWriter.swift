import ElementTypes
import KernelIR

/// Windows of single channels (depthwise convolutions) whose operand lies channels last: a thread computes a run of neighbouring results
/// along a line for a few channels that lie side by side, so that what it reads serves every result whose window it is in, and weights are
/// read once for all of them. Weights are rearranged to lie as the operand does, `[tap][channel]`.
///
/// An element of the operand's line lies at `stride · x + tap` from the first, so what result `r` reads at tap `k` is what the first
/// result would read at tap `stride · r + k`.
struct SIMTSlidingWriter {
    private let product: SIMTProduct
    private let body: ContractionKernel
    /// Along which results slide, with the taps along it, and elements between windows of neighbours.
    private let x: LoopAxis
    private let tap: LoopAxis
    private let stride: Int
    private let channel: LoopAxis
    /// Taps across lines, outermost first.
    private let others: [LoopAxis]

    /// Most taps: those along a line are written out.
    private static let mostTaps = 128
    /// Most numbers that a thread keeps: sums and the weights of a line.
    private static let mostKept = 80
    static let threads = 128

    /// Nil where the contraction is another.
    init?(_ product: SIMTProduct) {
        guard case .contraction(var body) = product.kernel.body, body.batch.count == 1, product.isPlain, product.isReal,
            product.columns == 1, product.isRightConstant,
            let load = body.left.plainLoad,
            product.kernel.parameters[load.parameter].element == product.element
        else { return nil }
        let taps = (body.taps + [body.depth]).filter { $0.extent != 1 }
        let extents = taps.compactMap(\.extent.constantValue)
        let channel = body.batch[0]
        guard let count = channel.extent.constantValue, count > 1, extents.count == taps.count,
            extents.reduce(1, *) <= Self.mostTaps,
            product.summed.filter({ $0.extent != 1 }) == taps
        else { return nil }
        func step(_ expression: IntegerExpression, _ axis: LoopAxis) -> Int? {
            expression.linearCoefficient(of: axis.variable)?.constantValue
        }
        guard let last = taps.last, step(load.index, channel) == 1, let along = step(load.index, last), along > 0,
            !load.mask.contains(where: { $0.contains(channel.variable) })
        else { return nil }
        // The row axis that moves along the same line, in whole taps, for every condition too.
        let found = body.rows.last { axis in
            guard axis.extent != 1, axis.extent.constantValue != nil, let own = step(load.index, axis), own > 0,
                own % along == 0
            else { return false }
            return load.mask.allSatisfy { condition in
                guard let a = step(condition, axis), let b = step(condition, last) else { return false }
                return a == b * (own / along)
            }
        }
        guard let found, let own = step(load.index, found) else { return nil }
        (self.product, self.channel, x, tap) = (product, channel, found, last)
        // Axes of one point stand in the way of seeing that channels lie in whole runs.
        let single = Set((body.columns + body.taps + [body.depth]).filter { $0.extent == 1 }.map(\.variable))
        func without(_ expression: IntegerExpression) -> IntegerExpression {
            expression.substituting(product.ranges) { single.contains($0) ? 0 : nil }
        }
        body.left.body = body.left.body.replacing(product.ranges) { single.contains($0) ? 0 : nil }
        body.epilogue = body.epilogue.replacing(product.ranges) { single.contains($0) ? 0 : nil }
        for place in body.stores.indices {
            body.stores[place].index = without(body.stores[place].index)
            body.stores[place].mask = body.stores[place].mask.map(without)
        }
        self.body = body
        stride = own / along
        others = Array(taps.dropLast())
        guard !widths.isEmpty, !runs.isEmpty else { return nil }
    }

    private func extent(_ axis: LoopAxis) -> Int { axis.extent.constantValue ?? 1 }
    private var taps: Int { others.reduce(extent(tap)) { $0 * extent($1) } }

    // MARK: Choices

    /// Channels of a thread that fit: whole words that loads and stores take at once.
    private var widths: [Int] {
        let frame = frame("probe")
        let usual = product.element.byteCount == 2 ? [2, 4, 8] : [1, 2, 4]
        return usual.filter { width in
            extent(channel) % width == 0
                && frame.wideLoads(body.left, along: channel, count: width).count == 1
                && body.stores.allSatisfy { frame.isWide($0, along: channel, count: width) }
                && frame.isSeparable(body.stores)
                && width * (extent(tap) + 1) <= Self.mostKept
        }
    }

    /// Results of a thread. The first are the most that leave work for all processors and divide the line: 14 results take 1.4 µs one or two at
    /// a time and 3.2 µs four at a time, 56 take 3.2 µs one at a time and 2.6 µs four at a time (3 × 3, 16 bits; measured, H200).
    private var runs: [Int] {
        let threads = body.rows.reduce(extent(channel) / (widths.first ?? 1)) { $0 * ($1.extent.constantValue ?? 64) }
        let fitting = [1, 2, 4, 8].filter {
            $0 <= extent(x) && (widths.first ?? 1) * ($0 + extent(tap)) <= Self.mostKept
        }
        let wanted = max(1, threads / (product.target.multiprocessors * 256))
        let best = fitting.last { $0 <= wanted && extent(x) % $0 == 0 } ?? 1
        return [best] + fitting.filter { $0 != best }
    }

    /// Results of a thread along a line, and its channels.
    var choices: (run: Choice, width: Choice) { (Choice("slideRun", runs), Choice("slideWidth", widths)) }

    // MARK: The kernel

    private var axes: [LoopAxis] { body.rows + [channel] }

    private func frame(_ symbol: String) -> SIMTFrame {
        var frame = SIMTFrame(
            product.kernel, .contraction(body), symbol: symbol,
            axes: body.batch + body.rows + body.columns + body.taps + [body.depth], product.target)
        frame.hidden = product.packedParameters
        return frame
    }

    /// The kernel for so many results and channels of a thread; nil where they are too many to keep.
    func write(_ symbol: String, run: Int, width: Int) -> EmittedKernel? {
        let frame = self.frame(symbol)
        guard width * (run + extent(tap)) <= Self.mostKept,
            let finish = frame.finishingRuns(
                body.epilogue, body.stores, over: axes, count: run * width, run: width, columns: width, threads: 1,
                point: point(frame), arguments: arguments("at"), inside: arguments("inside"),
                accumulators: "UNROLL for (int i = 0; i < \(width); ++i) sums_[i] = sums[e][i]",
                condition: "at < \(extent(x))")
        else { return nil }
        let loops = body.rows + others + [tap, channel]
        let read = frame.run("line", body.left, over: loops, along: channel, count: width, .values(rounded: nil))
        let functions = read + finish.functions
        let lines = begin(frame, run: run, width: width) + slide(frame, run: run, width: width) + end(finish)
        let packing = product.packing(
            symbol, rows: taps * extent(channel), length: 1, batch: "row % \(extent(channel))", column: "0",
            sum: "row / \(extent(channel))")
        let extra = [SIMTFrame.Extra(name: "packed", type: frame.storage(product.element), isRead: true)]
        return EmittedKernel(
            symbol: symbol,
            source: functions + frame.kernelFunction(extra: extra, threads: Self.threads, lines),
            packingSource: packing.source, arguments: frame.visible.map { .parameter($0) } + [.packed(0)],
            packings: [packing.packing], workspaceBytes: 0,
            parts: .grid(
                .init(
                    blocks: blocks(frame, run: run, width: width), threads: Self.threads,
                    overlaps: product.target.overlaps)))
    }

    /// Row axes but the one that results slide along.
    private var rest: [LoopAxis] { body.rows.filter { $0 != x } }

    private func threads(run: Int, width: Int) -> IntegerExpression {
        rest.reduce(IntegerExpression(extent(channel) / width * ((extent(x) + run - 1) / run))) { $0 * $1.extent }
    }

    private func blocks(_ frame: SIMTFrame, run: Int, width: Int) -> IntegerExpression {
        (threads(run: run, width: width) + (Self.threads - 1)).floorDivided(
            by: IntegerExpression(Self.threads), frame.ranges)
    }

    /// Where a thread's work lies: channels are neighbours, then runs along a line.
    private func begin(_ frame: SIMTFrame, run: Int, width: Int) -> [String] {
        let i = frame.integer
        let (groups, tiles) = (extent(channel) / width, (extent(x) + run - 1) / run)
        return [
            "OVERLAP_BEGIN; OVERLAP_WAIT;",
            "\(i) rest = (\(i))\(frame.dialect.block) * \(Self.threads) + (int)\(frame.dialect.thread);",
            "if (rest >= \(frame.index.print(threads(run: run, width: width)))) return;",
            "const \(i) \(channel.variable.name) = rest % \(groups) * \(width); rest /= \(groups);",
            "const \(i) first = rest % \(tiles) * \(run); rest /= \(tiles);",
        ] + (rest.isEmpty ? ["(void)rest;"] : frame.places(rest, from: "rest"))
    }

    /// The sums, line of the window by line.
    private func slide(_ frame: SIMTFrame, run: Int, width: Int) -> [String] {
        let span = extent(tap)
        let element = product.element
        var lines = [
            "float sums[\(run)][\(width)];",
            "UNROLL for (int r = 0; r < \(run); ++r) UNROLL for (int i = 0; i < \(width); ++i) sums[r][i] = 0;",
        ]
        for axis in others {
            let name = axis.variable.name
            lines.append("UNROLL for (int \(name) = 0; \(name) < \(extent(axis)); ++\(name)) {")
        }
        let line = others.reduce("0") { "(\($0) * \(extent($1)) + \($1.variable.name))" }
        lines += [
            "float weights[\(span)][\(width)];",
            "UNROLL for (int k = 0; k < \(span); ++k) {",
            "GLOBAL const \(frame.storage(element)) *const from = packed + (\(line) * \(span) + k) * \(extent(channel)) + \(channel.variable.name);",
        ]
        let bytes = width * element.byteCount
        let (type, parts) = SIMTFrame.wideType(bytes)
        let words = parts.isEmpty ? ["q"] : parts.map { "q.\($0)" }
        lines += [
            "const \(type) q = *(GLOBAL const \(type) *)from; const uint32_t given[\(bytes / 4)] = { \(words.joined(separator: ", ")) };",
            "UNROLL for (int i = 0; i < \(width); ++i) weights[k][i] = \(SIMTFrame.lane("given", element, "i"));", "}",
        ]
        // What lies past the window of the line's last result may lie past the operand.
        let isWhole = extent(x) % run == 0
        let last = "(\(extent(x) - 1) - first) * \(stride) + \(span - 1)"
        let given = loopArguments
        lines += [
            "UNROLL for (int j = 0; j < \((run - 1) * stride + span); ++j) {", "float x[\(width)];",
            isWhole
                ? "\(frame.call("line", given + ["x"]));"
                : "if (j <= \(last)) \(frame.call("line", given + ["x"])); else UNROLL for (int i = 0; i < \(width); ++i) x[i] = 0;",
            "UNROLL for (int r = 0; r < \(run); ++r) {", "const int k = j - r * \(stride);",
            "if (k >= 0 && k < \(span)) UNROLL for (int i = 0; i < \(width); ++i) sums[r][i] += x[i] * weights[k][i];",
            "}", "}",
        ]
        return lines + others.map { _ in "}" }
    }

    /// Arguments of `line`: the first result of the run, at a tap that may be past the window.
    private var loopArguments: [String] {
        body.rows.map { $0 == x ? "first" : $0.variable.name } + others.map(\.variable.name)
            + ["j", channel.variable.name]
    }

    private func point(_ frame: SIMTFrame) -> [String] {
        let i = frame.integer
        return [
            "const \(i) at = first + e, inside = at < \(extent(x)) ? at : \(extent(x) - 1); (void)inside;"
        ]
    }

    /// Arguments of the epilogue's functions at a place along the line.
    private func arguments(_ place: String) -> [String] {
        axes.map { $0 == x ? place : $0.variable.name }
    }

    private func end(_ finish: SIMTFrame.RunFinish) -> [String] {
        var lines = ["{ const int thread = 0;"]
        if finish.words > 0 { lines += ["uint32_t kept[\(finish.turns)][\(finish.words)];"] + finish.fetch("kept") }
        return lines + finish.finish("kept") + ["}"]
    }
}
