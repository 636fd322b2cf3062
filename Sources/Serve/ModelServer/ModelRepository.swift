import DeviceAPI
import InferenceProtocol
import PackageRuntime
import Processes
import RequestScheduler
import Synchronization

/// How models are served unless they say otherwise.
package struct ServingSettings: Sendable {
    /// How batches form.
    package var policy: BatchPolicy
    /// Threads that run a model's batches, each with sessions of its own.
    package var workers: Int

    /// Settings.
    package init(policy: BatchPolicy = BatchPolicy(), workers: Int = 1) {
        (self.policy, self.workers) = (policy, workers)
    }
}

/// A package and the name and version under which it is served.
package struct ModelSource: Sendable, Equatable {
    /// Name in addresses.
    package var name: String
    /// Version in addresses.
    package var version: String
    /// Path of the package.
    package var path: String

    /// A source.
    package init(name: String, version: String = "1", path: String) {
        (self.name, self.version, self.path) = (name, version, path)
    }
}

/// The models that are served, by name and version; loads, swaps and unloads them while requests come in.
package final class ModelRepository: Sendable {
    private struct Entry {
        var source: ModelSource
        var state: IndexEntry.State
        var reason = ""
        var model: ServedModel?
    }

    private struct State {
        var entries: [Entry] = []
        var isClosed = false
    }

    private let state: Mutex<State>
    private let settings: ServingSettings
    private let open: @Sendable (ModelSource) throws -> any Device

    /// A repository of these packages, none loaded yet; `open` gives the device for a package.
    package init(
        _ sources: [ModelSource], settings: ServingSettings = ServingSettings(),
        open: @escaping @Sendable (ModelSource) throws -> any Device
    ) {
        state = Mutex(
            State(entries: sources.map { Entry(source: $0, state: .unavailable, reason: "not loaded") }))
        (self.settings, self.open) = (settings, open)
    }

    /// The model of a name: of a version, or the newest that is ready.
    package func model(_ name: String, version: String? = nil) throws(ServeError) -> ServedModel {
        try state.withLock { state throws(ServeError) in
            var newest: Entry?
            var failed: Entry?
            for entry in state.entries where entry.source.name == name {
                if let version, entry.source.version != version { continue }
                if entry.model == nil {
                    failed = entry
                } else if newest.map({ Self.isNewer(entry.source.version, $0.source.version) }) ?? true {
                    newest = entry
                }
            }
            if let model = newest?.model { return model }
            if let failed {
                throw .notReady(name: name, reason: failed.reason.isEmpty ? failed.state.rawValue : failed.reason)
            }
            let versions = state.entries.filter { $0.source.name == name }.map(\.source.version)
            if let version, !versions.isEmpty { throw .unknownVersion(name: name, version: version, known: versions) }
            throw .unknownModel(name: name, known: Self.names(state.entries))
        }
    }

    private static func names(_ entries: [Entry]) -> [String] {
        var names: [String] = []
        for entry in entries where !names.contains(entry.source.name) { names.append(entry.source.name) }
        return names
    }

    /// Versions are compared as numbers where they are such.
    private static func isNewer(_ left: String, _ right: String) -> Bool {
        if let left = Int(left), let right = Int(right) { return left > right }
        return left > right
    }

    /// Versions of a model that are ready, oldest first.
    package func versions(_ name: String) -> [String] {
        state.withLock { $0.entries.filter { $0.source.name == name && $0.model != nil }.map(\.source.version) }
            .sorted { Self.isNewer($1, $0) }
    }

    /// All versions of all models.
    package var index: [IndexEntry] {
        state.withLock { state in
            state.entries.map {
                IndexEntry(name: $0.source.name, version: $0.source.version, state: $0.state, reason: $0.reason)
            }
        }
    }

    /// Models that are ready, in the order of the index.
    package var ready: [ServedModel] { state.withLock { $0.entries.compactMap(\.model) } }

    /// Whether all models that are there are ready.
    package var isReady: Bool {
        state.withLock { state in
            !state.isClosed
                && state.entries.allSatisfy { $0.model != nil || $0.state == .unavailable && $0.reason == "unloaded" }
        }
    }

    /// Loads all versions of a model, or those that changed on disk in the place of what is served; requests meanwhile go to the old.
    package func load(_ name: String) async throws(ServeError) {
        let sources = state.withLock { $0.entries.filter { $0.source.name == name }.map(\.source) }
        if sources.isEmpty {
            throw .unknownModel(name: name, known: state.withLock { Self.names($0.entries) })
        }
        for source in sources { try await load(source) }
    }

    /// Loads a package; it takes the place of one with the same name and version once it is ready.
    package func load(_ source: ModelSource) async throws(ServeError) {
        let isClosed = state.withLock { state -> Bool in
            if let index = state.entries.firstIndex(where: {
                $0.source.name == source.name && $0.source.version == source.version
            }) {
                if state.entries[index].model == nil { state.entries[index].state = .loading }
            } else {
                state.entries.append(Entry(source: source, state: .loading))
            }
            return state.isClosed
        }
        if isClosed { throw .refused(.closed) }
        do {
            // Reading and hashing a package takes a while, and tasks must not block.
            let open = self.open
            let package = try await onOwnThread {
                Result { try LoadedPackage(path: source.path, device: try open(source)) }
            }.get()
            let model = ServedModel(
                package, name: source.name, version: source.version, policy: settings.policy,
                workers: settings.workers)
            try await model.start()
            let old = replace(source, with: model, .ready, "")
            if let old { Task.detached { await old.drain() } }
        } catch {
            let reason = "\(error)"
            state.withLock { state in
                for index in state.entries.indices
                where state.entries[index].source.name == source.name
                    && state.entries[index].source.version == source.version && state.entries[index].model == nil
                {
                    (state.entries[index].state, state.entries[index].reason) = (.unavailable, reason)
                }
            }
            throw .notReady(name: source.name, reason: reason)
        }
    }

    private func replace(
        _ source: ModelSource, with model: ServedModel?, _ newState: IndexEntry.State, _ reason: String
    ) -> ServedModel? {
        state.withLock { state in
            var old: ServedModel?
            for index in state.entries.indices
            where state.entries[index].source.name == source.name
                && state.entries[index].source.version == source.version
            {
                old = state.entries[index].model
                state.entries[index].source = source
                (state.entries[index].model, state.entries[index].state) = (model, newState)
                state.entries[index].reason = reason
            }
            return old
        }
    }

    /// Takes no more requests of a model; returns when those that wait have been answered.
    package func unload(_ name: String) async throws(ServeError) {
        let sources = state.withLock { $0.entries.filter { $0.source.name == name }.map(\.source) }
        if sources.isEmpty {
            throw .unknownModel(name: name, known: state.withLock { Self.names($0.entries) })
        }
        for source in sources {
            let old = replace(source, with: nil, .unavailable, "unloaded")
            await old?.drain()
        }
    }

    /// Takes no more requests, and returns when all that wait have been answered.
    package func drain() async {
        let models = state.withLock { state in
            state.isClosed = true
            return state.entries.compactMap(\.model)
        }
        for model in models { await model.drain() }
    }
}
