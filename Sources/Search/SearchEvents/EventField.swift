internal import JSON

/// One member of an event's JSON: its name, and how it is written and read. Both directions and the documentation follow this one row.
package struct EventField<Payload: Sendable>: Sendable {
    /// Name in JSON.
    package let name: String
    /// Whether it may be missing.
    package let isOptional: Bool
    let write: @Sendable (Payload) -> JSONValue?
    let read: @Sendable (JSONValue, inout Payload) -> Bool

    /// A text.
    static func text(_ name: String, _ path: any WritableKeyPath<Payload, String> & Sendable) -> Self {
        Self(name: name, isOptional: false) {
            .string($0[keyPath: path])
        } read: { value, payload in
            guard let text = value.stringValue else { return false }
            payload[keyPath: path] = text
            return true
        }
    }

    /// A text that may be missing.
    static func text(_ name: String, _ path: any WritableKeyPath<Payload, String?> & Sendable) -> Self {
        Self(name: name, isOptional: true) {
            $0[keyPath: path].map { .string($0) }
        } read: { value, payload in
            payload[keyPath: path] = value.stringValue
            return value.stringValue != nil
        }
    }

    /// Texts.
    static func texts(_ name: String, _ path: any WritableKeyPath<Payload, [String]> & Sendable) -> Self {
        Self(name: name, isOptional: false) {
            .array($0[keyPath: path].map { .string($0) })
        } read: { value, payload in
            guard let texts = value.arrayValue?.map(\.stringValue), !texts.contains(nil) else { return false }
            payload[keyPath: path] = texts.compactMap(\.self)
            return true
        }
    }

    /// A real number.
    static func number(_ name: String, _ path: any WritableKeyPath<Payload, Double> & Sendable) -> Self {
        Self(name: name, isOptional: false) {
            .number($0[keyPath: path])
        } read: { value, payload in
            guard let number = value.doubleValue else { return false }
            payload[keyPath: path] = number
            return true
        }
    }

    /// A real number that may be missing.
    static func number(_ name: String, _ path: any WritableKeyPath<Payload, Double?> & Sendable) -> Self {
        Self(name: name, isOptional: true) {
            $0[keyPath: path].map { .number($0) }
        } read: { value, payload in
            payload[keyPath: path] = value.doubleValue
            return value.doubleValue != nil
        }
    }

    /// An integer.
    static func integer(_ name: String, _ path: any WritableKeyPath<Payload, Int> & Sendable) -> Self {
        Self(name: name, isOptional: false) {
            .integer(Int64($0[keyPath: path]))
        } read: { value, payload in
            guard let number = value.integerValue.flatMap({ Int(exactly: $0) }) else { return false }
            payload[keyPath: path] = number
            return true
        }
    }

    /// An integer that may be missing.
    static func integer(_ name: String, _ path: any WritableKeyPath<Payload, Int?> & Sendable) -> Self {
        Self(name: name, isOptional: true) {
            $0[keyPath: path].map { .integer(Int64($0)) }
        } read: { value, payload in
            payload[keyPath: path] = value.integerValue.flatMap { Int(exactly: $0) }
            return payload[keyPath: path] != nil
        }
    }

    /// A truth value.
    static func flag(_ name: String, _ path: any WritableKeyPath<Payload, Bool> & Sendable) -> Self {
        Self(name: name, isOptional: false) {
            .bool($0[keyPath: path])
        } read: { value, payload in
            guard let flag = value.boolValue else { return false }
            payload[keyPath: path] = flag
            return true
        }
    }

    /// Numbers by name, as an object.
    static func numbers(_ name: String, _ path: any WritableKeyPath<Payload, [String: Double]> & Sendable) -> Self {
        Self(name: name, isOptional: false) {
            .object(
                JSONObject(
                    members: $0[keyPath: path].sorted { $0.key < $1.key }
                        .map { JSONObject.Member(name: $0.key, value: .number($0.value)) }))
        } read: { value, payload in
            guard let members = value.objectValue?.members else { return false }
            var numbers: [String: Double] = [:]
            for member in members {
                guard let number = member.value.doubleValue else { return false }
                numbers[member.name] = number
            }
            payload[keyPath: path] = numbers
            return true
        }
    }
}

/// What one kind of event says.
package protocol EventPayload: Hashable, Sendable {
    /// Value of the member `event`.
    static var kind: String { get }
    /// The other members, in order.
    static var fields: [EventField<Self>] { get }
    /// An empty one, to be read into.
    init()
}

extension EventPayload {
    /// The members that have a value.
    var members: [JSONObject.Member] {
        Self.fields.compactMap { field in
            // JSON has no infinity; what is not finite is not known.
            guard let value = field.write(self), Self.isFinite(value) else { return nil }
            return JSONObject.Member(name: field.name, value: value)
        }
    }

    private static func isFinite(_ value: JSONValue) -> Bool {
        if case .number(let number) = value { number.isFinite } else { true }
    }

    /// Reads the members back. Members that are not known are passed over: later versions may add some.
    init(_ object: JSONObject) throws(EventError) {
        self.init()
        for field in Self.fields {
            guard let value = object[field.name] else {
                if field.isOptional { continue }
                throw EventError("an event '\(Self.kind)' lacks '\(field.name)'")
            }
            guard field.read(value, &self) else {
                throw EventError("an event '\(Self.kind)' has \(value.kindName) as '\(field.name)'")
            }
        }
    }
}

/// Why a text is no record of a search.
package struct EventError: Error, Hashable, CustomStringConvertible {
    /// One line.
    package var description: String
    init(_ description: String) { self.description = description }
}
