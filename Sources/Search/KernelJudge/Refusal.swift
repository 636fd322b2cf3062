package import KernelWorker
package import Processes

/// Where an output is wrong.
package struct OutputPlace: Hashable, Sendable, CustomStringConvertible {
    /// The inputs that showed it, such as `normal inputs 1, dimensions 3 7`.
    package var inputs: String
    /// Parameter of the kernel.
    package var parameter: Int
    /// Element from the buffer's start.
    package var element: Int

    /// Such as `parameter 2, element 17 (normal inputs 1)`.
    package var description: String { "parameter \(parameter), element \(element) (\(inputs))" }
}

/// Why a candidate was not accepted: a closed list, each with the facts.
package enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    // Before it runs.
    /// It did not compile.
    case notCompiled(reason: String)
    /// The library is no shared object of this machine.
    case badLibrary(reason: String)
    /// It calls something outside of itself.
    case forbiddenImport(symbol: String)
    /// It has memory of its own that outlives a call.
    case writableData(section: String, bytes: Int)
    /// It runs code when it is loaded.
    case runsAtLoad(section: String)
    /// It does not load, or lacks a function.
    case notLoaded(reason: String)

    // While it runs.
    /// It returned an error code.
    case failed(code: Int)
    /// It touched memory outside of a buffer.
    case outOfBounds(WorkerBuffer, byteOffset: Int)
    /// It wrote around a buffer.
    case damagedFence(WorkerBuffer, byteOffset: Int)
    /// It wrote to an input.
    case inputChanged(WorkerBuffer)
    /// It ended by a signal of its own making.
    case crashed(signal: Int)
    /// It ended the process.
    case exited(ChildProcess.End)
    /// It did not return.
    case timedOut(seconds: Double)
    /// It left threads or processes behind.
    case startedThreads(count: Int)
    /// It asked the kernel for what computing does not need: files, sockets, processes, handlers of signals.
    case forbiddenCall(String)
    /// It left something of its process other than it was.
    case stateChanged(ProcessState)
    /// It does what C leaves undefined: compiled with traps there, it met one.
    case undefinedBehaviour
    /// Its threads rely on who comes first: with warps out of step it was refused, for this reason.
    case race(reason: String)

    // What it computed.
    /// Elements that no run wrote.
    case unwritten(first: OutputPlace, count: Int)
    /// An element that cannot be right: not finite where the truth is, or another integer.
    case wrongOutput(OutputPlace, got: Double, expected: Double)
    /// The error is larger than what PyTorch's own arithmetic explains.
    case inaccurate(OutputPlace, got: Double, expected: Double, ErrorSummary)
    /// The same inputs gave different outputs: memory it should not read, or a call before, had an influence.
    case unstable(OutputPlace, first: Double, second: Double)
    /// Outputs of a timed run are not what a fresh process computes from the same inputs.
    case timedOutputWrong(OutputPlace, timed: Double, fresh: Double)

    // The measurement.
    /// No workload tells right from wrong in this output: it hardly varies.
    case noEvidence(parameter: Int)
    /// Faster than the machine can be: the measurement failed.
    case belowFloor(seconds: Double, floorSeconds: Double)
    /// The worker's clock and the parent's disagree.
    case clocksDisagree(workerSeconds: Double, parentSeconds: Double)
    /// The judge itself could not do its work.
    case notJudged(reason: String)

    /// Name of the case, for counting refusals by reason.
    package var kind: String {
        switch self {
        case .notCompiled: "notCompiled"
        case .badLibrary: "badLibrary"
        case .forbiddenImport: "forbiddenImport"
        case .writableData: "writableData"
        case .runsAtLoad: "runsAtLoad"
        case .notLoaded: "notLoaded"
        case .failed: "failed"
        case .outOfBounds: "outOfBounds"
        case .damagedFence: "damagedFence"
        case .inputChanged: "inputChanged"
        case .crashed: "crashed"
        case .exited: "exited"
        case .timedOut: "timedOut"
        case .startedThreads: "startedThreads"
        case .forbiddenCall: "forbiddenCall"
        case .stateChanged: "stateChanged"
        case .undefinedBehaviour: "undefinedBehaviour"
        case .race: "race"
        case .unwritten: "unwritten"
        case .wrongOutput: "wrongOutput"
        case .inaccurate: "inaccurate"
        case .unstable: "unstable"
        case .timedOutputWrong: "timedOutputWrong"
        case .noEvidence: "noEvidence"
        case .belowFloor: "belowFloor"
        case .clocksDisagree: "clocksDisagree"
        case .notJudged: "notJudged"
        }
    }

    /// Whether the kernel is to blame. The others say that nothing could be told: there is no truth, or no measurement.
    package var blamesKernel: Bool {
        switch self {
        case .notCompiled, .badLibrary, .forbiddenImport, .writableData, .runsAtLoad, .notLoaded, .failed, .outOfBounds,
            .damagedFence, .inputChanged, .crashed, .exited, .timedOut, .startedThreads, .forbiddenCall, .stateChanged,
            .undefinedBehaviour, .race, .unwritten, .wrongOutput, .inaccurate, .unstable, .timedOutputWrong:
            true
        case .noEvidence, .belowFloor, .clocksDisagree, .notJudged: false
        }
    }

    /// Whether only what it computed is at fault: it kept to its memory and returned.
    var isOfNumbers: Bool {
        switch self {
        case .unwritten, .wrongOutput, .inaccurate, .unstable, .noEvidence: true
        case .notCompiled, .badLibrary, .forbiddenImport, .writableData, .runsAtLoad, .notLoaded, .failed, .outOfBounds,
            .damagedFence, .inputChanged, .crashed, .exited, .timedOut, .startedThreads, .forbiddenCall, .stateChanged,
            .undefinedBehaviour, .race, .timedOutputWrong, .belowFloor, .clocksDisagree, .notJudged:
            false
        }
    }

    /// The kind and the line, for whoever counts kinds of lines.
    package var counted: String { "\(kind): \(self)" }

    /// One line: what and where.
    package var description: String {
        switch self {
        case .notCompiled(let reason): "did not compile: \(reason)"
        case .badLibrary(let reason): "is no kernel library: \(reason)"
        case .forbiddenImport(let symbol): "calls \(symbol), which is not its own"
        case .writableData(let section, let bytes): "keeps \(bytes) bytes of its own in \(section)"
        case .runsAtLoad(let section): "runs code when it is loaded (\(section))"
        case .notLoaded(let reason): "does not load: \(reason)"
        case .failed(let code): "returned code \(code)"
        case .outOfBounds(let buffer, let offset): "touched byte \(offset) of \(buffer), which is outside of it"
        case .damagedFence(let buffer, let offset): "wrote byte \(offset) of \(buffer), which is outside of it"
        case .inputChanged(let buffer): "wrote to \(buffer), which is an input"
        case .crashed(let signal): "crashed with signal \(signal)"
        case .exited(let end): "ended the process: \(end)"
        case .timedOut(let seconds): "did not return within \(seconds) s"
        case .startedThreads(let count): "left \(count) threads or processes behind"
        case .forbiddenCall(let name): "made the system call \(name), which no kernel needs"
        case .stateChanged(let state): "changed \(state) of its process"
        case .undefinedBehaviour:
            "does what C leaves undefined on some inputs (compile it with -fsanitize=undefined to see where)"
        case .race(let reason): "is right only while its warps keep step; out of step it \(reason)"
        case .unwritten(let first, let count): "left \(count) elements unwritten, first \(first)"
        case .wrongOutput(let place, let got, let expected): "gave \(got) for \(expected) at \(place)"
        case .inaccurate(let place, let got, let expected, let errors):
            "is inaccurate (\(errors)), worst at \(place): \(got) for \(expected)"
        case .unstable(let place, let first, let second): "gave \(first), then \(second), at \(place)"
        case .timedOutputWrong(let place, let timed, let fresh):
            "gave \(timed) while timed, \(fresh) afresh, at \(place)"
        case .noEvidence(let parameter): "parameter \(parameter) hardly varies, so that nothing can be told from it"
        case .belowFloor(let seconds, let floor): "took \(seconds) s, below the physical floor of \(floor) s"
        case .clocksDisagree(let worker, let parent): "took \(worker) s by its clock but \(parent) s by ours"
        case .notJudged(let reason): "could not be judged: \(reason)"
        }
    }
}

/// The judge's answer.
package enum Verdict: Hashable, Sendable {
    case refused(Refusal)
    /// Correct; with its time beside the incumbent's.
    case correct(TimingResult, [OutputErrors])

    /// The refusal, if it is one.
    package var refusal: Refusal? {
        switch self {
        case .refused(let refusal): refusal
        case .correct: nil
        }
    }
}

/// The largest errors that were seen in an output.
package struct OutputErrors: Hashable, Sendable {
    /// Parameter of the kernel.
    package var parameter: Int
    /// The inputs with the largest error, relative to what is allowed.
    package var inputs: String
    package var errors: ErrorSummary
}
