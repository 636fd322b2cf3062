import Base
import ElementTypes

extension Kernel: CustomStringConvertible {
    /// The printed form, which `init(parsing:)` reads back to an equal kernel: a line for the name, one for each range,
    /// parameter, loop, value and store; the values of a body are indented.
    package var description: String { "kernel \(quoted(name))\n\(canonicalText)" }

    /// The printed form without the name: what a kernel computes, on which types, shapes and ranges. Equal kernels have
    /// equal texts in every process, so that its hash may be kept.
    package var canonicalText: String {
        var text = KernelText()
        text.line("symbols [\(symbols.map(\.name).joined(separator: ", "))]")
        for variable in ranges.declared {
            guard let bounds = ranges[variable] else { continue }
            text.line("range \(variable.name) from \(bounds.lower)" + (bounds.upper.map { " to \($0)" } ?? ""))
        }
        for parameter in parameters {
            text.line(
                "parameter \(parameter.access.rawValue) \(parameter.element.rawValue)[\(parameter.count)]"
                    + (parameter.isConstant ? " constant" : ""))
        }
        switch body {
        case .nest(let nest): text.write(nest)
        case .contraction(let kernel): text.write(kernel)
        case .attention(let kernel): text.write(kernel)
        case .recurrence(let kernel): text.write(kernel)
        case .sort(let kernel): text.write(kernel)
        }
        return text.result
    }
}

/// Lines of a kernel's printed form.
private struct KernelText {
    var result = ""

    mutating func line(_ text: String) { result += text + "\n" }

    mutating func write(_ nest: NestKernel) {
        line(
            "nest" + (nest.isSerial ? " serial" : "") + " slots \(list(nest.slots)) rows \(list(nest.rows))")
        axes("loop", nest.axes)
        for step in nest.steps {
            line("step")
            axes("  loop", step.axes)
            write(step.body)
            for effect in step.effects {
                switch effect {
                case .store(let store): write(store)
                case .reduce(let kind, let value, let position, let slot):
                    let place = position.map { " at \($0)" } ?? ""
                    line("  reduce \(kind.rawValue) %\(value)\(place) to \(slot)")
                case .keep(let value, let row): line("  keep %\(value) to \(row)")
                }
            }
        }
    }

    mutating func write(_ kernel: ContractionKernel) {
        line(
            "contraction \(kernel.operandElement.rawValue)"
                + (kernel.factors == .own ? "" : " \(kernel.factors.rawValue)"))
        axes("batch", kernel.batch)
        axes("row", kernel.rows)
        axes("column", kernel.columns)
        axes("tap", kernel.taps)
        axes("depth", [kernel.depth])
        axes("gate", kernel.gate.map { [$0] } ?? [])
        write("left", kernel.left)
        write("right", kernel.right)
        for function in kernel.rowSums { write("rowSum", function) }
        line("epilogue")
        write(kernel.epilogue)
        for store in kernel.stores { write(store) }
    }

    mutating func write(_ kernel: AttentionKernel) {
        line(
            "attention \(kernel.operandElement.rawValue)" + (kernel.isCausal ? " causal" : "")
                + " scale \(printed(kernel.scale))")
        for (name, axis) in [
            ("batch", kernel.batch), ("keyHeads", kernel.keyHeads), ("group", kernel.group),
            ("queries", kernel.queries), ("keys", kernel.keys), ("depth", kernel.depth),
            ("valueDepth", kernel.valueDepth),
        ] {
            axes(name, [axis])
        }
        write("query", kernel.query)
        write("key", kernel.key)
        write("value", kernel.value)
        if let mask = kernel.mask { write("mask", mask) }
        line("epilogue")
        write(kernel.epilogue)
        for store in kernel.stores { write(store) }
    }

    mutating func write(_ kernel: RecurrenceKernel) {
        line("recurrence \(kernel.cell.rawValue)" + (kernel.isReverse ? " reverse" : ""))
        for (name, axis) in [
            ("time", kernel.time), ("batch", kernel.batch), ("hidden", kernel.hidden), ("gate", kernel.gate),
            ("depth", kernel.depth),
        ] {
            axes(name, [axis])
        }
        write("projected", kernel.projected)
        write("recurrent", kernel.recurrent)
        if let bias = kernel.recurrentBias { write("recurrentBias", bias) }
        if let projection = kernel.projection { write("projection", projection) }
        write("initialHidden", kernel.initialHidden)
        if let cell = kernel.initialCell { write("initialCell", cell) }
        write("outputs", kernel.outputs)
        write("lastHidden", kernel.lastHidden)
        write("lastCell", kernel.lastCell)
    }

    mutating func write(_ kernel: SortKernel) {
        line("sort" + (kernel.isDescending ? " descending" : "") + " limit \(kernel.limit)")
        axes("loop", kernel.axes)
        axes("along", [kernel.axis])
        write("value", kernel.value)
        write("values", kernel.values)
        write("positions", kernel.positions)
    }

    private func list(_ elements: [ElementType]) -> String {
        "[\(elements.map(\.rawValue).joined(separator: ", "))]"
    }

    private mutating func axes(_ name: String, _ axes: [LoopAxis]) {
        for axis in axes { line("\(name) \(axis.variable.name) < \(axis.extent)") }
    }

    private mutating func write(_ name: String, _ function: ScalarFunction) {
        line(name)
        write(function.body)
        line("  result %\(function.result)")
    }

    private mutating func write(_ name: String, _ target: RecurrenceKernel.Target?) {
        if let target { line("\(name) p\(target.parameter)[\(target.index)]") }
    }

    private mutating func write(_ store: Store) {
        line(
            "  store %\(store.value) to p\(store.parameter)[\(store.index)]"
                + (store.combine.map { " combine \($0.rawValue)" } ?? "") + maskText(store.mask))
    }

    private mutating func write(_ body: ScalarBody) {
        for (index, node) in body.nodes.enumerated() { line("  %\(index) = \(node)") }
    }
}

/// The mask of a load or a store, or nothing.
private func maskText(_ mask: [IntegerExpression]) -> String {
    mask.isEmpty ? "" : " where [\(mask.map(\.description).joined(separator: ", "))]"
}

extension ScalarBody.Node: CustomStringConvertible {
    /// The printed form: `load p0[4*i0 + i1] where [i1 - 1]`, `add %0, %1`, `cast f16 %2`, `real 0.5 f32`.
    package var description: String {
        switch self {
        case .load(let parameter, let index, let mask): "load p\(parameter)[\(index)]\(maskText(mask))"
        case .integerExpression(let expression): "index \(expression)"
        case .condition(let mask): "condition [\(mask.map(\.description).joined(separator: ", "))]"
        case .real(let bits, let element): "real \(printed(Double(bitPattern: bits))) \(element.rawValue)"
        case .integer(let value): "integer \(value)"
        case .truth(let value): "truth \(value)"
        case .apply(let operation, let operands):
            "\(operation.rawValue) \(operands.map { "%\($0)" }.joined(separator: ", "))"
        case .cast(let operand, let element): "cast \(element.rawValue) %\(operand)"
        case .position(let operand, let extent, let mask): "position %\(operand) of \(extent)\(maskText(mask))"
        case .slot(let slot): "slot \(slot)"
        case .row(let row): "row \(row)"
        case .accumulator: "accumulator"
        case .scan(let kind, let operand): "scan \(kind.rawValue) %\(operand)"
        }
    }
}
