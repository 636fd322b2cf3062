import CPUDevice
import DeviceAPI
import ElementTypes
import Foundation
import PackageRuntime
import Synchronization
import TestSupport
import Testing

/// The processor, as a device with memory of its own that can import the host's; it counts what is lent.
private final class LendingDevice: Device {
    private let inner: CPUDevice
    private let refuses: Bool
    private let lent = Lent()

    private final class Lent: DeviceMemory {
        let count = Mutex(0)
        let most = Mutex(0)
        func release(_ address: UnsafeMutableRawPointer, byteCount: Int) { count.withLock { $0 -= 1 } }
    }

    init(refuses: Bool) throws {
        inner = try CPUDevice(threads: 2)
        self.refuses = refuses
    }

    var lentNow: Int { lent.count.withLock { $0 } }
    var lentAtMost: Int { lent.most.withLock { $0 } }

    var limits: DeviceLimits {
        var limits = inner.limits
        limits.readsHostMemory = false
        limits.importsHostMemory = true
        return limits
    }

    func importHost(_ memory: UnsafeRawBufferPointer, isReadOnly: Bool) throws(DeviceError) -> DeviceBuffer {
        guard !refuses, let base = memory.baseAddress else {
            throw .notImported(byteCount: memory.count, reason: "the test says so")
        }
        let now = lent.count.withLock { count in
            count += 1
            return count
        }
        lent.most.withLock { $0 = max($0, now) }
        return DeviceBuffer(
            address: UnsafeMutableRawPointer(mutating: base), byteCount: memory.count, memory: lent)
    }

    func allocate(_ byteCount: Int) throws(DeviceError) -> DeviceBuffer { try inner.allocate(byteCount) }
    func loadProgram(path: String) throws(DeviceError) -> any DeviceProgram { try inner.loadProgram(path: path) }
    func loadProgram(bytes: [UInt8], name: String) throws(DeviceError) -> any DeviceProgram {
        try inner.loadProgram(bytes: bytes, name: name)
    }
    func makeQueue() throws(DeviceError) -> any DeviceQueue { inner.makeQueue() }
    func makeGraph(
        _ launches: [Launch], slotCount: Int, workspaceBytes: Int
    ) throws(DeviceError) -> any DeviceGraph {
        try inner.makeGraph(launches, slotCount: slotCount, workspaceBytes: workspaceBytes)
    }
}

/// Host memory that is lent to a session, on the hand-written package `x: f32[n, 4]` → `y = x · w + 1`, `sum`.
@Suite struct HostImportTests {
    private static let rows = 1000
    private static let bytes = rows * 16

    /// Runs twice; returns the traffic, and how much was lent while the session lived and after it.
    private static func run(
        refuses: Bool = false, lendsOutput: Bool = true, isReadOnly: Bool = false, ends: Bool = false,
        briefly: Bool = false
    ) throws -> (traffic: HostTraffic, lent: Int, lentAfter: Int, most: Int) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "m.hearth").path
        try HandWritten.write(to: path)
        let device = try LendingDevice(refuses: refuses)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 2 * bytes + 64, alignment: 4096)
        defer { memory.deallocate() }
        let (x, y) = (memory, memory + bytes)
        var (traffic, lent) = (HostTraffic(), 0)
        do {
            let session = try Session(LoadedPackage(path: path, device: device))
            try session.bind([TensorDescription(.f32, [rows, 4])])
            session.leastDirectBytes = 4096
            if briefly { session.leastBriefBytes = bytes }
            for place in briefly ? [] : lendsOutput ? [x, y] : [x] {
                let range = UnsafeRawBufferPointer(start: place, count: bytes)
                #expect(session.importHost(range, isReadOnly: isReadOnly) == !refuses)
            }
            lent = device.lentNow
            for round in 1...2 {
                if ends, round == 2 { session.endImport(x) }
                for index in 0..<rows * 4 {
                    x.storeBytes(of: Float(index / 4 * round), toByteOffset: 4 * index, as: Float.self)
                }
                y.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
                try [UnsafeRawPointer(x)].withUnsafeBufferPointer { inputs in
                    try [y, memory + 2 * bytes].withUnsafeBufferPointer { outputs in
                        try session.run(inputs: inputs, outputs: outputs)
                    }
                }
                let isRight = (0..<rows * 4).allSatisfy {
                    y.load(fromByteOffset: 4 * $0, as: Float.self) == Float($0 / 4 * round * ($0 % 4 + 1) + 1)
                }
                #expect(isRight)
            }
            traffic = session.hostTraffic
        }
        return (traffic, lent, device.lentNow, device.lentAtMost)
    }

    @Test func largeInputsAndOutputsTravelDirectly() throws {
        let found = try Self.run()
        #expect(found.traffic == HostTraffic(imported: 2, directBytes: 4 * Self.bytes, stagedBytes: 32))
        #expect(found.lent == 2 && found.lentAfter == 0)
    }

    @Test func whatIsNotLentIsStaged() throws {
        let found = try Self.run(lendsOutput: false)
        let expected = HostTraffic(imported: 1, directBytes: 2 * Self.bytes, stagedBytes: 2 * Self.bytes + 32)
        #expect(found.traffic == expected)
    }

    @Test func refusedMemoryIsStagedAndSaidToBe() throws {
        let found = try Self.run(refuses: true)
        #expect(found.traffic.directBytes == 0 && found.traffic.stagedBytes == 4 * Self.bytes + 32)
        #expect(found.lent == 0)
        let reason = "\(Self.bytes) bytes of the host's memory could not be imported: the test says so"
        #expect(found.traffic.refusal == reason)
    }

    @Test func readOnlyMemoryTakesNoOutputs() throws {
        #expect(try Self.run(isReadOnly: true).traffic.directBytes == 2 * Self.bytes)
    }

    /// What nobody lent is the device's for a run alone, and staged where the device refuses.
    @Test(arguments: [false, true]) func largeMemoryIsImportedForARun(_ refuses: Bool) throws {
        let found = try Self.run(refuses: refuses, briefly: true)
        let bytes = refuses ? 0 : 4 * Self.bytes
        let staged = refuses ? 4 * Self.bytes + 32 : 32
        #expect(found.traffic == HostTraffic(directBytes: bytes, briefBytes: bytes, stagedBytes: staged))
        #expect(found.lent == 0 && found.lentAfter == 0 && found.most == (refuses ? 0 : 2))
    }

    @Test func memoryThatWasTakenBackIsNotUsed() throws {
        let found = try Self.run(ends: true)
        #expect(found.traffic.imported == 1 && found.traffic.directBytes == 3 * Self.bytes)
        #expect(found.lentAfter == 0)
    }
}
