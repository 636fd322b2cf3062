package import JSON

/// Why a safetensors file cannot be read or laid out.
package enum SafetensorsError: Error, Equatable, CustomStringConvertible {
    /// Shorter than the eight bytes of the header's length.
    case tooShort(byteCount: Int)
    /// The header's length cannot be.
    case badHeaderLength(length: UInt64, byteCount: Int)
    /// The header is not JSON.
    case header(JSONError)
    /// A field of the header is missing or of another kind.
    case badField(tensor: String, field: String, expected: String)
    /// An element type that the format does not have.
    case unknownType(tensor: String, type: String)
    /// Dimensions whose product does not fit.
    case tooLarge(tensor: String)
    /// The tensor's range is not as long as its shape and type ask.
    case wrongLength(tensor: String, expected: Int, found: Int)
    /// The tensor's range reaches past the end of the file.
    case outOfBounds(tensor: String, end: Int, dataByteCount: Int)
    /// The tensor does not start where the one before it ends.
    case hole(tensor: String, expected: Int, found: Int)
    /// Bytes after the last tensor.
    case trailing(byteCount: Int)
    /// Two tensors of one name, or a name that the format reserves.
    case badName(name: String)

    /// One line: what, where, what to do.
    package var description: String {
        switch self {
        case .tooShort(let count): "safetensors: \(count) bytes are too short for a header; copy the file again"
        case .badHeaderLength(let length, let count):
            "safetensors: a header of \(length) bytes does not fit a file of \(count); "
                + "not a safetensors file, or cut off"
        case .header(let error): "safetensors header: \(error)"
        case .badField(let tensor, let field, let expected):
            "safetensors: '\(Self.shown(tensor))': \(field) should be \(expected)"
        case .unknownType(let tensor, let type):
            "safetensors: '\(Self.shown(tensor))' has unknown element type '\(Self.shown(type))'"
        case .tooLarge(let tensor): "safetensors: '\(Self.shown(tensor))' has more elements than a file can hold"
        case .wrongLength(let tensor, let expected, let found):
            "safetensors: '\(Self.shown(tensor))' has \(found) bytes, its shape and type ask for \(expected)"
        case .outOfBounds(let tensor, let end, let count):
            "safetensors: '\(Self.shown(tensor))' ends at byte \(end) of \(count); the file is cut off: copy it again"
        case .hole(let tensor, let expected, let found):
            "safetensors: '\(Self.shown(tensor))' starts at byte \(found) of the data, should be \(expected)"
        case .trailing(let count): "safetensors: \(count) bytes after the last tensor"
        case .badName(let name): "safetensors: the name '\(Self.shown(name))' is taken twice or reserved"
        }
    }

    private static func shown(_ name: String) -> String {
        var text = ""
        for scalar in name.unicodeScalars.prefix(80) {
            text.unicodeScalars.append(scalar.value < 0x20 || scalar.value == 0x7F ? "?" : scalar)
        }
        return name.unicodeScalars.count > 80 ? text + "…" : text
    }
}
