import ElementTypes
import GraphIR
import ModelFiles

/// Activation functions. Each is one map with one rounding at its end, as PyTorch's kernels compute in f32.
func registerActivations(_ table: inout OperatorTable) {
    func activation(
        _ names: String..., rule: @escaping @Sendable (inout Importer) throws(ImportError) -> (Formula) -> Formula
    ) {
        for name in names {
            table.value(name) { (i) throws(ImportError) in
                let x = try i.tensor("self")
                let body = try rule(&i)
                return try i.formula(x, body)
            }
        }
    }
    func fixed(_ names: String..., body: @escaping @Sendable (Formula) -> Formula) {
        for name in names { table.value(name) { (i) throws(ImportError) in try i.formula(try i.tensor("self"), body) } }
    }

    fixed("silu") { $0 / (1 + (-$0).exp) }
    // x·tanh(log(1 + eˣ)) with one exponential: tanh(log u) = (u² − 1) / (u² + 1). From 20 on the quotient is 1 in f64, too.
    fixed("mish") { x in
        let e = x.minimum(20).exp
        let n = e * (e + 2)
        return x * (n / (n + 2))
    }
    fixed("relu6") { $0.maximum(0).minimum(6) }
    fixed("hardsigmoid") { ($0 + 3).maximum(0).minimum(6) / 6 }
    fixed("hardswish") { $0 * ($0 + 3).maximum(0).minimum(6) / 6 }
    fixed("log_sigmoid") { $0.minimum(0) - (-$0.absolute).exp.log1p }
    fixed("selu") { x in
        let scale = Formula.number(1.0507009873554804934193349852946)
        let negative = Formula.number(1.0507009873554804934193349852946 * 1.6732632423543772848170429916717)
        return x.lessOrEqual(0).select(x.expm1 * negative, x * scale)
    }
    fixed("tanhshrink") { $0 - $0.tanh }
    fixed("softsign") { $0 / (1 + $0.absolute) }
    table.values("log_sigmoid_forward") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let result = try i.formula(x) { $0.minimum(0) - (-$0.absolute).exp.log1p }
        return [result, try i.formula(x) { (-$0.absolute).exp }]
    }
    activation("gelu") { (i) throws(ImportError) in
        switch try i.string("approximate") {
        case "none": return { $0 * 0.5 * (1 + ($0 * .number(0.70710678118654752440)).erf) }
        case "tanh":
            return { x in
                let inner = x + .number(0.044715) * (x * x * x)
                return 0.5 * x * (1 + (.number(0.79788456080286535588) * inner).tanh)
            }
        case let other: throw i.unsupported("approximate = '\(other)'")
        }
    }
    activation("hardtanh") { (i) throws(ImportError) in
        let (low, high) = (try i.float("min_val"), try i.float("max_val"))
        return { $0.maximum(.number(low)).minimum(.number(high)) }
    }
    activation("leaky_relu") { (i) throws(ImportError) in
        let slope = try i.float("negative_slope")
        return { $0.greater(0).select($0, $0 * .number(slope)) }
    }
    activation("elu") { (i) throws(ImportError) in
        let (alpha, scale) = (try i.float("alpha"), try i.float("scale"))
        let inner = try i.float("input_scale")
        return { x in
            let negative = (x * .number(inner)).expm1 * .number(alpha * scale)
            return x.lessOrEqual(0).select(negative, x * .number(scale))
        }
    }
    activation("celu") { (i) throws(ImportError) in
        let alpha = try i.float("alpha")
        return { $0.lessOrEqual(0).select(($0 * .number(1 / alpha)).expm1 * .number(alpha), $0) }
    }
    activation("softplus") { (i) throws(ImportError) in
        let (beta, threshold) = (try i.float("beta"), try i.float("threshold"))
        return { x in
            let scaled = x * .number(beta)
            return scaled.greater(.number(threshold)).select(x, scaled.exp.log1p / .number(beta))
        }
    }
    activation("hardshrink") { (i) throws(ImportError) in
        let bound = try i.float("lambd")
        return { $0.greaterOrEqual(.number(-bound)).and($0.lessOrEqual(.number(bound))).select(0, $0) }
    }
    activation("softshrink") { (i) throws(ImportError) in
        let bound = try i.float("lambd")
        return { x in
            let low = x.less(.number(-bound)).select(x + .number(bound), x * 0)
            return x.greater(.number(bound)).select(x - .number(bound), low)
        }
    }
    activation("threshold") { (i) throws(ImportError) in
        let (bound, value) = (try i.float("threshold"), try i.float("value"))
        return { $0.lessOrEqual(.number(bound)).select(.number(value), $0) }
    }
    activation("rrelu") { (i) throws(ImportError) in
        if try i.bool("training") { throw .random(i.site) }
        let slope = (try i.float("lower") + i.float("upper")) / 2
        return { $0.greaterOrEqual(0).select($0, $0 * .number(slope)) }
    }
    table.value("prelu", "_prelu_kernel") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        var weight = try i.tensor("weight")
        // One slope a channel, or one for all; `_prelu_kernel` gets it in place already.
        if i.rank(weight) <= 1, i.rank(x) > 1, i.call.name.base == "prelu" {
            var shape = Shape(repeating: 1, count: i.rank(x))
            shape[1] = elementCount(i.shape(weight))
            weight = try i.reshape(weight, shape)
        }
        return try i.formula([x, weight]) { $0[0].greater(0).select($0[0], $0[0] * $0[1]) }
    }
    table.value("glu") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let axis = try i.axis("dim", i.rank(x))
        let half = i.shape(x)[axis].floorDivided(by: 2, i.builder.graph.ranges)
        let value = try i.slice(x, axis, 0, half)
        let gate = try i.slice(x, axis, half, half)
        return try i.formula([value, gate]) { $0[0] * $0[1].sigmoid }
    }
}
