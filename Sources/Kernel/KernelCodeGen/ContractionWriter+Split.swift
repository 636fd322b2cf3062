import ElementTypes
import KernelIR

extension ContractionWriter {
    /// Index of the mark in a packed panel.
    var splitMark: String { index.print(plan.packedDepth * (SplitProduct.pieces * plan.panelColumns)) }

    /// One tile of a panel that is not marked.
    func splitTiles(_ microkernel: ContractionMicrokernel) -> String {
        let depth = index.print(plan.packedDepth)
        // What the right tiles of one step hold is 96 lines.
        let lines = plan.prefetch == 0 ? 0 : max(1, 96 / max(microkernel.tilesPerPanel, 1))
        let ahead = lines == 0 ? "" : " ahead += \(depth) / 32 * \(64 * lines);"
        return "if (count > 16) split_tiles(\(leftArguments)right, \(depth), ahead, \(lines), 1, count, tile); "
            + "else split_tiles(\(leftArguments)right, \(depth), ahead, \(lines), 0, count, tile);" + ahead
    }

    /// Rows of a tile that are marked, or all of them where the panel is.
    var splitPlain: String {
        let terms = index.print(plan.taps * plan.contraction.depth.extent)
        return
            "if (marked || right[\(splitMark)]) split_plain(\(leftArguments)right, \(index.print(plan.packedDepth)), \(terms), "
            + "count, restored, tile);"
    }
}

extension ContractionPacking {
    /// The plan under which operands are evaluated before they are cut: f32, one element after another.
    private var whole: ContractionPacking {
        var plan = plan
        plan.instruction = .multiplyAdd
        return ContractionPacking(plan: plan)
    }

    /// Terms of a sum, and the zeros behind them.
    private var terms: IntegerExpression { plan.taps * plan.contraction.depth.extent }
    private var padding: IntegerExpression { plan.packedDepth - terms }

    /// A row in f32 in the last two thirds of its place, then cut.
    func splitRow(_ target: String) -> [String] {
        let depth = index.print(plan.packedDepth)
        var lines = ["float *const whole = (float *)(\(target) + \(depth));"] + whole.leftRow("whole")
        if padding != 0 {
            lines.append("__builtin_memset(whole + \(index.print(terms)), 0, \(index.print(padding * 4)));")
        }
        return ["{"] + lines + ["marked |= split_row(\(target), \(depth));", "}"]
    }

    /// A panel in f32 in the last two thirds of its place, then cut.
    func splitPanel(_ target: String) -> [String] {
        let depth = index.print(plan.packedDepth)
        let columns = plan.panelColumns
        var lines =
            ["float *const whole = (float *)(\(target) + \(columns) * \(depth));"] + whole.rightPanel("whole")
        if padding != 0 {
            lines.append(
                "__builtin_memset(whole + \(index.print(terms * columns)), 0, \(index.print(padding * (4 * columns))));"
            )
        }
        return ["{"] + lines + ["split_panel(\(target), \(depth));", "}"]
    }
}
