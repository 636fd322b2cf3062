import Base
import ElementTypes
import GraphIR

/// Several products of one operand with constant weights become one, so that the operand is read once.
let siblingRules: [RewriteRule] = [
    RewriteRule("products of one operand with weights -> slices of one product", mergeSiblings),
    RewriteRule("products of one operand with weights and biases -> slices of one", mergeBiasedSiblings),
]

/// A product with a constant weight in which one axis of the result is the weight's own.
private struct Projection {
    let id: NodeID
    let contract: Contract
    /// The operand that is not constant, and which one it is.
    let input: Value
    let side: Int
    let weight: Value
    /// The weight's own axis, and where it stands in the result.
    let weightAxis: Int
    let resultAxis: Int

    init?(_ c: RewriteContext, _ id: NodeID) {
        guard let (contract, operands) = c.contract(Value(id)) else { return nil }
        guard let side = (0..<2).first(where: { !c.isConstant[operands[$0].node.index] }),
            c.isConstant[operands[1 - side].node.index]
        else { return nil }
        let own = contract[1 - side].filter { !contract[side].contains($0) }
        guard own.count == 1, let resultAxis = contract.result.firstIndex(of: own[0]),
            let weightAxis = contract[1 - side].firstIndex(of: own[0])
        else { return nil }
        self.id = id
        self.contract = contract.renumbered
        (input, self.side, weight) = (operands[side], side, operands[1 - side])
        (self.weightAxis, self.resultAxis) = (weightAxis, resultAxis)
    }
}

extension Contract {
    /// The same contraction with labels numbered in the order in which they occur.
    fileprivate var renumbered: Contract {
        var names: [Int: Int] = [:]
        for label in left + right where names[label] == nil { names[label] = names.count }
        func rename(_ labels: [Int]) -> [Int] { labels.compactMap { names[$0] } }
        return Contract(left: rename(left), right: rename(right), result: rename(result), factors: factors)
    }
}

/// A projection whose only user is a map of it and of a constant vector along its last axis: a layer's bias.
private struct BiasedProjection {
    let id: NodeID
    let projection: Projection
    let expression: ScalarExpression
    /// Which operand of the map is the product.
    let side: Int
    /// `[columns]`.
    let bias: Value

    init?(_ c: RewriteContext, _ id: NodeID) {
        guard let (expression, operands) = c.map(Value(id)), operands.count == 2,
            let side = (0..<2).first(where: { c.isUsedOnce(operands[$0]) && Projection(c, operands[$0].node) != nil }),
            let projection = Projection(c, operands[side].node),
            let bias = c.expanded(operands[1 - side]), c.isConstant[bias.node.index], c.shape(bias).count == 1,
            projection.resultAxis == c.shape(Value(id)).count - 1,
            c.shape(bias)[0] == c.shape(Value(id))[projection.resultAxis]
        else { return nil }
        self.id = id
        self.projection = projection
        self.expression = expression
        self.side = side
        self.bias = bias
    }
}

/// A projection of a family and its bias; those without one have zeros, which change nothing, added.
private struct Member {
    /// The map or, where there is no bias, the product.
    let id: NodeID
    let projection: Projection
    let bias: Value?
}

extension ScalarExpression {
    /// Whether it adds its two operands and does nothing else but convert.
    fileprivate var isSum: Bool {
        guard case .apply(.add, let terms) = step(root) else { return false }
        return terms.allSatisfy { if case .argument = step(peeled($0)) { true } else { false } }
    }
}

/// Those that can become one with a biased projection, itself included, in the order of the operand's users.
private func family(_ c: RewriteContext, _ own: BiasedProjection) -> [Member] {
    func canJoin(_ other: Projection) -> Bool {
        guard other.input == own.projection.input, other.contract == own.projection.contract,
            other.side == own.projection.side
        else { return false }
        var (shape, otherShape) = (c.shape(own.projection.weight), c.shape(other.weight))
        shape[own.projection.weightAxis] = 1
        otherShape[other.weightAxis] = 1
        return shape == otherShape
    }
    let element = c.type(Value(own.id)).element
    return c.users[own.projection.input.node.index].compactMap { user in
        if c.users[user.index].count == 1, let map = c.users[user.index].first,
            let other = BiasedProjection(c, map), other.projection.id == user
        {
            guard canJoin(other.projection), other.expression == own.expression, other.side == own.side,
                c.type(Value(map)).element == element
            else { return nil }
            return Member(id: map, projection: other.projection, bias: other.bias)
        }
        guard own.expression.isSum, let other = Projection(c, user), canJoin(other),
            c.type(Value(user)).element == element
        else { return nil }
        return Member(id: user, projection: other, bias: nil)
    }
}

/// The slice of a family's sum that is what one of them was; nil where there is nothing to join.
private func joined(
    _ c: inout RewriteContext, _ id: NodeID, _ own: BiasedProjection
) throws(ShapeError) -> Value? {
    let family = family(c, own)
    guard family.count > 1, Set(family.map(\.projection.weight)).count > 1 else { return nil }
    let (weightAxis, resultAxis) = (own.projection.weightAxis, own.projection.resultAxis)
    var (weights, biases): ([Value], [Value]) = ([], [])
    var start: Dimension = 0
    for member in family {
        if member.id == id { start = weights.reduce(0) { $0 + c.builder.shape($1)[weightAxis] } }
        weights.append(try c.movedEarly(member.projection.weight))
        if let bias = member.bias {
            biases.append(try c.movedEarly(bias))
        } else {
            let zero = try c.builder.scalar(0, c.type(own.bias).element)
            biases.append(try c.builder.expand(zero, [c.shape(member.projection.weight)[weightAxis]]))
        }
    }
    let weight = try c.builder.add(.concatenate(axis: weightAxis), weights)
    let input = c.moved(own.projection.input)
    let product = try c.builder.add(
        .contract(own.projection.contract), own.projection.side == 0 ? [input, weight] : [weight, input])
    let bias = try c.builder.expand(
        try c.builder.add(.concatenate(axis: 0), biases), c.builder.shape(product))
    let sum = try c.builder.add(.map(own.expression), own.side == 0 ? [product, bias] : [bias, product])
    let count = c.shape(Value(id))[resultAxis]
    return try c.builder.view(.slice(axis: resultAxis, start: start, count: count, step: 1), sum)
}

private func mergeBiasedSiblings(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard let own = BiasedProjection(c, id) else { return nil }
    return try joined(&c, id, own)
}

private func mergeSiblings(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard let own = Projection(c, id) else { return nil }
    // With their biases they become one sum, if one of them has any.
    for user in c.users[own.input.node.index] {
        guard c.users[user.index].count == 1, let map = c.users[user.index].first,
            let biased = BiasedProjection(c, map), biased.projection.id == user
        else { continue }
        let family = family(c, biased)
        guard family.count > 1, let member = family.first(where: { $0.projection.id == id }) else { continue }
        return member.bias == nil ? try joined(&c, id, biased) : nil
    }
    var shape = c.shape(own.weight)
    shape[own.weightAxis] = 1
    var family: [Projection] = []
    for user in c.users[own.input.node.index] {
        guard let other = Projection(c, user), other.input == own.input, other.contract == own.contract,
            other.side == own.side
        else { continue }
        var otherShape = c.shape(other.weight)
        otherShape[other.weightAxis] = 1
        if otherShape == shape { family.append(other) }
    }
    guard family.count > 1, Set(family.map(\.weight)).count > 1 else { return nil }
    var weights: [Value] = []
    var start: Dimension = 0
    for member in family {
        if member.id == id { start = weights.reduce(0) { $0 + c.builder.shape($1)[own.weightAxis] } }
        weights.append(try c.movedEarly(member.weight))
    }
    let joined = try c.builder.add(.concatenate(axis: own.weightAxis), weights)
    let input = c.moved(own.input)
    let product = try c.builder.add(.contract(own.contract), own.side == 0 ? [input, joined] : [joined, input])
    let count = c.shape(Value(id))[own.resultAxis]
    return try c.builder.view(.slice(axis: own.resultAxis, start: start, count: count, step: 1), product)
}
