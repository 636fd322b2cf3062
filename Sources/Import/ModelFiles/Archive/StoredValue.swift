/// What `torch.save` wrote, with every tensor located in the file: sample inputs, a state dictionary.
package indirect enum StoredValue: Sendable, Equatable {
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
    /// A list.
    case list([StoredValue])
    /// A tuple.
    case tuple([StoredValue])
    /// A dictionary in insertion order.
    case dictionary([StoredEntry])
    /// A tensor; its name is its path in the value, such as `[0][0]` or `[1].mask`.
    case tensor(StoredTensor)
    /// Anything else that a pickle may hold: bytes, a set, an element type, a device, a bare storage.
    case other(PickleValue)

    /// Everything that is not a container, depth first: the order in which `PyTree` counts leaves.
    ///
    /// PyTorch counts a `None` as a leaf too.
    package var leaves: [StoredValue] {
        switch self {
        case .none, .bool, .int, .float, .complex, .string, .tensor, .other: [self]
        case .list(let elements), .tuple(let elements): elements.flatMap(\.leaves)
        case .dictionary(let entries): entries.flatMap(\.value.leaves)
        }
    }
}

/// A key and its value.
package struct StoredEntry: Sendable, Equatable {
    /// Key.
    package var key: PickleValue
    /// Value.
    package var value: StoredValue
}

/// The inputs that the model was exported with.
package enum SampleInputs: Sendable, Equatable {
    /// The archive has none.
    case absent
    /// They hold something that only Python can load; the program does not need them.
    case unreadable(ExportedProgramError)
    /// The tuple `(args, kwargs)`.
    case value(StoredValue)
}
