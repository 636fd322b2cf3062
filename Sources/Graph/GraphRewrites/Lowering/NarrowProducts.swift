import Base
import ElementTypes
import GraphIR

/// The products of a graph that `narrowing` computes in a narrower type: contractions, convolutions and attention in f32.
package func narrowProducts(_ graph: Graph) -> [NodeID] {
    let isLive = reaching(graph)
    return graph.nodes.ids.filter { isLive[$0.index] && isWideProduct(graph, $0) }
}

/// The graph with its products in `element`, f16 or bf16, but for those in `kept`: operands are rounded to it, sums are taken in f32, and
/// what lies between products keeps the narrow type where nothing is summed. The rules follow PyTorch's autocast
/// (pytorch.org/docs/stable/amp.html), with one exception: what is computed for a product is stored in its type for all who read it.
///
/// Reductions, scans, recurrent layers, sorting and what reads them compute in f32, as does every element of a map until it is stored.
/// Inputs, outputs and states keep their types.
package func narrowing(
    _ graph: Graph, to element: ElementType, keeping kept: Set<NodeID> = []
) throws(RewriteError) -> Graph {
    var pass = NarrowPass(graph, element, kept)
    for id in graph.nodes.ids {
        do throws(ShapeError) { try pass.take(id) } catch {
            throw RewriteError(rule: "f32 -> \(element.rawValue)", origin: graph.nodes[id].origin, cause: error)
        }
    }
    do throws(ShapeError) { return try pass.finished() } catch {
        throw RewriteError(rule: "f32 -> \(element.rawValue)", origin: "outputs", cause: error)
    }
}

/// Whether a node multiplies and sums f32.
private func isWideProduct(_ graph: Graph, _ id: NodeID) -> Bool {
    let node = graph.nodes[id]
    switch node.operation {
    case .contract, .convolve, .attend: return node.results[0].element == .f32
    case .leaf, .map, .reduce, .scan, .view, .concatenate, .gather, .scatter, .recur, .window, .sort: return false
    }
}

/// Nodes from which an exit can be reached.
func reaching(_ graph: Graph) -> [Bool] {
    var isLive = [Bool](repeating: false, count: graph.nodes.count)
    for exit in graph.exits { isLive[exit.node.index] = true }
    for id in graph.nodes.ids.reversed() where isLive[id.index] {
        for operand in graph.nodes[id].operands { isLive[operand.node.index] = true }
    }
    return isLive
}

/// One sweep over a graph. A value of f32 stands in the new graph in f32 or in the narrow type; who reads it takes which he wants.
private struct NarrowPass {
    private let graph: Graph
    private let element: ElementType
    private let kept: Set<NodeID>
    private let isLive: [Bool]
    /// Whether a narrow product reads the node, through views at most.
    private let feedsProduct: [Bool]
    /// Whether the node is known at build time.
    private var isConstant: [Bool] = []
    private var builder: GraphBuilder
    private var places: [[Value]]

    init(_ graph: Graph, _ element: ElementType, _ kept: Set<NodeID>) {
        self.graph = graph
        self.element = element
        self.kept = kept
        isLive = reaching(graph)
        var feeds = [Bool](repeating: false, count: graph.nodes.count)
        for id in graph.nodes.ids.reversed() {
            let node = graph.nodes[id]
            if isWideProduct(graph, id), !kept.contains(id) {
                // A mask of attention is added to f32.
                for operand in node.operands.prefix(Self.factors(node.operation)) { feeds[operand.node.index] = true }
            } else if case .view = node.operation, feeds[id.index] {
                feeds[node.operands[0].node.index] = true
            }
        }
        feedsProduct = feeds
        builder = GraphBuilder(name: graph.name)
        builder.graph.symbols = graph.symbols
        builder.graph.inputs = graph.inputs
        builder.graph.states = graph.states
        builder.graph.guards = graph.guards
        places = Array(repeating: [], count: graph.nodes.count)
    }

    /// Operands that are multiplied.
    private static func factors(_ operation: Operation) -> Int {
        if case .attend = operation { return 3 }
        return 2
    }

    /// The value in the new graph, as narrow as it may be.
    private func moved(_ value: Value) -> Value { places[value.node.index][value.result] }

    private func isNarrow(_ value: Value) -> Bool {
        graph.type(value).element == .f32 && builder.type(moved(value)).element == element
    }

    /// The value with the element type that it had.
    private mutating func whole(_ value: Value) throws(ShapeError) -> Value {
        try builder.cast(moved(value), graph.type(value).element)
    }

    /// The value in the narrow type, if it was of f32.
    private mutating func narrow(_ value: Value) throws(ShapeError) -> Value {
        graph.type(value).element == .f32 ? try builder.cast(moved(value), element) : moved(value)
    }

    /// Puts a node into the new graph.
    mutating func take(_ id: NodeID) throws(ShapeError) {
        let node = graph.nodes[id]
        isConstant.append(known(node))
        guard isLive[id.index] else { return }
        builder.origin = node.origin
        let copy: NodeID
        if isWideProduct(graph, id), !kept.contains(id) {
            let count = Self.factors(node.operation)
            var operands: [Value] = []
            for operand in node.operands.prefix(count) { operands.append(try narrow(operand)) }
            for operand in node.operands.dropFirst(count) { operands.append(try whole(operand)) }
            copy = try builder.node(node.operation, operands)
        } else if movesOnly(node), node.operands.contains(where: { isNarrow($0) }) {
            var operands: [Value] = []
            for operand in node.operands { operands.append(try narrow(operand)) }
            copy = try builder.node(node.operation, operands)
        } else {
            var operands: [Value] = []
            for operand in node.operands { operands.append(try whole(operand)) }
            copy = try builder.node(node.operation, operands)
            if case .map = node.operation, isStoredNarrow(id, node) {
                places[id.index] = [try builder.cast(Value(copy), element)]
                return
            }
        }
        places[id.index] = node.results.indices.map { Value(copy, $0) }
    }

    private func known(_ node: Node) -> Bool {
        if case .leaf(let leaf) = node.operation {
            return switch leaf {
            case .parameter, .constant, .iota: true
            case .input, .state, .dimension, .carried, .looped: false
            }
        }
        return node.operands.allSatisfy { isConstant[$0.node.index] }
    }

    /// Whether elements of f32 leave the node as they came, or as one of them: then they may be narrow.
    private func movesOnly(_ node: Node) -> Bool {
        guard node.results[0].element == .f32 else { return false }
        switch node.operation {
        case .view(.pad(_, _, let filling)): return filling.value == 0 || filling.value.isInfinite
        case .view, .gather: return true
        case .concatenate: return node.operands.allSatisfy { isNarrow($0) || isConstant[$0.node.index] }
        case .window(let window):
            if case .maximum = window.kind { return true }
            return false
        case .leaf, .map, .reduce, .scan, .scatter, .contract, .convolve, .attend, .recur, .sort: return false
        }
    }

    /// Whether a map's result is stored in the narrow type: a product reads it, or it lies between narrow values.
    private func isStoredNarrow(_ id: NodeID, _ node: Node) -> Bool {
        guard node.results[0].element == .f32, !isConstant[id.index] else { return false }
        if feedsProduct[id.index] { return true }
        let floats = node.operands.filter { graph.type($0).element.isFloatingPoint }
        return floats.contains { isNarrow($0) } && floats.allSatisfy { isNarrow($0) || isConstant[$0.node.index] }
    }

    /// The new graph; what leaves it has the types that it had.
    mutating func finished() throws(ShapeError) -> Graph {
        var outputs: [GraphOutput] = []
        for output in graph.outputs { outputs.append(GraphOutput(name: output.name, value: try whole(output.value))) }
        var updates: [Graph.StateUpdate] = []
        for update in graph.updates { updates.append(.init(state: update.state, value: try whole(update.value))) }
        for loop in graph.loops {
            let initial = try loop.initial.map { (value) throws(ShapeError) in try whole(value) }
            let next = try loop.next.map { (value) throws(ShapeError) in try whole(value) }
            builder.graph.loops.append(GraphLoop(initial: initial, next: next, condition: loop.condition))
        }
        builder.graph.outputs = outputs
        builder.graph.updates = updates
        return builder.graph
    }
}
