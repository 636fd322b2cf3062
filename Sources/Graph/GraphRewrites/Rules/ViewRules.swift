import Base
import ElementTypes
import GraphIR

/// Views of views become one view, broadcasts move outwards, and views that move nothing become reshapes.
let viewRules: [RewriteRule] = [
    RewriteRule("view that changes nothing -> its operand", identityView),
    RewriteRule("reshape of reshape -> reshape", reshapeOfReshape),
    RewriteRule("permute of permute -> permute", permuteOfPermute),
    RewriteRule("permute of extents 1 -> reshape", permuteOfOnes),
    RewriteRule("expand of expand -> expand", expandOfExpand),
    RewriteRule("expand that repeats nothing -> reshape", expandOfNothing),
    RewriteRule("permute of expand -> expand of permute", permuteOfExpand),
    RewriteRule("slice of expand -> expand of slice", sliceOfExpand),
    RewriteRule("slice of slice -> slice", sliceOfSlice),
    RewriteRule("flip of flip -> flip", flipOfFlip),
    RewriteRule("pad of pad -> pad", padOfPad),
    RewriteRule("concatenation of one -> its operand", concatenationOfOne),
]

/// The views of a node and its operand, where both are views.
private func pair(_ c: RewriteContext, _ id: NodeID) -> (outer: View, inner: View, operand: Value)? {
    guard let (outer, middle) = c.view(Value(id)), let (inner, operand) = c.view(middle) else { return nil }
    return (outer, inner, operand)
}

private func identityView(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard let (view, operand) = c.view(Value(id)) else { return nil }
    let built = try c.builder.view(view, c.moved(operand))
    return built == c.moved(operand) ? built : nil
}

private func reshapeOfReshape(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard case (.reshape(let shape), .reshape, let operand)? = pair(c, id) else { return nil }
    return try c.builder.reshape(c.moved(operand), shape)
}

private func permuteOfPermute(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard case (.permute(let outer), .permute(let inner), let operand)? = pair(c, id) else { return nil }
    return try c.builder.view(.permute(outer.map { inner[$0] }), c.moved(operand))
}

private func permuteOfOnes(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard case (.permute(let axes), let operand)? = c.view(Value(id)) else { return nil }
    let shape = c.shape(operand)
    let moving = axes.filter { shape[$0] != 1 }
    guard moving == moving.sorted() else { return nil }
    return try c.builder.reshape(c.moved(operand), c.shape(Value(id)))
}

private func expandOfExpand(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard case (.expand(let shape), .expand, let operand)? = pair(c, id) else { return nil }
    return try c.builder.expand(c.moved(operand), shape)
}

private func expandOfNothing(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard case (.expand(let shape), let operand)? = c.view(Value(id)),
        elementCount(shape) == elementCount(c.shape(operand)), shape.count > c.shape(operand).count
    else { return nil }
    return try c.builder.reshape(c.moved(operand), shape)
}

private func permuteOfExpand(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard case (.permute(let axes), .expand(let shape), let operand)? = pair(c, id) else { return nil }
    let old = c.shape(operand)
    let full = Shape(repeating: 1, count: shape.count - old.count) + old
    let aligned = try c.builder.reshape(c.moved(operand), full)
    return try c.builder.expand(try c.builder.view(.permute(axes), aligned), c.shape(Value(id)))
}

private func sliceOfExpand(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard case (.slice(let axis, let start, let count, let step), .expand(let shape), let operand)? = pair(c, id)
    else { return nil }
    let old = c.shape(operand)
    let own = axis - (shape.count - old.count)
    var inner = c.moved(operand)
    // Along a repeated axis a slice only changes how often it repeats.
    if own >= 0, old[own] != 1 || shape[axis] == 1 {
        inner = try c.builder.view(.slice(axis: own, start: start, count: count, step: step), inner)
    }
    return try c.builder.expand(inner, c.shape(Value(id)))
}

private func sliceOfSlice(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard
        case (
            .slice(let axis, let start, let count, let step), .slice(let inner, let first, _, let stride), let operand
        )? =
            pair(c, id), axis == inner
    else { return nil }
    let view = View.slice(axis: axis, start: first + start * stride, count: count, step: step * stride)
    return try c.builder.view(view, c.moved(operand))
}

private func flipOfFlip(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard case (.flip(let outer), .flip(let inner), let operand)? = pair(c, id) else { return nil }
    return try c.builder.view(.flip(Set(outer).symmetricDifference(inner).sorted()), c.moved(operand))
}

private func padOfPad(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard case (.pad(let low, let high, let value), .pad(let first, let last, let inner), let operand)? = pair(c, id),
        value == inner
    else { return nil }
    let view = View.pad(
        low: zip(low, first).map { $0 + $1 }, high: zip(high, last).map { $0 + $1 }, value: value)
    return try c.builder.view(view, c.moved(operand))
}

private func concatenationOfOne(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    let node = c.graph.nodes[id]
    guard case .concatenate = node.operation, node.operands.count == 1 else { return nil }
    return c.moved(node.operands[0])
}
