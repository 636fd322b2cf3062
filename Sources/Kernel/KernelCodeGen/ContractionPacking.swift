import ElementTypes
import KernelIR

/// Prints the loops that evaluate the operands of a contraction into packed layouts.
struct ContractionPacking {
    let plan: ContractionPlan

    private var contraction: ContractionKernel { plan.contraction }
    var index: IndexPrinter { IndexPrinter(plan.ranges) }

    /// Text of a value rounded to the operand type and converted to its packed form.
    private func stored(_ text: BodyPrinter.Text, _ printer: BodyPrinter) -> String {
        let type = plan.packedElement.computeType
        let value = text.isVector ? text.text : (printer.laneAxis == nil ? text.text : printer.splat(text, type))
        let form = printer.laneAxis == nil ? "s" : "v"
        switch plan.packedElement {
        case .bf16, .i8:
            return form == "s"
                ? CTypes.store(plan.packedElement, value) : CTypes.storeVector(plan.packedElement, value)
        case .f32, .f64, .f16, .f8e4m3, .f8e5m2, .i64, .i32, .i16, .u8, .bool: break
        }
        switch contraction.operandElement {
        case .bf16, .f16: return "round_\(contraction.operandElement.rawValue)\(form)(\(value))"
        case .f32, .f64, .f8e4m3, .f8e5m2, .i64, .i32, .i16, .i8, .u8, .bool: return value
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

    /// Zeros after the last tap of a row without padding between them.
    private func rowEnd(_ target: String) -> [String] {
        let used = plan.taps * contraction.depth.extent
        guard plan.isFlat, plan.packedDepth != used else { return [] }
        let bytes = (plan.packedDepth - used) * plan.packedElement.byteCount
        return ["__builtin_memset(\(target) + \(index.print(used)), 0, \(index.print(bytes)));"]
    }

    /// Statements that evaluate row `target` (a C pointer) of the left operand; row, batch variables are in scope.
    func leftRow(_ target: String) -> [String] {
        if plan.instruction == .amxSplit { return splitRow(target) }
        if let lines = copiedRow(target) { return lines }
        let depth = contraction.depth
        let name = depth.variable.name
        let lanes = plan.lanes
        let vectors = BodyPrinter(
            parameters: plan.kernel.parameters, index: index, lanes: lanes, laneAxis: depth)
        let scalars = BodyPrinter(parameters: plan.kernel.parameters, index: index, lanes: lanes, laneAxis: nil)
        let place = "\(target) + tap * \(index.print(plan.tapStride))"
        let vectorType = CTypes.storageVector(plan.packedElement) + "_u"
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
        if plan.tapStride != depth.extent {
            lines.append("for (; \(name) < \(index.print(plan.tapStride)); ++\(name)) (\(place))[\(name)] = 0;")
        }
        return tapLoops(lines) + rowEnd(target)
    }

    /// A row whose taps are runs in memory of the packed type already: copied as they lie, with zeros where the mask fails.
    private func copiedRow(_ target: String) -> [String]? {
        let depth = contraction.depth
        let name = depth.variable.name
        guard let (parameter, load, mask) = contraction.left.plainLoad, contraction.left.body.nodes.count == 1,
            plan.kernel.parameters[parameter].element == plan.packedElement,
            contraction.operandElement == plan.packedElement, load.linearCoefficient(of: depth.variable) == 1,
            depth.extent.constantValue != nil,
            mask.allSatisfy({ $0.linearCoefficient(of: depth.variable)?.constantValue != nil }),
            !([load] + mask).contains(where: { $0.variables.contains { $0.kind == .value } })
        else { return nil }
        func at(_ expression: IntegerExpression, _ place: IntegerExpression) -> IntegerExpression {
            expression.substituting(plan.ranges) { $0 == depth.variable ? place : nil }
        }
        let size = plan.packedElement.byteCount
        let extent = index.print(depth.extent)
        let bytes = index.print(depth.extent * size)
        var lines = [
            "\(CTypes.storage(plan.packedElement)) *const to = \(target) + tap * \(index.print(plan.tapStride));"
        ]
        let copy = "__builtin_memcpy(to, p\(parameter) + \(index.print(at(load, 0))), \(bytes));"
        // A condition that is linear along the run holds for all of it when it holds at both ends.
        let varying = mask.filter { $0.contains(depth.variable) }
        let whole = index.condition(varying.map { at($0, 0) } + varying.map { at($0, depth.extent - 1) })
        let outer = index.condition(mask.filter { !$0.contains(depth.variable) })
        if let outer { lines.append("if (!(\(outer))) __builtin_memset(to, 0, \(bytes)); else") }
        if let whole {
            let each = index.condition(varying) ?? "1"
            lines.append("if (\(whole)) \(copy)")
            lines.append("else for (int64_t \(name) = 0; \(name) < \(extent); ++\(name))")
            lines.append("to[\(name)] = (\(each)) ? p\(parameter)[\(index.print(load))] : 0;")
        } else {
            lines.append(copy)
        }
        if plan.tapStride != depth.extent {
            let padding = index.print((plan.tapStride - depth.extent) * size)
            lines.append("__builtin_memset(to + \(extent), 0, \(padding));")
        }
        return tapLoops(lines) + rowEnd(target)
    }

    private func value(_ values: [Int: BodyPrinter.Text], _ function: ScalarFunction) -> BodyPrinter.Text {
        guard let text = values[function.result] else { preconditionFailure("operand was not printed") }
        return text
    }

    /// Statements that evaluate panel number `panel` of the right operand into `target`; batch variables are in scope.
    /// Constant operands are packed once, point by point; others with vectors along the columns where those are contiguous.
    func rightPanel(_ target: String) -> [String] {
        if plan.instruction == .amxSplit { return splitPanel(target) }
        let depth = contraction.depth
        let name = depth.variable.name
        let flat = ContractionWriter.flatColumn
        let unit = plan.instruction.run
        let columns = plan.panelColumns
        var ranges = plan.ranges
        ranges.declare(flat, extent: plan.columns)
        let right = ContractionWriter.overFlatColumns(contraction.right.body, plan, ranges)
        let flatIndex = IndexPrinter(ranges, names: [flat: "column"])
        let count = index.print(plan.columns)
        let summed = "(tap * \(index.print(plan.tapStride)) + \(name))"
        let place = "(\(target) + \(summed) / \(unit) * \(unit) * \(columns) + \(summed) % \(unit))"
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
                lines.append("const \(CTypes.storageVector(plan.packedElement)) narrow = \(text);")
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
        if plan.tapStride != depth.extent {
            lines.append(
                "for (int64_t \(name) = \(index.print(depth.extent)); \(name) < \(index.print(plan.tapStride)); "
                    + "++\(name)) for (int64_t at = 0; at < \(columns); ++at) \(place)[at * \(unit)] = 0;")
        }
        var end: [String] = []
        if plan.isFlat, plan.packedDepth != plan.taps * depth.extent {
            end = [
                "for (int64_t k = \(index.print(plan.taps * depth.extent)); k < \(index.print(plan.packedDepth)); ++k) "
                    + "for (int64_t at = 0; at < \(columns); ++at) "
                    + "(\(target) + k / \(unit) * \(unit) * \(columns) + k % \(unit))[at * \(unit)] = 0;"
            ]
        }
        return tapLoops(lines) + end + startingSums(target)
    }

    /// What the sums of each column begin at: VNNI multiplies bytes without a sign by bytes with one, so left elements are
    /// raised by 128, and 128 times the sum of a column's elements is taken away.
    private func startingSums(_ target: String) -> [String] {
        guard plan.instruction == .int8Dot else { return [] }
        let columns = plan.panelColumns
        let depth = index.print(plan.packedDepth)
        return [
            "for (int64_t at = 0; at < \(columns); ++at) {", "int32_t sum = 0;",
            "for (int64_t k = 0; k < \(depth); ++k) sum += (\(target))[k / 4 * 4 * \(columns) + at * 4 + k % 4];",
            "((int32_t *)(\(target) + \(depth) * \(columns)))[at] = \(plan.isLeftUnsigned ? "0" : "-128 * sum");",
            "}",
        ]
    }
}
