import ArgumentParser
import Base
import Baselines
import DeviceAPI
import Glibc
import JSON
import KernelJudge
import ModelPackage
import PackageBuilder
import PackageRuntime
import Processes

/// Checks a package against its truth and times it beside another; started by `optimize`, never by people.
struct CompareSubcommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Checks a package and times it beside another (internal).",
        shouldDisplay: false)

    @Argument(help: "The candidate.") var candidate: String
    @Argument(help: "The package it is timed beside.") var champion: String
    @Option(help: "\(DeviceChoice.help) (default: what the package was made for).") var device: String?
    @Option(help: "Threads to use (default: one per core).") var threads: Int?
    @Option(help: "Rounds of the comparison.") var rounds = 15

    func run() throws {
        try DeviceChoice.enterSandbox(for: candidate, asked: self.device)
        let device = try DeviceChoice.open(for: candidate, asked: self.device, threads: threads)
        if let wrong = try PackageAgreement.check(candidate, device).first(where: { !$0.passes }) {
            print(JSONValue.object(JSONObject(members: [.init(name: "refused", value: .string("\(wrong)"))])).text)
            return
        }
        let timing = try PackageComparison.time(candidate, champion, device, rounds: rounds)
        let isWin = timing.ratio > 1.02 && timing.interval.lowerBound > 1
        print(
            JSONValue.object(
                JSONObject(members: [
                    .init(name: "seconds", value: .number(timing.ours * 1e-9)),
                    .init(name: "championSeconds", value: .number(timing.theirs * 1e-9)),
                    .init(name: "isWin", value: .bool(isWin)),
                ])
            ).text)
    }
}

/// Comparing two packages of one model.
enum PackageComparison {
    /// Runs `hearth compare` in a process of its own; whatever happens to it, the search goes on.
    static func inProcess(_ candidate: String, _ champion: String, options: [String]) async -> CoverComparison {
        await onOwnThread {
            do {
                let child = try ChildProcess(
                    executable: "/proc/self/exe", arguments: ["compare", candidate, champion] + options)
                let result = try child.collect(timeLimit: 120, isCancelled: { false })
                let output = String(decoding: result.output, as: UTF8.self)
                guard result.end == .exited(code: 0), let answer = try JSONReader().read(output).objectValue else {
                    let reason = String(decoding: result.errors, as: UTF8.self).split(separator: "\n").first ?? ""
                    // Code 1 says that the world is at fault, not the code that was generated.
                    return result.end == .exited(code: 1)
                        ? .notCompared(reason: "machine: \(reason)")
                        : .refused(reason: "process: \(result.end) \(reason)")
                }
                if let reason = answer["refused"]?.stringValue { return .refused(reason: "disagrees: \(reason)") }
                guard let seconds = answer["seconds"]?.doubleValue,
                    let championSeconds = answer["championSeconds"]?.doubleValue, let isWin = answer["isWin"]?.boolValue
                else { return .refused(reason: "process: no answer") }
                return .timed(seconds: seconds, championSeconds: championSeconds, isWin: isWin)
            } catch {
                return .refused(reason: "process: \(error)")
            }
        }
    }

    /// Times both on the first recorded inputs: in each round a batch of each, in turning order.
    static func time(
        _ candidate: String, _ champion: String, _ device: any Device, rounds: Int
    ) throws -> PairedTiming {
        let ours = try Contestant(candidate, device)
        let theirs = try Contestant(champion, device)
        let once = max(try ours.nanoseconds(3), try theirs.nanoseconds(3))
        let calls = max(1, min(2000, Int(20e6 / max(once, 1))))
        var timing = PairedTiming()
        for round in 0..<rounds {
            var (a, b) = (0.0, 0.0)
            if round % 2 == 0 {
                a = try ours.nanoseconds(calls)
                b = try theirs.nanoseconds(calls)
            } else {
                b = try theirs.nanoseconds(calls)
                a = try ours.nanoseconds(calls)
            }
            timing.rounds.append(.init(ours: a, theirs: b))
        }
        return timing
    }

    /// A loaded package with its inputs.
    private struct Contestant {
        let session: Session
        let inputs: GoldenInputs
        let results: [TensorMemory]

        init(_ path: String, _ device: any Device) throws {
            let package = try LoadedPackage(path: path, device: device, verified: false)
            inputs = try GoldenInputs(
                path: package.directory.path(of: "golden.safetensors"), interface: package.interface)
            session = try Session(package)
            try session.bind(inputs.types)
            results = try session.outputs.map { try TensorMemory($0) }
        }

        /// Mean nanoseconds of a call over a batch.
        func nanoseconds(_ calls: Int) throws -> Double {
            let (session, results) = (self.session, self.results)
            return try inputs.addresses.withUnsafeBufferPointer { ins in
                try results.map(\.address).withUnsafeBufferPointer { outs in
                    let began = monotonicSeconds()
                    for _ in 0..<calls { try session.run(inputs: ins, outputs: outs) }
                    return (monotonicSeconds() - began) / Double(calls) * 1e9
                }
            }
        }
    }
}
