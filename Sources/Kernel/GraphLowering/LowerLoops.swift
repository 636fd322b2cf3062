import Base
import ElementTypes
import GraphIR
import KernelIR

/// Loops of a graph as launches that are repeated: what is carried lies in memory of its own, which is written before the first turn and at
/// the end of every turn.
extension ProgramBuilder {
    /// The memory of what a loop carries in a place, in row-major order.
    func carriedBuffer(_ loop: Int, _ place: Int) -> BufferID {
        if let known = carried[[loop, place]] { return known }
        let value = graph.loops[loop].initial[place]
        let type = graph.type(value)
        let buffer = buffers.append(
            LoweredBuffer(
                role: .temporary, type: type, layout: Array(type.shape.indices),
                origin: graph.nodes[value.node].origin))
        carried[[loop, place]] = buffer
        return buffer
    }

    /// Begins and ends loops on the way to what is computed at a stage.
    func enter(_ target: Int) throws(LoweringError) {
        while stage < target {
            if stage % 2 == 0 { try begin(stage / 2) } else { try end(stage / 2) }
            stage += 1
        }
    }

    private func begin(_ loop: Int) throws(LoweringError) {
        for (place, value) in graph.loops[loop].initial.enumerated() {
            try copy(value, from: try buffer(value), to: carriedBuffer(loop, place), "carried_\(loop)_\(place)")
        }
        loopStart = launches.count
    }

    private func end(_ loop: Int) throws(LoweringError) {
        try change(
            graph.loops[loop].next.enumerated().map { ("next_\(loop)_\($0)", $1, carriedBuffer(loop, $0)) })
        loops.append(
            LoweredLoop(
                launches: loopStart..<launches.count,
                condition: carriedBuffer(loop, graph.loops[loop].condition)))
    }
}
