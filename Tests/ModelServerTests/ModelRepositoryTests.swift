import CPUDevice
import ElementTypes
import Foundation
import InferenceProtocol
import ModelServer
import PackageRuntime
import RequestScheduler
import TestSupport
import Testing

/// Models by name and version, and regions of shared memory.
@Suite struct ModelRepositoryTests {
    private static func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder.path)
    }

    private static func repository(_ sources: [ModelSource]) -> ModelRepository {
        ModelRepository(sources) { _ in try CPUDevice(threads: 1) }
    }

    @Test func versionsLoadAndUnload() async throws {
        try await Self.withFolder { folder in
            for name in ["a", "b"] { try HandWritten.writeRows(to: "\(folder)/\(name).hearth") }
            let repository = Self.repository([
                ModelSource(name: "m", version: "9", path: "\(folder)/a.hearth"),
                ModelSource(name: "m", version: "10", path: "\(folder)/b.hearth"),
                ModelSource(name: "gone", path: "\(folder)/none.hearth"),
            ])
            #expect(!repository.isReady)
            #expect(throws: ServeError.notReady(name: "m", reason: "not loaded")) { try repository.model("m") }
            try await repository.load("m")
            #expect(try repository.model("m").version == "10", "the newest, by number")
            #expect(try repository.model("m", version: "9").version == "9")
            #expect(repository.versions("m") == ["9", "10"])
            #expect(throws: ServeError.unknownVersion(name: "m", version: "3", known: ["9", "10"])) {
                try repository.model("m", version: "3")
            }
            #expect(throws: ServeError.unknownModel(name: "n", known: ["m", "gone"])) { try repository.model("n") }
            await #expect(throws: ServeError.self) { try await repository.load("gone") }
            #expect(repository.index.map(\.state) == [.ready, .ready, .unavailable])
            #expect(repository.index[2].reason.contains("none.hearth"))
            #expect(!repository.isReady)
            try await repository.unload("m")
            #expect(throws: ServeError.notReady(name: "m", reason: "unloaded")) { try repository.model("m") }
            await repository.drain()
            await #expect(throws: ServeError.refused(.closed)) { try await repository.load("m") }
        }
    }

    @Test func aLoadedModelIsSwapped() async throws {
        try await Self.withFolder { folder in
            let path = "\(folder)/a.hearth"
            try HandWritten.writeRows(to: path)
            let repository = Self.repository([ModelSource(name: "m", path: path)])
            try await repository.load("m")
            let old = try repository.model("m")
            try await repository.load("m")
            #expect(try repository.model("m") !== old)
            // A package that cannot be loaded leaves the one that serves.
            try FileManager.default.removeItem(atPath: path)
            let serving = try repository.model("m")
            await #expect(throws: ServeError.self) { try await repository.load("m") }
            #expect(try repository.model("m") === serving)
            await repository.drain()
        }
    }

    @Test func regionsOfSharedMemory() throws {
        let key = "/hearth-test-\(UUID().uuidString)"
        let descriptor = shm_open(key, O_RDWR | O_CREAT | O_EXCL, 0o600)
        try #require(descriptor >= 0)
        defer {
            shm_unlink(key)
            close(descriptor)
        }
        try #require(ftruncate(descriptor, 8192) == 0)
        let regions = SharedMemoryRegions()
        func register(_ name: String, _ offset: Int, _ count: Int, _ key: String) throws {
            try regions.register(SharedMemoryDescription(name: name, key: key, offset: offset, byteCount: count))
        }
        try register("r", 4100, 64, key)
        let bad: [(String, Int, Int, String)] = [
            ("r", 0, 8, key), ("long", 0, 8193, key), ("far", 8192, 1, key), ("huge", Int.max - 4, 64, key),
            ("none", 0, 8, "/hearth-none"), ("path", 0, 8, "/a/b"), ("empty", 0, 0, key),
        ]
        for (name, offset, count, key) in bad {
            #expect(throws: ServeError.self, "\(name)") { try register(name, offset, count, key) }
        }
        let region = try regions.region("r")
        let tensor = try region.tensor(TensorDescription(.f32, [3]), at: 4)
        tensor.address.storeBytes(of: 2.5, as: Float.self)
        var bytes = [UInt8](repeating: 0, count: 4)
        #expect(pread(descriptor, &bytes, 4, 4104) == 4)
        #expect(bytes.withUnsafeBytes { $0.loadUnaligned(as: Float.self) } == 2.5)
        for (type, offset) in [
            (TensorDescription(.f32, [17]), 0), (TensorDescription(.f32, [1]), 64), (TensorDescription(.f32, [1]), -4),
            (TensorDescription(.f32, [1]), 2), (TensorDescription(.f64, [1]), 0),
        ] {
            #expect(throws: ServeError.self, "\(type) at \(offset)") { try region.tensor(type, at: offset) }
        }
        // Shortened by its owner: seen before it is touched.
        try #require(ftruncate(descriptor, 4096) == 0)
        #expect(throws: ServeError.badRegion(name: "r", reason: "has become shorter since it was registered")) {
            try region.tensor(TensorDescription(.f32, [1]), at: 0)
        }
        #expect(try regions.descriptions(nil).map(\.name) == ["r"])
        regions.unregister("r")
        #expect(throws: ServeError.unknownRegion(name: "r")) { try regions.region("r") }
    }
}
