import ElementTypes
import GraphIR

/// The values of a graph's symbols.
package struct SymbolBinding: Equatable, Sendable {
    /// Value of each symbol; nil where no shape determined it.
    package private(set) var values: [Int?]

    /// Nothing known about `count` symbols.
    init(count: Int) { values = Array(repeating: nil, count: count) }

    /// Finds symbols from the shapes of given tensors, then checks every extent, every symbol's range and every guard
    /// whose symbols are known. Types must already agree in rank and element. Symbols of `known` have their values already.
    package init(
        _ graph: Graph, _ given: [(name: String, type: TensorType, shape: [Int])], known: [Variable: Int] = [:]
    ) throws(InterpreterError) {
        self.init(count: graph.symbols.count)
        for (symbol, value) in known where symbol.kind == .symbol && values.indices.contains(symbol.index) {
            values[symbol.index] = value
        }
        // Each round solves extents that are linear in one unknown symbol, until none is left.
        var progress = true
        while progress {
            progress = false
            for (_, type, shape) in given {
                for (dimension, extent) in zip(type.shape, shape) where solve(dimension, equals: extent) {
                    progress = true
                }
            }
        }
        for (name, type, shape) in given {
            for (axis, (dimension, extent)) in zip(type.shape, shape).enumerated() {
                // An extent whose symbols stay unknown cannot be checked; using it later is an error.
                guard knows(dimension) else { continue }
                let expected = value(dimension)
                if expected != extent {
                    throw .inputExtent(
                        name: name, axis: axis, dimension: dimension, expected: expected, found: extent)
                }
            }
        }
        for (symbol, value) in zip(graph.symbols, values) {
            guard let value else { continue }
            if value < symbol.minimum || value > symbol.maximum ?? .max {
                throw .symbolOutOfRange(
                    name: symbol.name, value: value, minimum: symbol.minimum, maximum: symbol.maximum)
            }
        }
        for condition in graph.guards where knows(condition.expression) {
            let value = value(condition.expression)
            if let value, condition.isLowerBound ? value >= 0 : value == 0 { continue }
            throw .guardViolated(condition, value: value)
        }
    }

    /// The value of an expression over known symbols; nil when a symbol is unknown or a divisor is 0.
    package func value(_ expression: IntegerExpression) -> Int? {
        guard knows(expression) else { return nil }
        return expression.evaluate { known($0) ?? 0 }
    }

    /// Whether every variable of the expression is a known symbol.
    func knows(_ expression: IntegerExpression) -> Bool { expression.variables.allSatisfy { known($0) != nil } }

    private func known(_ variable: Variable) -> Int? {
        variable.kind == .symbol && values.indices.contains(variable.index) ? values[variable.index] : nil
    }

    /// Sets the only unknown symbol of `dimension` where it occurs linearly and divides exactly.
    private mutating func solve(_ dimension: Dimension, equals extent: Int) -> Bool {
        let unknown = dimension.variables.filter { known($0) == nil }
        guard unknown.count == 1, unknown[0].kind == .symbol, values.indices.contains(unknown[0].index),
            let factor = dimension.linearCoefficient(of: unknown[0]).flatMap({ value($0) }), factor != 0,
            let rest = dimension.evaluate({ $0 == unknown[0] ? 0 : known($0) ?? 0 }), (extent - rest) % factor == 0
        else { return false }
        values[unknown[0].index] = (extent - rest) / factor
        return true
    }
}
