internal import JSON

/// Everything that an exported program's archive says, as plain values; bytes stay where they are.
package struct ExportedProgramContents: Sendable, Equatable {
    /// Name of the program in the archive, `model` unless it was saved otherwise.
    package let modelName: String
    /// The program.
    package let program: ExportedProgram
    /// Parameters and persistent buffers, by dotted name.
    package let weights: NamedValues<StoredTensor>
    /// Lifted constants and buffers that are not persistent, by name.
    package let constants: NamedValues<StoredTensor>
    /// Constants that are Python or script objects rather than tensors.
    package let customObjects: [String]
    /// Bytes that tensors lie in. Ranges count from the start of the file; those of raw weights start at multiples of 64.
    package let storages: [TensorStorage]
    /// Inputs at export.
    package let sampleInputs: SampleInputs
    /// Values of the constants that are one whole number, by name: what loops are counted with.
    package private(set) var wholeNumbers: [String: Int] = [:]

    /// Reads a whole file.
    ///
    /// - Parameters:
    ///   - model: which program to read, when the archive holds several.
    ///   - verifyingData: whether to check the CRC-32 of weights and constants too, which reads every byte once.
    package init(
        _ bytes: RawSpan, model: String? = nil, verifyingData: Bool = true
    ) throws(ExportedProgramError) {
        guard bytes.starts(with: "PK\u{03}\u{04}") || bytes.starts(with: "PK\u{05}\u{06}") else {
            throw .otherKind(ModelFileKind(leadingBytes: bytes))
        }
        let archive: ZipArchive
        do {
            archive = try ZipArchive(bytes)
        } catch {
            throw .zip(error)
        }
        var reader = ExportedProgramReader(archive: archive, verifiesData: verifyingData)
        if archive["serialized_exported_program.json"] != nil {
            self = try reader.oldLayout(bytes)
        } else {
            self = try reader.layout(bytes, model: model)
        }
        for entry in constants.entries where entry.value.elementCount == 1 {
            let tensor = entry.value
            let element = tensor.elements(in: bytes.extracting(storages[tensor.storage].range))
            switch tensor.scalarType {
            case .int64, .int32:
                let isNegative = (element.last ?? 0) >= 0x80
                wholeNumbers[entry.name] = element.reversed().reduce(isNegative ? -1 : 0) { $0 << 8 | Int($1) }
            default: break  // Nothing is counted with other types.
            }
        }
    }

    /// The contents from their parts.
    package init(
        modelName: String, program: ExportedProgram, weights: NamedValues<StoredTensor>,
        constants: NamedValues<StoredTensor>, customObjects: [String], storages: [TensorStorage],
        sampleInputs: SampleInputs
    ) {
        self.modelName = modelName
        self.program = program
        self.weights = weights
        self.constants = constants
        self.customObjects = customObjects
        self.storages = storages
        self.sampleInputs = sampleInputs
    }
}
