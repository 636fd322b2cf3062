import ElementTypes
import KernelIR

/// Writes a convolution by Winograd's F(2×2, 3×3).
///
/// A unit of work takes a block of squares (2 × 2 results each): it transforms their 4 × 4 inputs to 16 matrices
/// `[square][channel]`, multiplies each with the transformed weights `[panel][16][channel][nr]` by the register-blocked
/// product, and transforms the 16 sums back before the epilogue.
struct WinogradWriter {
    private let shape: WinogradShape
    private let symbol: String
    /// The plan of the 16 products.
    private var plan: ContractionPlan
    private let blockSquares: Int
    private let blocks: Int
    /// Squares whose results are finished together.
    private let group = 8

    init(_ shape: WinogradShape, _ sizes: ContractionSizes, symbol: String, _ schedule: Schedule) {
        self.shape = shape
        self.symbol = symbol
        let target = sizes.target
        var plan = ContractionPlan(sizes.kernel, shape.contraction, schedule, target)
        let l2 = target.cacheBytes.count > 1 ? target.cacheBytes[1] : 1 << 20
        let vectors = min(2, (shape.outputs + plan.lanes - 1) / plan.lanes)
        let columns = vectors * plan.lanes
        let panels = (shape.outputs + columns - 1) / columns
        let wanted = 4 * max(1, target.threads)
        let largest = target.vectorRegisters >= 32 ? 14 : 6
        // The transformed inputs of a block stay in the level-2 cache.
        let most = max(largest, l2 * 3 / 4 / (64 * shape.channels))
        let isNarrow = 64 * shape.channels * shape.outputs <= l2 / 2
        let cuts = isNarrow ? wanted : (wanted + panels - 1) / panels
        let finest = max(1, shape.squares / (2 * largest))
        let count = max((shape.squares + most - 1) / most, min(cuts, finest))
        blockSquares = (shape.squares + count - 1) / count
        blocks = (shape.squares + blockSquares - 1) / blockSquares
        let tiles = (blockSquares + largest - 1) / largest
        let rows = (blockSquares + tiles - 1) / tiles
        let last = shape.squares - (blocks - 1) * blockSquares
        plan.instruction = .multiplyAdd
        plan.contraction = shape.contraction
        plan.left = .strided(base: 0, stride: IntegerExpression(shape.channels))
        plan.tileRows = rows
        plan.tailRows = Set([blockSquares % rows, last % rows]).filter { $0 > 0 }.sorted(by: >)
        plan.vectors = vectors
        plan.lastVectors = vectors
        plan.blockRows = 4 * blockSquares
        plan.hasRowsInOrder = false
        plan.sliceTaps = nil
        let columnBlocks = min(panels, max(1, (wanted + blocks - 1) / blocks))
        plan.blockPanels = IntegerExpression((panels + columnBlocks - 1) / columnBlocks)
        plan.prefetch = plan.prefetch == 0 || tiles == 1 ? 0 : -1
        self.plan = plan
    }

    private var columns: Int { plan.panelColumns }
    private var panels: Int { (shape.outputs + columns - 1) / columns }
    private var panelBlock: Int { plan.blockPanels.constantValue ?? 1 }
    private var columnBlocks: Int { (panels + panelBlock - 1) / panelBlock }
    private var matrix: Int { blockSquares * shape.channels }

    /// All functions and how to call them.
    func write() -> EmittedKernel {
        let writer = ContractionWriter(plan: plan, symbol: symbol)
        let microkernel = ContractionMicrokernel(
            plan: plan, symbol: symbol, tilesPerPanel: (blockSquares + plan.tileRows - 1) / plan.tileRows)
        var source = microkernel.opening
        for rows in [plan.tileRows] + plan.tailRows {
            source += microkernel.function(rows: rows, vectors: plan.vectors)
        }
        source += writer.epilogueFunction() + inputFunction(writer) + resultFunction() + packFunction(writer)
        source += mainFunction(writer, microkernel)
        let count = panels * 16 * shape.channels * columns
        let packing = EmittedKernel.Packing(
            symbol: symbol + "_pack", sources: shape.contraction.right.body.loadedParameters.sorted(), element: .f32,
            count: count)
        let bytes =
            4 * (16 * matrix + 16 * blockSquares * columns) + 8 * plan.blockRows * shape.contraction.rows.count + 256
        return EmittedKernel(
            symbol: symbol, source: source,
            arguments: writer.mainParameters.map { .parameter($0) } + [.packed(0)], packings: [packing],
            workspaceBytes: IntegerExpression(bytes),
            parts: .count(IntegerExpression(min(blocks * columnBlocks, 4 * max(1, plan.target.threads)))))
    }

    /// Rows of Bᵀ over four values.
    private static func input(_ v: [String]) -> [String] {
        ["\(v[0]) - \(v[2])", "\(v[1]) + \(v[2])", "\(v[2]) - \(v[1])", "\(v[1]) - \(v[3])"]
    }

    /// Rows of Aᵀ over four values.
    private static func result(_ v: [String]) -> [String] {
        ["\(v[0]) + \(v[1]) + \(v[2])", "\(v[1]) - \(v[2]) - \(v[3])"]
    }

    /// Rows of G over three values.
    private static func weight(_ v: [String]) -> [String] {
        [v[0], "0.5 * (\(v[0]) + \(v[1]) + \(v[2]))", "0.5 * (\(v[0]) - \(v[1]) + \(v[2]))", v[2]]
    }

    /// Declares the image variables and the first row and column of the results of square `square`.
    private func decode(_ writer: ContractionWriter) -> [String] {
        let across = shape.squaresAcross
        let down = shape.squaresDown
        return [
            "int64_t rest = square;",
            "const int64_t \(shape.x.variable.name) = rest % \(across) * 2; rest /= \(across);",
            "const int64_t \(shape.y.variable.name) = rest % \(down) * 2; rest /= \(down);",
        ] + writer.decode(shape.images)
    }

    /// Transforms the input of one square to 16 matrices.
    private func inputFunction(_ writer: ContractionWriter) -> String {
        guard let (parameter, load, mask) = shape.contraction.left.plainLoad else {
            preconditionFailure("the pattern needs a plain load")
        }
        var ranges = plan.ranges
        for axis in [shape.y, shape.x] { ranges.declare(axis.variable, extent: axis.extent + 1) }
        let index = IndexPrinter(ranges)
        var lines = [
            "static const float \(symbol)_zeros[\(shape.channels)];",
            "static void \(symbol)_input(void *const *buffers, const int64_t *dims, int64_t square, float *to) {",
        ]
        lines += writer.pointers(writer.mainParameters) + writer.symbolLines + decode(writer)
        for i in 0..<4 {
            for j in 0..<4 {
                func place(_ e: IntegerExpression) -> IntegerExpression {
                    e.substituting(ranges) { variable in
                        switch variable {
                        case shape.tapY.variable: IntegerExpression(i)
                        case shape.tapX.variable: IntegerExpression(j)
                        case shape.contraction.depth.variable: 0
                        default: nil
                        }
                    }
                }
                // Where the results do not fill the last squares, their inputs may not exist.
                let inside =
                    mask.map(place) + [
                        IntegerExpression(shape.height + 1 - i) - IntegerExpression(shape.y.variable),
                        IntegerExpression(shape.width + 1 - j) - IntegerExpression(shape.x.variable),
                    ]
                let address = "p\(parameter) + \(index.print(place(load)))"
                let condition = index.condition(inside)
                lines.append(
                    "const float *const d\(i)\(j) = "
                        + (condition.map { "\($0) ? \(address) : \(symbol)_zeros" } ?? address) + ";")
            }
        }
        lines.append("for (int64_t channel = 0; channel < \(shape.channels); channel += \(plan.lanes)) {")
        for j in 0..<4 {
            for i in 0..<4 { lines.append("const vf a\(i)\(j) = *(const vf_u *)(d\(i)\(j) + channel);") }
            let values = Self.input((0..<4).map { "a\($0)\(j)" })
            for i in 0..<4 { lines.append("const vf t\(i)\(j) = \(values[i]);") }
        }
        for i in 0..<4 {
            let values = Self.input((0..<4).map { "t\(i)\($0)" })
            for j in 0..<4 { lines.append("*(vf_u *)(to + \((i * 4 + j) * matrix) + channel) = \(values[j]);") }
        }
        return (lines + ["}", "}", ""]).joined(separator: "\n")
    }

    /// Transforms the 16 sums of one square back to four rows of a panel.
    private func resultFunction() -> String {
        var lines = ["FORCE void \(symbol)_result(const float *sums, float *r0, float *r1, float *r2, float *r3) {"]
        lines.append("for (int column = 0; column < \(columns); column += \(plan.lanes)) {")
        for j in 0..<4 {
            for i in 0..<4 {
                let place = (i * 4 + j) * blockSquares * columns
                lines.append("const vf a\(i)\(j) = *(const vf_u *)(sums + \(place) + column);")
            }
            let values = Self.result((0..<4).map { "a\($0)\(j)" })
            for i in 0..<2 { lines.append("const vf t\(i)\(j) = \(values[i]);") }
        }
        for i in 0..<2 {
            let values = Self.result((0..<4).map { "t\(i)\($0)" })
            for j in 0..<2 { lines.append("*(vf_u *)(r\(i * 2 + j) + column) = \(values[j]);") }
        }
        return (lines + ["}", "}", ""]).joined(separator: "\n")
    }

    /// Transforms and packs the weights, in double precision.
    private func packFunction(_ writer: ContractionWriter) -> String {
        let contraction = shape.contraction
        let sources = contraction.right.body.loadedParameters.sorted()
        let depth = contraction.depth.variable.name
        var ranges = plan.ranges
        ranges.declare(ContractionWriter.flatColumn, extent: plan.columns)
        let body = ContractionWriter.overFlatColumns(contraction.right.body, plan, ranges)
        let names = IndexPrinter(ranges, names: [ContractionWriter.flatColumn: "column"])
        let printer = BodyPrinter(parameters: shape.kernel.parameters, index: names, lanes: plan.lanes, laneAxis: nil)
        var lines = writer.pointers(sources) + writer.symbolLines + ["(void)workspace;"]
        lines.append("float *const packed = buffers[\(sources.count)];")
        lines.append("for (int64_t panel = \(panels) * part / parts; panel < \(panels) * (part + 1) / parts; ++panel)")
        lines.append("for (int64_t \(depth) = 0; \(depth) < \(shape.channels); ++\(depth))")
        lines.append("for (int64_t lane = 0; lane < \(columns); ++lane) {")
        lines.append("const int64_t column = panel * \(columns) + lane;")
        lines.append("float *const to = packed + (panel * \(16 * shape.channels) + \(depth)) * \(columns) + lane;")
        let step = shape.channels * columns
        lines.append("if (column >= \(shape.outputs)) {")
        lines.append("for (int place = 0; place < 16; ++place) to[place * \(step)] = 0;")
        lines.append("continue;")
        lines.append("}")
        for a in 0..<3 {
            for b in 0..<3 {
                let fixed = body.replacing(ranges) {
                    $0 == shape.tapY.variable
                        ? IntegerExpression(a) : ($0 == shape.tapX.variable ? IntegerExpression(b) : nil)
                }
                let (statements, values) = printer.print(fixed, wanted: [contraction.right.result])
                guard let value = values[contraction.right.result] else {
                    preconditionFailure("operand was not printed")
                }
                lines.append("double w\(a)\(b); {")
                lines += statements + ["w\(a)\(b) = \(value.text);", "}"]
            }
        }
        for b in 0..<3 {
            let values = Self.weight((0..<3).map { "w\($0)\(b)" })
            for i in 0..<4 { lines.append("const double t\(i)\(b) = \(values[i]);") }
        }
        for i in 0..<4 {
            let values = Self.weight((0..<3).map { "t\(i)\($0)" })
            for j in 0..<4 { lines.append("to[\((i * 4 + j) * step)] = (float)(\(values[j]));") }
        }
        lines.append("}")
        return KernelFrame.function(symbol + "_pack", lines)
    }

    private func mainFunction(_ writer: ContractionWriter, _ microkernel: ContractionMicrokernel) -> String {
        let rowAxes = shape.contraction.rows
        let channels = shape.channels
        var lines = writer.pointers(writer.mainParameters) + writer.symbolLines
        lines.append("const float *const packed = buffers[\(writer.mainParameters.count)];")
        lines.append("float *const inputs = (float *)workspace, *const sums = inputs + \(16 * matrix);")
        lines.append("int64_t *const coordinates = (int64_t *)(sums + \(16 * blockSquares * columns));")
        lines.append("const int64_t *const point = 0; const int64_t block = 0; (void)point; (void)block;")
        lines.append("const int64_t units = \(blocks * columnBlocks);")
        lines.append("int64_t prepared = -1;")
        lines.append("for (int64_t unit = units * part / parts; unit < units * (part + 1) / parts; ++unit) {")
        lines.append("const int64_t squareBlock = unit / \(columnBlocks), columnBlock = unit % \(columnBlocks);")
        lines.append("const int64_t begin = squareBlock * \(blockSquares);")
        lines.append("const int64_t count = min_ls(\(blockSquares), \(shape.squares) - begin);")
        lines.append("if (prepared != squareBlock) {")
        lines.append("prepared = squareBlock;")
        lines.append("int64_t row = 0;")
        lines.append("for (int64_t square = begin; square < begin + count; ++square) {")
        lines.append("\(symbol)_input(buffers, dims, square, inputs + (square - begin) * \(channels));")
        lines += decode(writer)
        let (y, x) = (shape.y.variable.name, shape.x.variable.name)
        for a in 0..<2 {
            for b in 0..<2 {
                lines.append("if (\(y) + \(a) < \(shape.height) && \(x) + \(b) < \(shape.width)) {")
                for (place, axis) in rowAxes.enumerated() {
                    let shift = axis == shape.y ? a : (axis == shape.x ? b : 0)
                    lines.append("coordinates[\(place * plan.blockRows) + row] = \(axis.variable.name) + \(shift);")
                }
                lines.append("++row;")
                lines.append("}")
            }
        }
        lines += ["}", "}"]
        lines.append("const int64_t endPanel = min_ls((columnBlock + 1) * \(panelBlock), \(panels));")
        lines.append("for (int64_t panel = columnBlock * \(panelBlock); panel < endPanel; ++panel) {")
        lines.append("for (int64_t place = 0; place < 16; ++place) {")
        lines.append("const float *const right = packed + (panel * 16 + place) * \(channels * columns);")
        lines.append("const char *ahead = (const char *)(right + \(channels * columns)); (void)ahead;")
        lines.append("int64_t first = 0;")
        let lineCount = microkernel.prefetchedLines(plan.vectors)
        for rows in [plan.tileRows] + plan.tailRows {
            lines.append("for (; first + \(rows) <= count; first += \(rows)) {")
            lines.append(
                "\(microkernel.name(rows, plan.vectors))(inputs + place * \(matrix) + first * \(channels), "
                    + "INT64_C(\(channels)), right, INT64_C(\(channels)), ahead, "
                    + "sums + (place * \(blockSquares) + first) * \(columns));")
            if plan.prefetch < 0 { lines.append("ahead += \(channels / plan.unroll * 64 * lineCount);") }
            lines.append("}")
        }
        lines.append("}")
        lines.append("const int64_t start = panel * \(columns);")
        lines.append("const int64_t end = min_ls(start + \(columns), \(shape.outputs));")
        lines.append("int64_t first = 0;")
        lines.append("for (int64_t at = 0; at < count; at += \(group)) {")
        lines.append("float tile[\((4 * group + 4) * columns)] __attribute__((aligned(64)));")
        lines.append("int64_t row = 0;")
        lines.append("for (int64_t square = at; square < min_ls(at + \(group), count); ++square) {")
        if shape.height % 2 == 0 && shape.width % 2 == 0 {
            lines.append("float *const r = tile + row * \(columns); row += 4;")
            lines.append(
                "\(symbol)_result(sums + square * \(columns), r, r + \(columns), r + \(2 * columns), "
                    + "r + \(3 * columns));")
        } else {
            // Results outside the image go to a row that nobody reads.
            lines.append("float *const none = tile + \(4 * group * columns);")
            lines.append("const int64_t number = begin + square;")
            lines.append("const int right1 = number % \(shape.squaresAcross) * 2 + 1 < \(shape.width);")
            lines.append(
                "const int below = number / \(shape.squaresAcross) % \(shape.squaresDown) * 2 + 1 < \(shape.height);")
            lines.append("float *const r0 = tile + row++ * \(columns);")
            lines.append("float *const r1 = right1 ? tile + row++ * \(columns) : none;")
            lines.append("float *const r2 = below ? tile + row++ * \(columns) : none;")
            lines.append("float *const r3 = right1 && below ? tile + row++ * \(columns) : none;")
            lines.append("\(symbol)_result(sums + square * \(columns), r0, r1, r2, r3);")
        }
        lines.append("}")
        lines.append("\(symbol)_finish(buffers, dims, point, coordinates, block, first, row, tile, start, end);")
        lines.append("first += row;")
        lines.append("}")
        lines += ["}", "}"]
        return KernelFrame.function(symbol, lines)
    }
}
