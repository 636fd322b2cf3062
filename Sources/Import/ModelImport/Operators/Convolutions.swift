import ElementTypes
import GraphIR
import ModelFiles

/// Convolutions of one to three spatial axes, with the bias as a map.
func registerConvolutions(_ table: inout OperatorTable) {
    table.value(
        "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "convolution",
        "_convolution", "mkldnn_convolution", "thnn_conv2d", "conv_depthwise3d", "_conv_depthwise2d",
        "_slow_conv2d_forward"
    ) { (i) throws(ImportError) in
        let general = i.call.name.base.hasSuffix("convolution")
        var input = try i.tensor(i.call.arguments["self"] != nil ? "self" : "input")
        let weight = try i.tensor("weight")
        let spatial = i.rank(weight) - 2
        let isBatched = i.rank(input) == i.rank(weight)
        if !isBatched { input = try i.unsqueeze(input, 0) }
        let transposed =
            general && i.call.schema?.names.contains("transposed") == true
            ? try i.bool("transposed") : i.call.name.base.contains("transpose")
        let stride = try i.ints("stride", spatial)
        let names = i.call.schema?.names ?? []
        let dilation = names.contains("dilation") ? try i.ints("dilation", spatial) : stride.map { _ in 1 }
        let groups = names.contains("groups") ? try i.int("groups") : 1
        let outputPadding =
            transposed && names.contains("output_padding")
            ? try i.ints("output_padding", spatial) : stride.map { _ in 0 }
        var (low, high): ([Int], [Int])
        if case .string(let text) = i.argument("padding") {
            (low, high) = try i.samePadding(text, weight, dilation)
        } else {
            low = try i.ints("padding", spatial)
            high = low
        }
        let convolve = Convolve(
            stride: stride, paddingLow: low, paddingHigh: high, dilation: dilation, groups: groups,
            isTransposed: transposed, outputPadding: outputPadding)
        var result = try i.add(.convolve(convolve), [input, weight])
        if let bias = try i.optionalTensor("bias") {
            let channels = try i.alongAxis(bias, 1, spatial + 2)
            result = try i.formula([result, channels]) { $0[0] + $0[1] }
        }
        return isBatched ? result : try i.dropping(result, [0])
    }
}

extension Importer {
    /// Padding that keeps the extent (the odd element goes after), or none.
    fileprivate func samePadding(
        _ text: String, _ weight: Value, _ dilation: [Int]
    ) throws(ImportError) -> (low: [Int], high: [Int]) {
        switch text {
        case "valid": return (dilation.map { _ in 0 }, dilation.map { _ in 0 })
        case "same":
            var (low, high): ([Int], [Int]) = ([], [])
            for (axis, step) in dilation.enumerated() {
                guard let kernel = shape(weight)[axis + 2].constantValue else { throw unsupported("a symbolic kernel") }
                let total = step * (kernel - 1)
                low.append(total / 2)
                high.append(total - total / 2)
            }
            return (low, high)
        default: throw unsupported("padding = '\(text)'")  // PyTorch has no other.
        }
    }
}
