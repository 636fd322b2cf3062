import ElementTypes
import KernelIR

/// The choices of a recurrence on a device that runs blocks of threads: whether one block walks a sequence by itself (0) or
/// many share its units and pass the state from hand to hand (1).
package func simtRecurrenceChoices(
    _ kernel: Kernel, _ body: RecurrenceKernel, _ target: SIMTTarget
) -> [Choice] {
    let hidden = body.hidden.extent.constantValue ?? 0
    let shares =
        target.hasShuffles && body.projection == nil && body.batch.extent.constantValue != nil && hidden >= 64
        && target.multiprocessors > 1
    let blocks = [128, 64, 32, 16].filter { $0 <= target.multiprocessors && $0 <= max(16, hidden / 2) }
    return [
        Choice("shared", shares ? [1, 0] : [0]),
        Choice("blocks", shares && !blocks.isEmpty ? blocks : [max(1, min(16, target.multiprocessors))]),
        Choice("threads", [512, 256, 128, 1024].filter { $0 <= target.threads }),
    ]
}

/// Emits a recurrence for blocks of threads.
package func emitSIMTRecurrence(
    _ kernel: Kernel, _ body: RecurrenceKernel, symbol: String, _ schedule: Schedule, _ target: SIMTTarget
) throws(EmissionError) -> EmittedKernel {
    guard let hidden = body.hidden.extent.constantValue, let depth = body.depth.extent.constantValue else {
        throw EmissionError(kernel: kernel.name, reason: "a recurrence over a symbolic number of units")
    }
    let choices = simtRecurrenceChoices(kernel, body, target)
    let writer = SIMTRecurrenceWriter(
        kernel: kernel, body: body, target: target, symbol: symbol, hidden: hidden, depth: depth,
        threads: schedule[choices[2]])
    if schedule[choices[0]] == 1 {
        guard choices[0].values.contains(1) else {
            throw EmissionError(kernel: kernel.name, reason: "blocks cannot share this recurrence")
        }
        let blocks = schedule[choices[1]]
        guard (hidden + blocks - 1) / blocks <= writer.threads else {
            throw EmissionError(kernel: kernel.name, reason: "\(blocks) blocks for \(hidden) units")
        }
        return writer.writeShared(blocks: blocks)
    }
    guard (2 * depth + 2 * hidden) * 4 <= 46 * 1024 else {
        throw EmissionError(kernel: kernel.name, reason: "a state of \(hidden) units does not fit in shared memory")
    }
    return writer.writeAlone()
}

/// Writes recurrent cells. A team (a warp, or one thread where there are no shuffles) sums all gates of a unit.
struct SIMTRecurrenceWriter {
    let kernel: Kernel
    let body: RecurrenceKernel
    let target: SIMTTarget
    let symbol: String
    let hidden: Int
    let depth: Int
    let threads: Int

    private var gates: Int { body.cell.gates }
    private var width: Int { target.hasShuffles ? 32 : 1 }

    private var frame: SIMTFrame {
        SIMTFrame(
            kernel, .recurrence(body), symbol: symbol,
            axes: [body.time, body.batch, body.hidden, body.gate, body.depth], target)
    }

    /// Elements of a weight row that a thread takes together.
    private var run: Int { [8, 4, 2].first { depth % $0 == 0 } ?? 1 }

    private func functions(_ frame: SIMTFrame) -> String {
        let (t, b, h, g, d) = (body.time, body.batch, body.hidden, body.gate, body.depth)
        let unit = body.projection == nil ? h : d
        var text = frame.function("projected", body.projected, over: [t, b, g, h], as: nil)
        text +=
            run == 1
            ? frame.function("recurrent", body.recurrent, over: [g, h, d], as: nil)
            : frame.run("recurrent", body.recurrent, over: [g, h, d], along: d, count: run, .values(rounded: nil))
        if let bias = body.recurrentBias { text += frame.function("bias", bias, over: [g, h], as: nil) }
        if let projection = body.projection { text += frame.function("projection", projection, over: [d, h], as: nil) }
        text += frame.function("start", body.initialHidden, over: [b, unit], as: nil)
        if let cell = body.initialCell { text += frame.function("startCell", cell, over: [b, h], as: nil) }
        if let outputs = body.outputs { text += frame.writer("output", outputs, over: [t, b, unit], value: "float") }
        if let last = body.lastHidden { text += frame.writer("lastHidden", last, over: [b, unit], value: "float") }
        if let last = body.lastCell { text += frame.writer("lastCell", last, over: [b, h], value: "float") }
        return text + "FORCE float \(symbol)_sigmoid(float x) { return 1.0f / (1.0f + exp_fs(-x)); }\n"
    }

    /// Statements that sum the gates of unit `u` with the state `h` (a C pointer); all threads of a team get the sums in
    /// `gates[]`.
    private func sums(_ frame: SIMTFrame, state: String) -> [String] {
        let weights =
            run == 1
            ? "x[0] = \(frame.call("recurrent", ["g", "u", "d"]));"
            : frame.call("recurrent", ["g", "u", "d", "x"]) + ";"
        var lines = [
            "float gates[\(gates)];", "UNROLL for (int g = 0; g < \(gates); ++g) gates[g] = 0;",
            "for (int d = member * \(run); d < \(depth); d += \(width * run)) {",
            "UNROLL for (int g = 0; g < \(gates); ++g) {", "float x[\(run)];", weights,
            "UNROLL for (int w = 0; w < \(run); ++w) gates[g] = fma_fs(x[w], \(state)[d + w], gates[g]);", "} }",
        ]
        if width > 1 {
            lines.append(
                "UNROLL for (int g = 0; g < \(gates); ++g) for (int other = 16; other > 0; other /= 2) "
                    + "gates[g] += __shfl_xor_sync(0xffffffffu, gates[g], other);")
        }
        if body.recurrentBias != nil {
            lines.append("UNROLL for (int g = 0; g < \(gates); ++g) gates[g] += \(frame.call("bias", ["g", "u"]));")
        }
        return lines
    }

    /// Statements that make the new state `next` of unit `u` from `gates[]`, the cell `c` (an lvalue) and the state before.
    private func cell(cell: String, before: String, input: (Int) -> String) -> [String] {
        func sigmoid(_ text: String) -> String { "\(symbol)_sigmoid(\(text))" }
        switch body.cell {
        case .lstm:
            return [
                "const float i = \(sigmoid("\(input(0)) + gates[0]")), f = \(sigmoid("\(input(1)) + gates[1]"));",
                "const float j = tanh_fs(\(input(2)) + gates[2]), o = \(sigmoid("\(input(3)) + gates[3]"));",
                "const float fresh = fma_fs(f, \(cell), i * j); \(cell) = fresh;",
                "const float next = o * tanh_fs(fresh);",
            ]
        case .gru:
            return [
                "const float r = \(sigmoid("\(input(0)) + gates[0]")), z = \(sigmoid("\(input(1)) + gates[1]"));",
                "const float n = tanh_fs(fma_fs(r, gates[2], \(input(2))));",
                "const float next = fma_fs(z, \(before) - n, n);",
            ]
        case .tanh: return ["const float next = tanh_fs(\(input(0)) + gates[0]);"]
        case .relu: return ["const float next = max_fs(\(input(0)) + gates[0], 0.0f);"]
        }
    }

    /// One block a sequence: the state stays in its shared memory.
    func writeAlone() -> EmittedKernel {
        let frame = self.frame
        let index = frame.index
        let i = frame.integer
        var lines = [
            "OVERLAP_BEGIN; OVERLAP_WAIT;", "const int thread = THREAD, member = thread % \(width);",
            "const \(i) b = BLOCK, times = \(index.print(body.time.extent));",
            "SHARED float states[\(2 * depth)];", "SHARED float cells[\(hidden)];",
            body.projection == nil ? "" : "SHARED float inner[\(hidden)];",
            "for (int u = thread; u < \(depth); u += \(threads)) states[u] = \(frame.call("start", ["b", "u"]));",
            "for (int u = thread; u < \(hidden); u += \(threads)) cells[u] = "
                + (body.initialCell == nil ? "0" : frame.call("startCell", ["b", "u"])) + ";",
            "BARRIER;", "for (\(i) step = 0; step < times; ++step) {",
            "const \(i) t = \(body.isReverse ? "times - 1 - step" : "step");",
            "LOCAL const float *const before = states + step % 2 * \(depth);",
            "LOCAL float *const after = states + (step + 1) % 2 * \(depth);",
            "for (int u = thread / \(width); u < \(hidden); u += \(threads / width)) {",
        ].filter { !$0.isEmpty }
        lines += sums(frame, state: "before") + ["if (member == 0) {"]
        lines += cell(cell: "cells[u]", before: "before[u]") { frame.call("projected", ["t", "b", "\($0)", "u"]) }
        if body.projection == nil {
            lines.append("after[u] = next;")
            if body.outputs != nil { lines.append(frame.call("output", ["t", "b", "u", "next"]) + ";") }
        } else {
            lines.append("inner[u] = next;")
        }
        lines += ["} }", "BARRIER;"]
        if body.projection != nil {
            lines += [
                "for (int u = thread; u < \(depth); u += \(threads)) { float sum = 0;",
                "for (int j = 0; j < \(hidden); ++j) sum = fma_fs(\(frame.call("projection", ["u", "j"])), inner[j], sum);",
                "after[u] = sum;", body.outputs == nil ? "}" : frame.call("output", ["t", "b", "u", "sum"]) + "; }",
                "BARRIER;",
            ]
        }
        lines.append("}")
        if body.lastHidden != nil {
            lines.append(
                "for (int u = thread; u < \(depth); u += \(threads)) "
                    + frame.call("lastHidden", ["b", "u", "states[times % 2 * \(depth) + u]"]) + ";")
        }
        if body.lastCell != nil {
            lines.append(
                "for (int u = thread; u < \(hidden); u += \(threads)) "
                    + frame.call("lastCell", ["b", "u", "cells[u]"]) + ";")
        }
        return EmittedKernel(
            symbol: symbol, source: functions(frame) + frame.kernelFunction(threads: threads, lines),
            arguments: kernel.parameters.indices.map { .parameter($0) }, packings: [], workspaceBytes: 0,
            parts: .grid(.init(blocks: body.batch.extent, threads: threads, overlaps: target.overlaps)))
    }

    /// Blocks that all run at once, each with some units of every sequence. A state passes as one 64-bit word: its value and
    /// the number of the step that it is for, so that no barrier is needed; words of two steps alternate. The last block to
    /// finish zeroes them. Weights stay in registers where they fit, and a step's inputs are asked for before its state.
    func writeShared(blocks: Int) -> EmittedKernel {
        let frame = self.frame
        let index = frame.index
        let i = frame.integer
        let batch = body.batch.extent.constantValue ?? 1
        let count = batch * hidden
        let warps = threads / 32
        // Units are dealt out as evenly as can be; the sums of a block are gates × units, in turn to its warps.
        let most = (hidden + blocks - 1) / blocks
        let tasks = (gates * most + warps - 1) / warps
        let runs = (depth + 32 * run - 1) / (32 * run)
        let holds = tasks * runs * run <= 96
        let isConstant = body.recurrent.body.loadedParameters.allSatisfy { kernel.parameters[$0].isConstant }
        func weights(_ target: String) -> String {
            let call = frame.call(
                "recurrent", ["q / units", "firstUnit + q % units", "d"] + (run == 1 ? [] : [target]))
            return run == 1 ? "\(target)[0] = \(call);" : "\(call);"
        }
        var lines = [
            "OVERLAP_BEGIN;", isConstant ? "" : "OVERLAP_WAIT;",
            "const int thread = THREAD, member = thread % 32, team = thread / 32, block = BLOCK;",
            "const \(i) times = \(index.print(body.time.extent));",
            "const int firstUnit = \(hidden) * block / \(blocks), units = \(hidden) * (block + 1) / \(blocks) - firstUnit;",
            "volatile uint64_t *const words = (volatile uint64_t *)(counters + 2);",
            "SHARED float before[\(hidden)] ALIGNED; SHARED float sums[\(gates * most)];",
            "SHARED float cells[\(batch * most)]; SHARED float after[\(batch * most)];",
        ]
        let eachTask = "UNROLL for (int task = 0; task < \(tasks); ++task) { const int q = team + task * \(warps);"
        let eachRun = "UNROLL for (int r = 0; r < \(runs); ++r) { const int d = (member + r * 32) * \(run);"
        if holds {
            lines += [
                "float held[\(tasks)][\(runs)][\(run)];", eachTask, eachRun,
                "UNROLL for (int w = 0; w < \(run); ++w) held[task][r][w] = 0;",
                "if (q < \(gates) * units && d < \(depth)) { \(weights("held[task][r]")) }", "} }",
            ]
        }
        if isConstant { lines.append("OVERLAP_WAIT;") }
        lines += [
            "for (int e = thread; e < \(batch) * units; e += \(threads)) {",
            "const int b = e / units, u = firstUnit + e % units;",
            "cells[e] = \(body.initialCell == nil ? "0" : frame.call("startCell", ["b", "u"]));",
            "after[e] = \(frame.call("start", ["b", "u"]));",
            "words[b * \(hidden) + u] = (uint64_t)1 << 32 | (uint32_t)bits_fs(after[e]); }",
            "for (\(i) step = 0; step < times; ++step) {",
            "const \(i) t = \(body.isReverse ? "times - 1 - step" : "step");",
            "volatile uint64_t *const from = words + step % 2 * \(count), *const to = words + (step + 1) % 2 * \(count);",
            "for (int b = 0; b < \(batch); ++b) {", "float inputs[\(gates)];",
            "UNROLL for (int g = 0; g < \(gates); ++g) inputs[g] = thread < units ? "
                + frame.call("projected", ["t", "b", "g", "firstUnit + thread"]) + " : 0;",
            "for (int u = thread; u < \(hidden); u += \(threads)) {", "uint64_t word = from[b * \(hidden) + u];",
            "while ((uint32_t)(word >> 32) != (uint32_t)step + 1) word = from[b * \(hidden) + u];",
            "before[u] = unbits_fs((int32_t)(uint32_t)word); }", "BARRIER;", eachTask,
            "if (q >= \(gates) * units) continue;", "float sum = 0;", eachRun, "if (d < \(depth)) {",
        ]
        lines += holds ? [] : ["float x[\(run)]; \(weights("x"))"]
        lines += [
            "UNROLL for (int w = 0; w < \(run); ++w) sum = fma_fs(\(holds ? "held[task][r]" : "x")[w], before[d + w], sum);",
            "} }",
            "UNROLL for (int other = 16; other > 0; other /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, other);",
            "if (member == 0) sums[q] = sum; }", "BARRIER;",
            "if (thread < units) { const int e = b * units + thread, u = firstUnit + thread; float gates[\(gates)];",
            "UNROLL for (int g = 0; g < \(gates); ++g) gates[g] = sums[g * units + thread]"
                + (body.recurrentBias == nil ? ";" : " + \(frame.call("bias", ["g", "u"]));"),
        ]
        lines += cell(cell: "cells[e]", before: "after[e]") { "inputs[\($0)]" }
        lines += [
            "after[e] = next;",
            "to[b * \(hidden) + u] = (uint64_t)((uint32_t)step + 2) << 32 | (uint32_t)bits_fs(next);",
        ]
        if body.outputs != nil { lines.append(frame.call("output", ["t", "b", "u", "next"]) + ";") }
        lines += [
            "} } }", "BARRIER;", "for (int e = thread; e < \(batch) * units; e += \(threads)) {",
            "const int b = e / units, u = firstUnit + e % units;",
        ]
        if body.lastHidden != nil { lines.append(frame.call("lastHidden", ["b", "u", "after[e]"]) + ";") }
        if body.lastCell != nil { lines.append(frame.call("lastCell", ["b", "u", "cells[e]"]) + ";") }
        lines += [
            "(void)b; (void)u; }", "__threadfence(); __syncthreads();", "__shared__ int arrived;",
            "if (thread == 0) arrived = count_up(counters);", "__syncthreads();",
            "if (arrived != \(blocks - 1)) return;", "__threadfence();",
            "for (int e = thread; e < \(2 * count); e += \(threads)) words[e] = 0;",
            "if (thread == 0) counters[0] = 0;",
        ]
        return EmittedKernel(
            symbol: symbol,
            source: functions(frame)
                + frame.kernelFunction(hasCounters: true, threads: threads, lines.filter { !$0.isEmpty }),
            arguments: kernel.parameters.indices.map { .parameter($0) }, packings: [], workspaceBytes: 0,
            parts: .grid(
                .init(
                    blocks: IntegerExpression(blocks), threads: threads, overlaps: target.overlaps,
                    counters: 2 + 4 * count)))
    }
}
