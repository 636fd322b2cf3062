/// Why a text could not be read: the byte offset and what was expected there.
package struct TextError: Error, Equatable, CustomStringConvertible {
    /// Offset in UTF-8 bytes.
    package var offset: Int
    /// What should have stood there.
    package var expected: String

    /// Makes an error.
    package init(offset: Int, expected: String) {
        self.offset = offset
        self.expected = expected
    }

    package var description: String { "expected \(expected) at byte \(offset)" }
}

/// Reads the printed forms of values back, token by token. Spaces between tokens are skipped; line ends are not.
package struct TextScanner {
    private let bytes: [UInt8]
    /// Offset of the next byte.
    package private(set) var position = 0
    /// How deep the reader has nested; readers count it to refuse texts that would exhaust the stack.
    package var depth = 0

    /// Starts at the beginning of `text`.
    package init(_ text: String) { bytes = Array(text.utf8) }

    /// Whether nothing but spaces is left.
    package var isAtEnd: Bool {
        mutating get {
            skipSpaces()
            return position == bytes.count
        }
    }

    /// An error at the current position.
    package func failure(_ expected: String) -> TextError { TextError(offset: position, expected: expected) }

    /// Moves past spaces.
    package mutating func skipSpaces() {
        while position < bytes.count, bytes[position] == UInt8(ascii: " ") { position += 1 }
    }

    /// Whether `token` stands next; moves past it if so.
    package mutating func accept(_ token: String) -> Bool {
        skipSpaces()
        let end = position + token.utf8.count
        guard end <= bytes.count, bytes[position..<end].elementsEqual(token.utf8) else { return false }
        position = end
        return true
    }

    /// Moves past `token`, which must stand next.
    package mutating func expect(_ token: String) throws(TextError) {
        if !accept(token) { throw failure(token == "\n" ? "the end of the line" : "'\(token)'") }
    }

    /// The next byte after spaces, not consumed.
    package mutating func peek() -> UInt8? {
        skipSpaces()
        return position < bytes.count ? bytes[position] : nil
    }

    /// Whether the next word (letters, digits and dots) is `word`; moves past it if so.
    package mutating func acceptWord(_ word: String) -> Bool {
        let start = position
        if self.word() == word { return true }
        position = start
        return false
    }

    /// Moves past `word`, which must be the next word.
    package mutating func expectWord(_ word: String) throws(TextError) {
        if !acceptWord(word) { throw failure("'\(word)'") }
    }

    /// The longest run of letters, digits and dots; empty when there is none.
    package mutating func word() -> String {
        skipSpaces()
        return take { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: ".") }
    }

    /// A decimal integer with an optional minus sign.
    package mutating func integer() throws(TextError) -> Int {
        skipSpaces()
        let start = position
        if position < bytes.count, bytes[position] == UInt8(ascii: "-") { position += 1 }
        _ = take(isDigit)
        guard let value = Int(String(decoding: bytes[start..<position], as: UTF8.self)) else {
            position = start
            throw failure("an integer")
        }
        return value
    }

    /// A double as `Double.description` prints it; NaN with other bits than `Double.nan` as `nan(7ff8…)`.
    package mutating func double() throws(TextError) -> Double {
        skipSpaces()
        let start = position
        if accept("nan(") {
            let digits = take { isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0) }
            guard let bits = UInt64(digits, radix: 16), accept(")") else { throw failure("the bits of a NaN and ')'") }
            return Double(bitPattern: bits)
        }
        for (token, value) in [("nan", Double.nan), ("-inf", -.infinity), ("inf", .infinity)] where accept(token) {
            return value
        }
        let text = take { isDigit($0) || "+-.e".utf8.contains($0) }
        guard let value = Double(text) else {
            position = start
            throw failure("a number")
        }
        return value
    }

    /// A string in double quotes, as `quoted` prints it.
    package mutating func string() throws(TextError) -> String {
        try expect("\"")
        var text: [UInt8] = []
        while position < bytes.count, bytes[position] != UInt8(ascii: "\""), bytes[position] != UInt8(ascii: "\n") {
            text.append(bytes[position])
            position += 1
            if text.last == UInt8(ascii: "\\"), position < bytes.count {
                text.append(bytes[position])
                position += 1
            }
        }
        if position == bytes.count || bytes[position] != UInt8(ascii: "\"") { throw failure("'\"'") }
        position += 1
        return unescaped(text)
    }

    /// The rest of the line, as `escaped` prints it.
    package mutating func restOfLine() -> String {
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
        return unescaped(Array(bytes[start..<position]))
    }

    /// Elements between brackets, separated by commas.
    package mutating func list<Element>(
        _ element: (inout TextScanner) throws(TextError) -> Element
    ) throws(TextError) -> [Element] {
        try expect("[")
        var elements: [Element] = []
        if accept("]") { return elements }
        repeat { elements.append(try element(&self)) } while accept(",")
        try expect("]")
        return elements
    }

    private mutating func take(_ belongs: (UInt8) -> Bool) -> String {
        let start = position
        while position < bytes.count, belongs(bytes[position]) { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private func unescaped(_ text: [UInt8]) -> String {
        var result: [UInt8] = []
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: "\\"), index + 1 < text.count {
                index += 1
                switch text[index] {
                case UInt8(ascii: "n"): result.append(UInt8(ascii: "\n"))
                case UInt8(ascii: "r"): result.append(UInt8(ascii: "\r"))
                case let byte: result.append(byte)
                }
            } else {
                result.append(text[index])
            }
            index += 1
        }
        return String(decoding: result, as: UTF8.self)
    }
}

private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

private func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
}

/// A text with line ends and backslashes (and quotes, where asked) escaped by backslashes.
package func escaped(_ text: String, quotes: Bool = false) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\\": result += "\\\\"
        case "\"" where quotes: result += "\\\""
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}

/// A text in double quotes, escaped.
package func quoted(_ text: String) -> String { "\"\(escaped(text, quotes: true))\"" }

/// A double in the shortest form that `TextScanner.double` reads back to the same bits.
package func printed(_ value: Double) -> String {
    value.isNaN && value.bitPattern != Double.nan.bitPattern
        ? "nan(" + String(value.bitPattern, radix: 16) + ")" : "\(value)"
}
