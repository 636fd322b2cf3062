import Base
import CPUDevice
import DeviceAPI
import ElementTypes
import Foundation
import ModelPackage
import PackageRuntime
import Testing

/// A hand-written model with a dynamic dimension, a state, weights in the arena's neighbourhood and an aliased output:
///
/// `x: f32[n, 4]`, weight `w: f32[4]`, state `total: f32[4]` starting at weight `start`;
/// `t = x · w` (arena), `y = t + 1`, `total += Σ over rows of t`, `sum = total`.
private enum HandWritten {
    static let source = """
        typedef long long i64;
        int multiply(void *const *b, const i64 *d, void *s, int part, int parts) {
            const float *x = b[0], *w = b[1]; float *t = b[2]; i64 n = d[0];
            for (i64 i = n * part / parts; i < n * (part + 1) / parts; i++)
                for (int j = 0; j < 4; j++) t[i * 4 + j] = x[i * 4 + j] * w[j];
            return 0;
        }
        int increment(void *const *b, const i64 *d, void *s, int part, int parts) {
            const float *t = b[0]; float *y = b[1]; i64 n = d[0] * 4;
            for (i64 i = n * part / parts; i < n * (part + 1) / parts; i++) y[i] = t[i] + 1;
            return 0;
        }
        int accumulate(void *const *b, const i64 *d, void *s, int part, int parts) {
            const float *t = b[0]; float *total = b[1]; float *row = s;
            for (int j = 0; j < 4; j++) row[j] = total[j];
            for (i64 i = 0; i < d[0]; i++) for (int j = 0; j < 4; j++) row[j] += t[i * 4 + j];
            for (int j = 0; j < 4; j++) total[j] = row[j];
            return d[0] == 13 ? 42 : 0;
        }
        """

    static let binary = Result { try KernelCompiler.compile(source) }

    static func write(to path: String, features: [String] = [], change: (inout Plan) -> Void = { _ in }) throws {
        let n = Dimension(Variable(.symbol, 0))
        let rows = n * 16
        var plan = Plan()
        let x = plan.buffers.append(.init(byteCount: rows, placement: .input(0)))
        let w = plan.buffers.append(.init(byteCount: 16, placement: .weight("w")))
        let t = plan.buffers.append(.init(byteCount: rows, placement: .arena(0...2)))
        let y = plan.buffers.append(.init(byteCount: rows, placement: .output(0)))
        let total = plan.buffers.append(.init(byteCount: 16, placement: .state(name: "total", initial: "start")))
        plan.launches = [
            .init(kernel: "multiply", operands: [.init(x), .init(w), .init(t)], dimensions: [n], spread: .threads),
            .init(kernel: "increment", operands: [.init(t), .init(y)], dimensions: [n], spread: .parts(n)),
            .init(
                kernel: "accumulate", operands: [.init(t), .init(total)], dimensions: [n], workspaceBytes: 16,
                runsBeside: true),
        ]
        plan.copies = [.init(output: 1, source: .init(total))]
        change(&plan)
        let interface = ModelInterface(
            inputs: [.init(name: "x", type: TensorType(.f32, [n, 4]))],
            outputs: [
                .init(name: "y", type: TensorType(.f32, [n, 4])), .init(name: "sum", type: TensorType(.f32, [4])),
            ],
            symbols: [
                .init(
                    symbol: Symbol(name: "rows", minimum: 0, maximum: 1000, hint: 2),
                    source: .extent(input: 0, axis: 0))
            ], guards: [.init(n, .notEqual, 7)])
        var writer = try PackageWriter(path: path)
        try writer.add("plan.json", plan)
        try writer.add("kernels/cpu.so", try binary.get())
        try writer.add(
            "weights.safetensors",
            tensors: [("w", [1, 2, 3, 4] as [Float]), ("start", [100, 0, 0, 0])].map { name, values in
                .init(name: name, element: .f32, shape: [4]) { bytes in
                    values.withUnsafeBytes { bytes.copyMemory(from: $0) }
                }
            })
        try writer.finish(
            Manifest(
                name: "hand-written", interface: interface,
                plans: [
                    .init(
                        file: "plan.json", program: "kernels/cpu.so", device: "cpu", features: features,
                        fingerprint: "0000000000000000", machine: "any")
                ], weights: "weights.safetensors"))
    }

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
}
