import ElementTypes
import GraphIR

/// How scores are masked before their softmax.
enum MaskForm: String, CaseIterable {
    case none, added, whereHidden, whereHiddenLow, computed
}

extension TestGraph {
    /// Attention spelt out over `[2, 3, 4, 8]` queries and `[2, 3, 5, 8]` keys.
    mutating func attention(
        mask: MaskForm, isSafe: Bool = false, scalesOperands: Bool = false, flattens: Bool = false,
        element: ElementType = .f32
    ) throws -> Value {
        var q = try input([2, 3, 4, 8], element)
        var k = try input([2, 3, 5, 8], element)
        var v = try input([2, 3, 5, 6], element)
        if scalesOperands {
            q = try apply(.multiply, q, try number(0.5, element))
            k = try view(.permute([0, 1, 3, 2]), try apply(.multiply, k, try number(0.7, element)))
        } else {
            k = try view(.permute([0, 1, 3, 2]), k)
        }
        if element != .f32 { (q, k) = (try b.cast(q, element), try b.cast(k, element)) }
        var scores: Value
        if flattens {
            let (left, right) = (try b.reshape(q, [6, 4, 8]), try b.reshape(k, [6, 8, 5]))
            scores = try b.reshape(try contract(left, right, "bmk bkn bmn"), [2, 3, 4, 5])
        } else {
            scores = try contract(q, k, "hbmk hbkn hbmn")
        }
        if !scalesOperands { scores = try b.cast(try apply(.divide, scores, try number(2.5, element)), element) }
        scores = try masked(scores, mask, element)
        let wide = try b.cast(scores, .f32)
        var weights = try softmax(wide, 3)
        if isSafe {
            let hidden = try b.map([scores]) { $0.apply(.equal, $1[0], $0.real(-.infinity)) }
            let shown = try reduce(.any, try apply(.not, hidden), [3], keep: true)
            weights = try apply(.select, try apply(.not, shown), try number(0), weights)
        }
        weights = try b.cast(weights, element)
        if flattens {
            weights = try b.reshape(weights, [6, 4, 5])
            v = try b.reshape(v, [6, 5, 6])
            return try b.reshape(try contract(weights, v, "bmk bkn bmn"), [2, 3, 4, 6])
        }
        return try contract(weights, v, "hbmk hbkn hbmn")
    }

    private mutating func masked(_ scores: Value, _ form: MaskForm, _ element: ElementType) throws -> Value {
        switch form {
        case .none: return scores
        case .added: return try b.cast(try apply(.add, scores, try input([2, 1, 1, 5], element)), element)
        case .whereHidden, .whereHiddenLow:
            let hidden = try input([4, 5], .bool)
            let fill = form == .whereHidden ? -Double.infinity : -3.4028234663852886e38
            return try b.cast(try apply(.select, hidden, try number(fill, element), scores), element)
        case .computed:
            let shown = try b.cast(try b.reshape(try input([2, 5], .i64), [2, 1, 1, 5]), .f32)
            let mask = try b.map([shown]) { $0.apply(.multiply, $0.apply(.subtract, $0.real(1), $1[0]), $0.real(-1e4)) }
            return try apply(.add, scores, mask)
        }
    }
}

private let spelledRule = "attention in f64, or in f32 of wide heads -> softmax(q·k × scale + mask)·v"
private let attentionRule = "softmax(q·k × scale + mask)·v -> attention"

let attentionCases: [RuleCase] =
    MaskForm.allCases.map { form in RuleCase(attentionRule) { g in try g.attention(mask: form) } }
    + MaskForm.allCases.map { form in RuleCase(attentionRule) { g in try g.attention(mask: form, isSafe: true) } }
    + MaskForm.allCases.map { form in
        RuleCase(attentionRule) { g in
            try g.attention(mask: form, isSafe: true, scalesOperands: true, flattens: true)
        }
    }
    + [
        RuleCase(attentionRule) { g in try g.attention(mask: .none, element: .bf16) },
        RuleCase(attentionRule) { g in try g.attention(mask: .added, isSafe: true, element: .bf16) },
        RuleCase(spelledRule) { g in
            let (q, k) = (try g.input([1, 2, 3, 512]), try g.input([1, 2, 4, 512]))
            return try g.b.add(.attend(Attend(hasMask: false, isCausal: false, scale: 0.05)), [q, k, k])
        },
        RuleCase(spelledRule) { g in
            let (q, k) = (try g.input([2, 6, 4, 8], .f64), try g.input([2, 3, 5, 8], .f64))
            let mask = try g.b.expand(try g.input([4, 5], .bool), [2, 6, 4, 5])
            let attend = Attend(hasMask: true, isCausal: true, scale: 0.3)
            return try g.b.add(.attend(attend), [q, k, try g.input([2, 3, 5, 6], .f64), mask])
        },
        RuleCase("attention over repeated keys and values -> attention of groups") { g in
            let q = try g.b.reshape(try g.input([1, 6, 4, 8]), [6, 4, 8])
            func repeated(_ g: inout TestGraph) throws -> Value {
                let x = try g.b.reshape(try g.input([1, 3, 5, 8]), [1, 3, 1, 5, 8])
                return try g.b.expand(x, [1, 3, 2, 5, 8])
            }
            let k = try g.view(.permute([0, 1, 3, 2]), try g.b.reshape(try repeated(&g), [1, 6, 5, 8]))
            let scores = try g.contract(q, try g.b.reshape(k, [6, 8, 5]), "bmk bkn bmn")
            let weights = try g.softmax(try g.b.reshape(scores, [1, 6, 4, 5]), 3)
            let v = try g.b.reshape(try repeated(&g), [6, 5, 8])
            let result = try g.contract(try g.b.reshape(weights, [6, 4, 5]), v, "bmk bkn bmn")
            return try g.b.reshape(result, [1, 6, 4, 8])
        },
        RuleCase("attention over repeated keys and values -> attention of groups") { g in
            let q = try g.input([2, 6, 4, 8])
            func repeated(_ shape: Shape, _ g: inout TestGraph) throws -> Value {
                let x = try g.b.reshape(try g.input(shape), [2, 3, 1, 5, 8])
                return try g.b.reshape(try g.b.expand(x, [2, 3, 2, 5, 8]), [2, 6, 5, 8])
            }
            let (k, v) = (try repeated([2, 3, 5, 8], &g), try repeated([2, 3, 5, 8], &g))
            return try g.b.add(.attend(Attend(hasMask: false, isCausal: true, scale: 0.3)), [q, k, v])
        },
        RuleCase("attention over repeated keys and values -> attention of groups") { g in
            let q = try g.input([2, 6, 4, 8])
            let k = try g.b.expand(try g.input([2, 1, 5, 8]), [2, 6, 5, 8])
            return try g.b.add(.attend(Attend(hasMask: false, isCausal: false, scale: 0.3)), [q, k, k])
        },
    ]

let siblingCases: [RuleCase] = [
    RuleCase("products of one operand with weights -> slices of one product") { g in
        let x = try g.input([2, 3, 4])
        let q = try g.contract(x, try g.weight("q", [6, 4]), "abk nk abn")
        let k = try g.contract(x, try g.weight("k", [5, 4]), "abk nk abn")
        let v = try g.contract(x, try g.weight("v", [6, 4]), "cdk nk cdn")
        return try g.b.add(.concatenate(axis: 2), [try g.apply(.exp, q), k, v])
    },
    RuleCase("products of one operand with weights and biases -> slices of one") { g in
        let x = try g.input([2, 3, 4])
        func layer(_ name: String, _ count: Dimension, _ labels: String) throws -> Value {
            let product = try g.contract(x, try g.weight(name, [count, 4]), labels)
            let bias = try g.b.expand(try g.weight("\(name).bias", [count]), [2, 3, count])
            return try g.apply(.add, product, bias)
        }
        let (q, k) = (try layer("q", 6, "abk nk abn"), try layer("k", 5, "abk nk abn"))
        let v = try layer("v", 6, "cdk nk cdn")
        return try g.b.add(.concatenate(axis: 2), [try g.apply(.exp, q), k, v])
    },
    // One of them has no bias.
    RuleCase("products of one operand with weights and biases -> slices of one") { g in
        let x = try g.input([2, 3, 4])
        func product(_ name: String, _ count: Dimension) throws -> Value {
            try g.contract(x, try g.weight(name, [count, 4]), "abk nk abn")
        }
        func biased(_ name: String, _ count: Dimension) throws -> Value {
            let bias = try g.b.expand(try g.weight("\(name).bias", [count]), [2, 3, count])
            return try g.apply(.add, try product(name, count), bias)
        }
        let (q, k, v) = (try biased("q", 6), try product("k", 5), try biased("v", 6))
        return try g.b.add(.concatenate(axis: 2), [try g.apply(.exp, q), k, v])
    },
]
