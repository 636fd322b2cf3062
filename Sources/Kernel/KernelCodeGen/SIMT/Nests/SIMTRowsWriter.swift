import DeviceAPI
import ElementTypes
import KernelIR

/// Nests whose steps go over the same rows of constant length, such as normalisations and softmax: each thread takes runs of
/// neighbours in wide accesses, all of them under way at once, and keeps what it has read for the steps that follow.
struct SIMTRowsWriter {
    private let kernel: Kernel
    private let nest: NestKernel
    private let target: SIMTTarget
    private let length: Int
    /// Neighbours of a thread.
    let run: Int
    /// Neighbours that a thread may take, the best first.
    let runs: [Int]

    /// Words that a thread keeps at most.
    private static let mostWords = 96

    /// Nil where the nest is of another kind, or its rows do not come in runs of `run`.
    init?(_ kernel: Kernel, _ nest: NestKernel, _ target: SIMTTarget, run wanted: Int? = nil) {
        guard target.hasShuffles, !nest.isSerial,
            let length = nest.steps.lazy.compactMap({ $0.axes.first?.extent.constantValue }).first, length > 1
        else { return nil }
        self.kernel = kernel
        self.nest = nest
        self.target = target
        self.length = length
        let frame = Self.frame(kernel, nest, "probe", target)
        let written = Set(kernel.parameters.indices.filter { kernel.parameters[$0].access != .read })
        var storing = 0
        for step in nest.steps {
            guard step.axes.count <= 1, step.axes.allSatisfy({ $0.extent == IntegerExpression(length) }) else {
                return nil
            }
            for node in step.body.nodes {
                switch node {
                case .scan, .position: return nil
                // Rows are registers of the thread that computes their points.
                case .row where step.axes.isEmpty: return nil
                case .load(let parameter, _, _) where written.contains(parameter): return nil
                case .row, .load, .integerExpression, .condition, .real, .integer, .truth, .apply, .cast, .slot,
                    .accumulator:
                    break
                }
            }
            var stores: [Store] = []
            for effect in step.effects {
                switch effect {
                case .store(let store): stores.append(store)
                case .reduce(_, _, .some, _): return nil
                case .reduce: break
                case .keep: if step.axes.isEmpty { return nil }
                }
            }
            guard frame.isSeparable(stores) else { return nil }
            if !step.axes.isEmpty, !stores.isEmpty { storing += 1 }
        }
        let wide = [8, 4, 2].filter { Self.isWide(nest, length, frame, run: $0) }
        // Neighbouring threads read neighbouring 16 bytes: 4 of f32 rather than 8.
        let best = Self.leastBytes(kernel, nest) == 4 && wide.contains(4) ? 4 : wide.first
        guard storing <= 1, let best, wide.contains(wanted ?? best) else { return nil }
        runs = [best] + wide.filter { $0 != best && $0 > 2 }
        run = wanted ?? best
    }

    private static func frame(_ kernel: Kernel, _ nest: NestKernel, _ symbol: String, _ target: SIMTTarget) -> SIMTFrame
    {
        SIMTFrame(kernel, .nest(nest), symbol: symbol, axes: nest.axes + nest.steps.flatMap(\.axes), target)
    }

    /// Bytes of the smallest element along rows.
    private static func leastBytes(_ kernel: Kernel, _ nest: NestKernel) -> Int? {
        nest.steps.flatMap { step in
            step.body.nodes.compactMap { node -> Int? in
                guard case .load(let parameter, let index, _) = node,
                    step.axes.contains(where: { index.variables.contains($0.variable) })
                else { return nil }
                return kernel.parameters[parameter].element.byteCount
            }
        }.min()
    }

    /// Whether all that lies along rows is read and stored in whole runs.
    private static func isWide(_ nest: NestKernel, _ length: Int, _ frame: SIMTFrame, run: Int) -> Bool {
        length % run == 0
            && nest.steps.allSatisfy { step in
                guard let axis = step.axes.first else { return true }
                let wide = Set(
                    frame.wideLoads(ScalarFunction(body: step.body, result: 0), along: axis, count: run).map(\.node))
                return step.body.nodes.indices.allSatisfy { node in
                    guard case .load(_, let index, let mask) = step.body.nodes[node] else { return true }
                    return wide.contains(node) || !([index] + mask).contains { $0.variables.contains(axis.variable) }
                }
                    && step.effects.allSatisfy { effect in
                        guard case .store(let store) = effect else { return true }
                        return frame.isWide(store, along: axis, count: run)
                    }
            }
    }

    /// Turns of a thread of a team of so many.
    private func turns(_ width: Int) -> Int { (length / run + width - 1) / width }

    /// Distinct runs that are read, and the steps' loads that are one of them.
    private struct Read {
        let name: String
        let load: SIMTFrame.WideLoad
        let axis: LoopAxis
    }

    private func reads(_ frame: SIMTFrame) -> (distinct: [Read], names: [[Int: String]]) {
        var distinct: [Read] = []
        var names: [[Int: String]] = []
        for step in nest.steps {
            var own: [Int: String] = [:]
            if let axis = step.axes.first {
                for load in frame.wideLoads(ScalarFunction(body: step.body, result: 0), along: axis, count: run) {
                    let same = distinct.first {
                        $0.axis == axis && $0.load.parameter == load.parameter && $0.load.base == load.base
                            && $0.load.condition == load.condition
                    }
                    own[load.node] = same?.name ?? "r\(distinct.count)"
                    if same == nil { distinct.append(Read(name: "r\(distinct.count)", load: load, axis: axis)) }
                }
            }
            names.append(own)
        }
        return (distinct, names)
    }

    /// Words that a thread of a team of so many keeps.
    private func words(_ width: Int) -> Int {
        let bytes = reads(Self.frame(kernel, nest, "probe", target)).distinct.reduce(0) {
            $0 + run * kernel.parameters[$1.load.parameter].element.byteCount
        }
        return turns(width) * (bytes / 4 + nest.rows.count * run)
    }

    /// Whether a team of so many has room for all that it keeps.
    func fits(_ width: Int) -> Bool { words(width) <= Self.mostWords }

    /// Who computes a point before a search has said what is best: where rows fill the device a warp, which needs no barriers, or where
    /// they are long as many threads as have four runs each; else as many threads as a row has runs. Nil where rows are too long, or so short
    /// that seven of eight threads of a warp would have nothing to do and points fill the device by themselves: a product of 8 million rows and
    /// 64 columns over 6 channels took 161 ms by warps, 14.6 GB/s (measured, H200).
    func plain(_ points: Int) -> (team: SIMTNestPlan.Team, threads: Int)? {
        if length / run <= 4, SIMTNestPlan.fills(points, target) { return nil }
        let fills = points >= 8 * target.multiprocessors
        if (fills && turns(32) <= 6) || length / run <= 32, fits(32) { return (.warp, 128) }
        let most = fills ? 4 : 1
        return [64, 128, 256, 512, 1024].first { $0 <= target.threads && turns($0) <= most && fits($0) }
            .map { (.block, $0) } ?? (fits(1024) && target.threads >= 1024 ? (.block, 1024) : nil)
    }

    /// The kernel, for teams of one warp or a whole block.
    func write(_ symbol: String, _ plan: SIMTNestPlan) -> EmittedKernel {
        let frame = Self.frame(kernel, nest, symbol, target)
        let fold = SIMTFold(plan: plan, dialect: frame.dialect)
        let i = frame.integer
        let reads = reads(frame)
        let turns = turns(plan.width)
        var lines =
            ["OVERLAP_BEGIN;"] + fold.declarations + [
                "const int member = (int)\(frame.dialect.thread) % \(plan.width);",
                "const \(i) point = (\(i))\(frame.dialect.block) * \(plan.threads / plan.width) "
                    + "+ (int)\(frame.dialect.thread) / \(plan.width);",
                "if (point >= \(frame.index.print(plan.points))) return;", "\(i) rest = point;",
            ]
        lines += frame.places(nest.axes, from: "rest")
        lines.append("(void)rest;")
        for read in reads.distinct {
            lines.append("uint32_t \(read.name)[\(turns)][\(words(read))];")
        }
        // Weights need not wait for the kernel before this one.
        let (early, late) = (
            reads.distinct.filter { kernel.parameters[$0.load.parameter].isConstant },
            reads.distinct.filter { !kernel.parameters[$0.load.parameter].isConstant }
        )
        for read in early { lines += fetch(read, frame, plan) }
        lines.append("OVERLAP_WAIT;")
        for read in late { lines += fetch(read, frame, plan) }
        for (row, element) in nest.rows.enumerated() {
            lines.append("\(CTypes.scalar(element)) row\(row)[\(turns)][\(run)];")
        }
        var functions = ""
        for (step, names) in zip(nest.steps, reads.names) {
            let (text, function) = statements(step, names, frame, plan, fold)
            lines += text
            functions += function
        }
        return EmittedKernel(
            symbol: symbol, source: functions + frame.kernelFunction(threads: plan.threads, lines),
            arguments: kernel.parameters.indices.map { .parameter($0) }, packings: [], workspaceBytes: 0,
            parts: .grid(.init(blocks: plan.blocks, threads: plan.threads, overlaps: target.overlaps)))
    }

    private func words(_ read: Read) -> Int { run * kernel.parameters[read.load.parameter].element.byteCount / 4 }

    /// The head of a loop over a thread's runs along an axis, in which `turn` is known and the axis's variable is a run's first.
    private func loop(_ axis: LoopAxis, _ frame: SIMTFrame, _ plan: SIMTNestPlan) -> [String] {
        let name = axis.variable.name
        let isFull = length / run % plan.width == 0
        return [
            "UNROLL for (int turn = 0; turn < \(turns(plan.width)); ++turn) {",
            "const \(frame.integer) \(name) = (turn * \(plan.width) + member) * \(run);",
            isFull ? "{" : "if (\(name) < \(length)) {",
        ]
    }

    private func fetch(_ read: Read, _ frame: SIMTFrame, _ plan: SIMTNestPlan) -> [String] {
        loop(read.axis, frame, plan)
            + frame.fetch("x", kernel.parameters[read.load.parameter].element, run, read.load)
            + ["UNROLL for (int w = 0; w < \(words(read)); ++w) \(read.name)[turn][w] = x[w];", "}", "}"]
    }

    private func statements(
        _ step: NestStep, _ names: [Int: String], _ frame: SIMTFrame, _ plan: SIMTNestPlan, _ fold: SIMTFold
    ) -> (lines: [String], functions: String) {
        let types = step.body.types(parameters: kernel.parameters, slots: nest.slots, rows: nest.rows)
        var lines: [String] = []
        var folds: [String] = []
        for effect in step.effects {
            guard case .reduce(let kind, let value, _, let slot) = effect else { continue }
            let type = types[value]
            lines.append("\(CTypes.scalar(type)) a\(slot) = \(Reductions.initial(kind, type, isVector: false));")
            if !step.axes.isEmpty { folds += fold.statements(.init(kind: kind, type: type, slot: slot, isArg: false)) }
            folds.append("const \(CTypes.scalar(type)) slot\(slot) = a\(slot);")
        }
        var printer = frame.printer
        printer.slotTypes = nest.slots
        printer.rowTypes = nest.rows
        printer.row = { .init("row\($0)[turn][lane]", isVector: false) }
        let body = step.body
        let parameters = kernel.parameters
        printer.loaded = { node in
            guard let name = names[node], case .load(let parameter, _, _) = body.nodes[node] else { return nil }
            return SIMTFrame.lane("\(name)[turn]", parameters[parameter].element, "lane")
        }
        if let axis = step.axes.first { printer.index.names[axis.variable] = "(\(axis.variable.name) + lane)" }
        let wanted = step.effects.map { effect in
            switch effect {
            case .store(let store): store.value
            case .reduce(_, let value, _, _), .keep(let value, _): value
            }
        }
        let (text, values) = printer.print(step.body, wanted: wanted)
        func result(_ value: Int) -> String { values[value]?.text ?? "0" }
        let stores = step.effects.compactMap { if case .store(let store) = $0 { store } else { nil } }
        var effects: [String] = []
        for effect in step.effects {
            switch effect {
            case .store(let store):
                if step.axes.isEmpty {
                    effects.append("if (member == 0) { \(printer.statement(store, values, types)) }")
                }
            case .keep(let value, let row): effects.append("row\(row)[turn][lane] = \(result(value));")
            case .reduce(let kind, let value, _, let slot):
                let combined = BodyPrinter.combine(kind, CTypes.letter(types[value]), "s", "a\(slot)", result(value))
                effects.append("a\(slot) = \(combined);")
            }
        }
        guard let axis = step.axes.first else { return (lines + ["{"] + text + effects + ["}"] + folds, "") }
        lines += loop(axis, frame, plan)
        lines += stores.enumerated().map { "\(CTypes.scalar(types[$1.value])) v\($0)[\(run)];" }
        lines += ["UNROLL for (int lane = 0; lane < \(run); ++lane) {"] + text + effects
        lines += stores.enumerated().map { "v\($0)[lane] = \(result($1.value));" } + ["}"]
        guard !stores.isEmpty else { return (lines + ["}", "}"] + folds, "") }
        let axes = nest.axes + [axis]
        let arguments = axes.map(\.variable.name) + stores.indices.map { "v\($0)" }
        lines += [frame.call("store", arguments) + ";", "}", "}"]
        return (lines + folds, frame.runStores(stores, types, over: axes, run: run))
    }
}
