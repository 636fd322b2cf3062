import ArgumentParser
import Baselines
import CPUDevice
import DeviceAPI
import Glibc
import JSON
import ModelPackage
import PackageRuntime

/// Measures a package beside PyTorch and its peers in one interleaved run.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Times a package beside PyTorch in one interleaved run.",
        discussion: """
            Every baseline runs in a Python process of its own; batches alternate ABBA and the side that does not run waits. \
            The ratio is theirs / ours: above 1 the package is faster. Modes: eager, compile, compile-freezing, \
            reduce-overhead, max-autotune, max-autotune-freezing, onnxruntime, openvino.

            Example: hearth bench model.hearth --model model.py:build --against eager,compile,max-autotune
            """)

    @Argument(help: "The package, a directory NAME.hearth.") var package: String
    @Option(help: "Baselines, separated by commas.") var against = "eager,compile"
    @Option(help: "What the baselines run: FILE.py:FUNCTION or FILE.pt2 (default: what the package was made from).")
    var model: String?
    @Option(name: [.customShort("i"), .long], help: "A safetensors file with the inputs (input.0, input.1, …).")
    var inputs: String?
    @Option(help: "Rounds of each comparison; a round is one batch of each side.") var rounds = 21
    @Option(help: "Python that has torch (default: HEARTH_PYTHON, .venv/bin/python, python3).") var python: String?
    @Option(help: "Threads of each side (default: one per core).") var threads: Int?
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if rounds < 4 { throw ValidationError("--rounds should be at least 4") }
    }

    func run() throws {
        let device = try CPUDevice(threads: threads)
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
        let runner = Runner(session: session, inputs: golden.addresses, outputs: results.map(\.address))
        var rows: [(mode: String, timing: PairedTiming?, note: String)] = []
        for mode in against.split(separator: ",").map(String.init) {
            do {
                rows.append((mode, try compare(runner, mode: mode, model: model, inputs: path, device), ""))
            } catch let error as BaselineError {
                Failure.complain("hearth: \(error)")
                rows.append((mode, nil, error.description))
            }
        }
        withExtendedLifetime((golden, results)) {}
        report(rows, model: model, device: device)
    }

    private func compare(
        _ runner: Runner, mode: String, model: String, inputs: String, _ device: CPUDevice
    ) throws -> PairedTiming {
        var baseline = try BaselineProcess(
            mode: mode, python: PythonFiles.interpreter(python), script: try PythonFiles.script("baseline.py"))
        let absolute = PythonFiles.absolute(model)
        _ = try baseline.ask(
            "load",
            ["model": .string(absolute), "mode": .string(mode), "threads": .integer(Int64(device.limits.threads))])
        _ = try baseline.ask("inputs", ["path": .string(PythonFiles.absolute(inputs))])
        _ = try baseline.ask("warm", ["calls": 5, "seconds": 0.5], timeLimit: 3600)
        // Batches of about 60 ms on either side, at least 3 calls.
        let theirs = median(try baseline.run(calls: 5))
        let ours = try runner.median(calls: 20, warm: 10)
        let theirCalls = max(3, min(2000, Int(60e6 / max(theirs, 1))))
        let ourCalls = max(3, min(5000, Int(60e6 / max(ours, 1))))
        var timing = PairedTiming()
        for round in 0..<rounds {
            // ABBA: the order turns in every round.
            if round % 2 == 0 {
                let a = try runner.median(calls: ourCalls, warm: 2)
                timing.rounds.append(.init(ours: a, theirs: median(try baseline.run(calls: theirCalls))))
            } else {
                let b = median(try baseline.run(calls: theirCalls))
                timing.rounds.append(.init(ours: try runner.median(calls: ourCalls, warm: 2), theirs: b))
            }
        }
        baseline.quit()
        return timing
    }

    private func report(
        _ rows: [(mode: String, timing: PairedTiming?, note: String)], model: String, device: CPUDevice
    ) {
        if json {
            let values: [JSONValue] = rows.map { row in
                guard let timing = row.timing else { return ["mode": .string(row.mode), "error": .string(row.note)] }
                return [
                    "mode": .string(row.mode), "ours_ms": .number(timing.ours / 1e6),
                    "theirs_ms": .number(timing.theirs / 1e6),
                    "ratio": .number(timing.ratio), "low": .number(timing.interval.lowerBound),
                    "high": .number(timing.interval.upperBound), "rounds": .integer(Int64(timing.rounds.count)),
                ]
            }
            let value: JSONValue = [
                "package": .string(package), "model": .string(model), "machine": .string(device.limits.model),
                "threads": .integer(Int64(device.limits.threads)), "against": .array(values),
            ]
            print(value.text)
            return
        }
        func pad(_ text: String, _ width: Int) -> String {
            text.count >= width ? text : String(repeating: " ", count: width - text.count) + text
        }
        func ms(_ nanoseconds: Double) -> String { TextFormat.fixed(nanoseconds / 1e6, 3) }
        print(
            "\(pad("baseline", 22))  \(pad("hearth ms", 10))  \(pad("theirs ms", 10))  \(pad("ratio", 6))  95 % interval"
        )
        for row in rows {
            guard let timing = row.timing else {
                print("\(pad(row.mode, 22))  \(row.note)")
                continue
            }
            let low = TextFormat.fixed(timing.interval.lowerBound, 2)
            let high = TextFormat.fixed(timing.interval.upperBound, 2)
            print(
                "\(pad(row.mode, 22))  \(pad(ms(timing.ours), 10))  \(pad(ms(timing.theirs), 10))  "
                    + "\(pad(TextFormat.fixed(timing.ratio, 2), 6))  \(low) … \(high)")
        }
    }

    /// Our side: one bound session.
    final class Runner {
        private let session: Session
        private let inputs: [UnsafeRawPointer]
        private let outputs: [UnsafeMutableRawPointer]

        init(session: Session, inputs: [UnsafeRawPointer], outputs: [UnsafeMutableRawPointer]) {
            self.session = session
            self.inputs = inputs
            self.outputs = outputs
        }

        /// Median nanoseconds of `calls` calls after `warm` untimed ones.
        func median(calls: Int, warm: Int) throws -> Double {
            var times = [Double](repeating: 0, count: calls)
            try inputs.withUnsafeBufferPointer { inputs in
                try outputs.withUnsafeBufferPointer { outputs in
                    for _ in 0..<warm { try session.run(inputs: inputs, outputs: outputs) }
                    for index in 0..<calls {
                        let before = Self.now()
                        try session.run(inputs: inputs, outputs: outputs)
                        times[index] = Double(Self.now() - before)
                    }
                }
            }
            return Baselines.median(times)
        }

        private static func now() -> UInt64 {
            var time = timespec()
            clock_gettime(CLOCK_MONOTONIC, &time)
            return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        }
    }
}
