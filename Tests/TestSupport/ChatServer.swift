import Glibc
import Synchronization

/// An HTTP server on 127.0.0.1 with one handler, for tests of what asks endpoints. Each connection is one request.
package final class ChatServer: Sendable {
    /// What came.
    package struct Request: Sendable {
        /// Method, path and version.
        package var line: String
        /// Names in lower case.
        package var headers: [String: String]
        package var body: String
    }

    /// What is said to it; nil leaves the connection open without a word until the server ends.
    package typealias Handler = @Sendable (Request) -> (status: Int, headers: [String], body: String)?

    package let port: UInt16
    private let socket: Int32
    private let came = Mutex<[Request]>([])
    private let silent = Mutex<[Int32]>([])
    private let listens = Mutex(true)
    private let isStopped = Mutex(false)

    /// Whether somebody may still connect.
    package var isOpen: Bool { listens.withLock { $0 } }

    /// All requests so far.
    package var requests: [Request] { came.withLock { $0 } }

    /// Starts to listen; nil where the system has no socket for us.
    package init?(_ handler: @escaping Handler) {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isOpen = withUnsafeMutablePointer(to: &address) { pointer in
            // Safety: a socket address of the internet's family is what these calls take for one of any.
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && listen(socket, 8) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        guard isOpen else {
            close(socket)
            return nil
        }
        self.socket = socket
        port = UInt16(bigEndian: address.sin_port)
        let serving = Unmanaged.passRetained(Serving(self, handler))
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { raw in
                guard let raw else { return nil }
                // Safety: `raw` is what was retained for exactly this thread.
                let serving = Unmanaged<Serving>.fromOpaque(raw).takeRetainedValue()
                while serving.server.serve(serving.handler) {}
                return nil
            }, serving.toOpaque())
        pthread_detach(thread)
    }

    /// Ends the server and whatever waits for it; once, as the socket's number may be another's afterwards.
    package func stop() {
        let wasStopped = isStopped.withLock { isStopped in
            defer { isStopped = true }
            return isStopped
        }
        if wasStopped { return }
        shutdown(socket, Int32(SHUT_RDWR))
        for connection in silent.withLock({ $0 }) { close(connection) }
        silent.withLock { $0 = [] }
    }

    private func serve(_ handler: Handler) -> Bool {
        let connection = accept(socket, nil, nil)
        guard connection >= 0 else {
            close(socket)
            listens.withLock { $0 = false }
            return false
        }
        var bytes: [UInt8] = []
        var request: Request?
        while request == nil {
            var part = [UInt8](repeating: 0, count: 65536)
            let count = read(connection, &part, part.count)
            if count <= 0 { break }
            bytes += part.prefix(count)
            request = Self.request(bytes)
        }
        guard let request else {
            close(connection)
            return true
        }
        came.withLock { $0.append(request) }
        guard let answer = handler(request) else {
            silent.withLock { $0.append(connection) }
            return true
        }
        let head = ["HTTP/1.1 \(answer.status) X", "Content-Length: \(answer.body.utf8.count)", "Connection: close"]
        let text = (head + answer.headers).joined(separator: "\r\n") + "\r\n\r\n" + answer.body
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count <= 0 { break }
            rest = rest.dropFirst(count)
        }
        close(connection)
        return true
    }

    /// The request when all of it has come.
    private static func request(_ bytes: [UInt8]) -> Request? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
        var lines = text[..<end.lowerBound].split(separator: "\r\n").map(String.init)
        let first = lines.isEmpty ? "" : lines.removeFirst()
        var headers: [String: String] = [:]
        for line in lines {
            let name = line.prefix { $0 != ":" }
            headers[name.lowercased()] = String(line.dropFirst(name.count + 1).drop { $0 == " " })
        }
        let body = String(text[end.upperBound...])
        guard body.utf8.count >= Int(headers["content-length"] ?? "0") ?? 0 else { return nil }
        return Request(line: first, headers: headers, body: body)
    }

    private final class Serving: Sendable {
        let server: ChatServer
        let handler: Handler
        init(_ server: ChatServer, _ handler: @escaping Handler) {
            self.server = server
            self.handler = handler
        }
    }
}
