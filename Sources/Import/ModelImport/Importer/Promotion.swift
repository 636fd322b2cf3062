import ElementTypes
import GraphIR
import ModelFiles

/// An operand of a pointwise operator.
enum Operand {
    case tensor(Value)
    case scalar(ScalarArgument)
}

extension ElementType {
    /// PyTorch's `promote_types` of two element types.
    func promoted(with other: ElementType) -> ElementType {
        if self == other { return self }
        if isFloatingPoint != other.isFloatingPoint { return isFloatingPoint ? self : other }
        if isFloatingPoint {
            // The two half-width formats hold neither each other's range nor precision.
            let sizes = byteCount == other.byteCount ? nil : (byteCount > other.byteCount ? self : other)
            return sizes ?? .f32
        }
        if self == .bool { return other }
        if other == .bool { return self }
        if self == .u8 || other == .u8 {
            let signed = self == .u8 ? other : self
            return signed == .i8 ? .i16 : signed
        }
        return byteCount > other.byteCount ? self : other
    }

    /// The value nearest to `value` that this type can hold, halves to even; integers truncate.
    func rounded(_ value: Double) -> Double {
        switch self {
        case .f64: return value
        case .f32: return Double(Float(value))
        case .f16:

            return Double(Float16(value))
        case .bf16:
            let bits = Float(value).bitPattern
            if value.isNaN { return value }
            let rounded = (bits &+ 0x7fff &+ ((bits >> 16) & 1)) & 0xffff_0000
            return Double(Float(bitPattern: rounded))
        case .f8e4m3: return Float8.e4m3.rounded(value)
        case .f8e5m2: return Float8.e5m2.rounded(value)
        case .i64, .i32, .i16, .i8, .u8: return value.rounded(.towardZero)
        case .bool: return value == 0 ? 0 : 1
        }
    }

    /// The largest finite value.
    var greatest: Double {
        switch self {
        case .f64: .greatestFiniteMagnitude
        case .f32: Double(Float.greatestFiniteMagnitude)
        case .f16: 65504
        case .bf16: Double(Float(bitPattern: 0x7f7f_0000))
        case .f8e4m3: Float8.e4m3.greatest
        case .f8e5m2: Float8.e5m2.greatest
        case .i64: 9_223_372_036_854_775_808
        case .i32: 2_147_483_647
        case .i16: 32767
        case .i8: 127
        case .u8: 255
        case .bool: 1
        }
    }

    /// The least finite value.
    var least: Double {
        switch self {
        case .f64, .f32, .f16, .bf16, .f8e4m3, .f8e5m2: -greatest
        case .i64, .i32, .i16, .i8: -greatest - 1
        case .u8, .bool: 0
        }
    }

    /// What a floating-point function of this type gives: integers become f32, PyTorch's default type.
    var floating: ElementType { isFloatingPoint ? self : .f32 }
}

extension Importer {
    /// A tensor or number argument.
    mutating func operand(_ name: String) throws(ImportError) -> Operand {
        switch argument(name) {
        case .tensor, .optionalTensor: return .tensor(try tensor(name))
        default: return .scalar(try scalarArgument(name))  // Numbers; anything else is an error there.
        }
    }

    /// PyTorch's `result_type`: tensors with axes decide before scalars of rank 0, these before numbers, unless the kind
    /// (bool, integer, floating) of the later ones is higher.
    func resultType(_ operands: [Operand]) -> ElementType {
        var ranked: [ElementType?] = [nil, nil, nil]
        func note(_ place: Int, _ element: ElementType) {
            ranked[place] = ranked[place].map { $0.promoted(with: element) } ?? element
        }
        for operand in operands {
            switch operand {
            case .tensor(let value): note(rank(value) > 0 ? 0 : 1, element(value))
            case .scalar(.integer): note(2, .i64)
            case .scalar(.bool): note(2, .bool)
            case .scalar(.float), .scalar(.expression): note(2, .f32)
            case .scalar(.value(let value)): note(2, element(value).isFloatingPoint ? .f32 : element(value))
            }
        }
        func combine(_ higher: ElementType?, _ lower: ElementType?) -> ElementType? {
            guard let higher else { return lower }
            guard let lower else { return higher }
            if higher.isFloatingPoint { return higher }
            if higher == .bool || lower.isFloatingPoint { return higher.promoted(with: lower) }
            return higher
        }
        return combine(ranked[0], combine(ranked[1], ranked[2])) ?? .f32
    }

    /// A scalar function of operands in a common element type, with PyTorch's one rounding at the end.
    ///
    /// - Parameters:
    ///   - common: The element type that operands are converted to; it is computed in its compute type.
    ///   - result: The result's element type; the common one where nil.
    ///   - exactNumbers: Numbers keep the compute type's precision, as in PyTorch's arithmetic kernels, rather than being
    ///     rounded to the common element type.
    mutating func pointwise(
        _ operands: [Operand], common: ElementType, result: ElementType? = nil, exactNumbers: Bool = true,
        _ body: (inout ScalarBuilder, [ScalarBuilder.Term]) -> ScalarBuilder.Term
    ) throws(ImportError) -> Value {
        var values: [Value] = []
        /// For each operand: a map argument, or a constant.
        var sources: [(argument: Int?, constant: Double)] = []
        for operand in operands {
            switch operand {
            case .tensor(let value):
                sources.append((values.count, 0))
                values.append(value)
            case .scalar(let scalar):
                if let constant = constant(scalar) {
                    sources.append((nil, constant))
                } else {
                    sources.append((values.count, 0))
                    values.append(try value(scalar, common.isFloatingPoint ? .f64 : .i64))
                }
            }
        }
        let elements = values.map { element($0) }
        let isTensor = values.map { rank($0) > 0 }
        let compute = common.computeType
        return try map(values, as: result ?? common) { s, terms in
            var converted: [ScalarBuilder.Term] = []
            for source in sources {
                guard let argument = source.argument else {
                    let exact = exactNumbers && common.isFloatingPoint
                    converted.append(s.constant(exact ? source.constant : common.rounded(source.constant), compute))
                    continue
                }
                let element = elements[argument]
                if element == common || (element.computeType == compute && compute == .i64 && isTensor[argument]) {
                    converted.append(terms[argument])
                } else if exactNumbers, !isTensor[argument], common.isFloatingPoint {
                    converted.append(
                        element.computeType == compute ? terms[argument] : s.cast(terms[argument], compute))
                } else {
                    converted.append(s.cast(terms[argument], common))
                }
            }
            return body(&s, converted)
        }
    }

    /// A number that does not depend on symbols.
    func constant(_ scalar: ScalarArgument) -> Double? {
        switch scalar {
        case .integer(let expression): expression.constantValue.map(Double.init)
        case .float(let value): value
        case .bool(let value): value ? 1 : 0
        case .expression(.float(let value)): value
        case .expression, .value: nil
        }
    }

    /// A number as a scalar tensor.
    mutating func value(_ scalar: ScalarArgument, _ element: ElementType) throws(ImportError) -> Value {
        switch scalar {
        case .integer(let expression): try dimension(expression, element)
        case .float(let value): try self.scalar(element.rounded(value), element)
        case .bool(let value): try self.scalar(value ? 1 : 0, element)
        case .expression(let expression): try real(expression, element)
        case .value(let value): try cast(value, element)
        }
    }

    /// A tensor or number argument as a tensor of an element type.
    mutating func value(_ operand: Operand, _ element: ElementType) throws(ImportError) -> Value {
        switch operand {
        case .tensor(let value): try cast(value, element)
        case .scalar(let scalar): try value(scalar, element)
        }
    }
}
