/// The scalar operations that kernels are made of. Operands of arithmetic share one compute type (f32, f64 or i64);
/// importers insert casts where PyTorch promotes. Integer arithmetic wraps; division and remainder round as named.
package enum ScalarOperation: String, CaseIterable, Hashable, Sendable {
    // Arithmetic, two operands.
    case add, subtract, multiply
    /// True division; floating point only.
    case divide
    /// Quotient rounded towards negative infinity.
    case floorDivide
    /// Quotient rounded towards zero; integers only (floating point divides, then truncates).
    case truncateDivide
    /// Remainder with the divisor's sign (Python's `%`).
    case remainder
    /// Remainder with the dividend's sign (C's `fmod`).
    case truncateRemainder
    /// NaN where either operand is NaN, as PyTorch's minimum and maximum.
    case minimum, maximum
    case power, arcTangent2
    // One operand.
    case negate, absolute, sign
    case exp, expm1, log, log1p, squareRoot, reciprocalSquareRoot
    case sine, cosine, tangent, arcSine, arcCosine, arcTangent
    case hyperbolicTangent
    case errorFunction
    case logGamma, digamma, errorFunctionInverse
    case floor, ceiling, truncate
    /// Rounds halves to even.
    case round
    // Comparisons, result bool; false where an operand is NaN, but `notEqual` is true.
    case less, lessOrEqual, equal, notEqual
    case isNaN
    // Bits and logic; on bool they are the logical operations.
    case and, or, exclusiveOr, not
    case shiftLeft, shiftRight
    /// `select(condition, a, b)`: `a` where the bool condition holds, else `b`.
    case select

    /// Number of operands.
    package var arity: Int {
        switch self {
        case .add, .subtract, .multiply, .divide, .floorDivide, .truncateDivide, .remainder, .truncateRemainder,
            .minimum, .maximum, .power, .arcTangent2, .less, .lessOrEqual, .equal, .notEqual, .and, .or, .exclusiveOr,
            .shiftLeft, .shiftRight:
            2
        case .negate, .absolute, .sign, .exp, .expm1, .log, .log1p, .squareRoot, .reciprocalSquareRoot, .sine, .cosine,
            .tangent, .arcSine, .arcCosine, .arcTangent, .hyperbolicTangent, .errorFunction, .logGamma, .digamma,
            .errorFunctionInverse, .floor, .ceiling, .truncate, .round, .isNaN, .not:
            1
        case .select: 3
        }
    }

    /// The compute type of the result for operands of compute types `operands`.
    package func resultType(_ operands: [ElementType]) -> ElementType {
        switch self {
        case .less, .lessOrEqual, .equal, .notEqual, .isNaN: .bool
        case .select: operands[1]
        case .add, .subtract, .multiply, .divide, .floorDivide, .truncateDivide, .remainder, .truncateRemainder,
            .minimum, .maximum, .power, .arcTangent2, .negate, .absolute, .sign, .exp, .expm1, .log, .log1p,
            .squareRoot, .reciprocalSquareRoot, .sine, .cosine, .tangent, .arcSine, .arcCosine, .arcTangent,
            .hyperbolicTangent, .errorFunction, .logGamma, .digamma, .errorFunctionInverse, .floor, .ceiling, .truncate,
            .round, .and, .or, .exclusiveOr, .not, .shiftLeft, .shiftRight:
            operands[0]
        }
    }

    /// Whether evaluating it costs much more than an addition, so that recomputing is worth avoiding.
    package var isExpensive: Bool {
        switch self {
        case .exp, .expm1, .log, .log1p, .sine, .cosine, .tangent, .arcSine, .arcCosine, .arcTangent, .arcTangent2,
            .hyperbolicTangent, .errorFunction, .logGamma, .digamma, .errorFunctionInverse, .power, .divide,
            .floorDivide, .truncateDivide, .remainder, .truncateRemainder, .squareRoot, .reciprocalSquareRoot:
            true
        case .add, .subtract, .multiply, .minimum, .maximum, .negate, .absolute, .sign, .floor, .ceiling, .truncate,
            .round, .less, .lessOrEqual, .equal, .notEqual, .isNaN, .and, .or, .exclusiveOr, .not, .shiftLeft,
            .shiftRight, .select:
            false
        }
    }
}
