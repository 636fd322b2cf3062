import Base
import ElementTypes
import GraphIR

/// Graphs that say, on a sample, what a model's products meet: evaluated by the interpreter, never compiled.
package enum ProductProbe {
    /// A graph with two outputs a product, f64 scalars: the sum of the squared differences between what the product gives in the narrow type
    /// `element` and in f32, from the same operands, and the sum of the squares of the latter.
    package static func narrow(
        _ graph: Graph, _ products: [NodeID], to element: ElementType
    ) throws(RewriteError) -> Graph {
        try probing(graph, products) { (builder, id, node) throws(ShapeError) in
            let factors = if case .attend = node.operation { 3 } else { 2 }
            var narrow: [Value] = []
            for (place, operand) in node.operands.enumerated() {
                narrow.append(place < factors ? try builder.cast(operand, element) : operand)
            }
            return try distance(&builder, try builder.add(node.operation, narrow), Value(id))
        }
    }

    /// The same of products of f32 whose factors may be rounded (`relaxing`).
    package static func relaxed(
        _ graph: Graph, _ products: [NodeID], to factors: FactorPrecision
    ) throws(RewriteError) -> Graph {
        try probing(graph, products) { (builder, id, node) throws(ShapeError) in
            let rounded = try builder.add(node.operation.relaxed(to: factors), node.operands)
            return try distance(&builder, rounded, Value(id))
        }
    }

    /// The same of products of bytes (`quantisingProducts`).
    package static func bytes(
        _ graph: Graph, _ products: [NodeID], ranges: [NodeID: Double]
    ) throws(RewriteError) -> Graph {
        try probing(graph, products) { (builder, id, node) throws(ShapeError) in
            guard let product = ByteProduct(graph, node) else { return [] }
            let result = try product.made(&builder, node.operands, graph, node, range: ranges[id])
            return try distance(&builder, result, Value(id))
        }
    }

    /// A graph with one output a product of bytes: the greatest magnitude of its activations, an f32 scalar.
    package static func ranges(_ graph: Graph, _ products: [NodeID]) throws(RewriteError) -> Graph {
        try probing(graph, products) { (builder, _, node) throws(ShapeError) in
            guard let product = ByteProduct(graph, node) else { return [] }
            let x = node.operands[product.activations]
            let sizes = try builder.map([x]) { $0.apply(.absolute, $0.cast($1[0], .f32)) }
            return [try builder.add(.reduce(Reduce(.maximum, axes: Array(builder.shape(x).indices))), [sizes])]
        }
    }

    /// Sums of squares of the difference of two values, and of the second.
    private static func distance(
        _ builder: inout GraphBuilder, _ one: Value, _ other: Value
    ) throws(ShapeError) -> [Value] {
        let difference = try builder.map([one, other]) { scalar, terms in
            let apart = scalar.apply(.subtract, scalar.cast(terms[0], .f64), scalar.cast(terms[1], .f64))
            return scalar.apply(.multiply, apart, apart)
        }
        let square = try builder.map([other]) { scalar, terms in
            let wide = scalar.cast(terms[0], .f64)
            return scalar.apply(.multiply, wide, wide)
        }
        let axes = Array(builder.shape(other).indices)
        return [
            try builder.add(.reduce(Reduce(.sum, axes: axes)), [difference]),
            try builder.add(.reduce(Reduce(.sum, axes: axes)), [square]),
        ]
    }

    /// The graph with what `measure` makes of each product as its outputs, and without its own outputs and updates.
    private static func probing(
        _ graph: Graph, _ products: [NodeID],
        _ measure: (inout GraphBuilder, NodeID, Node) throws(ShapeError) -> [Value]
    ) throws(RewriteError) -> Graph {
        var builder = GraphBuilder(graph)
        builder.graph.outputs = []
        builder.graph.updates = []
        for id in products {
            let node = graph.nodes[id]
            do throws(ShapeError) {
                for value in try measure(&builder, id, node) {
                    let name = "probe.\(builder.graph.outputs.count)"
                    builder.graph.outputs.append(GraphOutput(name: name, value: value))
                }
            } catch {
                throw RewriteError(rule: "probe", origin: node.origin, cause: error)
            }
        }
        return builder.graph
    }
}
