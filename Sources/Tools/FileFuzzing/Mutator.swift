internal import Base

/// Makes broken files out of good ones: the same seed gives the same files.
package struct Mutator: Sendable {
    private var random: SeededRandom
    private let corpus: [[UInt8]]

    /// A mutator over a corpus that is not empty.
    package init(seed: UInt64, corpus: [[UInt8]]) {
        precondition(!corpus.isEmpty, "a corpus has a file")
        self.random = SeededRandom(seed: seed)
        self.corpus = corpus
    }

    /// A broken file. When the file is an archive, half of the time one entry is broken and the archive is written anew with
    /// right checksums, so that what reads the entries is reached too.
    package mutating func next() -> [UInt8] {
        let base = corpus[random.index(below: corpus.count)]
        if random.index(below: 2) == 0, let files = StoredZip.decode(base), !files.isEmpty {
            return StoredZip.encode(mutate(files))
        }
        return mutate(base)
    }

    private mutating func mutate(
        _ files: [(name: String, content: [UInt8])]
    ) -> [(name: String, content: [UInt8])] {
        var files = files
        let index = random.index(below: files.count)
        switch random.index(below: 12) {
        case 0: files.remove(at: index)
        case 1: files[index].content = files[random.index(below: files.count)].content
        default:
            // An archive in an archive is broken on either level.
            if random.index(below: 2) == 0, let inner = StoredZip.decode(files[index].content), !inner.isEmpty {
                files[index].content = StoredZip.encode(mutate(inner))
            } else {
                files[index].content = mutate(files[index].content)
            }
        }
        return files
    }

    /// A file with one to eight changes.
    package mutating func mutate(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...random.index(below: random.index(below: 8) + 1) { change(&bytes) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        if bytes.isEmpty {
            bytes = [UInt8(truncatingIfNeeded: random.next())]
            return
        }
        let place = random.index(below: bytes.count)
        let length = min(1 + random.index(below: 1 << random.index(below: 8)), bytes.count - place)
        switch random.index(below: 11) {
        case 0: bytes[place] ^= 1 << UInt8(random.index(below: 8))
        case 1: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 2: bytes.removeSubrange(place...)
        case 3: bytes.removeSubrange(place..<place + length)
        case 4: bytes.insert(contentsOf: bytes[place..<place + length], at: random.index(below: bytes.count))
        case 5: bytes.insert(contentsOf: (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }, at: place)
        case 6: splice(into: &bytes, at: place)
        case 7, 8: overwriteInteger(in: &bytes, at: place)
        case 9: replaceNumber(in: &bytes, from: place)
        default: replaceToken(in: &bytes, at: place, length: length)
        }
    }

    /// A piece of another file of the corpus.
    private mutating func splice(into bytes: inout [UInt8], at place: Int) {
        let other = corpus[random.index(below: corpus.count)]
        if other.isEmpty { return }
        let start = random.index(below: other.count)
        let length = min(1 + random.index(below: 200), other.count - start)
        let end = min(place + (random.index(below: 2) == 0 ? length : 0), bytes.count)
        bytes.replaceSubrange(place..<end, with: other[start..<start + length])
    }

    /// Numbers at the edges of what fits.
    private mutating func edge(_ byteCount: Int) -> UInt64 {
        let edges: [UInt64] = [
            0, 1, 2, 7, 8, 63, 64, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
            0x1_0000_0000, UInt64(Int64.max), UInt64(Int64.max) - 7, UInt64(Int64.max) + 1, .max, .max - 7,
            UInt64(byteCount), UInt64(byteCount) + 1, UInt64(max(0, byteCount - 1)), UInt64(byteCount / 2),
        ]
        return edges[random.index(below: edges.count)]
    }

    private mutating func overwriteInteger(in bytes: inout [UInt8], at place: Int) {
        let width = 1 << random.index(below: 4)
        let value = edge(bytes.count)
        for index in 0..<width where place + index < bytes.count {
            bytes[place + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))
        }
    }

    /// The next number written in digits.
    private mutating func replaceNumber(in bytes: inout [UInt8], from place: Int) {
        func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
        guard let start = bytes[place...].firstIndex(where: isDigit) else { return }
        let end = bytes[start...].firstIndex { !isDigit($0) } ?? bytes.count
        let sign = random.index(below: 4) == 0 ? "-" : ""
        bytes.replaceSubrange(start..<end, with: Array((sign + String(edge(bytes.count))).utf8))
    }

    /// A word that one of the formats knows.
    private mutating func replaceToken(in bytes: inout [UInt8], at place: Int, length: Int) {
        let tokens = [
            "{", "}", "[", "]", "\"", ",", ":", "null", "true", "[[[[[[[[[[[[[[[[", "\"a\":", "\\ud800", "\\u0000",
            "1e999",
            "-0", "as_int", "as_tensor", "as_none", "as_expr", "Add(", "Mul(", "Integer(", "Symbol('s0')", "//",
            "((((((((",
            "PK\u{01}\u{02}", "PK\u{03}\u{04}", "PK\u{05}\u{06}", "PK\u{06}\u{06}", "PK\u{06}\u{07}", "(", ")", "t",
            "q\u{00}",
            "h\u{00}", "R", "Q", "ctorch\nSize\n", "ccollections\nOrderedDict\n", "c_codecs\nencode\n", "}", "]", "a",
            "e", "2",
            "U\u{FF}", "\"dtype\"", "\"F32\"", "\"shape\"", "\"data_offsets\"",
        ]
        let token = Array(tokens[random.index(below: tokens.count)].utf8)
        if random.index(below: 2) == 0 {
            bytes.insert(contentsOf: token, at: place)
        } else {
            bytes.replaceSubrange(place..<place + length, with: token)
        }
    }
}
