import Base
import ElementTypes
import GraphIR

/// Evaluates a graph slowly and obviously right: the oracle that kernels are judged by. Holds the states between runs.
package struct Interpreter {
    /// What happens to floating-point results.
    package enum Policy: String, CaseIterable, Hashable, Sendable {
        /// Nothing is rounded: every floating value keeps the bits of a double, and casts between floating types do
        /// nothing. The oracle. Stored values (inputs, weights, constants) are what their element type stores.
        case exact
        /// Every node's floating results, and every cast, are rounded to the element type: what PyTorch computes when it
        /// runs operation by operation. Sums of f32 and narrower accumulate in f32, in an order like PyTorch's.
        case roundAfterEachNode
    }

    /// The graph.
    package let graph: Graph
    /// How floating-point results are treated.
    package let policy: Policy
    /// Elements that sums in f32 add side by side under `roundAfterEachNode`. PyTorch's number hangs on the instruction set,
    /// the layout and the threads.
    package var sumLanes = 32
    /// Whether attention leaves out keys that a mask or causality hides, whatever they hold, as kernels do that skip whole blocks of them;
    /// otherwise such keys count with weight 0, so that a NaN among them is seen.
    package var skipsHidden = false
    private let tensors: any TensorSource
    private var states: [TensorValue?]

    /// Prepares to evaluate `graph` with weights and initial states from `tensors`.
    package init(_ graph: Graph, tensors: any TensorSource, policy: Policy = .exact) {
        self.graph = graph
        self.tensors = tensors
        self.policy = policy
        states = Array(repeating: nil, count: graph.states.count)
    }

    /// Runs the graph once and returns its outputs in order; replaces the states that the graph updates.
    package mutating func run(_ inputs: [TensorValue]) throws(InterpreterError) -> [TensorValue] {
        try run(inputs, observing: []).outputs
    }

    /// What a state holds now; nil before a run has changed it.
    package func state(_ index: Int) -> TensorValue? { states[index] }

    /// As `run`, and also returns what chosen intermediate values were; those of a loop in its first turn.
    package mutating func run(
        _ inputs: [TensorValue], observing values: [Value]
    ) throws(InterpreterError) -> (outputs: [TensorValue], observed: [TensorValue]) {
        guard inputs.count == graph.inputs.count else {
            throw .inputCount(expected: graph.inputs.count, found: inputs.count)
        }
        let given = zip(graph.inputs, inputs).map { ($0.name, $0.type, $1) }
        let evaluation = Evaluation(self, inputs, try bind(given))
        let leaving = graph.outputs.map(\.value) + graph.updates.map(\.value)
        let results = try evaluation.values(leaving + values, given: [:])
        for (update, value) in zip(graph.updates, results[graph.outputs.count...]) { states[update.state] = value }
        return (Array(results[..<graph.outputs.count]), Array(results[leaving.count...]))
    }

    /// Evaluates some values alone, with the given values in place of the nodes that compute them: a constant subgraph
    /// (`given` empty) or one region. Symbols follow from the shapes of what is given; graph inputs that are needed must
    /// be among `given`. States keep what the last run left. `symbols` holds those that no given shape determines.
    package func evaluate(
        _ values: [Value], given: [Value: TensorValue], symbols: [Variable: Int] = [:]
    ) throws(InterpreterError) -> [TensorValue] {
        let known = given.sorted { $0.key < $1.key }.map {
            ("%\($0.key.node.index)", graph.type($0.key), $0.value)
        }
        return try Evaluation(self, nil, try bind(known, symbols)).values(values, given: given)
    }

    /// The current contents of a state.
    package func state(_ index: Int) throws(InterpreterError) -> TensorValue {
        if let current = states[index] { return current }
        return try load(graph.states[index].name, graph.states[index].type, SymbolBinding(count: 0))
    }

    /// Replaces the contents of a state.
    package mutating func setState(_ index: Int, _ value: TensorValue) throws(InterpreterError) {
        let port = graph.states[index]
        guard value.element == port.type.element, port.type.shape.map(\.constantValue) == value.shape.map({ $0 }) else {
            throw .inputType(name: port.name, expected: port.type, found: value.element, shape: value.shape)
        }
        states[index] = value
    }

    /// Binds symbols to the shapes of given values, after checking their types.
    private func bind(
        _ given: [(name: String, type: TensorType, value: TensorValue)], _ symbols: [Variable: Int] = [:]
    ) throws(InterpreterError) -> SymbolBinding {
        for (name, type, value) in given
        where value.element != type.element || value.shape.count != type.shape.count {
            throw .inputType(name: name, expected: type, found: value.element, shape: value.shape)
        }
        return try SymbolBinding(graph, given.map { ($0.name, $0.type, $0.value.shape) }, known: symbols)
    }

    /// Reads a named tensor.
    func load(_ name: String, _ type: TensorType, _ symbols: SymbolBinding) throws(InterpreterError) -> TensorValue {
        var shape: [Int] = []
        for dimension in type.shape {
            guard let extent = symbols.value(dimension) else { throw .unboundSymbol("\(dimension)") }
            shape.append(extent)
        }
        let value: TensorValue?
        do {
            value = try tensors.withTensor(name) { TensorValue(type.element, shape, bytes: $0) }
        } catch {
            throw .tensor(name: name, reason: "\(error)")
        }
        guard let value else { throw .tensor(name: name, reason: "its size does not fit \(type)") }
        return value
    }
}
