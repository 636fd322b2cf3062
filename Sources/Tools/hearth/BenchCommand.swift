import ArgumentParser
import Baselines
import DeviceAPI
import Glibc
import JSON
import ModelPackage
import PackageRuntime

/// Measures a package beside PyTorch and its peers in one interleaved run.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Times a package beside its rivals in one interleaved run.",
        discussion: """
            Every rival runs in a Python process of its own. In each round every side runs one batch of calls, in an order \
            that turns from round to round, while the others wait. The ratio is the median over rounds of theirs / ours: \
            above 1 the package is faster. Rivals: eager, compile, compile-freezing, max-autotune, max-autotune-freezing, \
            onnxruntime, openvino; `all` stands for these; reduce-overhead runs when it is named. A rival that cannot run \
            the model is listed with its reason.

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
    @Flag(help: "Print JSON.") var json = false

    /// What `all` stands for. `reduce-overhead` is left out: without a GPU it is the default mode.
    static let all = [
        "eager", "compile", "compile-freezing", "max-autotune", "max-autotune-freezing", "onnxruntime", "openvino",
    ]

    func validate() throws {
        if rounds < 4 { throw ValidationError("--rounds should be at least 4") }
        if !(batch > 0) { throw ValidationError("--batch should be more than 0 milliseconds") }
        if let threads, threads < 1 { throw ValidationError("--threads should be at least 1") }
        if modes.isEmpty { throw ValidationError("--against names no rival") }
    }

    private var modes: [String] {
        var found: [String] = []
        for mode in against.split(separator: ",").map(String.init) {
            found += (mode == "all" ? Self.all : [mode]).filter { !found.contains($0) }
        }
        return found
    }

    func run() throws {
        let device = try DeviceChoice.open(for: package, asked: self.device, threads: threads)
        let loaded = try LoadedPackage(path: package, device: device, verified: true)
        let facts = loaded.directory.manifest.provenance
        guard let model = model ?? facts.first(where: { $0.name == "model" })?.value else {
            throw BadInput("the package does not say what it was made from; give --model FILE.py:FUNCTION or FILE.pt2")
        }
        let recorded = loaded.directory.path(of: "golden.safetensors")
        guard let path = inputs ?? (access(recorded, R_OK) == 0 ? recorded : nil) else {
            throw BadInput(
                "bench needs inputs that both sides share; give --inputs FILE.safetensors with input.0, input.1, …")
        }
        let golden = try GoldenInputs(path: path, interface: loaded.interface)
        let session = try Session(loaded)
        try session.bind(golden.types)
        let results = try session.outputs.map { try TensorMemory($0) }
        let runner = try BenchRunner(session: session, inputs: golden, outputs: results)
        let rivals = BenchRivals(
            modes, python: PythonFiles.interpreter(python), script: try PythonFiles.script("baseline.py"))
        rivals.prepare(
            model: PythonFiles.absolute(model), inputs: PythonFiles.absolute(path), threads: device.limits.threads,
            device: device.limits.torchDevice)
        let timing = try measure(runner, rivals)
        withExtendedLifetime((golden, results)) {}
        let report = BenchReport(
            package: package, model: model, machine: device.limits.model, threads: device.limits.threads,
            rows: modes.indices.map { index in
                .init(
                    mode: modes[index], timing: timing.paired(with: index + 1), failure: rivals.failures[index],
                    versions: rivals.versions[index])
            })
        print(json ? report.json.text : report.text)
        rivals.quit()
        if report.measured.isEmpty {
            throw BadInput("no rival could be measured: \(rivals.failures.compactMap { $0 }.first ?? "")")
        }
    }

    /// Batches of about `batch` milliseconds of every side, interleaved.
    private func measure(_ runner: BenchRunner, _ rivals: BenchRivals) throws -> InterleavedTiming {
        func calls(_ nanoseconds: Double) -> Int { max(2, min(5000, Int(batch * 1e6 / max(nanoseconds, 1)))) }
        let theirs = rivals.indices.map { index in rivals.median(index, calls: 3).map(calls) ?? 0 }
        let ours = calls(try runner.median(calls: 10, warm: 3))
        var timing = InterleavedTiming(sides: rivals.indices.count + 1)
        for _ in 0..<rounds {
            try timing.measure { side in
                side == 0
                    ? try runner.median(calls: ours, warm: 2) : rivals.median(side - 1, calls: theirs[side - 1])
            }
        }
        return timing
    }
}
