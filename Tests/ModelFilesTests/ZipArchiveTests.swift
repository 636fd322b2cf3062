import FileFuzzing
import ModelFiles
import Testing

@Suite struct ZipArchiveTests {
    /// Entries `a` (2 bytes at 31) and `bb` (3 bytes at 65); the directory starts at 68.
    private static let good = StoredZip.encode([("a", [1, 2]), ("bb", [3, 4, 5])])
    private static let directory = 68
    private static let second = 68 + 47
    private static let end = 68 + 47 + 48

    private static func message(_ bytes: [UInt8]) -> String? {
        do {
            let archive = try ZipArchive(bytes.span.bytes)
            for entry in archive.entries { try archive.verify(entry, in: bytes.span.bytes) }
            return nil
        } catch {
            return error.description
        }
    }

    @Test func reads() throws {
        let archive = try ZipArchive(Self.good.span.bytes)
        #expect(archive.entries.map(\.name) == ["a", "bb"])
        #expect(archive.entries.map(\.range) == [31..<33, 65..<68])
        let entry = try #require(archive["bb"])
        let content = try archive.withContents(of: entry, in: Self.good.span.bytes) { bytes in
            bytes.withUnsafeBytes { Array($0) }
        }
        #expect(content == [3, 4, 5])
        #expect(archive["c"] == nil)
    }

    @Test func readsAnArchiveWithoutEntries() throws {
        #expect(try ZipArchive(StoredZip.encode([]).span.bytes).entries == [])
    }

    @Test func readsWhatTorchWrites() throws {
        let bytes = try Fixture.bytes("tied.functional.pt2")
        let archive = try ZipArchive(bytes.span.bytes)
        #expect(archive.entries.count == 13)
        for entry in archive.entries {
            try archive.verify(entry, in: bytes.span.bytes)
            #expect(entry.range.lowerBound % 64 == 0)
        }
    }

    @Test(arguments: [
        ("", 0 as UInt32), ("123456789", 0xCBF4_3926), ("a", 0xE8B7_BE43),
        ("The quick brown fox jumps over the lazy dog", 0x414F_A339),
    ])
    func checksums(text: String, expected: UInt32) {
        #expect(CRC32.checksum(Array(text.utf8).span.bytes) == expected)
    }

    /// Bytes written over a good archive, and what is said about it.
    @Test(arguments: [
        (end, [0], "zip: no end record in 185 bytes: not a zip archive, or cut off; copy or save the file again"),
        (end + 20, [1], "zip: no end record in 185 bytes: not a zip archive, or cut off; copy or save the file again"),
        (end + 4, [1], "zip: the archive spans several files; join them first"),
        (end + 10, [3], "zip: the archive spans several files; join them first"),
        (end + 8, [9, 0, 9, 0], "zip: 9 entries do not fit a directory of 95 bytes, at byte 163"),
        (end + 8, [1, 0, 1, 0], "zip: 48 bytes after the directory's last entry, at byte 115"),
        (
            end + 12, [255, 255, 255, 255],
            "zip: the directory of 4294967295 bytes at byte 68 reaches past its end record, at byte 163"
        ),
        (end + 16, [69], "zip: the directory of 95 bytes at byte 69 reaches past its end record, at byte 163"),
        (end + 16, [0], "zip: bad directory entry at byte 0 of 185"),
        (directory, [0], "zip: bad directory entry at byte 68 of 185"),
        (directory + 8, [1], "zip: entry 'a' is encrypted; save it without a password"),
        (directory + 28, [255, 255], "zip: bad directory entry at byte 68 of 185"),
        (directory + 28, [0], "zip: an entry's name is not printable UTF-8, at byte 114"),
        (directory + 46, [0xFF], "zip: an entry's name is not printable UTF-8, at byte 114"),
        (directory + 46, [10], "zip: an entry's name is not printable UTF-8, at byte 114"),
        (directory + 46, [0x63], "zip: entry 'c': the name at byte 30 differs from the directory's"),
        (directory + 42, [1], "zip: entry 'a': the header's signature at byte 1 differs from the directory's"),
        (directory + 42, [60], "zip: entry 'a' of 2 bytes at byte 60 reaches past the end at 68"),
        (
            directory + 20, [255, 255, 255, 0],
            "zip: entry 'a' of 16777215 bytes at byte 0 reaches past the end at 68"
        ),
        (directory + 24, [3], "zip: entry 'a' is stored in 2 bytes but holds 3, at byte 68"),
        (directory + 20, [20, 0, 0, 0, 20], "zip: entries 'a' and 'bb' overlap"),
        (directory + 10, [8], "zip: entry 'a': the compression method at byte 8 differs from the directory's"),
        (directory + 34, [1], "zip: the archive spans several files; join them first"),
        (26, [2], "zip: entry 'a': the name at byte 30 differs from the directory's"),
        (26, [255], "zip: entry 'a' of 2 bytes at byte 0 reaches past the end at 68"),
        (32, [9], "zip: entry 'a' is damaged: CRC-32 is 0x211e9b1a, should be 0xb6cc4292"),
        (second + 42, [0], "zip: entry 'bb': the name at byte 30 differs from the directory's"),
    ])
    func refuses(place: Int, bytes: [UInt8], message: String) {
        var broken = Self.good
        broken.replaceSubrange(place..<place + bytes.count, with: bytes)
        #expect(Self.message(broken) == message)
    }

    @Test func refusesTwoEntriesOfOneName() {
        let bytes = StoredZip.encode([("same", [1]), ("same", [2])])
        #expect(Self.message(bytes) == "zip: two entries are named 'same'")
    }

    @Test func refusesCompressedEntriesWhenTheyAreRead() throws {
        let bytes = try Fixture.bytes("deflated.pt2")
        let message =
            "zip: entry 'tied.functional/archive_format' is compressed (deflate); only stored entries can be mapped: "
            + "repack with 'zip -0' or save with torch.export.save"
        #expect(Fixture.message(bytes) == message)
    }

    @Test func refusesEveryTruncation() {
        for count in 0..<Self.good.count {
            #expect(throws: ZipError.noEndRecord(byteCount: count)) {
                try ZipArchive(Array(Self.good[..<count]).span.bytes)
            }
        }
    }
}
