import Base
import ElementTypes
import GraphIR
import KernelIR

/// Lowers a graph to kernels: partition, one kernel (or few) a group, buffers and order.
package func lower(_ graph: Graph, cover: Cover = Cover()) throws(LoweringError) -> LoweredProgram {
    var partitioner = Partitioner(graph, cover: cover)
    let partition = partitioner.run()
    let builder = ProgramBuilder(
        graph, partition, channelsLast: partitioner.channelsLast(partition), turned: partitioner.turned(partition),
        turnsOutputs: cover.turnsInputs)
    let stages = graph.stages
    for group in partition.groups {
        try builder.enter(stages[group.anchor.index])
        try builder.lower(group)
    }
    try builder.enter(2 * graph.loops.count)
    // Outputs first: they may hold what states held before the run.
    let outputs = try builder.placeOutputs()
    try builder.updateStates()
    return LoweredProgram(
        buffers: builder.buffers, launches: builder.launches, outputs: outputs, loops: builder.loops)
}

extension ProgramBuilder {
    /// Lowers one group.
    func lower(_ group: Partition.Group) throws(LoweringError) {
        let node = graph.nodes[group.anchor]
        switch group.kind {
        case .map: try lowerMap(group)
        case .rows(let full, let axes): try lowerRows(group, full, axes)
        case .heavy:
            switch node.operation {
            case .contract(let contract): try lowerContract(group, node, contract)
            case .convolve(let convolve): try lowerConvolve(group, node, convolve)
            case .attend(let attend): try lowerAttend(group, node, attend)
            case .recur(let recur): try lowerRecur(group, node, recur)
            case .window(let window): try lowerWindow(group, node, window)
            case .scan(let scan): try lowerScan(group, node, scan)
            case .scatter(let scatter): try lowerScatter(group, node, scatter)
            case .sort(let sort): try lowerSort(group, node, sort)
            case .leaf, .map, .reduce, .view, .concatenate, .gather:
                throw LoweringError(node: node.operation.name, origin: node.origin, reason: "no heavy operation")
            }
        }
    }

    /// Whether a group is computed at build time.
    func isConstant(_ group: Partition.Group) -> Bool { partition.isConstant[group.anchor.index] }

    /// A value computed at every point of its own domain.
    func lowerMap(_ group: Partition.Group) throws(LoweringError) {
        let value = group.results[0]
        var builder = KernelBuilder(self)
        let target = try buffer(value)
        let shape = graph.type(value).shape
        let physical = buffers[target].layout
        let axes = builder.axes(physical.map { shape[$0] })
        var index = [IntegerExpression](repeating: 0, count: shape.count)
        for (position, axis) in physical.enumerated() { index[axis] = IntegerExpression(axes[position].variable) }
        var body = BodyBuilder()
        let number = try builder.pullRoot(value, index, &body)
        let store = try builder.store(value, index, number)
        let nest = NestKernel(
            axes: axes, steps: [NestStep(axes: [], body: body.body, effects: [.store(store)])])
        launches.append(
            builder.launch(
                "map_\(value.node.rawValue)", .nest(nest), nodes: group.members, results: [value],
                isConstant: isConstant(group)))
    }

    /// Copies of values that leave the graph where they cannot be computed in place; binds outputs to buffers.
    func placeOutputs() throws(LoweringError) -> [BufferID] {
        var outputs: [BufferID] = []
        for (number, output) in graph.outputs.enumerated() {
            let source = try buffer(output.value)
            let isRowMajor = buffers[source].layout == Array(buffers[source].layout.indices)
            let asks = loops.contains { $0.condition == source }
            if case .temporary = buffers[source].role, isRowMajor, !asks {
                buffers[source].role = .output(number)
                outputs.append(source)
                continue
            }
            let type = graph.type(output.value)
            let target = buffers.append(
                LoweredBuffer(
                    role: .output(number), type: type, layout: Array(type.shape.indices), origin: output.name))
            try copy(output.value, from: source, to: target, "output_\(number)")
            outputs.append(target)
        }
        return outputs
    }

    /// Writes the new contents of states that no kernel updated in place.
    func updateStates() throws(LoweringError) {
        // Values first: a state that is read has its buffer from there.
        for update in graph.updates { _ = try buffer(update.value) }
        var changes: [(name: String, value: Value, target: BufferID)] = []
        for update in graph.updates {
            changes.append(("state_\(update.state)", update.value, try stateBuffer(update.state)))
        }
        try change(changes)
    }

    /// Copies values into buffers as if all at once: what changes places is put aside before it is overwritten.
    func change(_ changes: [(name: String, value: Value, target: BufferID)]) throws(LoweringError) {
        var copies: [(name: String, value: Value, source: BufferID, target: BufferID)] = []
        for change in changes {
            var source = try buffer(change.value)
            if source == change.target { continue }
            if changes.contains(where: { $0.target == source }) {
                let aside = scratch(graph.type(change.value), isConstant: false, graph.nodes[change.value.node].origin)
                try copy(change.value, from: source, to: aside, "aside_\(change.name)")
                source = aside
            }
            copies.append((change.name, change.value, source, change.target))
        }
        for next in copies { try copy(next.value, from: next.source, to: next.target, next.name) }
    }

    /// The buffer of a state.
    func stateBuffer(_ state: Int) throws(LoweringError) -> BufferID {
        for id in buffers.ids { if case .state(state) = buffers[id].role { return id } }
        let type = graph.states[state].type
        return buffers.append(
            LoweredBuffer(
                role: .state(state), type: type, layout: Array(type.shape.indices), origin: graph.states[state].name))
    }

    /// A kernel that copies a value's buffer into another, and zeros where that is larger.
    func copy(
        _ value: Value, from source: BufferID, to target: BufferID, _ name: String
    ) throws(LoweringError) {
        var builder = KernelBuilder(self)
        let type = graph.type(value)
        // In the order in which it is written.
        let physical = buffers[target].layout
        let written = buffers[target].type.shape
        let axes = builder.axes(physical.map { written[$0] })
        var index = [IntegerExpression](repeating: 0, count: written.count)
        for (position, axis) in physical.enumerated() { index[axis] = IntegerExpression(axes[position].variable) }
        let mask = index.indices.filter { written[$0] != type.shape[$0] }.map { type.shape[$0] - 1 - index[$0] }
        var body = BodyBuilder()
        let number = body.emit(
            .load(
                parameter: builder.parameter(source, .read), index: builder.address(source, index), mask: mask),
            type.element.computeType)
        let store = Store(
            parameter: builder.parameter(target, .write), index: builder.address(target, index), value: number)
        let nest = NestKernel(axes: axes, steps: [NestStep(axes: [], body: body.body, effects: [.store(store)])])
        launches.append(builder.launch("copy_\(name)", .nest(nest), nodes: [], results: [], isConstant: false))
    }
}

extension KernelBuilder {
    /// Pulls a group's own value: its definition instead of its buffer.
    mutating func pullRoot(
        _ value: Value, _ index: [IntegerExpression], _ body: inout BodyBuilder
    ) throws(LoweringError) -> Int {
        roots.insert(value)
        defer { roots.remove(value) }
        return try pull(value, index, [], &body)
    }
}
