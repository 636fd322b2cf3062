internal import ModelFiles

/// Writes zip archives of stored entries, as test input.
package enum StoredZip {
    /// An archive of these files, in order.
    package static func encode(_ files: [(name: String, content: [UInt8])]) -> [UInt8] {
        var bytes: [UInt8] = []
        var directory: [UInt8] = []
        for (name, content) in files {
            let checksum = CRC32.checksum(content.span.bytes)
            // Version, flags, method, time and date; then checksum, sizes and lengths: the same in both headers.
            let common =
                little(20, 2) + little(0, 2) + little(0, 2) + little(0, 4) + little(UInt64(checksum), 4)
                + little(UInt64(content.count), 4) + little(UInt64(content.count), 4)
                + little(UInt64(name.utf8.count), 2) + little(0, 2)
            directory += Array("PK\u{01}\u{02}".utf8) + little(20, 2) + common
            directory += little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4) + little(UInt64(bytes.count), 4)
            directory += Array(name.utf8)
            bytes += Array("PK\u{03}\u{04}".utf8) + common + Array(name.utf8) + content
        }
        let start = bytes.count
        bytes += directory
        bytes += Array("PK\u{05}\u{06}".utf8) + little(0, 2) + little(0, 2)
        bytes += little(UInt64(files.count), 2) + little(UInt64(files.count), 2)
        bytes += little(UInt64(directory.count), 4) + little(UInt64(start), 4) + little(0, 2)
        return bytes
    }

    /// The files of an archive whose entries are all stored; `nil` if it is none.
    package static func decode(_ bytes: [UInt8]) -> [(name: String, content: [UInt8])]? {
        guard let archive = try? ZipArchive(bytes.span.bytes) else { return nil }
        return archive.entries.map { ($0.name, Array(bytes[$0.range])) }
    }

    private static func little(_ value: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
    }
}
