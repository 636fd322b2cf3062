import Base
import ElementTypes
import GraphIR

/// Small literal constants are computed at once. Weights are left to the builder, which computes them with kernels.
let constantRules: [RewriteRule] = [
    RewriteRule("dimension that is known -> constant", knownDimension),
    RewriteRule("constant of equal elements -> a scalar, broadcast", uniformConstant),
    RewriteRule("view of a small constant -> constant", viewOfConstant),
    RewriteRule("map of small constants -> constant", mapOfConstants),
    RewriteRule("concatenation of small constants -> constant", concatenationOfConstants),
]

/// The greatest number of elements that is folded.
private let foldLimit = 4096

private func knownDimension(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard case .leaf(.dimension(let expression)) = c.graph.nodes[id].operation, let value = expression.constantValue,
        value.magnitude <= 1 << 53
    else { return nil }
    return try c.builder.scalar(Double(value), .i64)
}

private func uniformConstant(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard case .leaf(.constant(let elements, let type)) = c.graph.nodes[id].operation, elements.count > 1,
        elements.allSatisfy({ $0.bitPattern == elements[0].bitPattern })
    else { return nil }
    return try c.builder.expand(try c.builder.scalar(elements[0], type.element), type.shape)
}

private func viewOfConstant(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard let (view, operand) = c.view(Value(id)), let elements = c.literal(operand),
        let old = extents(c.shape(operand)), let new = extents(c.shape(Value(id))),
        new.reduce(1, *) <= foldLimit
    else { return nil }
    let strides = strides(old)
    let sources: [Int?]
    switch view {
    case .expand: return nil  // A broadcast is cheaper as it is.
    case .reshape: sources = Array(elements.indices)
    case .permute(let axes):
        sources = indices(new).map { index in zip(index, axes).reduce(0) { $0 + $1.0 * strides[$1.1] } }
    case .slice(let axis, let start, _, let step):
        guard let first = start.constantValue else { return nil }
        sources = indices(new).map { index in
            index.indices.reduce(0) { $0 + ($1 == axis ? first + index[$1] * step : index[$1]) * strides[$1] }
        }
    case .flip(let axes):
        sources = indices(new).map { index in
            index.indices.reduce(0) {
                $0 + (axes.contains($1) ? old[$1] - 1 - index[$1] : index[$1]) * strides[$1]
            }
        }
    case .pad(let low, _, _):
        guard let before = extents(low) else { return nil }
        sources = indices(new).map { index in
            let inner = zip(index, before).map { $0 - $1 }
            guard zip(inner, old).allSatisfy({ $0 >= 0 && $0 < $1 }) else { return nil }
            return zip(inner, strides).reduce(0) { $0 + $1.0 * $1.1 }
        }
    case .unfold(let axis, _, let step):
        sources = indices(new).map { index in
            index.dropLast().indices.reduce(0) { sum, position in
                let along = position == axis ? index[position] * step + index[index.count - 1] : index[position]
                return sum + along * strides[position]
            }
        }
    }
    var padding = 0.0
    if case .pad(_, _, let value) = view { padding = value.value }
    return try c.builder.leaf(.constant(sources.map { $0.map { elements[$0] } ?? padding }, c.type(Value(id))))
}

private func mapOfConstants(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard let (expression, operands) = c.map(Value(id)), !operands.isEmpty else { return nil }
    var tensors: [[Double]] = []
    for operand in operands {
        guard let elements = c.literal(operand), elements.count <= foldLimit else { return nil }
        tensors.append(elements)
    }
    var results: [Double] = []
    for position in tensors[0].indices {
        var arguments: [ScalarConstant] = []
        for (tensor, element) in zip(tensors, expression.arguments) {
            guard let constant = ScalarConstant(element: tensor[position], of: element) else { return nil }
            arguments.append(constant)
        }
        guard let result = expression.folded(arguments)?.element else { return nil }
        results.append(result)
    }
    return try c.builder.leaf(.constant(results, c.type(Value(id))))
}

private func concatenationOfConstants(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    let node = c.graph.nodes[id]
    guard case .concatenate(let axis) = node.operation, let full = extents(node.results[0].shape),
        full.reduce(1, *) <= foldLimit
    else { return nil }
    var parts: [(elements: [Double], run: Int)] = []
    for operand in node.operands {
        guard let elements = c.literal(operand), let shape = extents(c.shape(operand)) else { return nil }
        parts.append((elements, shape[axis...].reduce(1, *)))
    }
    var results: [Double] = []
    for outer in 0..<full[..<axis].reduce(1, *) {
        for part in parts { results += part.elements[outer * part.run..<(outer + 1) * part.run] }
    }
    return try c.builder.leaf(.constant(results, node.results[0]))
}

/// Extents as numbers, where all are known.
private func extents(_ shape: Shape) -> [Int]? {
    var result: [Int] = []
    for extent in shape {
        guard let value = extent.constantValue else { return nil }
        result.append(value)
    }
    return result
}

private func strides(_ extents: [Int]) -> [Int] {
    var result = [Int](repeating: 1, count: extents.count)
    for axis in extents.indices.dropLast().reversed() { result[axis] = result[axis + 1] * extents[axis + 1] }
    return result
}

/// All indices of a tensor in row-major order.
private func indices(_ extents: [Int]) -> [[Int]] {
    extents.reduce([[]]) { prefixes, extent in prefixes.flatMap { prefix in (0..<extent).map { prefix + [$0] } } }
}
