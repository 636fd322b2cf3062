internal import JSON
internal import ModelFiles
internal import Safetensors

/// The readers of files from outside, each to be given any bytes whatever: they must answer or throw, never trap.
package enum FuzzedReader: String, CaseIterable, Sendable {
    /// The zip directory and the checksums of its entries.
    case zip
    /// JSON text; what is read must survive being written and read again.
    case json
    /// Pickles.
    case pickle
    /// Safetensors headers.
    case safetensors
    /// Shape expressions; what is read must survive being printed and read again.
    case expression
    /// Whole exported programs, with the elements of their tensors.
    case pt2

    /// What became of one input.
    package enum Outcome: Equatable, Sendable {
        /// A valid file.
        case taken
        /// The reader threw; its message.
        case refused(String)
        /// The reader contradicted itself; how.
        case broken(String)
    }

    /// Reads the bytes and checks what the reader made of them.
    package func read(_ bytes: [UInt8]) -> Outcome {
        do {
            return try contradiction(bytes).map(Outcome.broken) ?? .taken
        } catch {
            return .refused("\(error)")
        }
    }

    /// What is wrong with a value that the reader gave, if anything.
    private func contradiction(_ bytes: [UInt8]) throws -> String? {
        let span = bytes.span.bytes
        switch self {
        case .zip:
            let archive = try ZipArchive(span)
            for entry in archive.entries { try archive.verify(entry, in: span) }
            return nil
        case .json:
            let lenient = JSONReader(takesNonFiniteNumbers: true)
            let value = try lenient.read(span)
            for text in [value.text, value.prettyText] {
                // Compared as text, since NaN differs from itself.
                let again = try? lenient.read(text)
                if again?.text != value.text { return "'\(text)' does not read back" }
            }
            return nil
        case .pickle:
            _ = try PickleReader().read(span)
            return nil
        case .safetensors:
            let file = try SafetensorsFile(span)
            let outside = file.tensors.first { $0.range.upperBound > bytes.count }
            return outside.map { "'\($0.name)' reaches past the end" }
        case .expression:
            let value = try SymbolicExpression(parsing: String(decoding: bytes, as: UTF8.self))
            let again = try? SymbolicExpression(parsing: value.description)
            return again == value ? nil : "'\(value)' does not read back"
        case .pt2: return Self.contradiction(try ExportedProgramContents(span), span)
        }
    }

    /// Gathers the elements of every tensor that is not huge.
    private static func contradiction(_ contents: ExportedProgramContents, _ bytes: RawSpan) -> String? {
        var tensors = (contents.weights.entries + contents.constants.entries).map(\.value)
        if case .value(let value) = contents.sampleInputs {
            for case .tensor(let tensor) in value.leaves { tensors.append(tensor) }
        }
        for tensor in tensors where tensor.elementCount <= 1 << 16 {
            let elements = tensor.elements(in: bytes.extracting(contents.storages[tensor.storage].range))
            if elements.count != tensor.elementCount * (tensor.scalarType.byteCount ?? 0) {
                return "'\(tensor.name)' has a wrong number of elements"
            }
        }
        return nil
    }
}
