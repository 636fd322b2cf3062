package import ArgumentParser
import DeviceAPI
import DeviceCatalogue
import Glibc
import HTTPServing
import MappedFiles
import ModelPackage
import ModelServer
import PackageRuntime
import RequestScheduler
import Tokenizers

/// Serves packages over HTTP: `hearth serve`, and all that `hearth-serve` does.
package struct ServeCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serves packages as a local endpoint.",
        discussion: """
            Speaks the Open Inference Protocol, version 2, over HTTP: JSON, binary tensors and system shared memory; clients such as \
            tritonclient work as they are. A package is served under its file's name, or as NAME=PATH or NAME:VERSION=PATH says.

            Example: hearth serve minilm.hearth --port 8000
            """)

    @Argument(help: "Packages: PATH, NAME=PATH or NAME:VERSION=PATH.") var packages: [String]
    @Option(help: "A tokenizer.json for a model of text, as NAME=PATH; it then gives embeddings at /v1/embeddings.")
    var tokenizer: [String] = []
    @Option(help: "Address to listen at; only this machine reaches the default.") var host = "127.0.0.1"
    @Option(help: "Port to listen at; 0 for one that is free.") var port = 8000
    @Option(help: "Where to run: cpu, cuda, cuda:N or opencl, opencl:N (default: what a package was made for).")
    var device: String?
    @Option(help: "Threads that compute on the processor (default: one per core).") var threads: Int?
    @Option(help: "Rows of a batch at most, where a model's rows are independent; 1 to batch nothing.")
    var maxBatchSize = 32
    @Option(
        parsing: .upToNextOption,
        help: "Batch sizes that run at once, without waiting for the delay.") var preferredBatchSizes: [Int] = []
    @Option(help: "Microseconds that a request waits for others to share a batch with.") var maxQueueDelay = 0
    @Option(help: "Requests that wait at most; those beyond are answered 429.") var maxQueueSize = 1024
    @Option(help: "Threads that run batches of a model beside each other.") var instances = 1
    @Option(help: "Bytes of a request at most.") var maxRequestBytes = 256 << 20
    @Option(help: "Milliseconds after which a request that was not begun is given up; 0 for never.") var timeout = 0
    @Flag(help: "Lets clients load and unload the models named here.") var modelControl = false
    @Flag(help: "Lets no client register shared memory.") var noSharedMemory = false

    package init() {}

    package mutating func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port takes 0 to 65535, not \(port)") }
        for (name, value) in [
            ("--max-batch-size", maxBatchSize), ("--instances", instances), ("--max-queue-size", maxQueueSize),
            ("--max-request-bytes", maxRequestBytes),
        ] where value < 1 {
            throw ValidationError("\(name) takes a number from 1 up, not \(value)")
        }
        for (name, value) in [("--timeout", timeout), ("--max-queue-delay", maxQueueDelay)] where value < 0 {
            throw ValidationError("\(name) takes a number from 0 up, not \(value)")
        }
        do { try policy.check() } catch { throw ValidationError(error.description) }
        let sources = try packages.map { try Self.source($0) }
        for (index, source) in sources.enumerated()
        where sources[..<index].contains(where: { $0.name == source.name && $0.version == source.version }) {
            throw ValidationError(
                "version \(source.version) of model '\(source.name)' is named twice; use NAME:VERSION=PATH")
        }
    }

    private var policy: BatchPolicy {
        BatchPolicy(
            maximumRows: maxBatchSize, preferredRows: preferredBatchSizes.sorted(),
            delay: UInt64(maxQueueDelay) * 1000, queueLimit: maxQueueSize, clientLimit: maxQueueSize)
    }

    /// What an argument names.
    static func source(_ argument: String) throws -> ModelSource {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if parts.count == 2, !parts[0].contains("/") {
            let name = parts[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard !name.contains(""), !parts[1].isEmpty else {
                throw ValidationError("'\(argument)' should be PATH, NAME=PATH or NAME:VERSION=PATH")
            }
            return ModelSource(name: name[0], version: name.count > 1 ? name[1] : "1", path: parts[1])
        }
        var path = argument[...]
        while path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
        var name = path.split(separator: "/").last ?? path
        if name.hasSuffix(".hearth") { name = name.dropLast(".hearth".count) }
        guard !name.isEmpty else { throw ValidationError("'\(argument)' is no path of a package") }
        return ModelSource(name: String(name), path: argument)
    }

    /// The tokenizers that are named, by model.
    private func tokenizers(_ sources: [ModelSource]) throws -> [String: Tokenizer] {
        var tokenizers: [String: Tokenizer] = [:]
        for argument in tokenizer {
            let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw ServeFault("--tokenizer takes NAME=PATH, not '\(argument)'") }
            guard sources.contains(where: { $0.name == parts[0] }) else {
                throw ServeFault("--tokenizer \(argument): there is no model '\(parts[0])'")
            }
            do {
                tokenizers[parts[0]] = try MappedFile(path: parts[1]).withBytes { bytes throws(TokenizerError) in
                    try Tokenizer(file: bytes)
                }
            } catch {
                throw ServeFault("'\(parts[1])': \(error)")
            }
        }
        return tokenizers
    }

    package mutating func run() async throws {
        let sources = try packages.map { try Self.source($0) }
        let devices = OpenDevices(asked: device, threads: threads)
        let repository = ModelRepository(
            sources, settings: ServingSettings(policy: policy, workers: instances)
        ) { source in try devices.open(for: source.path) }
        for source in sources {
            // All are loaded before the first request is taken: whoever asks then is answered.
            do { try await repository.load(source) } catch { throw ServeFault("\(error)") }
        }
        let tokenizers = try self.tokenizers(sources)
        let limits = ServingLimits(
            requestBytes: maxRequestBytes, wait: timeout == 0 ? nil : UInt64(timeout) * 1_000_000,
            priorityLevels: policy.priorityLevels, allowsModelControl: modelControl,
            allowsSharedMemory: !noSharedMemory)
        let server = HTTPServer(
            Endpoints(repository, limits: limits, tokenizers: tokenizers, version: ServeVersion.current), host: host,
            port: port)
        let (host, names) = (host, sources.map { "\($0.name) (version \($0.version))" }.joined(separator: ", "))
        do {
            try await server.run { port in
                print("serving \(names) at http://\(host.contains(":") ? "[\(host)]" : host):\(port)")
                fflush(nil)
            }
        } catch {
            throw ServeFault("the server at \(host):\(port) failed: \(error)")
        }
    }
}

/// The version that the server tells clients.
package enum ServeVersion {
    /// As `hearth --version` prints it.
    package static let current = "0.1.0"
}

/// What keeps the server from running, in one line.
package struct ServeFault: Error, CustomStringConvertible {
    /// What, where, what to do.
    package let description: String

    init(_ description: String) { self.description = description }
}
