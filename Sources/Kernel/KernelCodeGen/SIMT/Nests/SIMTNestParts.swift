import ElementTypes
import KernelIR

/// Blocks that share the inner points of one reduction, where there are few points outside: each leaves what it has in scratch memory, and
/// the last to arrive combines that of all, always in the same order, and goes on alone.
struct SIMTNestParts {
    /// Blocks a tile of points.
    let count: Int

    /// So many parts, or one where threads of a plan compute points by themselves or several teams share a warp.
    init(_ count: Int, _ plan: SIMTNestPlan) {
        self.count = Self.teams.contains(plan.team) ? count : 1
    }

    /// Teams whose blocks may share their points.
    private static let teams: Set<SIMTNestPlan.Team> = [.block, .beside8, .beside16, .beside32]

    /// How many parts there may be, as many as fill the device first; nil for nests that are not one reduction and what follows it, and
    /// where points fill the device.
    static func choice(
        _ kernel: Kernel, _ nest: NestKernel, _ teams: [SIMTNestPlan.Team], _ threads: Int, _ target: SIMTTarget
    ) -> Choice? {
        guard case .nest = kernel.body, !nest.isSerial, nest.rows.isEmpty, let first = nest.steps.first,
            !first.axes.isEmpty, nest.steps.dropFirst().allSatisfy(\.axes.isEmpty),
            first.effects.allSatisfy({ if case .reduce = $0 { true } else { false } }),
            !first.body.nodes.contains(where: { if case .scan = $0 { true } else { false } }),
            let length = first.axes.reduce(IntegerExpression(1), { $0 * $1.extent }).constantValue,
            let team = teams.first(where: Self.teams.contains)
        else { return nil }
        let plan = SIMTNestPlan(kernel, nest, team: team, threads: threads, warp: 32)
        guard let blocks = plan.blocks.constantValue else { return nil }
        // Eight turns and more for every thread.
        let useful = [1, 2, 4, 8, 16, 32, 64, 128, 256].filter {
            $0 == 1 || (blocks * $0 <= 4 * target.multiprocessors && length >= 8 * plan.width * $0)
        }
        guard useful.count > 1 else { return nil }
        let best = useful.last { $0 == 1 || blocks * $0 <= 2 * target.multiprocessors } ?? 1
        return Choice("parts", [best] + useful.filter { $0 != best }).only(
            where: "team", is: Set(Self.teams.map(\.rawValue)))
    }

    /// Which tile of points a block works on, as text.
    func tile(_ dialect: SIMTDialect) -> String { count > 1 ? "(\(dialect.block) / \(count))" : dialect.block }

    /// Declarations at the start of the kernel.
    func declarations(_ dialect: SIMTDialect) -> [String] {
        count > 1
            ? ["SHARED int arrived;", "const int part = (int)(\(dialect.block) % \(count));"] : []
    }

    /// Scratch memory: what the parts of every point leave, slot by slot, and where it was where that is asked for.
    func shares(
        _ kernel: Kernel, _ nest: NestKernel, _ plan: SIMTNestPlan
    ) -> [(name: String, type: String, bytes: Int)] {
        guard count > 1, let points = plan.points.constantValue, let step = nest.steps.first else { return [] }
        let types = step.body.types(parameters: kernel.parameters, slots: nest.slots, rows: nest.rows)
        return step.effects.flatMap { effect -> [(name: String, type: String, bytes: Int)] in
            guard case .reduce(_, let value, let position, let slot) = effect else { return [] }
            let bytes = count * points * 8
            return [(name: "share\(slot)", type: CTypes.scalar(types[value]), bytes: bytes)]
                + (position == nil ? [] : [(name: "places\(slot)", type: "int64_t", bytes: bytes)])
        }
    }

    /// Statements after which the accumulators of all slots are whole in all threads of the one block that goes on.
    func join(_ reduced: [SIMTFold.Reduced], _ plan: SIMTNestPlan, _ fold: SIMTFold) -> [String] {
        guard count > 1 else { return [] }
        let (thread, tile, points) = (fold.dialect.thread, tile(fold.dialect), plan.points.constantValue ?? 0)
        func share(_ one: SIMTFold.Reduced, _ part: String) -> String {
            "((volatile GLOBAL \(CTypes.scalar(one.type)) *)share\(one.slot))[\(part) * \(points) + point]"
        }
        func place(_ one: SIMTFold.Reduced, _ part: String) -> String {
            "((volatile GLOBAL int64_t *)places\(one.slot))[\(part) * \(points) + point]"
        }
        let stores = reduced.map {
            "\(share($0, "part")) = a\($0.slot);\($0.isArg ? " \(place($0, "part")) = q\($0.slot);" : "")"
        }
        let merges = reduced.map { one in
            "{ const \(CTypes.scalar(one.type)) v = \(share(one, "other")); "
                + (one.isArg ? "const int64_t w = \(place(one, "other")); " : "") + "\(one.merge("v", "w")) }"
        }
        return ["if (active && member == 0) {"] + stores + [
            "}", "FENCE; BARRIER_ALL;", "if (\(thread) == 0) arrived = count_up(counters + \(tile));", "BARRIER_ALL;",
            "if (arrived != \(count - 1)) return;", "FENCE;", "if (\(thread) == 0) counters[\(tile)] = 0;",
        ] + reduced.map(\.start) + ["if (active) for (int other = member; other < \(count); other += \(plan.width)) {"]
            + merges + ["}"] + reduced.flatMap { fold.statements($0, isFirst: false) }
    }
}
