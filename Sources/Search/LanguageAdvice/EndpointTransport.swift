internal import CCurl
internal import Processes

/// Asks an endpoint over HTTP.
package struct EndpointTransport: ChatTransport {
    private let endpoint: LanguageEndpoint
    private let key: String?
    private let seconds: Double
    private let isStopped: @Sendable () -> Bool

    /// Most bytes of an answer.
    private static let limit = 4 << 20
    private static let connectSeconds = 15.0

    /// A transport that waits `seconds` for an answer at most, and not after `isStopped`.
    package init(
        _ endpoint: LanguageEndpoint, key: String?, seconds: Double, isStopped: @escaping @Sendable () -> Bool
    ) {
        self.endpoint = endpoint
        self.key = key
        self.seconds = seconds
        self.isStopped = isStopped
    }

    package var name: String { "\(endpoint.url) (\(endpoint.model))" }

    package func answer(_ messages: [ChatMessage], region: String, key: String) async -> Result<String, ChatFault> {
        let body = ChatProtocol.body(model: endpoint.model, messages)
        let (status, answer): (Int, [UInt8])
        switch await onOwnThread({ post(body) }) {
        case .failure(let fault): return .failure(fault)
        case .success(let found): (status, answer) = found
        }
        guard status == 200 else { return .failure(.status(status, message: redacted(ChatProtocol.message(answer)))) }
        return ChatProtocol.content(answer).map { redacted($0) }
    }

    /// Servers like to repeat the key that they refuse; it stands nowhere.
    private func redacted(_ text: String) -> String {
        guard let key else { return text }
        return text.split(separator: key, omittingEmptySubsequences: false).joined(separator: "[key]")
    }

    private func post(_ body: String) -> Result<(Int, [UInt8]), ChatFault> {
        let library: CurlLibrary
        switch CurlLibrary.shared {
        case .failure(let fault): return .failure(fault)
        case .success(let found): library = found
        }
        var error = [CChar](repeating: 0, count: 512)
        var answer = HearthAnswer()
        defer { hearth_free_answer(&answer) }
        let stop = Unmanaged.passRetained(StopSign(isStopped))
        defer { stop.release() }
        var body = body
        let code = body.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                endpoint.url.withCString { url in
                    Self.withOptional(key.map { "Authorization: Bearer \($0)" }) { authorization in
                        var post = HearthPost()
                        post.url = url
                        post.body = characters.baseAddress
                        post.body_bytes = characters.count
                        post.authorization = authorization
                        post.connect_milliseconds = Int(min(seconds, Self.connectSeconds) * 1000)
                        post.milliseconds = Int(seconds * 1000)
                        post.is_direct = endpoint.isLocal ? 1 : 0
                        post.limit = Self.limit
                        post.should_stop = { context in
                            guard let context else { return 0 }
                            // Safety: `context` is the stop sign that is retained around this call.
                            return Unmanaged<StopSign>.fromOpaque(context).takeUnretainedValue().isStopped() ? 1 : 0
                        }
                        post.context = stop.toOpaque()
                        return withUnsafePointer(to: library.call) {
                            hearth_post($0, &post, &answer, &error, error.count)
                        }
                    }
                }
            }
        }
        switch code {
        case 0:
            // Safety: the library wrote `body_bytes` bytes at `body`, which live until the answer is freed below.
            let bytes = UnsafeRawBufferPointer(start: answer.body, count: answer.body == nil ? 0 : answer.body_bytes)
            return .success((answer.status, Array(bytes)))
        case Int32(HEARTH_POST_STOPPED): return .failure(.stopped)
        case Int32(HEARTH_POST_TOO_LONG): return .failure(.tooLong(limit: Self.limit))
        case Int32(HEARTH_POST_TIMED_OUT): return .failure(.timedOut(seconds: seconds))
        default: return .failure(.noConnection(reason: CurlLibrary.text(error).oneLine(200)))
        }
    }

    private static func withOptional<Result>(
        _ text: String?, _ body: (UnsafePointer<CChar>?) -> Result
    ) -> Result {
        guard let text else { return body(nil) }
        return text.withCString { body($0) }
    }
}

/// What libcurl asks, several times a second, whether it should go on.
private final class StopSign: Sendable {
    let isStopped: @Sendable () -> Bool
    init(_ isStopped: @escaping @Sendable () -> Bool) { self.isStopped = isStopped }
}
