/// Why a zip archive cannot be read. Offsets are bytes from the start of the archive.
package enum ZipError: Error, Equatable, CustomStringConvertible {
    /// No end record: not a zip archive, or cut off.
    case noEndRecord(byteCount: Int)
    /// A record has no valid signature or does not fit.
    case badRecord(what: String, offset: Int, byteCount: Int)
    /// The directory says something that cannot be.
    case badDirectory(reason: String, offset: Int)
    /// Spread over several files.
    case multipart
    /// More entries than the limit.
    case tooManyEntries(count: UInt64, limit: Int)
    /// A name that is not UTF-8, empty or holds control characters.
    case badName(offset: Int)
    /// Two entries of one name.
    case duplicateName(name: String)
    /// Two entries claim the same bytes.
    case overlap(first: String, second: String)
    /// The entry's own header disagrees with the directory.
    case headerMismatch(name: String, field: String, offset: Int)
    /// The entry reaches past the end.
    case outOfBounds(name: String, offset: UInt64, length: UInt64, byteCount: Int)
    /// Encrypted entry.
    case encrypted(name: String)
    /// Compressed entry; 8 is deflate.
    case compressed(name: String, method: UInt16)
    /// The bytes do not have the recorded checksum.
    case checksum(name: String, expected: UInt32, found: UInt32)
    /// No entry of that name.
    case missing(name: String)

    /// One line: what, where, what to do.
    package var description: String {
        switch self {
        case .noEndRecord(let count):
            "zip: no end record in \(count) bytes: not a zip archive, or cut off; copy or save the file again"
        case .badRecord(let what, let offset, let count): "zip: bad \(what) at byte \(offset) of \(count)"
        case .badDirectory(let reason, let offset): "zip: \(reason), at byte \(offset)"
        case .multipart: "zip: the archive spans several files; join them first"
        case .tooManyEntries(let count, let limit): "zip: \(count) entries are over the limit of \(limit)"
        case .badName(let offset): "zip: an entry's name is not printable UTF-8, at byte \(offset)"
        case .duplicateName(let name): "zip: two entries are named '\(shown(name))'"
        case .overlap(let first, let second): "zip: entries '\(shown(first))' and '\(shown(second))' overlap"
        case .headerMismatch(let name, let field, let offset):
            "zip: entry '\(shown(name))': \(field) at byte \(offset) differs from the directory's"
        case .outOfBounds(let name, let offset, let length, let count):
            "zip: entry '\(shown(name))' of \(length) bytes at byte \(offset) reaches past the end at \(count)"
        case .encrypted(let name): "zip: entry '\(shown(name))' is encrypted; save it without a password"
        case .compressed(let name, let method):
            "zip: entry '\(shown(name))' is compressed (\(Self.methodName(method))); only stored entries can be mapped: "
                + "repack with 'zip -0' or save with torch.export.save"
        case .checksum(let name, let expected, let found):
            "zip: entry '\(shown(name))' is damaged: CRC-32 is \(hexadecimal(found)), should be \(hexadecimal(expected))"
        case .missing(let name): "zip: no entry '\(shown(name))'"
        }
    }

    private static func methodName(_ method: UInt16) -> String { method == 8 ? "deflate" : "method \(method)" }
}

/// Eight hexadecimal digits.
func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
}

/// A name from a file, made fit for one line of a message: control characters replaced, at most 80 characters.
func shown(_ name: String) -> String {
    var text = ""
    var count = 0
    for scalar in name.unicodeScalars {
        if count == 80 { return text + "…" }
        let isControl = scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) || scalar.value == 0x2028
        text.unicodeScalars.append(isControl || scalar.value == 0x2029 ? "?" : scalar)
        count += 1
    }
    return text
}
