import Base
import ElementTypes
import GraphIR
import KernelIR

extension ProgramBuilder {
    /// A convolution: a contraction over taps and channels; with few channels a group, a nest over the window.
    func lowerConvolve(_ group: Partition.Group, _ node: Node, _ convolve: Convolve) throws(LoweringError) {
        var builder = KernelBuilder(self)
        let (input, weight) = (node.operands[0], node.operands[1])
        if turned.contains(group.anchor) { builder.copies[input] = try channelsLastCopy(input) }
        let output = graph.type(Value(group.anchor)).shape
        let (inputShape, weightShape) = (graph.type(input).shape, graph.type(weight).shape)
        let spatial = convolve.stride.count
        let groups = Dimension(convolve.groups)
        let channels = convolve.isTransposed ? inputShape[1].floorDivided(by: groups, builder.ranges) : weightShape[1]
        let outputs = output[1].floorDivided(by: groups, builder.ranges)
        let batch = builder.axis(output[0])
        let groupAxis = builder.axis(groups)
        let positions = output.dropFirst(2).map { builder.axis($0) }
        let columnAxis = builder.axis(outputs)
        let taps = weightShape.dropFirst(2).map { builder.axis($0) }
        // A copy may have more channels, which weights of zero leave out.
        let copied = builder.copies[input].map { buffers[$0].type.shape[1] }
        let padded = convolve.groups == 1 && !convolve.isTransposed ? copied ?? channels : channels
        let depth = builder.axis(padded)
        func variable(_ axis: LoopAxis) -> IntegerExpression { IntegerExpression(axis.variable) }
        var inputIndex = [variable(batch), variable(groupAxis) * channels + variable(depth)]
        var mask: [IntegerExpression] = []
        for axis in 0..<spatial {
            let extent = inputShape[axis + 2]
            var position: IntegerExpression
            if convolve.isTransposed {
                let shifted =
                    variable(positions[axis]) + convolve.paddingLow[axis] - variable(taps[axis])
                    * convolve.dilation[axis]
                let stride = Dimension(convolve.stride[axis])
                position = shifted.floorDivided(by: stride, builder.ranges)
                // Only positions that a stride reaches take part.
                mask.append(shifted.modulo(stride, builder.ranges) * -1)
            } else {
                position =
                    variable(positions[axis]) * convolve.stride[axis] - convolve.paddingLow[axis]
                    + variable(taps[axis]) * convolve.dilation[axis]
            }
            mask += [position, extent - 1 - position]
            inputIndex.append(position)
        }
        mask = mask.filter { !builder.ranges.isNonNegative($0) }
        let outer = variable(groupAxis)
        let weightIndex =
            (convolve.isTransposed
                ? [outer * channels + variable(depth), variable(columnAxis)]
                : [outer * outputs + variable(columnAxis), variable(depth)]) + taps.map(variable)
        let outputIndex = [variable(batch), outer * outputs + variable(columnAxis)] + positions.map(variable)
        var leftBody = BodyBuilder()
        let leftNumber = try builder.pull(input, inputIndex, mask, &leftBody)
        var rightBody = BodyBuilder()
        let inside = padded == channels ? [] : [channels - 1 - variable(depth)]
        let rightNumber = try builder.pull(weight, weightIndex, inside, &rightBody)
        let element = graph.type(input).element
        let (body, stores) = try epilogue(group, outputIndex, &builder, .accumulator, element.computeType)
        let kernel = ContractionKernel(
            batch: groups == 1 ? [] : [groupAxis], rows: [batch] + positions, columns: [columnAxis], taps: taps,
            depth: depth, left: ScalarFunction(body: leftBody.body, result: leftNumber),
            right: ScalarFunction(body: rightBody.body, result: rightNumber), operandElement: element, epilogue: body,
            stores: stores, factors: convolve.factors)
        let isDepthwise = groups != 1 && (channels.constantValue ?? 64) < 8 && !(channels == 1 && outputs == 1)
        var lowered = Kernel.Body.contraction(kernel)
        if groups == 1 { lowered = lowered.dropping(groupAxis, builder.ranges) }
        if isDepthwise || convolve.isTransposed, case .contraction(let contraction) = lowered {
            lowered = .nest(contraction.asNest(element: element))
        }
        launches.append(
            builder.launch(
                "convolve_\(group.anchor.rawValue)", lowered, nodes: group.members, results: group.results,
                isConstant: isConstant(group)))
    }
}

extension Kernel.Body {
    /// The body with an axis of one iteration replaced by 0.
    func dropping(_ axis: LoopAxis, _ ranges: VariableRanges) -> Self {
        mapping { $0.contains(axis.variable) ? $0.substituting(ranges) { $0 == axis.variable ? 0 : nil } : $0 }
    }
}
