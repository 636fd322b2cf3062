import HTTPTypes
import Hummingbird
import InferenceProtocol
import ModelServer
import NIOCore
import PackageRuntime

extension ServingResponder {
    /// Texts as vectors: each is a call of its own, which shares batches with those of all requests.
    func embeddings(_ body: ByteBuffer, _ context: ServingContext) async throws -> Response {
        let request = try body.withUnsafeReadableBytes { bytes in
            try EmbeddingsRequest(body: bytes.bytes, byteLimit: endpoints.limits.requestBytes)
        }
        let model = try endpoints.repository.model(request.model)
        guard let tokenizer = endpoints.tokenizers[model.name] else {
            throw ServeError.notEncoder(
                name: model.name,
                reason: "it has no tokenizer; start the server with --tokenizer \(model.name)=tokenizer.json")
        }
        let encoder = try TextEncoder(model.loaded.interface, tokenizer, model: model.name)
        let tokens = try request.inputs.map { try encoder.tokens($0) }
        let client = endpoints.clients.number(of: context.channel.remoteAddress?.ipAddress ?? "")
        let vectors = try await withThrowingTaskGroup(of: (Int, [Float]).self) { group in
            for (index, tokens) in tokens.enumerated() {
                var call = try encoder.call(tokens)
                call.client = client
                call.priority = endpoints.limits.priority(0)
                call.deadline = endpoints.limits.deadline(nil, now: MonotonicTime.now)
                group.addTask { [call] in
                    (
                        index,
                        encoder.vector(try await run(call, on: model, context.channel), dimensions: request.dimensions)
                    )
                }
            }
            var vectors = [[Float]](repeating: [], count: tokens.count)
            for try await (index, vector) in group { vectors[index] = vector }
            return vectors
        }
        let response = EmbeddingsResponse(
            model: model.name, vectors: vectors, tokens: tokens.reduce(0) { $0 + $1.count }, isBase64: request.isBase64)
        return Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: response.json)))
    }
}
