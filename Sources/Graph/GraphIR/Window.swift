import ElementTypes

/// Pooling over sliding windows of the last `size.count` axes.
package struct Window: Hashable, Sendable {
    /// What is taken of a window.
    package enum Kind: Hashable, Sendable {
        case maximum
        /// The position of the maximum within the flattened spatial axes; result i64.
        case argMaximum
        /// The sum divided by the window's size; with `countsPadding`, padding (but not what only the ceiling rule adds)
        /// counts; a fixed divisor overrides both. Integers are rounded toward zero.
        case average(countsPadding: Bool, divisor: Int?)
    }

    package var kind: Kind
    package var size: [Int]
    package var stride: [Int]
    /// Elements of padding on both sides (−∞ for the maximum, 0 for the average).
    package var padding: [Int]
    package var dilation: [Int]
    /// Rounds the number of windows up, but never starts one in the padding on the right.
    package var roundsUp: Bool

    /// Makes a pooling.
    package init(_ kind: Kind, size: [Int], stride: [Int], padding: [Int], dilation: [Int], roundsUp: Bool) {
        self.kind = kind
        self.size = size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.roundsUp = roundsUp
    }

    func results(_ rule: ShapeRule) throws(ShapeError) -> [TensorType] {
        try rule.requireOperands(1)
        let operand = rule.operands[0]
        let rank = size.count
        try rule.require(
            operand.shape.count >= rank && rank > 0
                && [stride.count, padding.count, dilation.count].allSatisfy { $0 == rank }, "ranks do not fit")
        try rule.require(
            size.allSatisfy { $0 >= 1 } && stride.allSatisfy { $0 >= 1 } && dilation.allSatisfy { $0 >= 1 },
            "bad size, stride or dilation")
        let first = operand.shape.count - rank
        var shape = operand.shape
        for axis in 0..<rank {
            let extent = operand.shape[first + axis]
            let reach = dilation[axis] * (size[axis] - 1) + 1
            let room = extent + (2 * padding[axis] - reach)
            let extra = roundsUp ? stride[axis] - 1 : 0
            var count = (room + extra).floorDivided(by: Dimension(stride[axis]), rule.ranges) + 1
            if roundsUp, let known = count.constantValue, let length = extent.constantValue,
                (known - 1) * stride[axis] >= length + padding[axis]
            {
                count = count - 1
            }
            if let known = count.constantValue { try rule.require(known >= 1, "the window exceeds the input") }
            shape[first + axis] = count
        }
        return [TensorType(kind == .argMaximum ? .i64 : operand.element, shape)]
    }
}

/// Elements in order along an axis. Results: values, and their positions as i64.
package struct Sort: Hashable, Sendable {
    package var axis: Int
    package var isDescending: Bool
    /// The first `limit` elements only (top-k); nil for all.
    package var limit: Int?

    /// Makes a sort. Equal elements keep their order.
    package init(axis: Int, isDescending: Bool, limit: Int? = nil) {
        self.axis = axis
        self.isDescending = isDescending
        self.limit = limit
    }

    func results(_ rule: ShapeRule) throws(ShapeError) -> [TensorType] {
        try rule.requireOperands(1)
        var type = rule.operands[0]
        try rule.requireAxis(axis, rank: type.shape.count)
        if let limit {
            if let extent = type.shape[axis].constantValue {
                try rule.require(limit >= 0 && limit <= extent, "top \(limit) of \(extent)")
            }
            type.shape[axis] = Dimension(limit)
        }
        return [type, TensorType(.i64, type.shape)]
    }
}
