/// A JSON document as a value. Objects keep the order of their members; integers stay exact.
///
/// Follows RFC 8259, plus the numbers `NaN`, `Infinity` and `-Infinity` where the reader is told to take them.
package enum JSONValue: Sendable, Equatable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number without fraction and exponent that fits 64 signed bits.
    case integer(Int64)
    /// Any other number.
    case number(Double)
    /// Text.
    case string(String)
    /// A list.
    case array([JSONValue])
    /// Named values.
    case object(JSONObject)
}

/// Members of a JSON object, in order. Names are unique when it comes from the reader.
package struct JSONObject: Sendable, Equatable {
    /// A named value.
    package struct Member: Sendable, Equatable {
        /// Name.
        package var name: String
        /// Value.
        package var value: JSONValue

        /// A member.
        package init(name: String, value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// Members in order.
    package var members: [Member]

    /// An object of these members.
    package init(members: [Member] = []) {
        self.members = members
    }

    /// The value of a name. Linear in the number of members: walk `members` for objects used as tables.
    package subscript(name: String) -> JSONValue? {
        for member in members where member.name == name { return member.value }
        return nil
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// Members in the order written.
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        members = elements.map { Member(name: $0.0, value: $0.1) }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    /// Text.
    package init(stringLiteral value: String) { self = .string(value) }
    /// An integer.
    package init(integerLiteral value: Int64) { self = .integer(value) }
    /// A truth value.
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A real number.
    package init(floatLiteral value: Double) { self = .number(value) }
    /// A list.
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// An object; members in the order written.
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(members: elements.map { JSONObject.Member(name: $0.0, value: $0.1) }))
    }
    /// `null`.
    package init(nilLiteral: ()) { self = .null }
}

extension JSONValue {
    /// The text, if this is a string.
    package var stringValue: String? { if case .string(let text) = self { text } else { nil } }
    /// The integer, if this is one.
    package var integerValue: Int64? { if case .integer(let number) = self { number } else { nil } }
    /// The number, if this is an integer or a real number.
    package var doubleValue: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .number(let number): number
        case .null, .bool, .string, .array, .object: nil
        }
    }
    /// The truth value, if this is one.
    package var boolValue: Bool? { if case .bool(let flag) = self { flag } else { nil } }
    /// The elements, if this is a list.
    package var arrayValue: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }
    /// The members, if this is an object.
    package var objectValue: JSONObject? { if case .object(let object) = self { object } else { nil } }

    /// What kind of value this is, for messages.
    package var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .number: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}
