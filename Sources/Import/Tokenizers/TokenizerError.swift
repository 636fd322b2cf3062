/// What is wrong with a tokenizer's file. Every description is one line: what, where, what to do.
package enum TokenizerError: Error, Equatable, CustomStringConvertible {
    /// The file is not JSON.
    case notJSON(String)
    /// A member that has to be there is not, or is of another kind.
    case badMember(path: String, expected: String)
    /// A kind of normaliser, splitter, model or post-processor that is not known here.
    case unsupported(path: String, kind: String, known: [String])
    /// A token that the vocabulary lacks.
    case unknownToken(path: String, token: String)
    /// Identifiers that are negative or do not fit 31 bits.
    case badIdentifier(path: String)

    /// One line: what, where, what to do.
    package var description: String {
        switch self {
        case .notJSON(let reason): "the tokenizer is not JSON: \(reason)"
        case .badMember(let path, let expected): "'\(path)' of the tokenizer should be \(expected)"
        case .unsupported(let path, let kind, let known):
            "'\(path)' of the tokenizer is of type '\(kind)', which is not supported; known are \(known.joined(separator: ", "))"
        case .unknownToken(let path, let token):
            "'\(path)' of the tokenizer names '\(token)', which its vocabulary lacks"
        case .badIdentifier(let path):
            "'\(path)' of the tokenizer has an identifier that is no number from 0 to 2147483647"
        }
    }
}
