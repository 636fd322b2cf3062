import DeviceAPI
import ElementTypes
import KernelIR

/// Writes the C function of a planned nest kernel.
struct NestWriter {
    let kernel: Kernel
    let nest: NestKernel
    let plan: NestPlan
    let symbol: String
    private var lines: [String] = []
    private var depth = 1

    init(kernel: Kernel, nest: NestKernel, plan: NestPlan, symbol: String) {
        self.kernel = kernel
        self.nest = nest
        self.plan = plan
        self.symbol = symbol
        ranges = kernel.ranges
        for axis in nest.axes { ranges.declare(axis.variable, extent: axis.extent) }
        for step in nest.steps { for axis in step.axes { ranges.declare(axis.variable, extent: axis.extent) } }
    }

    /// Whether positions are computed, which may lie outside of their axes.
    private var hasPositions: Bool {
        nest.steps.contains { $0.body.nodes.contains { if case .position = $0 { true } else { false } } }
    }

    private var ranges: VariableRanges
    private var index: IndexPrinter { IndexPrinter(ranges) }

    private mutating func line(_ text: String) { lines.append(String(repeating: "    ", count: depth) + text) }
    private mutating func open(_ text: String) {
        line(text + " {")
        depth += 1
    }
    private mutating func close() {
        depth -= 1
        line("}")
    }

    mutating func write() -> String {
        for text in KernelFrame.opening(kernel) { line(text) }
        if hasPositions { line("int64_t outside = 0; vl outsideLanes = {0};") }
        if plan.workspaceBytes != 0 {
            for (row, offset) in plan.rowOffsets.enumerated() {
                let type = CTypes.scalar(nest.rows[row])
                line("\(type) *const row\(row) = (\(type) *)((char *)workspace + \(index.print(offset)));")
            }
        }
        line("const int64_t units = \(index.print(plan.units));")
        line("const int64_t begin = units * part / parts, end = units * (part + 1) / parts;")
        open("for (int64_t unit = begin; unit < end; ++unit)")
        decodeUnit()
        if let laneAxis = plan.laneAxis {
            let name = laneAxis.variable.name
            line("const int64_t stop = min_ls(first + \(plan.chunk), \(index.print(laneAxis.extent)));")
            line("int64_t \(name) = first;")
            if plan.unroll > 1 {
                open("for (; \(name) + \(plan.lanes * plan.unroll) <= stop; \(name) += \(plan.lanes * plan.unroll))")
                point(.vectors(plan.unroll))
                close()
            }
            open("for (; \(name) + \(plan.lanes) <= stop; \(name) += \(plan.lanes))")
            point(.vectors(1))
            close()
            open("for (; \(name) < stop; ++\(name))")
            point(.scalars)
            close()
        } else {
            point(plan.lane == -1 ? .inner : .scalars)
        }
        close()
        if hasPositions {
            line("for (int lane = 0; lane < LANES; ++lane) outside |= outsideLanes[lane];")
            line("if (outside) return \(KernelCode.indexOutOfRange.rawValue);")
        }
        return KernelFrame.function(symbol, lines)
    }

    /// How one outer point is computed: several vectors along the outer lane axis, scalars, or vectors along the last axis of
    /// each step.
    private enum Mode { case vectors(Int), scalars, inner }

    private mutating func decodeUnit() {
        line("int64_t rest = unit;")
        if let laneAxis = plan.laneAxis {
            let chunks = (laneAxis.extent + (plan.chunk - 1)).floorDivided(by: IntegerExpression(plan.chunk), ranges)
            if chunks == 1 {
                line("const int64_t first = 0;")
            } else {
                line(
                    "const int64_t first = rest % \(index.print(chunks)) * \(plan.chunk); rest /= \(index.print(chunks));"
                )
            }
        }
        for (position, axis) in plan.outer.enumerated().reversed() {
            let extent = index.print(axis.extent)
            line(
                position == 0
                    ? "const int64_t \(axis.variable.name) = rest;"
                    : "const int64_t \(axis.variable.name) = rest % \(extent); rest /= \(extent);")
        }
        line("(void)rest;")
    }

    private mutating func point(_ mode: Mode) {
        for number in nest.steps.indices { step(number, mode) }
    }

    private mutating func step(_ number: Int, _ mode: Mode) {
        let step = nest.steps[number]
        switch mode {
        case .scalars:
            accumulators(step, copies: 1, isVector: false)
            loops(step.axes, sums: sums(step, copies: 1, isVector: false)) {
                $0.body(number, copies: 1, laneAxis: nil, mode: mode)
            }
            finish(step, copies: 1, isVector: false, folds: false)
        case .vectors(let copies):
            accumulators(step, copies: copies, isVector: true)
            loops(step.axes, sums: sums(step, copies: copies, isVector: true)) {
                $0.body(number, copies: copies, laneAxis: $0.plan.laneAxis, mode: mode)
            }
            finish(step, copies: copies, isVector: true, folds: false)
        case .inner:
            guard let last = step.axes.last else {
                accumulators(step, copies: 1, isVector: false)
                body(number, copies: 1, laneAxis: nil, mode: mode)
                finish(step, copies: 1, isVector: false, folds: false)
                return
            }
            accumulators(step, copies: plan.unroll, isVector: true)
            accumulators(step, copies: 1, isVector: false, suffix: "t")
            let sums = self.sums(step, copies: plan.unroll, isVector: true)
            let all = sums + self.sums(step, copies: 1, isVector: false, suffix: "t")
            loops(Array(step.axes.dropLast()), sums: all) { writer in
                let name = last.variable.name
                let extent = writer.index.print(last.extent)
                let width = writer.plan.lanes * writer.plan.unroll
                let longest = sums.isEmpty ? 0 : last.extent.constantValue ?? .max
                writer.open("")
                writer.line("int64_t \(name) = 0;")
                // Runs of 32 vectors and, where there are many, blocks of 32 runs, each with sums of its own.
                func runs(_ writer: inout Self, to end: String) {
                    let run = 32 * width
                    writer.open("for (int64_t \(name)r = \(name) + \(run); \(name)r <= \(end); \(name)r += \(run))")
                    writer.enclosed(sums, "_\(name)r") { writer in
                        writer.open("for (; \(name) < \(name)r; \(name) += \(width))")
                        writer.body(number, copies: writer.plan.unroll, laneAxis: last, mode: mode)
                        writer.close()
                    }
                    writer.close()
                }
                if longest >= 2048 * width {
                    let block = 1024 * width
                    writer.open("for (int64_t \(name)s = \(block); \(name)s <= \(extent); \(name)s += \(block))")
                    writer.enclosed(sums, "_\(name)s") { runs(&$0, to: "\(name)s") }
                    writer.close()
                }
                if longest >= 64 * width { runs(&writer, to: extent) }
                if writer.plan.unroll > 1 {
                    writer.open("for (; \(name) + \(width) <= \(extent); \(name) += \(width))")
                    writer.body(number, copies: writer.plan.unroll, laneAxis: last, mode: mode)
                    writer.close()
                }
                writer.open("for (; \(name) + \(writer.plan.lanes) <= \(extent); \(name) += \(writer.plan.lanes))")
                writer.body(number, copies: 1, laneAxis: last, mode: mode)
                writer.close()
                if (last.extent.constantValue ?? 1) % writer.plan.lanes != 0 {
                    writer.open("for (; \(name) < \(extent); ++\(name))")
                    writer.body(number, copies: 1, laneAxis: nil, mode: mode, suffix: "t")
                    writer.close()
                }
                writer.close()
            }
            finish(step, copies: plan.unroll, isVector: true, folds: true)
        }
    }

    /// Accumulators of floating sums: their names with their type and zero.
    private func sums(
        _ step: NestStep, copies: Int, isVector: Bool, suffix: String = ""
    ) -> [(name: String, type: String, zero: String)] {
        let types = step.body.types(parameters: kernel.parameters, slots: nest.slots, rows: nest.rows)
        return reductions(step).flatMap { reduction in
            let type = types[reduction.value]
            guard reduction.kind == .sum, type.isFloatingPoint else { return [(String, String, String)]() }
            return (0..<copies).map { copy in
                (
                    "a\(reduction.slot)_\(copy)\(suffix)", isVector ? CTypes.vector(type) : CTypes.scalar(type),
                    Reductions.initial(.sum, type, isVector: isVector)
                )
            }
        }
    }

    /// A loop whose sums begin at zero; what they come to is added to what they held before.
    private mutating func enclosed(
        _ sums: [(name: String, type: String, zero: String)], _ tag: String, _ loop: (inout Self) -> Void
    ) {
        for sum in sums {
            line("const \(sum.type) \(sum.name)\(tag) = \(sum.name); \(sum.name) = \(sum.zero);")
        }
        loop(&self)
        for sum in sums { line("\(sum.name) = \(sum.name)\(tag) + \(sum.name);") }
    }

    /// Loops over axes. A long chain of additions in f32 rounds worse than PyTorch, which sums in f64 or in cascades; so every
    /// loop sums by itself, the innermost in runs of 32, and what it found is added to what was before.
    private mutating func loops(
        _ axes: [LoopAxis], sums: [(name: String, type: String, zero: String)] = [], _ inner: (inout Self) -> Void
    ) {
        guard let axis = axes.first else { return inner(&self) }
        let name = axis.variable.name
        let extent = index.print(axis.extent)
        let isLast = axes.count == 1
        let isLong = !sums.isEmpty && (axis.extent.constantValue ?? .max) > 64
        func loop(_ writer: inout Self, _ begin: String, _ end: String) {
            writer.open("for (int64_t \(name) = \(begin); \(name) < \(end); ++\(name))")
            if isLast {
                inner(&writer)
            } else {
                writer.enclosed(sums, "_\(name)") { $0.loops(Array(axes.dropFirst()), sums: sums, inner) }
            }
            writer.close()
        }
        guard isLong else { return loop(&self, "0", extent) }
        let isVeryLong = (axis.extent.constantValue ?? .max) > 2048
        func runs(_ writer: inout Self, _ begin: String, _ end: String) {
            writer.open("for (int64_t \(name)r = \(begin); \(name)r < \(end); \(name)r += 32)")
            writer.enclosed(sums, "_\(name)r") { loop(&$0, "\(name)r", "min_ls(\(name)r + 32, \(end))") }
            writer.close()
        }
        guard isVeryLong else { return runs(&self, "0", extent) }
        open("for (int64_t \(name)s = 0; \(name)s < \(extent); \(name)s += 1024)")
        enclosed(sums, "_\(name)s") { runs(&$0, "\(name)s", "min_ls(\(name)s + 1024, \(extent))") }
        close()
    }

    private func reductions(_ step: NestStep) -> [(
        kind: ReductionKind, value: Int, position: IntegerExpression?, slot: Int
    )] {
        step.effects.compactMap {
            if case .reduce(let kind, let value, let position, let slot) = $0 {
                (kind, value, position, slot)
            } else {
                nil
            }
        }
    }

    private func scans(_ step: NestStep) -> [(node: Int, kind: ReductionKind, type: ElementType)] {
        let types = step.body.types(parameters: kernel.parameters, slots: nest.slots, rows: nest.rows)
        return step.body.nodes.indices.compactMap {
            if case .scan(let kind, _) = step.body.nodes[$0] { ($0, kind, types[$0]) } else { nil }
        }
    }

    /// Declares the accumulators of a step's reductions and scans.
    private mutating func accumulators(_ step: NestStep, copies: Int, isVector: Bool, suffix: String = "") {
        let types = step.body.types(parameters: kernel.parameters, slots: nest.slots, rows: nest.rows)
        for reduction in reductions(step) {
            let type = types[reduction.value]
            let cType = isVector ? CTypes.vector(type) : CTypes.scalar(type)
            for copy in 0..<copies {
                let start = Reductions.initial(reduction.kind, type, isVector: isVector)
                line("\(cType) a\(reduction.slot)_\(copy)\(suffix) = \(start);")
                if reduction.position != nil {
                    let text = isVector ? "splat_l(-1)" : "-1"
                    line("\(isVector ? "vl" : "int64_t") q\(reduction.slot)_\(copy)\(suffix) = \(text);")
                }
            }
        }
        for scan in scans(step) {
            let cType = isVector ? CTypes.vector(scan.type) : CTypes.scalar(scan.type)
            for copy in 0..<copies {
                let start = Reductions.initial(scan.kind, scan.type, isVector: isVector)
                line("\(cType) scan\(scan.node)_\(copy) = \(start);")
                if BodyPrinter.isCompensated(scan.kind, scan.type) {
                    let zero = Reductions.initial(.sum, scan.type, isVector: isVector)
                    line("\(cType) scan\(scan.node)_\(copy)_lost = \(zero);")
                }
            }
        }
    }

    /// Prints the body and effects for `copies` points or vectors.
    private mutating func body(_ number: Int, copies: Int, laneAxis: LoopAxis?, mode: Mode, suffix: String = "") {
        let step = nest.steps[number]
        let types = step.body.types(parameters: kernel.parameters, slots: nest.slots, rows: nest.rows)
        let wanted = step.effects.flatMap { effect in
            switch effect {
            case .store(let store):
                [store.value]
                    + ([store.index] + store.mask).flatMap { $0.variables.filter { $0.kind == .value }.map(\.index) }
            case .reduce(_, let value, _, _): [value]
            case .keep(let value, _): [value]
            }
        }
        for copy in 0..<copies {
            var ranges = self.ranges
            var names: [Variable: String] = [:]
            if let laneAxis, copy > 0 {
                names[laneAxis.variable] = "(\(laneAxis.variable.name) + \(copy * plan.lanes))"
            }
            if let laneAxis { ranges.declare(laneAxis.variable, extent: laneAxis.extent) }
            var printer = BodyPrinter(
                parameters: kernel.parameters, index: IndexPrinter(ranges, names: names), lanes: plan.lanes,
                laneAxis: laneAxis)
            printer.outside = ("outside", "outsideLanes")
            printer.slotTypes = nest.slots
            printer.rowTypes = nest.rows
            let isOuterVector = if case .vectors = mode { true } else { false }
            printer.slot = { .init("slot\($0)\(isOuterVector ? "_\(copy)" : "")", isVector: isOuterVector) }
            printer.scan = { .init("scan\($0)_\(copy)", isVector: laneAxis != nil) }
            let place = rowPlace(step, copy: copy, mode: mode, laneAxis: laneAxis)
            let rows = nest.rows
            printer.row = { row in
                let vector = CTypes.vector(rows[row])
                return laneAxis == nil
                    ? .init("row\(row)[\(place)]", isVector: false)
                    : .init("(*(const \(vector)_u *)(row\(row) + \(place)))", isVector: true)
            }
            open("")
            let (statements, values) = printer.print(step.body, wanted: wanted)
            for statement in statements { line(statement) }
            for effect in step.effects {
                switch effect {
                case .store(let store): line(printer.statement(store, values, types))
                case .keep(let value, let row):
                    guard let text = values[value] else { continue }
                    let type = nest.rows[row].computeType
                    line(
                        laneAxis == nil
                            ? "row\(row)[\(place)] = \(text.text);"
                            : "*(\(CTypes.vector(type))_u *)(row\(row) + \(place)) = \(printer.splat(text, type));")
                case .reduce(let kind, let value, let position, let slot):
                    guard let text = values[value] else { continue }
                    let isVector = laneAxis != nil
                    let operand = isVector ? printer.splat(text, types[value]) : text.text
                    let name = "a\(slot)_\(copy)\(suffix)"
                    let letter = CTypes.letter(types[value])
                    if let position {
                        let at: String
                        if isVector, case .linear(let base, let stride) = printer.laneForm(position) {
                            at = "(splat_l(\(printer.index.print(base))) + IOTA * INT64_C(\(stride)))"
                        } else {
                            at = isVector ? "splat_l(\(printer.index.print(position)))" : printer.index.print(position)
                        }
                        let form = isVector ? "v" : "s"
                        line(Reductions.argStep(kind, letter, form, name, "q\(slot)_\(copy)\(suffix)", operand, at))
                    } else {
                        line("\(name) = \(BodyPrinter.combine(kind, letter, isVector ? "v" : "s", name, operand));")
                    }
                }
            }
            close()
        }
    }

    /// C text of the element of a row buffer that belongs to the current inner point.
    private func rowPlace(_ step: NestStep, copy: Int, mode: Mode, laneAxis: LoopAxis?) -> String {
        var place = IntegerExpression(0)
        for axis in step.axes { place = place * axis.extent + IntegerExpression(axis.variable) }
        let text = index.print(place)
        switch mode {
        case .scalars:
            // Scalar points of an outer lane axis use the first element of each block.
            return plan.laneAxis == nil ? text : "(\(text) * \(plan.chunk))"
        case .vectors: return "(\(text) * \(plan.chunk) + \(copy * plan.lanes))"
        case .inner: return copy == 0 ? text : "(\(text) + \(copy * plan.lanes))"
        }
    }

    /// Turns accumulators into slots.
    private mutating func finish(_ step: NestStep, copies: Int, isVector: Bool, folds: Bool) {
        let types = step.body.types(parameters: kernel.parameters, slots: nest.slots, rows: nest.rows)
        for reduction in reductions(step) {
            let type = types[reduction.value]
            let letter = CTypes.letter(type)
            let (kind, slot) = (reduction.kind, reduction.slot)
            if reduction.position != nil {
                if folds {
                    line("int64_t slot\(slot); {")
                    line("\(CTypes.scalar(type)) best = a\(slot)_0t; slot\(slot) = q\(slot)_0t;")
                    for copy in 0..<copies {
                        line("for (int lane = 0; lane < LANES; ++lane) if (q\(slot)_\(copy)[lane] >= 0) {")
                        line(
                            Reductions.argFold(
                                kind, "best", "slot\(slot)", "a\(slot)_\(copy)[lane]", "q\(slot)_\(copy)[lane]") + " }")
                    }
                    line("}")
                } else {
                    for copy in 0..<copies {
                        let name = isVector ? "slot\(slot)_\(copy)" : "slot\(slot)"
                        line("const \(isVector ? "vl" : "int64_t") \(name) = q\(slot)_\(copy);")
                    }
                }
            } else if folds {
                for copy in 1..<max(copies, 1) where copies > 1 {
                    line("a\(slot)_0 = \(BodyPrinter.combine(kind, letter, "v", "a\(slot)_0", "a\(slot)_\(copy)"));")
                }
                let folded = "fold_\(kind.rawValue)_\(letter)(a\(slot)_0)"
                line(
                    "const \(CTypes.scalar(type)) slot\(slot) = "
                        + BodyPrinter.combine(kind, letter, "s", folded, "a\(slot)_0t") + ";")
            } else {
                for copy in 0..<copies {
                    let name = isVector ? "slot\(slot)_\(copy)" : "slot\(slot)"
                    let cType = isVector ? CTypes.vector(type) : CTypes.scalar(type)
                    line("const \(cType) \(name) = a\(slot)_\(copy);")
                }
            }
        }
    }
}
