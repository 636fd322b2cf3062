import Base
import ElementTypes
import GraphIR

/// Constant scales that follow a product with a constant weight move into the weight: batch normalisation becomes a bias.
let scaleRules: [RewriteRule] = [
    RewriteRule("product with a weight × scale of its channels -> product with the scaled weight", foldScale)
]

/// A product whose weight is known at build time, and the axis of its result along which the weight's channels lie.
private struct WeightedProduct {
    let operation: Operation
    let operands: [Value]
    /// Which operand is the weight.
    let weight: Int
    /// The weight's axis of output channels.
    let weightAxis: Int
    /// The result's axis of output channels.
    let axis: Int
}

/// The products that a value may be taken for: one for each axis of its weight that the result keeps.
private func weightedProducts(_ c: RewriteContext, _ value: Value) -> [WeightedProduct] {
    let node = c.node(value)
    switch node.operation {
    case .convolve(let convolve):
        guard c.isConstant[node.operands[1].node.index], isOwn(c, node.operands[1]),
            !convolve.isTransposed || convolve.groups == 1
        else { return [] }
        let weightAxis = convolve.isTransposed ? 1 : 0
        return [
            WeightedProduct(
                operation: node.operation, operands: node.operands, weight: 1, weightAxis: weightAxis, axis: 1)
        ]
    case .contract(let contract):
        var products: [WeightedProduct] = []
        for side in 0..<2 where c.isConstant[node.operands[side].node.index] && isOwn(c, node.operands[side]) {
            for (weightAxis, label) in contract[side].enumerated() where !contract[1 - side].contains(label) {
                guard let axis = contract.result.firstIndex(of: label) else { continue }
                products.append(
                    WeightedProduct(
                        operation: node.operation, operands: node.operands, weight: side, weightAxis: weightAxis,
                        axis: axis))
            }
        }
        return products
    case .leaf, .map, .reduce, .scan, .view, .concatenate, .gather, .scatter, .attend, .recur, .window, .sort: return []
    }
}

/// Whether nothing else uses a weight, so that a scaled copy replaces it.
private func isOwn(_ c: RewriteContext, _ value: Value) -> Bool {
    var value = value
    while c.isUsedOnce(value) {
        guard let (_, operand) = c.view(value) else { return true }
        value = operand
    }
    return false
}

/// What is done to a product, step by step: operations with terms that vary along its channels only.
private struct ScaleChain {
    var steps: [(operation: ScalarOperation, other: Int, productIsLeft: Bool)] = []
    /// The instruction whose value the chain ends with.
    var end: Int
}

private func foldScale(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard let (expression, operands) = c.map(Value(id)) else { return nil }
    for index in operands.indices {
        guard c.isUsedOnce(operands[index]), [.f32, .f64].contains(c.type(operands[index]).element) else { continue }
        for product in weightedProducts(c, operands[index]) {
            if let result = try fold(&c, id, expression, operands, index, product) { return result }
        }
    }
    return nil
}

private func fold(
    _ c: inout RewriteContext, _ id: NodeID, _ expression: ScalarExpression, _ operands: [Value], _ index: Int,
    _ product: WeightedProduct
) throws(ShapeError) -> Value? {
    let type = c.type(operands[index])
    let channels = type.shape[product.axis]
    guard let start = expression.instructions.firstIndex(of: .argument(index)) else { return nil }
    let isVector = operands.map { isChannelVector(c, $0, product.axis) }
    var chain = ScaleChain(end: start)
    while let step = nextStep(expression, chain.end, isVector) {
        chain.steps.append((step.operation, step.other, step.productIsLeft))
        chain.end = step.user
    }
    let scales = chain.steps.contains { step in
        [.multiply, .divide].contains(step.operation) && !expression.arguments(of: step.other).isEmpty
    }
    guard scales else { return nil }
    // Scale and shift as vectors over the channels.
    var vectors: [Value?] = []
    for (operand, isVector) in zip(operands, isVector) {
        vectors.append(isVector ? try channelVector(&c, operand, channels) : nil)
    }
    let scale = try vector(&c, expression, vectors, chain, type.element, [channels]) { $0.scale }
    let shift = try vector(&c, expression, vectors, chain, type.element, [channels]) { $0.shift }
    guard let scale else { return nil }
    // The scaled weight.
    let weight = c.moved(product.operands[product.weight])
    var aligned = Shape(repeating: 1, count: c.builder.shape(weight).count)
    aligned[product.weightAxis] = channels
    let scaled = try c.builder.map([weight, try c.builder.reshape(scale, aligned)]) {
        $0.apply(.multiply, $1[0], $1[1])
    }
    var factors = c.moved(product.operands)
    factors[product.weight] = scaled
    // The map with what the chain did replaced by the shift.
    var arguments = c.moved(operands)
    arguments[index] = try c.builder.add(product.operation, factors)
    var types = expression.arguments
    if let shift {
        var place = Shape(repeating: 1, count: type.shape.count)
        place[product.axis] = channels
        arguments.append(try c.builder.expand(try c.builder.reshape(shift, place), type.shape))
        types.append(type.element)
    }
    var scalar = ScalarBuilder(types)
    var terms: [ScalarBuilder.Term] = []
    for (position, instruction) in expression.instructions.enumerated() {
        if position == chain.end {
            let value = scalar.argument(index)
            terms.append(
                shift == nil ? value : scalar.apply(.add, value, scalar.argument(types.count - 1)))
        } else {
            terms.append(scalar.copy(instruction, terms))
        }
    }
    guard let last = terms.last else { return nil }
    let result = scalar.finish(last, as: expression.resultElement)
    return try c.builder.add(.map(result), arguments)
}

/// The only step that uses a term, where it scales or shifts it by terms that vary along the channels only.
private func nextStep(
    _ expression: ScalarExpression, _ term: Int, _ isVector: [Bool]
) -> (operation: ScalarOperation, other: Int, productIsLeft: Bool, user: Int)? {
    var users: [Int] = []
    for (index, instruction) in expression.instructions.enumerated() {
        switch instruction {
        case .argument, .real, .integer, .truth: break
        case .apply(_, let operands): users += operands.filter { $0 == term }.map { _ in index }
        case .cast(let operand, _): if operand == term { users.append(index) }
        }
    }
    guard users.count == 1, case .apply(let operation, let operands) = expression.instructions[users[0]],
        operands.count == 2
    else { return nil }
    let isLeft = operands[0] == term
    let other = operands[isLeft ? 1 : 0]
    switch operation {
    case .add, .subtract, .multiply: break
    case .divide: if !isLeft { return nil }
    case _: return nil
    }
    guard expression.arguments(of: other).allSatisfy({ isVector[$0] }) else { return nil }
    return (operation, other, isLeft, users[0])
}

/// Whether an operand is a constant that varies along one axis only.
private func isChannelVector(_ c: RewriteContext, _ value: Value, _ axis: Int) -> Bool {
    guard c.isConstant[value.node.index] else { return false }
    let source = c.expanded(value) ?? value
    let rank = c.shape(value).count
    let offset = rank - c.shape(source).count
    return c.shape(source).enumerated().allSatisfy { $0.element == 1 || offset + $0.offset == axis }
}

/// The elements of a channel vector in the shape `[channels]`.
private func channelVector(
    _ c: inout RewriteContext, _ value: Value, _ channels: Dimension
) throws(ShapeError) -> Value {
    let source = c.expanded(value) ?? value
    let count = elementCount(c.shape(source))
    return try c.builder.expand(try c.builder.reshape(c.moved(source), [count]), [channels])
}

/// The scale or the shift of a chain as a vector over the channels, or nil where it is 1 or 0.
private func vector(
    _ c: inout RewriteContext, _ expression: ScalarExpression, _ vectors: [Value?], _ chain: ScaleChain,
    _ element: ElementType, _ shape: Shape,
    _ part: ((scale: ScalarBuilder.Term?, shift: ScalarBuilder.Term?)) ->
        ScalarBuilder.Term?
) throws(ShapeError) -> Value? {
    var scalar = ScalarBuilder(expression.arguments)
    var scale: ScalarBuilder.Term?
    var shift: ScalarBuilder.Term?
    for step in chain.steps {
        let other = scalar.copy(expression, step.other)
        switch step.operation {
        case .multiply, .divide:
            let one = step.operation == .divide ? scalar.number(1, element) : other
            scale =
                scale.map { scalar.apply(step.operation, $0, other) }
                ?? (step.operation == .divide ? scalar.apply(.divide, one, other) : other)
            shift = shift.map { scalar.apply(step.operation, $0, other) }
        case .add: shift = shift.map { scalar.apply(.add, $0, other) } ?? other
        case _ where step.productIsLeft:
            shift = shift.map { scalar.apply(.subtract, $0, other) } ?? scalar.apply(.negate, other)
        case _:
            scale = scale.map { scalar.apply(.negate, $0) } ?? scalar.number(-1, element)
            shift = shift.map { scalar.apply(.subtract, other, $0) } ?? other
        }
    }
    guard let term = part((scale, shift)) else { return nil }
    let body = scalar.finish(term, as: element)
    // Only vectors are read; other operands of the map do not occur.
    let used = vectors.indices.filter { body.instructions.contains(.argument($0)) }
    var renamed = ScalarBuilder(used.map { expression.arguments[$0] })
    let arguments = vectors.indices.map { index in
        used.firstIndex(of: index).map { renamed.argument($0) } ?? renamed.truth(false)
    }
    let result = renamed.inline(body, arguments)
    let value = try c.builder.add(.map(renamed.finish(result)), used.compactMap { vectors[$0] })
    return try c.builder.expand(value, shape)
}

extension ScalarExpression {
    /// The arguments that a step depends on.
    func arguments(of index: Int) -> Set<Int> {
        switch instructions[index] {
        case .argument(let argument): [argument]
        case .real, .integer, .truth: []
        case .apply(_, let operands): operands.reduce(into: Set()) { $0.formUnion(arguments(of: $1)) }
        case .cast(let operand, _): arguments(of: operand)
        }
    }
}

extension ScalarBuilder {
    /// An instruction with its operands replaced by terms; arguments keep their numbers.
    mutating func copy(_ instruction: ScalarExpression.Instruction, _ terms: [Term]) -> Term {
        switch instruction {
        case .argument, .real, .integer, .truth: emit(instruction)
        case .apply(let operation, let operands): emit(.apply(operation, operands.map { terms[$0].index }))
        case .cast(let operand, let type): emit(.cast(terms[operand].index, type))
        }
    }

    /// A step of another expression with all that it depends on; arguments keep their numbers.
    mutating func copy(_ expression: ScalarExpression, _ index: Int) -> Term {
        switch expression.instructions[index] {
        case .argument, .real, .integer, .truth: return emit(expression.instructions[index])
        case .apply(let operation, let operands):
            let terms = operands.map { copy(expression, $0).index }
            return emit(.apply(operation, terms))
        case .cast(let operand, let type): return emit(.cast(copy(expression, operand).index, type))
        }
    }
}
