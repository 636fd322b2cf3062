import ElementTypes

/// Elements of operand 0 at positions given by operands 1…k, one i64 tensor for each of `axes`, all of one shape.
/// Result shape: operand 0's other axes in order, with the index shape inserted before position `at`.
/// Indices must lie in 0..<extent; importers wrap PyTorch's negative ones.
package struct Gather: Hashable, Sendable {
    /// Sorted axes of operand 0 that are indexed.
    package var axes: [Int]
    /// Where the index axes stand in the result.
    package var at: Int

    /// Makes a gather.
    package init(axes: [Int], at: Int) {
        self.axes = axes
        self.at = at
    }

    func results(_ rule: ShapeRule) throws(ShapeError) -> [TensorType] {
        try rule.requireOperands(1 + axes.count)
        let data = rule.operands[0]
        let index = try indexShape(rule, axes, data.shape.count, first: 1)
        var shape = data.shape.indices.filter { !axes.contains($0) }.map { data.shape[$0] }
        try rule.require(at >= 0 && at <= shape.count, "position \(at) of \(shape.count) axes")
        shape.insert(contentsOf: index, at: at)
        return [TensorType(data.element, shape)]
    }
}

/// Operand 0 with elements at positions given by operands 2…k (one i64 tensor for each of `axes`, all of one shape)
/// replaced by, or combined with, those of operand 1. Operand 1 has the shape a `Gather` at the same positions would give.
/// Where positions repeat, `set` keeps the last in row-major order.
package struct Scatter: Hashable, Sendable {
    /// How an update combines with what is there.
    package enum Kind: String, CaseIterable, Hashable, Sendable {
        case set, add, multiply, minimum, maximum
    }

    package var kind: Kind
    /// Sorted axes of operand 0 that are indexed.
    package var axes: [Int]
    /// Where the index axes stand in the updates.
    package var at: Int

    /// Makes a scatter.
    package init(_ kind: Kind, axes: [Int], at: Int) {
        self.kind = kind
        self.axes = axes
        self.at = at
    }

    func results(_ rule: ShapeRule) throws(ShapeError) -> [TensorType] {
        try rule.requireOperands(2 + axes.count)
        let (base, updates) = (rule.operands[0], rule.operands[1])
        let index = try indexShape(rule, axes, base.shape.count, first: 2)
        var shape = base.shape.indices.filter { !axes.contains($0) }.map { base.shape[$0] }
        try rule.require(at >= 0 && at <= shape.count, "position \(at) of \(shape.count) axes")
        shape.insert(contentsOf: index, at: at)
        try rule.require(updates.shape == shape, "updates have the wrong shape")
        try rule.require(updates.element == base.element, "updates have another element type")
        return [base]
    }
}

/// The common shape of the index operands, checked.
private func indexShape(
    _ rule: ShapeRule, _ axes: [Int], _ rank: Int, first: Int
) throws(ShapeError) -> Shape {
    try rule.require(!axes.isEmpty && axes == Array(Set(axes)).sorted(), "axes \(axes) are not sorted and distinct")
    for axis in axes { try rule.requireAxis(axis, rank: rank) }
    let shape = rule.operands[first].shape
    for operand in rule.operands[first...] {
        try rule.require(operand.element == .i64, "indices are not i64")
        try rule.require(operand.shape == shape, "index shapes differ")
    }
    return shape
}
