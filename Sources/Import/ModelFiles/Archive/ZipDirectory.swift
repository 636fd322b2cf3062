/// Where the directory lies, from the record at the end of the archive.
struct ZipEndRecord {
    /// Start of the directory.
    var start: Int
    /// End of the directory.
    var end: Int
    /// Number of entries.
    var entryCount: Int

    private static let size = 22
    private static let locatorSize = 20
    private static let recordSize64 = 56
    /// Bytes of a directory entry before its name.
    static let entrySize = 46

    /// Finds the end record, and the zip64 one before it where there is one.
    init(_ bytes: RawSpan) throws(ZipError) {
        let count = bytes.byteCount
        guard let record = Self.find(bytes) else { throw .noEndRecord(byteCount: count) }
        var entries = UInt64(bytes.integer(record + 10, as: UInt16.self) ?? 0)
        var size = UInt64(bytes.integer(record + 12, as: UInt32.self) ?? 0)
        var offset = UInt64(bytes.integer(record + 16, as: UInt32.self) ?? 0)
        let disk = bytes.integer(record + 4, as: UInt16.self)
        let startDisk = bytes.integer(record + 6, as: UInt16.self)
        let entriesHere = bytes.integer(record + 8, as: UInt16.self)
        var limit = record
        let locator = record - Self.locatorSize
        if bytes.starts(with: "PK\u{06}\u{07}", at: locator) {
            let place = bytes.integer(locator + 8, as: UInt64.self) ?? .max
            guard let at = Int(exactly: place), at <= locator - Self.recordSize64,
                bytes.starts(with: "PK\u{06}\u{06}", at: at)
            else { throw .badRecord(what: "zip64 end record", offset: locator, byteCount: count) }
            if bytes.integer(locator + 16, as: UInt32.self) != 1 { throw .multipart }
            if bytes.integer(at + 16, as: UInt32.self) != 0 || bytes.integer(at + 20, as: UInt32.self) != 0 {
                throw .multipart
            }
            entries = bytes.integer(at + 32, as: UInt64.self) ?? 0
            size = bytes.integer(at + 40, as: UInt64.self) ?? 0
            offset = bytes.integer(at + 48, as: UInt64.self) ?? 0
            limit = at
        } else {
            if disk != 0 || startDisk != 0 || entriesHere.map(UInt64.init) != entries { throw .multipart }
        }
        if entries > UInt64(ZipArchive.entryLimit) {
            throw .tooManyEntries(count: entries, limit: ZipArchive.entryLimit)
        }
        let (end, overflowed) = offset.addingReportingOverflow(size)
        guard !overflowed, end <= UInt64(limit) else {
            throw .badDirectory(
                reason: "the directory of \(size) bytes at byte \(offset) reaches past its end record", offset: record)
        }
        guard entries <= size / UInt64(Self.entrySize) else {
            throw .badDirectory(reason: "\(entries) entries do not fit a directory of \(size) bytes", offset: record)
        }
        self.start = Int(offset)
        self.end = Int(end)
        self.entryCount = Int(entries)
    }

    /// The last place where an end record with a comment that reaches exactly to the end can be.
    private static func find(_ bytes: RawSpan) -> Int? {
        var place = bytes.byteCount - size
        let lowest = max(0, place - 0xFFFF)
        while place >= lowest {
            if bytes.starts(with: "PK\u{05}\u{06}", at: place),
                let comment = bytes.integer(place + 20, as: UInt16.self),
                place + size + Int(comment) == bytes.byteCount
            {
                return place
            }
            place -= 1
        }
        return nil
    }
}

/// Walks the directory.
struct ZipDirectoryReader {
    private let directory: ZipEndRecord
    private var place: Int

    init(directory: ZipEndRecord) {
        self.directory = directory
        self.place = directory.start
    }

    /// The next entry, with where its own header starts.
    mutating func next(_ bytes: RawSpan) throws(ZipError) -> (entry: ZipArchive.Entry, start: Int) {
        let at = place
        guard at <= directory.end - ZipEndRecord.entrySize, bytes.starts(with: "PK\u{01}\u{02}", at: at),
            let flags = bytes.integer(at + 8, as: UInt16.self), let method = bytes.integer(at + 10, as: UInt16.self),
            let checksum = bytes.integer(at + 16, as: UInt32.self),
            let stored = bytes.integer(at + 20, as: UInt32.self),
            let size = bytes.integer(at + 24, as: UInt32.self),
            let nameLength = bytes.integer(at + 28, as: UInt16.self),
            let extraLength = bytes.integer(at + 30, as: UInt16.self),
            let commentLength = bytes.integer(at + 32, as: UInt16.self),
            let disk = bytes.integer(at + 34, as: UInt16.self), let header = bytes.integer(at + 42, as: UInt32.self)
        else { throw .badRecord(what: "directory entry", offset: at, byteCount: bytes.byteCount) }
        let nameStart = at + ZipEndRecord.entrySize
        let extraStart = nameStart + Int(nameLength)
        let next = extraStart + Int(extraLength) + Int(commentLength)
        guard next <= directory.end else {
            throw .badRecord(what: "directory entry", offset: at, byteCount: bytes.byteCount)
        }
        guard let name = bytes.text(nameStart..<extraStart), !name.isEmpty,
            name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else { throw .badName(offset: nameStart) }
        var fields = Fields(
            stored: UInt64(stored), size: UInt64(size), header: UInt64(header), disk: UInt32(disk))
        try fields.widen(bytes, extra: extraStart..<extraStart + Int(extraLength), name: name)
        if fields.disk != 0 { throw .multipart }
        if flags & 1 != 0 { throw .encrypted(name: name) }
        let range = try dataRange(bytes, fields, name: name, directoryName: nameStart..<extraStart, method: method)
        place = next
        return (
            ZipArchive.Entry(name: name, range: range, checksum: checksum, method: method), Int(fields.header)
        )
    }

    /// Checks that the directory ended with its last entry.
    func finish() throws(ZipError) {
        if place != directory.end {
            throw .badDirectory(
                reason: "\(directory.end - place) bytes after the directory's last entry", offset: place)
        }
    }

    /// Checks the entry's own header and finds its data behind it.
    private func dataRange(
        _ bytes: RawSpan, _ fields: Fields, name: String, directoryName: Range<Int>, method: UInt16
    ) throws(ZipError) -> Range<Int> {
        let limit = directory.start
        let outOfBounds = ZipError.outOfBounds(
            name: name, offset: fields.header, length: fields.stored, byteCount: limit)
        guard let header = Int(exactly: fields.header), header <= limit - 30 else { throw outOfBounds }
        guard bytes.starts(with: "PK\u{03}\u{04}", at: header) else {
            throw .headerMismatch(name: name, field: "the header's signature", offset: header)
        }
        let nameLength = Int(bytes.integer(header + 26, as: UInt16.self) ?? 0)
        let extraLength = Int(bytes.integer(header + 28, as: UInt16.self) ?? 0)
        let nameStart = header + 30
        guard nameStart + nameLength + extraLength <= limit else { throw outOfBounds }
        guard nameLength == directoryName.count, bytes.text(nameStart..<nameStart + nameLength) == name else {
            throw .headerMismatch(name: name, field: "the name", offset: nameStart)
        }
        if bytes.integer(header + 8, as: UInt16.self) != method {
            throw .headerMismatch(name: name, field: "the compression method", offset: header + 8)
        }
        let start = nameStart + nameLength + extraLength
        guard fields.stored <= UInt64(limit - start) else { throw outOfBounds }
        if method == 0, fields.stored != fields.size {
            throw .badDirectory(
                reason: "entry '\(shown(name))' is stored in \(fields.stored) bytes but holds \(fields.size)",
                offset: directoryName.lowerBound - ZipEndRecord.entrySize)
        }
        return start..<start + Int(fields.stored)
    }

    /// What zip64 may widen.
    private struct Fields {
        var stored: UInt64
        var size: UInt64
        var header: UInt64
        var disk: UInt32

        /// Takes the wide values for those fields that say that theirs do not fit.
        mutating func widen(_ bytes: RawSpan, extra: Range<Int>, name: String) throws(ZipError) {
            let narrow = UInt64(UInt32.max)
            guard size == narrow || stored == narrow || header == narrow || disk == 0xFFFF else { return }
            var place = extra.lowerBound
            while place <= extra.upperBound - 4 {
                let id = bytes.integer(place, as: UInt16.self)
                let end = place + 4 + Int(bytes.integer(place + 2, as: UInt16.self) ?? 0)
                guard end <= extra.upperBound else { break }
                if id == 1 {
                    var at = place + 4
                    let missing = ZipError.badRecord(what: "zip64 field", offset: place, byteCount: bytes.byteCount)
                    if size == narrow { size = try wide(bytes, &at, end, missing) }
                    if stored == narrow { stored = try wide(bytes, &at, end, missing) }
                    if header == narrow { header = try wide(bytes, &at, end, missing) }
                    if disk == 0xFFFF, at <= end - 4 { disk = bytes.integer(at, as: UInt32.self) ?? disk }
                    return
                }
                place = end
            }
        }

        private func wide(
            _ bytes: RawSpan, _ at: inout Int, _ end: Int, _ missing: ZipError
        ) throws(ZipError) -> UInt64 {
            guard at <= end - 8, let value = bytes.integer(at, as: UInt64.self) else { throw missing }
            at += 8
            return value
        }
    }
}
