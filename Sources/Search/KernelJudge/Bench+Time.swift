internal import ElementTypes
internal import KernelIR
internal import KernelWorker
internal import Processes

extension Bench {
    /// Times a candidate against an incumbent and recomputes what it left behind afresh. On a busy machine clocks disagree now
    /// and then, which says nothing of the candidate: only where they do every time are they believed to be tampered with.
    mutating func time(
        _ candidate: CandidateKernel, _ incumbent: CandidateKernel, _ evidence: RegionEvidence,
        _ constantCopies: Int, _ settings: JudgeSettings, attempt: Int
    ) throws(Refusal) -> TimingResult {
        for _ in 0..<3 {
            do throws(Refusal) {
                return try timeOnce(candidate, incumbent, evidence, constantCopies, settings, attempt: attempt)
            } catch {
                guard case .clocksDisagree = error else { throw error }
                dismissWorker()
            }
        }
        return try timeOnce(candidate, incumbent, evidence, constantCopies, settings, attempt: attempt)
    }

    private mutating func timeOnce(
        _ candidate: CandidateKernel, _ incumbent: CandidateKernel, _ evidence: RegionEvidence,
        _ constantCopies: Int, _ settings: JudgeSettings, attempt: Int
    ) throws(Refusal) -> TimingResult {
        let cases = try Self.cases(evidence, [.init(0, .normal, 0), .init(0, .normal, 1)])
        let dimensions = cases[0].dimensions
        let parameters = try evidence.parameters(dimensions: dimensions)
        let placed = try files.file(evidence, shape: 0)
        let left = parameters.indices.filter { parameters[$0].role != .constant }
        let outputs = try SharedFile(byteCount: left.reduce(0) { $0 + aligned(parameters[$1].byteCount) })
        let inputsReference = placed.reference
        let outputsReference = outputs.reference
        let sets = [try placed.set(cases[0].key), try placed.set(cases[1].key)]
        // State that is written in place must begin anew for every call.
        let hasState = parameters.contains { $0.role == .state }
        let turn = TimingTurn(device: command.device)
        turn.begin()
        defer { turn.end() }
        let (reply, seconds) = try ask(
            [candidate.libraryPath, incumbent.libraryPath], limit: settings.timeLimit
        ) { numbers throws(Refusal) in
            func call(_ kernel: CandidateKernel, _ library: Int) throws(Refusal) -> WorkerCall {
                try kernel.call(
                    library: library, parameters: parameters, symbols: evidence.oracle.symbols, dimensions: dimensions)
            }
            return .time(
                TimeJob(
                    candidate: try call(candidate, numbers[0]), incumbent: try call(incumbent, numbers[1]),
                    inputs: inputsReference, sets: sets, seed: settings.seed &+ UInt64(attempt) &* 0x9E37_79B9,
                    groups: settings.groups, sampleNanoseconds: settings.sampleNanoseconds,
                    callLimit: hasState ? 1 : 100_000, constantCopies: constantCopies,
                    outputs: outputsReference))
        }
        guard case .timed(let report) = reply, let result = TimingResult(report, margin: settings.margin) else {
            throw .notJudged(reason: "the worker did not answer a timing")
        }
        if let input = report.changedInput { throw .inputChanged(.parameter(input)) }
        if report.extraThreads > 0 { throw .startedThreads(count: report.extraThreads) }
        if let state = report.changedState { throw .stateChanged(state) }
        let workerSeconds = Double(report.totalNanoseconds) * 1e-9
        // The parent's time includes the message and a thread that may wait to run; more than that is a lie of the clock.
        if workerSeconds > seconds * 1.001 + 1e-3 || workerSeconds < seconds * 0.8 - 0.1 {
            throw .clocksDisagree(workerSeconds: workerSeconds, parentSeconds: seconds)
        }

        var offset = 0
        var bytes: [Int: [UInt8]] = [:]
        for index in left {
            bytes[index] = outputs.bytes(offset, parameters[index].byteCount)
            offset += aligned(parameters[index].byteCount)
        }
        let inputs = bytes.filter { parameters[$0.key].role == .input }
        try freshen(settings)
        let fresh = try run(
            candidate, evidence, [cases[0]], inputs: inputs,
            [CheckJob.Run(set: 0, endsAtGuard: true, poison: 0xCD)], settings)[0]
        for (output, parameter) in evidence.written.enumerated() {
            guard let timed = bytes[parameter], timed != fresh[output] else { continue }
            let element = evidence.oracle.parameters[parameter].element
            let index = Self.firstDifference(timed, fresh[output]) / element.byteCount
            throw .timedOutputWrong(
                OutputPlace(inputs: "timed inputs", parameter: parameter, element: index),
                timed: timed.withUnsafeBytes { ElementCoding.decode($0, element)[index] },
                fresh: fresh[output].withUnsafeBytes { ElementCoding.decode($0, element)[index] })
        }
        return result
    }
}
