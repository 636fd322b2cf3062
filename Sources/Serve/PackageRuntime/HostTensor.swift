import ElementTypes

/// The element type and extents of a tensor in memory, contiguous and row-major.
package struct TensorDescription: Sendable, Equatable, CustomStringConvertible {
    /// Type of each element.
    package var element: ElementType
    /// Extents, outermost first.
    package var shape: [Int]

    /// Makes a description.
    package init(_ element: ElementType, _ shape: [Int]) {
        self.element = element
        self.shape = shape
    }

    /// Bytes in memory; nil when the number does not fit.
    package var byteCount: Int? {
        if shape.contains(0) { return 0 }
        var count = element.byteCount
        for extent in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            if overflow || extent < 0 { return nil }
            count = product
        }
        return count
    }

    /// Printed as `f32[2, 3]`.
    package var description: String { "\(element.rawValue)\(shape)" }
}

/// A tensor that owns its bytes.
package struct HostTensor: Sendable, Equatable {
    /// Element type and extents.
    package var type: TensorDescription
    /// Elements, contiguous and row-major, in the machine's byte order.
    package var bytes: [UInt8]

    /// Makes a tensor.
    package init(_ type: TensorDescription, bytes: [UInt8]) {
        self.type = type
        self.bytes = bytes
    }

    /// A tensor of these elements, which must be as wide as `element`.
    package init<Element: BitwiseCopyable>(_ element: ElementType, _ shape: [Int], _ elements: [Element]) {
        precondition(MemoryLayout<Element>.stride == element.byteCount, "elements are as wide as their type")
        self.init(TensorDescription(element, shape), bytes: elements.withUnsafeBytes { Array($0) })
    }

    /// The elements as values of a type that is as wide as the tensor's.
    package func elements<Element: BitwiseCopyable>(as type: Element.Type) -> [Element] {
        precondition(MemoryLayout<Element>.stride == self.type.element.byteCount, "elements are as wide as their type")
        return bytes.withUnsafeBytes { raw in
            (0..<raw.count / MemoryLayout<Element>.stride).map {
                raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Element>.stride, as: type)
            }
        }
    }
}
