internal import JSON
internal import Signatures

/// Members of one line, with their bounds checked: a stranger wrote them.
struct FieldReader {
    private let members: [String: JSONValue]
    private let line: Int

    /// The members of an object on a line.
    init(_ value: JSONValue, line: Int) throws(ExportError) {
        self.line = line
        guard let object = value.objectValue else { throw .badLine(line, "it holds no object") }
        members = Dictionary(object.members.map { ($0.name, $0.value) }) { first, _ in first }
    }

    /// A fault of this line.
    func bad(_ reason: String) -> ExportError { .badLine(line, reason) }

    /// Whether a member is there.
    func has(_ name: String) -> Bool { members[name] != nil }

    /// Text of at most `limit` bytes on one line.
    func text(_ name: String, limit: Int = 4096) throws(ExportError) -> String {
        guard let text = members[name]?.stringValue, text.utf8.count <= limit, !text.utf8.contains(where: { $0 < 32 })
        else { throw bad("'\(name)' should be text of at most \(limit) bytes") }
        return text
    }

    /// A single word.
    func word(_ name: String) throws(ExportError) -> String {
        let text = try text(name, limit: 256)
        guard Self.isWord(text) || text.isEmpty else { throw bad("'\(name)' should be one word") }
        return text
    }

    /// A list of words.
    func words(_ name: String) throws(ExportError) -> [String] {
        guard let list = members[name]?.arrayValue, list.count <= 4096 else { throw bad("'\(name)' should be a list") }
        let words = list.compactMap(\.stringValue).filter { Self.isWord($0) }
        guard words.count == list.count else { throw bad("'\(name)' should be a list of words") }
        return words
    }

    /// A number of things.
    func count(_ name: String) throws(ExportError) -> Int {
        guard let value = members[name]?.integerValue, value >= 0 else {
            throw bad("'\(name)' should be a whole number, 0 or more")
        }
        return Int(value)
    }

    /// A list of numbers of things.
    func counts(_ name: String) throws(ExportError) -> [Int] {
        guard let list = members[name]?.arrayValue, list.count <= 64 else { throw bad("'\(name)' should be a list") }
        let counts = list.compactMap(\.integerValue).filter { $0 >= 0 }
        guard counts.count == list.count else { throw bad("'\(name)' should be a list of whole numbers, 0 or more") }
        return counts.map { Int($0) }
    }

    /// Named numbers of things, in their order.
    func extents(_ name: String) throws(ExportError) -> [(name: String, value: Int)] {
        guard let object = members[name]?.objectValue, object.members.count <= 64 else {
            throw bad("'\(name)' should be an object")
        }
        var extents: [(name: String, value: Int)] = []
        for member in object.members {
            guard let value = member.value.integerValue, value >= 0, Self.isWord(member.name) else {
                throw bad("'\(name)' should hold whole numbers, 0 or more")
            }
            extents.append((member.name, Int(value)))
        }
        return extents
    }

    /// A number that is not negative; above 0 where `isPositive` says so.
    func number(_ name: String, isPositive: Bool = false) throws(ExportError) -> Double {
        guard let value = members[name]?.doubleValue, value.isFinite, value >= 0, value > 0 || !isPositive else {
            throw bad("'\(name)' should be a number \(isPositive ? "above 0" : "of 0 or more")")
        }
        // Zero has one form.
        return value == 0 ? 0 : value
    }

    /// Numbers by name, none negative.
    func numbers(_ name: String) throws(ExportError) -> [String: Double] {
        guard let object = members[name]?.objectValue, object.members.count <= 64 else {
            throw bad("'\(name)' should be an object")
        }
        var numbers: [String: Double] = [:]
        for member in object.members {
            guard let value = member.value.doubleValue, value.isFinite, value >= 0, Self.isWord(member.name) else {
                throw bad("'\(name)' should hold numbers of 0 or more")
            }
            numbers[member.name] = value == 0 ? 0 : value
        }
        return numbers
    }

    /// Three numbers above 0.
    func triple(_ name: String) throws(ExportError) -> (Double, Double, Double) {
        let values = members[name]?.arrayValue?.compactMap(\.doubleValue).filter { $0.isFinite && $0 > 0 }
        guard let values, values.count == 3, members[name]?.arrayValue?.count == 3 else {
            throw bad("'\(name)' should be three numbers above 0")
        }
        return (values[0], values[1], values[2])
    }

    /// `true` or `false`.
    func flag(_ name: String) throws(ExportError) -> Bool {
        guard let value = members[name]?.boolValue else { throw bad("'\(name)' should be true or false") }
        return value
    }

    /// Bytes in hexadecimal digits.
    func hexadecimal(_ name: String, count: Int) throws(ExportError) -> [UInt8] {
        guard let text = members[name]?.stringValue, let bytes = Hexadecimal.bytes(text), bytes.count == count else {
            throw bad("'\(name)' should be \(2 * count) hexadecimal digits")
        }
        return bytes
    }

    /// What separates words and parts where they are stored is in none of them.
    private static func isWord(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 256 && !text.utf8.contains { $0 <= 32 || $0 == UInt8(ascii: "=") }
    }
}
