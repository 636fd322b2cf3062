import ElementTypes
import KernelIR

/// What a nest reads side by side along its points rather than along its inner loops, such as sums over rows or a softmax over channels,
/// or in short runs side by side, such as groups of channels that lie last.
struct SIMTBeside {
    /// Bytes that a point reads beside the next one's: the smallest element, or a run.
    let bytes: Int
    /// Whether nothing is read along the inner loops.
    let isAlways: Bool

    /// Elements of a run at most.
    private static let longestRun = 16

    /// Nil where nothing is.
    init?(_ kernel: Kernel, _ nest: NestKernel) {
        guard let outer = nest.axes.last(where: { $0.extent != 1 }) else { return nil }
        var bytes: [Int] = []
        var isAlong = false
        for step in nest.steps where !step.axes.isEmpty {
            for case .load(let parameter, let index, _) in step.body.nodes {
                func stride(along axis: LoopAxis) -> IntegerExpression? { index.linearCoefficient(of: axis.variable) }
                let inner = step.axes.filter { $0.extent != 1 && index.variables.contains($0.variable) }
                let element = kernel.parameters[parameter].element.byteCount
                if let run = inner.first(where: { stride(along: $0) == 1 })?.extent.constantValue,
                    run <= Self.longestRun, stride(along: outer) == IntegerExpression(run)
                {
                    bytes.append(run * element)
                } else if inner.contains(where: { stride(along: $0) == nil || stride(along: $0) == 1 }) {
                    isAlong = true
                } else if !inner.isEmpty, stride(along: outer) == 1 {
                    bytes.append(element)
                }
            }
        }
        guard let least = bytes.min() else { return nil }
        self.bytes = least
        isAlways = !isAlong
    }

    /// Teams that read whole sectors of 32 bytes, the widest that leaves work for every processor first; of runs no more than a warp reads.
    func teams(_ nest: NestKernel, _ target: SIMTTarget) -> [SIMTNestPlan.Team] {
        let whole = [SIMTNestPlan.Team.beside32, .beside16, .beside8].filter {
            $0.neighbours * bytes >= 32 && ($0 == .beside8 || $0.neighbours * bytes <= 128)
        }
        let first = whole.first { nest.points / $0.neighbours >= 4 * target.multiprocessors } ?? whole[whole.count - 1]
        return [first] + whole.filter { $0 != first }
    }

    /// Threads of a block before a search has said what is best: some turns of the inner loop for each, and more where blocks are few.
    func threads(_ nest: NestKernel, _ team: SIMTNestPlan.Team, _ target: SIMTTarget) -> Int {
        let isFew = nest.points / team.neighbours < target.multiprocessors
        return [isFew ? 1024 : 512, 512, 256, 128].first {
            $0 <= target.threads && 4 * $0 / team.neighbours <= nest.longest
        } ?? 64
    }
}

extension NestKernel {
    /// Most inner points of a step; 512 for each axis that is not constant.
    var longest: Int {
        steps.map { $0.axes.reduce(1) { $0 * ($1.extent.constantValue ?? 512) } }.max() ?? 1
    }

    /// Outer points, 0 where they are not constant.
    var points: Int { axes.reduce(1) { $0 * ($1.extent.constantValue ?? 0) } }
}
