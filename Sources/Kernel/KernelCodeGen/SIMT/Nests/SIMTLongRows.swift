import ElementTypes
import KernelIR

extension NestKernel {
    /// The nest with rows computed again where they are used, rather than kept: a row that does not fit in registers would be written to memory
    /// and read from there, which costs more than reading its one or two operands once more. Rows that cost more than that, or whose steps
    /// do not run over the same points, stay.
    func recomputing(_ isLong: (Int) -> Bool) -> NestKernel {
        var nest = self
        for row in rows.indices where isLong(row) {
            guard let (keeper, value) = nest.keeper(of: row) else { continue }
            let source = nest.steps[keeper]
            let needed = source.body.needed(for: value)
            var loads = 0
            let isCheap = needed.allSatisfy { number in
                switch source.body.nodes[number] {
                case .load(_, let index, let mask):
                    loads += 1
                    return loads <= 2 && ([index] + mask).allSatisfy { !$0.variables.contains { $0.kind == .value } }
                case .scan, .position, .row: return false
                case .integerExpression, .condition, .real, .integer, .truth, .apply, .cast, .slot, .accumulator:
                    return true
                }
            }
            let users = nest.steps.indices.filter { place in
                place > keeper && nest.steps[place].body.nodes.contains(.row(row))
            }
            guard isCheap, users.allSatisfy({ nest.steps[$0].axes.map(\.extent) == source.axes.map(\.extent) }),
                !source.body.nodes.contains(.row(row))
            else { continue }
            for place in users { nest.steps[place] = nest.steps[place].replacing(row, by: source, value, needed) }
            nest.steps[keeper].effects.removeAll { if case .keep(_, row) = $0 { true } else { false } }
        }
        return nest
    }

    private func keeper(of row: Int) -> (step: Int, value: Int)? {
        for (place, step) in steps.enumerated() {
            for case .keep(let value, row) in step.effects { return (place, value) }
        }
        return nil
    }
}

extension NestStep {
    /// The step with what another step computes, over axes of its own, in the place of a row.
    fileprivate func replacing(_ row: Int, by source: NestStep, _ value: Int, _ needed: [Int]) -> NestStep {
        var pairs: [Variable: IntegerExpression] = [:]
        for (from, to) in zip(source.axes, axes) { pairs[from.variable] = IntegerExpression(to.variable) }
        let renamed = source.body.mapping { expression in
            expression.substituting(VariableRanges()) { pairs[$0] }
        }
        // What is computed again comes first; then the step's own nodes, which may refer to it.
        var made = ScalarBody()
        var again: [Int: Int] = [:]
        for number in needed { again[number] = made.emit(renamed.nodes[number].renumbered { again[$0] ?? $0 }) }
        var own: [Int: Int] = [:]
        for (number, node) in body.nodes.enumerated() {
            own[number] = node == .row(row) ? again[value] : made.emit(node.renumbered { own[$0] ?? $0 })
        }
        var step = self
        step.body = made
        step.effects = effects.map { $0.renumbered { own[$0] ?? $0 } }
        return step
    }
}

extension NestStep.Effect {
    /// The effect with other nodes in its operands' places.
    fileprivate func renumbered(_ number: (Int) -> Int) -> Self {
        func values(_ expression: IntegerExpression) -> IntegerExpression {
            expression.substituting(VariableRanges()) {
                $0.kind == .value ? IntegerExpression(Variable(.value, number($0.index))) : nil
            }
        }
        switch self {
        case .store(var store):
            store = store.mapping(values)
            store.value = number(store.value)
            return .store(store)
        case .reduce(let kind, let value, let position, let slot):
            return .reduce(kind, value: number(value), position: position.map(values), slot: slot)
        case .keep(let value, let row): return .keep(value: number(value), row: row)
        }
    }
}

extension ScalarBody {
    /// The nodes that a value follows from, itself last, in order.
    fileprivate func needed(for value: Int) -> [Int] {
        var isNeeded = Array(repeating: false, count: value + 1)
        isNeeded[value] = true
        for number in stride(from: value, through: 0, by: -1) where isNeeded[number] {
            for operand in nodes[number].operands { isNeeded[operand] = true }
        }
        return isNeeded.indices.filter { isNeeded[$0] }
    }
}
