import Base
import ElementTypes
import GraphIR

/// Reductions that reduce nothing, and reductions of reductions.
let reduceRules: [RewriteRule] = [
    RewriteRule("reduction over extents 1 -> reduction over the others", reduceOnes),
    RewriteRule("sum of sum used once -> sum, and other kinds", reduceOfReduce),
    RewriteRule("reduction of permute -> permute of reduction", reduceOfPermute),
]

/// Whether reducing twice, along different axes, is reducing once along all.
private func composes(_ kind: Reduce.Kind) -> Bool {
    switch kind {
    case .sum, .product, .minimum, .maximum, .any, .all: true
    case .argMinimum, .argMaximum: false
    }
}

private func reduceOnes(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    let node = c.graph.nodes[id]
    guard case .reduce(let reduce) = node.operation, composes(reduce.kind) else { return nil }
    let old = c.shape(node.operands[0])
    let axes = reduce.axes.filter { old[$0] != 1 }
    guard axes.count < reduce.axes.count || axes.isEmpty else { return nil }
    var result = c.moved(node.operands[0])
    if !axes.isEmpty { result = try c.builder.add(.reduce(Reduce(reduce.kind, axes: axes)), [result]) }
    return try c.builder.reshape(result, node.results[0].shape)
}

private func reduceOfReduce(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    let node = c.graph.nodes[id]
    guard case .reduce(let outer) = node.operation, case .reduce(let inner) = c.node(node.operands[0]).operation,
        outer.kind == inner.kind, composes(outer.kind), c.isUsedOnce(node.operands[0])
    else { return nil }
    // Narrow sums round between the two; reducing at once rounds less.
    let source = c.node(node.operands[0]).operands[0]
    let kept = c.shape(source).indices.filter { !inner.axes.contains($0) }
    let axes = (inner.axes + outer.axes.map { kept[$0] }).sorted()
    return try c.builder.add(.reduce(Reduce(outer.kind, axes: axes)), [c.moved(source)])
}

private func reduceOfPermute(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    let node = c.graph.nodes[id]
    guard case .reduce(let reduce) = node.operation, case (.permute(let axes), let operand)? = c.view(node.operands[0])
    else { return nil }
    let reduced = reduce.axes.map { axes[$0] }.sorted()
    let result = try c.builder.add(.reduce(Reduce(reduce.kind, axes: reduced)), [c.moved(operand)])
    // The kept axes in their old order, brought into the order that the permutation gave them.
    let before = axes.indices.filter { !reduced.contains($0) }
    let after = axes.indices.filter { !reduce.axes.contains($0) }.map { axes[$0] }
    return try c.builder.view(.permute(after.map { axis in before.firstIndex(of: axis) ?? 0 }), result)
}
