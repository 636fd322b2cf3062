import ElementTypes
import GraphIR
import ModelFiles

/// A scalar formula over operands that are in one compute type already; numbers take that type.
indirect enum Formula: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
    case argument(Int)
    case number(Double)
    case truth(Bool)
    case apply(ScalarOperation, [Formula])
    /// A conversion to an element type; numbers beside it must be of the compute type that it has.
    case cast(Formula, ElementType)

    init(floatLiteral value: Double) { self = .number(value) }
    init(integerLiteral value: Int) { self = .number(Double(value)) }

    static func + (a: Self, b: Self) -> Self { .apply(.add, [a, b]) }
    static func - (a: Self, b: Self) -> Self { .apply(.subtract, [a, b]) }
    static func * (a: Self, b: Self) -> Self { .apply(.multiply, [a, b]) }
    static func / (a: Self, b: Self) -> Self { .apply(.divide, [a, b]) }
    static prefix func - (a: Self) -> Self { .apply(.negate, [a]) }

    /// A function of one operand.
    func apply(_ operation: ScalarOperation) -> Self { .apply(operation, [self]) }
    /// A function of two operands.
    func apply(_ operation: ScalarOperation, _ other: Self) -> Self { .apply(operation, [self, other]) }

    var exp: Self { apply(.exp) }
    var log: Self { apply(.log) }
    var log1p: Self { apply(.log1p) }
    var expm1: Self { apply(.expm1) }
    var squareRoot: Self { apply(.squareRoot) }
    var tanh: Self { apply(.hyperbolicTangent) }
    var erf: Self { apply(.errorFunction) }
    var absolute: Self { apply(.absolute) }
    var isNaN: Self { apply(.isNaN) }
    var not: Self { apply(.not) }
    var sigmoid: Self { 1 / (1 + (-self).exp) }

    func less(_ other: Self) -> Self { apply(.less, other) }
    func lessOrEqual(_ other: Self) -> Self { apply(.lessOrEqual, other) }
    func greater(_ other: Self) -> Self { other.apply(.less, self) }
    func greaterOrEqual(_ other: Self) -> Self { other.apply(.lessOrEqual, self) }
    func equal(_ other: Self) -> Self { apply(.equal, other) }
    func and(_ other: Self) -> Self { apply(.and, other) }
    func or(_ other: Self) -> Self { apply(.or, other) }
    func minimum(_ other: Self) -> Self { apply(.minimum, other) }
    func maximum(_ other: Self) -> Self { apply(.maximum, other) }
    func power(_ other: Self) -> Self { apply(.power, other) }

    /// `self ? a : b` for a bool formula.
    func select(_ a: Self, _ b: Self) -> Self { .apply(.select, [self, a, b]) }

    /// Appends the formula's steps; numbers become constants of compute type `compute`.
    func emit(_ s: inout ScalarBuilder, _ terms: [ScalarBuilder.Term], _ compute: ElementType) -> ScalarBuilder.Term {
        switch self {
        case .argument(let index): return terms[index]
        case .number(let value): return s.constant(value, compute)
        case .truth(let value): return s.truth(value)
        case .apply(let operation, let operands):
            let operands = operands.map { $0.emit(&s, terms, compute).index }
            return s.emit(.apply(operation, operands))
        case .cast(let operand, let type):
            let operand = operand.emit(&s, terms, compute)
            return s.cast(operand, type)
        }
    }
}

extension ScalarBuilder {
    /// A constant of a compute type; integers beyond the range of i64 saturate.
    mutating func constant(_ value: Double, _ type: ElementType) -> Term {
        guard type.computeType == .i64 else { return number(value, type) }
        if value >= 0x1p63 { return integer(.max) }
        if value < -0x1p63 { return integer(.min) }
        return integer(value.isNaN ? 0 : Int64(value))
    }
}

extension Importer {
    /// `pointwise` with a formula as its body.
    mutating func formula(
        _ operands: [Operand], common: ElementType, result: ElementType? = nil, exactNumbers: Bool = true,
        _ body: ([Formula]) -> Formula
    ) throws(ImportError) -> Value {
        let formula = body(operands.indices.map { .argument($0) })
        return try pointwise(operands, common: common, result: result, exactNumbers: exactNumbers) { s, terms in
            formula.emit(&s, terms, common.computeType)
        }
    }

    /// A formula of tensors that share an element type, with one rounding to `result` at the end.
    mutating func formula(
        _ values: [Value], as result: ElementType? = nil, _ body: ([Formula]) -> Formula
    ) throws(ImportError) -> Value {
        let common = element(values[0])
        return try formula(values.map { .tensor($0) }, common: common, result: result, exactNumbers: false, body)
    }

    /// A formula of one tensor.
    mutating func formula(
        _ value: Value, as result: ElementType? = nil, _ body: (Formula) -> Formula
    ) throws(ImportError) -> Value {
        try formula([value], as: result) { body($0[0]) }
    }
}
