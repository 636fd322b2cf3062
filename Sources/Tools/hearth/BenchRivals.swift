import Baselines
import DeviceAPI
import JSON

/// The rivals of one bench, each in a process of its own. One that fails drops out with its reason; the others go on.
final class BenchRivals {
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
    /// nothing meanwhile run side by side; `max-autotune` chooses by timing and has the machine for itself. `device` is
    /// PyTorch's name of where they run.
    func prepare(model: String, inputs: String, threads: Int, device: String) {
        together("load") { index in
            [
                "model": .string(model), "mode": .string(self.modes[index]), "threads": .integer(Int64(threads)),
                "device": .string(device),
            ]
        } receive: { index, reply in
            self.versions[index] = ["torch", "onnxruntime", "openvino"].compactMap { name in
                reply.objectValue?[name]?.stringValue.map { (name, $0) }
            }
        }
        together("inputs") { _ in ["path": .string(inputs)] }
        together("warm") { index in
            self.modes[index].hasPrefix("max-autotune") ? nil : ["calls": 1, "alone": false]
        }
        for index in indices {
            attempt(index) { process throws(BaselineError) in
                _ = try process.process.ask("warm", ["calls": 3, "seconds": 0.3], timeLimit: 3600)
                // The reply to a run comes when the threads of the library have settled.
                _ = try process.process.run(calls: 1)
            }
        }
    }

    /// Median nanoseconds of a batch of `calls` calls after one untimed; nil when the rival is out.
    func median(_ index: Int, calls: Int) -> Double? {
        attempt(index) { process throws(BaselineError) in Baselines.median(try process.process.run(calls: calls)) }
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
