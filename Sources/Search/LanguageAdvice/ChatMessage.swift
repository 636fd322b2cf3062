package import JSON

/// One message of a chat.
package struct ChatMessage: Hashable, Sendable {
    /// Who speaks: `system`, `user` or `assistant`.
    package var role: String
    package var content: String

    /// Makes a message.
    package init(role: String, content: String) {
        self.role = role
        self.content = content
    }

    /// The message in the protocol, and in records.
    package var json: JSONValue { ["role": .string(role), "content": .string(content)] }
}

/// Something that answers chats. The answer is the text of the model's message.
package protocol ChatTransport: Sendable {
    /// What is asked, for people: an address with a model, or a file.
    var name: String { get }
    /// Sends messages about a region's kernel, and waits for the answer.
    func answer(_ messages: [ChatMessage], region: String, key: String) async -> Result<String, ChatFault>
}

/// The protocol: OpenAI's `POST /v1/chat/completions`, as others offer it too.
enum ChatProtocol {
    /// The body of a request. Nothing but what every server knows stands in it: some refuse a temperature, others a seed.
    static func body(model: String, _ messages: [ChatMessage]) -> String {
        let value: JSONValue = [
            "model": .string(model), "messages": .array(messages.map(\.json)), "stream": false,
        ]
        return value.text
    }

    /// The model's text in an answer.
    static func content(_ body: [UInt8]) -> Result<String, ChatFault> {
        guard let value = try? JSONReader(depthLimit: 64).read(body) else {
            return .failure(.malformed(reason: "it is no JSON"))
        }
        guard let message = value.objectValue?["choices"]?.arrayValue?.first?.objectValue?["message"]?.objectValue
        else {
            return .failure(.malformed(reason: "it has no choices[0].message"))
        }
        switch message["content"] {
        case .string(let text): return .success(text)
        // A model that refuses says nothing here.
        case nil, .null: return .success("")
        case .array(let parts):
            return .success(parts.compactMap { $0.objectValue?["text"]?.stringValue }.joined())
        case .bool, .integer, .number, .object:
            return .failure(.malformed(reason: "choices[0].message.content is no text"))
        }
    }

    /// What a server says of an error, on one line; empty where it says nothing that can be read.
    static func message(_ body: [UInt8]) -> String {
        guard let error = (try? JSONReader(depthLimit: 64).read(body))?.objectValue?["error"] else { return "" }
        return (error.stringValue ?? error.objectValue?["message"]?.stringValue ?? "").oneLine(200)
    }
}
