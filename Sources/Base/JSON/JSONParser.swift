/// Recursive descent over one text.
struct JSONParser {
    let bytes: CheckedBytes
    let options: JSONReader
    private var place = 0
    private var depth = 0

    init(bytes: CheckedBytes, options: JSONReader) {
        self.bytes = bytes
        self.options = options
    }

    /// The whole text as one value.
    mutating func document() throws(JSONError) -> JSONValue {
        skipSpace()
        let value = try self.value()
        skipSpace()
        if place < bytes.count { throw .trailingBytes(bytes.position(place)) }
        return value
    }

    private mutating func skipSpace() {
        while let byte = bytes[place], byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { place += 1 }
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        guard let byte = bytes[place] else { throw end("a value") }
        switch byte {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        case UInt8(ascii: "t"):
            try word("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try word("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try word("null")
            return .null
        case UInt8(ascii: "N") where options.takesNonFiniteNumbers:
            try word("NaN")
            return .number(.nan)
        case UInt8(ascii: "I") where options.takesNonFiniteNumbers:
            try word("Infinity")
            return .number(.infinity)
        default: throw .unexpectedByte(bytes.position(place), found: byte, expected: "a value")
        }
    }

    private mutating func word(_ word: StaticString) throws(JSONError) {
        for index in 0..<word.utf8CodeUnitCount {
            // Safety: the index is below the literal's length.
            try expect(word.utf8Start[index], "'\(word)'")
        }
    }

    private mutating func expect(_ wanted: UInt8, _ name: @autoclosure () -> String) throws(JSONError) {
        guard let byte = bytes[place] else { throw end(name()) }
        if byte != wanted { throw .unexpectedByte(bytes.position(place), found: byte, expected: name()) }
        place += 1
    }

    private func end(_ expected: String) -> JSONError {
        .unexpectedEnd(bytes.position(bytes.count), expected: expected)
    }

    private mutating func descend() throws(JSONError) {
        depth += 1
        if depth > options.depthLimit { throw .tooDeep(bytes.position(place), limit: options.depthLimit) }
        place += 1
        skipSpace()
    }

    private mutating func array() throws(JSONError) -> JSONValue {
        try descend()
        var elements: [JSONValue] = []
        if bytes[place] != UInt8(ascii: "]") {
            while true {
                elements.append(try value())
                skipSpace()
                if bytes[place] != UInt8(ascii: ",") { break }
                place += 1
                skipSpace()
            }
        }
        try expect(UInt8(ascii: "]"), "',' or ']'")
        depth -= 1
        return .array(elements)
    }

    private mutating func object() throws(JSONError) -> JSONValue {
        try descend()
        var members: [JSONObject.Member] = []
        // Few names are compared one by one; many go through a set.
        let few = 12
        var names: Set<String> = []
        if bytes[place] != UInt8(ascii: "}") {
            while true {
                let start = place
                guard let byte = bytes[place] else { throw end("a name in quotes") }
                if byte != UInt8(ascii: "\"") {
                    throw .unexpectedByte(bytes.position(place), found: byte, expected: "a name in quotes")
                }
                let name = try string()
                let isNew: Bool
                if members.count < few {
                    isNew = !members.contains { $0.name == name }
                } else {
                    if members.count == few { names = Set(members.map(\.name)) }
                    isNew = names.insert(name).inserted
                }
                if !isNew { throw .duplicateName(bytes.position(start), name: name) }
                skipSpace()
                try expect(UInt8(ascii: ":"), "':'")
                skipSpace()
                members.append(JSONObject.Member(name: name, value: try value()))
                skipSpace()
                if bytes[place] != UInt8(ascii: ",") { break }
                place += 1
                skipSpace()
            }
        }
        try expect(UInt8(ascii: "}"), "',' or '}'")
        depth -= 1
        return .object(JSONObject(members: members))
    }
}

// MARK: - Numbers

extension JSONParser {
    private mutating func number() throws(JSONError) -> JSONValue {
        let start = place
        let negative = bytes[place] == UInt8(ascii: "-")
        if negative { place += 1 }
        if negative, options.takesNonFiniteNumbers, bytes[place] == UInt8(ascii: "I") {
            try word("Infinity")
            return .number(-.infinity)
        }
        var magnitude: UInt64 = 0
        var fits = true
        let firstDigit = place
        while let byte = bytes[place], isDigit(byte) {
            let (product, overflowed) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            if overflowed || carried { fits = false }
            magnitude = sum
            place += 1
        }
        if place == firstDigit { throw .badNumber(bytes.position(start), reason: "has no digit after '-'") }
        if bytes[firstDigit] == UInt8(ascii: "0"), place > firstDigit + 1 {
            throw .badNumber(bytes.position(start), reason: "starts with a zero")
        }
        var isInteger = true
        if bytes[place] == UInt8(ascii: ".") {
            isInteger = false
            place += 1
            try digits(start, "has no digit after '.'")
        }
        if bytes[place] == UInt8(ascii: "e") || bytes[place] == UInt8(ascii: "E") {
            isInteger = false
            place += 1
            if bytes[place] == UInt8(ascii: "+") || bytes[place] == UInt8(ascii: "-") { place += 1 }
            try digits(start, "has no digit in its exponent")
        }
        if isInteger, fits {
            if !negative, magnitude <= UInt64(Int64.max) { return .integer(Int64(magnitude)) }
            if negative, magnitude <= UInt64(Int64.max) + 1 {
                return .integer(Int64(truncatingIfNeeded: 0 &- magnitude))
            }
        }
        guard let text = bytes.text(start..<place), let number = Double(text), number.isFinite else {
            throw .badNumber(bytes.position(start), reason: "is too large for 64 bits")
        }
        return .number(number)
    }

    private mutating func digits(_ start: Int, _ reason: String) throws(JSONError) {
        let first = place
        while let byte = bytes[place], isDigit(byte) { place += 1 }
        if place == first { throw .badNumber(bytes.position(start), reason: reason) }
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}

// MARK: - Strings

extension JSONParser {
    private mutating func string() throws(JSONError) -> String {
        place += 1
        let start = place
        while let byte = bytes[place] {
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = bytes.text(start..<place) else { throw .invalidUTF8(bytes.position(start)) }
                place += 1
                return text
            case UInt8(ascii: "\\"): return try escapedString(from: start)
            case 0..<0x20:
                throw .badString(bytes.position(place), reason: "a control character that is not escaped")
            default: place += 1
            }
        }
        throw end("'\"'")
    }

    /// The rest of a string from its first escape on.
    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var content: [UInt8] = []
        for index in start..<place { if let byte = bytes[index] { content.append(byte) } }
        while let byte = bytes[place] {
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: content, as: UTF8.self) else {
                    throw .invalidUTF8(bytes.position(start))
                }
                place += 1
                return text
            case UInt8(ascii: "\\"):
                content.append(contentsOf: try escape())
            case 0..<0x20:
                throw .badString(bytes.position(place), reason: "a control character that is not escaped")
            default:
                content.append(byte)
                place += 1
            }
        }
        throw end("'\"'")
    }

    private mutating func escape() throws(JSONError) -> UTF8.EncodedScalar {
        let start = place
        place += 1
        guard let byte = bytes[place] else { throw end("an escape") }
        place += 1
        let scalar: Unicode.Scalar
        switch byte {
        case UInt8(ascii: "\""): scalar = "\""
        case UInt8(ascii: "\\"): scalar = "\\"
        case UInt8(ascii: "/"): scalar = "/"
        case UInt8(ascii: "b"): scalar = "\u{8}"
        case UInt8(ascii: "f"): scalar = "\u{C}"
        case UInt8(ascii: "n"): scalar = "\n"
        case UInt8(ascii: "r"): scalar = "\r"
        case UInt8(ascii: "t"): scalar = "\t"
        case UInt8(ascii: "u"): scalar = try unicodeEscape(start)
        default: throw .badString(bytes.position(start), reason: "an unknown escape")
        }
        // Every scalar has a UTF-8 form.
        return UTF8.encode(scalar)!
    }

    private mutating func unicodeEscape(_ start: Int) throws(JSONError) -> Unicode.Scalar {
        let unit = try fourDigits()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        let unpaired = JSONError.badString(bytes.position(start), reason: "half of a surrogate pair")
        guard unit < 0xDC00, bytes[place] == UInt8(ascii: "\\"), bytes[place + 1] == UInt8(ascii: "u") else {
            throw unpaired
        }
        place += 2
        let low = try fourDigits()
        guard (0xDC00..<0xE000).contains(low) else { throw unpaired }
        let code = 0x10000 + (UInt32(unit - 0xD800) << 10) + UInt32(low - 0xDC00)
        guard let scalar = Unicode.Scalar(code) else { throw unpaired }
        return scalar
    }

    private mutating func fourDigits() throws(JSONError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = bytes[place] else { throw end("four hexadecimal digits") }
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): unit = unit << 4 | UInt16(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): unit = unit << 4 | UInt16(byte - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): unit = unit << 4 | UInt16(byte - UInt8(ascii: "A") + 10)
            default:
                throw .unexpectedByte(bytes.position(place), found: byte, expected: "a hexadecimal digit")
            }
            place += 1
        }
        return unit
    }
}
