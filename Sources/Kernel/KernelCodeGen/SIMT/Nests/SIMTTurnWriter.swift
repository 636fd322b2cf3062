import DeviceAPI
import ElementTypes
import KernelIR

/// Maps whose operands lie along another axis than their results, such as copies between channels first and channels last: a block takes a
/// tile of 32 × 32 points, reads it as operands lie, keeps it in shared memory and stores it as results lie (Ruetsch and Micikevicius,
/// "Optimizing Matrix Transpose in CUDA", 2009).
struct SIMTTurnWriter {
    private let kernel: Kernel
    private let nest: NestKernel
    private let target: SIMTTarget
    private let stores: [Store]
    /// The axis along which results lie.
    private let inner: LoopAxis
    /// The axis along which turned operands lie.
    private let outer: LoopAxis
    /// Loads that go by way of shared memory.
    private let turned: [Int]
    /// Whether points go by way of shared memory.
    let choice: Choice

    private static let side = 32
    private static let threads = 256
    /// Shorter axes leave most of a tile empty.
    private static let leastExtent = 16
    /// Most tiles that a block keeps.
    private static let mostTurned = 4

    /// Nil where nothing is turned.
    init?(_ kernel: Kernel, _ nest: NestKernel, _ target: SIMTTarget) {
        guard let stores = nest.mapStores, target.threads >= Self.threads,
            let inner = nest.axes.last(where: { $0.extent != 1 }), Self.isLong(inner),
            stores.allSatisfy({ store in
                store.combine == nil && store.index.linearCoefficient(of: inner.variable) == 1
                    && ([store.index] + store.mask).allSatisfy { !$0.variables.contains { $0.kind == .value } }
            })
        else { return nil }
        let step = nest.steps[0]
        var outer: LoopAxis?
        var turned: [Int] = []
        for (number, node) in step.body.nodes.enumerated() {
            guard case .load(let parameter, let index, let mask) = node, mask.isEmpty,
                kernel.parameters[parameter].access == .read,
                !index.variables.contains(where: { $0.kind == .value }),
                let stride = index.linearCoefficient(of: inner.variable), stride != 0, stride != 1,
                let along = nest.axes.first(where: {
                    $0 != inner && Self.isLong($0) && index.linearCoefficient(of: $0.variable) == 1
                }), outer == nil || outer == along
            else { continue }
            outer = along
            turned.append(number)
        }
        guard let outer, turned.count <= Self.mostTurned else { return nil }
        self.kernel = kernel
        self.nest = nest
        self.target = target
        self.stores = stores
        self.inner = inner
        self.outer = outer
        self.turned = turned
        // A cache holds what is small.
        let points = nest.axes.reduce(1) { $0 * ($1.extent.constantValue ?? 1024) }
        choice = Choice("turned", points >= 1 << 14 ? [1, 0] : [0, 1])
    }

    private static func isLong(_ axis: LoopAxis) -> Bool { axis.extent.constantValue.map { $0 >= leastExtent } ?? true }

    /// The kernel.
    func write(_ symbol: String) -> EmittedKernel {
        let frame = SIMTFrame(kernel, .nest(nest), symbol: symbol, axes: nest.axes, target)
        let (i, side, dialect) = (frame.integer, Self.side, frame.dialect)
        let step = nest.steps[0]
        func tiles(_ axis: LoopAxis) -> IntegerExpression {
            (axis.extent + (side - 1)).floorDivided(by: IntegerExpression(side), kernel.ranges)
        }
        let others = nest.axes.filter { $0 != inner && $0 != outer }
        let bounds = [inner, outer].map { "\($0.variable.name) < \(frame.index.print($0.extent))" }
            .joined(separator: " && ")
        let perTurn = Self.threads / side
        /// A loop over a tile whose neighbouring threads are neighbours along an axis.
        func loop(along near: LoopAxis, _ far: LoopAxis, _ lines: [String]) -> [String] {
            [
                dialect.unroll, "for (int turn = 0; turn < \(side); turn += \(perTurn)) {",
                "const \(i) \(near.variable.name) = \(near == inner ? "across" : "down") + x;",
                "const \(i) \(far.variable.name) = \(far == inner ? "across" : "down") + y + turn;",
                "if (\(bounds)) {",
            ] + lines + ["}", "}"]
        }
        var lines = ["OVERLAP_BEGIN; OVERLAP_WAIT;"]
        var reads: [String] = []
        for (place, node) in turned.enumerated() {
            guard case .load(let parameter, let index, _) = step.body.nodes[node] else { continue }
            let type = frame.storage(kernel.parameters[parameter].element)
            // One more than a row has: neither rows nor columns meet in a bank.
            lines.append(dialect.shared(type, "tile\(place)", side * (side + 1)))
            reads.append("tile\(place)[(y + turn) * \(side + 1) + x] = p\(parameter)[\(frame.index.print(index))];")
        }
        lines += [
            "const int x = (int)\(dialect.thread) % \(side), y = (int)\(dialect.thread) / \(side);",
            "\(i) rest = (\(i))\(dialect.block);",
            "const \(i) across = rest % \(frame.index.print(tiles(inner))) * \(side); rest /= \(frame.index.print(tiles(inner)));",
            "const \(i) down = rest % \(frame.index.print(tiles(outer))) * \(side); rest /= \(frame.index.print(tiles(outer)));",
        ]
        lines += frame.places(others, from: "rest") + ["(void)rest;"]
        lines += loop(along: outer, inner, reads) + [dialect.barrier]
        var printer = frame.printer
        printer.loaded = { node in
            guard let place = turned.firstIndex(of: node), case .load(let parameter, _, _) = step.body.nodes[node]
            else { return nil }
            return frame.printer.loadText(
                kernel.parameters[parameter].element, "tile\(place)[x * \(side + 1) + y + turn]")
        }
        let types = step.body.types(parameters: kernel.parameters)
        let (statements, values) = printer.print(step.body, wanted: stores.map(\.value))
        lines += loop(along: inner, outer, statements + stores.map { printer.statement($0, values, types) })
        let blocks = others.reduce(tiles(inner) * tiles(outer)) { $0 * $1.extent }
        return EmittedKernel(
            symbol: symbol, source: frame.kernelFunction(threads: Self.threads, lines),
            arguments: kernel.parameters.indices.map { .parameter($0) }, packings: [], workspaceBytes: 0,
            parts: .grid(.init(blocks: blocks, threads: Self.threads, overlaps: target.overlaps)))
    }
}

extension NestKernel {
    /// What a nest stores that computes each of its points by itself, from what it loads; nil for others.
    var mapStores: [Store]? {
        guard !isSerial, steps.count == 1, steps[0].axes.isEmpty, rows.isEmpty, slots.isEmpty else { return nil }
        let isPlain = steps[0].body.nodes.allSatisfy { node in
            switch node {
            case .scan, .position, .slot, .row: false
            case .load, .integerExpression, .condition, .real, .integer, .truth, .apply, .cast, .accumulator: true
            }
        }
        let stores = steps[0].effects.compactMap { if case .store(let store) = $0 { store } else { nil } }
        return isPlain && stores.count == steps[0].effects.count ? stores : nil
    }
}
