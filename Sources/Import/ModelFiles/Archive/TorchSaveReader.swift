/// Reads what `torch.save` wrote (a zip archive with `data.pkl` and `data/KEY` beside it), inside another archive or alone.
struct TorchSaveReader {
    /// Name of the part of the file, for messages and storage paths; empty for a whole file.
    let entry: String
    private let archive: ZipArchive
    private let root: String
    /// Where the part starts in the file.
    private let base: Int
    private let verifies: Bool

    /// Reads the directory of the part of `bytes` that lies at `range`.
    init(
        entry: String, range: Range<Int>, in bytes: RawSpan, verifyingData: Bool
    ) throws(ExportedProgramError) {
        self.entry = entry
        base = range.lowerBound
        verifies = verifyingData
        do {
            archive = try ZipArchive(bytes.extracting(range))
        } catch {
            throw .innerZip(entry: entry, error)
        }
        guard let pickle = archive.entries.first(where: { $0.name.hasSuffix("/data.pkl") }) else {
            throw .missingEntry("\(entry)/data.pkl")
        }
        root = String(pickle.name.dropLast("data.pkl".count))
    }

    /// The pickled value with its tensors located; storages are added to the table.
    func value(
        in bytes: RawSpan, range: Range<Int>, named name: String, storages: inout StorageTable
    ) throws(ExportedProgramError) -> StoredValue {
        let inner = bytes.extracting(range)
        guard let pickle = archive[root + "data.pkl"] else { throw .missingEntry("\(entry)/data.pkl") }
        let value: PickleValue
        do {
            try archive.verify(pickle, in: inner)
        } catch {
            throw .innerZip(entry: entry, error)
        }
        if let order = archive[root + "byteorder"], inner.text(order.range) != "little" {
            throw .marker(
                entry: "\(entry)/byteorder", expected: "little", found: inner.text(order.range) ?? "something else")
        }
        do {
            value = try PickleReader().read(inner.extracting(pickle.range))
        } catch {
            throw .pickle(entry: entry.isEmpty ? "data.pkl" : entry, error)
        }
        return try locate(value, inner, named: name, storages: &storages)
    }

    private func locate(
        _ value: PickleValue, _ inner: RawSpan, named name: String, storages: inout StorageTable
    ) throws(ExportedProgramError) -> StoredValue {
        switch value {
        case .none: return .none
        case .bool(let flag): return .bool(flag)
        case .int(let number): return .int(number)
        case .float(let number): return .float(number)
        case .complex(let real, let imaginary): return .complex(real: real, imaginary: imaginary)
        case .string(let text): return .string(text)
        case .list(let elements): return .list(try locate(elements, inner, named: name, storages: &storages))
        case .tuple(let elements): return .tuple(try locate(elements, inner, named: name, storages: &storages))
        case .dictionary(let entries):
            var located: [StoredEntry] = []
            for entry in entries {
                var step = "?"
                if case .string(let text) = entry.key { step = text }
                if case .int(let number) = entry.key { step = String(number) }
                let path = name.isEmpty ? step : "\(name).\(step)"
                located.append(
                    StoredEntry(
                        key: entry.key, value: try locate(entry.value, inner, named: path, storages: &storages)))
            }
            return .dictionary(located)
        case .tensor(let tensor): return .tensor(try locate(tensor, inner, named: name, storages: &storages))
        case .bytes, .set, .storage, .scalarType, .device: return .other(value)
        }
    }

    private func locate(
        _ elements: [PickleValue], _ inner: RawSpan, named name: String, storages: inout StorageTable
    ) throws(ExportedProgramError) -> [StoredValue] {
        var located: [StoredValue] = []
        for (index, element) in elements.enumerated() {
            located.append(try locate(element, inner, named: "\(name)[\(index)]", storages: &storages))
        }
        return located
    }

    private func locate(
        _ tensor: PickleTensor, _ inner: RawSpan, named name: String, storages: inout StorageTable
    ) throws(ExportedProgramError) -> StoredTensor {
        let file = "\(root)data/\(tensor.storage.key)"
        let path = entry.isEmpty ? file : "\(entry)/data/\(tensor.storage.key)"
        let storage: Int
        if let known = storages.index(path: path) {
            storage = known
        } else {
            guard let place = archive[file] else { throw .missingEntry(path) }
            do throws(ZipError) {
                try archive.requireStored(place)
                if verifies { try archive.verify(place, in: inner) }
            } catch {
                throw .innerZip(entry: entry, error)
            }
            storage = storages.add(
                path: path, place.range.lowerBound + base..<place.range.upperBound + base)
        }
        return try storages.tensor(
            name: name, isParameter: tensor.isParameter, scalarType: tensor.scalarType, sizes: tensor.sizes,
            strides: tensor.strides, offset: tensor.storageOffset, storage: storage)
    }
}
