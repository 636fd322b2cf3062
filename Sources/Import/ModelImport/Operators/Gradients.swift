import ElementTypes
import GraphIR
import ModelFiles

/// Backward operators of core ATen. They occur in inference where a model takes a gradient in `forward`, such as forces
/// from an energy.
func registerGradients(_ table: inout OperatorTable) {
    registerNormGradients(&table)
    registerPoolGradients(&table)
    registerConvolutionGradients(&table)
    // grad_output `[indices…, width]` to `[num_weights, width]`.
    table.value("embedding_dense_backward") { (i) throws(ImportError) in
        if try i.bool("scale_grad_by_freq") { throw i.unsupported("gradients scaled by frequency") }
        let gradient = try i.tensor("grad_output")
        let element = i.element(gradient)
        let indices = try i.cast(try i.tensor("indices"), .i64)
        let padding = Int64(try i.int("padding_idx"))
        let width = i.shape(gradient)[i.rank(gradient) - 1]
        var updates = try i.widened(gradient)
        let compute = i.element(updates)
        if padding >= 0 {
            updates = try i.map([try i.unsqueeze(indices, i.rank(indices)), updates]) { s, t in
                s.apply(.select, s.apply(.equal, t[0], s.integer(padding)), s.number(0, compute), t[1])
            }
        }
        let base = try i.full(0, TensorType(compute, [try i.dimension("num_weights"), width]))
        return try i.cast(try i.add(.scatter(Scatter(.add, axes: [0], at: 0)), [base, updates, indices]), element)
    }
}

extension Importer {
    /// Which of the results the call asks for.
    fileprivate func wantedResults() throws(ImportError) -> [Bool] {
        guard case .bools(let wanted) = argument("output_mask") else { throw wrong("output_mask", "bools") }
        return wanted
    }

    /// The gradient through `(x − mean) · factor` where mean and factor are statistics of `x` over `axes`, all in one
    /// type: `factor · (g − mean(g) − x̂ · mean(g · x̂))` with `x̂` the normalised tensor.
    fileprivate mutating func throughNorm(
        _ gradient: Value, _ normal: Value, _ factor: Value, _ axes: [Int]
    ) throws(ImportError) -> Value {
        let products = try formula([gradient, normal]) { $0[0] * $0[1] }
        let operands = [
            gradient, normal, factor, try mean(gradient, axes, keep: true), try mean(products, axes, keep: true),
        ]
        return try formula(operands) { $0[2] * ($0[0] - $0[3] - $0[1] * $0[4]) }
    }
}

private func registerNormGradients(_ table: inout OperatorTable) {
    table.on("native_layer_norm_backward") { (i) throws(ImportError) in
        let source = try i.tensor("input")
        let (rank, element) = (i.rank(source), i.element(source))
        let axes = Array((rank - (try i.dimensions("normalized_shape").count))..<rank)
        let outer = Array(0..<(rank - axes.count))
        let (x, gradient) = (try i.widened(source), try i.widened(try i.tensor("grad_out")))
        let factor = try i.widened(try i.tensor("rstd"))
        let normal = try i.formula([x, try i.widened(try i.tensor("mean")), factor]) { ($0[0] - $0[1]) * $0[2] }
        let wanted = try i.wantedResults()
        var results: [TensorHandle?] = [nil, nil, nil]
        if wanted[0] {
            var inner = gradient
            if let weight = try i.optionalTensor("weight") {
                inner = try i.formula([gradient, try i.widened(weight)]) { $0[0] * $0[1] }
            }
            results[0] = i.fresh(try i.cast(try i.throughNorm(inner, normal, factor, axes), element))
        }
        if wanted[1] {
            let products = try i.formula([gradient, normal]) { $0[0] * $0[1] }
            results[1] = i.fresh(try i.cast(try i.sum(products, outer), element))
        }
        if wanted[2] { results[2] = i.fresh(try i.cast(try i.sum(gradient, outer), element)) }
        return results
    }
    table.on("native_group_norm_backward") { (i) throws(ImportError) in
        let source = try i.tensor("input")
        let (shape, element) = (i.shape(source), i.element(source))
        let groups = Dimension(try i.int("group"))
        let perGroup = shape[1].floorDivided(by: groups, i.builder.graph.ranges)
        let space = elementCount(Array(shape.dropFirst(2)))
        let grouped = [shape[0], groups, perGroup, space]
        let x = try i.reshape(try i.widened(source), grouped)
        let gradient = try i.reshape(try i.widened(try i.tensor("grad_out")), grouped)
        let statistics = [shape[0], groups, 1, 1]
        let mean = try i.reshape(try i.widened(try i.tensor("mean")), statistics)
        let factor = try i.reshape(try i.widened(try i.tensor("rstd")), statistics)
        let normal = try i.formula([x, mean, factor]) { ($0[0] - $0[1]) * $0[2] }
        let wanted = try i.wantedResults()
        var results: [TensorHandle?] = [nil, nil, nil]
        if wanted[0] {
            var inner = gradient
            if let weight = try i.optionalTensor("weight") {
                let channels = try i.reshape(try i.widened(weight), [1, groups, perGroup, 1])
                inner = try i.formula([gradient, channels]) { $0[0] * $0[1] }
            }
            let result = try i.throughNorm(inner, normal, factor, [2, 3])
            results[0] = i.fresh(try i.cast(try i.reshape(result, shape), element))
        }
        if wanted[1] {
            let products = try i.formula([gradient, normal]) { $0[0] * $0[1] }
            let total = try i.reshape(try i.sum(products, [0, 3]), [shape[1]])
            results[1] = i.fresh(try i.cast(total, element))
        }
        if wanted[2] {
            let total = try i.reshape(try i.sum(gradient, [0, 3]), [shape[1]])
            results[2] = i.fresh(try i.cast(total, element))
        }
        return results
    }
}

private func registerPoolGradients(_ table: inout OperatorTable) {
    table.value("max_pool2d_with_indices_backward") { (i) throws(ImportError) in
        let gradient = try i.tensor("grad_output")
        let shape = try i.shape(of: try i.handle("self"))
        let (rank, element) = (shape.count, i.element(gradient))
        let outer = elementCount(Array(shape.dropLast(2)))
        let count = elementCount(Array(i.shape(gradient).suffix(2)))
        let places = [outer, count]
        let rows = try i.expand(try i.index(along: 0, of: places), places)
        let columns = try i.reshape(try i.cast(try i.tensor("indices"), .i64), places)
        let updates = try i.reshape(try i.widened(gradient), places)
        let base = try i.full(0, TensorType(i.element(updates), [outer, shape[rank - 2] * shape[rank - 1]]))
        let result = try i.add(.scatter(Scatter(.add, axes: [0, 1], at: 0)), [base, updates, rows, columns])
        return try i.cast(try i.reshape(result, shape), element)
    }
    table.value("avg_pool2d_backward", "_adaptive_avg_pool2d_backward") { (i) throws(ImportError) in
        let isAdaptive = i.call.name.base.hasPrefix("_adaptive")
        let gradient = try i.tensor("grad_output")
        let shape = try i.shape(of: try i.handle("self"))
        var result = try i.widened(gradient)
        for axis in [shape.count - 2, shape.count - 1] {
            guard let extent = shape[axis].constantValue, let count = i.shape(gradient)[axis].constantValue else {
                throw i.unsupported("a symbolic extent")
            }
            let windows =
                isAdaptive
                ? (0..<count).map { k in
                    let (start, end) = (k * extent / count, ((k + 1) * extent + count - 1) / count)
                    return (start..<end, Double(end - start))
                } : try i.averagedWindows(axis - shape.count + 2, extent, count)
            // Row k holds the weights of window k.
            var weights = [Double](repeating: 0, count: count * extent)
            for (k, (places, divisor)) in windows.enumerated() {
                for place in places { weights[k * extent + place] += 1 / divisor }
            }
            let compute = i.element(result)
            let matrix = try i.leaf(
                .constant(
                    weights.map { compute.rounded($0) }, TensorType(compute, [Dimension(count), Dimension(extent)])))
            let labels = Array(0..<shape.count)
            var spread = labels
            spread[axis] = shape.count
            let contract = Contract(left: labels, right: [axis, shape.count], result: spread)
            result = try i.add(.contract(contract), [result, matrix])
        }
        return try i.cast(result, i.element(gradient))
    }
}

extension Importer {
    /// The windows of `avg_pool2d` along one of its two axes: which elements each one takes and what divides their sum. A
    /// fixed divisor counts for the first axis alone.
    fileprivate func averagedWindows(
        _ axis: Int, _ extent: Int, _ count: Int
    ) throws(ImportError) -> [(Range<Int>, Double)] {
        let size = try ints("kernel_size", 2)
        let stride = try ints("stride", 2, orWhenEmpty: size)[axis]
        let padding = try ints("padding", 2)[axis]
        let countsPadding = try bool("count_include_pad")
        let divisor = has("divisor_override") ? try int("divisor_override") : nil
        return (0..<count).map { k in
            let start = k * stride - padding
            let end = min(start + size[axis], extent + padding)
            let inside = max(start, 0)..<max(min(end, extent), max(start, 0))
            if let divisor { return (inside, axis == 0 ? Double(divisor) : 1) }
            return (inside, Double(countsPadding ? end - start : inside.count))
        }
    }
}

private func registerConvolutionGradients(_ table: inout OperatorTable) {
    table.on("convolution_backward") { (i) throws(ImportError) in
        let (gradient, x, weight) = (try i.tensor("grad_output"), try i.tensor("input"), try i.tensor("weight"))
        let spatial = i.rank(weight) - 2
        let isTransposed = try i.bool("transposed")
        var forward = Convolve(
            stride: try i.ints("stride", spatial), paddingLow: try i.ints("padding", spatial),
            paddingHigh: try i.ints("padding", spatial), dilation: try i.ints("dilation", spatial),
            groups: try i.int("groups"), isTransposed: isTransposed)
        let wanted = try i.wantedResults()
        var results: [TensorHandle?] = [nil, nil, nil]
        if wanted[0] {
            // A convolution's gradient is the transposed convolution and the other way round, with the same weight.
            forward.isTransposed = !isTransposed
            if !isTransposed { forward.outputPadding = try i.outputPadding(forward, gradient, x, weight) }
            results[0] = i.fresh(try i.add(.convolve(forward), [gradient, weight]))
        }
        if wanted[1] {
            let (image, kernel) = isTransposed ? (gradient, x) : (x, gradient)
            results[1] = i.fresh(try i.weightGradient(forward, image, kernel, i.shape(weight)))
        }
        if wanted[2] {
            let axes = Array(0..<i.rank(gradient)).filter { $0 != 1 }
            results[2] = i.fresh(try i.cast(try i.sum(gradient, axes), i.element(gradient)))
        }
        return results
    }
}

extension Importer {
    /// What a transposed convolution of `gradient` must add to reach the extents of `x`.
    fileprivate func outputPadding(
        _ convolve: Convolve, _ gradient: Value, _ x: Value, _ weight: Value
    ) throws(ImportError) -> [Int] {
        var missing: [Int] = []
        for axis in convolve.stride.indices {
            let reach = (shape(weight)[axis + 2] - 1) * convolve.dilation[axis] + 1
            let covered = (shape(gradient)[axis + 2] - 1) * convolve.stride[axis] + reach
            let rest = shape(x)[axis + 2] - covered + (2 * convolve.paddingLow[axis])
            guard let constant = rest.constantValue else { throw unsupported("a symbolic extent") }
            missing.append(constant)
        }
        return missing
    }

    /// The gradient of a weight of shape `[kernel channels, image channels / groups, window…]`: batch and channels change
    /// places, stride and dilation too, and `kernel` slides over `image`.
    fileprivate mutating func weightGradient(
        _ convolve: Convolve, _ image: Value, _ kernel: Value, _ weight: Shape
    ) throws(ImportError) -> Value {
        let inverse = Convolve(
            stride: convolve.dilation, paddingLow: convolve.paddingLow, paddingHigh: convolve.paddingHigh,
            dilation: convolve.stride)
        let (images, kernels) = (try swapAxes(image, 0, 1), try swapAxes(kernel, 0, 1))
        let ranges = builder.graph.ranges
        let groups = Dimension(convolve.groups)
        let (imageCount, kernelCount) = (
            shape(images)[0].floorDivided(by: groups, ranges), shape(kernels)[0].floorDivided(by: groups, ranges)
        )
        var parts: [Value] = []
        for group in 0..<convolve.groups {
            let image = try slice(images, 0, imageCount * group, imageCount)
            let kernel = try slice(kernels, 0, kernelCount * group, kernelCount)
            // `[image channels, kernel channels, at least window…]`.
            var part = try swapAxes(try add(.convolve(inverse), [image, kernel]), 0, 1)
            for axis in 2..<weight.count { part = try slice(part, axis, 0, weight[axis]) }
            parts.append(part)
        }
        return try concatenate(parts, 0)
    }
}
