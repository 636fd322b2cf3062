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

    /// Reads the bytes. Returns whether they were taken; a value that does not survive its own text is a failure.
    package func read(_ bytes: [UInt8]) -> Outcome {
        let span = bytes.span.bytes
        switch self {
        case .zip:
            guard let archive = try? ZipArchive(span) else { return .refused }
            for entry in archive.entries where (try? archive.verify(entry, in: span)) == nil { return .refused }
            return .taken
        case .json:
            let lenient = JSONReader(takesNonFiniteNumbers: true)
            guard let value = try? lenient.read(span) else { return .refused }
            for text in [value.text, value.prettyText] {
                // Compared as text, since NaN differs from itself.
                guard let again = try? lenient.read(text), again.text == value.text else {
                    return .broken("'\(text)' does not read back")
                }
            }
            return .taken
        case .pickle: return (try? PickleReader().read(span)) == nil ? .refused : .taken
        case .safetensors:
            guard let file = try? SafetensorsFile(span) else { return .refused }
            for tensor in file.tensors where tensor.range.upperBound > bytes.count {
                return .broken("'\(tensor.name)' reaches past the end")
            }
            return .taken
        case .expression:
            guard let text = String(validating: bytes, as: UTF8.self),
                let value = try? SymbolicExpression(parsing: text)
            else { return .refused }
            return (try? SymbolicExpression(parsing: value.description)) == value
                ? .taken : .broken("'\(value)' does not read back")
        case .pt2:
            guard let contents = try? ExportedProgramContents(span) else { return .refused }
            var tensors = (contents.weights.entries + contents.constants.entries).map(\.value)
            if case .value(let value) = contents.sampleInputs {
                for case .tensor(let tensor) in value.leaves { tensors.append(tensor) }
            }
            for tensor in tensors {
                if tensor.elementCount > 1 << 16 { continue }
                let elements = tensor.elements(in: span.extracting(contents.storages[tensor.storage].range))
                if elements.count != tensor.elementCount * (tensor.scalarType.byteCount ?? 0) {
                    return .broken("'\(tensor.name)' has a wrong number of elements")
                }
            }
            return .taken
        }
    }

    /// What became of one input.
    package enum Outcome: Equatable, Sendable {
        /// A valid file.
        case taken
        /// An error was thrown.
        case refused
        /// The reader contradicted itself.
        case broken(String)
    }
}
