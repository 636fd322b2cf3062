/// An integer, real or logical expression over dynamic dimensions, as sympy prints it
/// (`Add(Mul(Integer(2), Symbol('s27', positive=True, integer=True)), Integer(1))`).
package indirect enum SymbolicExpression: Sendable, Equatable {
    /// An integer.
    case integer(Int64)
    /// A fraction.
    case rational(Int64, Int64)
    /// A real number.
    case float(Double)
    /// A truth value.
    case boolean(Bool)
    /// Plus or minus infinity.
    case infinity(negative: Bool)
    /// A dynamic dimension or an unbacked value, by name, such as `s27` or `u0`.
    case symbol(String)
    /// A function of one or more expressions.
    case apply(Function, [SymbolicExpression])

    /// What PyTorch's shape expressions are made of. The raw value is the printed name.
    package enum Function: String, Sendable, Equatable, CaseIterable {
        /// Sum of any number of terms.
        case add = "Add"
        /// Product of any number of factors.
        case multiply = "Mul"
        /// Power; a negative integer exponent is a division.
        case power = "Pow"
        /// Division rounding down.
        case floorDivide = "FloorDiv"
        /// Division known to be exact.
        case exactDivide = "CleanDiv"
        /// Division rounding up.
        case ceilDivide = "CeilDiv"
        /// Remainder of non-negative numbers.
        case modulo = "Mod"
        /// Remainder with the sign of the divisor.
        case pythonModulo = "PythonMod"
        /// `(x // a) % b`.
        case modularIndexing = "ModularIndexing"
        /// Largest.
        case maximum = "Max"
        /// Smallest.
        case minimum = "Min"
        /// Magnitude.
        case absolute = "Abs"
        /// Real to integer, rounding up.
        case ceilToInteger = "CeilToInt"
        /// Real to integer, rounding down.
        case floorToInteger = "FloorToInt"
        /// Real to integer, rounding toward zero.
        case truncateToInteger = "TruncToInt"
        /// Real to integer, rounding half to even.
        case roundToInteger = "RoundToInt"
        /// Real rounding toward zero, result real.
        case truncateToFloat = "TruncToFloat"
        /// Rounding to decimals.
        case roundDecimal = "RoundDecimal"
        /// Integer to real.
        case toFloat = "ToFloat"
        /// Sympy's own rounding down.
        case floor
        /// Sympy's own rounding up.
        case ceiling
        /// Integer division with a real result.
        case integerTrueDivide = "IntTrueDiv"
        /// Real division.
        case floatTrueDivide = "FloatTrueDiv"
        /// Power of reals.
        case floatPower = "FloatPow"
        /// Power with a natural exponent.
        case naturalPower = "PowByNatural"
        /// Shift left.
        case shiftLeft = "LShift"
        /// Shift right.
        case shiftRight = "RShift"
        /// `condition ? a : b`.
        case select = "Where"
        /// Its argument, kept from being rewritten.
        case identity = "Identity"
        /// Whether a tensor of these sizes and strides is dense.
        case isNonOverlappingAndDense = "IsNonOverlappingAndDenseIndicator"
        /// `a == b`.
        case equal = "Equality"
        /// `a != b`.
        case notEqual = "Unequality"
        /// `a < b`.
        case less = "StrictLessThan"
        /// `a <= b`.
        case lessOrEqual = "LessThan"
        /// `a > b`.
        case greater = "StrictGreaterThan"
        /// `a >= b`.
        case greaterOrEqual = "GreaterThan"
        /// All hold.
        case and = "And"
        /// One holds.
        case or = "Or"
        /// Does not hold.
        case not = "Not"
    }
}
