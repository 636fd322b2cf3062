import Base
import CPUDevice
import DeviceAPI
import ElementTypes
import Foundation
import ModelPackage
import PackageRuntime
import TestSupport
import Testing

extension HandWritten {
    static func withPackage<Result>(
        features: [String] = [], threads: Int = 2, change: (inout Plan) -> Void = { _ in },
        _ body: (LoadedPackage) throws -> Result
    ) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "m.hearth").path
        try write(to: path, features: features, change: change)
        return try body(LoadedPackage(path: path, device: CPUDevice(threads: threads)))
    }

    /// Rows 0, 1, 2, … as an input.
    static func input(_ rows: Int) -> HostTensor {
        HostTensor(.f32, [rows, 4], (0..<rows * 4).map { Float($0 / 4) })
    }
}

@Suite struct PackageRuntimeTests {
    @Test(arguments: [1, 2, 5]) func runsWithDynamicDimensionsAndState(_ threads: Int) throws {
        try HandWritten.withPackage(threads: threads) { package in
            let session = try Session(package)
            var total: [Float] = [100, 0, 0, 0]
            for rows in [3, 3, 50, 1, 0, 20] {
                let outputs = try session.run([HandWritten.input(rows)])
                let expected = (0..<rows * 4).map { (index: Int) -> Float in Float(index / 4 * (index % 4 + 1) + 1) }
                for j in 0..<4 { total[j] += Float((0..<rows).reduce(0, +) * (j + 1)) }
                #expect(outputs[0] == HostTensor(.f32, [rows, 4], expected))
                #expect(outputs[1] == HostTensor(.f32, [4], total))
            }
            #expect(session.arenaBytes >= 50 * 16, "the arena only grows")
            try session.reset()
            #expect(try session.run([HandWritten.input(0)])[1].elements(as: Float.self) == [100, 0, 0, 0])
        }
    }

    /// Offsets may be expressions: what they come to is held against the buffers when sizes are known.
    @Test func operandsThatLeaveTheirBuffersAreRefused() throws {
        let rows = Dimension(Variable(.symbol, 0))
        for (offset, fits) in [(Dimension(0), true), (rows * -16, false), (rows * 16, false), (Dimension(-4), false)] {
            try HandWritten.withPackage(change: { $0.copies[0].source.byteOffset = offset }) { package in
                let session = try Session(package)
                if fits {
                    _ = try session.run([HandWritten.input(2)])
                } else {
                    #expect(throws: RuntimeError.self) { _ = try session.run([HandWritten.input(2)]) }
                }
            }
        }
        try HandWritten.withPackage(change: { $0.launches[0].operands[0].byteOffset = rows * 17 }) { package in
            let session = try Session(package)
            let error = #expect(throws: RuntimeError.self) { _ = try session.run([HandWritten.input(2)]) }
            #expect("\(error.map { "\($0)" } ?? "")".contains("operands lie in their buffers, but launch 0 ("))
        }
    }

    @Test func sessionsAreApart() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "m.hearth").path
        try HandWritten.write(to: path)
        let package = try LoadedPackage(path: path, device: CPUDevice(threads: 2))
        try await withThrowingTaskGroup(of: [Float].self) { group in
            for rows in [2, 30, 5, 100] {
                group.addTask {
                    let session = try Session(package)
                    var last: [HostTensor] = []
                    for _ in 0..<50 { last = try session.run([HandWritten.input(rows)]) }
                    let once = Float((0..<rows).reduce(0, +))
                    return zip(last[1].elements(as: Float.self), [100 + 50 * once, 100 * once, 150 * once, 200 * once])
                        .map { $0 - $1 }
                }
            }
            for try await difference in group { #expect(difference == [0, 0, 0, 0]) }
        }
    }

    @Test func aMissingLibraryIsNamed() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "hearth-\(UUID().uuidString).hearth").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try HandWritten.write(to: path) {
            $0.buffers.append(.init(byteCount: 0, placement: .library("nothing")))
        }
        let device = try CPUDevice(threads: 1)
        let error = #expect(throws: RuntimeError.self) { try LoadedPackage(path: path, device: device) }
        #expect(error == .missingLibrary("nothing"))
        #expect(error?.description.contains("hearth optimize --no-libraries") == true)
    }

    @Test func wrongInputsAreNamed() throws {
        try HandWritten.withPackage { package in
            let session = try Session(package)
            func message(_ tensors: [HostTensor]) throws -> String {
                try #require(throws: RuntimeError.self) { try session.run(tensors) }.description
            }
            #expect(try message([]) == "the model has 1 inputs (x), but 0 were given")
            #expect(
                try message([HostTensor(.i32, [2, 4], [Int32](repeating: 0, count: 8))])
                    == "input 'x' should be f32[s0, 4], but is i32[2, 4]")
            #expect(
                try message([HostTensor(.f32, [2, 3], [Float](repeating: 0, count: 6))])
                    == "input 'x' should be f32[s0, 4], but is f32[2, 3]")
            #expect(
                try message([HostTensor(.f32, [8], [Float](repeating: 0, count: 8))])
                    == "input 'x' should be f32[s0, 4], but is f32[8]")
            #expect(
                try message([HandWritten.input(1001)])
                    == "input 'x': dimension 0 ('rows') is 1001, but the model takes 0 to 1000")
            #expect(
                try message([HandWritten.input(7)])
                    == "the inputs must satisfy s0 != 7, but s0 is 7 (dimension 0 of input 'x')")
            #expect(
                try message([HostTensor(TensorDescription(.f32, [2, 4]), bytes: [1, 2, 3])])
                    == "memory of 'x' has 3 bytes, not those of f32[2, 4]")
            #expect(try message([HandWritten.input(13)]) == "kernel 'accumulate' (launch 2) failed with code 42")
            // A refused input leaves the session usable.
            #expect(try session.run([HandWritten.input(2)])[0].type.shape == [2, 4])
        }
    }

    @Test func runsNeedBoundShapes() throws {
        try HandWritten.withPackage { package in
            let session = try Session(package)
            var bytes: (Float, Float, Float, Float) = (0, 0, 0, 0)
            withUnsafeMutableBytes(of: &bytes) { raw in
                let input = [UnsafeRawPointer(raw.baseAddress!)]
                let outputs = [raw.baseAddress!, raw.baseAddress!]
                #expect(throws: RuntimeError.notBound) {
                    try input.withUnsafeBufferPointer { input in
                        try outputs.withUnsafeBufferPointer { try session.run(inputs: input, outputs: $0) }
                    }
                }
                #expect(throws: RuntimeError.wrongCount(what: "outputs", expected: ["y", "sum"], found: 0)) {
                    try input.withUnsafeBufferPointer { input in
                        try session.run(inputs: input, outputs: UnsafeBufferPointer(start: nil, count: 0))
                    }
                }
            }
        }
    }

    @Test func profilesNameEveryLaunch() throws {
        try HandWritten.withPackage { package in
            let session = try Session(package)
            try session.bind([TensorDescription(.f32, [2, 4])])
            #expect(session.outputs == [TensorDescription(.f32, [2, 4]), TensorDescription(.f32, [4])])
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 256, alignment: 64)
            defer { memory.deallocate() }
            memory.initializeMemory(as: UInt8.self, repeating: 0)
            let input = [UnsafeRawPointer(memory.baseAddress!)]
            let outputs = [memory.baseAddress! + 64, memory.baseAddress! + 128]
            let times = try input.withUnsafeBufferPointer { input in
                try outputs.withUnsafeBufferPointer { try session.profile(inputs: input, outputs: $0) }
            }
            #expect(times.count == 3)
            #expect(memory.load(fromByteOffset: 128, as: Float.self) == 100)
        }
    }

    @Test func otherMachinesAreTold() throws {
        let error = try #require(throws: RuntimeError.self) {
            try HandWritten.withPackage(features: ["sse42", "quantum"]) { _ in }
        }
        guard case .package(.wrongMachine(let path, let device, let lacking)) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(device == "cpu" && lacking == ["quantum"])
        #expect(
            error.description
                == "package '\(path)' was built for another machine: this cpu lacks quantum"
                + "; rebuild it here with: hearth optimize --from-package \(path) -o NEW.hearth")
    }

    @Test func brokenPackagesAreNamed() throws {
        #expect(throws: RuntimeError.device(.missingKernel(name: "absent", program: "P"))) {
            do {
                try HandWritten.withPackage(change: { $0.launches[1].kernel = "absent" }) { _ in }
            } catch RuntimeError.device(.missingKernel(let name, let program)) {
                #expect(program.hasSuffix("m.hearth/kernels/cpu.so"))
                throw RuntimeError.device(.missingKernel(name: name, program: "P"))
            }
        }
        try HandWritten.withPackage(change: { $0.buffers[ID(1)].placement = .weight("lost") }) { package in
            let session = try Session(package)
            #expect(throws: RuntimeError.badWeight(name: "lost", needed: 16, found: nil)) {
                try session.run([HandWritten.input(2)])
            }
        }
        #expect(throws: RuntimeError.badWeight(name: "w", needed: 20, found: 16)) {
            try HandWritten.withPackage(change: { $0.buffers[ID(1)].byteCount = 20 }) { package in
                try Session(package).run([HandWritten.input(2)])
            }
        }
    }

    /// A device that claims not to read the host's memory, and to have no more than `room` bytes for a buffer.
    private final class FarDevice: Device {
        let near: CPUDevice
        let limits: DeviceLimits
        let room: Int

        init(room: Int = .max) throws {
            self.room = room
            near = try CPUDevice(threads: 2)
            var limits = near.limits
            limits.readsHostMemory = false
            self.limits = limits
        }

        func allocate(_ byteCount: Int) throws(DeviceError) -> DeviceBuffer {
            if byteCount > room { throw .outOfMemory(byteCount: byteCount) }
            return try near.allocate(byteCount)
        }
        func loadProgram(path: String) throws(DeviceError) -> any DeviceProgram { try near.loadProgram(path: path) }
        func loadProgram(bytes: [UInt8], name: String) throws(DeviceError) -> any DeviceProgram {
            try near.loadProgram(bytes: bytes, name: name)
        }
        func makeQueue() throws(DeviceError) -> any DeviceQueue { near.makeQueue() }
        func makeGraph(_ launches: [Launch], slotCount: Int, workspaceBytes: Int) throws(DeviceError)
            -> any DeviceGraph
        {
            try near.makeGraph(launches, slotCount: slotCount, workspaceBytes: workspaceBytes)
        }
    }

    @Test func weightsAreCopiedToDevicesThatCannotReadThem() throws {
        try HandWritten.withPackage { package in
            let far = try LoadedPackage(path: package.directory.path, device: FarDevice())
            let input = HandWritten.input(6)
            #expect(try Session(far).run([input]) == Session(package).run([input]))
        }
    }

    /// A lack of memory says what the whole model needs.
    @Test func memoryThatIsNotThereIsNamed() throws {
        try HandWritten.withPackage { package in
            let path = package.directory.path
            let none = try #require(throws: RuntimeError.self) {
                try LoadedPackage(path: path, device: FarDevice(room: 0))
            }
            guard case .outOfMemory(_, let needs) = none else { throw none }
            #expect(needs.hasSuffix(" bytes for its weights alone"))
            let little = try LoadedPackage(path: path, device: FarDevice(room: 4096))
            let rows = 1000
            let error = try #require(throws: RuntimeError.self) { try Session(little).run([HandWritten.input(rows)]) }
            let report = try MemoryReport(little.plan, symbols: [rows])
            let sum = report.weightBytes + report.stateBytes + report.arenaBytes
            #expect(
                error.description
                    == "out of memory: a buffer of \(report.arenaBytes) bytes could not be allocated; the model needs \(sum) bytes for these inputs: "
                    + "\(report.weightBytes) of weights, \(report.stateBytes) of state, \(report.arenaBytes) of values in between"
            )
        }
    }

    /// The model with a second input `n` whose value is the number of rows to compute.
    @Test func valuesOfInputsCanBeDimensions() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "m.hearth").path
        try HandWritten.writeCounted(to: path)
        let session = try Session(LoadedPackage(path: path, device: CPUDevice(threads: 2)))
        let x = HandWritten.input(10)
        for count in [4, 9, 4] as [Int64] {
            let outputs = try session.run([x, HostTensor(.i64, [], [count])])
            #expect(outputs[0].type.shape == [Int(count), 4])
            #expect(
                outputs[0].elements(as: Float.self) == x.elements(as: Float.self).prefix(Int(count) * 4).map { $0 + 1 })
        }
        let error = try #require(throws: RuntimeError.self) { try session.run([x, HostTensor(.i64, [], [Int64(11)])]) }
        #expect(error.description == "input 'n': the value ('count') is 11, but the model takes 1 to 10")
    }
}
