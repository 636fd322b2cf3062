/// Why a text is not the JSON it should be. Every case says where.
package enum JSONError: Error, Equatable, CustomStringConvertible {
    /// The text ended inside a value.
    case unexpectedEnd(JSONPosition, expected: String)
    /// A byte that does not belong there.
    case unexpectedByte(JSONPosition, found: UInt8, expected: String)
    /// Something after the value.
    case trailingBytes(JSONPosition)
    /// A control character, unpaired surrogate or unknown escape in a string.
    case badString(JSONPosition, reason: String)
    /// Bytes that are not UTF-8.
    case invalidUTF8(JSONPosition)
    /// A number that JSON does not allow or no 64-bit float can hold.
    case badNumber(JSONPosition, reason: String)
    /// The same name twice in one object.
    case duplicateName(JSONPosition, name: String)
    /// Nested deeper than the reader's limit.
    case tooDeep(JSONPosition, limit: Int)
    /// Longer than the reader's limit.
    case tooLong(bytes: Int, limit: Int)

    /// One line: what and where.
    package var description: String {
        switch self {
        case .unexpectedEnd(let place, let expected): "JSON ends where \(expected) should be, at \(place)"
        case .unexpectedByte(let place, let found, let expected):
            "JSON has \(Self.show(found)) where \(expected) should be, at \(place)"
        case .trailingBytes(let place): "JSON is followed by other text, at \(place)"
        case .badString(let place, let reason): "JSON string with \(reason), at \(place)"
        case .invalidUTF8(let place): "JSON string is not valid UTF-8, at \(place)"
        case .badNumber(let place, let reason): "JSON number \(reason), at \(place)"
        case .duplicateName(let place, let name): "JSON object names '\(Self.shorten(name))' twice, at \(place)"
        case .tooDeep(let place, let limit): "JSON nests deeper than \(limit) levels, at \(place)"
        case .tooLong(let bytes, let limit): "JSON of \(bytes) bytes is over the limit of \(limit) bytes"
        }
    }

    private static func show(_ byte: UInt8) -> String {
        if byte >= 0x20, byte < 0x7F { return "'\(Character(Unicode.Scalar(byte)))'" }
        return "byte \(byte)"
    }

    private static func shorten(_ name: String) -> String {
        var shown = ""
        for scalar in name.unicodeScalars.prefix(60) {
            shown.unicodeScalars.append(scalar.value < 0x20 || scalar.value == 0x7F ? "?" : scalar)
        }
        return name.unicodeScalars.count > 60 ? shown + "…" : shown
    }
}

/// A place in a text.
package struct JSONPosition: Sendable, Equatable, CustomStringConvertible {
    /// Bytes from the start.
    package var offset: Int
    /// Line, from 1.
    package var line: Int
    /// Byte in the line, from 1.
    package var column: Int

    /// A place.
    package init(offset: Int, line: Int, column: Int) {
        self.offset = offset
        self.line = line
        self.column = column
    }

    /// Such as `byte 17 (line 2, column 4)`.
    package var description: String { "byte \(offset) (line \(line), column \(column))" }
}
