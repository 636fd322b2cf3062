import Base
import GraphIR

/// The order in which the groups of a partition run, or the reason why there is none.
enum GroupOrder: Equatable {
    /// Indices of groups, each after those whose results it reads.
    case order([Int])
    /// Indices of groups of which each reads a result of the next one, and the last one of the first.
    case cycle([Int])
}

/// Who reads whose results among groups, through the maps and views that no group computes.
struct GroupReads {
    private let graph: Graph
    private let groups: [Partition.Group]
    private var groupOf: [Int?]

    init(_ graph: Graph, _ groups: [Partition.Group]) {
        self.graph = graph
        self.groups = groups
        groupOf = Array(repeating: nil, count: graph.nodes.count)
        for (index, group) in groups.enumerated() {
            for member in group.members { groupOf[member.index] = index }
        }
    }

    /// Groups whose results the members read, but for their own group; in order of index.
    func reads(_ members: [NodeID], of own: Int) -> [Int] {
        var found: Set<Int> = []
        var seen: Set<NodeID> = []
        var stack = members.flatMap { graph.nodes[$0].operands.map(\.node) }
        while let node = stack.popLast() {
            guard seen.insert(node).inserted else { continue }
            let group = groupOf[node.index]
            if group == own { continue }
            if let group, groups[group].results.contains(where: { $0.node == node }) {
                found.insert(group)
            } else {
                stack += graph.nodes[node].operands.map(\.node)
            }
        }
        return found.sorted()
    }

    /// Depth first, with an explicit stack; groups are entered in the order of their last member.
    func order() -> GroupOrder {
        enum State { case fresh, open, done }
        var state = [State](repeating: .fresh, count: groups.count)
        var order: [Int] = []
        let entries = groups.indices.sorted {
            (groups[$0].members.last ?? ID(0), $0) < (groups[$1].members.last ?? ID(0), $1)
        }
        for entry in entries where state[entry] == .fresh {
            var stack = [(group: entry, rest: reads(groups[entry].members, of: entry))]
            state[entry] = .open
            while let (group, remaining) = stack.popLast() {
                var rest = remaining
                guard let next = rest.popLast() else {
                    state[group] = .done
                    order.append(group)
                    continue
                }
                stack.append((group, rest))
                switch state[next] {
                case .done: break
                case .open: return .cycle(Array(stack.map(\.group).drop { $0 != next }))
                case .fresh:
                    state[next] = .open
                    stack.append((next, reads(groups[next].members, of: next)))
                }
            }
        }
        return .order(order)
    }

    /// The fewest members that must leave one group of a cycle to break it: those that read the next group's results
    /// themselves, in a group where the anchor is not among them.
    ///
    /// There is such a group. What a group's other members are made of includes the anchor or the anchor's operands; were
    /// every anchor a reader of the next group, every anchor's operands would be made of the next anchor's, and so of
    /// themselves.
    func breaking(_ cycle: [Int]) -> [NodeID] {
        var best: [NodeID] = []
        for (position, group) in cycle.enumerated() {
            let next = cycle[(position + 1) % cycle.count]
            let readers = groups[group].members.filter { reads([$0], of: group).contains(next) }
            guard !readers.contains(groups[group].anchor) else { continue }
            if best.isEmpty || readers.count < best.count { best = readers }
        }
        return best
    }
}
