import ElementTypes
import KernelIR

/// Prints the loops that evaluate the operands of a contraction into packed layouts.
struct ContractionPacking {
    let plan: ContractionPlan

    private var contraction: ContractionKernel { plan.contraction }
    private var isNarrow: Bool { plan.packedElement == .bf16 }
    private var index: IndexPrinter { IndexPrinter(plan.ranges) }

    /// Text of a value rounded to the operand type and converted to its packed form.
    private func stored(_ text: BodyPrinter.Text, _ printer: BodyPrinter) -> String {
        let value = text.isVector ? text.text : (printer.laneAxis == nil ? text.text : printer.splat(text, .f32))
        let form = printer.laneAxis == nil ? "s" : "v"
        if isNarrow { return form == "s" ? "store_bf16(\(value))" : "narrow_bf16(\(value))" }
        switch contraction.operandElement {
        case .bf16, .f16: return "round_\(contraction.operandElement.rawValue)\(form)(\(value))"
        case .f32, .f64, .i64, .i32, .i16, .i8, .u8, .bool: return value
        }
    }

    /// Loops over the taps; `tap` counts them.
    private func tapLoops(_ inner: [String]) -> [String] {
        var lines = ["int64_t tap = 0;"]
        for axis in contraction.taps {
            let name = axis.variable.name
            lines.append("for (int64_t \(name) = 0; \(name) < \(index.print(axis.extent)); ++\(name))")
        }
        return lines + ["{"] + inner + ["++tap;", "}"]
    }

    /// Statements that evaluate row `target` (a C pointer) of the left operand; row, batch variables are in scope.
    func leftRow(_ target: String) -> [String] {
        if let lines = copiedRow(target) { return lines }
        let depth = contraction.depth
        let name = depth.variable.name
        let lanes = plan.lanes
        let vectors = BodyPrinter(
            parameters: plan.kernel.parameters, index: index, lanes: lanes, laneAxis: depth)
        let scalars = BodyPrinter(parameters: plan.kernel.parameters, index: index, lanes: lanes, laneAxis: nil)
        let place = "\(target) + tap * \(index.print(plan.paddedDepth))"
        let vectorType = isNarrow ? "vh_u" : "vf_u"
        var lines = ["int64_t \(name) = 0;"]
        if (depth.extent.constantValue ?? lanes) >= lanes {
            lines.append("for (; \(name) + \(lanes) <= \(index.print(depth.extent)); \(name) += \(lanes)) {")
            let (statements, values) = vectors.print(contraction.left.body, wanted: [contraction.left.result])
            lines += statements
            lines.append(
                "*(\(vectorType) *)(\(place) + \(name)) = \(stored(value(values, contraction.left), vectors));")
            lines.append("}")
        }
        lines.append("for (; \(name) < \(index.print(depth.extent)); ++\(name)) {")
        let (statements, values) = scalars.print(contraction.left.body, wanted: [contraction.left.result])
        lines += statements
        lines.append("(\(place))[\(name)] = \(stored(value(values, contraction.left), scalars));")
        lines.append("}")
        if plan.paddedDepth != depth.extent {
            lines.append("for (; \(name) < \(index.print(plan.paddedDepth)); ++\(name)) (\(place))[\(name)] = 0;")
        }
        return tapLoops(lines)
    }

    /// A row whose taps are runs in memory of the packed type already: copied as they lie, or zeros where the mask fails.
    private func copiedRow(_ target: String) -> [String]? {
        let depth = contraction.depth
        guard let (parameter, load, mask) = contraction.left.plainLoad, contraction.left.body.nodes.count == 1,
            plan.kernel.parameters[parameter].element == plan.packedElement,
            contraction.operandElement == plan.packedElement, load.linearCoefficient(of: depth.variable) == 1,
            depth.extent.constantValue != nil,
            !mask.contains(where: { $0.contains(depth.variable) }),
            !([load] + mask).contains(where: { $0.variables.contains { $0.kind == .value } })
        else { return nil }
        let start = load.substituting(plan.ranges) { $0 == depth.variable ? 0 : nil }
        let size = plan.packedElement.byteCount
        let bytes = "\(size) * \(index.print(depth.extent))"
        let padding = "\(size) * \(index.print(plan.paddedDepth - depth.extent))"
        let to = "to + \(index.print(depth.extent))"
        var lines = [
            "\(CTypes.storage(plan.packedElement)) *const to = \(target) + tap * \(index.print(plan.paddedDepth));"
        ]
        let copy = "__builtin_memcpy(to, p\(parameter) + \(index.print(start)), \(bytes));"
        if let condition = index.condition(mask) {
            lines.append("if (\(condition)) \(copy) else __builtin_memset(to, 0, \(bytes));")
        } else {
            lines.append(copy)
        }
        if plan.paddedDepth != depth.extent { lines.append("__builtin_memset(\(to), 0, \(padding));") }
        return tapLoops(lines)
    }

    private func value(_ values: [Int: BodyPrinter.Text], _ function: ScalarFunction) -> BodyPrinter.Text {
        guard let text = values[function.result] else { preconditionFailure("operand was not printed") }
        return text
    }

    /// Statements that evaluate panel number `panel` of the right operand into `target`; batch variables are in scope.
    /// Constant operands are packed once, point by point; others with vectors along the columns where those are contiguous.
    func rightPanel(_ target: String) -> [String] {
        let depth = contraction.depth
        let name = depth.variable.name
        let flat = ContractionWriter.flatColumn
        let unit = plan.instruction == .multiplyAdd ? 1 : 2
        let columns = plan.panelColumns
        var ranges = plan.ranges
        ranges.declare(flat, extent: plan.columns)
        let right = ContractionWriter.overFlatColumns(contraction.right.body, plan, ranges)
        let flatIndex = IndexPrinter(ranges, names: [flat: "column"])
        let count = index.print(plan.columns)
        let place =
            "(\(target) + (tap * \(index.print(plan.paddedDepth)) + \(name) / \(unit) * \(unit)) * \(columns) "
            + "+ \(name) % \(unit))"
        var lines: [String] = []
        lines.append("for (int64_t \(name) = 0; \(name) < \(index.print(depth.extent)); ++\(name)) {")
        lines.append("int64_t column = panel * \(columns);")
        lines.append("const int64_t end = min_ls(column + \(columns), \(count));")
        if !plan.packsAtBuild {
            let vectors = BodyPrinter(
                parameters: plan.kernel.parameters, index: flatIndex, lanes: plan.lanes,
                laneAxis: LoopAxis(flat, plan.columns))
            lines.append("for (; column + \(plan.lanes) <= end; column += \(plan.lanes)) {")
            let (statements, values) = vectors.print(right, wanted: [contraction.right.result])
            lines += statements
            let text = stored(value(values, contraction.right), vectors)
            if unit == 1 {
                lines.append("*(vf_u *)(\(place) + (column - panel * \(columns))) = \(text);")
            } else {
                lines.append("const vh narrow = \(text);")
                lines.append(
                    "for (int lane = 0; lane < LANES; ++lane) "
                        + "\(place)[(column - panel * \(columns) + lane) * \(unit)] = narrow[lane];")
            }
            lines.append("}")
        }
        let scalars = BodyPrinter(
            parameters: plan.kernel.parameters, index: flatIndex, lanes: plan.lanes, laneAxis: nil)
        lines.append("for (; column < end; ++column) {")
        let (statements, values) = scalars.print(right, wanted: [contraction.right.result])
        lines += statements
        lines.append(
            "\(place)[(column - panel * \(columns)) * \(unit)] = \(stored(value(values, contraction.right), scalars));")
        lines.append("}")
        lines.append(
            "for (; column < (panel + 1) * \(columns); ++column) "
                + "\(place)[(column - panel * \(columns)) * \(unit)] = 0;")
        lines.append("}")
        if plan.paddedDepth != depth.extent {
            lines.append(
                "for (int64_t \(name) = \(index.print(depth.extent)); \(name) < \(index.print(plan.paddedDepth)); "
                    + "++\(name)) for (int64_t at = 0; at < \(columns); ++at) \(place)[at * \(unit)] = 0;")
        }
        return tapLoops(lines)
    }
}
