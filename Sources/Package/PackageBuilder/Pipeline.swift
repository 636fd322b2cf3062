import Base
import DeviceAPI
import ElementTypes
import Glibc
import GraphIR
import GraphLowering
import GraphRewrites
import JSON
import KernelCodeGen
import KernelIR
import KernelSwarm
import ModelPackage

/// The way from a graph to a package: every stage is one call here, and no stage exists that is not here.
package struct Pipeline {
    /// Names of the stages, in order; the keys of timings, traces and debug output.
    package enum Stage: String, CaseIterable, Sendable {
        case rewrite, lower, generate, compile, fold, plan, write, profile, search
    }

    /// What a stage took; a stage that ran twice is listed twice.
    package struct Timing: Sendable {
        package var stage: Stage
        package var seconds: Double
    }

    /// A model on its way: the imported graph and what belongs to it.
    package struct Model {
        package var graph: Graph
        package var tensors: any TensorSource
        /// Inputs with PyTorch's results and the truth, if known.
        package var record: ReferenceRecord?
        package var provenance: [Manifest.Fact]

        /// Makes a model.
        package init(
            graph: Graph, tensors: any TensorSource, record: ReferenceRecord? = nil, provenance: [Manifest.Fact] = []
        ) {
            self.graph = graph
            self.tensors = tensors
            self.record = record
            self.provenance = provenance
        }
    }

    /// Where the kernels run, and for what they are generated.
    package let device: any Device
    /// The compiler of generated text.
    package let toolchain: CToolchain
    /// Called when a stage begins.
    package var progress: (Stage) -> Void = { _ in }
    /// Called after every batch of the search.
    package var searchProgress: (SearchProgress) -> Void = { _ in }
    /// What the stages took so far.
    package private(set) var timings: [Timing] = []
    private let emitter: KernelEmitter

    /// Makes a pipeline.
    package init(device: any Device, toolchain: CToolchain) {
        self.device = device
        self.toolchain = toolchain
        emitter = KernelEmitter(CPUTarget(device.limits))
    }

    /// Builds a package at `path`. With a search, the package with default schedules appears first; `profile` runs it and
    /// returns the seconds of each launch, and the package with the winners replaces it.
    @discardableResult
    package mutating func build(
        _ model: Model, to path: String, search: KernelSearch? = nil, profile: (String) throws -> [Double] = { _ in [] }
    ) async throws -> [RegionReport] {
        let folder = try TemporaryFolder()
        let rewritten = try stage(.rewrite) { try rewrite(model.graph) }
        let program = try stage(.lower) { try lower(rewritten) }
        let list = KernelList(program)
        let constants = try await write(model, program, list, [:], [], folder, to: path)
        guard let search else { return [] }
        let seconds = try stage(.profile) { try profile(path) }
        let running = program.launches.indices.filter { !program.launches[$0].isConstant }
        let times = Dictionary(uniqueKeysWithValues: zip(running, seconds))
        progress(.search)
        let began = monotonicNow()
        let found = try await search.run(
            program, list, graph: rewritten, tensors: model.tensors, folder: constants, record: model.record,
            seconds: times, emitter: emitter, toolchain: toolchain, limits: device.limits, directory: folder.path,
            report: searchProgress)
        timings.append(Timing(stage: .search, seconds: monotonicNow() - began))
        _ = try await write(model, program, list, found.schedules, found.regions, folder, to: path)
        return found.regions
    }

    /// Generates, compiles, folds constants, plans and writes, under the given schedules.
    private mutating func write(
        _ model: Model, _ program: LoweredProgram, _ list: KernelList, _ schedules: [KernelID: Schedule],
        _ regions: [RegionReport], _ folder: TemporaryFolder, to path: String
    ) async throws -> ConstantFolder {
        let interface = try ModelInterface(model.graph)
        let emitter = self.emitter
        let generated = try stage(.generate) { try GeneratedProgram(list, schedules: schedules, emitter: emitter) }
        let object = folder.newFile("plan.so")
        progress(.compile)
        let began = monotonicNow()
        try await toolchain.compile(generated.source, flags: emitter.compilerFlags, to: object, timeLimit: 600)
        timings.append(Timing(stage: .compile, seconds: monotonicNow() - began))
        let constants = ConstantFolder(
            program, list, generated, tensors: model.tensors, device: device,
            code: try device.loadProgram(path: object))
        try stage(.fold) { try constants.run() }
        let assembly = try stage(.plan) {
            var assembly = try PlanAssembly(
                program, list, generated, graph: model.graph, tensors: model.tensors, folder: constants)
            try assembly.addStates(model.tensors)
            return assembly
        }
        let (target, timings) = (device.limits, self.timings)
        try stage(.write) {
            var writer = try PackageWriter(path: path)
            try writer.add("plan.json", assembly.plan)
            try writer.add("kernels/plan.c", Array(generated.source.utf8))
            try writer.add("kernels/plan.so", try folder.read(object))
            try writer.add("report.json", Array(BuildReport.json(timings, regions).prettyText.utf8))
            if let record = model.record { try writer.add("golden.safetensors", tensors: record.stored) }
            if !assembly.weights.isEmpty {
                try writer.add("weights.safetensors", tensors: assembly.weights.map(\.stored))
            }
            let plan = Manifest.PlanEntry(
                file: "plan.json", program: "kernels/plan.so", device: target.kind.rawValue,
                features: target.features.map(\.rawValue), fingerprint: target.fingerprint, machine: target.model)
            try writer.finish(
                Manifest(
                    name: model.graph.name, interface: interface, plans: [plan],
                    weights: assembly.weights.isEmpty ? nil : "weights.safetensors", provenance: model.provenance))
        }
        return constants
    }

    private mutating func stage<Result>(_ stage: Stage, _ body: () throws -> Result) rethrows -> Result {
        progress(stage)
        let began = monotonicNow()
        defer { timings.append(Timing(stage: stage, seconds: monotonicNow() - began)) }
        return try body()
    }
}
