import Base
import DeviceAPI
import ElementTypes
import Glibc
import GraphIR
import GraphLowering
import GraphRewrites
import KernelCodeGen
import KernelIR
import ModelPackage

/// The way from a graph to a package: every stage is one call here, and no stage exists that is not here.
package struct Pipeline {
    /// Names of the stages, in order; the keys of timings, traces and debug output.
    package enum Stage: String, CaseIterable, Sendable {
        case rewrite, lower, search, generate, compile, fold, plan, write
    }

    /// What a stage took.
    package struct Timing: Sendable {
        package var stage: Stage
        package var seconds: Double
    }

    /// Where the kernels run, and for what they are generated.
    package let device: any Device
    /// The compiler of generated text.
    package let toolchain: CToolchain
    /// Called when a stage begins.
    package var progress: @Sendable (Stage) -> Void = { _ in }
    /// What the stages took so far.
    package private(set) var timings: [Timing] = []

    /// Makes a pipeline.
    package init(device: any Device, toolchain: CToolchain) {
        self.device = device
        self.toolchain = toolchain
    }

    /// Builds a package at `path` from a graph and its weights.
    package mutating func build(
        _ graph: Graph, tensors: any TensorSource, record: ReferenceRecord? = nil, provenance: [Manifest.Fact],
        to path: String
    ) async throws {
        let interface = try ModelInterface(graph)
        let emitter = KernelEmitter(CPUTarget(device.limits))
        let rewritten = try stage(.rewrite) { try rewrite(graph) }
        let program = try stage(.lower) { try lower(rewritten) }
        let list = KernelList(program)
        let schedules: [KernelID: Schedule] = [:]
        let generated = try stage(.generate) { try GeneratedProgram(list, schedules: schedules, emitter: emitter) }
        let folder = "\(temporaryFolder())/hearth-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        mkdir(folder, 0o700)
        let object = "\(folder)/plan.so"
        defer {
            unlink(object)
            rmdir(folder)
        }
        progress(.compile)
        let began = Self.now()
        try await toolchain.compile(generated.source, flags: emitter.compilerFlags, to: object, timeLimit: 600)
        timings.append(Timing(stage: .compile, seconds: Self.now() - began))
        let constants = ConstantFolder(
            program, list, generated, tensors: tensors, device: device, code: try device.loadProgram(path: object))
        try stage(.fold) { try constants.run() }
        let assembly = try stage(.plan) {
            var assembly = try PlanAssembly(
                program, list, generated, graph: graph, tensors: tensors, folder: constants)
            try assembly.addStates(tensors)
            return assembly
        }
        let target = device.limits
        try stage(.write) {
            var writer = try PackageWriter(path: path)
            try writer.add("plan.json", assembly.plan)
            try writer.add("kernels/plan.c", Array(generated.source.utf8))
            try writer.add("kernels/plan.so", try Self.read(object))
            if let record { try writer.add("golden.safetensors", tensors: record.stored) }
            if !assembly.weights.isEmpty {
                try writer.add(
                    "weights.safetensors",
                    tensors: assembly.weights.map { weight in
                        .init(name: weight.name, element: weight.element, shape: weight.shape) { destination in
                            destination.copyMemory(
                                from: UnsafeRawBufferPointer(start: weight.bytes.address, count: weight.bytes.count))
                        }
                    })
            }
            let manifest = Manifest(
                name: graph.name, interface: interface,
                plans: [
                    .init(
                        file: "plan.json", program: "kernels/plan.so", device: target.kind.rawValue,
                        features: target.features.map(\.rawValue), fingerprint: target.fingerprint,
                        machine: target.model)
                ], weights: assembly.weights.isEmpty ? nil : "weights.safetensors", provenance: provenance)
            try writer.finish(manifest)
        }
    }

    private mutating func stage<Result>(_ stage: Stage, _ body: () throws -> Result) rethrows -> Result {
        progress(stage)
        let began = Self.now()
        defer { timings.append(Timing(stage: stage, seconds: Self.now() - began)) }
        return try body()
    }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    private func temporaryFolder() -> String { getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp" }

    private static func read(_ path: String) throws(BuildError) -> [UInt8] {
        guard let file = fopen(path, "rb") else { throw .unsupported("cannot read back \(path)") }
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        var bytes = [UInt8](repeating: 0, count: ftell(file))
        rewind(file)
        guard fread(&bytes, 1, bytes.count, file) == bytes.count else { throw .unsupported("cannot read back \(path)") }
        return bytes
    }
}
