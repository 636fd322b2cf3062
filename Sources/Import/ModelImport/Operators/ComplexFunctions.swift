import ElementTypes
import GraphIR
import ModelFiles

/// Elementary functions of complex tensors. The inverse ones follow W. Kahan, "Branch cuts for complex elementary functions"
/// (1987); signs of zeros on branch cuts are not followed.
func registerComplexFunctions(_ table: inout OperatorTable) {
    table.complexFunction("exp") { (i, z) throws(ImportError) in try i.exponential(z) }
    table.complexFunction("expm1") { (i, z) throws(ImportError) in
        let operands = [z.real, z.imaginary]
        let real = try i.formula(operands) { v in
            let half = (v[1] / 2).apply(.sine)
            return v[0].expm1 * v[1].apply(.cosine) - 2 * half * half
        }
        return (real, try i.formula(operands) { $0[0].exp * $0[1].apply(.sine) })
    }
    table.complexFunction("log") { (i, z) throws(ImportError) in try i.logarithm(z) }
    for (name, base) in [("log2", 0.693147180559945309417), ("log10", 2.302585092994045684018)] {
        table.complexFunction(name) { (i, z) throws(ImportError) in
            let result = try i.logarithm(z)
            return (
                try i.formula(result.real) { $0 / .number(base) },
                try i.formula(result.imaginary) { $0 / .number(base) }
            )
        }
    }
    table.complexFunction("log1p") { (i, z) throws(ImportError) in
        let operands = [z.real, z.imaginary]
        let sum = (real: try i.formula(z.real) { $0 + 1 }, imaginary: z.imaginary)
        let far = try i.logarithm(sum)
        // Near zero, where 1 + z would drop what z says.
        let real = try i.formula(operands + [far.real]) { v in
            let near = (v[0] * (v[0] + 2) + v[1] * v[1]).log1p / 2
            return v[0].absolute.maximum(v[1].absolute).less(0.5).select(near, v[2])
        }
        return (real, far.imaginary)
    }
    table.complexFunction("sqrt") { (i, z) throws(ImportError) in try i.root(z) }
    table.complexFunction("rsqrt") { (i, z) throws(ImportError) in try i.reciprocal(try i.root(z)) }
    table.complexFunction("reciprocal") { (i, z) throws(ImportError) in try i.reciprocal(z) }
    table.complexFunction("sigmoid") { (i, z) throws(ImportError) in
        let e = try i.exponential((try i.formula(z.real) { -$0 }, try i.formula(z.imaginary) { -$0 }))
        return try i.reciprocal((try i.formula(e.real) { $0 + 1 }, e.imaginary))
    }
    registerComplexCircular(&table)
}

/// Sines and their kin, and what undoes them.
private func registerComplexCircular(_ table: inout OperatorTable) {
    // A function of iz gives that of the other kind; multiplied by −i it is a + bi → b − ai.
    table.complexFunction("sinh") { (i, z) throws(ImportError) in try i.hyperbolicSine(z) }
    table.complexFunction("sin") { (i, z) throws(ImportError) in
        try i.turnedBack(try i.hyperbolicSine(try i.turned(z)))
    }
    table.complexFunction("cosh") { (i, z) throws(ImportError) in try i.hyperbolicCosine(z) }
    table.complexFunction("cos") { (i, z) throws(ImportError) in try i.hyperbolicCosine(try i.turned(z)) }
    table.complexFunction("tanh") { (i, z) throws(ImportError) in try i.hyperbolicTangent(z) }
    table.complexFunction("tan") { (i, z) throws(ImportError) in
        try i.turnedBack(try i.hyperbolicTangent(try i.turned(z)))
    }
    table.complexFunction("asin") { (i, z) throws(ImportError) in try i.arcSine(z) }
    table.complexFunction("asinh") { (i, z) throws(ImportError) in try i.turnedBack(try i.arcSine(try i.turned(z))) }
    table.complexFunction("acos") { (i, z) throws(ImportError) in
        let (low, high) = (try i.root(try i.shifted(z, sign: -1, by: 1)), try i.root(try i.shifted(z, sign: 1, by: 1)))
        let real = try i.formula([low.real, high.real]) { 2 * $0[0].apply(.arcTangent2, $0[1]) }
        return (real, try i.inverseHyperbolicSine(try i.crossed(high, low)))
    }
    table.complexFunction("acosh") { (i, z) throws(ImportError) in
        let (low, high) = (try i.root(try i.shifted(z, sign: 1, by: -1)), try i.root(try i.shifted(z, sign: 1, by: 1)))
        let real = try i.formula([low.real, low.imaginary, high.real, high.imaginary]) {
            $0[0] * $0[2] + $0[1] * $0[3]
        }
        let imaginary = try i.formula([low.imaginary, high.real]) { 2 * $0[0].apply(.arcTangent2, $0[1]) }
        return (try i.inverseHyperbolicSine(real), imaginary)
    }
    table.complexFunction("atanh") { (i, z) throws(ImportError) in try i.inverseHyperbolicTangent(z) }
    table.complexFunction("atan") { (i, z) throws(ImportError) in
        try i.turnedBack(try i.inverseHyperbolicTangent(try i.turned(z)))
    }
}

extension OperatorTable {
    /// Adds a function of one complex tensor, which is computed in the parts' compute type and rounded once.
    fileprivate mutating func complexFunction(
        _ name: String, body: @escaping @Sendable (inout Importer, ComplexParts) throws(ImportError) -> ComplexParts
    ) {
        onComplex(name) { (i) throws(ImportError) in
            let parts = try i.parts("self")
            let element = i.element(parts.real)
            let result = try body(&i, try i.widened((parts.real, parts.imaginary)))
            return [i.complex(try i.cast(result.real, element), try i.cast(result.imaginary, element))]
        }
    }
}

extension Importer {
    /// `e^z`.
    mutating func exponential(_ z: ComplexParts) throws(ImportError) -> ComplexParts {
        let operands = [z.real, z.imaginary]
        let real = try formula(operands) { $0[0].exp * $0[1].apply(.cosine) }
        return (real, try formula(operands) { $0[0].exp * $0[1].apply(.sine) })
    }

    /// The principal logarithm.
    mutating func logarithm(_ z: ComplexParts) throws(ImportError) -> ComplexParts {
        let real = try formula([z.real, z.imaginary]) { v in
            let (a, b) = (v[0].absolute, v[1].absolute)
            let (great, small) = (a.maximum(b), a.minimum(b))
            let ratio = small / great
            let far = great.log + (ratio * ratio).log1p / 2
            // Near the unit circle the logarithm is a small difference, which the square's distance from 1 keeps.
            let near = ((great - 1) * (great + 1) + small * small).log1p / 2
            let isNear = great.greater(0.5).and(great.less(2))
            return great.equal(0).select(.number(-.infinity), isNear.select(near, far))
        }
        return (real, try formula([z.imaginary, z.real]) { $0[0].apply(.arcTangent2, $0[1]) })
    }

    /// The principal square root.
    mutating func root(_ z: ComplexParts) throws(ImportError) -> ComplexParts {
        // √((|z| + |x|) / 2), of which the other part follows by a division.
        let greater = try formula([z.real, z.imaginary]) { v in
            let (a, b) = (v[0].absolute, v[1].absolute)
            let scale = a.maximum(b)
            let (c, d) = (a / scale, b / scale)
            let size = ((c * c + d * d).squareRoot + c) / 2
            return scale.equal(0).select(0, scale.squareRoot * size.squareRoot)
        }
        let operands = [z.real, z.imaginary, greater]
        func other(_ v: [Formula]) -> Formula { v[2].equal(0).select(0, v[1].absolute / (2 * v[2])) }
        let real = try formula(operands) { $0[0].less(0).select(other($0), $0[2]) }
        let imaginary = try formula(operands) { v in
            let size = v[0].less(0).select(v[2], other(v))
            return v[1].less(0).select(-size, size)
        }
        return (real, imaginary)
    }

    /// `1 / z`.
    fileprivate mutating func reciprocal(_ z: ComplexParts) throws(ImportError) -> ComplexParts {
        let type = type(z.real)
        return try quotient((try full(1, type), try full(0, type)), z)
    }

    /// `iz`.
    fileprivate mutating func turned(_ z: ComplexParts) throws(ImportError) -> ComplexParts {
        (try formula(z.imaginary) { -$0 }, z.real)
    }

    /// `−iz`.
    fileprivate mutating func turnedBack(_ z: ComplexParts) throws(ImportError) -> ComplexParts {
        (z.imaginary, try formula(z.real) { -$0 })
    }

    /// `sign · z + by`.
    fileprivate mutating func shifted(_ z: ComplexParts, sign: Double, by: Double) throws(ImportError) -> ComplexParts {
        let real = try formula(z.real) { $0 * .number(sign) + .number(by) }
        return (real, sign < 0 ? try formula(z.imaginary) { -$0 } : z.imaginary)
    }

    /// The imaginary part of `conj(a) · b`.
    fileprivate mutating func crossed(_ a: ComplexParts, _ b: ComplexParts) throws(ImportError) -> Value {
        try formula([a.real, a.imaginary, b.real, b.imaginary]) { $0[0] * $0[3] - $0[1] * $0[2] }
    }

    /// `sinh z = sinh x cos y + i cosh x sin y`.
    fileprivate mutating func hyperbolicSine(_ z: ComplexParts) throws(ImportError) -> ComplexParts {
        let operands = [z.real, z.imaginary]
        let real = try formula(operands) { Self.hyperbolicSine($0[0]) * $0[1].apply(.cosine) }
        return (real, try formula(operands) { ($0[0].exp + (-$0[0]).exp) / 2 * $0[1].apply(.sine) })
    }

    /// `cosh z = cosh x cos y + i sinh x sin y`.
    fileprivate mutating func hyperbolicCosine(_ z: ComplexParts) throws(ImportError) -> ComplexParts {
        let operands = [z.real, z.imaginary]
        let real = try formula(operands) { ($0[0].exp + (-$0[0]).exp) / 2 * $0[1].apply(.cosine) }
        return (real, try formula(operands) { Self.hyperbolicSine($0[0]) * $0[1].apply(.sine) })
    }

    private static func hyperbolicSine(_ x: Formula) -> Formula {
        let e = x.expm1
        return x.absolute.less(1).select((e + e / (e + 1)) / 2, (x.exp - (-x).exp) / 2)
    }

    /// `tanh z`, with everything over `e^(2|x|)` so that nothing overflows.
    fileprivate mutating func hyperbolicTangent(_ z: ComplexParts) throws(ImportError) -> ComplexParts {
        let operands = [z.real, z.imaginary]
        func divisor(_ v: [Formula]) -> (decay: Formula, Formula) {
            let decay = (-2 * v[0].absolute).exp
            let (rest, cosine) = ((-2 * v[0].absolute).expm1, v[1].apply(.cosine))
            return (decay, rest * rest + 4 * decay * cosine * cosine)
        }
        let real = try formula(operands) { v in
            v[0].apply(.sign) * -((-4 * v[0].absolute).expm1) / divisor(v).1
        }
        let imaginary = try formula(operands) { v in
            let (decay, divisor) = divisor(v)
            return 4 * decay * v[1].apply(.sine) * v[1].apply(.cosine) / divisor
        }
        return (real, imaginary)
    }

    /// The real function, of whole tensors.
    fileprivate mutating func inverseHyperbolicSine(_ x: Value) throws(ImportError) -> Value {
        try formula(x) { x in
            let a = x.absolute
            let small = (a + a * a / (1 + (1 + a * a).squareRoot)).log1p
            let large = a.log + .number(0.693147180559945309417)
            return x.apply(.sign) * a.less(1e6).select(small, large)
        }
    }

    /// `arcsin z`.
    fileprivate mutating func arcSine(_ z: ComplexParts) throws(ImportError) -> ComplexParts {
        let (low, high) = (try root(try shifted(z, sign: -1, by: 1)), try root(try shifted(z, sign: 1, by: 1)))
        let real = try formula([z.real, low.real, low.imaginary, high.real, high.imaginary]) {
            $0[0].apply(.arcTangent2, $0[1] * $0[3] - $0[2] * $0[4])
        }
        return (real, try inverseHyperbolicSine(try crossed(low, high)))
    }

    /// `artanh z`.
    fileprivate mutating func inverseHyperbolicTangent(_ z: ComplexParts) throws(ImportError) -> ComplexParts {
        let operands = [z.real, z.imaginary]
        let real = try formula(operands) { v in
            // The magnitude's, for an odd function: so no logarithm is taken near −1.
            let a = v[0].absolute
            let distance = (1 - a) * (1 - a) + v[1] * v[1]
            return v[0].apply(.sign) * (4 * a / distance).log1p / 4
        }
        let imaginary = try formula(operands) { v in
            (2 * v[1]).apply(.arcTangent2, (1 - v[0]) * (1 + v[0]) - v[1] * v[1]) / 2
        }
        return (real, imaginary)
    }
}
