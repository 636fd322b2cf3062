import Base
import ElementTypes

/// What is wrong with a kernel.
package struct KernelFault: Error, Equatable, CustomStringConvertible {
    /// The kernel's name.
    package var kernel: String
    /// The rule that does not hold.
    package var rule: String
    /// The facts.
    package var message: String

    /// Makes a fault.
    package init(kernel: String, rule: String, message: String) {
        self.kernel = kernel
        self.rule = rule
        self.message = message
    }

    package var description: String { "kernel '\(kernel)': \(rule), but \(message)" }
}

/// Checks kernels by a table of rules.
package struct KernelChecker {
    /// One rule: what holds of every right kernel, and how a kernel breaks it.
    package struct Rule: Sendable {
        /// What holds.
        package let what: String
        /// The first violation.
        package let violation: @Sendable (Kernel) -> String?

        /// A rule of every part of a kernel.
        static func parts(_ what: String, _ violation: @escaping @Sendable (KernelPart, Kernel) -> String?) -> Rule {
            Rule(what: what) { kernel in
                for part in kernel.parts {
                    if let message = violation(part, kernel) { return "\(part.name): \(message)" }
                }
                return nil
            }
        }

        /// A rule of every value of a kernel.
        static func values(
            _ what: String, _ violation: @escaping @Sendable (ScalarBody.Node, Int, KernelPart, Kernel) -> String?
        ) -> Rule {
            parts(what) { part, kernel in
                for (index, node) in part.body.nodes.enumerated() {
                    if let message = violation(node, index, part, kernel) { return "%\(index) = \(node): \(message)" }
                }
                return nil
            }
        }
    }

    /// Checks `kernel` against every rule in order; later rules rely on earlier ones.
    package static func check(_ kernel: Kernel) throws(KernelFault) {
        for rule in rules {
            if let message = rule.violation(kernel) {
                throw KernelFault(kernel: kernel.name, rule: rule.what, message: message)
            }
        }
    }

    /// The rules.
    package static let rules: [Rule] = [
        Rule(what: "symbols are declared once and are symbols") { kernel in
            if let variable = kernel.symbols.first(where: { $0.kind != .symbol }) { return variable.name }
            return Set(kernel.symbols).count == kernel.symbols.count ? nil : "one occurs twice"
        },
        Rule(what: "counts are over declared symbols") { kernel in
            kernel.parameters.lazy.compactMap { kernel.stranger($0.count, []) }.first
        },
        .parts("loops have variables of their own and extents over declared symbols") { part, kernel in
            var seen: Set<Variable> = []
            for axis in part.axes {
                if axis.variable.kind != .axis { return "\(axis.variable.name) is no loop variable" }
                if !seen.insert(axis.variable).inserted { return "\(axis.variable.name) loops twice" }
                if let name = kernel.stranger(axis.extent, []) { return name }
            }
            return nil
        },
        .values("operands stand before their uses") { node, index, _, _ in
            node.operands.first { !(0..<index).contains($0) }.map { "%\($0)" }
        },
        .values("operations have as many operands as they take") { node, _, _, _ in
            guard case .apply(let operation, let operands) = node, operands.count != operation.arity else { return nil }
            return "\(operands.count) of \(operation.arity)"
        },
        .values("loads read parameters that may be read") { node, _, _, kernel in
            guard case .load(let parameter, _, _) = node else { return nil }
            guard kernel.parameters.indices.contains(parameter) else { return "there is no p\(parameter)" }
            return kernel.parameters[parameter].access == .write ? "p\(parameter) is only written" : nil
        },
        .values("real constants are f32 or f64") { node, _, _, _ in
            guard case .real(_, let type) = node, type != .f32, type != .f64 else { return nil }
            return type.rawValue
        },
        Rule(what: "reductions fill slots and keeps fill rows that exist") { kernel in
            guard case .nest(let nest) = kernel.body else { return nil }
            for effect in nest.steps.flatMap(\.effects) {
                switch effect {
                case .reduce(_, _, _, let slot):
                    if !nest.slots.indices.contains(slot) { return "slot \(slot) of \(nest.slots.count)" }
                case .keep(_, let row):
                    if !nest.rows.indices.contains(row) { return "row \(row) of \(nest.rows.count)" }
                case .store: break
                }
            }
            return nil
        },
        .values("slots, rows and scans stand in nests, accumulators in epilogues") { node, _, part, _ in
            switch node {
            case .slot(let slot): part.slots.contains(slot) ? nil : "no earlier step fills slot \(slot)"
            case .row(let row): part.rows.contains(row) ? nil : "no earlier step over equal loops keeps row \(row)"
            case .scan: part.isStep && !part.inner.isEmpty ? nil : "there is no inner loop"
            case .accumulator: part.isEpilogue ? nil : "nothing was accumulated"
            case .load, .integerExpression, .condition, .real, .integer, .truth, .apply, .cast, .position: nil
            }
        },
        .values("operands have types that fit") { node, index, part, kernel in
            guard case .apply(let operation, let operands) = node else { return nil }
            // The types up to here can be derived, since the rules above hold.
            let types = kernel.types(part, before: index)
            let values = operation == .select ? Array(operands.dropFirst()) : operands
            if Set(values.map { types[$0] }).count > 1 { return "types \(values.map { types[$0].rawValue })" }
            if operation == .select, types[operands[0]] != .bool { return "a condition that is not bool" }
            return nil
        },
        .values("positions are i64 values") { node, index, part, kernel in
            guard case .position(let operand, _, _) = node else { return nil }
            let type = kernel.types(part, before: index)[operand]
            return type == .i64 ? nil : "%\(operand) is \(type.rawValue)"
        },
        .values("expressions name loops, declared symbols and earlier i64 values") { node, index, part, kernel in
            for expression in node.expressions {
                if let name = kernel.stranger(expression, part.axes, inBody: true) { return name }
                for variable in expression.variables where variable.kind == .value {
                    guard (0..<index).contains(variable.index) else { return "%\(variable.index) is not earlier" }
                    let type = kernel.types(part, before: index)[variable.index]
                    if type != .i64 { return "%\(variable.index) is \(type.rawValue)" }
                }
            }
            return nil
        },
        .parts("results are values of the body") { part, _ in
            part.used.first { !part.body.nodes.indices.contains($0) }.map { "there is no %\($0)" }
        },
        .parts("writes go to parameters that may be written") { part, kernel in
            for parameter in part.writes.map(\.parameter) {
                guard kernel.parameters.indices.contains(parameter) else { return "there is no p\(parameter)" }
                if kernel.parameters[parameter].access == .read { return "p\(parameter) is only read" }
            }
            return nil
        },
        .parts("writes are at loops, declared symbols and i64 values") { part, kernel in
            let types = kernel.types(part, before: part.body.nodes.count)
            for expression in part.writes.flatMap(\.expressions) {
                if let name = kernel.stranger(expression, part.axes, inBody: true) { return name }
                for variable in expression.variables where variable.kind == .value {
                    guard types.indices.contains(variable.index), types[variable.index] == .i64 else {
                        return "%\(variable.index) in \(expression) is no i64 value"
                    }
                }
            }
            return nil
        },
        Rule(what: "every parameter that is written has a write") { kernel in
            let written = Set(kernel.parts.flatMap { $0.writes.map(\.parameter) })
            return kernel.parameters.indices.first { kernel.parameters[$0].access != .read && !written.contains($0) }
                .map { "p\($0) has none" }
        },
        Rule(what: "positions of extrema, and only they, are given") { kernel in
            guard case .nest(let nest) = kernel.body else { return nil }
            for case .reduce(let kind, _, let position, _) in nest.steps.flatMap(\.effects) {
                let isPosition = kind == .argMinimum || kind == .argMaximum
                if isPosition != (position != nil) { return "reduce \(kind.rawValue)" }
            }
            return nil
        },
        Rule(what: "a product's gate has a constant number of operands, two at least") { kernel in
            guard case .contraction(let body) = kernel.body, let gate = body.gate else { return nil }
            return (gate.extent.constantValue ?? 0) >= 2 ? nil : "\(gate.extent)"
        },
        Rule(what: "sums over rows are of f32 values") { kernel in
            guard case .contraction(let body) = kernel.body else { return nil }
            return body.rowSums.lazy.map { $0.body.types(parameters: kernel.parameters)[$0.result] }.first {
                $0 != .f32
            }
            .map(\.rawValue)
        },
        Rule(what: "gates are as many as the cell has, and an LSTM has a cell state") { kernel in
            guard case .recurrence(let recurrence) = kernel.body else { return nil }
            if let gates = recurrence.gate.extent.constantValue, gates != recurrence.cell.gates {
                return "\(gates) of \(recurrence.cell.gates)"
            }
            let hasState = recurrence.initialCell != nil
            if hasState != (recurrence.cell == .lstm) { return "\(recurrence.cell.rawValue)" }
            return recurrence.lastCell != nil && !hasState ? "a last cell of a \(recurrence.cell.rawValue)" : nil
        },
        Rule(what: "elements at constant places are inside their parameters") { kernel in
            for part in kernel.parts {
                for (parameter, index) in part.places {
                    guard let place = index.constantValue, let count = kernel.parameters[parameter].count.constantValue
                    else { continue }
                    if place < 0 || place >= max(count, 1) { return "p\(parameter)[\(place)] of \(count) elements" }
                }
            }
            return nil
        },
    ]
}

/// A body of a kernel with its surroundings: what the rules look at.
struct KernelPart {
    var name: String
    /// The loops around it, the inner ones included.
    var axes: [LoopAxis]
    /// The loops of the step alone.
    var inner: [LoopAxis] = []
    var body: ScalarBody
    /// Values that something outside the body uses.
    var used: [Int] = []
    /// Places that are written: the parameter, its index and the mask.
    var writes: [(parameter: Int, expressions: [IntegerExpression])] = []
    var isStep = false
    var isEpilogue = false
    /// Slots and rows that earlier steps filled.
    var slots: Set<Int> = []
    var rows: Set<Int> = []

    /// Unmasked places, read or written.
    var places: [(parameter: Int, index: IntegerExpression)] {
        var places: [(Int, IntegerExpression)] = []
        for case .load(let parameter, let index, let mask) in body.nodes where mask.isEmpty {
            places.append((parameter, index))
        }
        for write in writes where write.expressions.count == 1 {
            places.append((write.parameter, write.expressions[0]))
        }
        return places
    }
}

extension Kernel {
    /// The bodies in order.
    var parts: [KernelPart] {
        switch body {
        case .nest(let nest): nest.parts
        case .contraction(let kernel):
            [
                KernelPart("left", kernel.batch + kernel.rows + kernel.taps + [kernel.depth], kernel.left),
                KernelPart(
                    "right",
                    kernel.batch + kernel.columns + (kernel.gate.map { [$0] } ?? []) + kernel.taps + [kernel.depth],
                    kernel.right),
            ]
                + kernel.rowSums.map {
                    KernelPart("row sum", kernel.batch + kernel.rows + kernel.taps + [kernel.depth], $0)
                } + [
                    KernelPart(
                        epilogue: kernel.epilogue, kernel.stores, over: kernel.batch + kernel.rows + kernel.columns,
                        slots: kernel.sums)
                ]
        case .attention(let kernel): kernel.parts
        case .recurrence(let kernel): kernel.parts
        case .sort(let kernel):
            [KernelPart("value", kernel.axes + [kernel.axis], kernel.value)]
                + [KernelPart("results", kernel.axes + [kernel.axis], [kernel.values, kernel.positions])]
        }
    }

    /// A variable of `expression` that is neither a declared symbol nor one of the loops (nor, in a body, a value), by name.
    func stranger(_ expression: IntegerExpression, _ axes: [LoopAxis], inBody: Bool = false) -> String? {
        for variable in expression.variables {
            let isKnown =
                switch variable.kind {
                case .symbol: symbols.contains(variable)
                case .axis: axes.contains { $0.variable == variable }
                case .value: inBody
                }
            if !isKnown { return "\(variable.name) in \(expression)" }
        }
        return nil
    }

    /// The types of the values before a number.
    func types(_ part: KernelPart, before count: Int) -> [ElementType] {
        var (slots, rows): ([ElementType], [ElementType]) = ([], [])
        var accumulator = ElementType.f32
        switch body {
        case .nest(let nest): (slots, rows) = (nest.slots, nest.rows)
        case .contraction(let contraction):
            accumulator = contraction.operandElement.computeType
            slots = contraction.slotTypes
        case .attention(let attention): accumulator = attention.operandElement.computeType
        case .recurrence, .sort: break
        }
        return ScalarBody(nodes: Array(part.body.nodes.prefix(count))).types(
            parameters: parameters, slots: slots, rows: rows, accumulator: accumulator)
    }
}

extension KernelPart {
    /// A function over loops.
    fileprivate init(_ name: String, _ axes: [LoopAxis], _ function: ScalarFunction) {
        self.init(name: name, axes: axes, body: function.body, used: [function.result])
    }

    /// Targets over loops.
    fileprivate init(_ name: String, _ axes: [LoopAxis], _ targets: [RecurrenceKernel.Target?]) {
        self.init(
            name: name, axes: axes, body: ScalarBody(),
            writes: targets.compactMap { $0 }.map { ($0.parameter, [$0.index]) })
    }

    /// An epilogue with its stores.
    fileprivate init(epilogue: ScalarBody, _ stores: [Store], over axes: [LoopAxis], slots: Int = 1) {
        self.init(
            name: "epilogue", axes: axes, body: epilogue, used: stores.map(\.value),
            writes: stores.map { ($0.parameter, [$0.index] + $0.mask) }, isEpilogue: true, slots: Set(1..<slots))
    }
}

extension NestKernel {
    /// The steps, each with what earlier ones filled.
    fileprivate var parts: [KernelPart] {
        var parts: [KernelPart] = []
        var slots: Set<Int> = []
        var rows: [Int: [IntegerExpression]] = [:]
        for (number, step) in steps.enumerated() {
            let extents = step.axes.map(\.extent)
            var part = KernelPart(
                name: "step \(number)", axes: axes + step.axes, inner: step.axes, body: step.body, isStep: true,
                slots: slots, rows: Set(rows.filter { $0.value == extents }.keys))
            for effect in step.effects {
                switch effect {
                case .store(let store):
                    part.used.append(store.value)
                    part.writes.append((store.parameter, [store.index] + store.mask))
                case .reduce(_, let value, _, let slot):
                    part.used.append(value)
                    slots.insert(slot)
                case .keep(let value, let row):
                    part.used.append(value)
                    rows[row] = extents
                }
            }
            parts.append(part)
        }
        return parts
    }
}

extension AttentionKernel {
    fileprivate var parts: [KernelPart] {
        let heads = [batch, keyHeads]
        var parts = [
            KernelPart("query", heads + [group, queries, depth], query),
            KernelPart("key", heads + [keys, depth], key),
            KernelPart("value", heads + [keys, valueDepth], value),
        ]
        if let mask { parts.append(KernelPart("mask", heads + [group, queries, keys], mask)) }
        return parts + [KernelPart(epilogue: epilogue, stores, over: heads + [group, queries, valueDepth])]
    }
}

extension RecurrenceKernel {
    fileprivate var parts: [KernelPart] {
        let unit = projection == nil ? hidden : depth
        var parts = [
            KernelPart("projected", [time, batch, gate, hidden], projected),
            KernelPart("recurrent", [gate, hidden, depth], recurrent),
            KernelPart("initialHidden", [batch, unit], initialHidden),
        ]
        if let projection { parts.append(KernelPart("projection", [depth, hidden], projection)) }
        if let recurrentBias { parts.append(KernelPart("recurrentBias", [gate, hidden], recurrentBias)) }
        if let initialCell { parts.append(KernelPart("initialCell", [batch, hidden], initialCell)) }
        parts.append(KernelPart("outputs", [time, batch, unit], [outputs]))
        parts.append(KernelPart("lastHidden", [batch, unit], [lastHidden]))
        return parts + [KernelPart("lastCell", [batch, hidden], [lastCell])]
    }
}

extension ScalarBody.Node {
    /// The earlier values that it reads, but for those in integer expressions.
    package var operands: [Int] {
        switch self {
        case .apply(_, let operands): operands
        case .cast(let operand, _), .scan(_, let operand), .position(let operand, _, _): [operand]
        case .load, .integerExpression, .condition, .real, .integer, .truth, .slot, .row, .accumulator: []
        }
    }

    /// The integer expressions in it.
    package var expressions: [IntegerExpression] {
        switch self {
        case .load(_, let index, let mask): [index] + mask
        case .integerExpression(let expression): [expression]
        case .condition(let mask): mask
        case .position(_, let extent, let mask): [extent] + mask
        case .real, .integer, .truth, .apply, .cast, .slot, .row, .accumulator, .scan: []
        }
    }
}
