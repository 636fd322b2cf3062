package import JSON

/// One question with its answer, as it is recorded: a line of a file that `Documentation/language-record.md` describes.
package struct LanguageExchange: Hashable, Sendable {
    /// Counted from 1 in a search.
    package var request: Int
    /// The region's name, and the hash of its kernel.
    package var region: String
    package var key: String
    package var messages: [ChatMessage]
    /// The model's text, or why there was none.
    package var answer: Result<String, ChatFault>
    /// Schedules that it came to, as canonical text.
    package var schedules: [String]
    /// Why the rest of it was of no use.
    package var faults: [String]
    /// Seconds that it took.
    package var seconds: Double

    /// The line's object. Without the key of the endpoint, which nothing here knows.
    package var json: JSONValue {
        var object: JSONObject = [
            "request": .integer(Int64(request)), "region": .string(region), "kernel": .string(key),
            "messages": .array(messages.map(\.json)),
        ]
        func add(_ name: String, _ value: JSONValue) { object.members.append(.init(name: name, value: value)) }
        switch answer {
        case .success(let text): add("answer", .string(text))
        case .failure(let fault): add("failure", .string(fault.description))
        }
        add("schedules", .array(schedules.map { .string($0) }))
        add("faults", .array(faults.map { .string($0) }))
        add("seconds", .number((seconds * 1000).rounded() / 1000))
        return .object(object)
    }
}
