import ElementTypes

/// The operand's elements seen at other indices. Views are index maps and are never computed by themselves.
package enum View: Hashable, Sendable {
    /// The same elements in row-major order under another shape.
    case reshape(Shape)
    /// Axis i of the result is axis `axes[i]` of the operand.
    case permute([Int])
    /// Broadcasts: shapes aligned at the right, extents of 1 (and missing axes) repeated.
    case expand(Shape)
    /// Every `step`-th index from `start` along an axis, `count` of them.
    case slice(axis: Int, start: Dimension, count: Dimension, step: Int)
    /// Reverses axes.
    case flip([Int])
    /// Adds `low[i]` and `high[i]` elements of `value` before and after axis i; negative amounts are not allowed.
    case pad(low: [Dimension], high: [Dimension], value: PadValue)
    /// Sliding windows: axis `axis` becomes the window's position and a new last axis runs over its `size` elements, as
    /// `torch.Tensor.unfold`.
    case unfold(axis: Int, size: Int, step: Int)

    /// What padding holds; a double compared by its bits.
    package struct PadValue: Hashable, Sendable {
        package var bits: UInt64
        /// The value as a double.
        package var value: Double { Double(bitPattern: bits) }

        /// Padding of `value`.
        package init(_ value: Double) { bits = value.bitPattern }
    }

    /// Whether every element of the operand occurs exactly once in the result, so that the view can be inverted.
    package var isBijective: Bool {
        switch self {
        case .reshape, .permute, .flip: true
        case .expand, .slice, .pad, .unfold: false
        }
    }

    func results(_ rule: ShapeRule) throws(ShapeError) -> [TensorType] {
        try rule.requireOperands(1)
        let operand = rule.operands[0]
        let old = operand.shape
        switch self {
        case .reshape(let shape):
            try rule.require(
                elementCount(shape) == elementCount(old),
                "cannot reshape \(elementCount(old)) elements into [\(shape.map(\.description).joined(separator: ", "))]"
            )
            return [TensorType(operand.element, shape)]
        case .permute(let axes):
            try rule.require(axes.sorted() == Array(old.indices), "\(axes) is no permutation of \(old.count) axes")
            return [TensorType(operand.element, axes.map { old[$0] })]
        case .expand(let shape):
            try rule.require(shape.count >= old.count, "cannot expand to fewer axes")
            for (before, after) in zip(old, shape.suffix(old.count)) {
                try rule.require(before == after || before == 1, "cannot expand extent \(before) to \(after)")
            }
            return [TensorType(operand.element, shape)]
        case .slice(let axis, let start, let count, let step):
            try rule.requireAxis(axis, rank: old.count)
            try rule.require(step >= 1, "step \(step) is not positive")
            if let extent = old[axis].constantValue, let start = start.constantValue, let count = count.constantValue {
                try rule.require(
                    start >= 0 && count >= 0 && (count == 0 || start + (count - 1) * step < extent),
                    "slice \(start) + \(count) × \(step) of extent \(extent)")
            }
            var shape = old
            shape[axis] = count
            return [TensorType(operand.element, shape)]
        case .flip(let axes):
            for axis in axes { try rule.requireAxis(axis, rank: old.count) }
            return [operand]
        case .pad(let low, let high, _):
            try rule.require(low.count == old.count && high.count == old.count, "expected an amount for each axis")
            for amount in low + high {
                try rule.require((amount.constantValue ?? 0) >= 0, "negative padding \(amount)")
            }
            return [TensorType(operand.element, old.indices.map { low[$0] + old[$0] + high[$0] })]
        case .unfold(let axis, let size, let step):
            try rule.requireAxis(axis, rank: old.count)
            try rule.require(size >= 1 && step >= 1, "window \(size), step \(step)")
            var shape = old
            shape[axis] =
                (old[axis] - Dimension(size)).floorDivided(by: Dimension(step), rule.ranges) + 1
            return [TensorType(operand.element, shape + [Dimension(size)])]
        }
    }
}

/// The rule of `concatenate`: operands agree in element type and in all extents but that of the axis.
func concatenateResults(_ axis: Int, _ rule: ShapeRule) throws(ShapeError) -> [TensorType] {
    try rule.require(!rule.operands.isEmpty, "expected at least one operand")
    let first = rule.operands[0]
    try rule.requireAxis(axis, rank: first.shape.count)
    var shape = first.shape
    shape[axis] = 0
    for operand in rule.operands {
        try rule.require(operand.element == first.element, "element types differ")
        try rule.require(operand.shape.count == shape.count, "ranks differ")
        for other in shape.indices where other != axis {
            try rule.require(operand.shape[other] == shape[other], "extents of axis \(other) differ")
        }
        shape[axis] = shape[axis] + operand.shape[axis]
    }
    return [TensorType(first.element, shape)]
}
