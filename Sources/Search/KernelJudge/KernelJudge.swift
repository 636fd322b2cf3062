internal import Base
package import KernelWorker
internal import Processes
internal import Synchronization

/// Who says whether candidates are right and how fast they are: the judge, or what stands for it in a test.
package protocol CandidateJudge: Sendable {
    /// Judges `candidate` against `incumbent`; see `KernelJudge`.
    func judge(
        _ candidate: CandidateKernel, against incumbent: CandidateKernel?, evidence: RegionEvidence,
        floorSeconds: Double, constantCopies: Int
    ) async -> Verdict
    /// Only checks `candidate`, with all inputs and shapes.
    func check(_ candidate: CandidateKernel, evidence: RegionEvidence) async -> Result<[OutputErrors], Refusal>
}

/// Says whether a candidate is correct and how fast it is. Candidates run in a worker process; truth, tolerance and
/// comparison stay here. One candidate at a time: timing runs alone.
///
/// The funnel: a look at the library; one full and one odd shape; timing against the incumbent; for what comes close to
/// it or wins, the full battery of distributions and shapes, the outputs of the timed runs recomputed in a fresh process,
/// and a second timing.
package final class KernelJudge: CandidateJudge {
    /// How the worker is started.
    package let command: WorkerCommand
    let settings: JudgeSettings
    private let bench: Mutex<Bench>

    /// A judge whose worker is started by `command` when it is first needed.
    package init(worker command: WorkerCommand, settings: JudgeSettings = JudgeSettings()) {
        self.command = command
        self.settings = settings
        bench = Mutex(Bench(command: command))
    }

    /// What keeps a worker that `command` starts from the rest of the machine: starts one and asks.
    package static func sandbox(of command: WorkerCommand) throws(Refusal) -> Sandbox {
        try WorkerProcess.start(command).sandbox
    }

    /// Judges `candidate`. `incumbent` is what it must beat; without one (the default schedule) it gets the full battery and
    /// is timed against itself. `floorSeconds` is a bound that no correct kernel can go below; 0 when unknown. Successive
    /// timed calls take `constantCopies` copies of constants and packed operands in turn: more than one keeps them out of the
    /// caches.
    package func judge(
        _ candidate: CandidateKernel, against incumbent: CandidateKernel?, evidence: RegionEvidence,
        floorSeconds: Double = 0, constantCopies: Int = 1
    ) async -> Verdict {
        await onOwnThread { [self] in
            bench.withLock { bench in
                do throws(Refusal) {
                    return try bench.judge(
                        candidate, incumbent, evidence, floorSeconds, constantCopies, settings)
                } catch {
                    // Whatever a bad candidate left in the process (modes of the processor, threads) goes with it.
                    if settings.restartsWorker || !error.isOfNumbers { bench.dismissWorker() }
                    return .refused(error)
                }
            }
        }
    }

    /// Only checks `candidate`, with all inputs and shapes: for verifying without timing.
    package func check(_ candidate: CandidateKernel, evidence: RegionEvidence) async -> Result<[OutputErrors], Refusal>
    {
        await check(candidate, evidence: evidence, isBrief: false)
    }

    /// As above; where it is brief, with one draw of infinities only, which say the more the more of them there are.
    package func check(
        _ candidate: CandidateKernel, evidence: RegionEvidence, isBrief: Bool
    ) async -> Result<[OutputErrors], Refusal> {
        await onOwnThread { [self] in
            bench.withLock { bench in
                do throws(Refusal) {
                    if settings.auditsLibrary { try LibraryAudit.audit(path: candidate.libraryPath) }
                    return .success(try bench.battery(candidate, evidence, settings, isBrief: isBrief))
                } catch {
                    // What ran on a device leaves nothing in the process; to start another takes longer than to judge a kernel.
                    if settings.restartsWorker || !error.isOfNumbers { bench.dismissWorker() }
                    return .failure(error)
                }
            }
        }
    }
}

extension KernelJudge {
    /// Bytes of every output on the inputs of the full battery, without a verdict: for telling whether two kernels compute the same.
    package func outputs(
        of candidate: CandidateKernel, evidence: RegionEvidence
    ) async -> Result<[[UInt8]], Refusal> {
        await onOwnThread { [self] in
            bench.withLock { bench in
                do throws(Refusal) {
                    return .success(try bench.outputs(candidate, evidence, settings))
                } catch {
                    bench.dismissWorker()
                    return .failure(error)
                }
            }
        }
    }
}

/// The worker and what is done with it, on one thread at a time.
struct Bench: ~Copyable {
    let command: WorkerCommand
    private var worker: WorkerProcess?
    /// Inputs that candidates of a region share.
    var files = InputFiles()

    init(command: WorkerCommand) {
        self.command = command
        worker = nil
    }

    mutating func judge(
        _ candidate: CandidateKernel, _ incumbent: CandidateKernel?, _ evidence: RegionEvidence, _ floorSeconds: Double,
        _ constantCopies: Int, _ settings: JudgeSettings
    ) throws(Refusal) -> Verdict {
        if settings.auditsLibrary { try LibraryAudit.audit(path: candidate.libraryPath) }
        var errors = try check(candidate, evidence, [.init(0, .normal, 0), .init(0, evidence.second, 0)], settings)
        if evidence.shapeCount > 1 { errors += try check(candidate, evidence, [.init(1, .normal, 0)], settings) }
        var timing = try time(candidate, incumbent ?? candidate, evidence, constantCopies, settings, attempt: 0)
        if timing.seconds < floorSeconds {
            throw .belowFloor(seconds: timing.seconds, floorSeconds: floorSeconds)
        }
        if incumbent == nil || timing.speedup >= settings.batteryThreshold {
            errors += try battery(candidate, evidence, settings)
        }
        if timing.isWin {
            // A lucky measurement does not repeat; the smaller of two wins counts.
            let again = try time(candidate, incumbent ?? candidate, evidence, constantCopies, settings, attempt: 1)
            if again.speedup < timing.speedup { timing = again }
        }
        return .correct(timing, Self.worst(errors))
    }

    /// All distributions on the full shape, some of them several times, and the plain ones on every other shape.
    mutating func battery(
        _ candidate: CandidateKernel, _ evidence: RegionEvidence, _ settings: JudgeSettings, isBrief: Bool = false
    ) throws(Refusal) -> [OutputErrors] {
        let isHost = if case .grid = candidate.parts { false } else { true }
        let keys = try evidence.batteryKeys(
            isSpreading: (candidate.spreading ?? candidate.overflowing) != nil, isHost: isHost
        ).filter { !isBrief || $0.distribution != .infinite || $0.number == 0 }
        var errors: [OutputErrors] = []
        for shape in 0..<evidence.shapeCount {
            errors += try check(candidate, evidence, keys.filter { $0.shape == shape }, settings)
        }
        // A number that nearly overflows makes everything vary, and one that nearly vanishes too.
        let informative = keys.filter { $0.shape == 0 && $0.distribution != .greatest && $0.distribution != .subnormal }
        let cases = try Self.cases(evidence, informative)
        for (output, parameter) in evidence.written.enumerated() {
            if try !evidence.isInformative(output, cases) { throw .noEvidence(parameter: parameter) }
        }
        return Self.worst(errors)
    }

    /// What a candidate writes on the inputs of the battery: at both ends of its buffers' memory and over both poisons, so that what hangs
    /// on bytes that are not its own differs.
    mutating func outputs(
        _ candidate: CandidateKernel, _ evidence: RegionEvidence, _ settings: JudgeSettings
    ) throws(Refusal) -> [[UInt8]] {
        var outputs: [[UInt8]] = []
        for shape in 0..<evidence.shapeCount {
            let distributions = shape == 0 ? evidence.oracle.distributions : [.normal, evidence.second]
            let cases = try Self.cases(evidence, distributions.map { .init(shape, $0, 0) })
            let runs = [(true, 0xCD), (true, 0xFF), (false, 0xCD), (false, 0xFF)].flatMap { (endsAtGuard, poison) in
                cases.indices.map { CheckJob.Run(set: $0, endsAtGuard: endsAtGuard, poison: poison) }
            }
            let found = try run(candidate, evidence, cases, runs, settings)
            outputs += found.flatMap { $0 }
        }
        return outputs
    }

    /// For each output the errors closest to what is allowed.
    private static func worst(_ errors: [OutputErrors]) -> [OutputErrors] {
        var worst: [OutputErrors] = []
        for error in errors {
            if let place = worst.firstIndex(where: { $0.parameter == error.parameter }) {
                if error.errors.severity > worst[place].errors.severity { worst[place] = error }
            } else {
                worst.append(error)
            }
        }
        return worst
    }

    static func cases(
        _ evidence: RegionEvidence, _ keys: [RegionEvidence.CaseKey]
    ) throws(Refusal) -> [RegionEvidence.Case] {
        var cases: [RegionEvidence.Case] = []
        for key in keys { cases.append(try evidence.makeCase(key)) }
        return cases
    }

    /// Asks the worker, which is started when there is none and given up after any error.
    mutating func ask(
        _ libraries: [String], limit: Double, _ request: ([Int]) throws(Refusal) -> WorkerRequest
    ) throws(Refusal) -> (WorkerReply, seconds: Double) {
        var worker: WorkerProcess
        if let running = self.worker.take() { worker = running } else { worker = try WorkerProcess.start(command) }
        var numbers: [Int] = []
        for path in libraries { numbers.append(try worker.library(path, limit: limit)) }
        let answer = try worker.ask(try request(numbers), limit: limit)
        self.worker = consume worker
        return answer
    }

    /// Sees to it that nothing of what was run is left for the next request: in a new process, or, where that takes too long to begin, with
    /// all programs loaded anew.
    mutating func freshen(_ settings: JudgeSettings) throws(Refusal) {
        if settings.restartsWorker { return dismissWorker() }
        guard var worker = self.worker.take() else { return }
        try worker.forget(limit: settings.timeLimit)
        self.worker = consume worker
    }

    /// Lets the worker go, so that the next request meets a fresh one.
    mutating func dismissWorker() { worker = nil }
}
