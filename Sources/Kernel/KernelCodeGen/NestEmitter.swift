import ElementTypes
import KernelIR

/// The choices of a nest kernel.
package func nestChoices(_ kernel: Kernel, _ nest: NestKernel, _ target: CPUTarget) -> [Choice] {
    let axis = NestPlan.laneCandidates(kernel, nest)
    return [
        Choice("lanes", axis),
        Choice("unroll", NestPlan.defaultUnroll(nest) == 1 ? [1, 2, 4] : [4, 2, 1, 8]),
        Choice("grain", [16384, 4096, 65536]),
    ]
}

/// Emits a nest kernel as C.
package func emitNest(
    _ kernel: Kernel, _ nest: NestKernel, symbol: String, _ schedule: Schedule, _ target: CPUTarget
) throws(EmissionError) -> EmittedKernel {
    let choices = nestChoices(kernel, nest, target)
    let plan = NestPlan(
        kernel, nest, lanes: CPrelude.lanes(target), lane: schedule[choices[0]], unroll: schedule[choices[1]],
        grain: schedule[choices[2]], threads: target.threads)
    var writer = NestWriter(kernel: kernel, nest: nest, plan: plan, symbol: symbol)
    let source = writer.write()
    return EmittedKernel(
        symbol: symbol, source: source, arguments: kernel.parameters.indices.map { .parameter($0) }, packings: [],
        workspaceBytes: plan.workspaceBytes, parts: .count(plan.parts))
}

/// Where the lanes of a nest lie and how its points are split among parts.
struct NestPlan {
    /// Elements of a vector.
    let lanes: Int
    /// Position in `nest.axes` of the lane axis; −1: the last axis of every step; −2: no vectors.
    let lane: Int
    /// Vectors computed together.
    let unroll: Int
    /// Extent of every axis of the outer loops that a unit of work fixes.
    let outer: [LoopAxis]
    /// The outer lane axis, if any.
    let laneAxis: LoopAxis?
    /// Elements along the lane axis in one unit of work.
    let chunk: Int
    /// Units of work.
    let units: IntegerExpression
    /// Parts of a launch.
    let parts: IntegerExpression
    /// Bytes for the kept rows of one thread.
    let workspaceBytes: IntegerExpression
    /// Byte offset of every kept row.
    let rowOffsets: [IntegerExpression]

    init(
        _ kernel: Kernel, _ nest: NestKernel, lanes: Int, lane: Int, unroll: Int, grain: Int, threads: Int
    ) {
        self.lanes = lanes
        self.lane = lane
        self.unroll = unroll
        let ranges = kernel.ranges
        let laneAxis = lane >= 0 ? nest.axes[lane] : nil
        self.laneAxis = laneAxis
        outer = nest.axes.indices.filter { $0 != lane }.map { nest.axes[$0] }
        let isMap = nest.steps.count == 1 && nest.steps[0].axes.isEmpty
        // A map walks long runs; a reduction over other axes keeps one block of accumulators in registers.
        chunk = isMap ? max(lanes * unroll, 2048 / (lanes * unroll) * lanes * unroll) : lanes * unroll
        var units = outer.reduce(IntegerExpression(1)) { $0 * $1.extent }
        if let laneAxis {
            units = units * (laneAxis.extent + (chunk - 1)).floorDivided(by: IntegerExpression(chunk), ranges)
        }
        self.units = units
        // Work is counted in elements visited; tiny launches are not worth waking a second thread.
        var work = nest.axes.reduce(IntegerExpression(1)) { $0 * $1.extent }
        var inner = IntegerExpression(0)
        for step in nest.steps {
            let cost =
                1 + step.body.nodes.filter { if case .apply(let o, _) = $0 { o.isExpensive } else { false } }.count
            inner = inner + step.axes.reduce(IntegerExpression(cost)) { $0 * $1.extent }
        }
        work = work * inner
        if nest.isSerial {
            parts = 1
        } else {
            let wanted = work.floorDivided(by: IntegerExpression(grain), ranges).maximum(1, ranges)
            parts = wanted.minimum(IntegerExpression(4 * threads), ranges).minimum(units, ranges).maximum(1, ranges)
        }
        var offset = IntegerExpression(0)
        var offsets: [IntegerExpression] = []
        for (row, element) in nest.rows.enumerated() {
            offsets.append(offset)
            let keeper = nest.steps.first { step in
                step.effects.contains { if case .keep(_, row) = $0 { true } else { false } }
            }
            var count = (keeper?.axes ?? []).reduce(IntegerExpression(1)) { $0 * $1.extent }
            if lane >= 0 { count = count * chunk }
            let bytes = count * element.computeType.byteCount + (128 + lanes * 8)
            offset = offset + bytes.floorDivided(by: 64, ranges) * 64
        }
        rowOffsets = offsets
        workspaceBytes = offset
    }

    /// Vectors computed together by default: more where reductions need independent chains.
    static func defaultUnroll(_ nest: NestKernel) -> Int {
        let weight = nest.steps.map(\.body.nodes.count).max() ?? 0
        let reduces = nest.steps.contains { $0.effects.contains { if case .reduce = $0 { true } else { false } } }
        return reduces && weight < 24 ? 4 : 1
    }

    /// Lane positions in order of preference: each is scored by the unit-stride and uniform accesses along it.
    static func laneCandidates(_ kernel: Kernel, _ nest: NestKernel) -> [Int] {
        if nest.isSerial { return [-2] }
        let hasScan = nest.steps.contains { $0.body.nodes.contains { if case .scan = $0 { true } else { false } } }
        var scored: [(lane: Int, score: Int)] = []
        func score(_ variables: [Variable?]) -> Int {
            var total = 0
            for (step, variable) in zip(nest.steps, variables) {
                guard let variable else { continue }
                var indices: [(IntegerExpression, Int)] = []
                for case .load(_, let index, _) in step.body.nodes { indices.append((index, 2)) }
                for case .store(let store) in step.effects { indices.append((store.index, 3)) }
                for (index, weight) in indices {
                    guard let stride = index.linearCoefficient(of: variable)?.constantValue else {
                        total -= index.contains(variable) ? 1 : 0
                        continue
                    }
                    total += stride == 1 ? weight : (stride == 0 ? 0 : -weight)
                }
            }
            return total
        }
        for (position, axis) in nest.axes.enumerated() {
            if let extent = axis.extent.constantValue, extent < 4 { continue }
            scored.append((position, score(nest.steps.map { _ in axis.variable })))
        }
        let hasInner = nest.steps.contains { !$0.axes.isEmpty }
        if hasInner, !hasScan {
            let last = nest.steps.map { $0.axes.last }
            let isLong = last.contains { axis in axis.map { ($0.extent.constantValue ?? 1024) >= 4 } ?? false }
            if isLong { scored.append((-1, score(last.map { $0?.variable }) + 1)) }
        }
        scored.sort { $0.score != $1.score ? $0.score > $1.score : $0.lane > $1.lane }
        return scored.filter { $0.score > 0 }.map(\.lane) + [-2]
    }
}

extension CPrelude {
    /// Elements of every vector on a target.
    package static func lanes(_ target: CPUTarget) -> Int { max(4, target.vectorBytes / 4) }
}
