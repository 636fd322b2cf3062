import DeviceAPI
import GraphIR
import GraphLowering
import GraphRewrites

/// Decisions about a whole model: what the outer search moves.
package struct FormChoices: Hashable, Sendable {
    /// Which values are stored, which operations share a kernel, and how convolutions' results lie.
    package var cover = Cover()
    /// Whether sibling products (query, key and value) become one.
    package var mergesSiblings = false
    /// Whether every launch runs on one thread, which can pay for tiny models.
    package var usesOneThread = false

    /// What the rules say.
    package init() {}

    /// What the rules say for a device: where blocks of threads run, every launch costs microseconds, so that sibling products are one and
    /// products of few rows take in what stands around them; and whoever gathers channels element by element is many times as slow as a
    /// copy is.
    init(_ limits: DeviceLimits) {
        mergesSiblings = limits.blocks != nil
        cover = Cover(
            fewRows: limits.blocks == nil ? 0 : 8, turnsInputs: limits.blocks != nil,
            processors: limits.blocks == nil ? 0 : limits.cores)
    }
}

/// A model under one set of decisions: rewritten and lowered, with its distinct kernels.
package struct ModelForm: Sendable {
    package let choices: FormChoices
    /// After the rewrites.
    package let graph: Graph
    package let program: LoweredProgram
    package let list: KernelList

    /// Lowers a rewritten graph.
    init(_ choices: FormChoices, _ graph: Graph) throws(LoweringError) {
        self.choices = choices
        self.graph = graph
        program = try lower(graph, cover: choices.cover)
        list = KernelList(program)
    }

    /// Rewrites an imported graph as the decisions say.
    static func rewritten(_ graph: Graph, _ choices: FormChoices) throws(RewriteError) -> Graph {
        var options = RewriteOptions()
        options.mergesSiblings = choices.mergesSiblings
        return try rewrite(graph, options: options)
    }
}
