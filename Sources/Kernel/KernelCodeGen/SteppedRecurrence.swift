import ElementTypes
import KernelIR

/// A recurrent cell as plain loops over time, for what the tiled form does not serve: cells in f64, and LSTMs whose h is
/// projected (Sak et al. 2014). Lanes lie over the gates' units; every sequence runs on one thread.
///
/// Weights are packed as `[depth, gate, hidden]`, the projection as `[hidden, depth]`, both innermost axes padded to whole
/// vectors, so that sums over h and over what the cell gives need no reduction across lanes.
struct SteppedRecurrence {
    let frame: CellFrame
    let body: RecurrenceKernel
    /// Units of c.
    let hidden: Int
    /// Units of h.
    let depth: Int

    /// Whether a recurrence takes this form.
    static func serves(_ kernel: Kernel, _ body: RecurrenceKernel) -> Bool {
        body.projection != nil || compute(kernel, body) == .f64
    }

    /// Compute type of sums, gates and states.
    private static func compute(_ kernel: Kernel, _ body: RecurrenceKernel) -> ElementType {
        body.projected.body.types(parameters: kernel.parameters)[body.projected.result].computeType
    }

    private var element: ElementType { Self.compute(frame.kernel, body) }
    private var scalar: String { CTypes.scalar(element) }
    private var vector: String { CTypes.vector(element) }
    private var letter: String { CTypes.letter(element) }
    private var gates: Int { body.cell.gates }
    /// Vectors of sums: the GRU keeps the input's share of its last gate apart.
    private var slots: Int { body.cell == .gru ? 4 : gates }
    private var width: Int { padded(hidden) }
    private var depthWidth: Int { padded(depth) }
    private var symbol: String { frame.symbol }
    /// The axis of h.
    private var unit: LoopAxis { body.projection == nil ? body.hidden : body.depth }

    private func padded(_ count: Int) -> Int { (count + frame.lanes - 1) / frame.lanes * frame.lanes }

    /// An operand that is rearranged before use: at build time where it is constant, else by every part for itself.
    private struct Rearranged {
        var name: String
        var function: ScalarFunction
        /// Elements.
        var count: Int
        /// Statements that fill `name`.
        var lines: [String]
    }

    private var rearranged: [Rearranged] {
        let (h, g, d) = (body.hidden.variable.name, body.gate.variable.name, body.depth.variable.name)
        let line = "(weights + (\(d) * \(gates) + \(g)) * \(width))"
        var weights = [
            "for (int64_t \(d) = 0; \(d) < \(depth); ++\(d)) for (int64_t \(g) = 0; \(g) < \(gates); ++\(g)) {",
            "for (int64_t i = \(hidden); i < \(width); ++i) \(line)[i] = 0;",
        ]
        weights += frame.evaluate(body.recurrent, along: body.hidden, to: line, as: element, limit: "\(hidden)")
        weights.append("}")
        var all = [
            Rearranged(name: "weights", function: body.recurrent, count: depth * gates * width, lines: weights)
        ]
        if let function = body.projection {
            let line = "(projection + \(h) * \(depthWidth))"
            let lines =
                [
                    "for (int64_t \(h) = 0; \(h) < \(hidden); ++\(h)) {",
                    "for (int64_t i = \(depth); i < \(depthWidth); ++i) \(line)[i] = 0;",
                ] + frame.evaluate(function, along: body.depth, to: line, as: element, limit: "\(depth)") + ["}"]
            all.append(
                Rearranged(name: "projection", function: function, count: hidden * depthWidth, lines: lines))
        }
        return all
    }

    func emit() -> EmittedKernel {
        let index = frame.index
        let operands = rearranged
        func isConstant(_ operand: Rearranged) -> Bool {
            CellFrame.sources([operand.function]).allSatisfy { frame.kernel.parameters[$0].isConstant }
        }
        var used = CellFrame.sources(
            [body.projected, body.recurrentBias, body.initialHidden, body.initialCell]
                + operands.filter { !isConstant($0) }.map(\.function))
        for target in [body.outputs, body.lastHidden, body.lastCell].compactMap({ $0 }) {
            used.insert(target.parameter)
        }
        var arguments = used.sorted().map { EmittedKernel.Argument.parameter($0) }
        var opening = frame.opening(arguments)
        var packings: [EmittedKernel.Packing] = []
        var layout = WorkspaceLayout()
        var (source, fills) = (routines, [String]())
        for operand in operands {
            guard isConstant(operand) else {
                layout.add(operand.name, scalar, element.byteCount, IntegerExpression(operand.count), index)
                fills += operand.lines
                continue
            }
            opening.append(
                "const \(scalar) *const \(operand.name) = (const \(scalar) *)buffers[\(arguments.count)];")
            arguments.append(.packed(packings.count))
            let name = "\(symbol)_pack_\(operand.name)"
            let sources = CellFrame.sources([operand.function]).sorted()
            packings.append(.init(symbol: name, sources: sources, element: element, count: operand.count))
            var lines = sources.enumerated().map { frame.pointer($1, at: $0) } + frame.symbols
            lines.append("\(scalar) *const \(operand.name) = (\(scalar) *)buffers[\(sources.count)];")
            lines.append("if (part != 0) return 0;")
            source += frame.function(name, lines + operand.lines)
        }
        for (name, count) in [
            ("bias", gates * width), ("sums", slots * width), ("cells", width), ("given", width),
            ("state", max(width, depthWidth)),
        ] {
            layout.add(name, scalar, element.byteCount, IntegerExpression(count), index)
        }
        source += frame.function(symbol, opening + layout.lines + fills + main)
        return EmittedKernel(
            symbol: symbol, source: source, arguments: arguments, packings: packings, workspaceBytes: layout.bytes,
            parts: .count(body.batch.extent))
    }

    private var main: [String] {
        let index = frame.index
        let (t, b, g) = (body.time.variable.name, body.batch.variable.name, body.gate.variable.name)
        let line = "(sums + slot * \(width))"
        var lines = [
            "const int64_t times = \(index.print(body.time.extent)), batch = \(index.print(body.batch.extent));",
            "for (int64_t i = 0; i < \(gates * width); ++i) bias[i] = 0;",
        ]
        if let bias = body.recurrentBias {
            lines.append("for (int64_t \(g) = 0; \(g) < \(gates); ++\(g)) {")
            lines += frame.evaluate(
                bias, along: body.hidden, to: "(bias + \(g) * \(width))", as: element, limit: "\(hidden)")
            lines.append("}")
        }
        lines += [
            "for (int64_t \(b) = batch * part / parts; \(b) < batch * (part + 1) / parts; ++\(b)) {",
            "for (int64_t i = 0; i < \(slots * width); ++i) sums[i] = 0;",
            "for (int64_t i = 0; i < \(width); ++i) cells[i] = given[i] = 0;",
            "for (int64_t i = 0; i < \(max(width, depthWidth)); ++i) state[i] = 0;",
        ]
        lines += frame.evaluate(body.initialHidden, along: unit, to: "state", as: element, limit: "\(depth)")
        if let cell = body.initialCell {
            lines += frame.evaluate(cell, along: body.hidden, to: "cells", as: element, limit: "\(hidden)")
        }
        lines += [
            "for (int64_t step = 0; step < times; ++step) {",
            "const int64_t \(t) = \(body.isReverse ? "times - 1 - step" : "step"); (void)\(t);",
            "for (int64_t \(g) = 0; \(g) < \(gates); ++\(g)) {",
            "const int64_t slot = \(body.cell == .gru ? "\(g) == 2 ? 3 : \(g)" : g);",
        ]
        lines += frame.evaluate(body.projected, along: body.hidden, to: line, as: element, limit: "\(hidden)")
        lines.append(
            "for (int64_t i = 0; i < \(width); ++i) sums[\(g) * \(width) + i] = "
                + "bias[\(g) * \(width) + i]\(body.cell == .gru ? " + (slot == 3 ? 0 : \(line)[i])" : " + \(line)[i]");"
        )
        lines += [
            "}", "\(symbol)_add(weights, \(depth), \(gates * width), state, sums);",
            "for (int64_t i = 0; i < \(width); i += LANES) "
                + "\(symbol)_cell(sums + i, cells + i, state + i, given + i);",
        ]
        if body.projection == nil {
            lines.append("for (int64_t i = 0; i < \(width); ++i) state[i] = given[i];")
        } else {
            lines += [
                "for (int64_t i = 0; i < \(depthWidth); ++i) state[i] = 0;",
                "\(symbol)_add(projection, \(hidden), \(depthWidth), given, state);",
            ]
        }
        if let outputs = body.outputs { lines += stores(outputs, from: "state", along: unit) }
        lines.append("}")
        if let last = body.lastHidden { lines += stores(last, from: "state", along: unit) }
        if let last = body.lastCell { lines += stores(last, from: "cells", along: body.hidden) }
        return lines + ["}"]
    }

    /// `sums[j] += Σ_d x[d] × w[d, j]` over whole vectors, and one vector of the cell.
    private var routines: String {
        let add = [
            "static void \(symbol)_add(const \(scalar) *restrict w, int64_t depth, int64_t count, "
                + "const \(scalar) *restrict x, \(scalar) *restrict sums) {",
            "int64_t j = 0;",
            tile(4), tile(1), "}", "",
        ]
        var cell = [
            "FORCE \(vector) \(symbol)_sigmoid(\(vector) x) { return 1 / (1 + exp_\(letter)v(-x)); }",
            "FORCE void \(symbol)_cell(const \(scalar) *s, \(scalar) *c, const \(scalar) *h, \(scalar) *given) {",
            "(void)c; (void)h;",
        ]
        cell += (0..<slots).map { "const \(vector) a\($0) = *(const \(vector)_u *)(s + \($0 * width));" }
        switch body.cell {
        case .lstm:
            cell += [
                "const \(vector) n = \(symbol)_sigmoid(a1) * *(\(vector)_u *)c + "
                    + "\(symbol)_sigmoid(a0) * tanh_\(letter)v(a2);",
                "*(\(vector)_u *)c = n; *(\(vector)_u *)given = \(symbol)_sigmoid(a3) * tanh_\(letter)v(n);",
            ]
        case .gru:
            cell += [
                "const \(vector) z = \(symbol)_sigmoid(a1), n = tanh_\(letter)v(a3 + \(symbol)_sigmoid(a0) * a2);",
                "*(\(vector)_u *)given = n + z * (*(const \(vector)_u *)h - n);",
            ]
        case .tanh: cell.append("*(\(vector)_u *)given = tanh_\(letter)v(a0);")
        case .relu: cell.append("*(\(vector)_u *)given = max_\(letter)v(a0, (\(vector)){0});")
        }
        return (add + cell + ["}", ""]).joined(separator: "\n")
    }

    private func tile(_ vectors: Int) -> String {
        var lines = ["for (; j + \(vectors) * LANES <= count; j += \(vectors) * LANES) {"]
        for v in 0..<vectors { lines.append("\(vector) c\(v) = *(const \(vector)_u *)(sums + j + \(v) * LANES);") }
        lines.append("for (int64_t d = 0; d < depth; ++d) { const \(vector) y = splat_\(letter)(x[d]);")
        for v in 0..<vectors {
            lines.append(
                "c\(v) = fma_\(letter)v(y, *(const \(vector)_u *)(w + d * count + j + \(v) * LANES), c\(v));")
        }
        lines.append("}")
        for v in 0..<vectors { lines.append("*(\(vector)_u *)(sums + j + \(v) * LANES) = c\(v);") }
        return (lines + ["}"]).joined(separator: "\n")
    }

    /// Writes a row of h or c to a parameter.
    private func stores(_ target: RecurrenceKernel.Target, from row: String, along axis: LoopAxis) -> [String] {
        let name = axis.variable.name
        var value = ScalarBody()
        let store = Store(parameter: target.parameter, index: target.index, value: value.emit(.accumulator))
        let types = value.types(parameters: frame.kernel.parameters, accumulator: element)
        var printer = BodyPrinter(
            parameters: frame.kernel.parameters, index: frame.index, lanes: frame.lanes, laneAxis: nil)
        printer.accumulator = .init("\(row)[\(name)]", isVector: false)
        let (statements, values) = printer.print(value, wanted: [store.value])
        return ["for (int64_t \(name) = 0; \(name) < \(frame.index.print(axis.extent)); ++\(name)) {"] + statements
            + [printer.statement(store, values, types), "}"]
    }
}
