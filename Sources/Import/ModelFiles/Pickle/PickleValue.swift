/// What a pickle of PyTorch holds, as a tree of plain values.
package indirect enum PickleValue: Sendable, Equatable {
    /// Python's `None`.
    case none
    /// A truth value.
    case bool(Bool)
    /// An integer.
    case int(Int64)
    /// A real number.
    case float(Double)
    /// A complex number.
    case complex(real: Double, imaginary: Double)
    /// Text.
    case string(String)
    /// Bytes.
    case bytes([UInt8])
    /// A list.
    case list([PickleValue])
    /// A tuple, `torch.Size` included.
    case tuple([PickleValue])
    /// A set, in pickled order.
    case set([PickleValue])
    /// A dictionary, ordered ones included, in insertion order.
    case dictionary([PickleEntry])
    /// A tensor over a storage.
    case tensor(PickleTensor)
    /// A bare storage.
    case storage(PickleStorage)
    /// An element type.
    case scalarType(TorchScalarType)
    /// A device, such as `cpu`.
    case device(String)
}

/// A key and its value.
package struct PickleEntry: Sendable, Equatable {
    /// Key.
    package var key: PickleValue
    /// Value.
    package var value: PickleValue

    /// An entry.
    package init(key: PickleValue, value: PickleValue) {
        self.key = key
        self.value = value
    }
}

/// A strided tensor over a storage that lies beside the pickle. Sizes are as written: nothing is checked against bytes yet.
package struct PickleTensor: Sendable, Equatable {
    /// Where the elements are.
    package var storage: PickleStorage
    /// Element type.
    package var scalarType: TorchScalarType
    /// First element, in elements.
    package var storageOffset: Int
    /// Dimensions, outermost first.
    package var sizes: [Int]
    /// Strides in elements.
    package var strides: [Int]
    /// Whether it takes part in differentiation.
    package var requiresGradient: Bool
    /// Whether it was a parameter.
    package var isParameter: Bool
}

/// A storage by its key: the entry `data/KEY` of the archive.
package struct PickleStorage: Sendable, Equatable {
    /// Key in the archive.
    package var key: String
    /// Element type; `nil` for an untyped storage, which counts bytes.
    package var scalarType: TorchScalarType?
    /// Device at saving.
    package var location: String
    /// Length in elements, or in bytes if untyped.
    package var elementCount: Int
}
