import ElementTypes
import GraphIR
import ModelFiles

/// Operators of two or three broadcast operands.
func registerArithmetic(_ table: inout OperatorTable) {
    registerSums(table: &table)
    registerQuotients(table: &table)
    registerComparisons(table: &table)
    registerBits(table: &table)
    registerClamps(table: &table)
}

extension Importer {
    /// The result's element type of a division: integers become f32.
    func quotientType(_ operands: [Operand]) -> ElementType { resultType(operands).floating }
}

private func registerSums(table: inout OperatorTable) {
    /// An operator of `self` and `other` in their promoted type.
    func binary(
        _ names: String..., exactNumbers: Bool = true, floating: Bool = false,
        body: @escaping @Sendable (Formula, Formula) -> Formula
    ) {
        for name in names {
            table.value(name) { (i) throws(ImportError) in
                let operands = [try i.operand("self"), try i.operand("other")]
                let type = i.resultType(operands)
                return try i.formula(operands, common: floating ? type.floating : type, exactNumbers: exactNumbers) {
                    body($0[0], $0[1])
                }
            }
        }
    }
    /// A sum with a factor `alpha` of the second operand.
    func sum(_ names: String..., body: @escaping @Sendable (Formula, Formula) -> Formula, isReversed: Bool = false) {
        for name in names {
            table.value(name) { (i) throws(ImportError) in
                let operands = [try i.operand("self"), try i.operand("other")]
                let type = i.resultType(operands)
                guard let alpha = i.constant(try i.scalarArgument("alpha")) else {
                    throw i.unsupported("symbolic alpha")
                }
                // bool + bool is "or".
                if type == .bool {
                    return try i.formula(operands, common: type) { alpha == 0 ? $0[0].or(.number(0)) : $0[0].or($0[1]) }
                }
                return try i.formula(operands, common: type) { x in
                    let (a, b) = isReversed ? (x[1], x[0]) : (x[0], x[1])
                    return body(a, alpha == 1 ? b : b * .number(alpha))
                }
            }
        }
    }
    sum("add", body: { $0 + $1 })
    sum("sub", "subtract", body: { $0 - $1 })
    sum("rsub", body: { $0 - $1 }, isReversed: true)
    table.value("mul", "multiply") { (i) throws(ImportError) in
        let operands = [try i.operand("self"), try i.operand("other")]
        let type = i.resultType(operands)
        return try i.formula(operands, common: type) { type == .bool ? $0[0].and($0[1]) : $0[0] * $0[1] }
    }
    binary("maximum", exactNumbers: false) { $0.maximum($1) }
    binary("minimum", exactNumbers: false) { $0.minimum($1) }
    binary("atan2", "arctan2", floating: true) { $0.apply(.arcTangent2, $1) }
    binary("hypot", floating: true) { a, b in
        let (x, y) = (a.absolute, b.absolute)
        let (high, low) = (x.maximum(y), x.minimum(y))
        let ratio = low / high
        let length = high * (1 + ratio * ratio).squareRoot
        return high.equal(0).or(high.equal(.number(.infinity))).select(high, length)
    }
    binary("copysign", floating: true) { a, b in
        let negative = b.less(0).or(b.equal(0).and((1 / b).less(0)))
        return negative.select(-a.absolute, a.absolute)
    }
    binary("xlogy", "special_xlogy", floating: true) { a, b in
        b.isNaN.select(b, a.equal(0).select(0, a * b.log))
    }
    binary("logaddexp", floating: true) { a, b in
        a.equal(b).and(a.absolute.equal(.number(.infinity)))
            .select(a, a.maximum(b) + (-(a - b).absolute).exp.log1p)
    }
    binary("ldexp", floating: true) { $0 * Formula.number(2).power($1) }
    table.value("heaviside") { (i) throws(ImportError) in
        let operands = [try i.operand("self"), try i.operand("values")]
        return try i.formula(operands, common: i.resultType(operands)) { x in
            x[0].equal(0).select(x[1], x[0].less(0).select(0, 1))
        }
    }
    for (name, isMaximum) in [("fmax", true), ("fmin", false)] {
        table.value(name) { (i) throws(ImportError) in
            let operands = [try i.operand("self"), try i.operand("other")]
            let type = i.resultType(operands)
            return try i.formula(operands, common: type, exactNumbers: false) { x in
                let plain = isMaximum ? x[0].maximum(x[1]) : x[0].minimum(x[1])
                guard type.isFloatingPoint else { return plain }
                return x[0].isNaN.select(x[1], x[1].isNaN.select(x[0], plain))
            }
        }
    }
    table.value("lerp") { (i) throws(ImportError) in
        let operands = [try i.operand("self"), try i.operand("end"), try i.operand("weight")]
        return try i.formula(operands, common: i.resultType(Array(operands.prefix(2)))) { x in
            let step = x[1] - x[0]
            return x[2].absolute.less(0.5).select(x[0] + x[2] * step, x[1] - step * (1 - x[2]))
        }
    }
    for (name, divides) in [("addcmul", false), ("addcdiv", true)] {
        table.value(name) { (i) throws(ImportError) in
            let operands = [try i.operand("self"), try i.operand("tensor1"), try i.operand("tensor2")]
            guard let factor = i.constant(try i.scalarArgument("value")) else { throw i.unsupported("symbolic value") }
            let type = i.resultType(operands)
            return try i.formula(operands, common: type) { x in
                let scaled = factor == 1 ? x[1] : .number(factor) * x[1]
                return x[0] + (divides ? scaled / x[2] : scaled * x[2])
            }
        }
    }
}

private func registerQuotients(table: inout OperatorTable) {
    table.value("div", "divide", "true_divide", "floor_divide") { (i) throws(ImportError) in
        let operands = [try i.operand("self"), try i.operand("other")]
        var mode = i.has("rounding_mode") ? try i.optionalString("rounding_mode") : nil
        if i.call.name.base == "floor_divide" { mode = "floor" }
        let type = i.resultType(operands)
        switch mode {
        case nil: return try i.formula(operands, common: type.floating) { $0[0] / $0[1] }
        case "trunc":
            return try i.formula(operands, common: type) { x in
                type.isFloatingPoint ? (x[0] / x[1]).apply(.truncate) : x[0].apply(.truncateDivide, x[1])
            }
        case "floor": return try i.formula(operands, common: type) { $0[0].apply(.floorDivide, $0[1]) }
        case let other?: throw i.unsupported("rounding_mode = '\(other)'")
        }
    }
    for (name, operation) in [("remainder", ScalarOperation.remainder), ("fmod", .truncateRemainder)] {
        table.value(name) { (i) throws(ImportError) in
            let operands = [try i.operand("self"), try i.operand("other")]
            return try i.formula(operands, common: i.resultType(operands), exactNumbers: false) {
                $0[0].apply(operation, $0[1])
            }
        }
    }
    table.value("pow", "float_power") { (i) throws(ImportError) in
        let operands = [try i.operand("self"), try i.operand("exponent")]
        let type = i.call.name.base == "float_power" ? ElementType.f64 : i.resultType(operands)
        guard type.isFloatingPoint, case .scalar(let scalar) = operands[1], let exponent = i.constant(scalar) else {
            if !type.isFloatingPoint, case .scalar(let scalar) = operands[1], let exponent = i.constant(scalar),
                exponent >= 0, exponent <= 8
            {
                return try i.formula(operands, common: type) { x in
                    (0..<Int(exponent)).reduce(Formula.number(1)) { product, _ in product * x[0] }
                }
            }
            return try i.formula(operands, common: type) { $0[0].power($0[1]) }
        }
        return try i.formula([operands[0]], common: type) { operands in
            let x = operands[0]
            switch exponent {
            case 0: return 1
            case 1: return x
            case 2: return x * x
            case 3: return x * x * x
            case 0.5: return x.squareRoot
            case -0.5: return x.apply(.reciprocalSquareRoot)
            case -1: return 1 / x
            case -2: return 1 / (x * x)
            default: return x.power(.number(exponent))  // Exponents without a shorter form.
            }
        }
    }
}

private func registerComparisons(table: inout OperatorTable) {
    func comparison(_ names: String..., body: @escaping @Sendable (Formula, Formula) -> Formula) {
        for name in names {
            table.value(name) { (i) throws(ImportError) in
                let operands = [try i.operand("self"), try i.operand("other")]
                let type = i.resultType(operands)
                // Bools compare as 0 and 1.
                let common = type == .bool ? ElementType.i64 : type
                return try i.formula(operands, common: common, result: .bool, exactNumbers: false) {
                    body($0[0], $0[1])
                }
            }
        }
    }
    comparison("eq") { $0.equal($1) }
    comparison("ne", "not_equal") { $0.apply(.notEqual, $1) }
    comparison("lt", "less") { $0.less($1) }
    comparison("le", "less_equal") { $0.lessOrEqual($1) }
    comparison("gt", "greater") { $0.greater($1) }
    comparison("ge", "greater_equal") { $0.greaterOrEqual($1) }
    func logical(_ name: String, _ operation: ScalarOperation) {
        table.value(name) { (i) throws(ImportError) in
            let operands = [try i.operand("self"), try i.operand("other")]
            return try i.formula(operands, common: .bool) { $0[0].apply(operation, $0[1]) }
        }
    }
    logical("logical_and", .and)
    logical("logical_or", .or)
    logical("logical_xor", .exclusiveOr)
    table.value("isclose") { (i) throws(ImportError) in
        let (a, b) = (try i.operand("self"), try i.operand("other"))
        let (relative, absolute) = (try i.float("rtol"), try i.float("atol"))
        let nansAgree = try i.bool("equal_nan")
        return try i.formula([a, b], common: i.resultType([a, b]).floating, result: .bool) { x in
            let bound = .number(absolute) + .number(relative) * x[1].absolute
            let near = (x[0] - x[1]).absolute.lessOrEqual(bound).and(x[1].absolute.less(.number(.infinity)))
            let same = x[0].equal(x[1]).or(near)
            return nansAgree ? same.or(x[0].isNaN.and(x[1].isNaN)) : same
        }
    }
}

private func registerBits(table: inout OperatorTable) {
    func bits(_ names: String..., operation: ScalarOperation) {
        for name in names {
            table.value(name) { (i) throws(ImportError) in
                let operands = [try i.operand("self"), try i.operand("other")]
                return try i.formula(operands, common: i.resultType(operands)) { $0[0].apply(operation, $0[1]) }
            }
        }
    }
    bits("bitwise_and", "__and__", operation: .and)
    bits("bitwise_or", "__or__", operation: .or)
    bits("bitwise_xor", "__xor__", operation: .exclusiveOr)
    bits("bitwise_left_shift", "__lshift__", operation: .shiftLeft)
    bits("bitwise_right_shift", "__rshift__", operation: .shiftRight)
}

private func registerClamps(table: inout OperatorTable) {
    table.value("clamp", "clip", "clamp_min", "clamp_max") { (i) throws(ImportError) in
        let x = try i.operand("self")
        let low: Operand? = i.has("min") ? try i.operand("min") : nil
        let high: Operand? = i.has("max") ? try i.operand("max") : nil
        let operands = [x] + (low.map { [$0] } ?? []) + (high.map { [$0] } ?? [])
        return try i.formula(operands, common: i.resultType(operands), exactNumbers: false) { terms in
            var result = terms[0]
            if low != nil { result = result.maximum(terms[1]) }
            if high != nil { result = result.minimum(terms[terms.count - 1]) }
            return result
        }
    }
    table.value("where") { (i) throws(ImportError) in
        guard i.has("self") else { throw .dataDependent(i.site, "it lists the positions of true elements") }
        let operands = [try i.operand("self"), try i.operand("other")]
        let type = i.resultType(operands)
        let condition = try i.cast(try i.tensor("condition"), .bool)
        let a = try i.value(operands[0], type)
        let b = try i.value(operands[1], type)
        return try i.map([condition, a, b], as: type) { $0.apply(.select, $1[0], $1[1], $1[2]) }
    }
    table.value("masked_fill") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let mask = try i.cast(try i.tensor("mask"), .bool)
        let value = try i.value(try i.operand("value"), i.element(x))
        return try i.map([mask, value, x], as: i.element(x)) { $0.apply(.select, $1[0], $1[1], $1[2]) }
    }
}
