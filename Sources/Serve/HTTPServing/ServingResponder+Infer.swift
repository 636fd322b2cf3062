import HTTPTypes
import Hummingbird
import InferenceProtocol
import ModelServer
import NIOCore
import PackageRuntime

extension HTTPField.Name {
    /// Bytes of the JSON part of a body with binary tensors.
    static let inferenceHeaderLength = HTTPField.Name("Inference-Header-Content-Length")!
}

extension ServingResponder {
    /// Runs a model on what a body gives.
    func infer(
        _ name: Route.ModelName, _ body: ByteBuffer, _ request: Request, _ context: ServingContext
    ) async throws -> Response {
        let model = try endpoints.repository.model(name.name, version: name.version)
        let headerLength = request.headers[.inferenceHeaderLength]
        let assembly = RequestAssembly(model.loaded.interface, endpoints.regions)
        let inference: InferenceRequest
        var call: InferenceCall
        do {
            (inference, call) = try body.withUnsafeReadableBytes { bytes in
                let request = try endpoints.reader.read(bytes.bytes, headerLength: headerLength)
                return (request, try assembly.call(request, body: bytes))
            }
        } catch {
            model.failed()
            throw error
        }
        call.priority = endpoints.limits.priority(inference.priority)
        call.deadline = endpoints.limits.deadline(inference.timeout, now: MonotonicTime.now)
        call.client = endpoints.clients.number(of: context.channel.remoteAddress?.ipAddress ?? "")
        let result = try await run(call, on: model, context.channel)
        let response = assembly.response(
            result, to: inference, model: model.name, version: model.version)
        return Self.response(response)
    }

    /// Submits a call and waits for its end; the client's going takes it back.
    func run(_ call: InferenceCall, on model: ServedModel, _ channel: any Channel) async throws -> CallResult {
        let connection = connections.connection(channel)
        let key = connection.key()
        defer { connection.end(key) }
        let loop = channel.eventLoop
        let result: Result<CallResult, ServeError> = await withCheckedContinuation { continuation in
            do throws(ServeError) {
                // Resumed from the connection's thread, the handler goes on there.
                let submission = try model.submit(call, mayRun: true) { result in
                    loop.execute { continuation.resume(returning: result) }
                }
                let id = submission.id
                connection.begin(key) { model.cancel(id) }
                if submission.isCallersTurn { loop.execute { Self.takeTurns(model, loop) } }
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        return try result.get()
    }

    /// Runs batches between what else the loop has to do: requests that came meanwhile share the next, and answers leave before it begins.
    private static func takeTurns(_ model: ServedModel, _ loop: any EventLoop) {
        if model.takeTurn() { loop.execute { takeTurns(model, loop) } }
    }

    private static func response(_ response: RequestAssembly.Response) -> Response {
        let binary = response.parts.reduce(0) { $0 + $1.count }
        var buffer = ByteBufferAllocator().buffer(capacity: response.json.count + binary)
        buffer.writeBytes(response.json)
        for part in response.parts {
            switch part {
            case .tensor(let tensor): buffer.writeBytes(tensor.bytes)
            case .bytes(let bytes): buffer.writeBytes(bytes)
            }
        }
        var headers: HTTPFields = [.contentType: binary > 0 ? "application/octet-stream" : "application/json"]
        if binary > 0 { headers[.inferenceHeaderLength] = String(response.json.count) }
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: buffer))
    }
}
