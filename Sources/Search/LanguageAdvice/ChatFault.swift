/// Why a language model gave no answer. Each is one line; none ends a search.
package enum ChatFault: Error, Hashable, CustomStringConvertible {
    /// libcurl is not on this machine.
    case noLibrary(reason: String)
    /// No connection, or one that broke.
    case noConnection(reason: String)
    /// Nothing came within so many seconds.
    case timedOut(seconds: Double)
    /// The endpoint said no: its status, and what it said beside.
    case status(Int, message: String)
    /// More bytes than anybody reads.
    case tooLong(limit: Int)
    /// What came is no answer of the protocol.
    case malformed(reason: String)
    /// The user ended the search meanwhile.
    case stopped
    /// What was recorded holds no further answer for a region.
    case notRecorded(region: String)
    /// What was recorded is that there was none, for this reason.
    case recorded(String)

    /// One line: what happened and what may be done.
    package var description: String {
        switch self {
        case .noLibrary(let reason):
            "there is no libcurl here (\(reason)); install libcurl4, or name the library in HEARTH_CURL"
        case .noConnection(let reason): "no connection: \(reason)"
        case .timedOut(let seconds): "no answer within \(Int(seconds.rounded(.up))) s; --llm-timeout gives it longer"
        case .status(401, let message), .status(403, let message):
            "the endpoint wants another key than that of \(LanguageEndpoint.keyVariable)\(Self.said(message))"
        case .status(404, let message): "the endpoint has no such address or model (404)\(Self.said(message))"
        case .status(429, let message): "the endpoint has had enough requests (429)\(Self.said(message))"
        case .status(let status, let message): "the endpoint failed (\(status))\(Self.said(message))"
        case .tooLong(let limit): "the answer is longer than \(limit >> 20) MiB"
        case .malformed(let reason): "the answer is none of the chat-completions protocol: \(reason)"
        case .stopped: "the search was ended"
        case .notRecorded(let region): "nothing more is recorded for \(region)"
        case .recorded(let reason): reason
        }
    }

    private static func said(_ message: String) -> String { message.isEmpty ? "" : ": \(message)" }
}

extension String {
    /// The text on one line that cannot steer a terminal, at most `limit` characters.
    func oneLine(_ limit: Int) -> String {
        let plain = String(
            String.UnicodeScalarView(
                unicodeScalars.map { $0.value < 32 || $0.value == 127 || (0x80..<0xA0).contains($0.value) ? " " : $0 }))
        let words = plain.split(separator: " ").joined(separator: " ")
        return words.count <= limit ? words : words.prefix(limit - 1) + "…"
    }
}
