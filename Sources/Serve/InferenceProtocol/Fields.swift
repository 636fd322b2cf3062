import JSON

/// Members of a JSON object by name and kind; errors say where in the request they stand. Unknown members are left alone, as the protocol
/// asks.
package struct Fields {
    private let object: JSONObject
    private let place: String

    /// The members of a value that should be an object; `place` is its path, or words that begin with "the" for a whole body.
    package init(_ value: JSONValue, _ place: String) throws(ProtocolError) {
        guard case .object(let object) = value else {
            throw .badMember(path: place, expected: "an object", found: value.kindName)
        }
        self.object = object
        self.place = place
    }

    /// A member that is there and not null.
    package subscript(name: String) -> JSONValue? {
        if let value = object[name], value != .null { value } else { nil }
    }

    /// The path of a member.
    package func path(_ name: String) -> String { place.hasPrefix("the ") ? name : place + "." + name }

    private func wrong(_ name: String, _ expected: String, _ value: JSONValue) -> ProtocolError {
        .badMember(path: path(name), expected: expected, found: value.kindName)
    }

    /// A text that may be missing.
    package func string(_ name: String) throws(ProtocolError) -> String? {
        guard let value = self[name] else { return nil }
        guard let text = value.stringValue else { throw wrong(name, "a string", value) }
        return text
    }

    /// A text that must be there and not be empty.
    package func required(_ name: String) throws(ProtocolError) -> String {
        guard let text = try string(name), !text.isEmpty else {
            throw .badMember(path: path(name), expected: "a string", found: self[name] == nil ? "missing" : "empty")
        }
        return text
    }

    /// An integer from 0 up that may be missing.
    package func count(_ name: String) throws(ProtocolError) -> Int? {
        guard let value = self[name] else { return nil }
        guard let integer = value.integerValue, integer >= 0, integer < 1 << 47 else {
            throw .badMember(path: path(name), expected: "an integer from 0 up", found: value.text)
        }
        return Int(integer)
    }

    /// A truth value that may be missing.
    package func bool(_ name: String) throws(ProtocolError) -> Bool? {
        guard let value = self[name] else { return nil }
        guard let flag = value.boolValue else { throw wrong(name, "true or false", value) }
        return flag
    }

    /// A list that may be missing.
    package func list(_ name: String) throws(ProtocolError) -> [JSONValue]? {
        guard let value = self[name] else { return nil }
        guard let list = value.arrayValue else { throw wrong(name, "a list", value) }
        return list
    }

    /// An object that may be missing.
    package func object(_ name: String) throws(ProtocolError) -> Fields? {
        guard let value = self[name] else { return nil }
        return try Fields(value, path(name))
    }
}
