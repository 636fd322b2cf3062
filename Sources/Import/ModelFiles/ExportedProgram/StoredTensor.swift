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
    package var elementCount: Int { sizes.contains(0) ? 0 : sizes.reduce(1, *) }

    /// Whether the elements lie row-major without gaps.
    package var isContiguous: Bool {
        if sizes.contains(0) { return true }
        var expected = 1
        for (size, stride) in zip(sizes, strides).reversed() where size != 1 {
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

extension StoredTensor {
    /// The elements, row-major without gaps, little-endian. `bytes` are the tensor's storage.
    ///
    /// Linear in the number of elements; one copy of the whole range when the tensor is contiguous.
    package func elements(in bytes: RawSpan) -> [UInt8] {
        let size = scalarType.byteCount ?? 0
        let count = elementCount * size
        if count == 0 { return [] }
        // Safety: the reader checked that every element lies inside the storage, and `RawSpan` checks the bytes here.
        return bytes.withUnsafeBytes { storage in
            let start = storageOffset * size
            if isContiguous { return Array(storage[start..<start + count]) }
            var result: [UInt8] = []
            result.reserveCapacity(count)
            var index = [Int](repeating: 0, count: sizes.count)
            var place = start
            // The stride of a dimension of one element may be any number: sums wrap and come back.
            while true {
                precondition(place >= 0 && place + size <= storage.count, "an element outside the storage")
                result.append(contentsOf: storage[place..<place + size])
                var axis = sizes.count - 1
                while axis >= 0 {
                    index[axis] += 1
                    place &+= strides[axis] &* size
                    if index[axis] < sizes[axis] { break }
                    place &-= strides[axis] &* sizes[axis] &* size
                    index[axis] = 0
                    axis -= 1
                }
                if axis < 0 { return result }
            }
        }
    }
}
