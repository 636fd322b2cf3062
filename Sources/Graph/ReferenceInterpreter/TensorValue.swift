import ElementTypes

/// A tensor held by the interpreter: contiguous, row-major, numbers as doubles and integers exactly.
package struct TensorValue: Equatable, Sendable {
    /// Elements in row-major order.
    package enum Storage: Equatable, Sendable {
        /// Floating-point numbers, and bools as 0 or 1.
        case real([Double])
        /// Integers.
        case integer([Int64])
    }

    /// The type its elements have in the model; under `Policy.exact` floating elements need not be representable in it.
    package let element: ElementType
    /// Extents, outermost first.
    package let shape: [Int]
    /// The elements.
    package let storage: Storage

    /// A floating-point or bool tensor.
    package init(_ element: ElementType, _ shape: [Int], _ elements: [Double]) {
        precondition(!element.isInteger, "\(element.rawValue) elements are integers")
        precondition(elements.count == shape.reduce(1, *), "\(elements.count) elements for shape \(shape)")
        self.element = element
        self.shape = shape
        storage = .real(elements)
    }

    /// An integer tensor.
    package init(_ element: ElementType, _ shape: [Int], integers: [Int64]) {
        precondition(element.isInteger, "\(element.rawValue) elements are no integers")
        precondition(integers.count == shape.reduce(1, *), "\(integers.count) elements for shape \(shape)")
        self.element = element
        self.shape = shape
        storage = .integer(integers)
    }

    /// A tensor of the storage that its element type wants.
    init(_ element: ElementType, _ shape: [Int], _ storage: Storage) {
        switch storage {
        case .real(let elements): self.init(element, shape, elements)
        case .integer(let elements): self.init(element, shape, integers: elements)
        }
    }

    /// Number of elements.
    package var count: Int {
        switch storage {
        case .real(let elements): elements.count
        case .integer(let elements): elements.count
        }
    }

    /// The elements as doubles; integers beyond 2⁵³ round.
    package var doubles: [Double] {
        switch storage {
        case .real(let elements): elements
        case .integer(let elements): elements.map { Double($0) }
        }
    }

    /// The elements of an integer tensor, or nil.
    package var integers: [Int64]? {
        switch storage {
        case .real: nil
        case .integer(let elements): elements
        }
    }

    /// The same elements under another shape of as many elements.
    package func reshaped(_ shape: [Int]) -> TensorValue { TensorValue(element, shape, storage) }

    /// The tensor with floating elements rounded to what its element type stores.
    package func roundedToElement() -> TensorValue {
        switch (storage, element) {
        case (.real(let elements), .f32), (.real(let elements), .f16), (.real(let elements), .bf16):
            TensorValue(element, shape, parallelMap(elements) { element.rounded($0) })
        case (.real, _), (.integer, _): self
        }
    }
}
