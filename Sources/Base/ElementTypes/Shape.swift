/// The extent of a tensor along one axis: a constant or an expression over symbols.
package typealias Dimension = IntegerExpression

/// The extents of a tensor, outermost first; a scalar has none.
package typealias Shape = [Dimension]

/// Elements in a tensor of this shape.
package func elementCount(_ shape: Shape) -> Dimension { shape.reduce(1, *) }

/// Strides in elements of a contiguous row-major tensor of this shape.
package func rowMajorStrides(_ shape: Shape) -> [Dimension] {
    var strides = [Dimension](repeating: 1, count: shape.count)
    for axis in stride(from: shape.count - 2, through: 0, by: -1) {
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    }
    return strides
}

/// The element type and shape of a value.
package struct TensorType: Hashable, Sendable, CustomStringConvertible {
    /// Type of each element.
    package var element: ElementType
    /// Extents, outermost first.
    package var shape: Shape

    /// Makes a tensor type.
    package init(_ element: ElementType, _ shape: Shape) {
        self.element = element
        self.shape = shape
    }

    /// Printed as `f32[2, 3*s0]`.
    package var description: String { "\(element.rawValue)[\(shape.map(\.description).joined(separator: ", "))]" }
}

/// A symbolic dimension of a model.
package struct Symbol: Hashable, Sendable {
    /// The name that the model's exporter gave it.
    package var name: String
    /// Least allowed value.
    package var minimum: Int
    /// Greatest allowed value; nil when unbounded.
    package var maximum: Int?
    /// A value that occurred at export.
    package var hint: Int

    /// Makes a symbol.
    package init(name: String, minimum: Int, maximum: Int?, hint: Int) {
        self.name = name
        self.minimum = minimum
        self.maximum = maximum
        self.hint = hint
    }
}
