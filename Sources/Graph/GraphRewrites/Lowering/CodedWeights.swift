import Base
import ElementTypes
import GraphIR

/// A weight that one or more products sum over one axis of, and that can be stored as codes and scales.
package struct CodedWeight: Hashable, Sendable {
    /// The parameter's name in the tensor source.
    package var name: String
    /// Type of the parameter.
    package var type: TensorType
    /// The axis that products sum over.
    package var axis: Int

    /// Extents, which are all known.
    package var shape: [Int] { type.shape.compactMap(\.constantValue) }
    /// Elements along the summed axis.
    package var depth: Int { shape[axis] }
    /// Products of the other extents: rows that are summed apart.
    package var rows: Int { shape.reduce(1, *) / max(depth, 1) }
    /// The name of its codes: `[other axes…, depth]`, int4 as `[other axes…, depth / 32, 16]`, where byte j of a block holds
    /// element j in its low and element j + 16 in its high half, both with 8 added.
    package var codesName: String { "\(name).codes.\(axis)" }
    /// The name of its scales: `[other axes…, 1]`, int4 as `[other axes…, depth / 32, 1]`.
    package var scalesName: String { "\(name).scales.\(axis)" }
    /// The name of what codes and scales stand for, as f32 `[other axes…, depth]`.
    package var restoredName: String { "\(name).restored.\(axis)" }

    /// Fewer elements than this are not worth a second tensor.
    static let leastElements = 4096
}

/// The weights of a graph that products alone sum over one axis of, each once, in the order of their first use. `int4` weights
/// must have whole blocks.
package func codedWeights(_ graph: Graph, _ format: WeightFormat) -> [CodedWeight] {
    var found: [CodedWeight] = []
    for node in graph.nodes.rows {
        guard case .contract(let contract) = node.operation else { continue }
        for side in 0..<2 {
            guard let use = WeightUse(graph, contract, node.operands, side, format) else { continue }
            if !found.contains(use.weight) { found.append(use.weight) }
        }
    }
    return found
}

/// The graph with products that read weights as codes and scales, which they decode themselves. The tensor source must know
/// the names of `CodedWeight`.
package func decodingWeights(_ graph: Graph, _ format: WeightFormat) throws(RewriteError) -> Graph {
    try replacing(graph, format) { (builder, weight) throws(ShapeError) in
        try decoded(&builder, weight, format)
    }
}

/// The same graph with weights as f32 that hold exactly what codes and scales stand for: quicker to evaluate.
package func restoringWeights(_ graph: Graph, _ format: WeightFormat) throws(RewriteError) -> Graph {
    try replacing(graph, format) { (builder, weight) throws(ShapeError) in
        var shape = weight.type.shape
        shape.append(shape.remove(at: weight.axis))
        let leaf = try builder.leaf(.parameter(weight.restoredName, TensorType(.f32, shape)))
        return try builder.cast(leaf, weight.type.element)
    }
}

/// An operand of a product that is a weight, in the order of its own axes or another.
struct WeightUse {
    let weight: CodedWeight
    /// Labels of the weight's axes, the summed one last.
    let labels: [Int]

    init?(_ graph: Graph, _ contract: Contract, _ operands: [Value], _ side: Int, _ format: WeightFormat) {
        var labels = side == 0 ? contract.left : contract.right
        var value = operands[side]
        while case .view(.permute(let axes)) = graph.nodes[value.node].operation {
            var before = labels
            for (place, axis) in axes.enumerated() { before[axis] = labels[place] }
            labels = before
            value = graph.nodes[value.node].operands[0]
        }
        guard case .leaf(.parameter(let name, let type)) = graph.nodes[value.node].operation,
            [.f32, .f16, .bf16].contains(type.element), type.shape.allSatisfy({ $0.constantValue != nil })
        else { return nil }
        let summed = labels.indices.filter { !contract.result.contains(labels[$0]) }
        guard summed.count == 1 else { return nil }
        let weight = CodedWeight(name: name, type: type, axis: summed[0])
        guard weight.rows * weight.depth >= CodedWeight.leastElements, weight.rows > 1,
            weight.depth % (format.block ?? 1) == 0
        else { return nil }
        self.weight = weight
        labels.append(labels.remove(at: summed[0]))
        self.labels = labels
    }
}

/// The graph with every weight of products replaced by what `make` builds for it: `[other axes…, depth]` of its element type.
private func replacing(
    _ graph: Graph, _ format: WeightFormat,
    _ make: @escaping @Sendable (inout GraphBuilder, CodedWeight) throws(ShapeError) -> Value
) throws(RewriteError) -> Graph {
    let wanted = Set(codedWeights(graph, format))
    let rule = RewriteRule("product with a weight -> product with the weight's codes") {
        (c, id) throws(ShapeError) in
        let node = c.graph.nodes[id]
        guard case .contract(var contract) = node.operation else { return nil }
        var operands = c.moved(node.operands)
        var isChanged = false
        for side in 0..<2 {
            guard let use = WeightUse(c.graph, contract, node.operands, side, format), wanted.contains(use.weight)
            else { continue }
            operands[side] = try make(&c.builder, use.weight)
            if side == 0 { contract.left = use.labels } else { contract.right = use.labels }
            isChanged = true
        }
        return isChanged ? try c.builder.add(.contract(contract), operands) : nil
    }
    return try RewriteDriver(rules: [rule], trace: nil).run(graph)
}

/// A weight from its codes and scales: `[other axes…, depth]` of its element type.
private func decoded(
    _ builder: inout GraphBuilder, _ weight: CodedWeight, _ format: WeightFormat
) throws(ShapeError) -> Value {
    var lead = weight.type.shape
    lead.remove(at: weight.axis)
    let element = weight.type.element
    let depth = Dimension(weight.depth)
    guard let block = format.block else {
        let codes = try builder.leaf(.parameter(weight.codesName, TensorType(format.codes, lead + [depth])))
        let scales = try builder.leaf(.parameter(weight.scalesName, TensorType(format.scales, lead + [1])))
        return try builder.map([codes, scales]) { scalar, terms in
            let code = format.codes.isInteger ? scalar.cast(terms[0], element) : terms[0]
            return scalar.cast(scalar.apply(.multiply, code, terms[1]), element)
        }
    }
    let blocks = Dimension(weight.depth / block)
    let codes = try builder.leaf(
        .parameter(weight.codesName, TensorType(format.codes, lead + [blocks, Dimension(block / 2)])))
    let scales = try builder.leaf(.parameter(weight.scalesName, TensorType(format.scales, lead + [blocks, 1])))
    let low = try builder.map([codes]) { $0.cast($0.apply(.and, $1[0], $0.integer(15)), .u8) }
    let high = try builder.map([codes]) { $0.cast($0.apply(.shiftRight, $1[0], $0.integer(4)), .u8) }
    let whole = try builder.add(.concatenate(axis: lead.count + 1), [low, high])
    let values = try builder.map([whole, scales]) { scalar, terms in
        let code = scalar.cast(scalar.apply(.subtract, terms[0], scalar.integer(8)), element)
        return scalar.cast(scalar.apply(.multiply, code, terms[1]), element)
    }
    return try builder.reshape(values, lead + [depth])
}
