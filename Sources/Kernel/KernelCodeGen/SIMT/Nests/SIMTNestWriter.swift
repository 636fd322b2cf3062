import DeviceAPI
import ElementTypes
import KernelIR

/// Writes the function of a nest kernel in a dialect of blocks of threads.
///
/// The threads of a team take the inner points in turn, so that neighbours read neighbours; the thread that keeps a row
/// value is the one that reads it again, so rows need no barrier. Reductions end in every thread of the team.
struct SIMTNestWriter {
    let kernel: Kernel
    let nest: NestKernel
    let plan: SIMTNestPlan
    let frame: SIMTFrame
    /// Blocks that share the inner points of the step that reduces; see `SIMTNestParts`.
    let parts: SIMTNestParts
    private var lines: [String] = []
    private var depth = 1
    /// Rows held in registers: values of each thread.
    private static let mostRegisters = 32
    /// Turns of a loop that are written out.
    private static let mostUnrolled = 16

    init(
        kernel: Kernel, nest: NestKernel, plan: SIMTNestPlan, parts: SIMTNestParts, target: SIMTTarget, symbol: String
    ) {
        self.parts = parts
        self.kernel = kernel
        self.nest = nest
        self.plan = plan
        frame = SIMTFrame(
            kernel, .nest(nest), symbol: symbol, axes: nest.axes + nest.steps.flatMap(\.axes), target)
    }

    private var dialect: SIMTDialect { frame.dialect }
    private var index: IndexPrinter { frame.index }
    private var integer: String { frame.integer }

    private var fold: SIMTFold { SIMTFold(plan: plan, dialect: dialect) }

    /// Whether several teams of a block pass barriers together, which all of its threads must reach: without shuffles, and where a team's
    /// threads lie in several warps.
    private var meets: Bool { (plan.team == .warp && !dialect.hasShuffles) || plan.team.neighbours > 1 }

    /// Whether positions are computed, which may lie outside of their axes.
    private var hasPositions: Bool {
        nest.steps.contains { $0.body.nodes.contains { if case .position = $0 { true } else { false } } }
    }

    private mutating func line(_ text: String) { lines.append(String(repeating: "    ", count: depth) + text) }
    private mutating func open(_ text: String) {
        line(text + " {")
        depth += 1
    }
    private mutating func close() {
        depth -= 1
        line("}")
    }

    /// The source, and the bytes of scratch memory for each row that does not fit in registers.
    mutating func write() throws(EmissionError) -> (source: String, scratch: [IntegerExpression]) {
        var extra: [SIMTFrame.Extra] = []
        var scratch: [IntegerExpression] = []
        for row in nest.rows.indices where registers(row) == nil {
            extra.append(.init(name: "row\(row)_all", type: CTypes.scalar(nest.rows[row]), isRead: false))
            scratch.append(plan.points * rowCount(row) * nest.rows[row].computeType.byteCount)
        }
        for share in parts.shares(kernel, nest, plan) {
            extra.append(.init(name: share.name, type: share.type, isRead: false))
            scratch.append(IntegerExpression(share.bytes))
        }
        line("OVERLAP_BEGIN; OVERLAP_WAIT;")
        if hasPositions { line("int64_t outside = 0;") }
        for text in fold.declarations + parts.declarations(dialect) { line(text) }
        line("const int member = \(plan.member(dialect.thread)); (void)member;")
        let serial = SIMTSerialAxes(nest)
        if nest.isSerial {
            if serial.free.isEmpty {
                line("if (\(dialect.thread) != 0) return;")
            } else {
                line("\(integer) rest = (\(integer))\(dialect.block) * \(plan.threads) + (int)\(dialect.thread);")
                line("if (rest >= \(index.print(plan.points))) return;")
                for text in frame.places(serial.free, from: "rest") { line(text) }
            }
            for axis in serial.ordered {
                let name = axis.variable.name
                open("for (\(integer) \(name) = 0; \(name) < \(index.print(axis.extent)); ++\(name))")
            }
        } else {
            line(
                "const \(integer) point = (\(integer))\(parts.tile(dialect)) * \(plan.threads / plan.width) "
                    + "+ \(plan.place(dialect.thread));")
            line("const int active = point < \(index.print(plan.points));")
            if plan.team != .block, !meets { line("if (!active) return;") }
            line("\(integer) rest = \(meets ? "active ? point : 0" : "point");")
            for text in frame.places(nest.axes, from: "rest") + ["(void)rest;"] { line(text) }
        }
        for row in nest.rows.indices { declareRow(row) }
        for number in nest.steps.indices { step(number) }
        if nest.isSerial { for _ in serial.ordered { close() } }
        if hasPositions { line("if (outside) *status = \(KernelCode.indexOutOfRange.rawValue);") }
        let function = frame.kernelFunction(
            extra: extra, hasCounters: parts.count > 1, threads: plan.threads, lines)
        return (function, scratch)
    }

    // MARK: Rows

    /// Inner points of the steps that use a row.
    private static func rowCount(_ nest: NestKernel, _ row: Int) -> IntegerExpression {
        let keeper = nest.steps.first { step in
            step.effects.contains { if case .keep(_, row) = $0 { true } else { false } }
        }
        return (keeper?.axes ?? []).reduce(1) { $0 * $1.extent }
    }

    private func rowCount(_ row: Int) -> IntegerExpression { Self.rowCount(nest, row) }

    /// Values of a row that each thread of a team holds, when they are few enough for registers.
    static func registers(_ nest: NestKernel, _ row: Int, _ plan: SIMTNestPlan) -> Int? {
        guard let count = rowCount(nest, row).constantValue else { return nil }
        let share = (count + plan.width - 1) / plan.width
        return share <= mostRegisters ? share : nil
    }

    private func registers(_ row: Int) -> Int? { Self.registers(nest, row, plan) }

    private mutating func declareRow(_ row: Int) {
        let type = CTypes.scalar(nest.rows[row])
        if let count = registers(row) {
            line("\(type) row\(row)[\(count)];")
        } else {
            let pointer = dialect == .openCL ? "__global \(type) *" : "\(type) *"
            line("\(pointer)const row\(row) = row\(row)_all + (int64_t)point * \(index.print(rowCount(row)));")
        }
    }

    // MARK: Steps

    private mutating func step(_ number: Int) {
        let step = nest.steps[number]
        let types = step.body.types(parameters: kernel.parameters, slots: nest.slots, rows: nest.rows)
        for effect in step.effects {
            guard case .reduce(let kind, let value, let position, let slot) = effect else { continue }
            let start = Reductions.initial(kind, types[value], isVector: false)
            line("\(CTypes.scalar(types[value])) a\(slot) = \(start);")
            if position != nil { line("int64_t q\(slot) = -1;") }
        }
        for node in step.body.nodes.indices {
            if case .scan(let kind, _) = step.body.nodes[node] {
                let start = Reductions.initial(kind, types[node], isVector: false)
                let isCompensated = BodyPrinter.isCompensated(kind, types[node])
                line(
                    "\(CTypes.scalar(types[node])) scan\(node) = \(start)"
                        + (isCompensated ? ", scan\(node)_lost = 0;" : ";"))
            }
        }
        if step.axes.isEmpty {
            // One point: its effects happen once, but what it computes is for all.
            open(plan.team == .thread ? "" : "if (active)")
            body(step, types, guardsStores: plan.team != .thread)
            close()
        } else {
            loop(step, types)
        }
        let reduced = step.effects.compactMap { effect -> SIMTFold.Reduced? in
            guard case .reduce(let kind, let value, let position, let slot) = effect else { return nil }
            return SIMTFold.Reduced(kind: kind, type: types[value], slot: slot, isArg: position != nil)
        }
        if plan.team != .thread, !step.axes.isEmpty {
            for text in reduced.flatMap({ fold.statements($0) }) + parts.join(reduced, plan, fold) { line(text) }
        }
        for one in reduced {
            let type = one.isArg ? "int64_t" : CTypes.scalar(one.type)
            line("const \(type) slot\(one.slot) = \(one.isArg ? "q" : "a")\(one.slot);")
        }
    }

    private mutating func loop(_ step: NestStep, _ types: [ElementType]) {
        let count = step.axes.reduce(IntegerExpression(1)) { $0 * $1.extent }
        let total = index.print(count)
        let usesRegisters = usedRows(step).contains { registers($0) != nil }
        let share = count.constantValue.map { ($0 + plan.width - 1) / plan.width } ?? .max
        // Unrolled, all loads of a thread are under way at once.
        if let constant = count.constantValue, parts.count == 1,
            usesRegisters || (share <= Self.mostUnrolled && !hasScan(step))
        {
            // All reads come before the first store: a compiler may not move them where buffers could overlap.
            let separates = share > 1 && share <= Self.mostUnrolled && isSeparable(step)
            if separates {
                line("{")
                for (number, effect) in step.effects.enumerated() {
                    guard case .store(let store) = effect else { continue }
                    line("\(CTypes.scalar(types[store.value])) w\(number)[\(share)];")
                }
            }
            line(dialect.unroll)
            open("for (int turn = 0; turn < \(share); ++turn)")
            line("const \(integer) inner = member + (\(integer))turn * \(plan.width);")
            turns(step, types, total, isFull: constant % plan.width == 0, part: separates ? .values : .all)
            if separates {
                line(dialect.unroll)
                open("for (int turn = 0; turn < \(share); ++turn)")
                line("const \(integer) inner = member + (\(integer))turn * \(plan.width);")
                turns(step, types, total, isFull: constant % plan.width == 0, part: .stores)
                line("}")
            }
        } else {
            if meets { open("if (active)") }
            // Loads of several turns are under way at once.
            if plan.team.neighbours > 1 || plan.team == .block || parts.count > 1 { line(dialect.unrolled(8)) }
            let start = parts.count > 1 ? "part * \(plan.width) + member" : "member"
            open("for (\(integer) inner = \(start); inner < \(total); inner += \(plan.width * parts.count))")
            decodeInner(step)
            body(step, types, guardsStores: false)
            close()
            if meets { close() }
        }
    }

    /// What of a step's points a loop does.
    private enum Part {
        case all, values, stores
    }

    /// The body of an unrolled loop, to its closing brace.
    private mutating func turns(
        _ step: NestStep, _ types: [ElementType], _ total: String, isFull: Bool, part: Part
    ) {
        if !isFull || meets { open("if (\(meets ? "active && " : "")inner < \(total))") }
        decodeInner(step)
        body(step, types, guardsStores: false, part: part)
        if !isFull || meets { close() }
        close()
    }

    /// Whether a step stores, and only where its axes say.
    private func isSeparable(_ step: NestStep) -> Bool {
        let stores = step.effects.compactMap { if case .store(let store) = $0 { store } else { nil } }
        return !stores.isEmpty
            && stores.allSatisfy { store in
                store.combine == nil
                    && ([store.index] + store.mask).allSatisfy { !$0.variables.contains { $0.kind == .value } }
            }
    }

    private func hasScan(_ step: NestStep) -> Bool {
        step.body.nodes.contains { if case .scan = $0 { true } else { false } }
    }

    private func usedRows(_ step: NestStep) -> [Int] {
        step.effects.compactMap { if case .keep(_, let row) = $0 { row } else { nil } }
            + step.body.nodes.compactMap { if case .row(let row) = $0 { row } else { nil } }
    }

    private mutating func decodeInner(_ step: NestStep) {
        if step.axes.count == 1 {
            line("const \(integer) \(step.axes[0].variable.name) = inner;")
            return
        }
        line("\(integer) left = inner;")
        for text in frame.places(step.axes, from: "left") { line(text) }
    }

    private mutating func body(
        _ step: NestStep, _ types: [ElementType], guardsStores: Bool, part: Part = .all
    ) {
        var printer = frame.printer
        if hasPositions { printer.outside = ("outside", "outside") }
        printer.slotTypes = nest.slots
        printer.rowTypes = nest.rows
        let places = Dictionary(
            uniqueKeysWithValues: nest.rows.indices.map { ($0, registers($0) == nil ? "inner" : "turn") })
        let hasLoop = !step.axes.isEmpty
        printer.row = { .init("row\($0)[\(hasLoop ? places[$0] ?? "inner" : "0")]", isVector: false) }
        let wanted = step.effects.flatMap { effect in
            switch effect {
            case .store(let store):
                [store.value]
                    + ([store.index] + store.mask).flatMap { $0.variables.filter { $0.kind == .value }.map(\.index) }
            case .reduce(_, let value, _, _), .keep(let value, _): [value]
            }
        }
        if part == .stores {
            for (number, effect) in step.effects.enumerated() {
                guard case .store(let store) = effect else { continue }
                line(printer.statement(store, [store.value: .init("w\(number)[turn]", isVector: false)], types))
            }
            return
        }
        let (statements, values) = printer.print(step.body, wanted: wanted)
        for statement in statements { line(statement) }
        for (number, effect) in step.effects.enumerated() {
            switch effect {
            case .store(let store):
                if part == .values {
                    line("w\(number)[turn] = \(values[store.value]?.text ?? "0");")
                    continue
                }
                let text = printer.statement(store, values, types)
                line(guardsStores ? "if (member == 0) { \(text) }" : text)
            case .keep(let value, let row):
                guard let text = values[value] else { continue }
                line("row\(row)[\(hasLoop ? places[row] ?? "inner" : "0")] = \(text.text);")
            case .reduce(let kind, let value, let position, let slot):
                guard let text = values[value] else { continue }
                let letter = CTypes.letter(types[value])
                if let position {
                    line(
                        Reductions.argStep(
                            kind, letter, "s", "a\(slot)", "q\(slot)", text.text, printer.index.print(position)))
                } else {
                    line("a\(slot) = \(BodyPrinter.combine(kind, letter, "s", "a\(slot)", text.text));")
                }
            }
        }
    }
}
