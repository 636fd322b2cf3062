import ElementTypes
import GraphIR
import ModelFiles

/// Sums, means and maxima of embedding rows over bags of indices.
func registerEmbeddingBags(_ table: inout OperatorTable) {
    // `indices` `[n]` in bags that begin at `offsets`; results: bags, and three tables for the backward pass.
    table.on("_embedding_bag", "_embedding_bag_forward_only", "embedding_bag") { (i) throws(ImportError) in
        let weight = try i.tensor("weight")
        let indices = try i.cast(try i.tensor("indices"), .i64)
        guard i.rank(indices) == 1 else { throw i.unsupported("indices of \(i.rank(indices)) axes") }
        let starts = try i.cast(try i.tensor("offsets"), .i64)
        let bags = try i.declaredResult().shape[0]
        let element = i.element(weight)
        let mode = try i.int("mode")
        var rows = try i.widened(try i.add(.gather(Gather(axes: [0], at: 0)), [weight, indices]))
        let compute = i.element(rows)
        if i.has("per_sample_weights") {
            let factors = try i.unsqueeze(try i.cast(try i.tensor("per_sample_weights"), compute), 1)
            rows = try i.formula([rows, factors]) { $0[0] * $0[1] }
        }
        let place = try i.bagNumbers(starts, bags, i.shape(indices)[0])
        let shape = [bags, i.shape(weight)[1]]
        // Rows at the padding index take no part: they weigh nothing, and never are the greatest.
        let padding = try i.optionalInt("padding_idx") ?? -1
        var counted = try i.full(1, TensorType(compute, i.shape(indices)))
        if padding >= 0 {
            let number = Int64(padding)
            let kept = try i.map([indices]) { $0.apply(.notEqual, $1[0], $0.integer(number)) }
            counted = try i.cast(kept, compute)
            let neutral = mode == 2 ? -Double.infinity : 0
            rows = try i.map([try i.unsqueeze(kept, 1), rows]) {
                $0.apply(.select, $1[0], $1[1], $0.number(neutral, compute))
            }
        }
        let none = try i.full(0, TensorType(compute, [bags]))
        let counts = try i.unsqueeze(try i.add(.scatter(Scatter(.add, axes: [0], at: 0)), [none, counted, place]), 1)
        let scatter = Scatter(mode == 2 ? .maximum : .add, axes: [0], at: 0)
        let base = try i.full(mode == 2 ? -.infinity : 0, TensorType(compute, shape))
        let total = try i.add(.scatter(scatter), [base, rows, place])
        let result = try i.formula([total, counts], as: element) { v in
            switch mode {
            case 0: v[0]
            case 1: v[0] / v[1].maximum(1)
            default: v[1].equal(0).select(0, v[0])  // 2, the maximum; empty bags are zero.
            }
        }
        return [i.fresh(result), nil, nil, nil]
    }
}

extension Importer {
    /// For each of `count` positions the number of the bag that it lies in, where bags begin at `starts`: how many of the
    /// first `bags` starts do not exceed the position, less one.
    fileprivate mutating func bagNumbers(
        _ starts: Value, _ bags: Dimension, _ count: Dimension
    ) throws(ImportError) -> Value {
        let firsts = try unsqueeze(try slice(starts, 0, 0, bags), 0)
        let positions = try unsqueeze(try leaf(.iota(count)), 1)
        let begun = try map([positions, firsts], as: .i64) { $0.cast($0.apply(.lessOrEqual, $1[1], $1[0]), .i64) }
        let number = try reduce(.sum, begun, [1])
        return try map([number]) { $0.apply(.subtract, $1[0], $0.integer(1)) }
    }
}
