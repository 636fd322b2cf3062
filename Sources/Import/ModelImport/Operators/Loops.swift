import ElementTypes
import GraphIR
import ModelFiles

/// Loops of the graph: those that values end, and those over an axis that is dynamic or too long to be written out.
extension Importer {
    /// A loop of the graph. It carries the condition beside what the program carries.
    mutating func looped(
        _ condition: ExportedGraph, _ body: ExportedGraph, _ carried: [Binding], _ others: [Binding]
    ) throws(ImportError) -> [TensorHandle?] {
        try requireNoLoop()
        let caller = call
        /// Whether there is another turn.
        func asked(_ importer: inout Importer, _ carried: [Binding]) throws(ImportError) -> Value {
            let answer = try importer.values(try importer.results(of: condition, carried + others))
            importer.call = caller
            guard let first = answer.first, importer.shape(first).allSatisfy({ $0 == 1 }) else {
                throw importer.unsupported("a condition of several elements")
            }
            return try importer.reshape(try importer.cast(first, .bool), [])
        }
        let initial = try values(try handles(carried))
        let number = builder.graph.loops.count
        let before = try asked(&self, carried)
        // The loop itself stands there first: leaves speak of it.
        builder.graph.loops.append(GraphLoop(initial: initial + [before], next: [], condition: initial.count))
        var turn: [Binding] = []
        for (place, value) in initial.enumerated() {
            turn.append(.tensor(fresh(try leaf(.carried(loop: number, place, type(value))))))
        }
        let next = try values(try results(of: body, turn + others))
        call = caller
        guard next.count == initial.count else { throw unsupported("a body that gives another number of tensors") }
        for (first, next) in zip(initial, next) { try requireSameType(first, next) }
        let after = try asked(&self, next.map { .tensor(fresh($0)) })
        builder.graph.loops[number].next = next + [after]
        return try outcomes(of: number, initial.indices)
    }

    /// `scan` (and `map`, which carries nothing) as a loop that counts: it carries the turn's number, what the program carries, and the
    /// results so far, of which each turn writes a row.
    mutating func scanned(
        _ body: ExportedGraph, _ states: [Value], _ rows: [Binding], _ others: [Binding]
    ) throws(ImportError) -> [TensorHandle?] {
        try requireNoLoop()
        guard case .tensor(let first)? = rows.first else { throw unsupported("nothing to go over") }
        let extent = try shape(of: first)[0]
        let count = try dimension(extent, .i64)
        let zero = try scalar(0, .i64)
        let caller = call
        let number = builder.graph.loops.count
        builder.graph.loops.append(GraphLoop(initial: [], next: [], condition: 0))
        let turn = try leaf(.carried(loop: number, 0, TensorType(.i64, [])))
        var given: [Binding] = []
        for (place, state) in states.enumerated() {
            given.append(.tensor(fresh(try leaf(.carried(loop: number, 1 + place, type(state))))))
        }
        for case .tensor(let handle) in rows {
            given.append(.tensor(fresh(try add(.gather(Gather(axes: [0], at: 0)), [try read(handle), turn]))))
        }
        let found = try values(try results(of: body, given + others))
        call = caller
        guard found.count >= states.count else { throw unsupported("a body that gives less than is carried") }
        var (initial, next) = ([zero] + states, [try map([turn]) { $0.apply(.add, $1[0], $0.integer(1)) }])
        for (state, value) in zip(states, found) {
            try requireSameType(state, value)
            next.append(value)
        }
        for row in found.dropFirst(states.count) {
            let type = TensorType(element(row), [extent] + shape(row))
            let soFar = try leaf(.carried(loop: number, initial.count, type))
            initial.append(try expand(try scalar(0, type.element), type.shape))
            next.append(try add(.scatter(Scatter(.set, axes: [0], at: 0)), [soFar, row, turn]))
        }
        initial.append(try map([zero, count]) { $0.apply(.less, $1[0], $1[1]) })
        next.append(try map([next[0], count]) { $0.apply(.less, $1[0], $1[1]) })
        builder.graph.loops[number] = GraphLoop(initial: initial, next: next, condition: initial.count - 1)
        return try outcomes(of: number, 1..<initial.count - 1)
    }

    /// What a loop carries in some places after its last turn.
    private mutating func outcomes(of number: Int, _ places: Range<Int>) throws(ImportError) -> [TensorHandle?] {
        var results: [TensorHandle?] = []
        for place in places {
            let type = type(builder.graph.loops[number].initial[place])
            results.append(fresh(try leaf(.looped(loop: number, place, type))))
        }
        return results
    }

    private func requireNoLoop() throws(ImportError) {
        if isBody { throw unsupported("a loop that is not written out, within another loop or a branch") }
    }

    private func requireSameType(_ first: Value, _ next: Value) throws(ImportError) {
        guard type(first) == type(next) else {
            throw unsupported("a loop that carries \(type(first)) into a turn and \(type(next)) out of it")
        }
    }
}
