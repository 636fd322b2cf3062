/// Reads JSON text strictly: RFC 8259, no comments, no trailing commas, no repeated names, UTF-8 checked, nothing after
/// the value.
package struct JSONReader: Sendable {
    /// Deepest nesting of lists and objects. The reader recurses, so this bounds its stack.
    package var depthLimit: Int
    /// Longest text, in bytes.
    package var byteLimit: Int
    /// Whether the bare words `NaN`, `Infinity` and `-Infinity` are numbers, as Python's `json` writes them.
    package var takesNonFiniteNumbers: Bool

    /// A reader; the limits fit every file that this project reads.
    package init(depthLimit: Int = 128, byteLimit: Int = 1 << 31, takesNonFiniteNumbers: Bool = false) {
        self.depthLimit = depthLimit
        self.byteLimit = byteLimit
        self.takesNonFiniteNumbers = takesNonFiniteNumbers
    }

    /// The value that the text spells. Linear in its length.
    package func read(_ text: RawSpan) throws(JSONError) -> JSONValue {
        if text.byteCount > byteLimit { throw .tooLong(bytes: text.byteCount, limit: byteLimit) }
        // Safety: the parser lives only inside this closure, and reads through `CheckedBytes`, which checks every index.
        let result = text.withUnsafeBytes { buffer -> Result<JSONValue, JSONError> in
            var parser = JSONParser(bytes: CheckedBytes(buffer), options: self)
            do throws(JSONError) {
                return .success(try parser.document())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// The value that the text spells.
    package func read(_ text: String) throws(JSONError) -> JSONValue {
        try read(Array(text.utf8))
    }

    /// The value that the bytes spell.
    package func read(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
        try read(bytes.span.bytes)
    }
}

/// Bytes whose every access is checked, in release builds too.
struct CheckedBytes {
    private let buffer: UnsafeRawBufferPointer

    /// Bytes that outlive this value.
    init(_ buffer: UnsafeRawBufferPointer) {
        self.buffer = buffer
    }

    /// Number of bytes.
    var count: Int { buffer.count }

    /// The byte at a place, or `nil` past the end.
    subscript(place: Int) -> UInt8? {
        // Safety: the index was just found to lie inside the buffer.
        place >= 0 && place < buffer.count ? buffer[place] : nil
    }

    /// A part as text if it is valid UTF-8; the range must lie inside.
    func text(_ range: Range<Int>) -> String? {
        precondition(range.lowerBound >= 0 && range.upperBound <= buffer.count)
        return String(validating: buffer[range], as: UTF8.self)
    }

    /// Line and column of a byte.
    func position(_ offset: Int) -> JSONPosition {
        var line = 1
        var lineStart = 0
        for place in 0..<min(offset, buffer.count) where buffer[place] == UInt8(ascii: "\n") {
            line += 1
            lineStart = place + 1
        }
        return JSONPosition(offset: offset, line: line, column: offset - lineStart + 1)
    }
}
