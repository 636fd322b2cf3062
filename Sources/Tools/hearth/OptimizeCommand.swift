import ArgumentParser
import Base
import CPUDevice
import DeviceAPI
import DeviceCatalogue
import ElementTypes
import Glibc
import GraphIR
import KernelArchive
import KernelCodeGen
import KernelJudge
import KernelSwarm
import KernelWorker
import ModelFiles
import ModelImport
import ModelPackage
import PackageBuilder
import PackageRuntime
import ReferenceInterpreter
import SearchControl
import SearchEvents
import WorkFolders

extension ModelFileError: UserFault {}
extension ImportError: UserFault {}
extension ToolchainError: UserFault {}
extension BuildError: UserFault {}
extension WeightFormat: ExpressibleByArgument {}
extension ProductPrecision: ExpressibleByArgument {}

/// Reads a model, fuses it, searches kernels, judges them and writes a package.
struct OptimizeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "optimize", abstract: "Turns a PyTorch program into a fast package.",
        discussion: """
            The model is FILE.pt2 as torch.export.save writes it, FILE.py:FUNCTION, where the function returns (module, \
            example_inputs) and optionally dynamic dimensions, or a folder with what was captured of such a function before.

            A package remembers where its model and inputs were: --from-package NAME.hearth builds it again from there, for this \
            machine.

            --check builds nothing: it says whether the package is still what this command would make, with exit code 0 where it is and \
            \(Failure.notCurrent) where it is not (see Documentation/pipeline.md). For several devices, --device again or cpu,cuda: the \
            model is captured and its truth evaluated once, and NAME.hearth becomes NAME.cpu.hearth, NAME.cuda.hearth.

            HEARTH_DEBUG=1 to 5 shows the stages: 1 their times, 2 the graph before and after the rewrites, 3 the kernels, \
            4 the generated C and the calls of the compiler, 5 the search's candidates and verdicts; HEARTH_DEBUG=3,lower \
            shows one stage alone. The stages are \(Pipeline.Stage.allCases.map(\.rawValue).joined(separator: ", ")). With \
            HEARTH_DEBUG_DIR each writes a file of its name in that folder instead.

            Example: hearth optimize model.pt2 --inputs golden.safetensors -o model.hearth
            """)

    @Argument(help: "The model: FILE.pt2, FILE.py:FUNCTION or a folder of a capture.") var source: String?
    @Flag(help: ArgumentHelp("Start every kernel by a launch of its own.", visibility: .hidden))
    var separateLaunches = false
    @Option(help: "Build this package again, from the model and the inputs that it was built from.")
    var fromPackage: String?
    @Option(name: [.customShort("o"), .long], help: "The package to write (default: the model's name with .hearth).")
    var output: String?
    @Option(
        name: [.customShort("i"), .long],
        help: """
            A safetensors file with inputs (input.0, …) and, if known, PyTorch's outputs (output.0, …); without it, the \
            inputs that the model was exported with, and others drawn like them.
            """)
    var inputs: String?
    @Option(
        help: """
            Sets of inputs to record and verify with. Where sizes are dynamic, one more, which nothing before saw, is drawn for \
            the finished package, but not with --sets 1 --trials 0. With --sets 0 --trials 0 none is recorded and the package is \
            not held to the model: for models that take too long in double precision.
            """)
    var sets = 2
    @Option(help: "Python that has torch, for FILE.py:FUNCTION (default: HEARTH_PYTHON, .venv/bin/python, python3).")
    var python: String?
    @Option(help: "Candidates that the search may try; 0 keeps the default schedules.") var trials = 120
    @Option(help: "Seconds that the search may take.") var budget = 120.0
    @Option(help: "Candidates of a kernel without a win in a row after which its search ends.") var patience = 64
    @Option(help: "Seed of the search.") var seed: UInt64 = 1
    @Option(
        help: """
            Search agents, 1 to \(AgentRoster.most): each mind gets as even a part of them as can be, and the agents of a \
            mind divide the \(Speciality.allCases.count) specialities among them; 1 is evolution over all choices. From \
            \(AgentRoster.kinds + 1) on there are further agents of the same kinds, with draws of their own.
            """)
    var agents = AgentRoster.usual
    @Option(
        help: "\(ArchivePlace.help)"
    )
    var archive: String?
    @Option(
        name: .customLong("device"),
        help: """
            \(DeviceChoice.help), or cuda:sm_80, cuda:sm_90 to build for such a GPU without having it (default: cpu, or that of \
            --from-package); may be given again, or as a list with commas: one package each.
            """)
    var deviceLists: [String] = []
    @Option(help: "Threads to use (default: one per core).") var threads: Int?
    @Option(
        help: """
            Store the large weights of products in fewer bits: fp8 (\(WeightFormat.fp8.summary)), int8 \
            (\(WeightFormat.int8.summary)) or int4 (\(WeightFormat.int4.summary)). Results change; by how much is stated.
            """)
    var weights: WeightFormat?
    @Option(
        help: """
            Compute products and convolutions in fewer bits. bf16, fp16: operands are rounded to it, sums are taken in f32, norms and \
            softmax stay in f32, as PyTorch's autocast does. int8: those by weights, with a scale a row of the weight and, found as the model \
            runs, a row (of convolutions: an image) of the activations. tf32: factors of f32 may be rounded to 11 bits where a device \
            gains by it; tf32-convolutions: those of convolutions alone, as PyTorch does on GPUs by itself. Results change; by how much is stated.
            """)
    var precision: ProductPrecision?
    @Option(
        help: "With --precision: a product whose own error is beyond this, in percent of its results, stays as it is.")
    var layerError = 5.0
    @Option(
        help: """
            With --precision int8: a safetensors file with samples (input.0, …, set.1.input.0, …), from which the ranges of \
            activations follow, where that is accurate enough; then they need not be found as the model runs.
            """)
    var calibration: String?
    @Flag(help: "Build nothing; say whether the package is current.") var check = false
    @Flag(
        help: """
            Try nothing more for kernels whose search ended before on this machine with at least these --trials, --budget and \
            --patience (see --archive): they take what it ended with, judged again.
            """)
    var onlyChanged = false
    @Flag(help: "Where PyTorch cannot capture FILE.py:FUNCTION, print its whole explanation.") var verbose = false
    @Flag(
        help: """
            Call no vendor's library (oneDNN, cuBLASLt, cuDNN); generated kernels only, so that the package runs where none is \
            installed.
            """)
    var noLibraries = false
    @OptionGroup(title: "Search") var wishes: SearchOptions
    @OptionGroup(title: "A language model in the search") var language: LanguageOptions

    func validate() throws {
        if let fault = wishes.fault(trials: trials) ?? language.fault(trials: trials) { throw ValidationError(fault) }
        if let fault = devicesFault { throw ValidationError(fault) }
        if trials < 0 { throw ValidationError("--trials should not be negative") }
        if (source == nil) == (fromPackage == nil) {
            throw ValidationError("give a model, or a package with --from-package")
        }
        if !(budget >= 0) { throw ValidationError("--budget should be a number of seconds, 0 or more") }
        if !(1...AgentRoster.most).contains(agents) {
            throw ValidationError("--agents should be a number from 1 to \(AgentRoster.most)")
        }
        if calibration != nil, precision != .int8, fromPackage == nil {
            throw ValidationError("--calibration is for --precision int8")
        }
        if !(layerError >= 0) { throw ValidationError("--layer-error should be a percentage, 0 or more") }
        if weights != nil, precision != nil { throw ValidationError("give --weights or --precision, not both") }
        if patience < 1 { throw ValidationError("--patience should be at least 1") }
        if sets < 0 { throw ValidationError("--sets should not be negative") }
        if sets == 0,
            trials > 0 || weights != nil || precision.map({ !$0.isPermission }) ?? false || wishes.against != nil
        {
            throw ValidationError(
                "--sets 0 records nothing to search, state a deviation or compare with: give --trials 0, no --precision but tf32, "
                    + "and neither --weights nor --against")
        }
    }

    func run() async throws {
        let setting = getenv("HEARTH_DEBUG").map { String(cString: $0) } ?? ""
        if let fault = DebugChannel.fault(setting, stages: Pipeline.Stage.allCases.map(\.rawValue)) {
            throw BadInput("HEARTH_DEBUG: \(fault)")
        }
        // Wishes that cannot be understood are said before anything is done.
        let wanted = Wanted(
            goal: try wishes.goal(), hints: try wishes.parsedHints(), language: try language.source())
        if check { return try await sayWhetherCurrent() }
        let each = try forEachDevice()
        if each.count > 1 { return try await optimize(each, wanted) }
        try await optimize(SharedModel(), wanted)
    }

    /// Builds one package. What it captures and evaluates is left in `shared`, and taken from there.
    func optimize(_ shared: SharedModel, _ wanted: Wanted) async throws {
        let console = SearchConsole(SearchConsole.style(json: wishes.json, plain: wishes.plain))
        defer { console.close() }
        let request = try Request(self)
        let (model, inputs, allowed, path) = (request.model, request.inputs, request.allowed, request.path)
        // Packages are built here; under the name asked for stands nothing that has not been checked, whenever this process ends.
        let beside = try PackageWriter.workFolder(beside: path)
        defer { beside.remove() }
        // Measured rates bound what a kernel can reach.
        var (limits, device) = try DeviceChoice.target(place, threads: threads, measured: trials > 0)
        if trials > 0, let device { limits.rates = try await DeviceChoice.rates(of: device, python: python) }
        if wanted.goal.objective == .energy, device?.telemetry?.joules == nil {
            throw BadInput(PackageComparison.noEnergy(limits.model))
        }
        if device == nil, trials > 0 {
            console.note("\(place) is not opened; nothing is searched and nothing is verified")
        }
        console.take(.start(start(PythonFiles.absolute(model), limits)))
        let isCapture = ModelCapture.isFolder(model)
        let origin = isCapture ? ModelCapture(folder: model).program : model
        var facts = [Manifest.Fact(name: "model", value: PythonFiles.absolute(origin))]
        if ModelCapture.isFunction(model) || isCapture {
            let capture =
                try shared.capture
                ?? (isCapture
                    ? ModelCapture(folder: model)
                    : ModelCapture(model, python: python, inputs: inputs, sets: max(0, sets - 1), verbose: verbose))
            shared.capture = capture
            defer { withExtendedLifetime(capture) {} }
            try await build(
                capture.program, golden: capture.golden, names: capture.symbolNames, allowed, shared, limits, device,
                &facts, wanted, console, in: beside.path, to: path)
        } else {
            if let inputs { facts.append(.init(name: "inputs", value: PythonFiles.absolute(inputs))) }
            try await build(
                model, golden: inputs, allowed, shared, limits, device, &facts, wanted, console, in: beside.path,
                to: path)
        }
    }

    private func build(
        _ program: String, golden: String?, names: [String: String] = [:], _ allowed: Allowed?,
        _ shared: SharedModel, _ limits: DeviceLimits, _ device: (any Device)?, _ facts: inout [Manifest.Fact],
        _ wanted: Wanted,
        _ console: SearchConsole, in folder: String, to path: String
    ) async throws {
        let archive = try ExportedProgramArchive(path: program)
        var imported = try ImportedModel(archive.contents)
        imported.graph.renameSymbols(names)
        if let size = imported.graph.impossibleSize(limit: limits.memoryBytes) {
            throw BadInput("\(source ?? program): \(size)")
        }
        if imported.graph.exits.isEmpty {
            throw BadInput("\(source ?? program) returns no tensor and changes no buffer: there is nothing to compute")
        }
        let stored = ArchiveTensors(archive: archive, stored: imported.tensors)
        facts += try builtFrom(ProgramDigest(imported.graph, tensors: stored), allowed)
        var record = sets > 0 ? try shared.record ?? self.record(imported, stored, golden, of: program) : nil
        shared.record = record
        var coded: CodedModel?
        if let allowed {
            let samples = try self.samples(imported, record, allowed, &facts)
            let model = try await CodedModel(imported.graph, tensors: stored, bits: allowed.bits, samples: samples)
            record = try state(model, record, &facts)
            coded = model
        }
        if record == nil { facts.append(.init(name: BuildReport.notHeld, value: Self.notHeld)) }
        let toolchain = try await CToolchain.find()
        var pipeline = try await pipeline(limits, device, toolchain, &facts)
        facts.append(.init(name: "torch", value: imported.torchVersion))
        facts.append(.init(name: "compiler", value: toolchain.version))
        Self.endSearchOnSignals()
        pipeline.joinsLaunches = !separateLaunches
        pipeline.events = { console.take($0) }
        pipeline.sandbox = try saySandbox(isSearching: trials > 0 && device != nil)
        let tensors: any TensorSource = if let coded { coded.tensors } else { stored }
        // Who records one set and searches nothing, as one does with the largest models, wants no second truth.
        let looksAgain = device != nil && (trials > 0 || sets > 1)
        let unseen =
            looksAgain ? try record.flatMap { try self.unseen($0, imported.graph, stored, coded, in: folder) } : nil
        if let unseen { facts.append(.init(name: "unseen_inputs", value: unseen.summary)) }
        var model = Pipeline.Model(
            graph: coded?.graph ?? imported.graph, tensors: tensors, record: record, provenance: facts)
        let place = folder + "/new.hearth"
        let isSearched = trials > 0 && device != nil
        let before = isSearched ? folder + "/default.hearth" : nil
        let texts = isSearched && language.asksForSource ? WrittenTexts() : nil
        if let texts { pipeline.take(texts) }
        let advisor =
            try isSearched
            ? wanted.language.map {
                try language.advisor($0, besides: ArchivePlace.path(self.archive), texts: texts, console)
            } : nil
        pipeline.defaultCopy = before
        var refused: [String: Int] = [:]
        var failures: [String] = []
        while let failure = try await attempt(
            &pipeline, model, device, toolchain, wanted, advisor, console, unseen, at: place, for: path)
        {
            // One call after another may fail; then the library is of no use here.
            var refusal = failure.refusal
            let before = refused[refusal.library, default: 0]
            if before >= Self.mostRefusedCalls { refusal.sizes = nil }
            refused[refusal.library] = refusal.sizes == nil ? Int.max : before + 1
            // A library that was left out as a whole cannot fail again.
            if before == Int.max { throw failure }
            let line = "\(failure.refusal); built again without \(refusal.subject)"
            console.note(line)
            failures.append(line)
            model.provenance = facts + [.init(name: BuildReport.libraryFailed, value: failures.joined(separator: "; "))]
            pipeline.leaveOut(refusal)
        }
        if device == nil {
            console.note(
                "\(path) was not run: there is no \(limits.model) here; run hearth verify where there is one")
        }
        let package = FinishedPackage(
            place: place, before: before, goal: wanted.goal, options: device == nil ? nil : runOptions,
            console: console, reached: wanted.reached)
        try await finish(package, wanted, unseen, for: path)
        try PackageWriter.move(place, to: path)
        console.close()
        sayNotes(path)
        if sets == 0 { Failure.complain("hearth: note: \(path): \(Self.notHeld)") }
        if let advice = console.record.adviceSentence { Failure.complain("language model: \(advice)") }
        if isSearched || wishes.against != nil { Failure.complain(console.record.summary) }
        if wishes.json { Failure.complain("wrote \(path)") } else { print("wrote \(path)") }
    }

    /// Calls of a library that are left out one by one before all are.
    private static let mostRefusedCalls = 3

    /// Builds the package at `place` and holds it to the truth, where its device is here. Returns the call of a vendor's library that
    /// failed in it, if one did.
    private func attempt(
        _ pipeline: inout Pipeline, _ model: Pipeline.Model, _ device: (any Device)?, _ toolchain: CToolchain,
        _ wanted: Wanted, _ advisor: (any ScheduleAdvisor)?, _ console: SearchConsole, _ unseen: UnseenInputs?,
        at place: String, for path: String
    ) async throws -> LibraryFailed? {
        // Without the device there is nothing to measure on.
        let search = device == nil ? nil : try self.search(toolchain, wanted, advisor)
        do {
            let findings = try await pipeline.build(
                model, to: place, covers: search?.covers, search: search?.kernels, placed: search?.placed
            ) { path in
                try PackageRehearsal.profile(path, options: runOptions)
            }
            report(pipeline.timings, findings)
            if device != nil, model.record != nil { try agree(place, path, console, unseen) }
            return nil
        } catch let failure as LibraryFailed {
            PackageWriter.remove(place)
            return failure
        } catch let refusal as PackageDisagrees {
            throw refusal
        } catch {
            // From its first writing on, what stands there is a package of this run, with code that is not right.
            let isWritten = pipeline.timings.contains { $0.stage == .write }
            if isWritten, error is KernelRefused || error is ConstantRefused || error is PackageCrashed {
                throw Self.setAside(place, path, error)
            }
            // Nobody has checked what was written so far.
            PackageWriter.remove(place)
            throw error
        }
    }

    /// Says which libraries the package calls, and which products it computes in another way than their type says.
    private func sayNotes(_ path: String) {
        guard let directory = try? PackageDirectory(path: path) else { return }
        for fact in directory.manifest.provenance where fact.name == BuildReport.arithmetic {
            Failure.complain("hearth: note: \(fact.value)")
        }
        for entry in directory.manifest.plans {
            if let note = (try? directory.plan(entry))?.libraryNote {
                Failure.complain("hearth: note: calls \(note); --no-libraries leaves them out")
            }
        }
    }

    private static func withoutSlashes(_ path: String) -> String {
        var name = path
        while name.count > 1, name.hasSuffix("/") { name.removeLast() }
        return name
    }

    /// The first interrupt, hang-up or request to end lets the search end with what it found; the second ends the process.
    private static func endSearchOnSignals() {
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number) { number in
                SearchInterrupt.request()
                signal(number, SIG_DFL)
            }
        }
    }

    /// What tells a process of our own how many threads to use.
    var threadOptions: [String] { threads.map { ["--threads", "\($0)"] } ?? [] }

    /// The devices asked for.
    var devices: [String] { deviceLists.flatMap { $0.split(separator: ",").map(String.init) } }

    /// The device that the package is for.
    var place: String {
        devices.first ?? fromPackage.flatMap { try? PackageDirectory(path: $0).manifest.plans.first?.device } ?? "cpu"
    }

    /// Whether that is the processor.
    var isOnHost: Bool { (try? DeviceCatalogue.isHost(place)) ?? false }

    /// What tells a process of our own where to run a package.
    var runOptions: [String] { ["--device", place] + threadOptions }

    /// The pipeline for a device: C for the processor, or the text of another with what compiles it.
    private func pipeline(
        _ limits: DeviceLimits, _ device: (any Device)?, _ toolchain: CToolchain, _ facts: inout [Manifest.Fact]
    ) async throws -> Pipeline {
        var missing: String?
        let images = try await DeviceChoice.images(limits, python: python, usesTriton: trials > 0) { missing = $0 }
        if let missing {
            Failure.complain("hearth: note: kernels in Triton are not tried: \(missing)")
            facts.append(.init(name: "triton", value: missing))
        }
        guard let images else {
            // Only a device that is here runs no blocks of threads.
            guard let device else { throw BadInput("there is no device '\(place)'") }
            return Pipeline(device: device, toolchain: toolchain, worker: worker, usesLibraries: !noLibraries)
        }
        facts.append(.init(name: "device_compiler", value: images.version))
        guard
            let pipeline = Pipeline(
                limits: limits, images: images, host: try CPUDevice.shared.get().limits, toolchain: toolchain,
                worker: worker, usesLibraries: !noLibraries)
        else { throw BadInput("there is no generator of kernels for \(limits.name)") }
        return pipeline
    }

    /// How the process is started in which kernels run alone.
    var worker: WorkerCommand {
        WorkerCommand(executable: "/proc/self/exe", arguments: ["worker"] + threadOptions)
    }

    /// Says what keeps generated code from the rest of the machine, and what this kernel does not give; returns what it said.
    private func saySandbox(isSearching: Bool) throws -> [String] {
        var lines = ["\(try KernelJudge.sandbox(of: worker))"]
        if isSearching, !isOnHost { lines.append("on \(place): \(try KernelJudge.sandbox(of: judge.command))") }
        for line in lines { Failure.complain("sandbox: \(line)") }
        // Where there are none, `hearth devices` says why; here nobody waits for them.
        let counters = EventCounters(EventCounter.hardware)
        if isSearching, isOnHost, !counters.given.isEmpty { Failure.complain("counters: \(counters.summary)") }
        return lines
    }

    /// Holds the finished package to the judge's rule on every recorded set, and on inputs that nothing before saw.
    func agree(_ path: String, _ target: String, _ console: SearchConsole, _ unseen: UnseenInputs?) throws {
        var (wrong, outputs) = try PackageRehearsal.agreement(path, options: runOptions)
        if let unseen {
            let found = try PackageRehearsal.agreement(path, golden: unseen.path, options: runOptions)
            wrong += found.wrong.map { "on inputs that nothing before saw (\(unseen.summary)): \($0)" }
            outputs += found.outputs.map { output in
                var output = output
                output.output = "unseen.\(output.output)"
                return output
            }
        }
        for finding in wrong { Failure.complain("hearth: \(finding)") }
        guard !wrong.isEmpty else {
            for output in outputs { console.take(.output(output)) }
            return
        }
        throw PackageDisagrees(place: Self.moveAside(path, target))
    }

    /// Moves a package whose code is not right from the name that was asked for; returns the error with where it lies.
    private static func setAside(_ path: String, _ target: String, _ error: any Error) -> any Error {
        let aside = moveAside(path, target)
        guard var crash = error as? PackageCrashed else { return error }
        crash.left = aside
        return crash
    }

    /// Moves a package that is not right from the name that was asked for; returns where it lies.
    private static func moveAside(_ path: String, _ target: String) -> String {
        let name = withoutSlashes(target)
        for suffix in [".rejected"] + (2..<100).map({ ".rejected-\($0)" }) where rename(path, name + suffix) == 0 {
            return name + suffix
        }
        return path
    }

    private func report(_ timings: [Pipeline.Timing], _ findings: Pipeline.Findings) {
        for timing in timings {
            Failure.complain("\(timing.stage.rawValue): \(TextFormat.time(timing.seconds * 1e9))")
        }
        if let cover = findings.cover {
            let before = cover.defaultSeconds.map { TextFormat.time($0 * 1e9) } ?? "-"
            let after = cover.bestSeconds.map { TextFormat.time($0 * 1e9) } ?? "-"
            let refused = cover.refusals.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", ")
            Failure.complain(
                "whole model: \(before) -> \(after), \(cover.trials) trials, \(cover.agent) [\(cover.winner)] \(refused)"
            )
        }
        for region in findings.regions where region.trials > 0 {
            let before = region.defaultSeconds.map { TextFormat.time($0 * 1e9) } ?? "-"
            let after = region.bestSeconds.map { TextFormat.time($0 * 1e9) } ?? "-"
            let refused = region.refusals.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", ")
            Failure.complain(
                "\(region.name) \(region.kernel): share \(TextFormat.fixed(region.share * 100, 1)) %, \(before) -> \(after), "
                    + "\(region.trials) trials, \(region.agent) [\(region.schedule)] \(refused)\(region.note)")
        }
        for region in findings.regions
        where region.verification == .wholeModel || (region.trials == 0 && !region.refusals.isEmpty) {
            Failure.complain(
                "\(region.name) \(region.kernel): verified by \(region.verification.rawValue): \(region.note)")
        }
    }

    /// The name of a package that was given none.
    static func defaultOutput(_ model: String) -> String {
        var stem = model.split(separator: "/").last.map(String.init) ?? model
        if ModelCapture.isFunction(model), let colon = stem.lastIndex(of: ":") {
            stem = String(stem[stem.index(after: colon)...])
        }
        return (stem.hasSuffix(".pt2") ? String(stem.dropLast(4)) : stem) + ".hearth"
    }
}

/// A finished package whose results are not the model's: our fault.
struct PackageDisagrees: Error, CustomStringConvertible {
    /// Where the package lies.
    var place: String

    /// One line that follows those about the outputs.
    var description: String { "the package does not agree with the model (see above) and was left at \(place)" }
}
