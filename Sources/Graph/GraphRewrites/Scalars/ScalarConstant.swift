import ElementTypes
import GraphIR

/// A known value inside a scalar expression, in its compute type.
package enum ScalarConstant: Hashable {
    /// A number of compute type f32 (already rounded to it) or f64.
    case real(Double, ElementType)
    case integer(Int64)
    case truth(Bool)

    /// The constant of an instruction, or nil where it is none.
    init?(_ instruction: ScalarExpression.Instruction) {
        switch instruction {
        case .real(let bits, let type): self = .real(rounded(Double(bitPattern: bits), to: type), type)
        case .integer(let value): self = .integer(value)
        case .truth(let value): self = .truth(value)
        case .argument, .apply, .cast: return nil
        }
    }

    /// An element of a literal constant tensor as a kernel reads it; nil where a double does not hold it exactly.
    package init?(element value: Double, of type: ElementType) {
        switch type {
        case .f64, .f32, .f16, .bf16, .f8e4m3, .f8e5m2: self = .real(rounded(value, to: type), type.computeType)
        case .i64, .i32, .i16, .i8, .u8:
            guard value.magnitude <= 0x1p53 else { return nil }
            self = .integer(Int64(value))
        case .bool: self = .truth(value != 0)
        }
    }

    /// The instruction that stands for it.
    var instruction: ScalarExpression.Instruction {
        switch self {
        case .real(let value, let type): .real(bits: value.bitPattern, type)
        case .integer(let value): .integer(value)
        case .truth(let value): .truth(value)
        }
    }

    /// The value as an element of a literal constant; nil where a double does not hold it exactly.
    package var element: Double? {
        switch self {
        case .real(let value, _): value
        case .integer(let value): value.magnitude <= 1 << 53 ? Double(value) : nil
        case .truth(let value): value ? 1 : 0
        }
    }

    /// The number of a real constant.
    var real: Double? { if case .real(let value, _) = self { value } else { nil } }

    /// The constant rounded or wrapped to a storage type, in that type's compute type; nil for conversions that are
    /// not defined (a number beyond the range of an integer type).
    func cast(to type: ElementType) -> Self? {
        switch (self, type) {
        case (.real(let value, _), .f64), (.real(let value, _), .f32), (.real(let value, _), .f16),
            (.real(let value, _), .bf16), (.real(let value, _), .f8e4m3), (.real(let value, _), .f8e5m2):
            return .real(rounded(value, to: type), type.computeType)
        case (.real(let value, _), .bool): return .truth(value != 0)
        case (.real(let value, _), .i64), (.real(let value, _), .i32), (.real(let value, _), .i16),
            (.real(let value, _), .i8), (.real(let value, _), .u8):
            guard value.magnitude < 0x1p62 else { return nil }
            let whole = Int64(value)
            return wrapped(whole, to: type) == whole ? .integer(whole) : nil
        case (.integer(let value), .f64): return .real(Double(value), .f64)
        case (.integer(let value), .f32), (.integer(let value), .f16), (.integer(let value), .bf16),
            (.integer(let value), .f8e4m3), (.integer(let value), .f8e5m2):
            guard value.magnitude <= 1 << 53 else { return nil }
            return .real(rounded(Double(value), to: type), .f32)
        case (.integer(let value), .bool): return .truth(value != 0)
        case (.integer(let value), .i64), (.integer(let value), .i32), (.integer(let value), .i16),
            (.integer(let value), .i8), (.integer(let value), .u8):
            return .integer(wrapped(value, to: type))
        case (.truth(let value), .f64), (.truth(let value), .f32), (.truth(let value), .f16),
            (.truth(let value), .bf16), (.truth(let value), .f8e4m3), (.truth(let value), .f8e5m2):
            return .real(value ? 1 : 0, type.computeType)
        case (.truth, .bool): return self
        case (.truth(let value), .i64), (.truth(let value), .i32), (.truth(let value), .i16),
            (.truth(let value), .i8), (.truth(let value), .u8):
            return .integer(value ? 1 : 0)
        }
    }
}

/// A number rounded to what a floating-point type holds, halves to even; other types leave it.
func rounded(_ value: Double, to type: ElementType) -> Double {
    switch type {
    case .f64, .i64, .i32, .i16, .i8, .u8, .bool: return value
    case .f32: return Double(Float(value))
    case .f8e4m3: return Float8.e4m3.rounded(value)
    case .f8e5m2: return Float8.e5m2.rounded(value)
    case .f16: return Double(Float16(value))
    case .bf16:
        // 8 bits of significand and the exponents of f32, in one rounding.
        guard value.isFinite, value != 0 else { return value }
        let exponent = max(Int(value.exponent), -126)
        let spacing = Double(sign: .plus, exponent: exponent - 7, significand: 1)
        let nearest = (value / spacing).rounded(.toNearestOrEven) * spacing
        return nearest.magnitude > 0x1.FEp127 ? (value < 0 ? -.infinity : .infinity) : nearest
    }
}

/// An integer reduced to the bits of a storage type.
private func wrapped(_ value: Int64, to type: ElementType) -> Int64 {
    switch type {
    case .i32: Int64(Int32(truncatingIfNeeded: value))
    case .i16: Int64(Int16(truncatingIfNeeded: value))
    case .i8: Int64(Int8(truncatingIfNeeded: value))
    case .u8: Int64(UInt8(truncatingIfNeeded: value))
    case .i64, .f64, .f32, .f16, .bf16, .f8e4m3, .f8e5m2, .bool: value
    }
}

/// The value of an operation on constants, where it is defined and correctly rounded; nil for all others, which are left
/// to the kernels so that folding never changes a result.
func folded(_ operation: ScalarOperation, _ operands: [ScalarConstant]) -> ScalarConstant? {
    switch operands.count {
    case 1: foldedUnary(operation, operands[0])
    case 2: foldedBinary(operation, operands[0], operands[1])
    case 3:
        if operation == .select, case .truth(let condition) = operands[0] {
            condition ? operands[1] : operands[2]
        } else {
            nil
        }
    default: nil
    }
}

private func foldedUnary(_ operation: ScalarOperation, _ operand: ScalarConstant) -> ScalarConstant? {
    switch operand {
    case .real(let x, let type):
        func real(_ value: Double) -> ScalarConstant { .real(rounded(value, to: type), type) }
        switch operation {
        case .negate: return real(-x)
        case .absolute: return real(x.magnitude)
        case .squareRoot: return real(x.squareRoot())
        case .floor: return real(x.rounded(.down))
        case .ceiling: return real(x.rounded(.up))
        case .truncate: return real(x.rounded(.towardZero))
        case .round: return real(x.rounded(.toNearestOrEven))
        case .isNaN: return .truth(x.isNaN)
        case _: return nil
        }
    case .integer(let x):
        switch operation {
        case .negate: return .integer(0 &- x)
        case .absolute: return .integer(x < 0 ? 0 &- x : x)
        case .not: return .integer(~x)
        case _: return nil
        }
    case .truth(let x): return operation == .not ? .truth(!x) : nil
    }
}

private func foldedBinary(
    _ operation: ScalarOperation, _ a: ScalarConstant, _ b: ScalarConstant
) -> ScalarConstant? {
    switch (a, b) {
    case (.real(let x, let type), .real(let y, let other)) where type == other:
        // A double holds products, sums and quotients of f32 with enough bits that rounding twice changes nothing.
        func real(_ value: Double) -> ScalarConstant { .real(rounded(value, to: type), type) }
        switch operation {
        case .add: return real(x + y)
        case .subtract: return real(x - y)
        case .multiply: return real(x * y)
        case .divide: return real(x / y)
        case .minimum: return x.isNaN || y.isNaN ? real(.nan) : (x == y ? nil : real(Swift.min(x, y)))
        case .maximum: return x.isNaN || y.isNaN ? real(.nan) : (x == y ? nil : real(Swift.max(x, y)))
        case .less: return .truth(x < y)
        case .lessOrEqual: return .truth(x <= y)
        case .equal: return .truth(x == y)
        case .notEqual: return .truth(x != y)
        case _: return nil
        }
    case (.integer(let x), .integer(let y)):
        switch operation {
        case .add: return .integer(x &+ y)
        case .subtract: return .integer(x &- y)
        case .multiply: return .integer(x &* y)
        case .minimum: return .integer(Swift.min(x, y))
        case .maximum: return .integer(Swift.max(x, y))
        case .less: return .truth(x < y)
        case .lessOrEqual: return .truth(x <= y)
        case .equal: return .truth(x == y)
        case .notEqual: return .truth(x != y)
        case .and: return .integer(x & y)
        case .or: return .integer(x | y)
        case .exclusiveOr: return .integer(x ^ y)
        case _: return nil
        }
    case (.truth(let x), .truth(let y)):
        switch operation {
        case .and: return .truth(x && y)
        case .or: return .truth(x || y)
        case .exclusiveOr, .notEqual: return .truth(x != y)
        case .equal: return .truth(x == y)
        case _: return nil
        }
    case (.real, _), (.integer, _), (.truth, _): return nil
    }
}

extension ScalarExpression {
    /// The value for constant arguments, where every step can be folded.
    package func folded(_ arguments: [ScalarConstant]) -> ScalarConstant? {
        var values: [ScalarConstant] = []
        for instruction in instructions {
            let value: ScalarConstant?
            switch instruction {
            case .argument(let index): value = arguments[index]
            case .real, .integer, .truth: value = ScalarConstant(instruction)
            case .apply(let operation, let operands):
                value = GraphRewrites.folded(operation, operands.map { values[$0] })
            case .cast(let operand, let type): value = values[operand].cast(to: type)
            }
            guard let value else { return nil }
            values.append(value)
        }
        return values.last
    }
}
