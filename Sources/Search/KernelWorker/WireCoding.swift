/// Writes values into the payload of a frame: integers as 8 little-endian bytes, texts and lists after their count.
package struct WireWriter {
    /// What was written.
    package private(set) var bytes: [UInt8] = []

    /// An empty payload.
    package init() {}

    /// Writes an integer.
    package mutating func put(_ value: Int) { put(UInt64(bitPattern: Int64(value))) }
    /// Writes 64 bits.
    package mutating func put(_ value: UInt64) { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
    /// Writes a text.
    package mutating func put(_ text: String) {
        put(text.utf8.count)
        bytes += text.utf8
    }
    /// Writes a list.
    package mutating func put<Element>(_ list: [Element], _ body: (inout WireWriter, Element) -> Void) {
        put(list.count)
        for element in list { body(&self, element) }
    }
}

/// A payload that is not what its tag promises.
package struct WireError: Error, Hashable, CustomStringConvertible {
    /// Byte at which reading stopped.
    package var offset: Int
    package var expected: String

    /// Makes an error.
    package init(offset: Int, expected: String) {
        self.offset = offset
        self.expected = expected
    }

    /// One line: what and where.
    package var description: String { "message lacks \(expected) at byte \(offset)" }
}

/// Reads what `WireWriter` wrote; every read is checked.
package struct WireReader {
    private let bytes: [UInt8]
    private var offset = 0

    /// A payload.
    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Reads 64 bits.
    package mutating func bits() throws(WireError) -> UInt64 {
        guard bytes.count - offset >= 8 else { throw WireError(offset: offset, expected: "an integer") }
        defer { offset += 8 }
        return (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
    }

    /// Reads an integer.
    package mutating func integer() throws(WireError) -> Int { Int(Int64(bitPattern: try bits())) }

    /// Reads a text.
    package mutating func text() throws(WireError) -> String {
        let count = try integer()
        guard count >= 0, count <= bytes.count - offset else { throw WireError(offset: offset, expected: "a text") }
        defer { offset += count }
        return String(decoding: bytes[offset..<offset + count], as: UTF8.self)
    }

    /// Reads a list.
    package mutating func list<Element>(
        _ body: (inout WireReader) throws(WireError) -> Element
    ) throws(WireError) -> [Element] {
        let count = try integer()
        guard count >= 0, count <= bytes.count - offset else { throw WireError(offset: offset, expected: "a list") }
        var list: [Element] = []
        for _ in 0..<count { list.append(try body(&self)) }
        return list
    }

    /// Whether everything was read: messages of earlier versions end where later ones go on.
    package var isAtEnd: Bool { offset == bytes.count }

    /// Throws unless everything was read.
    package func finish() throws(WireError) {
        if !isAtEnd { throw WireError(offset: offset, expected: "an end") }
    }
}
