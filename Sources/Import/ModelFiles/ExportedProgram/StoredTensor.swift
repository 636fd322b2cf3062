/// A tensor whose elements lie in the archive: a strided window over a storage.
///
/// Invariant, checked on reading: every element that sizes and strides address lies inside the storage.
package struct StoredTensor: Sendable, Equatable {
    /// Dotted name in the model, such as `encoder.layers.0.weight`.
    package var name: String
    /// Parameter rather than buffer or constant.
    package var isParameter: Bool
    /// Element type.
    package var scalarType: TorchScalarType
    /// Dimensions, outermost first.
    package var sizes: [Int]
    /// Strides in elements, one a dimension; not negative.
    package var strides: [Int]
    /// First element, in elements from the start of the storage.
    package var storageOffset: Int
    /// Index into the archive's `storages`; tied tensors share one.
    package var storage: Int

    /// Number of elements.
    package var elementCount: Int { sizes.reduce(1, *) }

    /// Whether the elements lie row-major without gaps.
    package var isContiguous: Bool {
        var expected = 1
        for (size, stride) in zip(sizes, strides).reversed() where size != 1 {
            if size == 0 { return true }
            if stride != expected { return false }
            expected *= size
        }
        return true
    }

    /// A value from its parts.
    package init(
        name: String, isParameter: Bool, scalarType: TorchScalarType, sizes: [Int], strides: [Int], storageOffset: Int,
        storage: Int
    ) {
        self.name = name
        self.isParameter = isParameter
        self.scalarType = scalarType
        self.sizes = sizes
        self.strides = strides
        self.storageOffset = storageOffset
        self.storage = storage
    }
}

/// Bytes of one or several tensors.
package struct TensorStorage: Sendable, Equatable {
    /// Entry of the archive.
    package var path: String
    /// Bytes of the file that hold it.
    package var range: Range<Int>

    /// A value from its parts.
    package init(path: String, range: Range<Int>) {
        self.path = path
        self.range = range
    }
}
