import Base
import ElementTypes
import GraphIR

/// The contractions and convolutions of f32 whose factors `relaxing` may let be rounded; only convolutions where asked, which is
/// what PyTorch does by itself on GPUs (pytorch.org/docs/stable/notes/numerical_accuracy.html), but for groups of few channels, which
/// its library computes in f32 (KernelBench's level 1, 72 on an H200 is off by no more than f32's rounding).
package func relaxableProducts(_ graph: Graph, convolutionsOnly: Bool) -> [NodeID] {
    let isLive = reaching(graph)
    return graph.nodes.ids.filter { id in
        let node = graph.nodes[id]
        guard isLive[id.index], node.results[0].element == .f32 else { return false }
        switch node.operation {
        case .convolve(let convolve):
            let channels = graph.type(node.operands[1]).shape[1].constantValue ?? 0
            return !convolutionsOnly || convolve.groups == 1 || channels > 8
        case .contract: return !convolutionsOnly
        case .leaf, .map, .reduce, .scan, .view, .concatenate, .gather, .scatter, .attend, .recur, .window, .sort:
            return false
        }
    }
}

/// The graph with factors of these products rounded as they may be.
package func relaxing(_ graph: Graph, _ products: [NodeID], to factors: FactorPrecision = .tf32) -> Graph {
    var graph = graph
    for id in products { graph.nodes[id].operation = graph.nodes[id].operation.relaxed(to: factors) }
    return graph
}

extension Operation {
    /// The operation with its factors rounded so; the same where it has none.
    func relaxed(to factors: FactorPrecision) -> Operation {
        switch self {
        case .contract(var contract):
            contract.factors = factors
            return .contract(contract)
        case .convolve(var convolve):
            convolve.factors = factors
            return .convolve(convolve)
        case .leaf, .map, .reduce, .scan, .view, .concatenate, .gather, .scatter, .attend, .recur, .window, .sort:
            return self
        }
    }
}
