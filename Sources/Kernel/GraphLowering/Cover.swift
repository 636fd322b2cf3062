import Base
import GraphIR

/// Decisions about how a graph becomes kernels, for all of the graph: what the outer search moves. Equal layers share a
/// decision, because a decision is named by what it is about and not by where it stands. Every cover gives a correct program;
/// those not decided are as the rules say.
package struct Cover: Hashable, Sendable {
    /// What a decision is about.
    package enum Family: String, CaseIterable, Sendable {
        /// Whether the maps after a product, convolution, attention or pooling are computed with it.
        case epilogue
        /// Whether a product computes what is made of equal slices of its columns.
        case gate
        /// Whether a product of few rows stores what is made of its columns where each is wanted.
        case spread
        /// Whether products compute the norm before them, each for itself.
        case norm
        /// Whether a reduction takes the maps and reductions after it into its kernel.
        case rows
        /// Whether a map, gather or concatenation is stored, rather than computed where it is used.
        case store
        /// How what convolutions make lies: `layout.channels-last` for all of them, and for each whether it lies as all do.
        case layout
        /// Whether a convolution reads a copy, channels last, of an input that lies channels first.
        case turn
    }

    /// A decision that a graph leaves open.
    package struct Decision: Hashable, Sendable {
        /// Family, operation and a hash of what it is about: `epilogue.convolve.1f3c9a20`.
        package var name: String
        /// What the rules say.
        package var usual: Bool
        /// Where it applies.
        package var nodes: [NodeID]
    }

    private var values: [String: Bool]
    /// Rows up to which a product by a constant is limited by reading it, so that what stands before and after costs
    /// nothing inside: a fact of the device that the rules go by. 0 where every product gains by being one alone.
    package let fewRows: Int
    /// Whether convolutions gain by a copy of an input of many channels that lies channels first: a fact of the device.
    package let turnsInputs: Bool
    /// Processors that each run blocks of threads of their own, so that long reductions of few points leave most of them idle; 0 where
    /// threads share a reduction anyway.
    package let processors: Int

    /// A cover that follows the rules but for the given decisions.
    package init(
        _ values: [String: Bool] = [:], fewRows: Int = 0, turnsInputs: Bool = false, processors: Int = 0
    ) {
        self.values = values
        self.fewRows = fewRows
        self.turnsInputs = turnsInputs
        self.processors = processors
    }

    /// Other decisions by the rules of the same device.
    package func deciding(_ values: [String: Bool]) -> Cover {
        Cover(values, fewRows: fewRows, turnsInputs: turnsInputs, processors: processors)
    }

    /// A decision, or nil where the rules hold.
    package subscript(_ name: String) -> Bool? { values[name] }

    /// Name of the decision about all layouts.
    package static let layout = "\(Family.layout.rawValue).channels-last"

    /// Name of a decision at a node: the same for nodes with the same operation, types and users.
    static func name(_ family: Family, _ graph: Graph, _ id: NodeID, users: [NodeID]) -> String {
        let node = graph.nodes[id]
        let operands = node.operands.map { "\(graph.type($0))" }
        let after = users.map { "\(graph.nodes[$0].operation)" }
        let text = "\(node.operation) \(operands) \(node.results) \(after)"
        return "\(family.rawValue).\(node.operation.name).\(ContentHash.of(text).description.prefix(8))"
    }

    /// The decisions that a graph leaves open to the device of this cover, in the order in which they are met.
    package func decisions(_ graph: Graph) -> [Decision] {
        var partitioner = Partitioner(graph, cover: deciding([:]))
        let partition = partitioner.run()
        _ = partitioner.turned(partition)
        let found = partitioner.decisions
        let convolutions = partition.groups.map(\.anchor).filter { graph.nodes[$0].operation.isConvolution }
        if convolutions.isEmpty { return found }
        _ = partitioner.channelsLast(partition)
        let single = partitioner.decisions[found.count...]
        // Where there is only one, it lies as all do, or as outputs do.
        let isEach = single.count > 1 || single.contains { !$0.usual }
        return found + [Decision(name: Self.layout, usual: true, nodes: convolutions)] + (isEach ? single : [])
    }
}

extension Operation {
    /// Whether it is a convolution.
    var isConvolution: Bool { if case .convolve = self { true } else { false } }
}
