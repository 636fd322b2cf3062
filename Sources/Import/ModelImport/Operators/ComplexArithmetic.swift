import ElementTypes
import GraphIR
import ModelFiles

/// The real and the imaginary part of a complex tensor.
typealias ComplexParts = (real: Value, imaginary: Value)

/// Sums, products, quotients, powers, comparisons and reductions of complex tensors.
func registerComplexArithmetic(_ table: inout OperatorTable) {
    registerComplexSums(&table)
    registerComplexProducts(&table)
    registerComplexTruth(&table)
    registerComplexReductions(&table)
}

private func registerComplexSums(_ table: inout OperatorTable) {
    for (names, sign) in [(["add"], 1.0), (["sub", "subtract"], -1)] {
        for name in names {
            table.onComplex(name) { (i) throws(ImportError) in
                let (a, b) = (try i.complexOperand("self"), try i.complexOperand("other"))
                let factor = i.has("alpha") ? try i.complexNumber("alpha") : (real: 1, imaginary: 0)
                let scaled = try i.scaled(b, (factor.real * sign, factor.imaginary * sign))
                let real = try i.formula([a.real, scaled.real]) { $0[0] + $0[1] }
                return [i.complex(real, try i.formula([a.imaginary, scaled.imaginary]) { $0[0] + $0[1] })]
            }
        }
    }
    table.onComplex("mul", "multiply") { (i) throws(ImportError) in
        let (a, b) = (try i.complexOperand("self"), try i.complexOperand("other"))
        return i.complex(try i.product(a, b))
    }
    table.onComplex("div", "divide", "true_divide") { (i) throws(ImportError) in
        let (a, b) = (try i.complexOperand("self"), try i.complexOperand("other"))
        return i.complex(try i.quotient(a, b))
    }
    table.onComplex("pow") { (i) throws(ImportError) in
        let element = try i.declaredResult().element
        let base = try i.widened(try i.complexOperand("self"))
        let exponent = try i.widened(try i.complexOperand("exponent"))
        let power = try i.exponential(try i.product(exponent, try i.logarithm(base)))
        // Zero has no logarithm: its powers are zero, and one where the exponent is zero.
        let zero = try i.isNotZero(base)
        let none = try i.isNotZero(exponent)
        let real = try i.map([zero, none, power.real], as: element) { s, t in
            let (one, nothing) = (s.number(1, element.computeType), s.number(0, element.computeType))
            return s.apply(.select, t[1], s.apply(.select, t[0], t[2], nothing), one)
        }
        let imaginary = try i.map([zero, none, power.imaginary], as: element) { s, t in
            s.apply(.select, s.apply(.and, t[0], t[1]), t[2], s.number(0, element.computeType))
        }
        return [i.complex(real, imaginary)]
    }
}

private func registerComplexProducts(_ table: inout OperatorTable) {
    func products(_ name: String, _ first: String, _ second: String, batchRank: Int) {
        table.onComplex(name) { (i) throws(ImportError) in
            let (a, b) = (try i.complexOperand(first), try i.complexOperand(second))
            let result = try i.contracted(.matrixProduct(batchRank: batchRank), a, b)
            guard name == "addmm" || name == "baddbmm" else { return i.complex(result) }
            let scaled = try i.scaled(result, try i.complexNumber("alpha"))
            let beta = try i.complexNumber("beta")
            if beta == (0, 0) { return i.complex(scaled) }
            let bias = try i.scaled(try i.complexOperand("self"), beta)
            let real = try i.formula([scaled.real, bias.real]) { $0[0] + $0[1] }
            return [i.complex(real, try i.formula([scaled.imaginary, bias.imaginary]) { $0[0] + $0[1] })]
        }
    }
    products("mm", "self", "mat2", batchRank: 0)
    products("bmm", "self", "mat2", batchRank: 1)
    products("addmm", "mat1", "mat2", batchRank: 0)
    products("baddbmm", "batch1", "batch2", batchRank: 1)
}

private func registerComplexTruth(_ table: inout OperatorTable) {
    for (names, isEqual) in [(["eq"], true), (["ne", "not_equal"], false)] {
        for name in names {
            table.onComplex(name) { (i) throws(ImportError) in
                let element = try i.commonPart(["self", "other"])
                let (a, b) = (try i.complexOperand("self", element), try i.complexOperand("other", element))
                let operands = [a.real, b.real, a.imaginary, b.imaginary]
                let result = try i.formula(operands, as: .bool) { v in
                    let equal = v[0].equal(v[1]).and(v[2].equal(v[3]))
                    return isEqual ? equal : equal.not
                }
                return [i.fresh(result)]
            }
        }
    }
    for (name, operation) in [
        ("logical_and", ScalarOperation.and), ("logical_or", .or), ("logical_xor", .exclusiveOr),
    ] {
        table.onComplex(name) { (i) throws(ImportError) in
            let element = try i.commonPart(["self", "other"])
            let a = try i.isNotZero(try i.complexOperand("self", element))
            let b = try i.isNotZero(try i.complexOperand("other", element))
            return [i.fresh(try i.formula([a, b]) { $0[0].apply(operation, $0[1]) })]
        }
    }
    table.onComplex("logical_not") { (i) throws(ImportError) in
        [i.fresh(try i.formula(try i.isNotZero(try i.parts("self"))) { $0.not })]
    }
    table.onComplex("isnan") { (i) throws(ImportError) in
        let (real, imaginary) = try i.parts("self")
        return [i.fresh(try i.formula([real, imaginary], as: .bool) { $0[0].isNaN.or($0[1].isNaN) })]
    }
    table.onComplex("isinf") { (i) throws(ImportError) in
        let (real, imaginary) = try i.parts("self")
        let infinity = Formula.number(.infinity)
        return [
            i.fresh(
                try i.formula([real, imaginary], as: .bool) {
                    $0[0].absolute.equal(infinity).or($0[1].absolute.equal(infinity))
                })
        ]
    }
}

private func registerComplexReductions(_ table: inout OperatorTable) {
    table.onComplex("any", "all") { (i) throws(ImportError) in
        let truth = try i.isNotZero(try i.parts("self"))
        let (axes, keep) = try i.reducedAxes(truth)
        return [i.fresh(try i.reduce(i.call.name.base == "any" ? .any : .all, truth, axes, keep: keep))]
    }
    // Squared distances in the plane: the variances of both parts together.
    table.onComplex("var") { (i) throws(ImportError) in
        guard let rule = OperatorTable.shared.handler(i.call.name) else { throw i.unsupported("complex operands") }
        defer { i.part = nil }
        var parts: [Value] = []
        for part in [Importer.ComplexPart.real, .imaginary] {
            i.part = part
            guard case let handle?? = try rule(&i).first else { throw i.unsupported("complex operands") }
            parts.append(try i.read(handle))
        }
        return [i.fresh(try i.formula(parts) { $0[0] + $0[1] })]
    }
    table.onComplex("prod") { (i) throws(ImportError) in
        let element = try i.declaredResult().element
        let (real, imaginary) = try i.parts("self")
        var x = try i.widened((try i.cast(real, element), try i.cast(imaginary, element)))
        let (axes, keep) = try i.reducedAxes(real)
        for axis in axes { x = try i.product(x, along: axis) }
        if !keep { x = (try i.dropping(x.real, axes), try i.dropping(x.imaginary, axes)) }
        return [i.complex(try i.cast(x.real, element), try i.cast(x.imaginary, element))]
    }
}

extension Importer {
    /// One complex result.
    mutating func complex(_ parts: ComplexParts) -> [TensorHandle?] { [complex(parts.real, parts.imaginary)] }

    /// A complex, real or constant operand as two real values of an element type, that of the declared result where nil.
    mutating func complexOperand(_ name: String, _ element: ElementType? = nil) throws(ImportError) -> ComplexParts {
        let element = if let element { element } else { try declaredResult().element }
        switch argument(name) {
        case .tensor:
            let handle = try handle(name)
            let real = try cast(try read(handle), element)
            guard let other = imaginary(handle) else { return (real, try full(0, type(real))) }
            return (real, try cast(try read(other), element))
        case .complex(let real, let imaginary): return (try scalar(real, element), try scalar(imaginary, element))
        default: return (try value(try scalarArgument(name), element), try scalar(0, element))  // A real number.
        }
    }

    /// The element type that the parts of several operands have in common; numbers take that of the tensors.
    fileprivate mutating func commonPart(_ names: [String]) throws(ImportError) -> ElementType {
        var common: ElementType?
        for name in names {
            guard case .tensor = argument(name) else { continue }
            let element = element(try tensor(name))
            common = common?.promoted(with: element) ?? element
        }
        return common ?? .f32
    }

    /// A complex or real number argument.
    fileprivate func complexNumber(_ name: String) throws(ImportError) -> (real: Double, imaginary: Double) {
        if case .complex(let real, let imaginary) = argument(name) { return (real, imaginary) }
        return (try float(name), 0)
    }

    /// Both parts in the type that PyTorch accumulates in.
    mutating func widened(_ x: ComplexParts) throws(ImportError) -> ComplexParts {
        (try widened(x.real), try widened(x.imaginary))
    }

    /// Whether a complex number is not zero.
    mutating func isNotZero(_ x: ComplexParts) throws(ImportError) -> Value {
        try formula([x.real, x.imaginary], as: .bool) { $0[0].apply(.notEqual, 0).or($0[1].apply(.notEqual, 0)) }
    }

    /// A tensor times a number.
    fileprivate mutating func scaled(
        _ x: ComplexParts, _ factor: (real: Double, imaginary: Double)
    ) throws(ImportError) -> ComplexParts {
        if factor == (1, 0) { return x }
        let (a, b) = (Formula.number(factor.real), Formula.number(factor.imaginary))
        if factor.imaginary == 0 {
            return (try formula(x.real) { $0 * a }, try formula(x.imaginary) { $0 * a })
        }
        let operands = [x.real, x.imaginary]
        return (
            try formula(operands) { $0[0] * a - $0[1] * b }, try formula(operands) { $0[0] * b + $0[1] * a }
        )
    }

    /// `a · b`, element by element.
    mutating func product(_ a: ComplexParts, _ b: ComplexParts) throws(ImportError) -> ComplexParts {
        let operands = [a.real, a.imaginary, b.real, b.imaginary]
        let real = try formula(operands) { $0[0] * $0[2] - $0[1] * $0[3] }
        return (real, try formula(operands) { $0[0] * $0[3] + $0[1] * $0[2] })
    }

    /// `a / b`, element by element; both are divided by the larger part of `b`, so that its square neither overflows nor vanishes.
    mutating func quotient(_ a: ComplexParts, _ b: ComplexParts) throws(ImportError) -> ComplexParts {
        let operands = [a.real, a.imaginary, b.real, b.imaginary]
        func divided(_ v: [Formula], _ first: Formula, _ second: Formula) -> Formula {
            let scale = v[2].absolute.maximum(v[3].absolute)
            let (c, d) = (v[2] / scale, v[3] / scale)
            return (first * c + second * d) / (c * c + d * d) / scale
        }
        let real = try formula(operands) { divided($0, $0[0], $0[1]) }
        return (real, try formula(operands) { divided($0, $0[1], -$0[0]) })
    }

    /// Products of all elements along an axis, which stays with extent 1: halves are multiplied until one is left.
    fileprivate mutating func product(_ x: ComplexParts, along axis: Int) throws(ImportError) -> ComplexParts {
        guard var count = shape(x.real)[axis].constantValue else { throw unsupported("products of a symbolic extent") }
        if count == 0 {
            var shape = shape(x.real)
            shape[axis] = 1
            return (try full(1, TensorType(element(x.real), shape)), try full(0, TensorType(element(x.real), shape)))
        }
        func part(_ x: ComplexParts, _ start: Int, _ length: Int, _ i: inout Importer) throws(ImportError)
            -> ComplexParts
        {
            let (start, length) = (Dimension(start), Dimension(length))
            return (try i.slice(x.real, axis, start, length), try i.slice(x.imaginary, axis, start, length))
        }
        var rest = x
        while count > 1 {
            let half = count / 2
            let pairs = try product(try part(rest, 0, half, &self), try part(rest, half, half, &self))
            if count % 2 == 0 {
                rest = pairs
            } else {
                let last = try part(rest, count - 1, 1, &self)
                rest = (
                    try concatenate([pairs.real, last.real], axis),
                    try concatenate([pairs.imaginary, last.imaginary], axis)
                )
            }
            count -= half
        }
        return rest
    }

    /// A contraction of complex tensors as four of their parts.
    fileprivate mutating func contracted(
        _ contract: Contract, _ a: ComplexParts, _ b: ComplexParts
    ) throws(ImportError) -> ComplexParts {
        func times(_ a: Value, _ b: Value, _ i: inout Importer) throws(ImportError) -> Value {
            try i.add(.contract(contract), [a, b])
        }
        let squares = [try times(a.real, b.real, &self), try times(a.imaginary, b.imaginary, &self)]
        let crosses = [try times(a.real, b.imaginary, &self), try times(a.imaginary, b.real, &self)]
        return (try formula(squares) { $0[0] - $0[1] }, try formula(crosses) { $0[0] + $0[1] })
    }
}
