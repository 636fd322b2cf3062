import ElementTypes

/// A generalised matrix product, as einsum: every axis of both operands and of the result carries a label; labels that the
/// result lacks are summed. Each label occurs at most once in an operand. Products of narrow floats accumulate in f32.
package struct Contract: Hashable, Sendable {
    /// Labels of the axes of operand 0.
    package var left: [Int]
    /// Labels of the axes of operand 1.
    package var right: [Int]
    /// Labels of the axes of the result.
    package var result: [Int]
    /// What operands of f32 may be rounded to.
    package var factors: FactorPrecision

    /// Makes a contraction.
    package init(left: [Int], right: [Int], result: [Int], factors: FactorPrecision = .own) {
        self.left = left
        self.right = right
        self.result = result
        self.factors = factors
    }

    /// `[batch…, m, k] × [batch…, k, n] → [batch…, m, n]`; with `transposed`, operand 1 is `[batch…, n, k]`.
    package static func matrixProduct(batchRank: Int, transposed: Bool = false) -> Self {
        let batch = Array(0..<batchRank)
        let (m, n, k) = (batchRank, batchRank + 1, batchRank + 2)
        return Self(left: batch + [m, k], right: batch + (transposed ? [n, k] : [k, n]), result: batch + [m, n])
    }

    func results(_ rule: ShapeRule) throws(ShapeError) -> [TensorType] {
        try rule.requireOperands(2)
        let (a, b) = (rule.operands[0], rule.operands[1])
        try rule.require(a.element == b.element, "element types differ")
        try rule.require(left.count == a.shape.count && right.count == b.shape.count, "labels do not fit the ranks")
        try rule.require(
            Set(left).count == left.count && Set(right).count == right.count && Set(result).count == result.count,
            "a label is repeated")
        var extents: [Int: Dimension] = [:]
        for (label, extent) in zip(left + right, a.shape + b.shape) {
            if let known = extents[label] {
                try rule.require(known == extent, "label \(label) is \(known) and \(extent)")
            }
            extents[label] = extent
        }
        var shape: Shape = []
        for label in result {
            guard let extent = extents[label] else {
                try rule.require(false, "result label \(label) is in no operand")
                return []
            }
            shape.append(extent)
        }
        return [TensorType(a.element, shape)]
    }
}

/// An n-dimensional cross-correlation as `aten.convolution` without bias. Operand 0 `[batch, channels, spatial…]`,
/// operand 1 `[outChannels, channels / groups, kernel…]` (transposed: `[channels, outChannels / groups, kernel…]`),
/// result `[batch, outChannels, spatial…]`.
package struct Convolve: Hashable, Sendable {
    package var stride: [Int]
    /// Zeros added before and after each spatial axis.
    package var paddingLow: [Int]
    package var paddingHigh: [Int]
    package var dilation: [Int]
    package var groups: Int
    /// Whether this is the transposed (fractionally strided) convolution.
    package var isTransposed: Bool
    /// Extra extent of a transposed convolution's result.
    package var outputPadding: [Int]
    /// What operands of f32 may be rounded to.
    package var factors: FactorPrecision

    /// Makes a convolution.
    package init(
        stride: [Int], paddingLow: [Int], paddingHigh: [Int], dilation: [Int], groups: Int = 1,
        isTransposed: Bool = false, outputPadding: [Int]? = nil, factors: FactorPrecision = .own
    ) {
        self.stride = stride
        self.paddingLow = paddingLow
        self.paddingHigh = paddingHigh
        self.dilation = dilation
        self.groups = groups
        self.isTransposed = isTransposed
        self.outputPadding = outputPadding ?? stride.map { _ in 0 }
        self.factors = factors
    }

    func results(_ rule: ShapeRule) throws(ShapeError) -> [TensorType] {
        try rule.requireOperands(2)
        let (input, weight) = (rule.operands[0], rule.operands[1])
        let rank = stride.count
        try rule.require(input.element == weight.element, "element types differ")
        try rule.require(
            input.shape.count == rank + 2 && weight.shape.count == rank + 2
                && [paddingLow.count, paddingHigh.count, dilation.count, outputPadding.count].allSatisfy { $0 == rank },
            "ranks do not fit \(rank) spatial axes")
        try rule.require(
            groups >= 1 && stride.allSatisfy { $0 >= 1 } && dilation.allSatisfy { $0 >= 1 },
            "bad stride, dilation or groups")
        let groupCount = Dimension(groups)
        var shape = [input.shape[0]]
        if isTransposed {
            try rule.require(input.shape[1] == weight.shape[0], "channels differ")
            shape.append(weight.shape[1] * groupCount)
        } else {
            try rule.require(input.shape[1] == weight.shape[1] * groupCount, "channels differ")
            shape.append(weight.shape[0])
        }
        for axis in 0..<rank {
            let reach = (weight.shape[axis + 2] - 1) * dilation[axis]
            let padding = paddingLow[axis] + paddingHigh[axis]
            let extent = input.shape[axis + 2]
            shape.append(
                isTransposed
                    ? (extent - 1) * stride[axis] + reach + (1 + outputPadding[axis] - padding)
                    : (extent + padding - reach - 1).floorDivided(by: Dimension(stride[axis]), rule.ranges) + 1)
            if let size = shape.last?.constantValue { try rule.require(size >= 0, "the window exceeds the input") }
        }
        return [TensorType(input.element, shape)]
    }
}
