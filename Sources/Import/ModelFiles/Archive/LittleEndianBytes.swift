/// Checked little-endian reads.
extension RawSpan {
    /// The integer at a byte offset, or `nil` if it does not fit.
    func integer<Integer: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as type: Integer.Type) -> Integer? {
        let size = MemoryLayout<Integer>.size
        guard offset >= 0, byteCount >= size, offset <= byteCount - size else { return nil }
        // Safety: the bounds were just checked, and every bit pattern is an integer.
        return Integer(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: Integer.self))
    }

    /// The bytes of a range as text, or `nil` if they do not fit or are not UTF-8.
    func text(_ range: Range<Int>) -> String? {
        guard range.lowerBound >= 0, range.upperBound <= byteCount else { return nil }
        // Safety: the range was just checked.
        return withUnsafeBytes { String(validating: $0[range], as: UTF8.self) }
    }

    /// Whether the bytes at an offset are these.
    func starts(with bytes: StaticString, at offset: Int = 0) -> Bool {
        let size = bytes.utf8CodeUnitCount
        guard offset >= 0, byteCount >= size, offset <= byteCount - size else { return false }
        // Safety: both ranges were just checked.
        return withUnsafeBytes { data in
            (0..<size).allSatisfy { data[offset + $0] == bytes.utf8Start[$0] }
        }
    }
}
