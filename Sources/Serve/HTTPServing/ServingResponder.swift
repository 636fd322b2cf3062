import HTTPTypes
import Hummingbird
import InferenceProtocol
import JSON
import ModelServer
import NIOCore

/// What a request comes with: its channel.
struct ServingContext: InitializableFromSource {
    let channel: any Channel

    init(source: ApplicationRequestContextSource) { channel = source.channel }
}

/// Answers requests: finds the route, reads the body within its limit, and turns errors into answers.
struct ServingResponder: HTTPResponder {
    typealias Context = ServingContext

    let endpoints: Endpoints
    let connections: Connections

    func respond(to request: Request, context: ServingContext) async throws -> Response {
        do {
            let route = try Route(method: request.method.rawValue, path: request.uri.path)
            return try await respond(to: request, route, context)
        } catch let error as ServeError {
            return Self.failure(error, isOpenAI: request.uri.path.hasPrefix("/v1/"))
        } catch let error as ProtocolError {
            return Self.failure(.badBody(error), isOpenAI: request.uri.path.hasPrefix("/v1/"))
        }
    }

    private func respond(to request: Request, _ route: Route, _ context: ServingContext) async throws -> Response {
        switch route {
        case .live: return Response(status: .ok)
        case .ready: return Response(status: endpoints.repository.isReady ? .ok : .serviceUnavailable)
        case .server: return Self.json(Bodies.server(version: endpoints.version))
        case .model(let name): return Self.json(try endpoints.metadata(name))
        case .modelReady(let name):
            do {
                _ = try endpoints.repository.model(name.name, version: name.version)
                return Response(status: .ok)
            } catch {
                // Clients ask this to learn whether; the reason is in the index.
                return error.status == 404 ? Self.failure(error) : Response(status: .serviceUnavailable)
            }
        case .modelConfiguration(let name): return Self.json(try endpoints.configuration(name))
        case .statistics(let name): return Self.json(try endpoints.statistics(name))
        case .infer(let name):
            let body = try await body(of: request, limit: endpoints.limits.requestBytes)
            return try await infer(name, body, request, context)
        case .embeddings:
            return try await embeddings(try await body(of: request, limit: endpoints.limits.requestBytes), context)
        case .openAPI:
            return Self.json(
                OpenAPI.document(
                    version: endpoints.version, models: endpoints.repository.index.map { ($0.name, $0.version) }))
        case .metrics:
            let text = Metrics.text(endpoints.metrics, ProcessUsage.now, connections: connections.count)
            return Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(string: text)))
        case .openAIModels(let name): return Self.json(try endpoints.openAIModels(name))
        case .index:
            let body = try await body(of: request, limit: 1 << 20)
            return Self.json(try endpoints.index(body.readableBytesView))
        case .load(let name):
            try await ignoredBody(of: request)
            try endpoints.mayChangeModels()
            try await endpoints.repository.load(name)
            return Self.json([:])
        case .unload(let name):
            try await ignoredBody(of: request)
            try endpoints.mayChangeModels()
            try await endpoints.repository.unload(name)
            return Self.json([:])
        case .regions(let name):
            return Self.json(.array(try endpoints.regions.descriptions(name).map(\.json)))
        case .register(let name):
            try endpoints.mayShareMemory()
            let body = try await body(of: request, limit: 1 << 20)
            let description = try body.withUnsafeReadableBytes {
                try SharedMemoryDescription(name: name, body: $0.bytes)
            }
            try endpoints.regions.register(description)
            return Self.json([:])
        case .unregister(let name):
            try await ignoredBody(of: request)
            endpoints.regions.unregister(name)
            return Self.json([:])
        }
    }

    /// The whole body. What is announced as longer than the limit is refused before any of it is read.
    private func body(of request: Request, limit: Int) async throws -> ByteBuffer {
        if let encoding = request.headers[.contentEncoding], encoding != "identity" {
            throw ServeError.unsupportedEncoding(encoding)
        }
        let announced = request.headers[.contentLength].flatMap { Int($0) }
        if let announced, announced > limit { throw ServeError.tooLarge(bytes: announced, limit: limit) }
        var whole = ByteBuffer()
        var isFirst = true
        for try await part in request.body {
            if whole.readableBytes + part.readableBytes > limit { throw ServeError.tooLarge(bytes: nil, limit: limit) }
            if isFirst {
                whole = part
                isFirst = false
                // A client that announces much and sends little holds little: memory grows with what has come.
                if let announced, announced > part.readableBytes, announced <= 1 << 20 {
                    whole.reserveCapacity(announced)
                }
            } else {
                whole.writeImmutableBuffer(part)
            }
        }
        return whole
    }

    /// Reads a body of which nothing is used; what is there must be an object.
    private func ignoredBody(of request: Request) async throws {
        let body = try await body(of: request, limit: 1 << 20)
        _ = try body.withUnsafeReadableBytes { try Bodies.object($0.bytes) }
    }

    /// A JSON answer.
    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(string: value.text)))
    }

    /// The answer that says what went wrong.
    static func failure(_ error: ServeError, isOpenAI: Bool = false) -> Response {
        let body =
            isOpenAI ? Bodies.openAIError(error.description, status: error.status) : Bodies.error(error.description)
        var response = json(body, status: .init(code: error.status))
        if let time = error.retryAfter {
            // Whole seconds, at least one (RFC 9110, section 10.2.3).
            response.headers[.retryAfter] = String(max(1, (time + 999_999_999) / 1_000_000_000))
        }
        if case .wrongMethod(_, let allowed) = error { response.headers[.allow] = allowed }
        return response
    }
}
