import ElementTypes
import InferenceProtocol
import JSON
import ModelPackage
import ModelServer
import NIOCore
import PackageRuntime
import Synchronization
import Tokenizers

/// What one client may ask for.
package struct ServingLimits: Sendable {
    /// Bytes of a request's body.
    package var requestBytes: Int
    /// How long a request may wait where it does not say, in nanoseconds; nil for as long as it takes.
    package var wait: UInt64?
    /// Levels of priority, as many as the schedulers'.
    package var priorityLevels: Int
    /// Whether clients may load and unload models.
    package var allowsModelControl: Bool
    /// Whether clients may register shared memory.
    package var allowsSharedMemory: Bool

    /// Limits.
    package init(
        requestBytes: Int = 256 << 20, wait: UInt64? = nil, priorityLevels: Int = 4, allowsModelControl: Bool = false,
        allowsSharedMemory: Bool = true
    ) {
        (self.requestBytes, self.wait, self.priorityLevels) = (requestBytes, wait, priorityLevels)
        (self.allowsModelControl, self.allowsSharedMemory) = (allowsModelControl, allowsSharedMemory)
    }

    /// The scheduler's priority of a request's: 1 is the most urgent; those that say 0 are in the middle.
    func priority(_ asked: Int) -> Int {
        asked == 0 ? priorityLevels / 2 : min(asked - 1, priorityLevels - 1)
    }

    /// When a request is of no more use, with a timeout in microseconds.
    func deadline(_ timeout: Int?, now: UInt64) -> UInt64? {
        let asked = timeout.flatMap { $0 > 0 ? UInt64($0) &* 1000 : nil }
        switch (asked, wait) {
        case (let asked?, let wait?): return now + min(asked, wait)
        case (let asked?, nil): return now + asked
        case (nil, let wait?): return now + wait
        case (nil, nil): return nil
        }
    }
}

/// Numbers of clients, by address.
package final class Clients: Sendable {
    private let numbers = Mutex<[String: Int]>([:])

    /// No clients.
    package init() {}

    /// The number of a client; the same for the same name, while fewer than 65,536 are known.
    package func number(of name: String) -> Int {
        numbers.withLock { numbers in
            if let number = numbers[name] { return number }
            if numbers.count >= 65_536 { numbers = [:] }
            numbers[name] = numbers.count
            return numbers.count - 1
        }
    }
}

/// What the addresses of a server give.
package struct Endpoints: Sendable {
    /// The models.
    package let repository: ModelRepository
    /// Shared memory.
    package let regions = SharedMemoryRegions()
    /// What clients may ask for.
    package let limits: ServingLimits
    /// Reads inference requests.
    package let reader: InferenceRequestReader
    /// Tokenizers of the models that give embeddings, by name.
    package let tokenizers: [String: Tokenizer]
    /// Who asks.
    package let clients = Clients()
    /// The server's version.
    package let version: String

    /// Endpoints of these models.
    package init(
        _ repository: ModelRepository, limits: ServingLimits, tokenizers: [String: Tokenizer] = [:], version: String
    ) {
        (self.repository, self.limits, self.version) = (repository, limits, version)
        self.tokenizers = tokenizers
        reader = InferenceRequestReader(jsonByteLimit: limits.requestBytes)
    }

    func mayChangeModels() throws(ServeError) {
        if !limits.allowsModelControl {
            throw .notEnabled("clients may not load and unload models; start the server with --model-control")
        }
    }

    func mayShareMemory() throws(ServeError) {
        if !limits.allowsSharedMemory {
            throw .notEnabled("clients may not register shared memory: the server was started with --no-shared-memory")
        }
    }

    private static func ports(_ ports: [ModelInterface.Port]) -> [PortDescription] {
        ports.map { port in
            PortDescription(
                name: port.name, element: port.type.element, shape: port.type.shape.map { $0.constantValue ?? -1 })
        }
    }

    func metadata(_ name: Route.ModelName) throws(ServeError) -> JSONValue {
        let model = try repository.model(name.name, version: name.version)
        let interface = model.loaded.interface
        return Bodies.model(
            model.name, versions: repository.versions(model.name), inputs: Self.ports(interface.inputs),
            outputs: Self.ports(interface.outputs))
    }

    /// The model configuration extension: what clients read of it.
    func configuration(_ name: Route.ModelName) throws(ServeError) -> JSONValue {
        let model = try repository.model(name.name, version: name.version)
        let interface = model.loaded.interface
        let isBatched = model.batchLimit > 1
        func ports(_ ports: [ModelInterface.Port]) -> JSONValue {
            .array(
                Self.ports(ports).map { port in
                    // Where a batch is allowed, the shapes leave its extent out.
                    let shape = isBatched ? Array(port.shape.dropFirst()) : port.shape
                    let datatype = Datatype.name(port.element)
                    return [
                        "name": .string(port.name), "data_type": .string("TYPE_" + datatype),
                        "dims": .array(shape.map { .integer(Int64($0)) }),
                    ]
                })
        }
        return [
            "name": .string(model.name), "platform": "hearth_package", "backend": "hearth",
            "max_batch_size": .integer(isBatched ? Int64(model.batchLimit) : 0),
            "input": ports(interface.inputs), "output": ports(interface.outputs),
        ]
    }

    /// What the models did, for `/metrics`.
    var metrics: [Metrics.Model] {
        repository.ready.map { model in
            let load = model.load
            return Metrics.Model(
                name: model.name, version: model.version, statistics: model.statistics, waiting: load.waiting,
                running: load.running)
        }
    }

    /// Models in OpenAI's form, or one of them.
    func openAIModels(_ name: String?) throws(ServeError) -> JSONValue {
        func description(_ name: String) -> JSONValue {
            ["id": .string(name), "object": "model", "created": 0, "owned_by": "hearth"]
        }
        if let name { return description(try repository.model(name).name) }
        var names: [String] = []
        for model in repository.ready where !names.contains(model.name) { names.append(model.name) }
        return ["object": "list", "data": .array(names.map(description))]
    }

    func statistics(_ name: Route.ModelName?) throws(ServeError) -> JSONValue {
        let models =
            if let name {
                [try repository.model(name.name, version: name.version)]
            } else {
                repository.ready
            }
        return ["model_stats": .array(models.map { $0.statistics.json($0.name, $0.version) })]
    }

    func index(_ body: ByteBufferView) throws -> JSONValue {
        let isReady = try Bodies.object(Array(body).span.bytes).bool("ready") ?? false
        return .array(repository.index.filter { !isReady || $0.state == .ready }.map(\.json))
    }
}
