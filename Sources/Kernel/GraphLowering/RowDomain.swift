import Base
import ElementTypes
import GraphIR

/// The domain of a reduction group and what each member is in it: loop variables `i0…` stand for the axes of the full domain.
struct RowDomain {
    /// What a member computes.
    enum Role {
        /// One value for each point of the kept axes.
        case row
        /// One value for each point of the full domain.
        case full
    }

    let graph: Graph
    /// Shape before the reduction.
    let full: Shape
    /// Reduced axes.
    let axes: [Int]
    /// The other axes.
    let kept: [Int]
    var members: [NodeID: Role] = [:]
    /// Views of members, which users look through.
    var views: Set<NodeID> = []

    init(graph: Graph, full: Shape, axes: [Int], kept: [Int]) {
        self.graph = graph
        self.full = full
        self.axes = axes
        self.kept = kept
    }

    /// Loop variables of the full domain; axes of one element are at 0, as views leave them.
    var variables: [IntegerExpression] {
        full.indices.map { full[$0] == 1 ? 0 : IntegerExpression(Variable(.axis, $0)) }
    }

    /// Ranges of symbols and loop variables.
    var ranges: VariableRanges {
        var ranges = graph.ranges
        for axis in full.indices { ranges.declare(Variable(.axis, axis), extent: full[axis]) }
        return ranges
    }

    /// The index of a member's value at the current point.
    func canonicalIndex(_ value: Value) -> [IntegerExpression]? {
        guard let role = members[value.node] else { return nil }
        return index(role, graph.type(value).shape)
    }

    private func index(_ role: Role, _ shape: Shape) -> [IntegerExpression]? {
        switch role {
        case .full: return variables
        case .row:
            // Kept axes in order; extents of 1 may stand anywhere.
            var remaining = kept.filter { full[$0] != 1 }[...]
            var result: [IntegerExpression] = []
            for extent in shape {
                if extent == 1 {
                    result.append(0)
                } else if let axis = remaining.first, full[axis] == extent {
                    result.append(variables[axis])
                    remaining = remaining.dropFirst()
                } else {
                    return nil
                }
            }
            return remaining.isEmpty ? result : nil
        }
    }

    /// What a later node would be in this group, or nil when it does not fit.
    func role(of id: NodeID) -> Role? {
        let node = graph.nodes[id]
        switch node.operation {
        case .map:
            let shape = node.results[0].shape
            var candidates: [Role] = []
            if shape == full { candidates.append(.full) }
            if index(.row, shape) != nil { candidates.append(.row) }
            for role in candidates {
                guard let index = index(role, shape) else { continue }
                if node.operands.allSatisfy({ fits($0, index) }) { return role }
            }
            return nil
        case .reduce(let reduce):
            guard reduce.axes == axes, let operand = node.operands.first, graph.type(operand).shape == full else {
                return nil
            }
            return fits(operand, variables) ? .row : nil
        case .leaf, .scan, .view, .concatenate, .gather, .scatter, .contract, .convolve, .attend, .recur, .window,
            .sort:
            return nil
        }
    }

    /// Whether an operand read at `index` reaches members, if at all, exactly at their own index.
    private func fits(_ value: Value, _ index: [IntegerExpression]) -> Bool {
        if members[value.node] != nil { return canonicalIndex(value) == index }
        guard views.contains(value.node), case .view(let view) = graph.nodes[value.node].operation else {
            return true
        }
        let operand = graph.nodes[value.node].operands[0]
        guard let inner = view.source(index, of: graph.type(operand).shape, ranges), inner.mask.isEmpty else {
            return false
        }
        return fits(operand, inner.index)
    }
}
