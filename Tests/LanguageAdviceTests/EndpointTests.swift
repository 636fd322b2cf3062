import Foundation
import JSON
import KernelSwarm
import LanguageAdvice
import Testing
import TestSupport

/// Which addresses are taken, and what happens on the way to one: over real HTTP, on this machine.
@Suite struct EndpointTests {
    @Test(arguments: [
        ("http://localhost:11434/v1", "http://localhost:11434/v1/chat/completions", true, true),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/chat/completions", true, true),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1/chat/completions", true, true),
        ("https://api.example.com/v1/", "https://api.example.com/v1/chat/completions", false, true),
        ("https://api.example.com/v1/chat/completions", "https://api.example.com/v1/chat/completions", false, true),
        ("http://gpu.local:8000/v1", "http://gpu.local:8000/v1/chat/completions", false, false),
        // Names that only begin like this machine's.
        ("http://localhost.example.com/v1", "http://localhost.example.com/v1/chat/completions", false, false),
        ("http://127.0.0.1.example.com", "http://127.0.0.1.example.com/chat/completions", false, false),
    ])
    func addressesAreCompleted(_ url: String, _ complete: String, _ isLocal: Bool, _ isPrivate: Bool) throws {
        let endpoint = try LanguageEndpoint(url: url, model: "m")
        #expect(endpoint.url == complete && endpoint.isLocal == isLocal && endpoint.isPrivate == isPrivate)
    }

    @Test(arguments: [
        ("localhost:11434", "m", "write an address such as"), ("ftp://x/v1", "m", "write an address such as"),
        ("file:///etc/passwd", "m", "write an address such as"), ("", "m", "write an address such as"),
        ("http:///v1", "m", "the name of the machine is missing"), ("http://a b/v1", "m", "an address has no spaces"),
        ("http://x/v1\r\nX: y", "m", "an address has no spaces"),
        ("https://me:secret@x/v1", "m", "leave names, keys and queries out"),
        ("https://x/v1?api-key=secret", "m", "leave names, keys and queries out"),
        ("https://x/v1", "", "name the model"), ("https://x/v1", "a\nb", "name the model"),
    ])
    func otherAddressesAreRefused(_ url: String, _ model: String, _ reason: String) {
        let error = #expect(throws: EndpointError.self) { try LanguageEndpoint(url: url, model: model) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("secret") == false && error?.description.contains("\n") == false)
    }

    private static let question = [ChatMessage(role: "user", content: "which \"tile\"?\n→ é")]

    private static func ask(
        key: String? = nil, seconds: Double = 20, isStopped: @escaping @Sendable () -> Bool = { false },
        _ handler: @escaping ChatServer.Handler
    ) async throws -> (answer: Result<String, ChatFault>, requests: [ChatServer.Request]) {
        let server = try #require(ChatServer(handler))
        defer { server.stop() }
        let endpoint = try LanguageEndpoint(url: "http://127.0.0.1:\(server.port)/v1", model: "a/model")
        let transport = EndpointTransport(endpoint, key: key, seconds: seconds, isStopped: isStopped)
        let answer = await transport.answer(question, region: "region.0", key: "k")
        return (answer, server.requests)
    }

    private static func body(_ content: JSONValue) -> String {
        let value: JSONValue = ["choices": [["index": 0, "message": ["role": "assistant", "content": content]]]]
        return value.text
    }

    /// The request is one of the protocol, and the answer's text comes back.
    @Test func asksByTheProtocol() async throws {
        let (answer, requests) = try await Self.ask(key: "sk-123") { _ in (200, [], Self.body("{\"a\": \"ü\"}")) }
        #expect(answer == .success("{\"a\": \"ü\"}"))
        let request = try #require(requests.first)
        #expect(requests.count == 1 && request.line == "POST /v1/chat/completions HTTP/1.1")
        #expect(request.headers["content-type"] == "application/json")
        #expect(request.headers["authorization"] == "Bearer sk-123")
        let sent = try #require(try JSONReader().read(request.body).objectValue)
        #expect(sent.members.map(\.name) == ["model", "messages", "stream"])
        #expect(sent["model"] == "a/model" && sent["stream"] == false)
        #expect(sent["messages"] == .array(Self.question.map(\.json)))
    }

    @Test func withoutAKeyNoneIsSent() async throws {
        let (_, requests) = try await Self.ask { _ in (200, [], Self.body("x")) }
        #expect(requests.first?.headers["authorization"] == nil && requests.count == 1)
    }

    @Test(arguments: [
        (200, "", ChatFault.malformed(reason: "it is no JSON")), (200, "<html>", .malformed(reason: "it is no JSON")),
        (200, "{}", .malformed(reason: "it has no choices[0].message")),
        (200, #"{"choices":[]}"#, .malformed(reason: "it has no choices[0].message")),
        (
            200, #"{"choices":[{"message":{"content":7}}]}"#,
            .malformed(reason: "choices[0].message.content is no text")
        ),
        (
            401, #"{"error":{"message":"Incorrect API key provided: sk-123."}}"#,
            .status(401, message: "Incorrect API key provided: [key].")
        ),
        (429, #"{"error":"slow\ndown"}"#, .status(429, message: "slow down")), (500, "oops", .status(500, message: "")),
        (404, #"{"error":{"message":"no model 'm'"}}"#, .status(404, message: "no model 'm'")),
    ])
    func whatEndpointsDoWrongIsOneLine(_ status: Int, _ body: String, _ fault: ChatFault) async throws {
        let (answer, _) = try await Self.ask(key: "sk-123") { _ in (status, [], body) }
        #expect(answer == .failure(fault))
        #expect(!fault.description.contains("\n") && !fault.description.contains("sk-123"))
    }

    @Test(arguments: [
        (#"{"choices":[{"message":{"content":null,"refusal":"no"}}]}"#, ""),
        (#"{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}}]}"#, "ab"),
    ])
    func otherContentsAreRead(_ body: String, _ text: String) async throws {
        #expect(try await Self.ask { _ in (200, [], body) }.answer == .success(text))
    }

    /// A redirection would take the kernel and the key elsewhere.
    @Test func redirectionsAreNotFollowed() async throws {
        let other = try #require(ChatServer { _ in (200, [], Self.body("stolen")) })
        defer { other.stop() }
        let port = other.port
        let (answer, _) = try await Self.ask(key: "k") { _ in
            (307, ["Location: http://127.0.0.1:\(port)/v1/chat/completions"], "")
        }
        #expect(answer == .failure(.status(307, message: "")) && other.requests.isEmpty)
    }

    @Test func silenceTimesOut() async throws {
        #expect(try await Self.ask(seconds: 0.2) { _ in nil }.answer == .failure(.timedOut(seconds: 0.2)))
    }

    /// Ctrl-C ends the wait.
    @Test func stoppingEndsTheWait() async throws {
        #expect(try await Self.ask(isStopped: { true }) { _ in nil }.answer == .failure(.stopped))
    }

    @Test func withoutAServerThereIsNoConnection() async throws {
        let server = try #require(ChatServer { _ in nil })
        let endpoint = try LanguageEndpoint(url: "http://127.0.0.1:\(server.port)", model: "m")
        server.stop()
        // The socket is closed by the server's thread, which must have seen the end.
        for _ in 0..<1000 where server.isOpen { usleep(1000) }
        let transport = EndpointTransport(endpoint, key: nil, seconds: 20) { false }
        guard case .failure(.noConnection(let reason)) = await transport.answer([], region: "", key: "") else {
            Issue.record("there is no server")
            return
        }
        #expect(!reason.isEmpty && !reason.contains("\n"))
    }
}
