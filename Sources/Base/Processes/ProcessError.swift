/// Why a child process could not be started or spoken to.
package enum ProcessError: Error, Hashable, CustomStringConvertible {
    /// The system refused to start the program.
    case notStarted(program: String, reason: String)
    /// A pipe could not be made.
    case noPipe(reason: String)
    /// The other side closed its end before everything was written or read.
    case closed
    /// Nothing arrived within the limit.
    case timedOut(seconds: Double)
    /// Reading or writing failed.
    case failed(operation: String, reason: String)

    /// One line: what happened and why.
    package var description: String {
        switch self {
        case .notStarted(let program, let reason): "cannot start \(program): \(reason)"
        case .noPipe(let reason): "cannot make a pipe: \(reason)"
        case .closed: "the process closed its end of the pipe"
        case .timedOut(let seconds): "the process did not answer within \(seconds) s"
        case .failed(let operation, let reason): "cannot \(operation): \(reason)"
        }
    }
}
