import ElementTypes
import JSON

/// The body of `POST /v1/embeddings`, as OpenAI's interface has it.
package struct EmbeddingsRequest: Sendable, Equatable {
    /// A text, or the tokens of one.
    package enum Input: Sendable, Equatable {
        /// To be split into tokens.
        case text(String)
        /// Split already.
        case tokens([Int32])
    }

    /// Texts that a request may have, as many as OpenAI's.
    package static let inputLimit = 2048

    /// Name of the model.
    package var model: String
    /// What is to be embedded; at least one.
    package var inputs: [Input]
    /// Whether vectors are given as the bytes of their numbers in base 64, in place of lists.
    package var isBase64: Bool
    /// Length to which vectors are to be cut; nil for all of them.
    package var dimensions: Int?

    /// Reads a body.
    package init(body: RawSpan, byteLimit: Int = 16 << 20) throws(ProtocolError) {
        let fields = try Bodies.object(body, byteLimit: byteLimit)
        model = try fields.required("model")
        switch try fields.string("encoding_format") ?? "float" {
        case "float": isBase64 = false
        case "base64": isBase64 = true
        case let other: throw .badMember(path: "encoding_format", expected: "float or base64", found: "'\(other)'")
        }
        dimensions = try fields.count("dimensions")
        if dimensions == 0 { throw .badMember(path: "dimensions", expected: "a number from 1 up", found: "0") }
        let expected = "a text, a list of texts, of tokens or of lists of tokens"
        switch fields["input"] {
        case .string(let text)?: inputs = [.text(text)]
        case .array(let items)?:
            guard let first = items.first else { throw .badMember(path: "input", expected: expected, found: "empty") }
            if case .integer = first {
                inputs = [.tokens(try Self.tokens(items, "input"))]
                return
            }
            guard items.count <= Self.inputLimit else {
                throw .unsupported("a request of \(items.count) inputs, more than \(Self.inputLimit),")
            }
            inputs = []
            for (index, item) in items.enumerated() {
                switch item {
                case .string(let text): inputs.append(.text(text))
                case .array(let tokens): inputs.append(.tokens(try Self.tokens(tokens, "input[\(index)]")))
                case .null, .bool, .integer, .number, .object:
                    throw .badMember(
                        path: "input[\(index)]", expected: "a text or a list of tokens", found: item.kindName)
                }
            }
        case let other: throw .badMember(path: "input", expected: expected, found: other?.kindName ?? "missing")
        }
    }

    private static func tokens(_ items: [JSONValue], _ path: String) throws(ProtocolError) -> [Int32] {
        if items.isEmpty { throw .badMember(path: path, expected: "tokens", found: "an empty list") }
        var tokens: [Int32] = []
        tokens.reserveCapacity(items.count)
        for (index, item) in items.enumerated() {
            guard let number = item.integerValue, number >= 0, let token = Int32(exactly: number) else {
                throw .badMember(path: "\(path)[\(index)]", expected: "a token's number", found: item.kindName)
            }
            tokens.append(token)
        }
        return tokens
    }
}

/// The answer to a request for embeddings.
package struct EmbeddingsResponse: Sendable {
    /// Name of the model.
    package var model: String
    /// A vector for each input.
    package var vectors: [[Float]]
    /// Tokens of all inputs.
    package var tokens: Int
    /// Whether vectors are given in base 64.
    package var isBase64: Bool

    /// An answer.
    package init(model: String, vectors: [[Float]], tokens: Int, isBase64: Bool) {
        (self.model, self.vectors, self.tokens, self.isBase64) = (model, vectors, tokens, isBase64)
    }

    /// As OpenAI's interface has it.
    package var json: [UInt8] {
        var text = Array("{\"object\":\"list\",\"data\":[".utf8)
        for (index, vector) in vectors.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            text += Array("{\"object\":\"embedding\",\"index\":\(index),\"embedding\":".utf8)
            vector.withUnsafeBytes { bytes in
                if isBase64 {
                    text.append(UInt8(ascii: "\""))
                    Base64.append(bytes, to: &text)
                    text.append(UInt8(ascii: "\""))
                } else {
                    TensorElements.write(bytes, .f32, to: &text)
                }
            }
            text.append(UInt8(ascii: "}"))
        }
        let usage = "\"usage\":{\"prompt_tokens\":\(tokens),\"total_tokens\":\(tokens)}"
        text += Array("],\"model\":\(JSONValue.string(model).text),\(usage)}".utf8)
        return text
    }
}

/// Bytes as text (RFC 4648, section 4).
package enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Appends bytes in base 64, with padding.
    package static func append(_ bytes: UnsafeRawBufferPointer, to text: inout [UInt8]) {
        text.reserveCapacity(text.count + (bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group: UInt32 = 0
            for index in 0..<3 { group = group << 8 | (index < count ? UInt32(bytes[start + index]) : 0) }
            for index in 0..<4 {
                text.append(
                    index <= count ? digits[Int(group >> UInt32(18 - 6 * index) & 63)] : UInt8(ascii: "="))
            }
        }
    }
}
