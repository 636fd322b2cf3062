import Base
import ElementTypes

/// Appends nodes to a graph, deriving result types and sharing equal nodes.
package struct GraphBuilder {
    /// The graph under construction.
    package var graph: Graph
    /// Recorded in every node made from now on.
    package var origin = ""
    private var known: [Key: NodeID] = [:]

    private struct Key: Hashable {
        var operation: Operation
        var operands: [Value]
    }

    /// Starts an empty graph.
    package init(name: String) { graph = Graph(name: name) }

    /// Goes on with an existing graph.
    package init(_ graph: Graph) {
        self.graph = graph
        for id in graph.nodes.ids {
            let node = graph.nodes[id]
            known[Key(operation: node.operation, operands: node.operands)] = id
        }
    }

    /// The type of a value.
    package func type(_ value: Value) -> TensorType { graph.type(value) }

    /// The shape of a value.
    package func shape(_ value: Value) -> Shape { graph.type(value).shape }

    /// Adds a node, or finds an equal one, and returns its ID.
    package mutating func node(_ operation: Operation, _ operands: [Value]) throws(ShapeError) -> NodeID {
        let key = Key(operation: operation, operands: operands)
        if let id = known[key] { return id }
        let results = try operation.results(operands.map { graph.type($0) }, graph.ranges)
        let id = graph.nodes.append(
            Node(operation: operation, operands: operands, results: results, origin: origin))
        known[key] = id
        return id
    }

    /// Adds a node of one result.
    package mutating func add(_ operation: Operation, _ operands: [Value]) throws(ShapeError) -> Value {
        Value(try node(operation, operands))
    }

    /// A leaf.
    package mutating func leaf(_ leaf: Leaf) throws(ShapeError) -> Value { try add(.leaf(leaf), []) }

    /// A constant scalar of an element type.
    package mutating func scalar(_ value: Double, _ element: ElementType) throws(ShapeError) -> Value {
        try leaf(.constant([value], TensorType(element, [])))
    }

    /// A view; the identity is not recorded.
    package mutating func view(_ view: View, _ operand: Value) throws(ShapeError) -> Value {
        let old = shape(operand)
        switch view {
        case .reshape(let new) where new == old: return operand
        case .expand(let new) where new == old: return operand
        case .permute(let axes) where axes == Array(old.indices): return operand
        case .flip(let axes) where axes.isEmpty: return operand
        case .slice(let axis, let start, let count, let step)
        where start == 0 && step == 1 && old.indices.contains(axis) && count == old[axis]: return operand
        case .pad(let low, let high, _) where (low + high).allSatisfy { $0 == 0 }: return operand
        case .reshape, .expand, .permute, .flip, .slice, .pad, .unfold: return try add(.view(view), [operand])
        }
    }

    /// A reshape.
    package mutating func reshape(_ operand: Value, _ shape: Shape) throws(ShapeError) -> Value {
        try view(.reshape(shape), operand)
    }

    /// A broadcast, as NumPy aligns shapes.
    package mutating func expand(_ operand: Value, _ shape: Shape) throws(ShapeError) -> Value {
        try view(.expand(shape), operand)
    }

    /// A scalar function of operands that are broadcast together first.
    package mutating func map(
        _ operands: [Value], _ body: (inout ScalarBuilder, [ScalarBuilder.Term]) -> ScalarBuilder.Term
    ) throws(ShapeError) -> Value {
        let shape = try broadcastShape(operands.map { self.shape($0) })
        var expanded: [Value] = []
        for operand in operands { expanded.append(try expand(operand, shape)) }
        var builder = ScalarBuilder(expanded.map { type($0).element })
        let terms = expanded.indices.map { builder.argument($0) }
        let result = body(&builder, terms)
        return try add(.map(builder.finish(result)), expanded)
    }

    /// A conversion to another element type; nothing when it has that type already.
    package mutating func cast(_ operand: Value, _ element: ElementType) throws(ShapeError) -> Value {
        if type(operand).element == element { return operand }
        return try map([operand]) { $0.cast($1[0], element) }
    }

    /// The shape that NumPy's broadcasting gives; extents that are not provably equal and not 1 are an error.
    package func broadcastShape(_ shapes: [Shape]) throws(ShapeError) -> Shape {
        let rank = shapes.map(\.count).max() ?? 0
        var result = Shape(repeating: 1, count: rank)
        for shape in shapes {
            for (index, extent) in shape.enumerated() {
                let axis = rank - shape.count + index
                if result[axis] == 1 {
                    result[axis] = extent
                } else if extent != 1, extent != result[axis] {
                    throw ShapeError(
                        operation: "broadcast", operands: shapes.map { TensorType(.f32, $0) },
                        reason: "extents \(result[axis]) and \(extent) of axis \(axis) do not broadcast")
                }
            }
        }
        return result
    }
}
