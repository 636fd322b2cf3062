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
        /// Some threads of a block, across the inner points, beside teams for the 7, 15 or 31 points that follow: for what lies side by
        /// side along points rather than along inner loops.
        case beside8 = 3
        case beside16 = 4
        case beside32 = 5

        /// Points that neighbouring threads compute.
        var neighbours: Int {
            switch self {
            case .thread, .warp, .block: 1
            case .beside8: 8
            case .beside16: 16
            case .beside32: 32
            }
        }
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
        case .beside8, .beside16, .beside32: width = threads / self.team.neighbours
        }
        points = (nest.isSerial ? serial.free : nest.axes).reduce(1) { $0 * $1.extent }
        let perBlock = self.threads / width
        blocks = (points + (perBlock - 1)).floorDivided(by: IntegerExpression(perBlock), kernel.ranges)
    }

    /// The first thread's place in its team, as text.
    func member(_ thread: String) -> String {
        team.neighbours == 1 ? "(int)\(thread) % \(width)" : "(int)\(thread) / \(team.neighbours)"
    }

    /// The place among its block's points of the point that a thread works on, as text.
    func place(_ thread: String) -> String {
        team.neighbours == 1 ? "(int)\(thread) / \(width)" : "(int)\(thread) % \(team.neighbours)"
    }

    /// Whether points fill the device by themselves and need no team.
    static func fills(_ points: Int, _ target: SIMTTarget) -> Bool { points >= 1024 * target.multiprocessors }

    /// Teams in order of preference. Long inner loops go to blocks, short ones to warps, and nests without inner loops to threads; scans
    /// that `SIMTScanWriter` does not serve run in one thread. What lies side by side along points goes to neighbouring teams.
    static func teams(
        _ nest: NestKernel, _ scan: SIMTScanWriter?, _ beside: SIMTBeside?, _ target: SIMTTarget
    ) -> [Team] {
        if let scan { return scan.teams }
        let hasScan = nest.steps.contains { $0.body.nodes.contains { if case .scan = $0 { true } else { false } } }
        let longest = nest.longest
        if nest.isSerial || hasScan || longest == 1 { return [.thread] }
        let isShort = longest < 16 || longest <= 64 && fills(nest.points, target)
        let others: [Team] =
            isShort ? [.thread, .warp] : longest <= 256 ? [.warp, .block, .thread] : [.block, .warp, .thread]
        guard let beside, longest >= 16 else { return others }
        let teams = beside.teams(nest, target)
        guard beside.isAlways else { return others + teams }
        return (fills(nest.points, target) ? [.thread] + teams : teams + [.thread]) + others.filter { $0 != .thread }
    }
}

/// The choices of a nest on a device that runs blocks of threads.
package func simtNestChoices(_ kernel: Kernel, _ nest: NestKernel, _ target: SIMTTarget) -> [Choice] {
    let nest = nest.inMemoryOrder(kernel)
    let beside = SIMTBeside(kernel, nest)
    let teams = SIMTNestPlan.teams(nest, SIMTScanWriter(kernel, nest, target), beside, target)
    // 256 threads a row were the best for few rows of 1024 and of 4096 (measured, H200). Where rows are many, each thread should
    // have some work of its own.
    var best = 256
    let points = nest.points
    if let beside, teams[0].neighbours > 1 {
        best = beside.threads(nest, teams[0], target)
    } else if teams[0] == .block, points >= 8 * target.multiprocessors {
        best = [64, 128].first { nest.longest <= 16 * $0 } ?? 256
    }
    let isShared = teams[0] == .block || teams[0].neighbours > 1
    let others = isShared ? [256, 512, 128, 1024, 64] : [256, 128, 64, 512]
    let threads = ([best] + others.filter { $0 != best }).filter { $0 <= target.threads }
    if let rows = SIMTRowsWriter(kernel, nest, target), let plain = rows.plain(points) {
        let ordered = [plain.team] + teams.filter { $0 != plain.team }
        return [
            Choice("team", ordered.map(\.rawValue)),
            Choice("threads", [plain.threads] + threads.filter { $0 != plain.threads }), Choice("run", rows.runs + [1]),
        ]
    }
    let map = SIMTMapWriter(kernel, nest, target)
    return [Choice("team", teams.map(\.rawValue)), Choice("threads", threads)] + (map.map { [$0.choice] } ?? [])
        + (SIMTNestParts.choice(kernel, nest, teams, threads[0], target).map { [$0] } ?? [])
        + (SIMTTurnWriter(kernel, nest, target).map { [$0.choice] } ?? [])
}

/// Emits a nest kernel for blocks of threads.
package func emitSIMTNest(
    _ kernel: Kernel, _ nest: NestKernel, symbol: String, _ schedule: Schedule, _ target: SIMTTarget
) throws(EmissionError) -> EmittedKernel {
    let nest = nest.inMemoryOrder(kernel)
    let choices = simtNestChoices(kernel, nest, target)
    if let turn = SIMTTurnWriter(kernel, nest, target), schedule[turn.choice] == 1 { return turn.write(symbol) }
    if let map = SIMTMapWriter(kernel, nest, target), schedule[map.choice] > 1 {
        return map.write(symbol, threads: schedule[choices[1]])
    }
    if let run = choices.first(where: { $0.name == "run" }), schedule[run] > 1,
        let rows = SIMTRowsWriter(kernel, nest, target, run: schedule[run])
    {
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
    let parts = SIMTNestParts(choices.first { $0.name == "parts" }.map { schedule[$0] } ?? 1, plan)
    let recomputed = nest.recomputing { SIMTNestWriter.registers(nest, $0, plan) == nil }
    var writer = SIMTNestWriter(
        kernel: kernel, nest: recomputed, plan: plan, parts: parts, target: target, symbol: symbol)
    let (source, scratch) = try writer.write()
    return EmittedKernel(
        symbol: symbol, source: source,
        arguments: kernel.parameters.indices.map { .parameter($0) } + scratch.map { .shared(bytes: $0) }, packings: [],
        workspaceBytes: 0,
        parts: .grid(
            .init(
                blocks: plan.blocks * parts.count, threads: plan.threads, overlaps: target.overlaps,
                counters: parts.count > 1 ? plan.blocks.constantValue ?? 0 : 0)))
}
