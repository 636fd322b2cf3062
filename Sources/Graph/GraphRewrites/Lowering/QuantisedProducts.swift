import Base
import ElementTypes
import GraphIR

/// Sums of more products of two bytes leave what units that multiply bytes add up without a fault.
private let mostTerms = 1 << 15
/// Sums of fewer are not worth the bytes.
private let leastTerms = 16

/// The products and convolutions of a graph that `quantisingProducts` makes products of bytes.
package func byteProducts(_ graph: Graph) -> [NodeID] {
    let isLive = reaching(graph)
    return graph.nodes.ids.filter { isLive[$0.index] && ByteProduct(graph, graph.nodes[$0]) != nil }
}

/// The weights of some of these products, each once, in the order of their first use; those of convolutions as `[channels, rest]`.
package func quantisedWeights(_ graph: Graph, of products: [NodeID]) -> [CodedWeight] {
    var found: [CodedWeight] = []
    for id in products {
        guard let weight = ByteProduct(graph, graph.nodes[id])?.weight else { continue }
        if !found.contains(weight) { found.append(weight) }
    }
    return found
}

/// The graph with some of its `byteProducts` as products of bytes: weights as 8-bit integers with an f32 scale a row (a channel of the
/// result), activations as 8-bit integers, whose greatest magnitude becomes 127; sums are exact. The scale of activations is found while
/// the model runs, for each row that is summed (for a convolution each image), or follows from `ranges`, the greatest magnitude that a
/// product's activations should have: what is beyond becomes it. Where a row holds what is no number or, without a range, infinite, its
/// results are no numbers. The tensor source must know the names of `CodedWeight`.
package func quantisingProducts(
    _ graph: Graph, _ products: [NodeID], ranges: [NodeID: Double] = [:]
) throws(RewriteError) -> Graph {
    let wanted = Set(products)
    var context = RewriteContext(graph)
    for id in graph.nodes.ids where context.isLive[id.index] {
        let node = graph.nodes[id]
        context.builder.origin = node.origin
        do throws(ShapeError) {
            if wanted.contains(id), let product = ByteProduct(graph, node) {
                let operands = context.moved(node.operands)
                context.place(id, [try product.made(&context.builder, operands, graph, node, range: ranges[id])])
            } else {
                let copy = try context.builder.node(node.operation, context.moved(node.operands))
                context.place(id, node.results.indices.map { Value(copy, $0) })
            }
        } catch {
            throw RewriteError(rule: "product with a weight -> product of bytes", origin: node.origin, cause: error)
        }
    }
    return context.finished()
}

/// A product or convolution of activations by a weight that bytes can compute.
struct ByteProduct {
    enum Kind {
        /// With the weight on side `side`.
        case contract(Contract, WeightUse, side: Int)
        case convolve(Convolve)
    }
    let kind: Kind
    let weight: CodedWeight

    init?(_ graph: Graph, _ node: Node) {
        switch node.operation {
        case .contract(let contract):
            for side in [1, 0] {
                guard let use = WeightUse(graph, contract, node.operands, side, .int8), let summed = use.labels.last
                else { continue }
                let others = side == 0 ? contract.right : contract.left
                // What else the activations are summed over alone would need a scale of its own.
                guard others.filter({ !contract.result.contains($0) }) == [summed],
                    (leastTerms...mostTerms).contains(use.weight.depth)
                else { continue }
                kind = .contract(contract, use, side: side)
                weight = use.weight
                return
            }
            return nil
        case .convolve(let convolve):
            let value = node.operands[1]
            guard convolve.groups == 1, !convolve.isTransposed,
                case .leaf(.parameter(let name, let type)) = graph.nodes[value.node].operation,
                [.f32, .f16, .bf16].contains(type.element)
            else { return nil }
            let extents = type.shape.compactMap(\.constantValue)
            guard extents.count == type.shape.count, let channels = extents.first else { return nil }
            let depth = extents.dropFirst().reduce(1, *)
            guard channels > 1, channels * depth >= CodedWeight.leastElements, (leastTerms...mostTerms).contains(depth)
            else { return nil }
            kind = .convolve(convolve)
            weight = CodedWeight(
                name: name, type: TensorType(type.element, [Dimension(channels), Dimension(depth)]), axis: 1)
        default: return nil
        }
    }

    /// Which operand holds the activations.
    var activations: Int {
        if case .contract(_, _, let side) = kind { return 1 - side }
        return 0
    }

    /// The product of bytes in place of `node`, whose operands stand at `operands`; with `range` for the activations' greatest magnitude.
    func made(
        _ builder: inout GraphBuilder, _ operands: [Value], _ graph: Graph, _ node: Node, range: Double?
    ) throws(ShapeError) -> Value {
        let element = node.results[0].element
        switch kind {
        case .contract(let contract, let use, let side):
            return try self.contract(&builder, contract, use, side, operands[1 - side], element, range)
        case .convolve(let convolve):
            let shape = graph.type(node.operands[1]).shape
            return try self.convolve(&builder, convolve, operands[0], shape, element, range)
        }
    }

    /// Codes `[other axes…, depth]` and scales `[other axes…]`.
    private func leaves(_ builder: inout GraphBuilder) throws(ShapeError) -> (codes: Value, scales: Value) {
        var lead = weight.type.shape
        lead.remove(at: weight.axis)
        let codes = try builder.leaf(
            .parameter(weight.codesName, TensorType(.i8, lead + [Dimension(weight.depth)])))
        let scales = try builder.leaf(.parameter(weight.scalesName, TensorType(.f32, lead + [1])))
        return (codes, try builder.reshape(scales, lead))
    }

    private func contract(
        _ builder: inout GraphBuilder, _ contract: Contract, _ use: WeightUse, _ side: Int, _ x: Value,
        _ element: ElementType, _ range: Double?
    ) throws(ShapeError) -> Value {
        let labels = side == 0 ? contract.right : contract.left
        guard let summed = use.labels.last, let axis = labels.firstIndex(of: summed) else { return x }
        let (codes, scales) = try leaves(&builder)
        let (bytes, sizes) = try quantised(&builder, x, over: [axis], range)
        var product = contract
        if side == 0 { product.left = use.labels } else { product.right = use.labels }
        let wide = (try builder.cast(bytes, .i32), try builder.cast(codes, .i32))
        let sums = try builder.add(.contract(product), side == 0 ? [wide.1, wide.0] : [wide.0, wide.1])
        var kept = labels
        kept.remove(at: axis)
        var shape = builder.shape(sizes)
        shape.remove(at: axis)
        let rows = try aligned(&builder, try builder.reshape(sizes, shape), kept, contract.result)
        let columns = try aligned(&builder, scales, Array(use.labels.dropLast()), contract.result)
        return try scaled(&builder, sums, rows, columns, element)
    }

    private func convolve(
        _ builder: inout GraphBuilder, _ convolve: Convolve, _ x: Value, _ weightShape: Shape, _ element: ElementType,
        _ range: Double?
    ) throws(ShapeError) -> Value {
        let (codes, scales) = try leaves(&builder)
        let rank = builder.shape(x).count
        let (bytes, sizes) = try quantised(&builder, x, over: Array(1..<rank), range)
        let whole = try builder.cast(try builder.reshape(codes, weightShape), .i32)
        let sums = try builder.add(.convolve(convolve), [try builder.cast(bytes, .i32), whole])
        let channels = [1, weightShape[0]] + Shape(repeating: 1, count: rank - 2)
        return try scaled(&builder, sums, sizes, try builder.reshape(scales, channels), element)
    }

    /// Activations as bytes, and what one of them stands for: of `x`'s shape with extents of 1 at `axes`.
    private func quantised(
        _ builder: inout GraphBuilder, _ x: Value, over axes: [Int], _ range: Double?
    ) throws(ShapeError) -> (bytes: Value, scales: Value) {
        var shape = builder.shape(x)
        for axis in axes { shape[axis] = 1 }
        if let range {
            // Of zeros alone any scale will do.
            let most = max(range, 1e-30)
            let bytes = try builder.map([x]) { scalar, terms in
                let scaled = scalar.apply(.multiply, scalar.cast(terms[0], .f32), scalar.real(127 / most))
                let code = scalar.apply(.round, scaled)
                let held = scalar.apply(.minimum, scalar.apply(.maximum, code, scalar.real(-127)), scalar.real(127))
                return scalar.cast(held, .i8)
            }
            return (bytes, try builder.expand(try builder.scalar(most / 127, .f32), shape))
        }
        let sizes = try builder.map([x]) { $0.apply(.absolute, $0.cast($1[0], .f32)) }
        // Of an image over its channels first: many short reductions run side by side, one long one does not.
        var most = try builder.add(.reduce(Reduce(.maximum, axes: [axes[0]])), [sizes])
        most = try builder.map([most]) { $0.apply(.maximum, $1[0], $0.real(1e-30)) }
        if axes.count > 1 {
            most = try builder.add(.reduce(Reduce(.maximum, axes: axes.dropFirst().map { $0 - 1 })), [most])
        }
        let some = try builder.reshape(most, shape)
        let factors = try builder.map([some]) { $0.apply(.divide, $0.real(127), $1[0]) }
        let bytes = try builder.map([x, factors]) { scalar, terms in
            let code = scalar.apply(.multiply, scalar.cast(terms[0], .f32), terms[1])
            return scalar.cast(scalar.apply(.round, code), .i8)
        }
        return (bytes, try builder.map([some]) { $0.apply(.multiply, $1[0], $0.real(1 / 127)) })
    }

    /// A value whose axes have `labels`, with those axes in the order of `result`'s and extents of 1 at the others.
    private func aligned(
        _ builder: inout GraphBuilder, _ value: Value, _ labels: [Int], _ result: [Int]
    ) throws(ShapeError) -> Value {
        let order = labels.indices.sorted {
            result.firstIndex(of: labels[$0]) ?? 0 < result.firstIndex(of: labels[$1]) ?? 0
        }
        let moved = try builder.view(.permute(order), value)
        let shape = builder.shape(value)
        return try builder.reshape(
            moved, result.map { label in labels.firstIndex(of: label).map { shape[$0] } ?? 1 })
    }

    private func scaled(
        _ builder: inout GraphBuilder, _ sums: Value, _ rows: Value, _ columns: Value, _ element: ElementType
    ) throws(ShapeError) -> Value {
        try builder.map([sums, rows, columns]) { scalar, terms in
            let scale = scalar.apply(.multiply, terms[1], terms[2])
            return scalar.cast(scalar.apply(.multiply, scalar.cast(terms[0], .f32), scale), element)
        }
    }
}
