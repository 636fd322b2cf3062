import Base
import ElementTypes
import GraphIR
import KernelIR

extension ProgramBuilder {
    /// Scaled dot-product attention.
    func lowerAttend(_ group: Partition.Group, _ node: Node, _ attend: Attend) throws(LoweringError) {
        var builder = KernelBuilder(self)
        let (q, k, v) = (graph.type(node.operands[0]), graph.type(node.operands[1]), graph.type(node.operands[2]))
        let groupSize = q.shape[1].floorDivided(by: k.shape[1], builder.ranges)
        let batch = builder.axis(q.shape[0])
        let keyHeads = builder.axis(k.shape[1])
        let groupAxis = builder.axis(groupSize)
        let queries = builder.axis(q.shape[2])
        let keys = builder.axis(k.shape[2])
        let depth = builder.axis(q.shape[3])
        let valueDepth = builder.axis(v.shape[3])
        func variable(_ axis: LoopAxis) -> IntegerExpression { IntegerExpression(axis.variable) }
        let head = variable(keyHeads) * groupSize + variable(groupAxis)
        func function(_ value: Value, _ index: [IntegerExpression]) throws(LoweringError) -> ScalarFunction {
            var body = BodyBuilder()
            let number = try builder.pull(value, index, [], &body)
            return ScalarFunction(body: body.body, result: number)
        }
        let query = try function(node.operands[0], [variable(batch), head, variable(queries), variable(depth)])
        let key = try function(
            node.operands[1], [variable(batch), variable(keyHeads), variable(keys), variable(depth)])
        let value = try function(
            node.operands[2], [variable(batch), variable(keyHeads), variable(keys), variable(valueDepth)])
        var mask: ScalarFunction?
        if attend.hasMask {
            mask = try function(node.operands[3], [variable(batch), head, variable(queries), variable(keys)])
        }
        let (body, stores) = try epilogue(
            group, [variable(batch), head, variable(queries), variable(valueDepth)], &builder, .accumulator, .f32)
        let kernel = AttentionKernel(
            batch: batch, keyHeads: keyHeads, group: groupAxis, queries: queries, keys: keys, depth: depth,
            valueDepth: valueDepth, query: query, key: key, value: value, mask: mask, isCausal: attend.isCausal,
            scale: attend.scale, operandElement: q.element, epilogue: body, stores: stores)
        launches.append(
            builder.launch(
                "attend_\(group.anchor.rawValue)", .attention(kernel), nodes: group.members, results: group.results,
                isConstant: isConstant(group)))
    }

    /// One layer of a recurrent network: the product with all inputs at once, then the cell over time.
    func lowerRecur(_ group: Partition.Group, _ node: Node, _ recur: Recur) throws(LoweringError) {
        let states = recur.cell == .lstm ? 2 : 1
        let x = graph.type(node.operands[0])
        let hiddenExtent = graph.type(node.operands[states]).shape[1]
        // h is shorter than c where it is projected.
        let width = graph.type(node.operands[1]).shape[1]
        let (inputWeights, weights) = (node.operands[1 + states], node.operands[2 + states])
        let biases = recur.hasBias ? Array(node.operands[(3 + states)..<(5 + states)]) : []
        let constant = isConstant(group)
        let gates = Dimension(recur.cell.gates)
        let compute: ElementType = x.element == .f64 ? .f64 : .f32
        let projected = scratch(
            TensorType(compute, [x.shape[0], x.shape[1], gates * hiddenExtent]), isConstant: constant, node.origin)
        // The recurrent bias joins the input's bias except in the GRU, whose last gate multiplies it by r.
        let mergesBias = recur.hasBias && recur.cell != .gru
        do {
            var builder = KernelBuilder(self)
            let (time, batch) = (builder.axis(x.shape[0]), builder.axis(x.shape[1]))
            let column = builder.axis(gates * hiddenExtent)
            let depth = builder.axis(x.shape[2])
            func variable(_ axis: LoopAxis) -> IntegerExpression { IntegerExpression(axis.variable) }
            var left = BodyBuilder()
            let leftNumber = try builder.pull(
                node.operands[0], [variable(time), variable(batch), variable(depth)], [], &left)
            var right = BodyBuilder()
            let rightNumber = try builder.pull(inputWeights, [variable(column), variable(depth)], [], &right)
            var body = BodyBuilder()
            var sum = body.emit(.accumulator, compute)
            for bias in biases.prefix(mergesBias ? 2 : 1) {
                sum = body.apply(.add, sum, try builder.pull(bias, [variable(column)], [], &body))
            }
            let index = [variable(time), variable(batch), variable(column)]
            let store = Store(
                parameter: builder.parameter(projected, .write), index: builder.address(projected, index), value: sum)
            let kernel = ContractionKernel(
                batch: [], rows: [time, batch], columns: [column], taps: [], depth: depth,
                left: ScalarFunction(body: left.body, result: leftNumber),
                right: ScalarFunction(body: right.body, result: rightNumber), operandElement: x.element,
                epilogue: body.body, stores: [store])
            launches.append(
                builder.launch(
                    "project_\(group.anchor.rawValue)", .contraction(kernel), nodes: [], results: [],
                    isConstant: constant))
        }
        var builder = KernelBuilder(self)
        let (time, batch) = (builder.axis(x.shape[0]), builder.axis(x.shape[1]))
        let hidden = builder.axis(hiddenExtent)
        let gate = builder.axis(gates)
        let depth = builder.axis(width)
        // The axis of h.
        let unit = recur.hasProjection ? depth : hidden
        func variable(_ axis: LoopAxis) -> IntegerExpression { IntegerExpression(axis.variable) }
        func function(_ value: Value, _ index: [IntegerExpression]) throws(LoweringError) -> ScalarFunction {
            var body = BodyBuilder()
            let number = try builder.pull(value, index, [], &body)
            return ScalarFunction(body: body.body, result: number)
        }
        let gateRow = variable(gate) * hiddenExtent + variable(hidden)
        let projectedLoad = ScalarBody.Node.load(
            parameter: builder.parameter(projected, .read),
            index: builder.address(projected, [variable(time), variable(batch), gateRow]), mask: [])
        let recurrent = try function(weights, [gateRow, variable(depth)])
        let recurrentBias = recur.hasBias && !mergesBias ? try function(biases[1], [gateRow]) : nil
        var projection: ScalarFunction?
        if recur.hasProjection, let weights = node.operands.last {
            projection = try function(weights, [variable(depth), variable(hidden)])
        }
        let h0 = try function(node.operands[1], [variable(batch), variable(unit)])
        let c0 = states == 2 ? try function(node.operands[2], [variable(batch), variable(hidden)]) : nil
        var targets: [RecurrenceKernel.Target?] = []
        for result in 0...states {
            let value = Value(group.anchor, result)
            guard group.results.contains(value) else {
                targets.append(nil)
                continue
            }
            let index =
                (result == 0 ? [variable(time)] : []) + [variable(batch), variable(result == 2 ? hidden : unit)]
            let target = try buffer(value)
            targets.append(.init(parameter: builder.parameter(target, .write), index: builder.address(target, index)))
        }
        let cells: [Recur.Cell: RecurrenceKernel.Cell] = [.lstm: .lstm, .gru: .gru, .tanh: .tanh, .relu: .relu]
        guard let cell = cells[recur.cell] else { throw builder.error(Value(group.anchor), "unknown cell") }
        let kernel = RecurrenceKernel(
            cell: cell, time: time, isReverse: recur.isReverse, batch: batch, hidden: hidden, gate: gate, depth: depth,
            projected: ScalarFunction(body: ScalarBody(nodes: [projectedLoad]), result: 0), recurrent: recurrent,
            recurrentBias: recurrentBias, projection: projection, initialHidden: h0, initialCell: c0,
            outputs: targets[0],
            lastHidden: targets[1], lastCell: states == 2 ? targets[2] : nil)
        launches.append(
            builder.launch(
                "recur_\(group.anchor.rawValue)", .recurrence(kernel), nodes: group.members, results: group.results,
                isConstant: constant))
    }
}
