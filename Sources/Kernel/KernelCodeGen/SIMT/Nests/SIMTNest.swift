import ElementTypes
import KernelIR

/// How the points of a nest lie on a grid of blocks of threads.
struct SIMTNestPlan {
    /// Who computes one outer point.
    enum Team: Int {
        /// One thread; its inner loops run one after the other.
        case thread = 0
        /// The threads of one warp, across the inner points.
        case warp = 1
        /// All threads of a block, across the inner points.
        case block = 2
    }

    let team: Team
    /// Threads of a block.
    let threads: Int
    /// Threads of a team.
    let width: Int
    /// Outer points, over symbols.
    let points: IntegerExpression
    /// Blocks, over symbols.
    let blocks: IntegerExpression

    init(_ kernel: Kernel, _ nest: NestKernel, team: Team, threads: Int, warp: Int) {
        let serial = SIMTSerialAxes(nest)
        self.team = nest.isSerial ? .thread : team
        // Threads that share a serial nest's points lie on as many processors as there are blocks of a few.
        self.threads = nest.isSerial ? (serial.free.isEmpty ? warp : min(threads, 2 * warp)) : threads
        switch self.team {
        case .thread: width = 1
        case .warp: width = warp
        case .block: width = threads
        }
        points = (nest.isSerial ? serial.free : nest.axes).reduce(1) { $0 * $1.extent }
        let perBlock = self.threads / width
        blocks = (points + (perBlock - 1)).floorDivided(by: IntegerExpression(perBlock), kernel.ranges)
    }

    /// Teams in order of preference. Long inner loops go to blocks, short ones to warps, and nests without inner loops to threads; scans
    /// that `SIMTScanWriter` does not serve run in one thread.
    static func teams(_ nest: NestKernel, _ scan: SIMTScanWriter?) -> [Team] {
        if let scan { return scan.teams }
        let hasScan = nest.steps.contains { $0.body.nodes.contains { if case .scan = $0 { true } else { false } } }
        let lengths = nest.steps.map { step in
            step.axes.reduce(1) { $0 * ($1.extent.constantValue ?? 512) }
        }
        let longest = lengths.max() ?? 1
        if nest.isSerial || hasScan || longest == 1 { return [.thread] }
        if longest < 16 { return [.thread, .warp] }
        return longest <= 256 ? [.warp, .block, .thread] : [.block, .warp, .thread]
    }
}

/// The choices of a nest on a device that runs blocks of threads.
package func simtNestChoices(_ kernel: Kernel, _ nest: NestKernel, _ target: SIMTTarget) -> [Choice] {
    let teams = SIMTNestPlan.teams(nest, SIMTScanWriter(kernel, nest, target))
    // 256 threads a row were the best for few rows of 1024 and of 4096 (measured, H200). Where rows are many, each thread should
    // have some work of its own.
    var best = 256
    let points = nest.axes.reduce(1) { $0 * ($1.extent.constantValue ?? 0) }
    if teams[0] == .block, points >= 8 * target.multiprocessors {
        let longest = nest.steps.map { $0.axes.reduce(1) { $0 * ($1.extent.constantValue ?? 512) } }.max() ?? 1
        best = [64, 128].first { longest <= 16 * $0 } ?? 256
    }
    let others = teams[0] == .block ? [256, 512, 128, 1024, 64] : [256, 128, 64, 512]
    let threads = ([best] + others.filter { $0 != best }).filter { $0 <= target.threads }
    if let rows = SIMTRowsWriter(kernel, nest, target), let plain = rows.plain(points) {
        let ordered = [plain.team] + teams.filter { $0 != plain.team }
        return [
            Choice("team", ordered.map(\.rawValue)),
            Choice("threads", [plain.threads] + threads.filter { $0 != plain.threads }), Choice("run", [rows.run, 1]),
        ]
    }
    let map = SIMTMapWriter(kernel, nest, target)
    return [Choice("team", teams.map(\.rawValue)), Choice("threads", threads)] + (map.map { [$0.choice] } ?? [])
}

/// Emits a nest kernel for blocks of threads.
package func emitSIMTNest(
    _ kernel: Kernel, _ nest: NestKernel, symbol: String, _ schedule: Schedule, _ target: SIMTTarget
) throws(EmissionError) -> EmittedKernel {
    let choices = simtNestChoices(kernel, nest, target)
    if let map = SIMTMapWriter(kernel, nest, target), schedule[map.choice] > 1 {
        return map.write(symbol, threads: schedule[choices[1]])
    }
    if let rows = SIMTRowsWriter(kernel, nest, target), choices.count > 2, schedule[choices[2]] > 1 {
        let team = SIMTNestPlan.Team(rawValue: schedule[choices[0]]) ?? .block
        let plan = SIMTNestPlan(
            kernel, nest, team: team == .thread ? .warp : team, threads: schedule[choices[1]], warp: 32)
        guard rows.fits(plan.width) else {
            throw EmissionError(kernel: kernel.name, reason: "rows do not fit in the registers of so few threads")
        }
        return rows.write(symbol, plan)
    }
    let team = SIMTNestPlan.Team(rawValue: schedule[choices[0]]) ?? .thread
    let plan = SIMTNestPlan(kernel, nest, team: team, threads: schedule[choices[1]], warp: 32)
    if team != .thread, let scan = SIMTScanWriter(kernel, nest, target) { return scan.write(symbol, plan) }
    var writer = SIMTNestWriter(kernel: kernel, nest: nest, plan: plan, target: target, symbol: symbol)
    let (source, scratch) = try writer.write()
    return EmittedKernel(
        symbol: symbol, source: source,
        arguments: kernel.parameters.indices.map { .parameter($0) } + scratch.map { .shared(bytes: $0) }, packings: [],
        workspaceBytes: 0, parts: .grid(.init(blocks: plan.blocks, threads: plan.threads, overlaps: target.overlaps)))
}
