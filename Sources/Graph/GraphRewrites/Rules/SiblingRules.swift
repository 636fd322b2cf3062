import Base
import ElementTypes
import GraphIR

/// Several products of one operand with constant weights become one, so that the operand is read once.
let siblingRules: [RewriteRule] = [
    RewriteRule("products of one operand with weights -> slices of one product", mergeSiblings)
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
        return Contract(left: rename(left), right: rename(right), result: rename(result))
    }
}

private func mergeSiblings(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard let own = Projection(c, id) else { return nil }
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
