internal import JSON

/// Turns the JSON of one entry into values, remembering the path for messages.
///
/// Fields that the schema does not name are ignored, since minor versions add some; a kind of argument that is not known is
/// an error, since dropping it would change the program.
struct ExportedProgramDecoder {
    typealias Failure = ExportedProgramError

    /// The archive's entry, for messages.
    let entry: String
    private var path: [Step] = []

    private enum Step {
        case name(String)
        case index(Int)
    }

    init(entry: String) {
        self.entry = entry
    }

    // MARK: Walking

    /// Where decoding is, such as `graph_module.graph.nodes[3].inputs[0].arg`.
    var pathText: String {
        var text = ""
        for step in path {
            switch step {
            case .name(let name): text += (text.isEmpty ? "" : ".") + shown(name)
            case .index(let index): text += "[\(index)]"
            }
        }
        return text.isEmpty ? "the document" : text
    }

    /// The value here is not what it should be.
    func wrong(_ expected: String, _ value: JSONValue?) -> Failure {
        .field(entry: entry, path: pathText, expected: expected, found: value.map(Self.brief) ?? "missing")
    }

    private static func brief(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let flag): String(flag)
        case .integer(let number): String(number)
        case .number(let number): String(number)
        case .string(let text): "'\(shown(text))'"
        case .array(let elements): "a list of \(elements.count)"
        case .object(let object):
            object.members.count == 1 ? "an object with '\(shown(object.members[0].name))'" : "an object"
        }
    }

    /// Decodes at one step deeper.
    mutating func inside<Result>(
        _ name: String, _ value: JSONValue, _ decode: (inout Self, JSONValue) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        path.append(.name(name))
        let result = try decode(&self, value)
        path.removeLast()
        return result
    }

    /// A field that must be there.
    mutating func field<Result>(
        _ object: JSONObject, _ name: String, _ expected: String = "there",
        _ decode: (inout Self, JSONValue) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let value = object[name] else {
            path.append(.name(name))
            throw wrong(expected, nil)
        }
        return try inside(name, value, decode)
    }

    /// A field that may be missing or null.
    mutating func optional<Result>(
        _ object: JSONObject, _ name: String, _ decode: (inout Self, JSONValue) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard let value = object[name], value != .null else { return nil }
        return try inside(name, value, decode)
    }

    /// An object.
    func object(_ value: JSONValue) throws(Failure) -> JSONObject {
        guard case .object(let object) = value else { throw wrong("an object", value) }
        return object
    }

    /// Every element of a list.
    mutating func list<Result>(
        _ value: JSONValue, _ decode: (inout Self, JSONValue) throws(Failure) -> Result
    ) throws(Failure) -> [Result] {
        guard case .array(let elements) = value else { throw wrong("a list", value) }
        var results: [Result] = []
        results.reserveCapacity(elements.count)
        path.append(.index(0))
        for (index, element) in elements.enumerated() {
            path[path.count - 1] = .index(index)
            results.append(try decode(&self, element))
        }
        path.removeLast()
        return results
    }

    /// Every member of an object used as a table.
    mutating func table<Result>(
        _ value: JSONValue, _ decode: (inout Self, JSONValue) throws(Failure) -> Result
    ) throws(Failure) -> NamedValues<Result> {
        var pairs: [(String, Result)] = []
        for member in try object(value).members {
            pairs.append((member.name, try inside(member.name, member.value, decode)))
        }
        return NamedValues(pairs)
    }

    /// The tag and payload of a union: an object with one member.
    func union(_ value: JSONValue) throws(Failure) -> JSONObject.Member {
        guard case .object(let object) = value, object.members.count == 1 else {
            throw wrong("an object with exactly one field", value)
        }
        return object.members[0]
    }

    /// A payload, with the union's tag in the path.
    mutating func payload<Result>(
        _ member: JSONObject.Member, _ decode: (inout Self, JSONValue) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try inside(member.name, member.value, decode)
    }

    // MARK: Leaves

    static func string(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> String {
        guard case .string(let text) = value else { throw decoder.wrong("a string", value) }
        return text
    }

    static func int64(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> Int64 {
        guard case .integer(let number) = value else { throw decoder.wrong("a 64-bit integer", value) }
        return number
    }

    static func int(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> Int {
        Int(try int64(&decoder, value))
    }

    static func bool(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> Bool {
        guard case .bool(let flag) = value else { throw decoder.wrong("true or false", value) }
        return flag
    }

    /// A number; infinities and NaN are texts in the file.
    static func double(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> Double {
        switch value {
        case .number(let number): return number
        case .integer(let number): return Double(number)
        case .string("Infinity"): return .infinity
        case .string("-Infinity"): return -.infinity
        case .string("NaN"): return .nan
        case .null, .bool, .string, .array, .object: throw decoder.wrong("a number", value)
        }
    }

    /// One of the schema's numbered choices.
    static func choice<Choice: RawRepresentable>(
        _ decoder: inout Self, _ value: JSONValue, _ name: String
    ) throws(Failure) -> Choice where Choice.RawValue == Int {
        guard case .integer(let number) = value, let choice = Choice(rawValue: Int(number)) else {
            throw decoder.wrong("a known \(name)", value)
        }
        return choice
    }

    /// The `name` of a tensor argument or another named thing.
    static func namedThing(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> String {
        try decoder.field(try decoder.object(value), "name", "a string", string)
    }
}
