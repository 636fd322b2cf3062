import DeviceAPI
import ElementTypes
import KernelIR
import KernelJudge
import SearchControl

/// What a search of kernels may do with memory, which the goal for the whole model leaves to them.
enum KernelMemory: Sendable {
    /// Only time counts.
    case free
    /// No candidate may take more than the default.
    case notMore
    /// The least memory wins, within the slowdown that a goal allows.
    case least

    /// The rule for kernels of a package with these figures.
    init(_ goal: SearchGoal, _ package: SearchFigures) {
        if goal.objective == .memory {
            self = .least
        } else if goal.needsMemory {
            let limits = SearchGoal(.latency, goal.constraints.filter { $0.quantity == .memory })
            self = limits.violation(package) > 0 ? .least : .notMore
        } else {
            self = .free
        }
    }

    /// Whether a correct candidate takes the champion's place; `isFaster` by the judge's margin.
    func isWin(
        _ candidate: SearchFigures, over champion: SearchFigures, isFaster: Bool, start: SearchFigures
    ) -> Bool {
        switch self {
        case .free: isFaster
        case .notMore: isFaster && (candidate.bytes ?? 0) <= (start.bytes ?? 0)
        case .least:
            SearchGoal(.memory).isWin(candidate, over: champion, isBetter: isFaster, start: start)
        }
    }

    /// Bytes that a candidate adds to a package: constants, as they are or rearranged, and scratch memory of known size.
    static func bytes(_ candidate: CandidateKernel, _ kernel: Kernel) -> Double {
        var bytes = candidate.packings.reduce(0) { $0 + $1.byteCount }
        for argument in candidate.arguments {
            switch argument {
            case .parameter(let number) where kernel.parameters[number].isConstant:
                let parameter = kernel.parameters[number]
                bytes += (parameter.count.constantValue ?? 0) * parameter.element.byteCount
            case .shared(let shared): bytes += shared.constantValue ?? 0
            case .parameter, .packed, .library: break
            }
        }
        return Double(bytes)
    }
}
