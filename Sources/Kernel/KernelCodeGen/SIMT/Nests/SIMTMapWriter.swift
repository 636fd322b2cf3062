import ElementTypes
import KernelIR

/// Maps whose results lie side by side along their last axis: each thread computes a run of neighbours, in wide accesses. The largest or
/// least of a few points (a window of a pool) is a map too, with all its points written out.
struct SIMTMapWriter {
    private let kernel: Kernel
    private let nest: NestKernel
    private let target: SIMTTarget
    private let stores: [Store]
    /// Neighbours of a thread.
    private let run: Int
    /// Points of a thread: a run, or one as in other nests.
    let choice: Choice

    /// Nil where the nest is no such map.
    init?(_ kernel: Kernel, _ nest: NestKernel, _ target: SIMTTarget) {
        let nest = Self.writtenOut(nest, kernel) ?? nest
        guard let stores = nest.mapStores, let last = nest.axes.last else { return nil }
        let step = nest.steps[0]
        self.kernel = kernel
        self.nest = nest
        self.target = target
        self.stores = stores
        let frame = SIMTFrame(kernel, .nest(nest), symbol: "probe", axes: nest.axes, target)
        guard
            let run = [8, 4, 2].first(where: { run in
                last.extent.constantValue.map { $0 % run == 0 } ?? false
                    && Self.finish(frame, step.body, stores, nest.axes, run: run, threads: 32, total: "0") != nil
            })
        else { return nil }
        self.run = run
        // A run a thread where there are runs for all threads that processors hold.
        let points = nest.axes.reduce(1) { $0 * ($1.extent.constantValue ?? 0) }
        let isLarge = points / run >= target.multiprocessors * 1024
        choice = Choice("run", isLarge ? [run, 1] : [1, run])
    }

    /// Most points of a window that are written out.
    private static let mostPoints = 16

    /// A nest of extrema over few points and what follows them, as a map. Nil where it is another.
    private static func writtenOut(_ nest: NestKernel, _ kernel: Kernel) -> NestKernel? {
        guard !nest.isSerial, nest.rows.isEmpty, nest.steps.count == 2, nest.steps[1].axes.isEmpty else { return nil }
        let (window, rest) = (nest.steps[0], nest.steps[1])
        let extents = window.axes.compactMap(\.extent.constantValue)
        let points = extents.reduce(1, *)
        guard extents.count == window.axes.count, (1...mostPoints).contains(points),
            !window.body.nodes.contains(where: { node in
                switch node {
                case .scan, .position, .slot, .row: true
                case .load, .integerExpression, .condition, .real, .integer, .truth, .apply, .cast, .accumulator: false
                }
            })
        else { return nil }
        let types = window.body.types(parameters: kernel.parameters)
        var body = ScalarBody()
        // The extremum of each slot so far.
        var best: [Int: Int] = [:]
        for point in 0..<points {
            var values: [Variable: IntegerExpression] = [:]
            var left = point
            for (axis, extent) in zip(window.axes, extents).reversed() {
                values[axis.variable] = IntegerExpression(left % extent)
                left /= extent
            }
            let here = window.body.mapping { $0.substituting(kernel.ranges) { values[$0] } }
            var numbers: [Int] = []
            for node in here.nodes { numbers.append(body.emit(node.renumbered { [numbers] in numbers[$0] })) }
            for effect in window.effects {
                guard case .reduce(let kind, let value, nil, let slot) = effect,
                    let operation: ScalarOperation = kind == .maximum ? .maximum : kind == .minimum ? .minimum : nil,
                    types[value] == nest.slots[slot]
                else { return nil }
                best[slot] = best[slot].map { body.emit(.apply(operation, [numbers[value], $0])) } ?? numbers[value]
            }
        }
        var numbers: [Int] = []
        for node in rest.body.nodes {
            if case .slot(let slot) = node {
                guard let value = best[slot] else { return nil }
                numbers.append(value)
            } else {
                numbers.append(body.emit(node.renumbered { [numbers] in numbers[$0] }))
            }
        }
        let stores: [NestStep.Effect] = rest.effects.compactMap { effect in
            guard case .store(var store) = effect else { return nil }
            store.value = numbers[store.value]
            return .store(store)
        }
        guard stores.count == rest.effects.count else { return nil }
        return NestKernel(axes: nest.axes, steps: [NestStep(axes: [], body: body, effects: stores)])
    }

    /// The kernel, in blocks of so many threads.
    func write(_ symbol: String, threads: Int) -> EmittedKernel {
        let frame = SIMTFrame(kernel, .nest(nest), symbol: symbol, axes: nest.axes, target)
        let points = nest.axes.reduce(IntegerExpression(1)) { $0 * $1.extent }
        let finish = Self.finish(
            frame, nest.steps[0].body, stores, nest.axes, run: run, threads: threads, total: frame.index.print(points))
        guard let finish else { preconditionFailure("the map has no runs") }
        let lines =
            ["OVERLAP_BEGIN; OVERLAP_WAIT;", "const int thread = (int)\(target.dialect.thread);"] + finish.statements
        let blocks = (points + (run * threads - 1)).floorDivided(by: IntegerExpression(run * threads), kernel.ranges)
        return EmittedKernel(
            symbol: symbol, source: finish.functions + frame.kernelFunction(threads: threads, lines),
            arguments: kernel.parameters.indices.map { .parameter($0) }, packings: [], workspaceBytes: 0,
            parts: .grid(.init(blocks: blocks, threads: threads, overlaps: target.overlaps)))
    }

    private static func finish(
        _ frame: SIMTFrame, _ body: ScalarBody, _ stores: [Store], _ axes: [LoopAxis], run: Int, threads: Int,
        total: String
    ) -> SIMTFrame.RunFinish? {
        let i = frame.integer
        var point = [
            "const \(i) whole = ((\(i))\(frame.dialect.block) * \(threads) + e) * \(run);",
            "\(i) rest = whole < \(total) ? whole : \(total) - \(run);",
        ]
        point += frame.places(axes, from: "rest")
        let names = axes.map(\.variable.name)
        return frame.finishingRuns(
            body, stores, over: axes, count: run * threads, run: run, columns: run * threads, threads: threads,
            point: point,
            arguments: names, inside: names, accumulators: "(void)sums_", condition: "whole < \(total)")
    }
}
