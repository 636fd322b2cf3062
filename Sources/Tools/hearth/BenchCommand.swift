import ArgumentParser
import Base
import Baselines
import DeviceAPI
import DeviceRates
import Glibc
import JSON
import ModelPackage

/// Measures a package beside PyTorch and its peers in one interleaved run.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Times a package beside its rivals in one interleaved run.",
        discussion: """
            The package and every rival are called from Python, each in a process of its own, with tensors where the device \
            works on them, for new ones. In each round every side runs one batch of calls, in an order that turns from round \
            to round, while the others wait; rounds take the recorded input sets in turn. The ratio is the median over rounds \
            of theirs / ours: above 1 the package is faster. Afterwards the outputs of timed calls are held against the \
            recorded truth. On a GPU the device's own time of a call stands beside it, and the energy of the board where it \
            says. Rivals: \(BenchRivals.all(onGPU: false).joined(separator: ", ")); on an NVIDIA GPU: \
            \(BenchRivals.all(onGPU: true).joined(separator: ", ")). `all` stands for these. A rival that cannot run the model is \
            listed with its reason.

            torch.compile keeps what it compiled in TORCHINDUCTOR_CACHE_DIR; max-autotune chooses anew in every run.

            Example: hearth bench model.hearth --model model.py:build --against eager,compile,max-autotune
            """)

    @Argument(help: "The package, a directory NAME.hearth.") var package: String
    @Option(help: "Rivals, separated by commas, or 'all'.") var against = "eager,compile"
    @Option(help: "What the rivals run: FILE.py:FUNCTION or FILE.pt2 (default: what the package was made from).")
    var model: String?
    @Option(name: [.customShort("i"), .long], help: "A safetensors file with the inputs (input.0, input.1, …).")
    var inputs: String?
    @Option(help: "Rounds; a round is one batch of each side.") var rounds = 21
    @Option(help: "Milliseconds of calls in a batch; at least 2 calls are made.") var batch = 60.0
    @Option(help: "Python that has torch (default: HEARTH_PYTHON, .venv/bin/python, python3).") var python: String?
    @Option(help: "\(DeviceChoice.help) (default: what the package was made for).") var device: String?
    @Option(help: "Threads of each side (default: one per core).") var threads: Int?
    @Flag(help: "Call the package from this process, on the first input set alone, instead of from Python.")
    var inProcess = false
    @Option(help: "Seconds of calls of each side whose energy is measured, where the device says; 0 for none.")
    var energy = 1.0
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if rounds < 4 { throw ValidationError("--rounds should be at least 4") }
        if !(batch > 0) { throw ValidationError("--batch should be more than 0 milliseconds") }
        if let threads, threads < 1 { throw ValidationError("--threads should be at least 1") }
        if BenchRivals.named(against, onGPU: false).isEmpty { throw ValidationError("--against names no rival") }
    }

    func run() throws {
        let report = try measure()
        print(json ? report.json.text : report.text)
        if report.measured.isEmpty {
            throw BadInput("no rival could be measured: \(report.rows.compactMap(\.failure).first ?? "")")
        }
    }

    /// Measures all sides.
    func measure() throws -> BenchReport {
        let device = try DeviceChoice.open(for: package, asked: self.device, threads: threads)
        let modes = BenchRivals.named(against, onGPU: device.limits.torchDevice == "cuda")
        let directory = try PackageDirectory(path: package)
        let facts = directory.manifest.provenance
        if let weights = facts.first(where: { $0.name == "weights" })?.value {
            Failure.complain("hearth: note: the package has weights in \(weights); rivals run the model as it was")
        }
        guard let model = model ?? facts.first(where: { $0.name == "model" })?.value else {
            throw BadInput("the package does not say what it was made from; give --model FILE.py:FUNCTION or FILE.pt2")
        }
        let recorded = directory.path(of: "golden.safetensors")
        guard let path = inputs ?? (access(recorded, R_OK) == 0 ? recorded : nil) else {
            throw BadInput(
                "bench needs inputs that both sides share; give --inputs FILE.safetensors with input.0, input.1, …")
        }
        let ours: BenchOurs =
            inProcess
            ? .here(try BenchRunner(package: package, device, inputs: path))
            : .python(library: try PythonFiles.library())
        let rivals = BenchRivals(
            ours.isHere ? modes : [BenchRivals.ours] + modes, python: PythonFiles.interpreter(python),
            script: try PythonFiles.script("baseline.py"))
        let sets = ours.isHere ? [0] : try GoldenInputs.setsAlike(path: path, interface: directory.manifest.interface)
        let threads = Int64(device.limits.threads)
        rivals.prepare(inputs: PythonFiles.absolute(path), sets: sets) { mode in
            guard case .python(let library) = ours, mode == BenchRivals.ours else {
                return [
                    "model": .string(PythonFiles.absolute(model)), "threads": .integer(threads),
                    "device": .string(device.limits.torchDevice),
                ]
            }
            return [
                "model": .string(PythonFiles.absolute(package)), "threads": .integer(threads),
                "device": .string(device.limits.name), "library": .string(library),
            ]
        }
        let bench = BenchMeasurement(
            ours: ours, rivals: rivals, sets: sets, rounds: rounds, batch: batch, modes: modes.count,
            turn: try DeviceChoice.turns(for: package, asked: self.device))
        var report = BenchReport(
            package: package, model: model, machine: device.limits.model, threads: device.limits.threads,
            isFromPython: !ours.isHere, sets: sets.count, rows: [])
        let timing = try bench.measure()
        report.rows = modes.indices.map { index in
            .init(
                mode: modes[index], timing: timing.paired(with: index + 1),
                failure: rivals.failures[bench.rival(index)], versions: rivals.versions[bench.rival(index)])
        }
        try bench.verify(
            &report, golden: path, interface: directory.manifest.interface, hasState: Self.hasState(directory))
        try bench.measureDevice(&report)
        try Self.check(report, directory, device)
        if energy > 0 { try bench.measureEnergy(&report, device, seconds: energy) }
        rivals.quit()
        return report
    }

    /// A time that the device cannot have reached is no measurement. Only where it was measured what it reaches, and at the extents
    /// of the export.
    private static func check(_ report: BenchReport, _ directory: PackageDirectory, _ device: any Device) throws {
        guard directory.manifest.interface.symbols.isEmpty, let rates = RatesFile.standard.rates(of: device),
            let entry = directory.manifest.plans.first(where: { $0.device == device.limits.kind.rawValue })
        else { return }
        let floor = LaunchCeiling(directory, try directory.plan(entry), device.limits, rates).floorSeconds
        for time in [report.oursWall, report.oursDevice] where (time ?? .infinity) * 1e-9 < floor {
            throw BadInput(
                "the measurement failed: \(TextFormat.time(time ?? 0)) a call is less than the \(TextFormat.time(floor * 1e9)) that "
                    + "\(device.limits.model) needs at least; measure again, and its rates with hearth devices")
        }
    }

    private static func hasState(_ directory: PackageDirectory) throws -> Bool {
        for entry in directory.manifest.plans {
            for buffer in try directory.plan(entry).buffers.rows {
                if case .state = buffer.placement { return true }
            }
        }
        return false
    }
}
