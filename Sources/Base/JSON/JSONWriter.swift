extension JSONValue {
    /// The value on one line, members in their order; the same value always gives the same text.
    package var text: String { JSONWriter.write(self, indent: nil) }

    /// The value over several lines, two spaces a level, with a newline at the end.
    package var prettyText: String { JSONWriter.write(self, indent: 2) + "\n" }
}

/// Writes JSON text.
package enum JSONWriter {
    /// Text of a value; `indent` is spaces a level, or `nil` for one line.
    ///
    /// Real numbers are printed with the fewest digits that read back to the same number. NaN and infinities are the bare
    /// words that Python writes; a strict reader rejects them.
    package static func write(_ value: JSONValue, indent: Int?) -> String {
        var bytes: [UInt8] = []
        append(value, indent: indent, level: 0, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func append(_ value: JSONValue, indent: Int?, level: Int, to bytes: inout [UInt8]) {
        switch value {
        case .null: bytes += "null".utf8
        case .bool(let flag): bytes += (flag ? "true" : "false").utf8
        case .integer(let number): bytes += String(number).utf8
        case .number(let number): bytes += text(of: number).utf8
        case .string(let string): append(string, to: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (place, element) in elements.enumerated() {
                separate(first: place == 0, indent: indent, level: level + 1, to: &bytes)
                append(element, indent: indent, level: level + 1, to: &bytes)
            }
            if !elements.isEmpty { breakLine(indent: indent, level: level, to: &bytes) }
            bytes.append(UInt8(ascii: "]"))
        case .object(let object):
            bytes.append(UInt8(ascii: "{"))
            for (place, member) in object.members.enumerated() {
                separate(first: place == 0, indent: indent, level: level + 1, to: &bytes)
                append(member.name, to: &bytes)
                bytes += (indent == nil ? ":" : ": ").utf8
                append(member.value, indent: indent, level: level + 1, to: &bytes)
            }
            if !object.members.isEmpty { breakLine(indent: indent, level: level, to: &bytes) }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func separate(first: Bool, indent: Int?, level: Int, to bytes: inout [UInt8]) {
        if !first { bytes.append(UInt8(ascii: ",")) }
        breakLine(indent: indent, level: level, to: &bytes)
    }

    private static func breakLine(indent: Int?, level: Int, to bytes: inout [UInt8]) {
        guard let indent else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes += repeatElement(UInt8(ascii: " "), count: indent * level)
    }

    private static func text(of number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
        return number.description
    }

    private static func append(_ string: String, to bytes: inout [UInt8]) {
        let hex: StaticString = "0123456789abcdef"
        bytes.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""): bytes += "\\\"".utf8
            case UInt8(ascii: "\\"): bytes += "\\\\".utf8
            case 0x0A: bytes += "\\n".utf8
            case 0x0D: bytes += "\\r".utf8
            case 0x09: bytes += "\\t".utf8
            case 0..<0x20, 0x7F:
                bytes += "\\u00".utf8
                bytes.append(hex.utf8Start[Int(byte >> 4)])
                bytes.append(hex.utf8Start[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
