import Base
import ElementTypes
import GraphIR

/// What a rule sees: the graph before a sweep with its facts, and the graph after it under construction.
///
/// Rules match values of the old graph and build values of the new one; `moved` leads from the first to the second.
package struct RewriteContext {
    /// The graph before the sweep. Nothing of it changes while rules match.
    let graph: Graph
    /// What is known of symbols.
    let ranges: VariableRanges
    /// Whether a node's value is known at build time.
    let isConstant: [Bool]
    /// Nodes from which an exit can be reached.
    let isLive: [Bool]
    /// The graph after the sweep.
    var builder: GraphBuilder
    /// For each node, the live nodes that use it, each once, in order.
    let users: [[NodeID]]
    /// For each node, the exits that it feeds.
    private let exitCounts: [Int]
    private var places: [[Value]]

    init(_ graph: Graph) {
        self.graph = graph
        ranges = graph.ranges
        var live = [Bool](repeating: false, count: graph.nodes.count)
        var exits = [Int](repeating: 0, count: graph.nodes.count)
        for exit in graph.exits {
            live[exit.node.index] = true
            exits[exit.node.index] += 1
        }
        for id in graph.nodes.ids.reversed() where live[id.index] {
            for operand in graph.nodes[id].operands { live[operand.node.index] = true }
        }
        isLive = live
        users = graph.users.map { $0.filter { live[$0.index] } }
        exitCounts = exits
        isConstant = Self.constants(graph)
        builder = GraphBuilder(name: graph.name)
        builder.graph.symbols = graph.symbols
        builder.graph.inputs = graph.inputs
        builder.graph.states = graph.states
        builder.graph.guards = graph.guards
        places = Array(repeating: [], count: graph.nodes.count)
    }

    private static func constants(_ graph: Graph) -> [Bool] {
        var known: [Bool] = []
        for id in graph.nodes.ids {
            let node = graph.nodes[id]
            let isStatic = node.results.allSatisfy { $0.shape.allSatisfy { $0.constantValue != nil } }
            switch node.operation {
            case .leaf(.parameter), .leaf(.constant): known.append(isStatic)
            case .leaf(.iota): known.append(isStatic)
            case .leaf(.dimension(let expression)): known.append(expression.constantValue != nil)
            case .leaf(.input), .leaf(.state), .leaf(.carried), .leaf(.looped): known.append(false)
            case .map, .reduce, .scan, .view, .concatenate, .gather, .scatter, .contract, .convolve, .attend, .recur,
                .window, .sort:
                known.append(isStatic && node.operands.allSatisfy { known[$0.node.index] })
            }
        }
        return known
    }

    // MARK: The old graph

    /// The node that computes a value.
    func node(_ value: Value) -> Node { graph.nodes[value.node] }

    /// The type of a value.
    func type(_ value: Value) -> TensorType { graph.type(value) }

    /// The shape of a value.
    func shape(_ value: Value) -> Shape { graph.type(value).shape }

    /// The number of live nodes that use a value's node, and of exits that it feeds.
    func useCount(_ value: Value) -> Int { users[value.node.index].count + exitCounts[value.node.index] }

    /// Whether exactly one node, or one exit, uses a value's node.
    func isUsedOnce(_ value: Value) -> Bool { useCount(value) == 1 }

    /// The view that makes a value, and what it is a view of.
    func view(_ value: Value) -> (view: View, operand: Value)? {
        let node = node(value)
        guard case .view(let view) = node.operation else { return nil }
        return (view, node.operands[0])
    }

    /// What a value is an expansion of.
    func expanded(_ value: Value) -> Value? {
        guard case (.expand, let operand)? = view(value) else { return nil }
        return operand
    }

    /// What a value is a reshape of.
    func reshaped(_ value: Value) -> Value? {
        guard case (.reshape, let operand)? = view(value) else { return nil }
        return operand
    }

    /// The map that makes a value, and its operands.
    func map(_ value: Value) -> (expression: ScalarExpression, operands: [Value])? {
        let node = node(value)
        guard case .map(let expression) = node.operation else { return nil }
        return (expression, node.operands)
    }

    /// The elements of a literal constant in row-major order.
    func literal(_ value: Value) -> [Double]? {
        guard case .leaf(.constant(let elements, _)) = node(value).operation else { return nil }
        return elements
    }

    // MARK: The new graph

    /// Where a value of the old graph stands in the new one.
    func moved(_ value: Value) -> Value { places[value.node.index][value.result] }

    /// Where values of the old graph stand in the new one.
    func moved(_ values: [Value]) -> [Value] { values.map { moved($0) } }

    /// Where a constant stands in the new graph, also where the sweep has not come to it yet; then it is copied.
    mutating func movedEarly(_ value: Value) throws(ShapeError) -> Value {
        if let place = places[value.node.index].dropFirst(value.result).first { return place }
        let node = graph.nodes[value.node]
        var operands: [Value] = []
        for operand in node.operands { operands.append(try movedEarly(operand)) }
        return Value(try builder.node(node.operation, operands), value.result)
    }

    /// Records where the results of a node went.
    mutating func place(_ id: NodeID, _ values: [Value]) { places[id.index] = values }

    /// The finished graph.
    func finished() -> Graph {
        var result = builder.graph
        result.outputs = graph.outputs.map { GraphOutput(name: $0.name, value: moved($0.value)) }
        result.updates = graph.updates.map { .init(state: $0.state, value: moved($0.value)) }
        result.loops = graph.loops.map { loop in
            GraphLoop(initial: moved(loop.initial), next: moved(loop.next), condition: loop.condition)
        }
        return result
    }
}
