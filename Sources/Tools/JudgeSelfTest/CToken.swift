/// A piece of C text.
struct CToken: Hashable, Sendable {
    /// What it is, as far as a mutation must know.
    enum Kind: Hashable, Sendable {
        case space, name, number, sign
        /// Comments, texts, lines of the preprocessor: left as they are.
        case other
    }

    var kind: Kind
    var text: String

    /// Signs of more than one character, the longest first.
    private static let signs = [
        "<<=", ">>=", "...", "<=", ">=", "==", "!=", "&&", "||", "+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "++",
        "--",
        "->", "<<", ">>",
    ].map { Array($0.utf8) }

    /// The text as tokens, which joined are the text.
    static func tokens(_ text: String) -> [CToken] {
        let bytes = Array(text.utf8)
        var tokens: [CToken] = []
        var place = 0
        func isName(_ byte: UInt8) -> Bool {
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 95
        }
        func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte == 10 || byte == 9 || byte == 13 }
        func starts(_ with: [UInt8]) -> Bool { bytes[place...].starts(with: with) }
        /// Ends behind the first place from which on `holds` is false.
        func end(_ holds: (Int) -> Bool) -> Int {
            var end = place + 1
            while end < bytes.count, holds(end) { end += 1 }
            return end
        }
        while place < bytes.count {
            let byte = bytes[place]
            let stop: Int
            let kind: Kind
            if isSpace(byte) {
                (kind, stop) = (.space, end { isSpace(bytes[$0]) })
            } else if byte == 35 || starts([47, 47]) {
                (kind, stop) = (.other, end { bytes[$0] != 10 || bytes[$0 - 1] == 92 })
            } else if starts([47, 42]) {
                (kind, stop) = (.other, end { $0 < place + 4 || bytes[$0 - 2] != 42 || bytes[$0 - 1] != 47 })
            } else if byte == 34 || byte == 39 {
                let last = end { bytes[$0] != byte || bytes[$0 - 1] == 92 }
                (kind, stop) = (.other, min(bytes.count, last + 1))
            } else if (48...57).contains(byte) {
                // With points and signs of exponents: 1.5e-3f, 0x1p-23f.
                let last = end { index in
                    let (now, before) = (bytes[index], bytes[index - 1])
                    let isExponent = [69, 101, 80, 112].contains(before) && (now == 43 || now == 45)
                    return isName(now) || now == 46 || isExponent
                }
                (kind, stop) = (.number, last)
            } else if isName(byte) {
                (kind, stop) = (.name, end { isName(bytes[$0]) })
            } else {
                (kind, stop) = (.sign, place + (Self.signs.first { starts($0) }?.count ?? 1))
            }
            tokens.append(CToken(kind: kind, text: String(decoding: bytes[place..<stop], as: UTF8.self)))
            place = stop
        }
        return tokens
    }
}
