import Baselines
import DeviceAPI
import JSON

/// The sides of one bench that Python calls, each in a process of its own: rivals, and before them the package itself (mode
/// `hearth`) unless it is called from this process. One that fails drops out with its reason; the others go on.
final class BenchRivals {
    /// The mode in which a process runs the package.
    static let ours = "hearth"

    /// What `all` stands for. `reduce-overhead` is CUDA graphs, so that without a GPU it is the default mode; ONNX Runtime and OpenVINO are
    /// called on the processor only.
    static func all(onGPU: Bool) -> [String] {
        let torch = ["eager", "compile", "compile-freezing"]
        let tuned = ["max-autotune", "max-autotune-freezing"]
        return onGPU ? torch + ["reduce-overhead"] + tuned : torch + tuned + ["onnxruntime", "openvino"]
    }

    /// The rivals that a list separated by commas names, each once.
    static func named(_ list: String, onGPU: Bool) -> [String] {
        var found: [String] = []
        for mode in list.split(separator: ",").map(String.init) {
            found += (mode == "all" ? all(onGPU: onGPU) : [mode]).filter { !found.contains($0) }
        }
        return found
    }

    private final class Process {
        var process: BaselineProcess
        init(_ process: consuming BaselineProcess) { self.process = process }
    }

    private let modes: [String]
    private var processes: [Process?]
    /// Why a rival dropped out, one line each; nil for those that are in the race.
    private(set) var failures: [String?]
    /// Versions of the libraries that each rival uses, by library.
    private(set) var versions: [[(name: String, version: String)]]

    /// Positions of the rivals, in the order of the modes.
    var indices: Range<Int> { modes.indices }

    /// Starts a process for each mode.
    init(_ modes: [String], python: String, script: String) {
        self.modes = modes
        processes = modes.map { _ in nil }
        failures = modes.map { _ in nil }
        versions = modes.map { _ in [] }
        for index in modes.indices {
            do {
                processes[index] = Process(try BaselineProcess(mode: modes[index], python: python, script: script))
            } catch {
                drop(index, error)
            }
        }
    }

    /// Loads the model everywhere and calls it until it is warm. Loading and the compilation of the modes that measure
    /// nothing meanwhile run side by side; `max-autotune` chooses by timing and has the machine for itself. `load` says for a
    /// mode what it loads and where.
    func prepare(inputs: String, sets: [Int], load: (String) -> JSONObject) {
        together("load") { index in
            var fields = load(self.modes[index])
            fields.members.append(.init(name: "mode", value: .string(self.modes[index])))
            return fields
        } receive: { index, reply in
            self.versions[index] = ["torch", "onnxruntime", "openvino"].compactMap { name in
                reply.objectValue?[name]?.stringValue.map { (name, $0) }
            }
        }
        together("inputs") { _ in ["path": .string(inputs)] }
        // Without our side there is nothing to compare: nobody compiles for minutes then.
        if modes.first == Self.ours, failures[0] != nil { return }
        together("warm") { index in
            self.modes[index].hasPrefix("max-autotune") ? nil : ["calls": 1, "alone": false]
        }
        for index in indices {
            attempt(index) { process throws(BaselineError) in
                for set in sets {
                    let fields: JSONObject = [
                        "calls": 3, "seconds": .number(0.3 / Double(sets.count)), "set": .integer(Int64(set)),
                    ]
                    _ = try process.process.ask("warm", fields, timeLimit: 3600)
                }
                // The reply to a run comes when the threads of the library have settled.
                _ = try process.process.run(calls: 1)
            }
        }
    }

    /// Median nanoseconds of a batch of `calls` calls on an input set after one untimed; nil when the side is out.
    func median(_ index: Int, calls: Int, set: Int = 0) -> Double? {
        attempt(index) { process throws(BaselineError) in
            Baselines.median(try process.process.run(calls: calls, set: set))
        }
    }

    /// Median nanoseconds a call of the device alone; nil where only the wall clock says, or when the side is out.
    func deviceTime(_ index: Int, samples: Int, inner: Int) -> Double? {
        let times: [Double]? = attempt(index) { process throws(BaselineError) in
            let fields: JSONObject = ["samples": .integer(Int64(samples)), "inner": .integer(Int64(inner))]
            return try process.process.ask("device", fields).objectValue?["ns"]?.arrayValue?
                .compactMap(\.doubleValue) ?? []
        }
        guard let times, !times.isEmpty else { return nil }
        return Baselines.median(times)
    }

    /// One call without any before it, whose outputs are asked for next.
    func once(_ index: Int, set: Int) -> Double? {
        attempt(index) { process throws(BaselineError) in
            Baselines.median(try process.process.run(calls: 1, discard: 0, set: set))
        }
    }

    /// Puts the model's state back to its initial values.
    func reset(_ index: Int) {
        attempt(index) { process throws(BaselineError) in _ = try process.process.ask("reset") }
    }

    /// Writes the outputs of the last timed call of a side to a file; false when the side is out.
    func outputs(_ index: Int, to path: String) -> Bool {
        attempt(index) { process throws(BaselineError) in
            _ = try process.process.ask("outputs", ["path": .string(path)])
        } != nil
    }

    /// Ends the processes.
    func quit() {
        for index in indices { processes[index] = nil }
    }

    /// Sends a request to every rival for which `fields` returns some, then waits for all the replies.
    private func together(
        _ request: String, _ fields: (Int) -> JSONObject?, receive: (Int, JSONValue) -> Void = { _, _ in }
    ) {
        var asked: [Int] = []
        for index in indices {
            guard let fields = fields(index) else { continue }
            let sent: Void? = attempt(index) { process throws(BaselineError) in
                try process.process.send(request, fields)
            }
            if sent != nil { asked.append(index) }
        }
        for index in asked {
            let reply = attempt(index) { process throws(BaselineError) in
                try process.process.reply(timeLimit: 3600)
            }
            if let reply { receive(index, reply) }
        }
    }

    @discardableResult
    private func attempt<Result>(
        _ index: Int, _ body: (Process) throws(BaselineError) -> Result
    ) -> Result? {
        guard let process = processes[index] else { return nil }
        do {
            return try body(process)
        } catch {
            drop(index, error)
            return nil
        }
    }

    private func drop(_ index: Int, _ error: BaselineError) {
        processes[index] = nil
        failures[index] = error.description
        Failure.complain("hearth: \(error)")
    }
}

extension DeviceLimits {
    /// PyTorch's name of the device that a rival takes beside this one.
    var torchDevice: String { dialects.contains(.cudaCPlusPlus) ? "cuda" : "cpu" }
}
