internal import Glibc
internal import KernelWorker
internal import Processes

/// How the worker is started.
package struct WorkerCommand: Hashable, Sendable {
    package var executable: String
    package var arguments: [String]

    /// Makes a command.
    package init(executable: String, arguments: [String]) {
        self.executable = executable
        self.arguments = arguments
    }

    /// What it runs kernels on: `cpu` unless an option names another device.
    var device: String {
        guard let option = arguments.firstIndex(of: "--device"), option + 1 < arguments.count else { return "cpu" }
        return arguments[option + 1]
    }
}

/// A worker process and the conversation with it. After an error it is of no more use.
struct WorkerProcess: ~Copyable {
    private let child: ChildProcess
    /// What keeps it from the rest of the machine.
    private(set) var sandbox = Sandbox(parts: [], asked: [], landlock: 0, memoryBytes: 0)
    /// Threads that share its work.
    private var threads = 1
    private var sequence: UInt64 = 0
    /// Libraries that it has loaded, by path.
    private var libraries: [String: Int] = [:]
    private var nextLibrary = 0

    private init(child: consuming ChildProcess) { self.child = child }

    /// Starts a worker and waits until it is ready.
    static func start(_ command: WorkerCommand) throws(Refusal) -> WorkerProcess {
        let child: ChildProcess
        do throws(ProcessError) {
            child = try ChildProcess(
                executable: command.executable, arguments: command.arguments, input: .pipe, output: .pipe, errors: .null
            )
        } catch {
            throw .notJudged(reason: "the worker does not start: \(error)")
        }
        var worker = WorkerProcess(child: child)
        guard case .ready(let threads, let sandbox) = try worker.receive(limit: 30) else {
            throw .notJudged(reason: "the worker did not say that it is ready")
        }
        worker.threads = threads
        worker.sandbox = sandbox
        return worker
    }

    /// Asks and waits at most `limit` seconds. A crash of the candidate, its exit and a time-out are errors that say so.
    /// Also returns the seconds between question and answer by this process's clock.
    mutating func ask(_ request: WorkerRequest, limit: Double) throws(Refusal) -> (WorkerReply, seconds: Double) {
        sequence += 1
        // The limit that it set itself is the machine's memory; what this request needs is far less.
        if sandbox.parts.contains(.memory) {
            Sandbox.limitGrowth(of: child.number, to: request.memoryBytes(threads: threads))
        }
        let start = monotonicSeconds()
        do throws(ProcessError) {
            try child.write(
                request.frame(sequence: sequence), files: request.files.map(\.descriptor), deadline: start + limit)
        } catch {
            throw ended(error, limit: limit)
        }
        let reply = try receive(limit: limit)
        let seconds = monotonicSeconds() - start
        switch reply {
        case .fault(let fault): throw Self.refusal(fault)
        case .refused(let reason, let detail): throw Self.refusal(reason, detail)
        case .ready: throw .notJudged(reason: "the worker started anew in the middle")
        case .done, .checked, .timed: return (reply, seconds)
        }
    }

    /// The number of a library, which is loaded when it is not yet.
    mutating func library(_ path: String, limit: Double) throws(Refusal) -> Int {
        if let known = libraries[path] { return known }
        nextLibrary += 1
        let number = nextLibrary
        _ = try ask(.load(library: number, path: path), limit: limit)
        libraries[path] = number
        return number
    }

    /// Lets it unload all libraries, so that the next request meets code that knows nothing of what was run.
    mutating func forget(limit: Double) throws(Refusal) {
        _ = try ask(.forget, limit: limit)
        libraries = [:]
    }

    private func receive(limit: Double) throws(Refusal) -> WorkerReply {
        let deadline = monotonicSeconds() + limit
        let frame: [UInt8]
        do throws(ProcessError) {
            let prefix = try child.read(WorkerFrame.prefixBytes, deadline: deadline)
            guard let length = WorkerFrame.length(prefix) else {
                throw ProcessError.failed(operation: "read the worker's answer", reason: "absurd length")
            }
            frame = try child.read(length, deadline: deadline)
        } catch {
            throw ended(error, limit: limit)
        }
        do throws(WireError) {
            let (number, reply) = try WorkerReply.read(frame)
            guard number == sequence else {
                throw WireError(offset: 0, expected: "sequence number \(sequence), has \(number)")
            }
            return reply
        } catch {
            throw .notJudged(reason: "the worker's answer is damaged: \(error)")
        }
    }

    private func ended(_ error: ProcessError, limit: Double) -> Refusal {
        switch error {
        case .timedOut: return .timedOut(seconds: limit)
        case .closed:
            // The end of the pipe comes a moment before the process can be collected.
            let deadline = monotonicSeconds() + 5
            while monotonicSeconds() < deadline {
                switch child.finished() {
                // Nobody could be told which call it was.
                case .signaled(SIGSYS): return .forbiddenCall("of a thread that blocks signals")
                case .signaled(let signal): return .crashed(signal: Int(signal))
                case .some(.exited(let code)): return .exited(.exited(code: code))
                case nil: continue
                }
            }
            return .notJudged(reason: "the worker closed its output")
        case .notStarted, .noPipe, .failed: return .notJudged(reason: error.description)
        }
    }

    private static func refusal(_ fault: FaultReport) -> Refusal {
        if fault.signal == SIGSYS { return .forbiddenCall(Sandbox.call(fault.offset)) }
        guard let buffer = fault.buffer else { return .crashed(signal: fault.signal) }
        switch fault.zone {
        case .elsewhere: return .crashed(signal: fault.signal)
        case .guardPage: return .outOfBounds(buffer, byteOffset: fault.offset)
        case .readOnly: return .inputChanged(buffer)
        }
    }

    private static func refusal(_ reason: WorkerRefusal, _ detail: String) -> Refusal {
        switch reason {
        case .notLoaded, .missingSymbol: .notLoaded(reason: detail)
        case .noMemory, .badRequest: .notJudged(reason: detail)
        case .packingFailed: .notLoaded(reason: detail)
        case .packingDamagedFence: .notLoaded(reason: detail)
        case .kernelFailed: .failed(code: Int(detail) ?? -1)
        }
    }
}
