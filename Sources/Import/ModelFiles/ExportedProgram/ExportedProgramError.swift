package import JSON

/// Why a file is not an exported program that this reader knows. `entry` is a file inside the archive.
package enum ExportedProgramError: Error, Equatable, CustomStringConvertible {
    /// The file is something else; the kind says what and how to get an exported program from it.
    case otherKind(ModelFileKind)
    /// The archive is damaged.
    case zip(ZipError)
    /// An entry is not JSON.
    case json(entry: String, JSONError)
    /// A pickled entry cannot be read.
    case pickle(entry: String, PickleError)
    /// An archive inside the archive is damaged.
    case innerZip(entry: String, ZipError)
    /// The archive lacks a file that it must have.
    case missingEntry(String)
    /// A one-line file of the archive says something that is not known.
    case marker(entry: String, expected: String, found: String)
    /// The schema's major version is not 8.
    case schemaVersion(major: Int, minor: Int, torchVersion: String)
    /// Several programs, and none was chosen.
    case severalModels([String])
    /// No program of that name.
    case noSuchModel(String, available: [String])
    /// A field is missing or of another kind.
    case field(entry: String, path: String, expected: String, found: String)
    /// A shape expression that is not understood.
    case expression(entry: String, path: String, SymbolicExpressionError)
    /// A tensor's sizes, strides and offset reach past the bytes that are there.
    case tensorOutOfBounds(name: String, entry: String, needed: Int, byteCount: Int)
    /// A tensor's dimensions multiply to more than any memory.
    case tensorTooLarge(name: String, entry: String)
    /// A stored tensor that is not a plain strided one.
    case unsupportedTensor(name: String, entry: String, reason: String)

    /// One line: what, where, what to do.
    package var description: String {
        switch self {
        case .otherKind(let kind): kind.advice
        case .zip(let error): error.description
        case .json(let entry, let error): "\(shown(entry)): \(error)"
        case .pickle(let entry, let error): "\(shown(entry)): \(error)"
        case .innerZip(let entry, let error): "\(shown(entry)): \(error)"
        case .missingEntry(let name):
            "the archive has no '\(shown(name))': it is incomplete; save it again with torch.export.save"
        case .marker(let entry, let expected, let found):
            "\(shown(entry)) says '\(shown(found))', should be '\(expected)'; save it again with torch.export.save"
        case .schemaVersion(let major, let minor, let version):
            "schema \(major).\(minor), written by PyTorch \(shown(version)), is not known (8.x is): "
                + "export and save again with PyTorch 2.7 or newer"
        case .severalModels(let names):
            "holds several models (\(names.prefix(8).map(shown).joined(separator: ", "))): name the one to read"
        case .noSuchModel(let name, let available):
            "holds no model '\(shown(name))', only \(available.prefix(8).map(shown).joined(separator: ", "))"
        case .field(let entry, let path, let expected, let found):
            "\(shown(entry)): \(path) should be \(expected), is \(shown(found))"
        case .expression(let entry, let path, let error): "\(shown(entry)): \(path): \(error)"
        case .tensorOutOfBounds(let name, let entry, let needed, let count):
            "tensor '\(shown(name))' needs \(needed) bytes of \(shown(entry)), which has \(count); save the file again"
        case .tensorTooLarge(let name, let entry):
            "\(shown(entry)): tensor '\(shown(name))' has more elements than any memory holds"
        case .unsupportedTensor(let name, let entry, let reason):
            "\(shown(entry)): tensor '\(shown(name))' \(reason)"
        }
    }
}
