import ElementTypes
import GraphIR
import ModelFiles

/// Making, taking apart and multiplying complex tensors.
func registerComplexNumbers(_ table: inout OperatorTable) {
    table.on("view_as_complex") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let last = i.rank(x) - 1
        return [i.complex(try i.select(x, last, 0), try i.select(x, last, 1))]
    }
    table.on("complex") { (i) throws(ImportError) in [i.complex(try i.tensor("real"), try i.tensor("imag"))] }
    table.on("polar") { (i) throws(ImportError) in
        let operands = [try i.tensor("abs"), try i.tensor("angle")]
        let real = try i.formula(operands) { $0[0] * $0[1].apply(.cosine) }
        return [i.complex(real, try i.formula(operands) { $0[0] * $0[1].apply(.sine) })]
    }
    table.onComplex("view_as_real") { (i) throws(ImportError) in
        let (real, imaginary) = try i.parts("self")
        let last = i.rank(real)
        return [i.fresh(try i.concatenate([try i.unsqueeze(real, last), try i.unsqueeze(imaginary, last)], last))]
    }
    table.onComplex("real") { (i) throws(ImportError) in [i.fresh(try i.parts("self").real)] }
    table.onComplex("imag") { (i) throws(ImportError) in [i.fresh(try i.parts("self").imaginary)] }
    table.onComplex("abs") { (i) throws(ImportError) in
        let (real, imaginary) = try i.parts("self")
        // Scaled by the larger part, so that squares neither overflow nor vanish.
        return [
            i.fresh(
                try i.formula([real, imaginary]) { v in
                    let (a, b) = (v[0].absolute, v[1].absolute)
                    let great = a.maximum(b)
                    let ratio = a.minimum(b) / great
                    return great.equal(0).select(0, great * (1 + ratio * ratio).squareRoot)
                })
        ]
    }
    table.onComplex("angle") { (i) throws(ImportError) in
        let (real, imaginary) = try i.parts("self")
        return [i.fresh(try i.formula([imaginary, real]) { $0[0].apply(.arcTangent2, $0[1]) })]
    }
    table.onComplex("_conj", "conj", "_conj_physical", "conj_physical") { (i) throws(ImportError) in
        let (real, imaginary) = try i.parts("self")
        return [i.complex(real, try i.formula(imaginary) { -$0 })]
    }
    table.onComplex("resolve_conj", "resolve_neg") { (i) throws(ImportError) in [try i.handle("self")] }
    for name in ["add", "sub"] {
        table.onComplex(name) { (i) throws(ImportError) in
            let alpha = i.has("alpha") ? try i.float("alpha") : 1
            let factor = Formula.number(name == "add" ? alpha : -alpha)
            let (a, b) = (try i.complexOperand("self"), try i.complexOperand("other"))
            let real = try i.formula([a.real, b.real]) { $0[0] + $0[1] * factor }
            return [i.complex(real, try i.formula([a.imaginary, b.imaginary]) { $0[0] + $0[1] * factor })]
        }
    }
    table.onComplex("mul") { (i) throws(ImportError) in
        let (a, b) = (try i.complexOperand("self"), try i.complexOperand("other"))
        let operands = [a.real, a.imaginary, b.real, b.imaginary]
        let real = try i.formula(operands) { $0[0] * $0[2] - $0[1] * $0[3] }
        return [i.complex(real, try i.formula(operands) { $0[0] * $0[3] + $0[1] * $0[2] })]
    }
    table.onComplex("div") { (i) throws(ImportError) in
        let (a, b) = (try i.complexOperand("self"), try i.complexOperand("other"))
        let operands = [a.real, a.imaginary, b.real, b.imaginary]
        func divided(_ v: [Formula], _ numerator: Formula) -> Formula { numerator / (v[2] * v[2] + v[3] * v[3]) }
        let real = try i.formula(operands) { divided($0, $0[0] * $0[2] + $0[1] * $0[3]) }
        return [i.complex(real, try i.formula(operands) { divided($0, $0[1] * $0[2] - $0[0] * $0[3]) })]
    }
    table.onComplex("exp") { (i) throws(ImportError) in
        let (real, imaginary) = try i.parts("self")
        let operands = [real, imaginary]
        let first = try i.formula(operands) { $0[0].exp * $0[1].apply(.cosine) }
        return [i.complex(first, try i.formula(operands) { $0[0].exp * $0[1].apply(.sine) })]
    }
}

extension Importer {
    /// A complex, real or constant operand as two real values of the declared result's type.
    fileprivate mutating func complexOperand(_ name: String) throws(ImportError) -> (real: Value, imaginary: Value) {
        let element = try declaredResult().element
        switch argument(name) {
        case .tensor:
            let handle = try handle(name)
            let real = try cast(try read(handle), element)
            guard let other = imaginary(handle) else { return (real, try scalar(0, element)) }
            return (real, try cast(try read(other), element))
        case .complex(let real, let imaginary): return (try scalar(real, element), try scalar(imaginary, element))
        default: return (try value(try scalarArgument(name), element), try scalar(0, element))  // A real number.
        }
    }
}
