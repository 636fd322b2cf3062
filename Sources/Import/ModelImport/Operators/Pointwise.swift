import ElementTypes
import GraphIR
import ModelFiles

/// Elementary functions of one tensor.
func registerPointwise(_ table: inout OperatorTable) {
    /// Floating-point functions; integers become f32 first.
    func real(_ names: String..., body: @escaping @Sendable (Formula) -> Formula) {
        for name in names {
            table.value(name) { (i) throws(ImportError) in
                let x = try i.tensor("self")
                return try i.formula([.tensor(x)], common: i.element(x).floating) { body($0[0]) }
            }
        }
    }
    /// Functions that keep the element type; `integral` is what they are on integers and bools, identity where nil.
    func same(
        _ names: String..., integral: (@Sendable (Formula) -> Formula)? = { $0 },
        body: @escaping @Sendable (Formula) -> Formula
    ) {
        for name in names {
            table.value(name) { (i) throws(ImportError) in
                let x = try i.tensor("self")
                if i.element(x).isFloatingPoint { return try i.formula(x, body) }
                guard let integral else { throw i.unsupported("\(i.element(x).rawValue) operand") }
                return try i.formula(x, integral)
            }
        }
    }
    /// Questions with a bool answer; `integral` is the answer for every integer.
    func test(_ names: String..., integral: Bool, body: @escaping @Sendable (Formula) -> Formula) {
        for name in names {
            table.value(name) { (i) throws(ImportError) in
                let x = try i.tensor("self")
                if i.element(x).isFloatingPoint { return try i.formula(x, as: .bool, body) }
                return try i.formula(x, as: .bool) { _ in .truth(integral) }
            }
        }
    }

    real("exp", "special_exp") { $0.exp }
    real("exp2", "special_exp2") { Formula.number(2).power($0) }
    real("expm1", "special_expm1") { $0.expm1 }
    real("log") { $0.log }
    real("log2") { $0.log / .number(0.693147180559945309417) }
    real("log10") { $0.log / .number(2.302585092994045684018) }
    real("log1p", "special_log1p") { $0.log1p }
    real("sqrt") { $0.squareRoot }
    real("rsqrt") { $0.apply(.reciprocalSquareRoot) }
    real("reciprocal") { 1 / $0 }
    real("sin") { $0.apply(.sine) }
    real("cos") { $0.apply(.cosine) }
    real("tan") { $0.apply(.tangent) }
    real("asin", "arcsin") { $0.apply(.arcSine) }
    real("acos", "arccos") { $0.apply(.arcCosine) }
    real("atan", "arctan") { $0.apply(.arcTangent) }
    real("sinh") { x in
        let e = x.expm1
        let large = (x.exp - (-x).exp) / 2
        return x.absolute.less(1).select((e + e / (e + 1)) / 2, large)
    }
    real("cosh") { ($0.exp + (-$0).exp) / 2 }
    real("tanh") { $0.tanh }
    real("asinh", "arcsinh") { x in
        let a = x.absolute
        let small = (a + a * a / (1 + (1 + a * a).squareRoot)).log1p
        let large = a.log + .number(0.693147180559945309417)
        return x.apply(.sign) * a.less(1e6).select(small, large)
    }
    real("acosh", "arccosh") { x in
        let t = x - 1
        let small = (t + (t * (x + 1)).squareRoot).log1p
        return x.greater(1e6).select(x.log + .number(0.693147180559945309417), small)
    }
    real("atanh", "arctanh") { (($0).log1p - (-$0).log1p) / 2 }
    real("erf", "special_erf") { $0.erf }
    real("erfc", "special_erfc") { 1 - $0.erf }
    real("erfinv", "special_erfinv") { $0.apply(.errorFunctionInverse) }
    real("lgamma", "special_gammaln") { $0.apply(.logGamma) }
    real("digamma", "special_digamma") { $0.apply(.digamma) }
    real("sigmoid", "special_expit") { $0.sigmoid }
    real("sinc", "special_sinc") { x in
        let y = x * .number(3.14159265358979323846)
        return x.equal(0).select(1, y.apply(.sine) / y)
    }
    real("deg2rad") { $0 * .number(0.017453292519943295769) }
    real("rad2deg") { $0 * .number(57.29577951308232087680) }

    same("abs", "absolute", integral: { $0.absolute }) { $0.absolute }
    same("neg", "negative", integral: { -$0 }) { -$0 }
    same("positive") { $0 }
    same("floor") { $0.apply(.floor) }
    same("ceil") { $0.apply(.ceiling) }
    same("trunc", "fix") { $0.apply(.truncate) }
    same("frac", integral: nil) { $0 - $0.apply(.truncate) }
    table.value("sign", "sgn") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        return i.element(x) == .bool ? x : try i.formula(x) { $0.apply(.sign) }
    }
    same("square", integral: { $0 * $0 }) { $0 * $0 }
    same("relu", integral: { $0.maximum(0) }) { $0.maximum(0) }

    table.value("round") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        guard i.element(x).isFloatingPoint else { return x }
        let decimals = i.has("decimals") ? try i.int("decimals") : 0
        if decimals == 0 { return try i.formula(x) { $0.apply(.round) } }
        let scale = Formula.number((0..<abs(decimals)).reduce(1) { power, _ in power * 10 })
        return try i.formula(x) {
            decimals > 0 ? ($0 * scale).apply(.round) / scale : ($0 / scale).apply(.round) * scale
        }
    }

    test("isreal", integral: true) { _ in .truth(true) }
    table.value("angle") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        return try i.formula([.tensor(x)], common: i.element(x).floating) { v in
            v[0].isNaN.select(v[0], v[0].less(0).select(.number(.pi), 0))
        }
    }
    test("isnan", integral: false) { $0.isNaN }
    test("isinf", integral: false) { $0.absolute.equal(.number(.infinity)) }
    test("isposinf", integral: false) { $0.equal(.number(.infinity)) }
    test("isneginf", integral: false) { $0.equal(.number(-.infinity)) }
    test("isfinite", integral: true) { $0.absolute.less(.number(.infinity)) }
    table.value("signbit") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        guard i.element(x).isFloatingPoint else { return try i.formula(x, as: .bool) { $0.less(0) } }
        return try i.formula(x, as: .bool) { $0.less(0).or($0.equal(0).and((1 / $0).less(0))) }
    }

    table.value("logical_not") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        if i.element(x) == .bool { return try i.formula(x) { $0.not } }
        return try i.formula(x, as: .bool) { $0.equal(0) }
    }
    table.value("bitwise_not") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        return try i.formula(x) { $0.not }
    }
    table.value("logit", "special_logit") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let eps = try i.optionalFloat("eps")
        return try i.formula([.tensor(x)], common: i.element(x).floating) { operands in
            var x = operands[0]
            if let eps, eps >= 0 {
                x = x.less(.number(eps)).select(.number(eps), x.greater(.number(1 - eps)).select(.number(1 - eps), x))
            }
            return (x / (1 - x)).log
        }
    }
    table.value("nan_to_num") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let element = i.element(x)
        guard element.isFloatingPoint else { return x }
        let nan = try i.optionalFloat("nan") ?? 0
        let greatest = try i.optionalFloat("posinf") ?? element.greatest
        let least = try i.optionalFloat("neginf") ?? element.least
        return try i.formula(x) { x in
            let low = x.equal(.number(-.infinity)).select(.number(least), x)
            return x.isNaN.select(.number(nan), x.equal(.number(.infinity)).select(.number(greatest), low))
        }
    }
}
