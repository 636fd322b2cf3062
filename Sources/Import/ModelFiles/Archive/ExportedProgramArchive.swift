package import MappedFiles

/// Why a model file cannot be read, with the file's path.
package enum ModelFileError: Error, Equatable, CustomStringConvertible {
    /// The file cannot be opened.
    case file(FileError)
    /// The file is not what it should be.
    case content(path: String, ExportedProgramError)

    /// One line: what, where, what to do.
    package var description: String {
        switch self {
        case .file(let error): error.description
        case .content(let path, .otherKind(let kind)): "\(path) \(kind.advice)"
        case .content(let path, let error): "\(path): \(error)"
        }
    }
}

/// An exported program on disk: its decoded contents over a mapping that gives the bytes of weights.
package struct ExportedProgramArchive: ~Copyable, Sendable {
    private let file: MappedFile
    /// Program, tensors and where their bytes lie.
    package let contents: ExportedProgramContents

    /// Opens and reads an archive of `torch.export.save`.
    ///
    /// - Parameters:
    ///   - model: which program to read, when the archive holds several.
    ///   - verifyingData: whether to check the CRC-32 of weights and constants too, which reads every byte once.
    package init(path: String, model: String? = nil, verifyingData: Bool = true) throws(ModelFileError) {
        let mapping = try Self.map(path)
        contents = try Self.read(mapping, model: model, verifyingData: verifyingData)
        file = mapping
    }

    private static func map(_ path: String) throws(ModelFileError) -> MappedFile {
        do {
            return try MappedFile(path: path)
        } catch {
            throw .file(error)
        }
    }

    private static func read(
        _ file: borrowing MappedFile, model: String?, verifyingData: Bool
    ) throws(ModelFileError) -> ExportedProgramContents {
        do {
            return try file.withBytes { (bytes) throws(ExportedProgramError) in
                try ExportedProgramContents(bytes, model: model, verifyingData: verifyingData)
            }
        } catch {
            throw .content(path: file.path, error)
        }
    }

    /// Path it was opened by.
    package var path: String { file.path }

    /// Length of the file in bytes.
    package var byteCount: Int { file.count }

    /// The program.
    package var program: ExportedProgram { contents.program }

    /// The parameter, buffer or constant of a name: weights first, then constants.
    package func tensor(named name: String) -> StoredTensor? { contents.weights[name] ?? contents.constants[name] }

    /// Gives the bytes of a storage to `body`; they must not leave it.
    package borrowing func withStorage<Result: ~Copyable, Failure: Error>(
        _ storage: Int, _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let range = contents.storages[storage].range
        return try file.withBytes { (bytes) throws(Failure) in try body(bytes.extracting(range)) }
    }

    /// A tensor's elements, row-major without gaps, little-endian.
    package borrowing func elements(of tensor: StoredTensor) -> [UInt8] {
        withStorage(tensor.storage) { tensor.elements(in: $0) }
    }
}
