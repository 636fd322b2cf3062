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
        let targets = graph.loops[loop].next.indices.map { carriedBuffer(loop, $0) }
        var sources: [(place: Int, value: Value, buffer: BufferID)] = []
        for (place, value) in graph.loops[loop].next.enumerated() {
            var source = try buffer(value)
            if source == targets[place] { continue }
            if targets.contains(source) {
                // What changes places is put aside before it is overwritten.
                let aside = scratch(graph.type(value), isConstant: false, graph.nodes[value.node].origin)
                try copy(value, from: source, to: aside, "aside_\(loop)_\(place)")
                source = aside
            }
            sources.append((place, value, source))
        }
        for (place, value, source) in sources {
            try copy(value, from: source, to: targets[place], "next_\(loop)_\(place)")
        }
        loops.append(
            LoweredLoop(
                launches: loopStart..<launches.count,
                condition: carriedBuffer(loop, graph.loops[loop].condition)))
    }
}
