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

    func results(_ rule: ShapeRule) throws(ShapeError) -> [TensorType] {
        try rule.requireOperands(0)
        switch self {
        case .input(_, let type), .parameter(_, let type), .state(_, let type): return [type]
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
