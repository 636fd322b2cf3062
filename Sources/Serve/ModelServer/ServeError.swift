import DeviceAPI
import InferenceProtocol
import PackageRuntime
import RequestScheduler

/// Why a request was not answered. Every description is one line: what, where, what to do.
package enum ServeError: Error, Equatable, CustomStringConvertible {
    /// The body is at fault.
    case badBody(ProtocolError)
    /// The tensors are not those that the model takes, or the model failed on them.
    case model(RuntimeError)
    /// No model of that name.
    case unknownModel(name: String, known: [String])
    /// The model has no such version.
    case unknownVersion(name: String, version: String, known: [String])
    /// The model is there but not ready.
    case notReady(name: String, reason: String)
    /// An output that the model does not have.
    case unknownOutput(name: String, expected: [String])
    /// A shared memory region that was not registered.
    case unknownRegion(name: String)
    /// A shared memory region that cannot be used as asked.
    case badRegion(name: String, reason: String)
    /// The queue takes no more for now.
    case refused(Refusal)
    /// The request's deadline passed before it was begun.
    case expired
    /// The client has gone.
    case cancelled
    /// No such address, or not by this method.
    case notFound(String)
    /// The address takes other methods.
    case wrongMethod(String, allowed: String)
    /// The body is larger than the server takes.
    case tooLarge(bytes: Int?, limit: Int)
    /// Something that needs an option of the server.
    case notEnabled(String)
    /// Embeddings are asked of a model that gives none.
    case notEncoder(name: String, reason: String)
    /// The body is compressed.
    case unsupportedEncoding(String)

    /// One line: what, where, what to do.
    package var description: String {
        switch self {
        case .badBody(let error): error.description
        case .model(let error): error.description
        case .unknownModel(let name, let known):
            "there is no model '\(name)'"
                + (known.isEmpty ? "; none is loaded" : "; there are \(known.joined(separator: ", "))")
        case .unknownVersion(let name, let version, let known):
            "model '\(name)' has no version '\(version)'; it has \(known.joined(separator: ", "))"
        case .notReady(let name, let reason): "model '\(name)' is not ready: \(reason)"
        case .unknownOutput(let name, let expected):
            "the model has no output '\(name)'; its outputs are \(expected.joined(separator: ", "))"
        case .unknownRegion(let name): "shared memory region '\(name)' is not registered"
        case .badRegion(let name, let reason): "shared memory region '\(name)' \(reason)"
        case .refused(let refusal): refusal.description
        case .expired: "the request's time was over before it was begun; give it more or send fewer at a time"
        case .cancelled: "the client has gone"
        case .notFound(let what): "there is nothing at \(what)"
        case .wrongMethod(let what, let allowed): "\(what) takes \(allowed)"
        case .tooLarge(let bytes, let limit):
            "the request has \(bytes.map { "\($0)" } ?? "more") bytes, and the server takes \(limit); see --max-request-bytes"
        case .notEnabled(let what): what
        case .notEncoder(let name, let reason): "model '\(name)' gives no embeddings: \(reason)"
        case .unsupportedEncoding(let name): "the body has Content-Encoding '\(name)'; send it as it is"
        }
    }

    /// The HTTP status that says so (RFC 9110).
    package var status: Int {
        switch self {
        case .badBody, .unknownOutput, .unknownRegion, .badRegion, .notEncoder: 400
        case .model(let error): error.isFaultOfInputs ? 400 : error.isShortage ? 503 : 500
        case .unknownModel, .unknownVersion, .notFound: 404
        case .notReady, .cancelled: 503
        case .refused(let refusal):
            switch refusal {
            case .queueFull, .bytesFull, .clientFull: 429
            case .expired: 504
            case .closed: 503
            }
        case .expired: 504
        case .wrongMethod: 405
        case .tooLarge: 413
        case .notEnabled: 403
        case .unsupportedEncoding: 415
        }
    }

    /// After how many nanoseconds it is worth trying again, where that is known.
    package var retryAfter: UInt64? {
        guard case .refused(let refusal) = self else { return nil }
        return switch refusal {
        case .queueFull(_, let time), .bytesFull(_, let time), .clientFull(_, let time): time
        case .expired, .closed: nil
        }
    }
}

extension RuntimeError {
    /// Whether other inputs would have been answered.
    var isFaultOfInputs: Bool {
        switch self {
        case .wrongCount, .unknownInput, .missingInput, .wrongInput, .outOfRange, .indexOutOfRange, .guardFailed,
            .badMemory, .sizeOverflow:
            true
        case .package, .device, .outOfMemory, .weights, .badWeight, .missingLibrary, .notBound: false
        }
    }

    /// Whether there is too little memory for now.
    var isShortage: Bool {
        switch self {
        case .outOfMemory, .device(.outOfMemory): true
        case .package, .device, .weights, .badWeight, .missingLibrary, .notBound, .wrongCount, .unknownInput,
            .missingInput, .wrongInput, .outOfRange, .indexOutOfRange, .guardFailed, .badMemory, .sizeOverflow:
            false
        }
    }
}
