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
import SearchControl
import SearchEvents
import Synchronization

/// Comparing two packages of one model.
enum PackageComparison {
    /// Runs `hearth compare` in a process of its own; whatever happens to it, the search goes on.
    static func inProcess(_ candidate: String, _ champion: String, options: [String]) async -> CoverComparison {
        switch await answer(candidate, champion, options: options) {
        case .failure(let failure): return failure.comparison
        case .success(let answer):
            guard let seconds = answer["seconds"]?.doubleValue,
                let championSeconds = answer["championSeconds"]?.doubleValue, let isWin = answer["isWin"]?.boolValue
            else { return .refused(reason: "process: no answer") }
            return .timed(seconds: seconds, championSeconds: championSeconds, isWin: isWin)
        }
    }

    /// A package beside another, for the record: the finished one beside that without the search.
    static func finished(
        _ package: String, _ before: String, options: [String], rounds: Int = 31
    ) async -> ModelComparison {
        var comparison = ModelComparison.sameCode
        switch await answer(package, before, options: options + ["--rounds", "\(rounds)"]) {
        case .failure(let failure):
            comparison.failure = failure.reason
        case .success(let answer):
            comparison.seconds = answer["seconds"]?.doubleValue ?? 0
            comparison.theirSeconds = answer["championSeconds"]?.doubleValue ?? 0
            comparison.ratio = answer["ratio"]?.doubleValue ?? 1
            comparison.low = answer["low"]?.doubleValue ?? 0
            comparison.high = answer["high"]?.doubleValue ?? 0
            comparison.rounds = answer["rounds"]?.integerValue.map { Int($0) } ?? 0
        }
        return comparison
    }

    /// Why two packages were not compared.
    private struct Failed: Error {
        var comparison: CoverComparison
        var reason: String

        static func refused(_ reason: String) -> Failed { Failed(comparison: .refused(reason: reason), reason: reason) }
    }

    /// What `hearth compare` answers, run in a process of its own.
    private static func answer(
        _ candidate: String, _ champion: String, options: [String]
    ) async -> Result<JSONObject, Failed> {
        await onOwnThread {
            do {
                let child = try ChildProcess(
                    executable: "/proc/self/exe", arguments: ["compare", candidate, champion] + options)
                let result = try child.collect(timeLimit: 120, isCancelled: { false })
                let output = String(decoding: result.output, as: UTF8.self)
                guard result.end == .exited(code: 0), let answer = try JSONReader().read(output).objectValue else {
                    let reason = String(decoding: result.errors, as: UTF8.self).split(separator: "\n").first ?? ""
                    // Code 1 says that the world is at fault, not the code that was generated.
                    let text = "machine: \(reason)"
                    return .failure(
                        result.end == .exited(code: 1)
                            ? Failed(comparison: .notCompared(reason: text), reason: text)
                            : .refused("process: \(result.end) \(reason)"))
                }
                if let reason = answer["refused"]?.stringValue { return .failure(.refused("disagrees: \(reason)")) }
                return .success(answer)
            } catch {
                return .failure(.refused("process: \(error)"))
            }
        }
    }

    /// Times both on the first recorded inputs: in each round a batch of each, in turning order. Nanoseconds of a call, which for
    /// throughput are those of a batch by all its calls, of all sessions; for energy also joules of a call.
    static func time(
        _ candidate: String, _ champion: String, _ device: any Device, rounds: Int, _ measure: SearchGoal.Objective,
        _ turn: TimingTurn
    ) throws -> (times: PairedTiming, joules: PairedTiming?) {
        let isEnergy = measure == .energy
        if isEnergy, device.telemetry?.joules == nil { throw BadInput(noEnergy(device.limits.model)) }
        let sessions =
            measure == .throughput
            ? SearchGoal.sessions(threads: device.limits.threads, isHost: device.limits.blocks == nil) : 1
        let sides = [try Contestant(candidate, device, sessions), try Contestant(champion, device, sessions)]
        let once = max(try sides[0].nanoseconds(3), try sides[1].nanoseconds(3))
        // A model that takes seconds a call does not need, nor get, as many rounds as one that takes microseconds.
        let rounds = max(min(rounds, 15), min(rounds, Int(20e9 / max(2 * once, 1))))
        // Meters of energy are read every tenth of a second or so.
        let batch = isEnergy ? 500e6 : 20e6
        let calls = max(1, min(isEnergy ? 1_000_000 : 2000, Int(batch / max(once * Double(sessions), 1))))
        var (times, joules) = (PairedTiming(), PairedTiming())
        for round in 0..<rounds {
            var (time, energy) = ([0.0, 0.0], [0.0, 0.0])
            turn.begin()
            defer { turn.end() }
            for side in round % 2 == 0 ? [0, 1] : [1, 0] {
                let before = isEnergy ? device.telemetry?.joules ?? 0 : 0
                time[side] = try sides[side].nanoseconds(calls)
                if isEnergy { energy[side] = ((device.telemetry?.joules ?? 0) - before) / Double(calls) }
            }
            times.rounds.append(.init(ours: time[0], theirs: time[1]))
            joules.rounds.append(.init(ours: max(energy[0], 1e-12), theirs: max(energy[1], 1e-12)))
        }
        return (times, isEnergy ? joules : nil)
    }

    /// That energy cannot be searched for.
    static func noEnergy(_ machine: String) -> String {
        "--objective energy: \(machine) does not measure its energy here; latency, throughput and memory can be searched for"
    }

    /// A loaded package with its inputs, and sessions that call at the same time.
    private struct Contestant {
        private let inputs: GoldenInputs
        private let callers: [Caller]

        init(_ path: String, _ device: any Device, _ sessions: Int) throws {
            let package = try LoadedPackage(path: path, device: device, verified: false)
            let inputs = try GoldenInputs(
                path: package.directory.path(of: "golden.safetensors"), interface: package.interface)
            callers = try (0..<sessions).map { _ in try Caller(package, inputs) }
            self.inputs = inputs
        }

        /// Nanoseconds of a batch in which every session makes so many calls, by all calls.
        func nanoseconds(_ calls: Int) throws -> Double {
            let began = monotonicSeconds()
            if callers.count == 1 {
                try callers[0].run(calls)
            } else {
                let threads = callers.map { caller in CallerThread { try caller.run(calls) } }
                // All are waited for, also where one fails: they use what belongs to this call.
                let failures = threads.compactMap { $0.join() }
                if let failure = failures.first { throw failure }
            }
            return (monotonicSeconds() - began) / Double(calls * callers.count) * 1e9
        }
    }

    /// One session; called from one thread at a time.
    private final class Caller: @unchecked Sendable {
        // Safety: `Contestant` hands each caller to one thread and waits for it.
        private let session: Session
        private let inputs: GoldenInputs
        private let results: [TensorMemory]

        init(_ package: LoadedPackage, _ inputs: GoldenInputs) throws {
            self.inputs = inputs
            session = try Session(package)
            try session.bind(inputs.types)
            results = try session.outputs.map { try TensorMemory($0) }
        }

        func run(_ calls: Int) throws {
            try inputs.addresses.withUnsafeBufferPointer { ins in
                try results.map(\.address).withUnsafeBufferPointer { outs in
                    for _ in 0..<calls { try session.run(inputs: ins, outputs: outs) }
                }
            }
        }
    }
}
