import Base
import ElementTypes

/// A loop whose number of turns hangs on values, as `torch.while_loop` means it: turns are made for as long as one of the tensors that it
/// carries, a bool of one element, holds. A loop of the form *while c(x): x = f(x)* carries c(x) beside x, so that there is nothing but
/// values made before the loop, values made in a turn, and values made after it.
///
/// Nodes of a turn are those that read `Leaf.carried`, directly or through other nodes; those after the loop read `Leaf.looped`.
package struct GraphLoop: Hashable, Sendable, CustomStringConvertible {
    /// What is carried into the first turn.
    package var initial: [Value]
    /// What a turn carries on, in the same places; of the same types.
    package var next: [Value]
    /// The place that says whether there is another turn.
    package var condition: Int

    /// Makes a loop.
    package init(initial: [Value], next: [Value], condition: Int) {
        self.initial = initial
        self.next = next
        self.condition = condition
    }

    /// The printed form: `loop while 0 from %1, %2 by %5, %6`.
    package var description: String {
        func list(_ values: [Value]) -> String { values.map(\.description).joined(separator: ", ") }
        return "loop while \(condition) from \(list(initial)) by \(list(next))"
    }
}

extension Graph {
    /// When each node is computed: 2n is before the n-th loop and after the one before it, 2n + 1 in every turn of the n-th loop.
    package var stages: [Int] {
        guard !loops.isEmpty else { return [Int](repeating: 0, count: nodes.count) }
        var stages: [Int] = []
        for node in nodes.rows {
            switch node.operation {
            case .leaf(.carried(let loop, _, _)) where loops.indices.contains(loop): stages.append(2 * loop + 1)
            case .leaf(.looped(let loop, _, _)) where loops.indices.contains(loop): stages.append(2 * loop + 2)
            default: stages.append(node.operands.map { stages[$0.node.index] }.max() ?? 0)
            }
        }
        return stages
    }

    /// What is wrong with the loops: the node at fault, if it is one, and the facts.
    var loopFault: (node: NodeID?, message: String)? {
        let stages = stages
        func isKnown(_ value: Value) -> Bool {
            nodes.rows.indices.contains(value.node.index) && nodes[value.node].results.indices.contains(value.result)
        }
        for (number, loop) in loops.enumerated() {
            guard loop.initial.count == loop.next.count, loop.initial.indices.contains(loop.condition) else {
                return (
                    nil,
                    "loop \(number) carries \(loop.initial.count) values, then \(loop.next.count); "
                        + "place \(loop.condition) says whether there is another turn"
                )
            }
            for (first, next) in zip(loop.initial, loop.next) where isKnown(first) && isKnown(next) {
                if type(first) != type(next) {
                    return (nil, "loop \(number) carries \(type(first)), then \(type(next))")
                }
                if stages[first.node.index] > 2 * number || stages[first.node.index] % 2 != 0 {
                    return (first.node, "loop \(number) begins with what is computed in a loop, or after it")
                }
                if stages[next.node.index] > 2 * number + 1 || isOfAnotherTurn(stages[next.node.index], number) {
                    return (next.node, "loop \(number) carries on what is computed elsewhere")
                }
            }
            let condition = loop.initial[loop.condition]
            if isKnown(condition), type(condition) != TensorType(.bool, []) {
                return (condition.node, "loop \(number) asks a \(type(condition)) for another turn")
            }
        }
        for id in nodes.ids {
            switch nodes[id].operation {
            case .leaf(.carried(let loop, let place, let type)), .leaf(.looped(let loop, let place, let type)):
                guard loops.indices.contains(loop), loops[loop].initial.indices.contains(place),
                    !isKnown(loops[loop].initial[place]) || self.type(loops[loop].initial[place]) == type
                else { return (id, "no loop carries that") }
            default:
                // Another turn's values are gone.
                if let early = nodes[id].operands.first(where: {
                    stages[$0.node.index] % 2 == 1 && stages[$0.node.index] != stages[id.index]
                }) {
                    return (id, "\(early) is a value of a turn")
                }
            }
        }
        for value in outputs.map(\.value) + updates.map(\.value)
        where isKnown(value) && stages[value.node.index] % 2 == 1 {
            return (value.node, "a value of a turn leaves the graph")
        }
        return nil
    }

    private func isOfAnotherTurn(_ stage: Int, _ loop: Int) -> Bool { stage % 2 == 1 && stage != 2 * loop + 1 }
}
