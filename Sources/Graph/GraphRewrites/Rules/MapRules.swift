import Base
import ElementTypes
import GraphIR

/// Maps merge into the maps that use them, know their constants, and are computed before they are broadcast.
let mapRules: [RewriteRule] = [
    RewriteRule("map that returns its operand -> the operand", identityMap),
    RewriteRule("map of constants broadcast -> map with numbers", inlineNumbers),
    RewriteRule("map with equal or unused operands -> map without", dropOperands),
    RewriteRule("map that returns a number -> the number, broadcast", constantMap),
    RewriteRule("map of map used once -> map", mapOfMap),
    RewriteRule("map of a widening conversion -> map", mapOfWidening),
    RewriteRule("map with a simpler expression -> the simpler map", simplifyMap),
    RewriteRule("map of expands -> expand of map", mapOfExpands),
]

/// Instructions beyond which maps are not merged: the code of one kernel stays readable and its registers suffice.
private let mergeLimit = 256

extension RewriteContext {
    /// A map over values of the old graph, none of them for an expression that is constant, of a given shape and element
    /// type; the result of `body` is converted where its element type differs.
    mutating func map(
        _ operands: [Value], _ shape: Shape, as element: ElementType,
        _ body: (inout ScalarBuilder, [ScalarBuilder.Term]) -> ScalarBuilder.Term
    ) throws(ShapeError) -> Value {
        var scalar = ScalarBuilder(operands.map { type($0).element })
        let terms = operands.indices.map { scalar.argument($0) }
        let result = body(&scalar, terms)
        let expression = scalar.finish(result, as: element)
        return try builder.expand(try builder.add(.map(expression), moved(operands)), shape)
    }

    /// The one element of a literal constant, looking through broadcasts and reshapes.
    func number(_ value: Value) -> ScalarConstant? {
        var value = value
        while let (view, operand) = view(value) {
            switch view {
            case .expand, .reshape: value = operand
            case .permute, .slice, .flip, .pad, .unfold: return nil
            }
        }
        guard let elements = literal(value), elements.count == 1 else { return nil }
        return ScalarConstant(element: elements[0], of: type(value).element)
    }
}

private func identityMap(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard let (expression, operands) = c.map(Value(id)), expression.instructions.count == 1,
        case .argument(let index) = expression.instructions[0]
    else { return nil }
    return c.moved(operands[index])
}

private func inlineNumbers(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard let (expression, operands) = c.map(Value(id)) else { return nil }
    let numbers = operands.map { c.number($0) }
    guard numbers.contains(where: { $0 != nil }) else { return nil }
    let kept = operands.indices.filter { numbers[$0] == nil }
    let type = c.type(Value(id))
    return try c.map(kept.map { operands[$0] }, type.shape, as: type.element) { scalar, terms in
        var remaining = terms[...]
        let arguments = numbers.map { number in
            number.map { scalar.emit($0.instruction) } ?? remaining.removeFirst()
        }
        return scalar.inline(expression, arguments)
    }
}

private func dropOperands(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard let (expression, operands) = c.map(Value(id)) else { return nil }
    var used = Set<Int>()
    for case .argument(let index) in expression.instructions { used.insert(index) }
    var kept: [Value] = []
    for index in operands.indices where used.contains(index) && !kept.contains(operands[index]) {
        kept.append(operands[index])
    }
    guard kept.count < operands.count else { return nil }
    let type = c.type(Value(id))
    return try c.map(kept, type.shape, as: type.element) { scalar, terms in
        // Operands that no step reads stand for anything.
        let arguments = operands.map { operand in
            kept.firstIndex(of: operand).map { terms[$0] } ?? scalar.truth(false)
        }
        return scalar.inline(expression, arguments)
    }
}

private func constantMap(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard let (expression, operands) = c.map(Value(id)), operands.isEmpty,
        let element = expression.folded([])?.element
    else { return nil }
    return try c.builder.scalar(element, c.type(Value(id)).element)
}

/// Replaces the operands that `merges` names by their own expressions.
private func merge(
    _ c: inout RewriteContext, _ id: NodeID, _ merges: (RewriteContext, Value, ScalarExpression) -> Bool
) throws(ShapeError) -> Value? {
    guard let (expression, operands) = c.map(Value(id)) else { return nil }
    var size = expression.instructions.count
    var merged: [Value: (expression: ScalarExpression, operands: [Value])] = [:]
    for operand in operands {
        guard merged[operand] == nil, let inner = c.map(operand), merges(c, operand, inner.expression),
            size + inner.expression.instructions.count <= mergeLimit
        else { continue }
        size += inner.expression.instructions.count
        merged[operand] = inner
    }
    guard !merged.isEmpty else { return nil }
    var leaves: [Value] = []
    for operand in operands {
        let parts = merged[operand]?.operands ?? [operand]
        for part in parts where !leaves.contains(part) { leaves.append(part) }
    }
    let type = c.type(Value(id))
    return try c.map(leaves, type.shape, as: type.element) { scalar, terms in
        func term(_ value: Value) -> ScalarBuilder.Term { terms[leaves.firstIndex(of: value) ?? 0] }
        let arguments = operands.map { operand in
            guard let inner = merged[operand] else { return term(operand) }
            return scalar.inline(inner.expression, inner.operands.map(term))
        }
        return scalar.inline(expression, arguments)
    }
}

private func mapOfMap(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    if let (expression, _) = c.map(Value(id)), expression.widensByte { return nil }
    return try merge(&c, id) { c, operand, _ in c.isUsedOnce(operand) && !c.node(operand).operands.isEmpty }
}

private func mapOfWidening(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    // Reading the narrow tensor is cheaper than reading the wide one, however many maps do.
    try merge(&c, id) { _, _, inner in inner.isWidening }
}

private func simplifyMap(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard let (expression, operands) = c.map(Value(id)) else { return nil }
    let simpler = expression.simplified()
    guard simpler != expression else { return nil }
    return try c.builder.add(.map(simpler), c.moved(operands))
}

private func mapOfExpands(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard let (expression, operands) = c.map(Value(id)), !operands.isEmpty else { return nil }
    let full = c.shape(Value(id))
    var common = Shape(repeating: 1, count: full.count)
    var sources: [Value] = []
    for operand in operands {
        guard let source = c.expanded(operand) else { return nil }
        sources.append(source)
        let offset = full.count - c.shape(source).count
        for (axis, extent) in c.shape(source).enumerated() where extent != 1 { common[offset + axis] = extent }
    }
    guard common != full else { return nil }
    var arguments: [Value] = []
    for source in sources { arguments.append(try c.builder.expand(c.moved(source), common)) }
    return try c.builder.expand(try c.builder.add(.map(expression), arguments), full)
}
