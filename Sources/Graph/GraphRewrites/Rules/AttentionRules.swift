import Base
import ElementTypes
import GraphIR

/// Attention spelt out as two products around a softmax becomes one operation. In narrow types this drops the roundings of
/// scores and weights, as PyTorch's own fused kernels do.
let attentionRules: [RewriteRule] = [
    RewriteRule("softmax(q·k × scale + mask)·v -> attention", attention),
    RewriteRule("attention over repeated keys and values -> attention of groups", groupedAttention),
    RewriteRule("attention in f64, or in f32 of wide heads -> softmax(q·k × scale + mask)·v", spelledAttention),
]

/// Which axes of the two products play which part.
private struct AttentionAxes {
    /// Labels of the first product: shared and kept, the queries, the keys, the summed depth.
    let batch: [Int]
    let queries: Int
    let keys: Int
    let depth: Int
    /// Which operand of the first product holds the queries.
    let querySide: Int
    /// Labels of the second product: the value's own axis, and those of the first product by their names in the second.
    let valueDepth: Int
    let renamed: [Int: Int]

    init?(_ first: Contract, softmaxAxis: Int, _ second: Contract, weightsSide: Int) {
        keys = first.result[softmaxAxis]
        querySide = first.left.contains(keys) ? 1 : 0
        let (query, key) = (Set(first[querySide]), Set(first[1 - querySide]))
        let keys = keys
        batch = first.result.filter { query.contains($0) && key.contains($0) }
        let rows = first.result.filter { query.contains($0) && !key.contains($0) }
        let summed = first[querySide].filter { key.contains($0) && !first.result.contains($0) }
        guard !query.contains(keys), rows.count == 1, summed.count == 1, query.count == batch.count + 2,
            key.count == batch.count + 2
        else { return nil }
        queries = rows[0]
        depth = summed[0]
        let renamed = Dictionary(uniqueKeysWithValues: zip(first.result, second[weightsSide]))
        let value = second[1 - weightsSide]
        let shared = batch.compactMap { renamed[$0] }
        guard let newKeys = renamed[keys], let newQueries = renamed[queries], value.contains(newKeys),
            !second.result.contains(newKeys), !value.contains(newQueries), second.result.contains(newQueries),
            shared.allSatisfy({ value.contains($0) && second.result.contains($0) })
        else { return nil }
        let own = value.filter { $0 != newKeys && !shared.contains($0) }
        guard own.count == 1, second.result.contains(own[0]), second.result.count == batch.count + 2 else { return nil }
        valueDepth = own[0]
        self.renamed = renamed
    }
}

private func attention(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard let (second, operands) = c.contract(Value(id)) else { return nil }
    for side in 0..<2 {
        guard c.isUsedOnce(operands[side]), let softmax = Softmax(c, operands[side]),
            let scores = AttentionScores(c, softmax.scores), let (first, factors) = c.contract(scores.product),
            let axes = AttentionAxes(first, softmaxAxis: softmax.axis, second, weightsSide: side),
            c.type(factors[0]).element == c.type(operands[0]).element,
            hasKernel(c.type(factors[0]).element, depth: depth(c, factors[0], first.left, axes))
        else { continue }
        let (query, queryScale) = try unscaled(&c, factors[axes.querySide])
        let (key, keyScale) = try unscaled(&c, factors[1 - axes.querySide])
        let value = c.moved(operands[1 - side])
        let q = try fourAxes(&c, query, first[axes.querySide], axes.batch + [axes.queries, axes.depth])
        let k = try fourAxes(&c, key, first[1 - axes.querySide], axes.batch + [axes.keys, axes.depth])
        let shared = axes.batch.compactMap { axes.renamed[$0] }
        let renamedKeys = axes.renamed[axes.keys] ?? 0
        let v = try fourAxes(&c, value, second[1 - side], shared + [renamedKeys, axes.valueDepth])
        var arguments = [q, k, v]
        let shape = c.shape(softmax.scores)
        let mask = try scores.mask(&c)
        if let mask {
            let full = try c.builder.expand(mask, shape)
            arguments.append(try fourAxes(&c, full, first.result, axes.batch + [axes.queries, axes.keys]))
        }
        let attend = Attend(hasMask: mask != nil, isCausal: false, scale: scores.scale * queryScale * keyScale)
        var result = try c.builder.add(.attend(attend), arguments)
        // Back to the axes of the second product.
        let order = shared + [axes.renamed[axes.queries] ?? 0, axes.valueDepth]
        let target = c.shape(Value(id))
        let extents = order.map { label in second.result.firstIndex(of: label).map { target[$0] } ?? 1 }
        result = try c.builder.reshape(result, extents)
        if let mask, !softmax.isSafe, scores.mayHideRows(c) {
            // Where every key is hidden, the softmax is NaN and the operation 0.
            let visible = try visibleRows(&c, mask, shape, softmax.axis)
            let labels = shape.indices.filter { $0 != softmax.axis }.compactMap { axes.renamed[first.result[$0]] }
            let rows = try c.builder.view(
                .permute(order.dropLast().map { label in labels.firstIndex(of: label) ?? 0 }), visible)
            let column = try c.builder.reshape(rows, extents.dropLast() + [1])
            let element = c.type(Value(id)).element
            result = try c.builder.map([column, result]) { scalar, terms in
                let chosen = scalar.apply(.select, terms[0], terms[1], scalar.real(.nan, element.computeType))
                return element == element.computeType ? chosen : scalar.cast(chosen, element)
            }
        }
        return try c.builder.view(.permute(second.result.map { order.firstIndex(of: $0) ?? 0 }), result)
    }
    return nil
}

/// The depth of heads: the extent of the first product's summed axis.
private func depth(_ c: RewriteContext, _ factor: Value, _ labels: [Int], _ axes: AttentionAxes) -> Dimension {
    labels.firstIndex(of: axes.depth).map { c.shape(factor)[$0] } ?? 1
}

/// Whether attention in an element type and over heads of a depth is one kernel. Scores and sums are f32 there, which f64 cannot do with. A
/// block of queries with f32 heads of 512 or more leaves no room for keys beside it in fast memory, and scores are then a small part of
/// what is read: two products are faster.
private func hasKernel(_ element: ElementType, depth: Dimension) -> Bool {
    switch element {
    case .f32: depth.constantValue.map { $0 < 512 } ?? true
    case .f16, .bf16: true
    case .f64, .f8e4m3, .f8e5m2, .i64, .i32, .i16, .i8, .u8, .bool: false
    }
}

/// Attention that has no kernel, as products, maps and reductions. Rows without a visible key give 0.
private func spelledAttention(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    let node = c.graph.nodes[id]
    guard case .attend(let attend) = node.operation,
        !hasKernel(c.type(node.operands[0]).element, depth: c.shape(node.operands[0])[3])
    else { return nil }
    let element = c.type(node.operands[0]).element
    let (q, k) = (c.shape(node.operands[0]), c.shape(node.operands[1]))
    let groups = [q[0], k[1], q[1].floorDivided(by: k[1], c.ranges)]
    let operands = c.moved(node.operands)
    let query = try c.builder.reshape(operands[0], groups + q.suffix(2))
    let products = Contract(left: [0, 1, 2, 3, 6], right: [0, 1, 4, 6], result: [0, 1, 2, 3, 4])
    var scores = try c.builder.add(.contract(products), [query, operands[1]])
    scores = try c.builder.map([scores]) { $0.apply(.multiply, $1[0], $0.real(attend.scale, element)) }
    if attend.hasMask {
        let mask = try c.builder.reshape(operands[3], groups + [q[2], k[2]])
        let isBool = c.builder.type(mask).element == .bool
        scores = try c.builder.map([scores, mask]) { s, t in
            let hidden = s.real(-.infinity, element)
            return s.apply(
                .add, t[0], isBool ? s.apply(.select, t[1], s.real(0, element), hidden) : s.cast(t[1], element))
        }
    }
    if attend.isCausal {
        let rows = try c.builder.reshape(try c.builder.leaf(.iota(q[2])), [q[2], 1])
        let columns = try c.builder.leaf(.iota(k[2]))
        scores = try c.builder.map([scores, rows, columns]) { s, t in
            s.apply(.select, s.apply(.less, t[1], t[2]), s.real(-.infinity, element), t[0])
        }
    }
    let row = groups + [q[2], 1]
    let peaks = try c.builder.reshape(try c.builder.add(.reduce(Reduce(.maximum, axes: [4])), [scores]), row)
    let weights = try c.builder.map([scores, peaks]) { s, t in
        let isHidden = s.apply(.equal, t[1], s.real(-.infinity, element))
        return s.apply(.exp, s.apply(.subtract, t[0], s.apply(.select, isHidden, s.real(0, element), t[1])))
    }
    let sums = try c.builder.reshape(try c.builder.add(.reduce(Reduce(.sum, axes: [4])), [weights]), row)
    let mixing = Contract(left: [0, 1, 2, 3, 4], right: [0, 1, 4, 5], result: [0, 1, 2, 3, 5])
    let mixed = try c.builder.add(.contract(mixing), [weights, operands[2]])
    let result = try c.builder.map([mixed, sums]) { s, t in
        let isHidden = s.apply(.equal, t[1], s.real(0, element))
        return s.apply(.divide, t[0], s.apply(.select, isHidden, s.real(1, element), t[1]))
    }
    return try c.builder.reshape(result, node.results[0].shape)
}

/// A value with its axes in the given order, those before the last two brought into batch and heads.
private func fourAxes(
    _ c: inout RewriteContext, _ value: Value, _ labels: [Int], _ order: [Int]
) throws(ShapeError) -> Value {
    let permuted = try c.builder.view(.permute(order.map { labels.firstIndex(of: $0) ?? 0 }), value)
    let shape = c.builder.shape(permuted)
    let lead = shape.dropLast(2)
    let heads: Dimension = lead.count > 1 ? lead[lead.count - 1] : 1
    let batch = lead.count > 1 ? Array(lead.dropLast()) : Array(lead)
    return try c.builder.reshape(permuted, [elementCount(batch), heads] + shape.suffix(2))
}

/// A value without the constant factor that a map gives it, possibly below views, and that factor.
private func unscaled(_ c: inout RewriteContext, _ value: Value) throws(ShapeError) -> (Value, Double) {
    if let (view, operand) = c.view(value) {
        switch view {
        case .reshape, .permute, .expand, .slice, .flip: break
        case .pad, .unfold: return (c.moved(value), 1)
        }
        let (inner, scale) = try unscaled(&c, operand)
        return scale == 1 ? (c.moved(value), 1) : (try c.builder.view(view, inner), scale)
    }
    guard let (expression, operands) = c.map(value), operands.count == 1,
        expression.arguments[0] == c.type(value).element,
        case .apply(.multiply, let factors) = expression.step(expression.root),
        case .argument = expression.step(expression.peeled(factors[0])),
        let scale = ScalarConstant(expression.step(factors[1]))?.real, scale.isFinite, scale != 0
    else { return (c.moved(value), 1) }
    return (c.moved(operands[0]), scale)
}

/// For each row along `axis`, whether the mask shows any key; the axis is gone.
private func visibleRows(
    _ c: inout RewriteContext, _ mask: Value, _ shape: Shape, _ axis: Int
) throws(ShapeError) -> Value {
    let small = c.builder.shape(mask)
    let aligned = try c.builder.reshape(mask, Shape(repeating: 1, count: shape.count - small.count) + small)
    var rows: Value
    if c.builder.type(mask).element == .bool {
        rows = try c.builder.add(.reduce(Reduce(.any, axes: [axis])), [aligned])
    } else {
        let peak = try c.builder.add(.reduce(Reduce(.maximum, axes: [axis])), [aligned])
        let compute = c.builder.type(mask).element.computeType
        rows = try c.builder.map([peak]) { $0.apply(.notEqual, $1[0], $0.real(-.infinity, compute)) }
    }
    var target = shape
    target.remove(at: axis)
    rows = try c.builder.expand(rows, target)
    return rows
}

/// Keys and values that are repeated for every query head of a group are read once.
private func groupedAttention(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    let node = c.graph.nodes[id]
    guard case .attend = node.operation, let (key, groups) = repeatedHeads(c, node.operands[1]),
        let (value, others) = repeatedHeads(c, node.operands[2]), groups == others
    else { return nil }
    var operands = c.moved(node.operands)
    for (index, source) in [(1, key), (2, value)] {
        let shape = c.shape(node.operands[index])
        let heads = shape[1].floorDivided(by: groups, c.ranges)
        operands[index] = try c.builder.reshape(c.moved(source), [shape[0], heads, shape[2], shape[3]])
    }
    return try c.builder.add(node.operation, operands)
}

/// What heads `[batch, heads, tokens, depth]` repeat, and how often each in a row.
private func repeatedHeads(_ c: RewriteContext, _ value: Value) -> (source: Value, times: Dimension)? {
    let shape = c.shape(value)
    if let source = c.expanded(value), c.shape(source) == [shape[0], 1, shape[2], shape[3]] {
        return (source, shape[1])
    }
    guard let spread = c.reshaped(value), let source = c.expanded(spread) else { return nil }
    let full = c.shape(spread)
    guard full.count == 5, full[0] == shape[0], Array(full[3...]) == Array(shape[2...]), full[1] * full[2] == shape[1],
        c.shape(source) == [full[0], full[1], 1, full[3], full[4]], full[2] != 1
    else { return nil }
    return (source, full[2])
}
