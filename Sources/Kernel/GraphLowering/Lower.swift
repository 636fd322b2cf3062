import Base
import ElementTypes
import GraphIR
import KernelIR

/// Lowers a graph to kernels: partition, one kernel (or few) a group, buffers and order.
package func lower(_ graph: Graph, cover: Cover = Cover()) throws(LoweringError) -> LoweredProgram {
    var partitioner = Partitioner(graph, cover: cover)
    let partition = partitioner.run()
    let builder = ProgramBuilder(graph, partition, channelsLast: cover[Cover.layout] ?? true)
    for group in try ordered(graph, partition) { try builder.lower(group) }
    try builder.updateStates()
    let outputs = try builder.placeOutputs()
    return LoweredProgram(buffers: builder.buffers, launches: builder.launches, outputs: outputs)
}

/// Groups in an order in which every value is computed before it is read.
private func ordered(_ graph: Graph, _ partition: Partition) throws(LoweringError) -> [Partition.Group] {
    var state = [Int](repeating: 0, count: partition.groups.count)
    var order: [Partition.Group] = []
    var groupOfMember: [NodeID: Int] = [:]
    for (index, group) in partition.groups.enumerated() {
        for member in group.members { groupOfMember[member] = index }
    }
    // Depth first, with an explicit stack; groups are entered in the order of their last member.
    let entries = partition.groups.indices.sorted {
        (partition.groups[$0].members.last ?? ID(0)) < (partition.groups[$1].members.last ?? ID(0))
    }
    func needs(_ index: Int) -> [Int] {
        var found: Set<Int> = []
        var seen: Set<NodeID> = []
        var stack = partition.groups[index].members.flatMap { graph.nodes[$0].operands.map(\.node) }
        while let node = stack.popLast() {
            guard seen.insert(node).inserted else { continue }
            if let other = groupOfMember[node],
                partition.groups[other].results.contains(where: { $0.node == node }) || other == index
            {
                if other != index { found.insert(other) }
            } else {
                stack += graph.nodes[node].operands.map(\.node)
            }
        }
        return found.sorted()
    }
    for entry in entries where state[entry] == 0 {
        var stack = [(entry, needs(entry))]
        state[entry] = 1
        while let (group, remaining) = stack.popLast() {
            var rest = remaining
            guard let next = rest.popLast() else {
                state[group] = 2
                order.append(partition.groups[group])
                continue
            }
            stack.append((group, rest))
            if state[next] == 1 {
                let anchor = graph.nodes[partition.groups[next].anchor]
                throw LoweringError(
                    node: anchor.operation.name, origin: anchor.origin, reason: "fusion made a cycle between kernels")
            }
            if state[next] == 0 {
                state[next] = 1
                stack.append((next, needs(next)))
            }
        }
    }
    return order
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
            if case .temporary = buffers[source].role, isRowMajor {
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
        for update in graph.updates {
            let source = try buffer(update.value)
            if case .state(let index) = buffers[source].role, index == update.state { continue }
            let target = try stateBuffer(update.state)
            try copy(update.value, from: source, to: target, "state_\(update.state)")
        }
    }

    /// The buffer of a state.
    func stateBuffer(_ state: Int) throws(LoweringError) -> BufferID {
        for id in buffers.ids { if case .state(state) = buffers[id].role { return id } }
        let type = graph.states[state].type
        return buffers.append(
            LoweredBuffer(
                role: .state(state), type: type, layout: Array(type.shape.indices), origin: graph.states[state].name))
    }

    /// A kernel that copies a value's buffer into another.
    func copy(
        _ value: Value, from source: BufferID, to target: BufferID, _ name: String
    ) throws(LoweringError) {
        var builder = KernelBuilder(self)
        let type = graph.type(value)
        let axes = builder.axes(type.shape)
        let index = axes.map { IntegerExpression($0.variable) }
        var body = BodyBuilder()
        let number = body.emit(
            .load(
                parameter: builder.parameter(source, .read), index: builder.address(source, index), mask: []),
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
