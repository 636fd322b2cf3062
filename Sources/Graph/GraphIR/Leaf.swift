import ElementTypes

/// A value that no operation computes. The result type is part of the leaf.
package enum Leaf: Hashable, Sendable {
    /// The graph's n-th input.
    case input(Int, TensorType)
    /// A weight or lifted constant, by its name in the tensor source.
    case parameter(String, TensorType)
    /// The value at entry of the graph's n-th state.
    case state(Int, TensorType)
    /// A small constant given by its elements in row-major order (integers and bools exactly, by their value).
    case constant([Double], TensorType)
    /// `0, 1, 2 …` of type i64 along one axis: shape `[extent]`.
    case iota(Dimension)
    /// The value of an integer expression over symbols as an i64 scalar.
    case dimension(IntegerExpression)
    /// What the graph's n-th loop carries in a place, at the start of a turn.
    case carried(loop: Int, Int, TensorType)
    /// What the graph's n-th loop carries in a place after its last turn.
    case looped(loop: Int, Int, TensorType)

    /// Constants are compared by the bits of their elements: NaN equals itself, and −0 differs from 0.
    package static func == (a: Self, b: Self) -> Bool {
        switch (a, b) {
        case (.input(let x, let type), .input(let y, let other)), (.state(let x, let type), .state(let y, let other)):
            x == y && type == other
        case (.parameter(let x, let type), .parameter(let y, let other)): x == y && type == other
        case (.constant(let x, let type), .constant(let y, let other)):
            type == other && x.elementsEqual(y) { $0.bitPattern == $1.bitPattern }
        case (.iota(let x), .iota(let y)), (.dimension(let x), .dimension(let y)): x == y
        case (.carried(let x, let place, let type), .carried(let y, let elsewhere, let other)),
            (.looped(let x, let place, let type), .looped(let y, let elsewhere, let other)):
            x == y && place == elsewhere && type == other
        case (.input, _), (.state, _), (.parameter, _), (.constant, _), (.iota, _), (.dimension, _), (.carried, _),
            (.looped, _):
            false
        }
    }

    /// Feeds the parts that equality compares.
    package func hash(into hasher: inout Hasher) {
        switch self {
        case .input(let index, let type): hasher.combine(Part(0, index, type))
        case .state(let index, let type): hasher.combine(Part(1, index, type))
        case .parameter(let name, let type): hasher.combine(Part(2, name, type))
        case .constant(let elements, let type): hasher.combine(Part(3, elements.map(\.bitPattern), type))
        case .iota(let extent): hasher.combine(Part(4, extent, nil))
        case .dimension(let value): hasher.combine(Part(5, value, nil))
        case .carried(let loop, let place, let type): hasher.combine(Part(6, [loop, place], type))
        case .looped(let loop, let place, let type): hasher.combine(Part(7, [loop, place], type))
        }
    }

    /// A case and its payload, for hashing.
    private struct Part<Payload: Hashable>: Hashable {
        var kind: Int
        var payload: Payload
        var type: TensorType?

        init(_ kind: Int, _ payload: Payload, _ type: TensorType?) {
            self.kind = kind
            self.payload = payload
            self.type = type
        }
    }

    func results(_ rule: ShapeRule) throws(ShapeError) -> [TensorType] {
        try rule.requireOperands(0)
        switch self {
        case .input(_, let type), .parameter(_, let type), .state(_, let type), .carried(_, _, let type),
            .looped(_, _, let type):
            return [type]
        case .constant(let elements, let type):
            try rule.require(
                elementCount(type.shape) == Dimension(elements.count), "\(elements.count) elements for \(type)")
            return [type]
        case .iota(let extent): return [TensorType(.i64, [extent])]
        case .dimension: return [TensorType(.i64, [])]
        }
    }
}

/// The rule of `map`: operands of one shape whose element types are the expression's arguments. The result's element type
/// is the cast that ends the expression, else its compute type.
func mapResults(_ expression: ScalarExpression, _ rule: ShapeRule) throws(ShapeError) -> [TensorType] {
    try rule.requireOperands(expression.arguments.count)
    if let fault = expression.fault { try rule.require(false, fault) }
    let shape = rule.operands.first?.shape ?? []
    for (operand, element) in zip(rule.operands, expression.arguments) {
        try rule.require(operand.shape == shape, "shapes differ")
        try rule.require(operand.element == element, "expected \(element.rawValue), found \(operand.element.rawValue)")
    }
    return [TensorType(expression.resultElement, shape)]
}

extension ScalarExpression {
    /// The storage type of the result: that of a final cast or argument, else the compute type.
    package var resultElement: ElementType {
        switch instructions.last {
        case .cast(_, let type)?: type
        case .argument(let index)?: arguments[index]
        case .real, .integer, .truth, .apply, nil: resultType
        }
    }
}
