import Base
import ElementTypes
import GraphIR
import KernelIR
import KernelJudge

/// Which special numbers a launch is judged with: infinities, NaN, what is subnormal and what nearly overflows.
///
/// Elementwise work and reductions must keep them all. Where elements meet in sums of products (products, convolutions, attention, recurrent
/// cells), a sum may be taken in any order, so only what no order changes is compared (`AgreementInput.Specials`). Subnormal numbers stand
/// alone there, in a tensor of f32: products of narrower types may flush them, as PyTorch's own do.
struct SpecialInputs {
    /// Whether infinities and NaN are fair.
    let areAllowed: Bool
    /// Whether subnormal numbers are fair.
    let allowSubnormals: Bool
    /// Whether elements meet in sums of products.
    let mixElements: Bool
    /// What the full battery draws.
    let distributions: [InputDistribution]

    /// What fits a launch.
    init(_ region: RegionGraph, _ kernel: Kernel) {
        let operations = region.operations
        // Whether a product vanishes before it meets an infinity depends on its order.
        let multiplies = operations.contains {
            if case .reduce(let reduce) = $0 { reduce.kind == .product } else { false }
        }
        switch kernel.body {
        case .nest, .sort:
            (areAllowed, allowSubnormals, mixElements) = (true, !multiplies, false)
            // What takes in an element too many may show beside an infinity only: a softmax subtracts whatever maximum it finds.
            let takesMany = operations.contains { operation in
                switch operation {
                case .reduce, .scan, .window: true
                case .leaf, .map, .view, .concatenate, .gather, .scatter, .contract, .convolve, .attend, .recur, .sort:
                    false
                }
            }
            distributions = InputDistribution.plain + [.special] + (takesMany ? [.infinite] : [])
        case .contraction, .attention, .recurrence:
            // What integer an infinity or NaN becomes, C and PyTorch leave open.
            areAllowed = !region.convertsToIntegers
            (allowSubnormals, mixElements) = (false, true)
            // A norm or a softmax around a product may overflow in one form of it and not in another.
            // Errors beside the largest f64 are beyond what truth in f64 can measure.
            let isDouble = kernel.parameters.contains { $0.element == .f64 }
            let isPlain =
                !isDouble
                && operations.allSatisfy { operation in
                    switch operation {
                    case .leaf, .map, .view, .concatenate, .contract, .convolve: true
                    case .reduce, .scan, .gather, .scatter, .attend, .recur, .window, .sort: false
                    }
                }
            // Only sums of f32 alone must keep what is subnormal; there is one at all where f32 comes in.
            let isSingle = kernel.parameters.allSatisfy { $0.element == .f32 || !$0.element.isFloatingPoint }
            let drawsSingle = kernel.parameters.contains { $0.element == .f32 && $0.access != .write && !$0.isConstant }
            let extremes: [InputDistribution] =
                (isPlain ? [.greatest] : []) + (isPlain && isSingle && drawsSingle ? [.subnormal] : [])
            distributions = InputDistribution.plain + (areAllowed ? [.special, .infinite] + extremes : [])
        }
    }
}

extension RegionGraph {
    /// Nodes that its results are computed by.
    private var computed: [NodeID] {
        let known = Set(given.values)
        var seen: Set<NodeID> = []
        var waiting = Array(wanted.values)
        while let value = waiting.popLast() {
            guard seen.insert(value.node).inserted else { continue }
            waiting += graph.nodes[value.node].operands.filter { !known.contains($0) }
        }
        return seen.sorted()
    }

    /// Operations of those.
    fileprivate var operations: [Operation] { computed.map { graph.nodes[$0].operation } }

    /// Whether numbers become integers on the way.
    fileprivate var convertsToIntegers: Bool {
        computed.contains { node in
            guard case .map(let expression) = graph.nodes[node].operation else { return false }
            let types = graph.nodes[node].operands.map { graph.type($0).element }
            return types.contains(where: \.isFloatingPoint)
                && expression.instructions.contains {
                    if case .cast(_, let type) = $0 { type.isInteger } else { false }
                }
        }
    }

    /// Whether a parameter is what attention adds to its scores, as it is or as a view shows it.
    func isMask(_ parameter: Int) -> Bool {
        guard let given = given[parameter] else { return false }
        return computed.contains { node in
            guard case .attend(let attend) = graph.nodes[node].operation, attend.hasMask else { return false }
            var mask = graph.nodes[node].operands[3]
            while mask != given, case .view = graph.nodes[mask.node].operation {
                mask = graph.nodes[mask.node].operands[0]
            }
            return mask == given
        }
    }
}
