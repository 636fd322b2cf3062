/// Collects the storages that tensors lie in, one for each place, and checks that every tensor fits its own.
struct StorageTable {
    /// Storages in order of first use.
    private(set) var storages: [TensorStorage] = []
    private var places: [String: Int] = [:]

    /// Most bytes that the elements of one tensor may take, views with stride 0 included.
    static let byteLimit = 1 << 42
    /// Most dimensions.
    static let rankLimit = 64

    /// The index of the storage of a path, if it was met before.
    func index(path: String) -> Int? { places[path] }

    /// Adds a storage that was not met before; its index.
    mutating func add(path: String, _ range: Range<Int>) -> Int {
        storages.append(TensorStorage(path: path, range: range))
        places[path] = storages.count - 1
        return storages.count - 1
    }

    /// A tensor over a storage, if all of its elements lie inside.
    func tensor(
        name: String, isParameter: Bool, scalarType: TorchScalarType, sizes: [Int], strides: [Int], offset: Int,
        storage: Int
    ) throws(ExportedProgramError) -> StoredTensor {
        let place = storages[storage]
        guard let elementSize = scalarType.byteCount else {
            throw .unsupportedTensor(name: name, entry: place.path, reason: "has no known element type")
        }
        guard sizes.count == strides.count, sizes.count <= Self.rankLimit,
            (sizes + strides + [offset]).allSatisfy({ $0 >= 0 })
        else {
            throw .unsupportedTensor(
                name: name, entry: place.path,
                reason: "has negative sizes, strides or offset, or another number of strides than sizes")
        }
        let tooLarge = ExportedProgramError.tensorTooLarge(name: name, entry: place.path)
        if !sizes.contains(0) {
            var bytes = elementSize
            var last = offset
            for (size, stride) in zip(sizes, strides) {
                let (product, tooMany) = bytes.multipliedReportingOverflow(by: size)
                let (reach, tooFar) = (size - 1).multipliedReportingOverflow(by: stride)
                let (sum, tooFarAgain) = last.addingReportingOverflow(reach)
                if tooMany || product > Self.byteLimit || tooFar || tooFarAgain { throw tooLarge }
                bytes = product
                last = sum
            }
            let (needed, overflowed) = last.addingReportingOverflow(1)
            let (neededBytes, overflowedAgain) = needed.multipliedReportingOverflow(by: elementSize)
            if overflowed || overflowedAgain { throw tooLarge }
            if neededBytes > place.range.count {
                throw .tensorOutOfBounds(
                    name: name, entry: place.path, needed: neededBytes, byteCount: place.range.count)
            }
        } else if sizes.contains(where: { $0 > Self.byteLimit }) {
            throw tooLarge
        }
        return StoredTensor(
            name: name, isParameter: isParameter, scalarType: scalarType, sizes: sizes, strides: strides,
            storageOffset: offset, storage: storage)
    }
}
