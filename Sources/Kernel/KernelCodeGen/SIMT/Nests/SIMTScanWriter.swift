import DeviceAPI
import ElementTypes
import KernelIR

/// Running combinations along one axis by the threads of a team: each combines a run of neighbours by itself, the totals are combined
/// across the team (Hillis and Steele 1986), and what came before goes from turn to turn in every thread.
///
/// Sums, products and sums of powers in f32 are carried in f64, as PyTorch carries them; their order is fixed, so that results are.
struct SIMTScanWriter {
    private let kernel: Kernel
    private let nest: NestKernel
    private let target: SIMTTarget
    private let axis: LoopAxis
    private let kind: ReductionKind
    /// What is combined.
    private let operand: Int
    /// The body with what was combined so far as slot 0.
    private let rest: ScalarBody
    private let type: ElementType

    /// Neighbours of a thread.
    private static let run = 4

    /// Nil where the nest is of another kind.
    init?(_ kernel: Kernel, _ nest: NestKernel, _ target: SIMTTarget) {
        guard !nest.isSerial, nest.steps.count == 1, nest.slots.isEmpty, nest.rows.isEmpty,
            nest.steps[0].axes.count == 1
        else { return nil }
        let step = nest.steps[0]
        let scans = step.body.nodes.indices.filter { if case .scan = step.body.nodes[$0] { true } else { false } }
        guard scans.count == 1, case .scan(let kind, let operand) = step.body.nodes[scans[0]],
            step.effects.allSatisfy({ if case .store = $0 { true } else { false } })
        else { return nil }
        self.kernel = kernel
        self.nest = nest
        self.target = target
        self.kind = kind
        self.operand = operand
        axis = step.axes[0]
        type = step.body.types(parameters: kernel.parameters)[scans[0]].computeType
        var rest = step.body
        rest.nodes[scans[0]] = .slot(0)
        self.rest = rest
    }

    /// Who computes a point, in order of preference: a thread where points alone fill the device, a warp where rows are short.
    var teams: [SIMTNestPlan.Team] {
        let points = nest.axes.reduce(1) { $0 * ($1.extent.constantValue ?? 0) }
        let length = axis.extent.constantValue ?? 512
        let fills = points >= 512 * target.multiprocessors
        if length <= Self.run || (fills && length <= 1024) { return [.thread] + others }
        return target.hasShuffles && length <= 32 * Self.run ? [.warp, .block, .thread] : others + [.thread]
    }

    private var others: [SIMTNestPlan.Team] { target.hasShuffles ? [.block, .warp] : [.block] }

    /// C type of what is carried.
    private var carried: ElementType {
        type == .f32 && (kind == .sum || kind == .product || kind == .logSumExp) ? .f64 : type
    }

    private func combine(_ a: String, _ b: String) -> String {
        BodyPrinter.combine(kind, CTypes.letter(carried), "s", a, b)
    }

    /// The kernel, for teams of a warp or a block.
    func write(_ symbol: String, _ plan: SIMTNestPlan) -> EmittedKernel {
        let frame = SIMTFrame(kernel, .nest(nest), symbol: symbol, axes: nest.axes + [axis], target)
        let (i, value) = (frame.integer, CTypes.scalar(carried))
        let (name, total) = (axis.variable.name, frame.index.print(axis.extent))
        let start = Reductions.initial(kind, carried, isVector: false)
        let chunk = plan.width * Self.run
        let hasPositions = rest.nodes.contains { if case .position = $0 { true } else { false } }
        var lines = ["OVERLAP_BEGIN; OVERLAP_WAIT;"] + declarations(plan, value)
        lines += [
            "const int member = THREAD % \(plan.width);",
            "const \(i) point = (\(i))BLOCK * \(plan.threads / plan.width) + THREAD / \(plan.width);",
            "if (point >= \(frame.index.print(plan.points))) return;", "\(i) rest = point;",
        ]
        lines += frame.places(nest.axes, from: "rest") + ["(void)rest;"]
        if hasPositions { lines.append("int64_t outside = 0;") }
        lines += [
            "\(value) carry = \(start);", "for (\(i) base = 0; base < \(total); base += \(chunk)) {",
            "\(value) so_far[\(Self.run)], own = \(start);", "UNROLL for (int turn = 0; turn < \(Self.run); ++turn) {",
            "const \(i) \(name) = base + member * \(Self.run) + turn;", "if (\(name) < \(total)) {",
        ]
        var printer = frame.printer
        if hasPositions { printer.outside = ("outside", "outside") }
        printer.slotTypes = [type]
        let (before, operands) = printer.print(rest, wanted: [operand])
        lines += before + ["own = \(combine("own", "(\(value))\(operands[operand]?.text ?? "0")"));", "}"]
        lines += ["so_far[turn] = own;", "}"] + across(plan, value, start)
        lines += [
            "earlier = \(combine("carry", "earlier"));", "carry = \(combine("carry", "all"));",
            "UNROLL for (int turn = 0; turn < \(Self.run); ++turn) {",
            "const \(i) \(name) = base + member * \(Self.run) + turn;", "if (\(name) < \(total)) {",
            "const \(CTypes.scalar(type)) slot0 = (\(CTypes.scalar(type)))\(combine("earlier", "so_far[turn]"));",
        ]
        let stores = nest.steps[0].effects.compactMap { if case .store(let store) = $0 { store } else { nil } }
        let wanted = stores.flatMap { store in
            [store.value]
                + ([store.index] + store.mask).flatMap { $0.variables.filter { $0.kind == .value }.map(\.index) }
        }
        let (after, values) = printer.print(rest, wanted: wanted)
        let types = rest.types(parameters: kernel.parameters, slots: [type])
        lines += after + stores.map { printer.statement($0, values, types) } + ["}", "}", "}"]
        if hasPositions { lines.append("if (outside) *status = \(KernelCode.indexOutOfRange.rawValue);") }
        return EmittedKernel(
            symbol: symbol, source: frame.kernelFunction(threads: plan.threads, lines),
            arguments: kernel.parameters.indices.map { .parameter($0) }, packings: [], workspaceBytes: 0,
            parts: .grid(.init(blocks: plan.blocks, threads: plan.threads, overlaps: target.overlaps)))
    }

    private func declarations(_ plan: SIMTNestPlan, _ value: String) -> [String] {
        if target.hasShuffles { return plan.team == .block ? ["SHARED \(value) totals[\(plan.threads / 32)];"] : [] }
        return ["SHARED \(value) totals[\(plan.threads)];"]
    }

    /// Statements that combine `own` of all threads: `earlier` is what stands before a thread's run in this turn, `all` that of the team.
    private func across(_ plan: SIMTNestPlan, _ value: String, _ start: String) -> [String] {
        guard target.hasShuffles else {
            return [
                // Those of the turn before have been read.
                "BARRIER;", "totals[member] = own;", "BARRIER;",
                "for (int apart = 1; apart < \(plan.width); apart *= 2) {",
                "const \(value) mine = totals[member], theirs = member >= apart ? totals[member - apart] : \(start);",
                "BARRIER;", "if (member >= apart) totals[member] = \(combine("theirs", "mine"));", "BARRIER;", "}",
                "\(value) earlier = member > 0 ? totals[member - 1] : \(start);",
                "const \(value) all = totals[\(plan.width - 1)];",
            ]
        }
        let lines = [
            "const int lane = member % 32; \(value) sum = own;",
            "UNROLL for (int apart = 1; apart < 32; apart *= 2) {",
            "const \(value) theirs = __shfl_sync(0xffffffffu, sum, (lane - apart) & 31);",
            "if (lane >= apart) sum = \(combine("theirs", "sum"));", "}",
            "const \(value) last = __shfl_sync(0xffffffffu, sum, 31);",
            "\(value) earlier = __shfl_sync(0xffffffffu, sum, (lane - 1) & 31); if (lane == 0) earlier = \(start);",
        ]
        guard plan.team == .block, plan.threads > 32 else { return lines + ["const \(value) all = last;"] }
        return lines + [
            "BARRIER;", "if (lane == 0) totals[member / 32] = last;", "BARRIER;",
            "\(value) others = \(start), all = \(start);",
            "for (int warp = 0; warp < \(plan.threads / 32); ++warp) {", "if (warp == member / 32) others = all;",
            "all = \(combine("all", "totals[warp]"));", "}", "earlier = \(combine("others", "earlier"));",
        ]
    }
}
