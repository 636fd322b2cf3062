import ElementTypes

/// Triton's spelling of the scalar operations: the table that a dialect is. Nil where it has none; such kernels are generated
/// in the device's other language.
enum TritonScalarTable {
    /// The text of an operation on operands of a compute type (of the values for `select`).
    static func text(_ operation: ScalarOperation, _ type: ElementType, _ o: [String]) -> String? {
        switch type {
        case .f32: real(operation, o)
        case .i64: integer(operation, o)
        case .bool: truth(operation, o)
        case .f64, .f16, .bf16, .f8e4m3, .f8e5m2, .i32, .i16, .i8, .u8: nil
        }
    }

    private static func comparison(_ operation: ScalarOperation, _ o: [String]) -> String? {
        switch operation {
        case .less: "(\(o[0]) < \(o[1]))"
        case .lessOrEqual: "(\(o[0]) <= \(o[1]))"
        case .equal: "(\(o[0]) == \(o[1]))"
        case .notEqual: "(\(o[0]) != \(o[1]))"
        case .isNaN: "(\(o[0]) != \(o[0]))"
        case .select: "tl.where(\(o[0]), \(o[1]), \(o[2]))"
        case .add, .subtract, .multiply, .divide, .floorDivide, .truncateDivide, .remainder, .truncateRemainder,
            .minimum, .maximum, .power, .arcTangent2, .negate, .absolute, .sign, .exp, .expm1, .log, .log1p,
            .squareRoot, .reciprocalSquareRoot, .sine, .cosine, .tangent, .arcSine, .arcCosine, .arcTangent,
            .hyperbolicTangent, .errorFunction, .logGamma, .digamma, .errorFunctionInverse, .floor, .ceiling, .truncate,
            .round, .and, .or, .exclusiveOr, .not, .shiftLeft, .shiftRight:
            nil
        }
    }

    private static func real(_ operation: ScalarOperation, _ o: [String]) -> String? {
        switch operation {
        case .add: "(\(o[0]) + \(o[1]))"
        case .subtract: "(\(o[0]) - \(o[1]))"
        case .multiply: "(\(o[0]) * \(o[1]))"
        case .divide: "tl.div_rn(\(o[0]), \(o[1]))"
        case .minimum: "tl.minimum(\(o[0]), \(o[1]), propagate_nan=tl.PropagateNan.ALL)"
        case .maximum: "tl.maximum(\(o[0]), \(o[1]), propagate_nan=tl.PropagateNan.ALL)"
        case .negate: "(-\(o[0]))"
        case .absolute: "tl.abs(\(o[0]))"
        case .sign: "((\(o[0]) > 0).to(tl.float32) - (\(o[0]) < 0).to(tl.float32))"
        case .exp: "tl.exp(\(o[0]))"
        case .log: "tl.log(\(o[0]))"
        case .squareRoot: "tl.sqrt_rn(\(o[0]))"
        case .reciprocalSquareRoot: "tl.rsqrt(\(o[0]))"
        case .sine: "tl.sin(\(o[0]))"
        case .cosine: "tl.cos(\(o[0]))"
        case .hyperbolicTangent: "hyperbolic_tangent(\(o[0]))"
        case .errorFunction: "tl.erf(\(o[0]))"
        case .floor: "tl.floor(\(o[0]))"
        case .ceiling: "tl.ceil(\(o[0]))"
        case .truncate: "tl.where(\(o[0]) < 0, tl.ceil(\(o[0])), tl.floor(\(o[0])))"
        case .round: "round_to_even(\(o[0]))"
        case .less, .lessOrEqual, .equal, .notEqual, .isNaN, .select: comparison(operation, o)
        case .floorDivide, .truncateDivide, .remainder, .truncateRemainder, .power, .arcTangent2, .expm1, .log1p,
            .tangent, .arcSine, .arcCosine, .arcTangent, .logGamma, .digamma, .errorFunctionInverse, .and, .or,
            .exclusiveOr, .not, .shiftLeft, .shiftRight:
            nil
        }
    }

    private static func integer(_ operation: ScalarOperation, _ o: [String]) -> String? {
        switch operation {
        case .add: "(\(o[0]) + \(o[1]))"
        case .subtract: "(\(o[0]) - \(o[1]))"
        case .multiply: "(\(o[0]) * \(o[1]))"
        case .minimum: "tl.minimum(\(o[0]), \(o[1]))"
        case .maximum: "tl.maximum(\(o[0]), \(o[1]))"
        case .negate: "(-\(o[0]))"
        case .absolute: "tl.abs(\(o[0]))"
        case .and: "(\(o[0]) & \(o[1]))"
        case .or: "(\(o[0]) | \(o[1]))"
        case .exclusiveOr: "(\(o[0]) ^ \(o[1]))"
        case .not: "(~\(o[0]))"
        case .floor, .ceiling, .truncate, .round: o[0]
        case .less, .lessOrEqual, .equal, .notEqual, .isNaN, .select: comparison(operation, o)
        case .divide, .floorDivide, .truncateDivide, .remainder, .truncateRemainder, .power, .arcTangent2, .sign, .exp,
            .expm1, .log, .log1p, .squareRoot, .reciprocalSquareRoot, .sine, .cosine, .tangent, .arcSine, .arcCosine,
            .arcTangent, .hyperbolicTangent, .errorFunction, .logGamma, .digamma, .errorFunctionInverse, .shiftLeft,
            .shiftRight:
            nil
        }
    }

    private static func truth(_ operation: ScalarOperation, _ o: [String]) -> String? {
        switch operation {
        case .add, .or, .maximum: "(\(o[0]) | \(o[1]))"
        case .multiply, .and, .minimum: "(\(o[0]) & \(o[1]))"
        case .subtract, .exclusiveOr, .notEqual: "(\(o[0]) ^ \(o[1]))"
        case .equal: "(~(\(o[0]) ^ \(o[1])))"
        case .less: "((~\(o[0])) & \(o[1]))"
        case .lessOrEqual: "((~\(o[0])) | \(o[1]))"
        case .not: "(~\(o[0]))"
        case .select: comparison(operation, o)
        case .divide, .floorDivide, .truncateDivide, .remainder, .truncateRemainder, .power, .arcTangent2, .negate,
            .absolute, .sign, .exp, .expm1, .log, .log1p, .squareRoot, .reciprocalSquareRoot, .sine, .cosine, .tangent,
            .arcSine, .arcCosine, .arcTangent, .hyperbolicTangent, .errorFunction, .logGamma, .digamma,
            .errorFunctionInverse, .floor, .ceiling, .truncate, .round, .isNaN, .shiftLeft, .shiftRight:
            nil
        }
    }

    /// Converts between compute types and rounds to a storage type; nil where Triton's conversion is another.
    static func cast(_ text: String, from: ElementType, to: ElementType) -> String? {
        switch to {
        case .f64, .f8e4m3, .f8e5m2: return nil
        case .bool: return from == .bool ? text : "(\(text) != 0)"
        case .f32, .f16, .bf16:
            let value = from == .f32 ? text : "\(text).to(tl.float32)"
            return to == .f32 ? value : "\(value).to(\(name(to))).to(tl.float32)"
        case .i64, .i32, .i16, .i8, .u8:
            // What lies outside of the integers is converted otherwise here than elsewhere.
            guard from != .f32 else { return nil }
            let value = from == .bool ? "\(text).to(tl.int64)" : text
            return to == .i64 ? value : "\(value).to(\(name(to))).to(tl.int64)"
        }
    }

    /// Name of a type of elements in memory.
    static func name(_ element: ElementType) -> String {
        switch element {
        case .f64: "tl.float64"
        case .f32: "tl.float32"
        case .f16: "tl.float16"
        case .bf16: "tl.bfloat16"
        case .i64: "tl.int64"
        case .i32: "tl.int32"
        case .i16: "tl.int16"
        case .i8: "tl.int8"
        case .u8, .bool, .f8e4m3, .f8e5m2: "tl.uint8"
        }
    }
}
