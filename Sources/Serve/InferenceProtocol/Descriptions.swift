import ElementTypes
import JSON

/// What a model takes or gives, as clients are told.
package struct PortDescription: Sendable, Equatable {
    /// Name.
    package var name: String
    /// Element type.
    package var element: ElementType
    /// Extents; −1 where the model takes several.
    package var shape: [Int]

    /// A description.
    package init(name: String, element: ElementType, shape: [Int]) {
        (self.name, self.element, self.shape) = (name, element, shape)
    }

    /// As the protocol has it.
    package var json: JSONValue {
        [
            "name": .string(name), "datatype": .string(Datatype.name(element)),
            "shape": .array(shape.map { .integer(Int64($0)) }),
        ]
    }
}

/// A model in the repository index, with why it is not ready.
package struct IndexEntry: Sendable, Equatable {
    /// States of the model repository extension.
    package enum State: String, Sendable {
        case ready = "READY"
        case loading = "LOADING"
        case unloading = "UNLOADING"
        case unavailable = "UNAVAILABLE"
    }

    /// Name.
    package var name: String
    /// Version; empty where none was ever loaded.
    package var version: String
    /// State.
    package var state: State
    /// Why it is not ready.
    package var reason: String

    /// An entry.
    package init(name: String, version: String, state: State, reason: String = "") {
        (self.name, self.version, self.state, self.reason) = (name, version, state, reason)
    }

    /// As the protocol has it.
    package var json: JSONValue {
        [
            "name": .string(name), "version": .string(version), "state": .string(state.rawValue),
            "reason": .string(reason),
        ]
    }
}

/// A registered region of system shared memory.
package struct SharedMemoryDescription: Sendable, Equatable {
    /// Name for requests.
    package var name: String
    /// Name of the shared memory object, as `shm_open` takes it.
    package var key: String
    /// First byte of the object that belongs to the region.
    package var offset: Int
    /// Length.
    package var byteCount: Int

    /// A description.
    package init(name: String, key: String, offset: Int, byteCount: Int) {
        (self.name, self.key, self.offset, self.byteCount) = (name, key, offset, byteCount)
    }

    /// Reads the body of `POST /v2/systemsharedmemory/region/{name}/register`.
    package init(name: String, body: RawSpan) throws(ProtocolError) {
        let fields = try Bodies.object(body)
        self.name = name
        key = try fields.required("key")
        offset = try fields.count("offset") ?? 0
        guard let byteCount = try fields.count("byte_size"), byteCount > 0 else {
            throw .badMember(path: "byte_size", expected: "a number of bytes above 0", found: "missing or 0")
        }
        self.byteCount = byteCount
    }

    /// As the protocol has it.
    package var json: JSONValue {
        [
            "name": .string(name), "key": .string(key), "offset": .integer(Int64(offset)),
            "byte_size": .integer(Int64(byteCount)),
        ]
    }
}

/// Small bodies.
package enum Bodies {
    /// The members of a body that is an object; an empty body is an empty object.
    package static func object(_ body: RawSpan, byteLimit: Int = 1 << 20) throws(ProtocolError) -> Fields {
        if body.byteCount == 0 { return try Fields(.object([:]), "the request") }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONReader(depthLimit: 32, byteLimit: byteLimit).read(body)
        } catch {
            throw .notJSON(error.description)
        }
        return try Fields(value, "the request")
    }

    /// `GET /v2`.
    package static func server(version: String) -> JSONValue {
        [
            "name": "hearth", "version": .string(version),
            "extensions": [
                "classification", "model_repository", "schedule_policy", "statistics", "binary_tensor_data",
                "system_shared_memory",
            ],
        ]
    }

    /// `GET /v2/models/{name}`.
    package static func model(
        _ name: String, versions: [String], inputs: [PortDescription], outputs: [PortDescription]
    ) -> JSONValue {
        [
            "name": .string(name), "versions": .array(versions.map { .string($0) }), "platform": "hearth_package",
            "inputs": .array(inputs.map(\.json)), "outputs": .array(outputs.map(\.json)),
        ]
    }

    /// An error, as OpenAI's interface has it.
    package static func openAIError(_ message: String, status: Int) -> JSONValue {
        let kind = status == 429 ? "rate_limit_error" : status < 500 ? "invalid_request_error" : "server_error"
        return ["error": ["message": .string(message), "type": .string(kind), "param": nil, "code": nil]]
    }

    /// An error, as the protocol has it.
    package static func error(_ message: String) -> JSONValue { ["error": .string(message)] }
}
