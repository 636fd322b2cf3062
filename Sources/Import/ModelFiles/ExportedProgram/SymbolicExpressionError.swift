/// Why a shape expression is not understood. Offsets are bytes from the start of the expression.
package enum SymbolicExpressionError: Error, Equatable, CustomStringConvertible {
    /// Something else than expected.
    case unexpected(offset: Int, expected: String)
    /// A function that is not on the list.
    case unknownFunction(String, offset: Int)
    /// A function with too few or too many arguments.
    case argumentCount(SymbolicExpression.Function, found: Int, offset: Int)
    /// A number that does not fit 64 bits.
    case numberTooLarge(offset: Int)
    /// Nested deeper than the limit.
    case tooDeep(limit: Int)

    /// One line: what and where.
    package var description: String {
        switch self {
        case .unexpected(let offset, let expected): "expected \(expected) at byte \(offset) of the shape expression"
        case .unknownFunction(let name, let offset):
            "unknown function '\(shown(name))' at byte \(offset) of the shape expression"
        case .argumentCount(let function, let found, let offset):
            "\(function.rawValue) with \(found) arguments at byte \(offset) of the shape expression"
        case .numberTooLarge(let offset): "a number over 64 bits at byte \(offset) of the shape expression"
        case .tooDeep(let limit): "the shape expression nests deeper than \(limit) levels"
        }
    }
}
