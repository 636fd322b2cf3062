import ElementTypes
import GraphIR

/// Why a graph could not be evaluated.
package enum InterpreterError: Error, Equatable, CustomStringConvertible {
    /// The caller gave another number of inputs than the graph has.
    case inputCount(expected: Int, found: Int)
    /// A value given for `name` has the wrong element type or rank.
    case inputType(name: String, expected: TensorType, found: ElementType, shape: [Int])
    /// An extent of `name` contradicts the symbols' values; nil when the expected extent has no value.
    case inputExtent(name: String, axis: Int, dimension: Dimension, expected: Int?, found: Int)
    /// No shape determines a symbol that is needed.
    case unboundSymbol(String)
    /// A symbol lies outside its range.
    case symbolOutOfRange(name: String, value: Int, minimum: Int, maximum: Int?)
    /// A condition on entry does not hold; `value` is what its expression came to.
    case guardViolated(Guard, value: Int?)
    /// The source of weights failed, or gave the wrong number of bytes.
    case tensor(name: String, reason: String)
    /// A node cannot be evaluated: its printed form and the reason.
    case node(index: Int, operation: String, origin: String, reason: String)

    package var description: String {
        switch self {
        case .inputCount(let expected, let found): "expected \(expected) inputs, found \(found)"
        case .inputType(let name, let expected, let found, let shape):
            "input '\(name)' must be \(expected), found \(found.rawValue)\(shape)"
        case .inputExtent(let name, let axis, let dimension, let expected, let found):
            "axis \(axis) of input '\(name)' must be \(dimension)"
                + (expected.map { dimension.constantValue == nil ? " = \($0)" : "" } ?? "") + ", found \(found)"
        case .unboundSymbol(let name): "no input determines the dimension '\(name)'"
        case .symbolOutOfRange(let name, let value, let minimum, let maximum):
            "dimension '\(name)' is \(value), outside \(minimum)...\(maximum.map { "\($0)" } ?? "")"
        case .guardViolated(let condition, let value):
            "\(condition.reason): \(condition.expression) is \(value.map { "\($0)" } ?? "undefined") and must be "
                + (condition.isLowerBound ? "at least 0" : "0")
        case .tensor(let name, let reason): "tensor '\(name)': \(reason)"
        case .node(let index, let operation, let origin, let reason):
            "node %\(index) (\(operation))\(origin.isEmpty ? "" : " from \(origin)"): \(reason)"
        }
    }
}

/// Why one operation could not be evaluated; the interpreter adds which node it was.
struct Fault: Error, Equatable {
    var reason: String

    init(_ reason: String) { self.reason = reason }
}
