internal import JSON

/// Reads the files of one archive.
struct ExportedProgramReader {
    let archive: ZipArchive
    let verifiesData: Bool
    private var storages = StorageTable()
    private var customObjects: [String] = []

    init(archive: ZipArchive, verifiesData: Bool) {
        self.archive = archive
        self.verifiesData = verifiesData
    }

    // MARK: The layout since PyTorch 2.8

    /// An archive with `ROOT/models/NAME.json`.
    mutating func layout(_ bytes: RawSpan, model: String?) throws(ExportedProgramError) -> ExportedProgramContents {
        let suffix = ".json"
        var root: String?
        var names: [String] = []
        for entry in archive.entries where entry.name.hasSuffix(suffix) {
            let parts = entry.name.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[1] == "models" else { continue }
            root = root ?? String(parts[0])
            if root.map({ $0 == parts[0] }) == true { names.append(String(parts[2].dropLast(suffix.count))) }
        }
        guard let root else { throw .otherKind(ModelFileKind(entries: archive.entries)) }
        try check(marker: "\(root)/archive_format", "pt2", bytes, isRequired: true)
        try check(marker: "\(root)/archive_version", "0", bytes, isRequired: true)
        try check(marker: "\(root)/byteorder", "little", bytes, isRequired: false)
        let name: String
        if let model {
            guard names.contains(model) else { throw .noSuchModel(model, available: names) }
            name = model
        } else {
            guard names.count == 1 else { throw .severalModels(names) }
            name = names[0]
        }
        let program = try self.program(bytes, entry: "\(root)/models/\(name).json")
        let weights = try tensors(bytes, folder: "\(root)/data/weights", config: "\(name)_weights_config", model: name)
        let constants = try tensors(
            bytes, folder: "\(root)/data/constants", config: "\(name)_constants_config", model: name)
        let samples = sampleInputs(bytes, entry: "\(root)/data/sample_inputs/\(name).pt")
        return ExportedProgramContents(
            modelName: name, program: program, weights: weights, constants: constants, customObjects: customObjects,
            storages: storages.storages,
            sampleInputs: samples)
    }

    /// A small file that must hold this text, white space aside.
    private func check(
        marker: String, _ expected: String, _ bytes: RawSpan, isRequired: Bool
    ) throws(ExportedProgramError) {
        guard let entry = archive[marker] else {
            if isRequired { throw .missingEntry(marker) }
            return
        }
        try verify(entry, bytes)
        let text = entry.range.count > 64 ? nil : bytes.text(entry.range)
        if text?.split(whereSeparator: \.isWhitespace).joined() != expected {
            throw .marker(entry: marker, expected: expected, found: text ?? "something else")
        }
    }

    private func verify(_ entry: ZipArchive.Entry, _ bytes: RawSpan) throws(ExportedProgramError) {
        do {
            try archive.verify(entry, in: bytes)
        } catch {
            throw .zip(error)
        }
    }

    private func json(_ bytes: RawSpan, entry name: String) throws(ExportedProgramError) -> JSONValue {
        guard let entry = archive[name] else { throw .missingEntry(name) }
        try verify(entry, bytes)
        do {
            return try JSONReader(takesNonFiniteNumbers: true).read(bytes.extracting(entry.range))
        } catch {
            throw .json(entry: name, error)
        }
    }

    private func program(_ bytes: RawSpan, entry: String) throws(ExportedProgramError) -> ExportedProgram {
        var decoder = ExportedProgramDecoder(entry: entry)
        return try decoder.program(try json(bytes, entry: entry))
    }

    /// The tensors of one table; an archive of PyTorch 2.8 may have one pickled dictionary instead.
    private mutating func tensors(
        _ bytes: RawSpan, folder: String, config: String, model: String
    ) throws(ExportedProgramError) -> NamedValues<StoredTensor> {
        let configEntry = "\(folder)/\(config).json"
        let pickled = "\(folder)/\(model).pt"
        if archive[configEntry] == nil, archive[pickled] != nil {
            return try stateDictionary(bytes, entry: pickled)
        }
        var decoder = ExportedProgramDecoder(entry: configEntry)
        var pairs: [(String, StoredTensor)] = []
        for payload in try decoder.payloads(try json(bytes, entry: configEntry)).entries {
            let path = "\(folder)/\(payload.value.file)"
            if payload.value.isPickled || payload.value.tensor == nil {
                // A tensor subclass that unpickles to a plain tensor is one; anything else is an object by name only.
                if payload.value.tensor != nil, let tensor = try? pickledTensor(bytes, path, payload.name) {
                    pairs.append((payload.name, tensor))
                } else {
                    customObjects.append(payload.name)
                }
            } else if let tensor = payload.value.tensor {
                let stored = try rawTensor(
                    bytes, path, payload.name, isParameter: payload.value.isParameter, tensor)
                pairs.append((payload.name, stored))
            }
        }
        return NamedValues(pairs)
    }

    private mutating func rawTensor(
        _ bytes: RawSpan, _ path: String, _ name: String, isParameter: Bool, _ tensor: ExportedTensor
    ) throws(ExportedProgramError) -> StoredTensor {
        if tensor.layout != .strided {
            throw .unsupportedTensor(name: name, entry: path, reason: "is not strided; make it dense before export")
        }
        let sizes = tensor.sizes.compactMap(Self.known)
        let strides = tensor.strides.compactMap(Self.known)
        guard sizes.count == tensor.sizes.count, strides.count == tensor.strides.count,
            let offset = Self.known(tensor.storageOffset)
        else {
            throw .unsupportedTensor(name: name, entry: path, reason: "has symbolic sizes")
        }
        let storage: Int
        if let known = storages.index(path: path) {
            storage = known
        } else {
            storage = storages.add(path: path, try rawRange(bytes, path, mayBeMissing: sizes.contains(0)))
        }
        return try storages.tensor(
            name: name, isParameter: isParameter, scalarType: tensor.scalarType, sizes: sizes, strides: strides,
            offset: offset, storage: storage)
    }

    /// Where the bytes of a raw tensor lie. One without elements may come without a file.
    private func rawRange(
        _ bytes: RawSpan, _ path: String, mayBeMissing: Bool
    ) throws(ExportedProgramError) -> Range<Int> {
        guard let entry = archive[path] else {
            if mayBeMissing { return 0..<0 }
            throw .missingEntry(path)
        }
        if verifiesData { try verify(entry, bytes) } else { try requireStored(entry) }
        return entry.range
    }

    private func requireStored(_ entry: ZipArchive.Entry) throws(ExportedProgramError) {
        do {
            try archive.requireStored(entry)
        } catch {
            throw .zip(error)
        }
    }

    private static func known(_ value: SymbolicValue<Int64>) -> Int? {
        if case .value(let number) = value { Int(number) } else { nil }
    }

    private mutating func pickledTensor(
        _ bytes: RawSpan, _ path: String, _ name: String
    ) throws(ExportedProgramError) -> StoredTensor {
        guard case .tensor(let tensor) = try saved(bytes, entry: path, named: name) else {
            throw .unsupportedTensor(name: name, entry: path, reason: "is not a plain tensor")
        }
        return tensor
    }

    /// What `torch.save` wrote into an entry.
    private mutating func saved(
        _ bytes: RawSpan, entry name: String, named valueName: String
    ) throws(ExportedProgramError) -> StoredValue {
        guard let entry = archive[name] else { throw .missingEntry(name) }
        try requireStored(entry)
        let reader = try TorchSaveReader(
            entry: name, range: entry.range, in: bytes, verifyingData: verifiesData)
        return try reader.value(in: bytes, range: entry.range, named: valueName, storages: &storages)
    }

    private mutating func sampleInputs(_ bytes: RawSpan, entry: String) -> SampleInputs {
        if archive[entry] == nil { return .absent }
        do {
            return .value(try saved(bytes, entry: entry, named: ""))
        } catch {
            return .unreadable(error)
        }
    }

    private mutating func stateDictionary(
        _ bytes: RawSpan, entry: String
    ) throws(ExportedProgramError) -> NamedValues<StoredTensor> {
        guard case .dictionary(let entries) = try saved(bytes, entry: entry, named: "") else {
            throw .field(entry: entry, path: "data.pkl", expected: "a dictionary", found: "something else")
        }
        var pairs: [(String, StoredTensor)] = []
        for item in entries {
            guard case .string(let name) = item.key else { continue }
            if case .tensor(var tensor) = item.value {
                tensor.name = name
                pairs.append((name, tensor))
            } else {
                customObjects.append(name)
            }
        }
        return NamedValues(pairs)
    }

    // MARK: The layout up to PyTorch 2.7

    /// An archive with `serialized_exported_program.json` and everything else pickled.
    mutating func oldLayout(_ bytes: RawSpan) throws(ExportedProgramError) -> ExportedProgramContents {
        let program = try self.program(bytes, entry: "serialized_exported_program.json")
        let weights = try stateDictionary(bytes, entry: "serialized_state_dict.pt")
        let constantsEntry = "serialized_constants.pt"
        let constants =
            archive[constantsEntry] == nil ? NamedValues() : try stateDictionary(bytes, entry: constantsEntry)
        let samples = sampleInputs(bytes, entry: "serialized_example_inputs.pt")
        return ExportedProgramContents(
            modelName: "model", program: program, weights: weights, constants: constants,
            customObjects: customObjects, storages: storages.storages,
            sampleInputs: samples)
    }
}
