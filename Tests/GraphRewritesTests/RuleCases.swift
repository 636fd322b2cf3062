import ElementTypes
import GraphIR

/// A small graph on which one rule applies.
struct RuleCase: CustomStringConvertible, Sendable {
    let rule: String
    let build: @Sendable (inout TestGraph) throws -> Value

    init(_ rule: String, _ build: @escaping @Sendable (inout TestGraph) throws -> Value) {
        self.rule = rule
        self.build = build
    }

    var description: String { rule }
}

let viewCases: [RuleCase] = [
    RuleCase("view that changes nothing -> its operand") { g in
        try g.view(.permute([0, 1]), try g.input([2, 3]))
    },
    RuleCase("reshape of reshape -> reshape") { g in
        try g.b.reshape(try g.b.reshape(try g.input([2, 6]), [3, 4]), [12])
    },
    RuleCase("permute of permute -> permute") { g in
        try g.view(.permute([1, 2, 0]), try g.view(.permute([2, 1, 0]), try g.input([2, 3, 4])))
    },
    RuleCase("permute of extents 1 -> reshape") { g in try g.view(.permute([1, 0, 2]), try g.input([2, 1, 3])) },
    RuleCase("expand of expand -> expand") { g in
        try g.b.expand(try g.b.expand(try g.input([3]), [2, 3]), [4, 2, 3])
    },
    RuleCase("expand that repeats nothing -> reshape") { g in try g.b.expand(try g.input([3]), [1, 1, 3]) },
    RuleCase("permute of expand -> expand of permute") { g in
        try g.view(.permute([2, 0, 1]), try g.b.expand(try g.input([3, 1]), [2, 3, 4]))
    },
    RuleCase("slice of expand -> expand of slice") { g in
        let expanded = try g.b.expand(try g.input([4, 1]), [2, 4, 6])
        let first = try g.view(.slice(axis: 1, start: 1, count: 2, step: 2), expanded)
        return try g.view(.slice(axis: 2, start: 2, count: 3, step: 1), first)
    },
    RuleCase("slice of slice -> slice") { g in
        let first = try g.view(.slice(axis: 0, start: 1, count: 5, step: 2), try g.input([12]))
        return try g.view(.slice(axis: 0, start: 1, count: 2, step: 3), first)
    },
    RuleCase("flip of flip -> flip") { g in
        try g.view(.flip([0, 1]), try g.view(.flip([1]), try g.input([2, 3])))
    },
    RuleCase("pad of pad -> pad") { g in
        let inner = try g.view(.pad(low: [1, 0], high: [0, 2], value: .init(7)), try g.input([2, 3]))
        return try g.view(.pad(low: [0, 3], high: [1, 0], value: .init(7)), inner)
    },
    RuleCase("concatenation of one -> its operand") { g in
        try g.b.add(.concatenate(axis: 0), [try g.input([2, 3])])
    },
]

let mapCases: [RuleCase] = [
    RuleCase("map that returns its operand -> the operand") { g in
        try g.b.add(.map(.identity(.f32)), [try g.input([3])])
    },
    RuleCase("map of constants broadcast -> map with numbers") { g in
        try g.apply(.multiply, try g.input([2, 3]), try g.number(0.3))
    },
    RuleCase("map with equal or unused operands -> map without") { g in
        let x = try g.input([4])
        return try g.apply(.multiply, x, x)
    },
    RuleCase("map that returns a number -> the number, broadcast") { g in
        try g.apply(.add, try g.b.expand(try g.number(2), [3]), try g.b.expand(try g.number(0.5), [3]))
    },
    RuleCase("map of map used once -> map") { g in
        try g.apply(.exp, try g.apply(.subtract, try g.input([2, 3]), try g.input([3])))
    },
    RuleCase("map of a widening conversion -> map") { g in
        let wide = try g.b.cast(try g.input([2, 8], .bf16), .f32)
        let sum = try g.reduce(.sum, wide, [1], keep: true)
        return try g.apply(.add, try g.apply(.multiply, wide, wide), sum)
    },
    RuleCase("map with a simpler expression -> the simpler map") { g in
        try g.apply(.negate, try g.apply(.negate, try g.input([3])))
    },
    RuleCase("map of expands -> expand of map") { g in
        let (a, b) = (try g.input([3, 1]), try g.input([2, 1, 1]))
        return try g.apply(.add, try g.b.expand(a, [2, 3, 5]), try g.b.expand(b, [2, 3, 5]))
    },
]

let constantCases: [RuleCase] = [
    RuleCase("dimension that is known -> constant") { g in try g.b.leaf(.dimension(12)) },
    RuleCase("constant of equal elements -> a scalar, broadcast") { g in
        try g.apply(.add, try g.input([3]), try g.constant([4, 4, 4], [3]))
    },
    RuleCase("view of a small constant -> constant") { g in
        var x = try g.constant((0..<24).map { Double($0) }, [2, 3, 4])
        x = try g.view(.permute([2, 0, 1]), x)
        x = try g.view(.slice(axis: 0, start: 1, count: 2, step: 2), x)
        x = try g.view(.flip([0, 2]), x)
        x = try g.view(.pad(low: [0, 1, 0], high: [1, 0, 2], value: .init(0.5)), x)
        return try g.view(.unfold(axis: 2, size: 3, step: 2), try g.b.reshape(x, [3, 5, 3]))
    },
    RuleCase("map of small constants -> constant") { g in
        try g.apply(.divide, try g.constant([1, 2, 3], [3]), try g.constant([3, 7, 0], [3]))
    },
    RuleCase("concatenation of small constants -> constant") { g in
        let a = try g.constant([1, 2, 3, 4], [2, 2])
        return try g.b.add(.concatenate(axis: 1), [a, try g.constant([5, 6], [2, 1]), a])
    },
]

let reduceCases: [RuleCase] = [
    RuleCase("reduction over extents 1 -> reduction over the others") { g in
        try g.reduce(.sum, try g.input([2, 1, 3]), [1, 2])
    },
    RuleCase("sum of sum used once -> sum, and other kinds") { g in
        try g.reduce(.maximum, try g.reduce(.maximum, try g.input([2, 3, 4]), [1]), [0])
    },
    RuleCase("reduction of permute -> permute of reduction") { g in
        try g.reduce(.sum, try g.view(.permute([3, 1, 0, 2]), try g.input([2, 3, 4, 5])), [1])
    },
]

let contractCases: [RuleCase] = [
    RuleCase("contract of permute -> contract with its labels permuted") { g in
        try g.contract(try g.input([2, 3]), try g.view(.permute([1, 0]), try g.weight("w", [4, 3])), "mk kn mn")
    },
    RuleCase("permute of contract used once -> contract with its result permuted") { g in
        let product = try g.contract(try g.input([2, 3, 4]), try g.weight("w", [5, 4]), "abk nk abn")
        return try g.view(.permute([1, 0, 2]), product)
    },
    RuleCase("contract of expand along a label that both have -> contract without") { g in
        let weight = try g.b.expand(try g.weight("w", [4, 5]), [2, 4, 5])
        return try g.contract(try g.input([2, 3, 4]), weight, "bmk bkn bmn")
    },
    RuleCase("contract along axes merged alike -> merged contract along the parts") { g in
        let left = try g.b.reshape(try g.input([2, 3, 4, 5]), [6, 4, 5])
        let right = try g.b.reshape(try g.input([2, 3, 5, 2]), [6, 5, 2])
        return try g.contract(left, right, "bmk bkn bmn")
    },
    RuleCase("contract along axes merged alike -> merged contract along the parts") { g in
        let left = try g.b.reshape(try g.input([1, 3, 4, 5]), [3, 4, 5])
        let right = try g.b.reshape(try g.input([1, 3, 5, 2]), [3, 5, 2])
        return try g.b.reshape(try g.contract(left, right, "bmk bkn bmn"), [1, 3, 4, 2])
    },
    RuleCase("contract along axes merged alike -> merged contract along the parts") { g in
        let left = try g.b.reshape(try g.input([1, 6, 4, 5]), [6, 4, 5])
        let right = try g.b.reshape(try g.input([1, 3, 2, 5, 2]), [6, 5, 2])
        return try g.contract(left, right, "bmk bkn bmn")
    },
    RuleCase("contract that sums one operand alone -> contract of the sum") { g in
        try g.contract(try g.input([2, 3, 4]), try g.input([4, 5]), "mzk kn mn")
    },
    RuleCase("contract that sums nothing -> map") { g in
        try g.contract(try g.input([2, 3, 1]), try g.input([2, 1, 4]), "bmk bkn nbm")
    },
]

let convolutionCases: [RuleCase] = [
    RuleCase("transposed convolution -> convolution by the filters of each step, interleaved") { g in
        let convolve = Convolve(
            stride: [2, 2], paddingLow: [1, 1], paddingHigh: [1, 1], dilation: [1, 1], isTransposed: true)
        return try g.b.add(.convolve(convolve), [try g.input([2, 4, 5, 5]), try g.weight("w", [4, 3, 3, 3])])
    }
]

let scaleCases: [RuleCase] = [
    RuleCase("product with a weight × scale of its channels -> product with the scaled weight") { g in
        let convolve = Convolve(stride: [1, 1], paddingLow: [1, 1], paddingHigh: [1, 1], dilation: [1, 1])
        let product = try g.b.add(.convolve(convolve), [try g.input([2, 3, 5, 5]), try g.weight("w", [4, 3, 3, 3])])
        return try batchNorm(&g, try g.apply(.add, product, try g.b.reshape(try g.weight("c", [4]), [4, 1, 1])))
    },
    RuleCase("product with a weight × scale of its channels -> product with the scaled weight") { g in
        let product = try g.contract(try g.input([3, 4]), try g.weight("w", [5, 4]), "mk nk mn")
        let scaled = try g.apply(
            .subtract, try g.weight("b", [5]), try g.apply(.multiply, product, try g.weight("s", [5])))
        return try g.apply(.maximum, scaled, try g.input([3, 5]))
    },
]

/// Batch normalisation in evaluation mode, as it imports, and a ReLU.
private func batchNorm(_ g: inout TestGraph, _ x: Value) throws -> Value {
    func channels(_ name: String, _ g: inout TestGraph) throws -> Value {
        try g.b.reshape(try g.weight(name, [4]), [1, 4, 1, 1])
    }
    let variance = try channels("variance", &g)
    let factor = try g.b.map([variance]) { s, t in
        s.apply(.reciprocalSquareRoot, s.apply(.add, s.apply(.multiply, t[0], t[0]), s.real(1e-3)))
    }
    let operands = [x, try channels("mean", &g), factor, try channels("gamma", &g), try channels("beta", &g)]
    let normal = try g.b.map(operands) { s, t in
        s.apply(.add, s.apply(.multiply, s.apply(.multiply, s.apply(.subtract, t[0], t[1]), t[2]), t[3]), t[4])
    }
    return try g.apply(.maximum, normal, try g.number(0))
}
