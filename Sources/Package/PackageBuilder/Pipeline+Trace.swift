import Base
import GraphIR
import GraphLowering
import KernelIR
import KernelSwarm

/// What the stages say on the debug channel.
extension Pipeline {
    /// The last stage's time.
    func traceTiming() {
        guard let timing = timings.last else { return }
        let milliseconds = (timing.seconds * 1e5).rounded() / 100
        DebugChannel.shared.say(.timings, stage: timing.stage.rawValue, "\(timing.stage.rawValue): \(milliseconds) ms")
    }

    /// A graph before and after the rewrites.
    func trace(_ before: Graph, _ after: Graph) {
        let stage = Stage.rewrite.rawValue
        DebugChannel.shared.say(
            .graphs, stage: stage, "// before the rewrites\n\(before)// after the rewrites\n\(after)")
    }

    /// The kernels of a form, as text: they are read back and checked where they are shown, so that the text can be trusted.
    func trace(_ form: ModelForm) throws {
        let stage = Stage.lower.rawValue
        guard DebugChannel.shared.says(.kernels, stage: stage) else { return }
        for (index, launch) in form.program.launches.enumerated() {
            let buffers = launch.buffers.map { "b\($0.index)" }.joined(separator: " ")
            let text = launch.kernel.description
            DebugChannel.shared.say(.kernels, stage: stage, "// launch \(index) on \(buffers)\n\(text)")
            try KernelChecker.check(launch.kernel)
            let again = try Kernel(parsing: text)
            if again != launch.kernel {
                throw KernelFault(
                    kernel: launch.kernel.name, rule: "printed kernels read back", message: "this does not")
            }
        }
    }

    /// A candidate and its verdict.
    static func trace(_ candidate: Candidate, _ kernel: String, _ verdict: TrialVerdict) {
        let outcome =
            switch verdict {
            case .timed(let seconds, let isWin): "\((seconds * 1e8).rounded() / 100) us\(isWin ? ", wins" : "")"
            case .refused(let reason): "refused: \(reason)"
            case .notJudged(let reason): "not judged: \(reason)"
            case .repeated: "the same code as before"
            case .cancelled: "cancelled"
            }
        DebugChannel.shared.say(
            .trials, stage: Stage.search.rawValue, "\(kernel) [\(candidate.schedule)] by \(candidate.agent): \(outcome)"
        )
    }
}
