/// The directory of a zip archive whose entries are stored without compression, so that they can be used where they lie.
///
/// Follows PKWARE's APPNOTE 6.3.10, zip64 included. The directory at the end is the authority; each entry's own header is
/// checked against it. No two entries may share bytes. This value holds no bytes: every access takes the span that it was
/// read from.
package struct ZipArchive: Sendable, Equatable {
    /// One file of the archive.
    package struct Entry: Sendable, Equatable {
        /// Path inside the archive.
        package var name: String
        /// Its bytes, from the start of the archive. For a compressed entry, the compressed bytes.
        package var range: Range<Int>
        /// CRC-32 of the contents, as recorded.
        package var checksum: UInt32
        /// 0 is stored.
        package var method: UInt16
    }

    /// Most entries that an archive may have.
    package static let entryLimit = 1 << 20

    /// Entries in directory order.
    package let entries: [Entry]
    private let places: [String: Int]

    /// Reads the directory and checks every entry's place; contents are checked by `contents(of:in:)`.
    package init(_ bytes: RawSpan) throws(ZipError) {
        let end = try ZipEndRecord(bytes)
        var reader = ZipDirectoryReader(directory: end)
        var entries: [Entry] = []
        var extents: [(start: Int, end: Int, entry: Int)] = []
        var places: [String: Int] = [:]
        // The count was checked against the directory's size, so these reservations are backed by real bytes.
        entries.reserveCapacity(end.entryCount)
        places.reserveCapacity(end.entryCount)
        for index in 0..<end.entryCount {
            let (entry, start) = try reader.next(bytes)
            if places.updateValue(index, forKey: entry.name) != nil { throw .duplicateName(name: entry.name) }
            extents.append((start, entry.range.upperBound, index))
            entries.append(entry)
        }
        try reader.finish()
        extents.sort { ($0.start, $0.end) < ($1.start, $1.end) }
        for (first, second) in zip(extents, extents.dropFirst()) where first.end > second.start {
            throw .overlap(first: entries[first.entry].name, second: entries[second.entry].name)
        }
        self.entries = entries
        self.places = places
    }

    /// The entry of a name.
    package subscript(name: String) -> Entry? { places[name].map { entries[$0] } }

    /// Checks that an entry is stored and has its recorded checksum, and gives its bytes to `body`.
    ///
    /// `bytes` is the span that the archive was read from. Linear in the entry's size.
    package func withContents<Result>(
        of entry: Entry, in bytes: RawSpan, _ body: (RawSpan) -> Result
    ) throws(ZipError) -> Result {
        try verify(entry, in: bytes)
        return body(bytes.extracting(entry.range))
    }

    /// Checks that an entry is stored and has its recorded checksum. Linear in the entry's size.
    package func verify(_ entry: Entry, in bytes: RawSpan) throws(ZipError) {
        try requireStored(entry)
        let found = CRC32.checksum(bytes.extracting(entry.range))
        if found != entry.checksum { throw .checksum(name: entry.name, expected: entry.checksum, found: found) }
    }

    /// Checks that an entry is not compressed.
    package func requireStored(_ entry: Entry) throws(ZipError) {
        if entry.method != 0 { throw .compressed(name: entry.name, method: entry.method) }
    }
}
