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
import KernelJudge
import KernelSwarm
import ModelPackage
import SearchControl
import SearchEvents
import WorkFolders

/// The way from a graph to a package: every stage is one call here, and no stage exists that is not here.
package struct Pipeline {
    /// Names of the stages, in order; the keys of timings, traces and debug output.
    package enum Stage: String, CaseIterable, Sendable {
        case rewrite, lower, generate, compile, fold, plan, write, profile, cover, search
    }

    /// What a stage took; a stage that ran twice is listed twice.
    package struct Timing: Sendable {
        package var stage: Stage
        package var seconds: Double
    }

    /// A model on its way: the imported graph and what belongs to it.
    package struct Model: Sendable {
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

    /// What the two levels of the search found.
    package struct Findings: Sendable {
        /// The search over whole models; nil when there was none.
        package var cover: CoverReport?
        /// The search over the schedules of each kernel.
        package var regions: [RegionReport] = []
        /// What kept generated code from the rest of the machine, a line for each place where it ran.
        package var sandbox: [String] = []
    }

    /// Of the device that the package is for; it need not be here.
    package let limits: DeviceLimits
    /// The compiler of generated C.
    package let toolchain: CToolchain
    /// How the process is started in which generated code computes constants.
    package let worker: WorkerCommand
    /// Called when a stage begins.
    package var progress: (Stage) -> Void = { _ in }
    /// Told of everything that happens.
    package var events: @Sendable (SearchEvent) -> Void = { _ in }
    /// Where a copy of the package by the rules is to be left, for comparisons with what the search found.
    package var defaultCopy: String?
    /// Whether small kernels share launches where the device gains from it.
    package var joinsLaunches = true
    /// What keeps generated code from the rest of the machine, a line for each place where it runs; for the report.
    package var sandbox: [String] = []
    /// What the stages took so far.
    package private(set) var timings: [Timing] = []
    private var generator: CodeGenerator
    private let images: DeviceImages?

    /// Makes a pipeline for the host; without libraries, only generated kernels are candidates.
    package init(device: any Device, toolchain: CToolchain, worker: WorkerCommand, usesLibraries: Bool = true) {
        var target = CPUTarget(device.limits)
        target.hasOneDNN = target.hasOneDNN && usesLibraries
        self.init(
            limits: device.limits, generator: CodeGenerator(KernelEmitter(target)), toolchain: toolchain, images: nil,
            worker: worker)
    }

    /// Makes a pipeline for a device of these limits that runs blocks of threads; nil where there is no generator for it.
    package init?(
        limits: DeviceLimits, images: DeviceImages, host: DeviceLimits, toolchain: CToolchain, worker: WorkerCommand,
        usesLibraries: Bool = true
    ) {
        guard var target = SIMTTarget(limits) else { return nil }
        target.hasProductLibrary = target.hasProductLibrary && usesLibraries
        target.hasConvolutionLibrary = target.hasConvolutionLibrary && usesLibraries
        target.hasTriton = target.hasTriton && images.hasTriton
        // What the host computes must be the same wherever its libraries are.
        var hostTarget = CPUTarget(host)
        hostTarget.hasOneDNN = false
        let generator = CodeGenerator(KernelEmitter(hostTarget), device: SIMTEmitter(target))
        self.init(limits: limits, generator: generator, toolchain: toolchain, images: images, worker: worker)
    }

    init(
        limits: DeviceLimits, generator: CodeGenerator, toolchain: CToolchain, images: DeviceImages?,
        worker: WorkerCommand
    ) {
        self.limits = limits
        self.generator = generator
        self.toolchain = toolchain
        self.images = images
        self.worker = worker
    }

    /// What makes candidates for this device.
    package var compiler: CandidateCompiler {
        CandidateCompiler(generator: generator, toolchain: toolchain, images: images)
    }

    /// Takes texts in place of generated kernels where a schedule asks for them.
    package mutating func take(_ texts: WrittenTexts) { generator.texts = texts }

    /// Leaves calls of a vendor's library that failed out of what is built from now on.
    package mutating func leaveOut(_ refusal: LibraryRefusal) {
        guard var target = generator.device?.target else { return }
        target.leaveOut(refusal)
        let texts = generator.texts
        generator = CodeGenerator(generator.host, device: SIMTEmitter(target))
        generator.texts = texts
    }

    /// Builds a package at `path`. With a search, the package by the rules appears first; `profile` runs it and returns the
    /// seconds of each launch; then whole-model decisions are searched, then the schedules of the kernels, what was found is tried
    /// within the model (`placed`), and the package with the winners replaces it.
    @discardableResult
    package mutating func build(
        _ model: Model, to path: String, covers: CoverSearch? = nil, search: KernelSearch? = nil,
        placed: PlacedTrials? = nil,
        profile: (String) throws -> [Double] = { _ in [] }
    ) async throws -> Findings {
        let folder = try TemporaryFolder()
        let objects = KernelObjects(toolchain: toolchain, flags: generator.host.compilerFlags, folder: folder)
        let notify = events
        var findings = Findings()
        findings.sandbox = sandbox
        let choices = FormChoices(limits)
        let rewritten = try stage(.rewrite) { try ModelForm.rewritten(model.graph, choices) }
        trace(model.graph, rewritten)
        var form = try stage(.lower) { try ModelForm(choices, rewritten) }
        try trace(form)
        var model = model
        model.provenance.append(RuleKernels(form).fact)
        let maker = PackageMaker(
            model: model, limits: limits, generator: generator, objects: objects, images: images, folder: folder,
            constants: try ConstantWorkshop(worker), joinsLaunches: joinsLaunches)
        var started = monotonicNow()
        var made = try await maker.make(form, [:], findings, &self, to: path)
        var makeSeconds = monotonicNow() - started
        guard var search else { return findings }
        if let defaultCopy { try PackageWriter.copy(path, to: defaultCopy) }
        var seconds = made.groups.shared(try stage(.profile) { try profile(path) })
        if let covers {
            let began = begin(.cover)
            let (cover, found) = try await covers.run(
                form, at: path, model: model, seconds: seconds, folder: folder, device: limits,
                events: notify
            ) { form, path in try await maker.make(form, to: path) }
            findings.cover = cover
            end(.cover, began)
            if found.choices != form.choices {
                form = found
                started = monotonicNow()
                made = try await maker.make(form, [:], findings, &self, to: path)
                makeSeconds = monotonicNow() - started
                seconds = made.groups.shared(try stage(.profile) { try profile(path) })
            }
        }
        if let covers {
            search.fittedElsewhere = Set(
                covers.fitting(FormSpace(form, seconds: seconds, threads: limits.blocks == nil ? limits.threads : 1)))
            search.memory = KernelMemory(
                covers.goal, SearchFigures(seconds: 0, bytes: covers.goal.needsMemory ? covers.bytes(path) : nil))
        }
        let running = form.program.launches.indices.filter { !form.program.launches[$0].isConstant }
        let times = Dictionary(uniqueKeysWithValues: zip(running, seconds))
        let began = begin(.search)
        let subject = KernelSearch.Subject(
            program: form.program, list: form.list, graph: form.graph, tensors: model.tensors, folder: made.folder,
            record: model.record, seconds: times, limits: limits)
        let found = try await search.run(
            subject, compiler: compiler, directory: folder.path, events: notify
        ) { [form, makeSeconds] finalists, fixed in
            guard let placed, !finalists.isEmpty else { return [:] }
            let began = monotonicNow()
            let outcome = await placed.run(
                finalists, fixed: fixed, base: path, baseSeconds: makeSeconds, clock: monotonicNow
            ) { schedules in
                let path = folder.newFile("placed.hearth")
                do { try await maker.make(form, schedules, to: path) } catch { return nil }
                return path
            } discard: {
                removeTree($0)
            }
            notify(.note(SearchNote(outcome, seconds: monotonicNow() - began)))
            return outcome.schedules
        }
        end(.search, began)
        findings.regions = found.regions
        _ = try await maker.make(form, found.schedules, findings, &self, to: path)
        return findings
    }

    /// Runs a stage and notes its time.
    mutating func stage<Result>(_ stage: Stage, _ body: () throws -> Result) rethrows -> Result {
        let began = begin(stage)
        defer { end(stage, began) }
        return try body()
    }

    /// Announces a stage; for those that wait. Returns the time of its beginning.
    func begin(_ stage: Stage) -> Double {
        progress(stage)
        return monotonicNow()
    }

    /// Notes the end of a stage.
    mutating func end(_ stage: Stage, _ began: Double) {
        let seconds = monotonicNow() - began
        timings.append(Timing(stage: stage, seconds: seconds))
        var ended = StageEnd()
        (ended.stage, ended.seconds) = (stage.rawValue, seconds)
        events(.stage(ended))
        traceTiming()
    }
}
