import ElementTypes
import GraphIR
import ModelFiles

/// Distances and similarities of vectors, and sums of products over broadcast operands.
func registerDistances(_ table: inout OperatorTable) {
    table.value("cosine_similarity") { (i) throws(ImportError) in
        let (a, b) = (try i.tensor("x1"), try i.tensor("x2"))
        return try i.cosineSimilarity(a, b, try i.int("dim"), try i.float("eps"))
    }
    table.value("pairwise_distance") { (i) throws(ImportError) in
        try i.pairwiseDistance(
            try i.tensor("x1"), try i.tensor("x2"), order: try i.float("p"), epsilon: try i.float("eps"),
            keep: try i.bool("keepdim"))
    }
    // Row by row: `[…, P, M]` and `[…, R, M]` to `[…, P, R]`.
    table.value("cdist", "_cdist_forward", "_euclidean_dist") { (i) throws(ImportError) in
        let (a, b) = (try i.tensor("x1"), try i.tensor("x2"))
        let order = i.call.name.base == "_euclidean_dist" ? 2 : try i.float("p")
        let left = try i.unsqueeze(a, i.rank(a) - 1)
        let right = try i.unsqueeze(b, i.rank(b) - 2)
        let difference = try i.formula([try i.widened(left), try i.widened(right)]) { $0[0] - $0[1] }
        let result = try i.norm(difference, [i.rank(difference) - 1], order: order, keep: false)
        return try i.cast(result, i.element(a))
    }
    // Every pair of rows of `[rows, width]`, the first before the second: `[rows · (rows − 1) / 2]`.
    table.value("pdist", "_pdist_forward") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        guard let rows = i.shape(x)[0].constantValue else { throw i.unsupported("a symbolic number of rows") }
        let pairs = (0..<rows).flatMap { first in (first + 1..<max(rows, first + 1)).map { (first, $0) } }
        let wide = try i.widened(x)
        let gather = Operation.gather(Gather(axes: [0], at: 0))
        let left = try i.add(gather, [wide, try i.integers(pairs.map(\.0))])
        let right = try i.add(gather, [wide, try i.integers(pairs.map(\.1))])
        let difference = try i.formula([left, right]) { $0[0] - $0[1] }
        return try i.cast(try i.norm(difference, [1], order: try i.float("p"), keep: false), i.element(x))
    }
    // Each operand gets axes of extent 1 at its `expand` positions; the product is summed over `sumdim`.
    table.value("_trilinear") { (i) throws(ImportError) in
        var operands: [Value] = []
        for place in 1...3 {
            var operand = try i.widened(try i.tensor("i\(place)"))
            for axis in try i.ints("expand\(place)") { operand = try i.unsqueeze(operand, axis) }
            operands.append(operand)
        }
        let product = try i.formula(operands) { $0[0] * $0[1] * $0[2] }
        let result = try i.reduce(.sum, product, try i.ints("sumdim"))
        return try i.cast(result, try i.declaredResult().element)
    }
}

extension Importer {
    /// `Σ a·b / (max(‖a‖, ε) · max(‖b‖, ε))` along an axis of the broadcast operands.
    mutating func cosineSimilarity(
        _ a: Value, _ b: Value, _ dimension: Int, _ epsilon: Double
    ) throws(ImportError) -> Value {
        let element = resultType([.tensor(a), .tensor(b)]).floating
        let pair = try broadcastTogether([
            try cast(a, element.computeType), try cast(b, element.computeType),
        ])
        let axis = try axis(dimension, rank(pair[0]))
        var units: [Value] = []
        for value in pair {
            let length = try norm(value, [axis], order: 2, keep: true)
            units.append(try formula([value, length]) { $0[0] / $0[1].maximum(.number(epsilon)) })
        }
        let products = try formula(units) { $0[0] * $0[1] }
        return try cast(try reduce(.sum, products, [axis]), element)
    }

    /// `‖a − b + ε‖ₚ` along the last axis.
    mutating func pairwiseDistance(
        _ a: Value, _ b: Value, order: Double, epsilon: Double, keep: Bool
    ) throws(ImportError) -> Value {
        let element = resultType([.tensor(a), .tensor(b)])
        let difference = try formula([.tensor(a), .tensor(b)], common: element, result: element.computeType) {
            $0[0] - $0[1] + .number(epsilon)
        }
        return try cast(try norm(difference, [rank(difference) - 1], order: order, keep: keep), element)
    }
}
