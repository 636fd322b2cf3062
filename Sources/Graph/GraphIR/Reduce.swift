import ElementTypes

/// Combines the elements along `axes`; the axes disappear from the shape.
package struct Reduce: Hashable, Sendable {
    /// How elements combine.
    package enum Kind: String, CaseIterable, Hashable, Sendable {
        case sum, product, minimum, maximum
        /// Whether any or all elements are true; operand and result are bool.
        case any, all
        /// Position of the first least or greatest element along one axis; result i64.
        case argMinimum, argMaximum
    }

    package var kind: Kind
    /// Sorted axes of the operand.
    package var axes: [Int]

    /// Makes a reduction.
    package init(_ kind: Kind, axes: [Int]) {
        self.kind = kind
        self.axes = axes
    }

    func results(_ rule: ShapeRule) throws(ShapeError) -> [TensorType] {
        try rule.requireOperands(1)
        let operand = rule.operands[0]
        for axis in axes { try rule.requireAxis(axis, rank: operand.shape.count) }
        try rule.require(axes == Array(Set(axes)).sorted(), "axes \(axes) are not sorted and distinct")
        let shape = operand.shape.indices.filter { !axes.contains($0) }.map { operand.shape[$0] }
        switch kind {
        case .sum, .product, .minimum, .maximum: return [TensorType(operand.element, shape)]
        case .any, .all:
            try rule.require(operand.element == .bool, "expected bool")
            return [TensorType(.bool, shape)]
        case .argMinimum, .argMaximum:
            try rule.require(axes.count == 1, "expected one axis")
            return [TensorType(.i64, shape)]
        }
    }
}

/// Running combination along an axis: element i combines elements 0…i. The shape stays.
package struct Scan: Hashable, Sendable {
    /// How elements combine.
    package enum Kind: String, CaseIterable, Hashable, Sendable {
        case sum, product, minimum, maximum
        /// `log(Σ exp)`, computed without overflow.
        case logSumExp
    }

    package var kind: Kind
    package var axis: Int

    /// Makes a scan.
    package init(_ kind: Kind, axis: Int) {
        self.kind = kind
        self.axis = axis
    }

    func results(_ rule: ShapeRule) throws(ShapeError) -> [TensorType] {
        try rule.requireOperands(1)
        try rule.requireAxis(axis, rank: rule.operands[0].shape.count)
        return [rule.operands[0]]
    }
}
