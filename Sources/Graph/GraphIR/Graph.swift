import Base
import ElementTypes

/// Tag of node IDs.
package enum NodeTag: Sendable {}
/// A node of a graph.
package typealias NodeID = ID<NodeTag>

/// One result of a node.
package struct Value: Hashable, Comparable, Sendable {
    /// The node that computes it.
    package var node: NodeID
    /// Which of the node's results; 0 for most operations.
    package var result: Int

    /// Makes a reference to a result.
    package init(_ node: NodeID, _ result: Int = 0) {
        self.node = node
        self.result = result
    }

    /// Orders by node, then result.
    package static func < (a: Self, b: Self) -> Bool { (a.node, a.result) < (b.node, b.result) }
}

/// One operation with its operands, the types of its results and where it came from.
package struct Node: Hashable, Sendable {
    package var operation: Operation
    package var operands: [Value]
    package var results: [TensorType]
    /// The line of model code (or the importer's own name for it) that the node came from; for errors and reports.
    package var origin: String

    /// Makes a node; use `GraphBuilder` so that result types follow from the shape rules.
    package init(operation: Operation, operands: [Value], results: [TensorType], origin: String) {
        self.operation = operation
        self.operands = operands
        self.results = results
        self.origin = origin
    }
}

/// A named value that crosses the graph's border: an input, an output or a state.
package struct GraphPort: Hashable, Sendable {
    package var name: String
    package var type: TensorType

    /// Makes a port.
    package init(name: String, type: TensorType) {
        self.name = name
        self.type = type
    }
}

/// A named output and the value it takes.
package struct GraphOutput: Hashable, Sendable {
    package var name: String
    package var value: Value

    /// Makes an output.
    package init(name: String, value: Value) {
        self.name = name
        self.value = value
    }
}

/// A condition checked on entry: `expression` must equal 0 or, for `isLowerBound`, be at least 0.
package struct Guard: Hashable, Sendable {
    package var expression: IntegerExpression
    package var isLowerBound: Bool
    /// What it protects, for the error message.
    package var reason: String

    /// Makes a guard.
    package init(expression: IntegerExpression, isLowerBound: Bool, reason: String) {
        self.expression = expression
        self.isLowerBound = isLowerBound
        self.reason = reason
    }
}

/// A functional tensor program: a topologically ordered table of nodes (waist 1).
package struct Graph: Hashable, Sendable {
    /// Name of the model.
    package var name: String
    /// Symbolic dimensions, `s0` first.
    package var symbols: [Symbol]
    /// Inputs in call order.
    package var inputs: [GraphPort]
    /// Persistent tensors that a run may replace, with their initial contents named as in the tensor source.
    package var states: [GraphPort]
    /// Operations; operands stand before their uses.
    package var nodes: Table<NodeTag, Node>
    /// Outputs in the flattened order of the model.
    package var outputs: [GraphOutput]
    /// For each state that a run replaces: its index and the value it takes at exit.
    package var updates: [StateUpdate]
    /// Conditions checked on entry.
    package var guards: [Guard]
    /// Loops whose number of turns hangs on values, in the order in which they run.
    package var loops: [GraphLoop]

    /// A state and its value at exit.
    package struct StateUpdate: Hashable, Sendable {
        package var state: Int
        package var value: Value

        /// Makes an update.
        package init(state: Int, value: Value) {
            self.state = state
            self.value = value
        }
    }

    /// Gives symbols other names; where a name would occur twice, all keep theirs.
    package mutating func renameSymbols(_ names: [String: String]) {
        let renamed = symbols.map { names[$0.name] ?? $0.name }
        guard Set(renamed).count == renamed.count else { return }
        for (index, name) in renamed.enumerated() { symbols[index].name = name }
    }

    /// An empty graph.
    package init(name: String) {
        self.name = name
        symbols = []
        inputs = []
        states = []
        nodes = Table()
        outputs = []
        updates = []
        guards = []
        loops = []
    }

    /// The type of a value.
    package func type(_ value: Value) -> TensorType { nodes[value.node].results[value.result] }

    /// Ranges of the symbols, for proofs about dimensions.
    package var ranges: VariableRanges {
        var ranges = VariableRanges()
        for (index, symbol) in symbols.enumerated() {
            ranges[Variable(.symbol, index)] = .init(
                lower: IntegerExpression(symbol.minimum), upper: symbol.maximum.map { IntegerExpression($0) })
        }
        return ranges
    }

    /// All values that something other than a node reads: outputs, then state updates, then what loops carry.
    package var exits: [Value] {
        outputs.map(\.value) + updates.map(\.value) + loops.flatMap { $0.initial + $0.next }
    }

    /// For each node, the nodes that use any of its results (each once, in order).
    package var users: [[NodeID]] {
        var users = [[NodeID]](repeating: [], count: nodes.count)
        for id in nodes.ids {
            for operand in nodes[id].operands where users[operand.node.index].last != id {
                users[operand.node.index].append(id)
            }
        }
        return users
    }
}
