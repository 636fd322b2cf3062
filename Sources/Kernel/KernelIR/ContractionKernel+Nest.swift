import ElementTypes

extension ContractionKernel {
    /// The same computation as a plain nest: one sum a point. Right for depthwise windows, for element types without a
    /// matrix unit, and as the fallback that always works.
    package func asNest(element: ElementType) -> NestKernel {
        let compute = element.computeType
        var body = left.body
        func append(_ function: ScalarFunction) -> Int {
            let shift = body.nodes.count
            for node in function.body.nodes { body.nodes.append(node.shifted(by: shift)) }
            return function.result + shift
        }
        // Operands are rounded as the products' type asks; a load of that type is already.
        func rounded(_ value: Int) -> Int {
            guard operandElement == .bf16 || operandElement == .f16 else { return value }
            if case .load = body.nodes[value] { return value }
            body.nodes.append(.cast(value, operandElement))
            return body.nodes.count - 1
        }
        let factor = rowSums.isEmpty ? rounded(left.result) : left.result
        var effects: [NestStep.Effect] = []
        for number in 0..<gates {
            let other = gate.map { gate in
                right.mapping {
                    $0.substituting(VariableRanges()) { $0 == gate.variable ? IntegerExpression(number) : nil }
                }
            }
            let factors = [factor, rounded(append(other ?? right))]
            body.nodes.append(.apply(.multiply, factors))
            effects.append(.reduce(.sum, value: body.nodes.count - 1, position: nil, slot: number))
        }
        for (number, function) in rowSums.enumerated() {
            effects.append(.reduce(.sum, value: append(function), position: nil, slot: gates + number))
        }
        let sum = NestStep(axes: taps + [depth], body: body, effects: effects)
        let epilogue = ScalarBody(nodes: self.epilogue.nodes.map { $0 == .accumulator ? .slot(0) : $0 })
        let finish = NestStep(axes: [], body: epilogue, effects: stores.map { .store($0) })
        // Groups vary with the columns' channels, so they stand next to them.
        return NestKernel(
            axes: rows + batch + columns, steps: [sum, finish],
            slots: Array(repeating: compute, count: gates) + rowSums.map { _ in .f32 })
    }
}

extension ScalarBody.Node {
    /// The node with its operands renumbered, for appending one body to another.
    package func shifted(by amount: Int) -> Self { renumbered { $0 + amount } }

    /// The node with other operands.
    package func renumbered(_ number: (Int) -> Int) -> Self {
        func expression(_ expression: IntegerExpression) -> IntegerExpression {
            guard expression.variables.contains(where: { $0.kind == .value }) else { return expression }
            return expression.substituting(VariableRanges()) {
                $0.kind == .value ? IntegerExpression(Variable(.value, number($0.index))) : nil
            }
        }
        switch self {
        case .load(let parameter, let index, let mask):
            return .load(parameter: parameter, index: expression(index), mask: mask.map(expression))
        case .integerExpression(let value): return .integerExpression(expression(value))
        case .condition(let mask): return .condition(mask.map(expression))
        case .position(let operand, let extent, let mask):
            return .position(number(operand), extent: expression(extent), mask: mask.map(expression))
        case .real, .integer, .truth, .slot, .row, .accumulator: return self
        case .apply(let operation, let operands): return .apply(operation, operands.map(number))
        case .cast(let operand, let element): return .cast(number(operand), element)
        case .scan(let kind, let operand): return .scan(kind, number(operand))
        }
    }
}
