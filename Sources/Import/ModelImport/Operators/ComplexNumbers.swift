import ElementTypes
import GraphIR
import ModelFiles

/// Making, taking apart, filling and converting complex tensors.
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
    // A real result is the real part, but every part counts for a truth value.
    table.onComplex("to", "_to_copy") { (i) throws(ImportError) in
        let (real, imaginary) = try i.parts("self")
        let element = try i.declaredResult().element
        if i.declaresComplex == true { return [i.complex(try i.cast(real, element), try i.cast(imaginary, element))] }
        if element == .bool { return [i.fresh(try i.isNotZero((real, imaginary)))] }
        return [i.fresh(try i.cast(real, element))]
    }
    table.onComplex("ones_like") { (i) throws(ImportError) in [i.fresh(try i.full(1, try i.declaredResult()))] }
    // Factors are no sums: parts that are multiplied into their places apart would be wrong.
    table.onComplex("scatter") { (i) throws(ImportError) in
        if i.has("reduce"), try i.string("reduce") == "multiply" { throw i.unsupported("products of complex numbers") }
        guard let rule = OperatorTable.shared.handler(i.call.name) else { throw i.unsupported("complex operands") }
        return try i.runPartwise(rule)
    }
}
