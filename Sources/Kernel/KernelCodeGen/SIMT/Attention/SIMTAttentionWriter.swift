import ElementTypes
import KernelIR

/// Attention for any operands, one block a few query rows of one key head: each thread scores a key, then all add up values.
/// Keys may be split among blocks; the last to arrive joins their results (split-KV decoding). Runs of keys that no row sees
/// are not read.
struct SIMTAttentionWriter {
    let shape: SIMTAttentionShape
    let symbol: String
    /// Query rows of a block: all groups and queries of a key head, group outermost.
    let rows: Int
    /// Blocks that share the keys.
    let parts: Int
    /// Threads of a block; keys of a turn.
    let threads: Int

    private var body: AttentionKernel { shape.body }
    private var depth: Int { shape.depth ?? 0 }
    private var valueDepth: Int { shape.valueDepth ?? 0 }

    /// Elements that a thread takes together.
    static func run(_ extent: Int, _ element: ElementType) -> Int {
        (element == .f32 ? [4, 2, 1] : [8, 4, 2, 1]).first { extent % $0 == 0 } ?? 1
    }

    private func operand(
        _ name: String, _ function: ScalarFunction, _ frame: SIMTFrame, _ axes: [LoopAxis], _ along: LoopAxis,
        _ run: Int
    ) -> String {
        run == 1
            ? frame.function(name, shape.rounded(function), over: axes, as: nil)
            : frame.run(name, shape.rounded(function), over: axes, along: along, count: run, .values(rounded: nil))
    }

    func write() -> EmittedKernel {
        let frame = shape.frame(symbol)
        let heads = [body.batch, body.keyHeads]
        let queryAxes = heads + [body.group, body.queries]
        let (run, valueRun) = (Self.run(depth, shape.element), Self.run(valueDepth, shape.element))
        let functions =
            frame.function("query", shape.rounded(body.query), over: queryAxes + [body.depth], as: nil)
            + operand("key", body.key, frame, heads + [body.keys, body.depth], body.depth, run)
            + operand("value", body.value, frame, heads + [body.keys, body.valueDepth], body.valueDepth, valueRun)
            + shape.maskFunctions(frame)
            + frame.epilogue("finish", body.epilogue, body.stores, over: queryAxes + [body.valueDepth])
        let index = frame.index
        let blocks = (shape.rows + (rows - 1)).floorDivided(by: IntegerExpression(rows), frame.ranges)
        let i = frame.integer
        var lines = opening(frame, blocks: index.print(blocks), integer: i)
        lines += scores(frame, run: run) + weights + values(frame, run: valueRun) + ["}"]
        lines += joinThreads(run: valueRun)
        lines += finish(frame)
        let tiles = (shape.heads * blocks).constantValue ?? 0
        let isShared = parts > 1
        let kernelText = frame.kernelFunction(
            extra: isShared ? [.init(name: "scratch", type: "float", isRead: false)] : [], hasCounters: isShared,
            threads: threads, lines)
        return EmittedKernel(
            symbol: symbol, source: functions + kernelText,
            arguments: shape.kernel.parameters.indices.map { .parameter($0) }
                + (isShared ? [.shared(bytes: IntegerExpression(tiles * parts * rows * (valueDepth + 2) * 4))] : []),
            packings: [], workspaceBytes: 0,
            parts: .grid(
                .init(
                    blocks: shape.heads * blocks * parts, threads: threads, overlaps: shape.target.overlaps,
                    counters: isShared ? tiles : 0)))
    }

    private func opening(_ frame: SIMTFrame, blocks: String, integer i: String) -> [String] {
        let index = frame.index
        let run = Self.run(valueDepth, shape.element)
        return [
            "OVERLAP_BEGIN; OVERLAP_WAIT;", "const int thread = THREAD;",
            "SHARED float queries[\(rows * depth)] ALIGNED;", "SHARED float weights[\(rows * threads)] ALIGNED;",
            "SHARED float folds[\(threads * run * rows)];",
            "SHARED float peaks[\(rows)], totals[\(rows)], fades[\(rows)];", "SHARED int seen[3];",
            parts > 1
                ? "SHARED int arrived; SHARED float factors[\(rows * parts)], otherTotals[\(rows * parts)];" : "",
            "const int tile = BLOCK / \(parts); const int part = BLOCK % \(parts);", "\(i) rest = tile;",
            "const \(i) first = rest % \(blocks) * \(rows); rest /= \(blocks);",
            "const \(i) h = rest % \(index.print(body.keyHeads.extent)), b = rest / \(index.print(body.keyHeads.extent));",
            "const \(i) length = \(index.print(body.queries.extent)), rows = \(index.print(shape.rows));",
            "const \(i) allKeys = \(index.print(body.keys.extent));",
            "for (int e = thread; e < \(rows * depth); e += \(threads)) {",
            "const \(i) row = first + e / \(depth);",
            "queries[e] = row < rows ? "
                + frame.call("query", ["b", "h", "row / length", "row % length", "e % \(depth)"]) + " : 0;", "}",
            "if (thread < \(rows)) { peaks[thread] = -__builtin_inff(); totals[thread] = 0; }",
            "if (thread < 3) seen[thread] = 0;", "BARRIER;",
            "const \(i) turns = (allKeys + \(threads - 1)) / \(threads);",
            "const \(i) from = turns * part / \(parts), to = turns * (part + 1) / \(parts);",
            "float sums[\(rows * run)];", "UNROLL for (int i = 0; i < \(rows * run); ++i) sums[i] = 0;",
            "for (\(i) turn = from; turn < to; ++turn) {", "const \(i) k = turn * \(threads) + thread;",
        ].filter { !$0.isEmpty }
    }

    /// One key a thread: its scores with all rows.
    private func scores(_ frame: SIMTFrame, run: Int) -> [String] {
        let key =
            run == 1
            ? "x[0] = \(frame.call("key", ["b", "h", "k", "d"]));" : frame.call("key", ["b", "h", "k", "d", "x"]) + ";"
        return [
            "float s[\(rows)], more[\(rows)]; int any = 0;",
            "UNROLL for (int r = 0; r < \(rows); ++r) {", "s[r] = 0; more[r] = -__builtin_inff();",
            "const \(frame.integer) row = first + r, g = row / length, i = row % length;",
            "if (row < rows && k < allKeys) more[r] = \(shape.term(frame, group: "g", query: "i", key: "k"));",
            "any |= more[r] != -__builtin_inff();", "}", "if (any) {",
            "UNROLL4 for (int d = 0; d < \(depth); d += \(run)) {", "float x[\(run)];", key,
            "UNROLL for (int r = 0; r < \(rows); ++r) UNROLL for (int w = 0; w < \(run); ++w) "
                + "s[r] = fma_fs(x[w], queries[r * \(depth) + d + w], s[r]);", "}",
            "seen[turn % 3] = 1;", "}",
            "UNROLL for (int r = 0; r < \(rows); ++r) weights[r * \(threads) + thread] = "
                + "more[r] == -__builtin_inff() ? more[r] : fma_fs(s[r], \(CTypes.real(body.scale, .f32)), more[r]);",
            "if (thread == 0) seen[(turn + 1) % 3] = 0;", "BARRIER;", "if (!seen[turn % 3]) continue;",
        ]
    }

    /// Scores become weights; the running sums fade as the peak moves.
    private var weights: [String] {
        let width = shape.target.hasShuffles ? 32 : 1
        func fold(_ statement: String) -> [String] {
            width == 1
                ? []
                : ["for (int other = 16; other > 0; other /= 2) { \(statement) }"]
        }
        return [
            "for (int r = thread / \(width); r < \(rows); r += \(threads / width)) {",
            "const int lane = thread % \(width);", "float best = -__builtin_inff(), sum = 0;",
            "for (int j = lane; j < \(threads); j += \(width)) best = max_fs(weights[r * \(threads) + j], best);",
        ] + fold("best = max_fs(__shfl_xor_sync(0xffffffffu, best, other), best);") + [
            "const float old = peaks[r], now = max_fs(best, old), zero = now == -__builtin_inff() ? 0 : now;",
            "for (int j = lane; j < \(threads); j += \(width)) {",
            "const float p = exp_fs(weights[r * \(threads) + j] - zero); weights[r * \(threads) + j] = p; sum += p; }",
        ] + fold("sum += __shfl_xor_sync(0xffffffffu, sum, other);")
            + [
                width == 1 ? "" : "__syncwarp();",
                "if (lane == 0) { const float fade = exp_fs(old - zero); fades[r] = fade; "
                    + "totals[r] = fma_fs(totals[r], fade, sum); peaks[r] = now; }", "}", "BARRIER;",
            ].filter { !$0.isEmpty }
    }

    /// Adds the values of this turn: threads lie across a value, groups of threads take keys in turn.
    private func values(_ frame: SIMTFrame, run: Int) -> [String] {
        let chunks = valueDepth / run
        let groups = threads / chunks
        let value =
            run == 1
            ? "x[0] = \(frame.call("value", ["b", "h", "key", "chunk"]));"
            : frame.call("value", ["b", "h", "key", "chunk * \(run)", "x"]) + ";"
        return [
            "{ const int chunk = thread % \(chunks), group = thread / \(chunks);",
            "UNROLL for (int r = 0; r < \(rows); ++r) UNROLL for (int w = 0; w < \(run); ++w) sums[r * \(run) + w] *= fades[r];",
            "const int here = allKeys - turn * \(threads) < \(threads) ? allKeys - turn * \(threads) : \(threads);",
            "if (group < \(groups)) UNROLL4 for (int j = group; j < here; j += \(groups)) {",
            "const \(frame.integer) key = turn * \(threads) + j;", "float x[\(run)];",
            value,
            "UNROLL for (int r = 0; r < \(rows); ++r) { const float p = weights[r * \(threads) + j];",
            "if (p != 0) UNROLL for (int w = 0; w < \(run); ++w) sums[r * \(run) + w] = fma_fs(p, x[w], sums[r * \(run) + w]); }",
            "} }", "BARRIER;",
        ]
    }

    /// Sums of the groups of threads, into the first of each.
    private func joinThreads(run: Int) -> [String] {
        let chunks = valueDepth / run
        return [
            "BARRIER;",
            "if (thread < \(threads / chunks * chunks)) { UNROLL for (int i = 0; i < \(rows * run); ++i) "
                + "folds[(thread / \(chunks) * \(rows) + i / \(run)) * \(valueDepth) + thread % \(chunks) * \(run) + i % \(run)] = sums[i]; }",
            "BARRIER;",
            "for (int e = thread; e < \(rows * valueDepth); e += \(threads)) { float sum = folds[e];",
            "for (int other = 1; other < \(threads / chunks); ++other) sum += folds[other * \(rows * valueDepth) + e];",
            "folds[e] = sum; }", "BARRIER;",
        ]
    }

    private func finish(_ frame: SIMTFrame) -> [String] {
        let size = rows * (valueDepth + 2)
        let i = frame.integer
        var lines: [String] = []
        if parts > 1 {
            lines = [
                "{ volatile GLOBAL float *const shares = (volatile GLOBAL float *)scratch + (int64_t)tile * \(parts * size);",
                "volatile GLOBAL float *const own = shares + part * \(size);",
                "for (int e = thread; e < \(rows * valueDepth); e += \(threads)) own[e] = folds[e];",
                "if (thread < \(rows)) { own[\(rows * valueDepth) + thread] = peaks[thread]; "
                    + "own[\(rows * (valueDepth + 1)) + thread] = totals[thread]; }",
                "FENCE; BARRIER_ALL;", "if (thread == 0) arrived = count_up(counters + tile);", "BARRIER_ALL;",
                "if (arrived != \(parts - 1)) return;", "FENCE;", "if (thread == 0) counters[tile] = 0;",
                // Reads of one kind are all under way at once.
                "for (int e = thread; e < \(rows * parts); e += \(threads)) {",
                "volatile GLOBAL float *const other = shares + e / \(rows) * \(size) + \(rows * valueDepth) + e % \(rows);",
                "factors[e] = other[0]; otherTotals[e] = other[\(rows)]; }", "BARRIER;",
                "if (thread < \(rows)) { float peak = -__builtin_inff(), total = 0;",
                "for (int o = 0; o < \(parts); ++o) peak = max_fs(factors[o * \(rows) + thread], peak);",
                "if (peak == -__builtin_inff()) peak = 0;",
                "for (int o = 0; o < \(parts); ++o) { const float factor = exp_fs(factors[o * \(rows) + thread] - peak);",
                "factors[o * \(rows) + thread] = factor; "
                    + "total = fma_fs(otherTotals[o * \(rows) + thread], factor, total); }",
                "totals[thread] = total; }", "BARRIER;",
                "for (int e = thread; e < \(rows * valueDepth); e += \(threads)) { float sum = 0; const int r = e / \(valueDepth);",
                "float share[\(parts)]; UNROLL for (int o = 0; o < \(parts); ++o) share[o] = shares[o * \(size) + e];",
                "UNROLL for (int o = 0; o < \(parts); ++o) sum = fma_fs(share[o], factors[o * \(rows) + r], sum);",
                "folds[e] = sum; } }",
            ]
        }
        return lines + [
            "for (int e = thread; e < \(rows * valueDepth); e += \(threads)) {",
            "const int r = e / \(valueDepth); const \(i) row = first + r;",
            "const float total = totals[r], result = total == 0 ? 0 : folds[e] / total;",
            "if (row < rows) "
                + frame.call("finish", ["b", "h", "row / length", "row % length", "e % \(valueDepth)", "result"]) + ";",
            "}",
        ]
    }
}
