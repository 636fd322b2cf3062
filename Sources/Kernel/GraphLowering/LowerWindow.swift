import Base
import ElementTypes
import GraphIR
import KernelIR

extension ProgramBuilder {
    /// Pooling: a reduction over the window at every position, then the epilogue.
    func lowerWindow(_ group: Partition.Group, _ node: Node, _ window: Window) throws(LoweringError) {
        var builder = KernelBuilder(self)
        let operand = node.operands[0]
        let shape = graph.type(operand).shape
        let output = graph.type(Value(group.anchor)).shape
        let outer = builder.axes(output)
        let inner = window.size.map { builder.axis(Dimension($0)) }
        let first = shape.count - window.size.count
        var index = outer.map { IntegerExpression($0.variable) }
        var mask: [IntegerExpression] = []
        var count = IntegerExpression(1)
        let countsPadding = if case .average(true, _) = window.kind { true } else { false }
        for axis in window.size.indices {
            let start = IntegerExpression(outer[first + axis].variable) * window.stride[axis] - window.padding[axis]
            let position = start + IntegerExpression(inner[axis].variable) * window.dilation[axis]
            let extent = shape[first + axis]
            mask += [position, extent - 1 - position]
            index[first + axis] = position
            let edge = countsPadding ? window.padding[axis] : 0
            let end = (start + window.size[axis]).minimum(extent + edge, builder.ranges)
            count = count * (end - start.maximum(IntegerExpression(-edge), builder.ranges))
        }
        mask = mask.filter { !builder.ranges.isNonNegative($0) }
        var body = BodyBuilder()
        var value = try builder.pull(operand, index, mask, &body)
        let compute = body.types[value]
        var kind = ReductionKind.sum
        var position: IntegerExpression?
        switch window.kind {
        case .maximum, .argMaximum:
            kind = .maximum
            if !mask.isEmpty {
                let condition = body.emit(.condition(mask), .bool)
                let least = compute.isFloatingPoint ? -Double.infinity : -0x1p62
                value = body.apply(.select, condition, value, body.number(least, compute))
            }
            if window.kind == .argMaximum {
                kind = .argMaximum
                position = (first..<shape.count).reduce(IntegerExpression(0)) { $0 * shape[$1] + index[$1] }
            }
        case .average: break
        }
        let slot: ElementType = position == nil ? compute : .i64
        let reduction = NestStep(
            axes: inner, body: body.body, effects: [.reduce(kind, value: value, position: position, slot: 0)])
        // The average's division is the first thing of the epilogue.
        let outputIndex = outer.map { IntegerExpression($0.variable) }
        var finish = BodyBuilder()
        var result = finish.emit(.slot(0), slot)
        if case .average(_, let divisor) = window.kind {
            // A window that lies in the padding alone sums to 0, which integers cannot be divided by.
            if !compute.isFloatingPoint { count = count.maximum(1, builder.ranges) }
            let size =
                divisor.map { finish.number(Double($0), compute) }
                ?? finish.cast(finish.emit(.integerExpression(count), .i64), compute)
            result = finish.apply(compute.isFloatingPoint ? .divide : .truncateDivide, result, size)
        }
        builder.roots = Set(group.members.map { Value($0) })
        builder.locals[Value(group.anchor)] = LocalValue(index: nil, node: finish.body.nodes[result], type: slot)
        let target = try epilogueIndices(group, outputIndex, builder.ranges)
        let number = try builder.pull(group.results[0], target, [], &finish)
        let store = try builder.store(group.results[0], target, number)
        let layout = Layouts.preferred(group.results[0], self)
        let order = layout.count == outer.count ? layout.map { outer[$0] } : outer
        let nest = NestKernel(
            axes: order,
            steps: [reduction, NestStep(axes: [], body: finish.body, effects: [.store(store)])], slots: [slot])
        launches.append(
            builder.launch(
                "window_\(group.anchor.rawValue)", .nest(nest), nodes: group.members, results: group.results,
                isConstant: isConstant(group)))
    }

    /// A running combination along one axis.
    func lowerScan(_ group: Partition.Group, _ node: Node, _ scan: Scan) throws(LoweringError) {
        var builder = KernelBuilder(self)
        let value = Value(group.anchor)
        let axes = builder.axes(graph.type(value).shape)
        let index = axes.map { IntegerExpression($0.variable) }
        var body = BodyBuilder()
        let operand = try builder.pull(node.operands[0], index, [], &body)
        let kinds: [Scan.Kind: ReductionKind] = [
            .sum: .sum, .product: .product, .minimum: .minimum, .maximum: .maximum, .logSumExp: .logSumExp,
        ]
        guard let kind = kinds[scan.kind] else { throw builder.error(value, "unknown scan") }
        let running = body.emit(.scan(kind, operand), body.types[operand])
        let store = try builder.store(value, index, running)
        let outer = axes.indices.filter { $0 != scan.axis }.map { axes[$0] }
        let step = NestStep(axes: [axes[scan.axis]], body: body.body, effects: [.store(store)])
        launches.append(
            builder.launch(
                "scan_\(group.anchor.rawValue)", .nest(NestKernel(axes: outer, steps: [step])), nodes: group.members,
                results: group.results, isConstant: isConstant(group)))
    }

    /// Replaces or combines elements at computed positions: in place where the base is a state that nothing reads later,
    /// else after a copy.
    func lowerScatter(_ group: Partition.Group, _ node: Node, _ scatter: Scatter) throws(LoweringError) {
        try prepareScatter(group.anchor)
        var builder = KernelBuilder(self)
        let axes = builder.axes(graph.type(node.operands[1]).shape)
        var body = BodyBuilder()
        let store = try self.store(group.anchor, scatter, axes.map { IntegerExpression($0.variable) }, &builder, &body)
        // Positions that cannot repeat (a single one) need no order.
        let isSingle = elementCount(graph.type(node.operands[2]).shape) == 1
        let nest = NestKernel(
            axes: axes, steps: [NestStep(axes: [], body: body.body, effects: [.store(store)])], isSerial: !isSingle)
        var launch = builder.launch(
            "scatter_\(group.anchor.rawValue)", .nest(nest), nodes: group.members, results: group.results,
            isConstant: isConstant(group))
        try keepRest(of: group.anchor, in: &launch)
        launches.append(launch)
    }

    /// Binds a scatter's value to what it changes: a state, what a loop carries, or a copy of its base, which is launched.
    func prepareScatter(_ id: NodeID) throws(LoweringError) {
        let (value, base) = (Value(id), graph.nodes[id].operands[0])
        if let buffer = try changedInPlace(base, value) {
            bind(value, buffer)
            return
        }
        let target = try buffer(value)
        var builder = KernelBuilder(self)
        let axes = builder.axes(graph.type(value).shape)
        let index = axes.map { IntegerExpression($0.variable) }
        var body = BodyBuilder()
        let number = try builder.pull(base, index, [], &body)
        let store = Store(
            parameter: builder.parameter(target, .write), index: builder.address(target, index), value: number)
        let nest = NestKernel(axes: axes, steps: [NestStep(axes: [], body: body.body, effects: [.store(store)])])
        var launch = builder.launch(
            "base_\(id.rawValue)", .nest(nest), nodes: [], results: [], isConstant: partition.isConstant[id.index])
        launch.results[store.parameter] = base
        launches.append(launch)
    }

    /// The store of a scatter's update at an index, where a mask holds.
    func store(
        _ id: NodeID, _ scatter: Scatter, _ index: [IntegerExpression], mask: [IntegerExpression] = [],
        _ builder: inout KernelBuilder, _ body: inout BodyBuilder
    ) throws(LoweringError) -> Store {
        let node = graph.nodes[id]
        let rank = graph.type(node.operands[2]).shape.count
        let positionIndex = Array(index[scatter.at..<scatter.at + rank])
        var others = (index[..<scatter.at] + index[(scatter.at + rank)...])[...]
        let number = try builder.pull(node.operands[1], index, mask, &body)
        var target: [IntegerExpression] = []
        // Nothing is written where a position is outside.
        var inside: [IntegerExpression] = []
        let shape = graph.type(Value(id)).shape
        for axis in shape.indices {
            if let which = scatter.axes.firstIndex(of: axis) {
                let position = try builder.pull(node.operands[2 + which], positionIndex, [], &body)
                let place = try builder.indirect(position, shape[axis], [], &body)
                target.append(place)
                if place.variables.contains(where: { $0.kind == .value }) {
                    let given = IntegerExpression(Variable(.value, position))
                    inside += [given, shape[axis] - 1 - given]
                }
            } else {
                target.append(others.removeFirst())
            }
        }
        let kinds: [Scatter.Kind: ReductionKind?] = [
            .set: nil, .add: .sum, .multiply: .product, .minimum: .minimum, .maximum: .maximum,
        ]
        let destination = try buffer(Value(id))
        return Store(
            parameter: builder.parameter(destination, scatter.kind == .set ? .write : .readWrite),
            index: builder.address(destination, target), value: number, combine: kinds[scatter.kind] ?? nil,
            mask: mask + inside)
    }

    /// What a scatter leaves alone stays: its buffer is read as well as written.
    func keepRest(of id: NodeID, in launch: inout LoweredLaunch) throws(LoweringError) {
        guard case .scatter = graph.nodes[id].operation else { return }
        let destination = try buffer(Value(id))
        if let number = launch.buffers.firstIndex(of: destination) {
            launch.kernel.parameters[number].access = .readWrite
        }
    }

    /// The state, or what a loop carries, that a scatter may update in place: the base is that itself, this scatter is its only reader, and
    /// the result is its value at exit, or at the turn's end.
    private func changedInPlace(_ base: Value, _ value: Value) throws(LoweringError) -> BufferID? {
        guard graph.users[base.node.index].count == 1, !graph.exits.contains(base) else { return nil }
        switch graph.nodes[base.node].operation {
        case .leaf(.state(let state, _)):
            return graph.updates.contains { $0.state == state && $0.value == value } ? try stateBuffer(state) : nil
        case .leaf(.carried(let loop, let place, _)):
            return graph.loops[loop].next[place] == value ? carriedBuffer(loop, place) : nil
        default: return nil
        }
    }

    /// Sorting along an axis.
    func lowerSort(_ group: Partition.Group, _ node: Node, _ sort: Sort) throws(LoweringError) {
        var builder = KernelBuilder(self)
        let shape = graph.type(node.operands[0]).shape
        let axes = builder.axes(shape)
        let index = axes.map { IntegerExpression($0.variable) }
        var body = BodyBuilder()
        let number = try builder.pull(node.operands[0], index, [], &body)
        var targets: [RecurrenceKernel.Target?] = []
        for result in 0...1 {
            let value = Value(group.anchor, result)
            guard group.results.contains(value) else {
                targets.append(nil)
                continue
            }
            let target = try buffer(value)
            targets.append(.init(parameter: builder.parameter(target, .write), index: builder.address(target, index)))
        }
        let kernel = SortKernel(
            axes: axes.indices.filter { $0 != sort.axis }.map { axes[$0] }, axis: axes[sort.axis],
            limit: sort.limit.map { Dimension($0) } ?? shape[sort.axis], isDescending: sort.isDescending,
            value: ScalarFunction(body: body.body, result: number), values: targets[0], positions: targets[1])
        launches.append(
            builder.launch(
                "sort_\(group.anchor.rawValue)", .sort(kernel), nodes: group.members, results: group.results,
                isConstant: isConstant(group)))
    }
}
