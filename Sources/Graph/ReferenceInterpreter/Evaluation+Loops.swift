import Base
import GraphIR

extension Evaluation {
    /// Turns after which a loop is taken for endless: at a hundred thousand a second nobody waits for more of the slow interpreter.
    private static let mostTurns = 1_000_000

    /// What a loop carries after its last turn.
    func finish(_ number: Int, given: [Value: TensorValue]) throws(InterpreterError) -> [TensorValue] {
        let loop = graph.loops[number]
        var carried = try values(loop.initial, given: given)
        var given = given
        let before = valuesBefore(number).filter { given[$0] == nil }
        for (value, found) in zip(before, try values(before, given: given)) { given[value] = found }
        var turns = 0
        while carried[loop.condition].doubles.first == 1 {
            guard turns < Self.mostTurns else {
                let node = loop.next[loop.condition].node
                throw .node(
                    index: node.index, operation: "loop", origin: graph.nodes[node].origin,
                    reason: "it has not ended after \(turns) turns")
            }
            turns += 1
            for id in graph.nodes.ids {
                if case .leaf(.carried(number, let place, _)) = graph.nodes[id].operation {
                    given[Value(id)] = carried[place]
                }
            }
            carried = try values(loop.next, given: given)
        }
        return carried
    }

    /// What the turns of a loop read of what does not change from turn to turn.
    private func valuesBefore(_ number: Int) -> [Value] {
        let stages = graph.stages
        var found: Set<Value> = []
        var seen: Set<Value> = []
        var stack = graph.loops[number].next
        while let value = stack.popLast() {
            guard seen.insert(value).inserted else { continue }
            if stages[value.node.index] != 2 * number + 1 {
                found.insert(value)
            } else {
                stack += graph.nodes[value.node].operands
            }
        }
        return found.sorted()
    }
}
