internal import CKernelHarness

/// What a call must leave as it was in the process that it runs in.
package enum ProcessState: Int, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    /// Variables of the environment.
    case environment = 1
    /// Handlers of signals.
    case signalHandlers
    /// Rounding, flushing of subnormal numbers and masks of exceptions (MXCSR and the x87's control word, FPCR).
    case arithmeticMode

    /// Such as `the environment`.
    package var description: String {
        switch self {
        case .environment: "the environment"
        case .signalHandlers: "the handlers of signals"
        case .arithmeticMode: "the mode of arithmetic"
        }
    }
}

extension HearthProcessState {
    /// What is not as it was at an earlier time.
    func change(since earlier: HearthProcessState) -> ProcessState? {
        if modes_changed != earlier.modes_changed { return .arithmeticMode }
        if environment != earlier.environment { return .environment }
        return handlers == earlier.handlers ? nil : .signalHandlers
    }
}
