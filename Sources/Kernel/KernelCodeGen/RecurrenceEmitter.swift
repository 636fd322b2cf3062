import ElementTypes
import KernelIR

/// The choices of a recurrence. `gang` 1 splits the hidden units over all threads, which then wait for each other at every
/// step; 0 runs every sequence on one thread. Cells in f64 and projected ones run as plain loops without choices.
package func recurrenceChoices(_ kernel: Kernel, _ body: RecurrenceKernel, _ target: CPUTarget) -> [Choice] {
    if SteppedRecurrence.serves(kernel, body) { return [] }
    let lanes = max(4, target.vectorBytes / 4)
    let hidden = body.hidden.extent.constantValue ?? 1
    let batch = body.batch.extent.constantValue ?? 4
    let gates = body.cell.gates
    let blocks = (hidden + lanes - 1) / lanes
    // Registers for sums: weights and scalars of h need the rest.
    let sums = target.vectorRegisters >= 32 ? 24 : 12
    let passes = max(1, (batch * gates + sums - 1) / sums)
    let rows = max(1, min(sums / gates, (batch + passes - 1) / passes))
    var units = max(1, min(blocks, (rows == 1 ? 8 : sums) / (gates * rows)))
    while units > 1, (blocks + units - 1) / units % target.threads != 0 { units -= 1 }
    // Meeting costs some tenths of a microsecond a step.
    let isLarge = gates * hidden * hidden * batch >= 16384 && blocks >= 2 && target.threads > 1
    return [
        Choice("gang", isLarge ? [1, 0] : [0, 1]),
        Choice("batchRows", [rows] + [1, 2, 3, 4, 6].filter { $0 != rows && $0 * gates <= sums }),
        Choice("unitBlocks", [units] + [1, 2, 3, 4].filter { $0 != units && $0 * gates <= sums }),
        // Rows of weights fetched ahead: one sequence waits for the level-2 cache, several do not.
        Choice("ahead", rows <= 2 ? [8, 0, 2, 4] : [0, 8, 2]),
    ]
}

/// Emits a recurrence as C.
package func emitRecurrence(
    _ kernel: Kernel, _ body: RecurrenceKernel, symbol: String, _ schedule: Schedule, _ target: CPUTarget
) throws(EmissionError) -> EmittedKernel {
    guard let hidden = body.hidden.extent.constantValue, let depth = body.depth.extent.constantValue else {
        throw EmissionError(kernel: kernel.name, reason: "the recurrence's hidden extent is not a constant")
    }
    let frame = CellFrame(
        kernel, symbol: symbol, axes: [body.time, body.batch, body.hidden, body.gate, body.depth], target)
    if SteppedRecurrence.serves(kernel, body) {
        return SteppedRecurrence(frame: frame, body: body, hidden: hidden, depth: depth).emit()
    }
    let choices = recurrenceChoices(kernel, body, target)
    // Sums must stay in registers whatever the combination of choices.
    let most = max(1, (target.vectorRegisters >= 32 ? 24 : 12) / body.cell.gates)
    let rows = min(schedule[choices[1]], most)
    return Recurrence(
        frame: frame, body: body, hidden: hidden, isGang: schedule[choices[0]] == 1 && target.threads > 1, rows: rows,
        units: max(1, min(schedule[choices[2]], most / rows)), ahead: schedule[choices[3]], threads: target.threads
    ).emit()
}

/// A recurrent cell. Hidden units go in blocks of LANES, `units` blocks a group; the packed weights of a group are
/// `[depth, unit block, gate, LANES]`, so that a step streams them once. In a gang every part owns consecutive groups,
/// whose weights stay in its core's cache; h passes through a double buffer that all share, and a part adds up the products
/// with its own h before it waits for the others.
struct Recurrence {
    let frame: CellFrame
    let body: RecurrenceKernel
    let hidden: Int
    let isGang: Bool
    /// Sequences that share a load of weights.
    let rows: Int
    /// Blocks of units in a group.
    let units: Int
    /// Rows of weights fetched ahead.
    let ahead: Int
    let threads: Int

    private var lanes: Int { frame.lanes }
    private var symbol: String { frame.symbol }
    private var gates: Int { body.cell.gates }
    private var blocks: Int { (hidden + lanes - 1) / lanes }
    private var groups: Int { (blocks + units - 1) / units }
    private var width: Int { blocks * lanes }
    /// Vectors kept for a block: the gates, and the input's share of the GRU's last gate.
    private var slots: Int { body.cell == .gru ? 4 : gates }
    /// Most parts of a gang: each has a line of the synchronisation area.
    private static let mostParts = 64

    /// Storage type of packed weights: narrow ones stay narrow, which halves what a step reads.
    private var weight: ElementType {
        guard let load = body.recurrent.plainLoad else { return .f32 }
        let element = frame.kernel.parameters[load.parameter].element
        return element == .bf16 || element == .f16 ? element : .f32
    }

    private var isPacked: Bool {
        CellFrame.sources([body.recurrent]).allSatisfy { frame.kernel.parameters[$0].isConstant }
    }

    func emit() -> EmittedKernel {
        let index = frame.index
        var used = CellFrame.sources([
            body.projected, body.recurrentBias, body.initialHidden, body.initialCell, isPacked ? nil : body.recurrent,
        ])
        for target in [body.outputs, body.lastHidden, body.lastCell].compactMap({ $0 }) {
            used.insert(target.parameter)
        }
        var arguments = used.sorted().map { EmittedKernel.Argument.parameter($0) }
        var packings: [EmittedKernel.Packing] = []
        var source = tiles + cellUpdate
        let weightType = CTypes.storage(weight)
        var opening = frame.opening(arguments)
        var layout = WorkspaceLayout()
        if isPacked {
            opening.append("const \(weightType) *const weights = (const \(weightType) *)buffers[\(arguments.count)];")
            arguments.append(.packed(0))
            let sources = CellFrame.sources([body.recurrent]).sorted()
            packings.append(
                .init(symbol: "\(symbol)_pack", sources: sources, element: weight, count: width * hidden * gates))
            var lines = sources.enumerated().map { frame.pointer($1, at: $0) } + frame.symbols
            lines.append("\(weightType) *const weights = (\(weightType) *)buffers[\(sources.count)];")
            lines += pack(from: "\(groups) * (int64_t)part / parts", to: "\(groups) * ((int64_t)part + 1) / parts")
            source += frame.function("\(symbol)_pack", lines)
        } else {
            layout.add("weights", weightType, weight.byteCount, IntegerExpression(width * hidden * gates), index)
        }
        layout.add("sums", "float", 4, body.batch.extent * (width * slots), index)
        layout.add("bias", "float", 4, IntegerExpression(width * gates), index)
        layout.add("cells", "float", 4, body.batch.extent * width, index)
        if isGang {
            opening.append("float *const states = (float *)buffers[\(arguments.count)];")
            arguments.append(.shared(bytes: body.batch.extent * (2 * width * 4)))
            opening.append("int32_t *const flags = (int32_t *)buffers[\(arguments.count)];")
            source += waiting
        } else {
            layout.add("states", "float", 4, body.batch.extent * (2 * width), index)
        }
        source += frame.function(symbol, opening + layout.lines + main)
        let parts =
            isGang
            ? EmittedKernel.Parts.gang
            : .count((body.batch.extent + (rows - 1)).floorDivided(by: IntegerExpression(rows), index.ranges))
        return EmittedKernel(
            symbol: symbol, source: source, arguments: arguments, packings: packings, workspaceBytes: layout.bytes,
            parts: parts)
    }

    private var main: [String] {
        let index = frame.index
        let (t, b) = (body.time.variable.name, body.batch.variable.name)
        var lines = [
            "const int64_t times = \(index.print(body.time.extent)), batch = \(index.print(body.batch.extent));"
        ]
        if isGang {
            lines += [
                "int64_t active = parts < \(groups) ? parts : \(groups);",
                "if (active > \(Self.mostParts)) active = \(Self.mostParts);", "if (part >= active) return 0;",
                "const int64_t firstGroup = \(groups) * part / active, lastGroup = \(groups) * (part + 1) / active;",
                "const int64_t firstRow = 0, lastRow = batch;",
            ]
        } else {
            lines += [
                "const int64_t firstGroup = 0, lastGroup = \(groups);",
                "const int64_t firstRow = batch * part / parts, lastRow = batch * (part + 1) / parts;",
            ]
        }
        lines += [
            "const int64_t firstUnit = firstGroup * \(units * lanes);",
            "const int64_t pastUnit = lastGroup * \(units * lanes) < \(hidden) ? lastGroup * \(units * lanes) : \(hidden);",
        ]
        if !isPacked { lines += pack(from: "firstGroup", to: "lastGroup") }
        lines += biases
        lines += [
            "for (int64_t \(b) = firstRow; \(b) < lastRow; ++\(b)) {",
            "for (int64_t i = firstUnit; i < \(width) && i < lastGroup * \(units * lanes); ++i)",
            "states[\(b) * \(width) + i] = cells[\(b) * \(width) + i] = 0;",
        ]
        lines += frame.evaluate(
            body.initialHidden, along: body.hidden, to: "(states + \(b) * \(width))", start: "firstUnit",
            limit: "pastUnit")
        if let cell = body.initialCell {
            lines += frame.evaluate(
                cell, along: body.hidden, to: "(cells + \(b) * \(width))", start: "firstUnit", limit: "pastUnit")
        }
        lines.append("}")
        if isGang { lines.append("\(symbol)_reach(flags + part * 16, 1);") }
        lines += [
            "for (int64_t step = 0; step < times; ++step) {",
            "const int64_t \(t) = \(body.isReverse ? "times - 1 - step" : "step"); (void)\(t);",
            "float *const before = states + step % 2 * batch * \(width);",
            "float *const after = states + (step + 1) % 2 * batch * \(width);",
        ]
        lines += starts
        if isGang {
            lines += products(from: "firstUnit", to: "pastUnit")
            lines.append("for (int64_t other = 1; other < active; ++other)")
            lines.append("\(symbol)_wait(flags + (part + other) % active * 16, (int32_t)step + 1);")
            lines += products(from: "0", to: "firstUnit") + products(from: "pastUnit", to: "\(hidden)")
        } else {
            lines += products(from: "0", to: "\(hidden)")
        }
        lines += [
            "for (int64_t group = firstGroup; group < lastGroup; ++group)", inGroup,
            "for (int64_t row = firstRow; row < lastRow; ++row) for (int64_t u = 0; u < held; ++u) {",
            "const int64_t place = row * \(width) + (block + u) * LANES;",
            "\(symbol)_cell(sums + (block * batch + row * held + u) * \(slots * lanes), cells + place, before + place, "
                + "after + place);", "} }",
        ]
        if isGang { lines.append("\(symbol)_reach(flags + part * 16, (int32_t)step + 2);") }
        if let outputs = body.outputs { lines += stores(outputs, from: "after") }
        lines.append("}")
        if let last = body.lastHidden { lines += stores(last, from: "(states + times % 2 * batch * \(width))") }
        if let last = body.lastCell { lines += stores(last, from: "cells") }
        return lines
    }

    /// Opens a loop body over a group: its first block and how many it holds.
    private var inGroup: String {
        "{ const int64_t block = group * \(units), held = \(blocks) - block < \(units) ? \(blocks) - block : \(units);"
    }

    /// Rearranges the recurrent weights of some groups.
    private func pack(from: String, to: String) -> [String] {
        let (h, g, d) = (body.hidden.variable.name, body.gate.variable.name, body.depth.variable.name)
        let target =
            "(weights + (((block * \(hidden) + \(d) * held + u) * \(gates) + \(g)) * LANES) - (block + u) * LANES)"
        var lines = [
            "for (int64_t group = \(from); group < \(to); ++group)", inGroup,
            "for (int64_t \(d) = 0; \(d) < \(hidden); ++\(d)) for (int64_t u = 0; u < held; ++u)",
            "for (int64_t \(g) = 0; \(g) < \(gates); ++\(g)) {",
            "const int64_t past = (block + u + 1) * LANES < \(hidden) ? (block + u + 1) * LANES : \(hidden);",
            "for (int64_t \(h) = past; \(h) < (block + u + 1) * LANES; ++\(h)) \(target)[\(h)] = 0;",
        ]
        lines += frame.evaluate(
            body.recurrent, along: body.hidden, to: target, as: weight, start: "(block + u) * LANES", limit: "past")
        return lines + ["} }"]
    }

    /// Evaluates the recurrent bias once.
    private var biases: [String] {
        let (h, g) = (body.hidden.variable.name, body.gate.variable.name)
        var lines = [
            "for (int64_t \(g) = 0; \(g) < \(gates); ++\(g)) {",
            "for (int64_t \(h) = 0; \(h) < \(width); ++\(h)) bias[\(g) * \(width) + \(h)] = 0;",
        ]
        if let bias = body.recurrentBias {
            lines += frame.evaluate(
                bias, along: body.hidden, to: "(bias + \(g) * \(width))", start: "firstUnit", limit: "pastUnit")
        }
        return lines + ["}"]
    }

    /// The sums of a step start as the input's share and the bias. The input's share of the GRU's last gate stays apart, as
    /// the reset gate scales only the recurrent share.
    private var starts: [String] {
        let (h, g, b) = (body.hidden.variable.name, body.gate.variable.name, body.batch.variable.name)
        let target = "(line + slot * LANES - (block + u) * LANES)"
        var lines = [
            "for (int64_t group = firstGroup; group < lastGroup; ++group)", inGroup,
            "for (int64_t \(b) = firstRow; \(b) < lastRow; ++\(b)) for (int64_t u = 0; u < held; ++u) {",
            "float *const line = sums + (block * batch + \(b) * held + u) * \(slots * lanes);",
            "const int64_t past = (block + u + 1) * LANES < \(hidden) ? (block + u + 1) * LANES : \(hidden);",
            "for (int64_t \(g) = 0; \(g) < \(gates); ++\(g)) {",
            "const int64_t slot = \(body.cell == .gru ? "\(g) == 2 ? 3 : \(g)" : g);",
        ]
        if hidden % lanes != 0 {
            lines.append("for (int64_t \(h) = past; \(h) < (block + u + 1) * LANES; ++\(h)) \(target)[\(h)] = 0;")
        }
        lines += frame.evaluate(
            body.projected, along: body.hidden, to: target, start: "(block + u) * LANES", limit: "past")
        lines.append("const vf more = *(const vf *)(bias + \(g) * \(width) + (block + u) * LANES);")
        lines.append("vf *const own = (vf *)(line + \(g) * LANES);")
        lines.append(body.cell == .gru ? "if (slot == 3) *own = more; else *own = *own + more;" : "*own = *own + more;")
        return lines + ["} } }"]
    }

    /// Adds the products with h at `from..<to` to the sums of all groups.
    private func products(from: String, to: String) -> [String] {
        func call(_ rows: Int, _ held: Int) -> String {
            "\(symbol)_add\(rows)_\(held)(weights + block * \(hidden * gates * lanes), before + row * \(width), "
                + "\(from), \(to), sums + (block * batch + row * held) * \(slots * lanes))"
        }
        var lines = ["if (\(from) < \(to)) for (int64_t group = firstGroup; group < lastGroup; ++group)", inGroup]
        for held in Set([units, blocks % units == 0 ? units : blocks % units]).sorted() {
            lines += [
                "if (held == \(held)) { int64_t row = firstRow;",
                "for (; row + \(rows) <= lastRow; row += \(rows)) \(call(rows, held));", "switch (lastRow - row) {",
            ]
            for rest in 1..<max(rows, 1) { lines.append("case \(rest): \(call(rest, held)); break;") }
            lines.append("default: break; } }")
        }
        return lines + ["}"]
    }

    /// `rows × held blocks × gates` sums in registers: weights stream by, h is read as scalars.
    private var tiles: String {
        var text = ""
        for held in Set([units, blocks % units == 0 ? units : blocks % units]).sorted() {
            for rows in 1...rows { text += tile(rows, held) }
        }
        return text
    }

    private func tile(_ rows: Int, _ held: Int) -> String {
        var lines = [
            "static void \(symbol)_add\(rows)_\(held)(const \(CTypes.storage(weight)) *restrict w, "
                + "const float *restrict h, int64_t from, int64_t to, float *restrict sums) {"
        ]
        var sums: [(name: String, row: Int, vector: Int, offset: Int)] = []
        for row in 0..<rows {
            for unit in 0..<held {
                for gate in 0..<gates {
                    sums.append(
                        (
                            "c\(row)_\(unit)_\(gate)", row, unit * gates + gate,
                            ((row * held + unit) * slots + gate) * lanes
                        ))
                }
            }
        }
        for sum in sums { lines.append("vf \(sum.name) = *(const vf *)(sums + \(sum.offset));") }
        lines.append("for (int64_t d = from; d < to; ++d) {")
        let bytes = held * gates * lanes * weight.byteCount
        for line in stride(from: 0, to: ahead > 0 ? bytes : 0, by: 64) {
            lines.append("__builtin_prefetch((const char *)w + (d + \(ahead)) * \(bytes) + \(line), 0, 3);")
        }
        for row in 0..<rows { lines.append("const vf x\(row) = splat_f(h[\(row * width) + d]);") }
        for vector in 0..<held * gates {
            let place = "w + d * \(held * gates * lanes) + \(vector * lanes)"
            lines.append(
                "{ const vf y = \(CTypes.loadVector(weight, "*(const \(CTypes.storageVector(weight))_u *)(\(place))"));"
            )
            for sum in sums where sum.vector == vector {
                lines.append("\(sum.name) = fma_fv(y, x\(sum.row), \(sum.name));")
            }
            lines.append("}")
        }
        lines.append("}")
        for sum in sums { lines.append("*(vf *)(sums + \(sum.offset)) = \(sum.name);") }
        return (lines + ["}", ""]).joined(separator: "\n")
    }

    /// One block of units of one sequence: gates, then the new h and c.
    private var cellUpdate: String {
        var lines = [
            "FORCE vf \(symbol)_sigmoid(vf x) { return 1.0f / (1.0f + exp_fv(-x)); }",
            "FORCE void \(symbol)_cell(const float *s, float *c, const float *before, float *after) {",
            "const vf *const a = (const vf *)s; (void)c; (void)before;",
        ]
        switch body.cell {
        case .lstm:
            lines += [
                "const vf i = \(symbol)_sigmoid(a[0]), f = \(symbol)_sigmoid(a[1]);",
                "const vf g = tanh_fv(a[2]), o = \(symbol)_sigmoid(a[3]);", "const vf n = fma_fv(f, *(vf *)c, i * g);",
                "*(vf *)c = n; *(vf *)after = o * tanh_fv(n);",
            ]
        case .gru:
            lines += [
                "const vf r = \(symbol)_sigmoid(a[0]), z = \(symbol)_sigmoid(a[1]);",
                "const vf n = tanh_fv(fma_fv(r, a[2], a[3]));",
                "*(vf *)after = fma_fv(z, *(const vf *)before - n, n);",
            ]
        case .tanh: lines.append("*(vf *)after = tanh_fv(a[0]);")
        case .relu: lines.append("*(vf *)after = max_fv(a[0], (vf){0});")
        }
        return (lines + ["}", ""]).joined(separator: "\n")
    }

    /// A part's line of the synchronisation area holds the step that it has reached and the processor that it ran on.
    /// Waiting for a part of the same processor yields soon. Else the other is at work or was interrupted: yielding would
    /// only hand this processor to another process, so it comes last.
    private var waiting: String {
        """
        extern int sched_yield(void);
        extern int sched_getcpu(void);
        FORCE void \(symbol)_reach(int32_t *flag, int32_t step) {
            __atomic_store_n(flag + 1, sched_getcpu(), __ATOMIC_RELAXED);
            __atomic_store_n(flag, step, __ATOMIC_RELEASE);
        }
        FORCE void \(symbol)_wait(const int32_t *flag, int32_t step) {
            for (int32_t spins = 1; __atomic_load_n(flag, __ATOMIC_ACQUIRE) < step; ++spins) {
        #if defined(__x86_64__) || defined(__i386__)
                __builtin_ia32_pause();
        #endif
                if (spins % 64 != 0) continue;
                if (spins >= 32768 || __atomic_load_n(flag + 1, __ATOMIC_RELAXED) == sched_getcpu()) sched_yield();
                if (spins >= 32768) spins = 0;
            }
        }

        """
    }

    /// Writes rows of h or c to a parameter.
    private func stores(_ target: RecurrenceKernel.Target, from rows: String) -> [String] {
        let (b, h) = (body.batch.variable.name, body.hidden.variable.name)
        var value = ScalarBody()
        let store = Store(parameter: target.parameter, index: target.index, value: value.emit(.accumulator))
        let types = value.types(parameters: frame.kernel.parameters)
        var lines = [
            "for (int64_t \(b) = firstRow; \(b) < lastRow; ++\(b)) { int64_t \(h) = firstUnit;"
        ]
        for isVector in [true, false] {
            var printer = BodyPrinter(
                parameters: frame.kernel.parameters, index: frame.index, lanes: lanes,
                laneAxis: isVector ? body.hidden : nil)
            let place = "\(rows) + \(b) * \(width) + \(h)"
            printer.accumulator = .init(isVector ? "(*(const vf *)(\(place)))" : "(*(\(place)))", isVector: isVector)
            let (statements, values) = printer.print(value, wanted: [store.value])
            lines.append(
                isVector
                    ? "for (; \(h) + LANES <= pastUnit; \(h) += LANES) {" : "for (; \(h) < pastUnit; ++\(h)) {")
            lines += statements + [printer.statement(store, values, types), "}"]
        }
        return lines + ["}"]
    }
}
