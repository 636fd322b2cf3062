import Base
import ElementTypes
import GraphIR
import KernelIR

extension ProgramBuilder {
    /// The members of a heavy group after its anchor, with the index of each in terms of the anchor's index.
    func epilogueIndices(
        _ group: Partition.Group, _ index: [IntegerExpression], _ ranges: VariableRanges
    ) throws(LoweringError) -> [IntegerExpression] {
        var current = Value(group.anchor)
        var index = index
        for member in group.members.dropFirst() {
            // Views stand between two members; walk them from the member back, then push the index forward.
            var path: [NodeID] = []
            guard var cursor = graph.nodes[member].operands.first(where: { reaches($0, current) })?.node else {
                let node = graph.nodes[member]
                throw LoweringError(
                    node: node.operation.name, origin: node.origin, reason: "an epilogue lost its source")
            }
            while cursor != current.node {
                path.append(cursor)
                cursor = graph.nodes[cursor].operands[0].node
            }
            for id in path.reversed() {
                // A column and what is taken with it have one place in all slices.
                if group.gate != nil, case .view(.slice) = graph.nodes[id].operation { continue }
                guard case .view(let view) = graph.nodes[id].operation,
                    let next = view.target(index, of: graph.type(graph.nodes[id].operands[0]).shape, ranges)
                else {
                    throw LoweringError(
                        node: "view", origin: graph.nodes[id].origin, reason: "an epilogue's view has no inverse")
                }
                index = next
            }
            current = Value(member)
        }
        return index
    }

    private func reaches(_ value: Value, _ target: Value) -> Bool {
        if value == target { return true }
        guard case .view = graph.nodes[value.node].operation else { return false }
        return reaches(graph.nodes[value.node].operands[0], target)
    }

    /// The epilogue of a heavy group: its last member computed from the accumulator, times a factor where there is one, and the
    /// store of it.
    func epilogue(
        _ group: Partition.Group, _ index: [IntegerExpression], _ builder: inout KernelBuilder,
        _ accumulator: ScalarBody.Node, _ type: ElementType, factor: SplitFactors? = nil
    ) throws(LoweringError) -> (body: ScalarBody, stores: [Store]) {
        var sums = LocalValue(index: nil, node: accumulator, type: type, factor: factor)
        if let gate = group.gate {
            sums.further = (gate.axis, 0, gate.count, (1..<gate.parts).map { .slot($0) })
        }
        builder.locals[Value(group.anchor)] = sums
        builder.roots = Set(group.members.map { Value($0) })
        let result = group.results[0]
        let target = try epilogueIndices(group, index, builder.ranges)
        var body = BodyBuilder()
        let number = try builder.pull(result, target, [], &body)
        return (body.body, [try builder.store(result, target, number)])
    }

    /// An index of an operand with 0 on axes of one element, as views leave them.
    private func operandIndex(_ value: Value, _ index: [IntegerExpression]) -> [IntegerExpression] {
        zip(index, graph.type(value).shape).map { $1 == 1 ? 0 : $0 }
    }

    /// A matrix product.
    func lowerContract(_ group: Partition.Group, _ node: Node, _ contract: Contract) throws(LoweringError) {
        var builder = KernelBuilder(self)
        var axisOf: [Int: LoopAxis] = [:]
        let extents = graph.type(node.operands[0]).shape + graph.type(node.operands[1]).shape
        // Of columns that are cut into slices the loop is over the first, and another over the slices.
        let gate = group.gate.map { gate in
            (label: contract.result[gate.axis], count: gate.count, axis: builder.axis(IntegerExpression(gate.parts)))
        }
        // Columns that go to several places are blocks of parts of points.
        let spread = group.spread.map { SpreadColumns($0, contract, extents, &builder) }
        for (label, extent) in zip(contract.left + contract.right, extents) where axisOf[label] == nil {
            let cut = label == gate?.label ? gate?.count : label == spread?.label ? spread?.spread.count : nil
            axisOf[label] = builder.axis(cut.map { IntegerExpression($0) } ?? extent)
        }
        func axes(_ labels: [Int]) -> [LoopAxis] { labels.compactMap { axisOf[$0] } }
        func index(_ labels: [Int]) -> [IntegerExpression] { axes(labels).map { IntegerExpression($0.variable) } }
        /// The index of an operand's element.
        func source(_ labels: [Int]) -> [IntegerExpression] {
            zip(labels, index(labels)).map { label, place in
                if let spread, spread.label == label { return spread.column(place) }
                guard let gate, gate.label == label else { return place }
                return place + IntegerExpression(gate.axis.variable) * gate.count
            }
        }
        let (left, right) = (Set(contract.left), Set(contract.right))
        var operands = [(node.operands[0], contract.left), (node.operands[1], contract.right)]
        var rows = contract.result.filter { left.contains($0) && !right.contains($0) }
        var columns = contract.result.filter { right.contains($0) && !left.contains($0) }
        let summed = contract.left.filter { right.contains($0) && !contract.result.contains($0) }
        let batch = contract.result.filter { left.contains($0) && right.contains($0) }
        let lonely = (contract.left + contract.right).filter {
            !(left.contains($0) && right.contains($0)) && !contract.result.contains($0)
        }
        if let label = lonely.first {
            throw builder.error(Value(group.anchor), "label \(label) is summed over one operand only; reduce it first")
        }
        // Constant operands go to the right, where they are packed once.
        let leftIsConstant = partition.isConstant[operands[0].0.node.index]
        let rightIsConstant = partition.isConstant[operands[1].0.node.index]
        if columns.isEmpty && !rows.isEmpty || leftIsConstant && !rightIsConstant && !columns.isEmpty {
            operands.swapAt(0, 1)
            swap(&rows, &columns)
        }
        // A norm's sums are the slots after those of the columns.
        let gates = gate?.axis ?? spread?.part
        let firstSum = gates?.extent.constantValue ?? 1
        for (number, sum) in (group.norm?.reductions ?? []).enumerated() {
            builder.locals[Value(sum)] = LocalValue(index: nil, node: .slot(firstSum + number), type: .f32)
        }
        var leftBody = BodyBuilder()
        let leftNumber = try builder.pull(operands[0].0, source(operands[0].1), [], &leftBody)
        var rightBody = BodyBuilder()
        let rightNumber = try builder.pull(operands[1].0, source(operands[1].1), [], &rightBody)
        let element = graph.type(node.operands[0]).element
        let depth = axes(summed).last ?? builder.axis(1)
        var leftFunction = ScalarFunction(body: leftBody.body, result: leftNumber)
        var rowSums: [ScalarFunction] = []
        var factor: SplitFactors?
        if let norm = group.norm {
            let slots = firstSum + norm.reductions.count
            factor = SplitFactors(leftFunction, parameters: builder.parameterStubs, slots: slots)
            let places = norm.places(
                graph, operands[0].0, operandIndex(operands[0].0, index(operands[0].1)),
                depth: .init(variable: depth.variable, extent: depth.extent), builder.ranges)
            guard let factor, let places else {
                throw builder.error(Value(group.anchor), "a norm's factor does not commute with the product's sum")
            }
            leftFunction = factor.plain
            for sum in norm.reductions {
                guard case .reduce(let reduce) = graph.nodes[sum].operation, var place = places[sum] else { continue }
                place.insert(IntegerExpression(depth.variable), at: reduce.axes[0])
                var body = BodyBuilder()
                let number = try builder.pull(graph.nodes[sum].operands[0], place, [], &body)
                rowSums.append(ScalarFunction(body: body.body, result: number))
            }
        }
        let (body, stores) =
            if let spread {
                try self.epilogue(spread, group, index(contract.result), &builder, element.computeType, factor: factor)
            } else {
                try epilogue(
                    group, index(contract.result), &builder, .accumulator, element.computeType, factor: factor)
            }
        let kernel = ContractionKernel(
            batch: axes(batch), rows: axes(rows), columns: (spread.map { [$0.blocks] } ?? []) + axes(columns),
            taps: Array(axes(summed).dropLast()),
            depth: depth,
            left: leftFunction,
            right: ScalarFunction(body: rightBody.body, result: rightNumber), operandElement: element, epilogue: body,
            stores: stores, gate: gates, rowSums: rowSums, factors: contract.factors)
        var launch = builder.launch(
            "contract_\(group.anchor.rawValue)", .contraction(kernel), nodes: group.members, results: group.results,
            isConstant: isConstant(group))
        for outlet in spread?.spread.outlets ?? [] { try keepRest(of: outlet.node, in: &launch) }
        launches.append(launch)
    }
}
