import ElementTypes
import KernelIR

/// Writes a convolution with few channels: each unit of work copies the rows that it needs, with their padding, then runs
/// the register-blocked product straight over the copy.
struct WindowWriter {
    private let shape: WindowShape
    private let symbol: String
    private var plan: ContractionPlan
    /// Result rows of a unit of work.
    private let blockHeight: Int
    private let tile: Int

    init(_ shape: WindowShape, _ sizes: ContractionSizes, symbol: String, _ schedule: Schedule) {
        self.shape = shape
        self.symbol = symbol
        let target = sizes.target
        var plan = ContractionPlan(sizes.kernel, shape.original, schedule, target)
        let images = ContractionPlan.product(shape.images).constantValue ?? 1
        let wanted = (4 * max(1, target.threads) + images - 1) / images
        let tallest = max(1, (shape.height + wanted - 1) / wanted)
        blockHeight = (1...tallest).last { shape.height % $0 == 0 } ?? 1
        let registers = target.vectorRegisters
        let vectors = min(2, max(1, ((plan.columns.constantValue ?? 1) + plan.lanes - 1) / plan.lanes))
        tile = (1...14).last { shape.width % $0 == 0 && $0 * vectors + vectors < registers } ?? 1
        plan.instruction = .multiplyAdd
        plan.contraction = shape.contraction
        plan.ranges.declare(shape.contraction.depth.variable, extent: shape.contraction.depth.extent)
        plan.left = .window
        plan.sliceTaps = nil
        plan.tileRows = tile
        plan.tailRows = []
        plan.vectors = vectors
        plan.lastVectors = vectors
        plan.blockRows = blockHeight * shape.width
        plan.prefetch = 0
        if let run = shape.contraction.depth.extent.constantValue, run <= 4 { plan.unroll = run }
        // Images that are not outermost leave the rows of a block scattered.
        plan.hasRowsInOrder = Array(shape.contraction.rows.prefix(shape.images.count)) == shape.images
        self.plan = plan
    }

    private var planes: Int { shape.channelsLast ? 1 : shape.channels }
    private var copiedRows: Int { shape.copiedRows(blockHeight) }
    private var panels: Int { ((plan.columns.constantValue ?? 1) + plan.panelColumns - 1) / plan.panelColumns }
    private var rowUnits: Int {
        (ContractionPlan.product(shape.images).constantValue ?? 1) * (shape.height / blockHeight)
    }
    /// The columns are cut only where the rows do not give every thread enough to do.
    private var columnBlocks: Int {
        let wanted = (4 * max(1, plan.target.threads) + rowUnits - 1) / rowUnits
        let size = (panels + wanted - 1) / max(1, wanted)
        return (panels + size - 1) / max(1, size)
    }
    private var blockPanels: Int { (panels + columnBlocks - 1) / columnBlocks }
    private var units: Int { rowUnits * columnBlocks }

    /// All functions and how to call them.
    func write() -> EmittedKernel {
        let writer = ContractionWriter(plan: plan, symbol: symbol)
        let microkernel = ContractionMicrokernel(plan: plan, symbol: symbol, tilesPerPanel: 1)
        let (packing, pack) = writer.packRightFunction()
        var source = microkernel.function(rows: tile, vectors: plan.vectors)
        source += writer.epilogueFunction() + copyFunction(writer) + pack + mainFunction(writer, microkernel)
        let copied = planes * copiedRows * shape.rowLength + 2 * plan.lanes
        let bytes = (copied * 4 + 127) / 64 * 64 + 8 * plan.blockRows * shape.contraction.rows.count
        return EmittedKernel(
            symbol: symbol, source: source, arguments: writer.mainParameters.map { .parameter($0) } + [.packed(0)],
            packings: [packing], workspaceBytes: IntegerExpression(bytes),
            parts: .count(IntegerExpression(min(units, 4 * max(1, plan.target.threads)))))
    }

    /// Copies the rows from `firstRow` (in copied rows) with zeros where the mask fails.
    private func copyFunction(_ writer: ContractionWriter) -> String {
        let contraction = shape.original
        let column = Variable(.axis, 920_001)
        let row = Variable(.axis, 920_002)
        var ranges = plan.ranges
        ranges.declare(column, extent: IntegerExpression(shape.copiedWidth))
        ranges.declare(
            row, extent: IntegerExpression(shape.strideY * (shape.height - 1)) + shape.copiedRows(1))
        let body = contraction.left.body.replacing(ranges) { variable in
            if let value = shape.across.value(variable, at: IntegerExpression(column)) { return value }
            if let value = shape.down?.value(variable, at: IntegerExpression(row)) { return value }
            return (contraction.taps + [contraction.depth]).contains { $0.variable == variable && $0.extent == 1 }
                ? 0 : nil
        }
        guard case .load(let parameter, let index, let mask) = body.nodes[0] else {
            preconditionFailure("the pattern needs a plain load")
        }
        let names = IndexPrinter(ranges, names: [column: "column", row: "row"])
        let depth = shape.channel?.variable.name ?? "channel"
        // Conditions on the column bound an interval, since they are linear: find its ends, then copy what lies between.
        var lines = [
            "static void \(symbol)_copy(void *const *buffers, const int64_t *dims, const int64_t *point, "
                + "int64_t firstRow, float *to) {"
        ]
        lines += writer.pointers(writer.mainParameters) + writer.symbolLines + ["(void)point;"]
        for (place, axis) in shape.images.enumerated() {
            lines.append("const int64_t \(axis.variable.name) = point[\(place)]; (void)\(axis.variable.name);")
        }
        let columnConditions = mask.filter { $0.contains(column) }
        let rowConditions = mask.filter { !$0.contains(column) }
        lines.append("int64_t column = 0;")
        let inside = names.condition(columnConditions) ?? "1"
        lines.append("while (column < \(shape.copiedWidth) && !(\(inside))) ++column;")
        lines.append("const int64_t low = column;")
        lines.append("while (column < \(shape.copiedWidth) && (\(inside))) ++column;")
        lines.append("const int64_t high = column;")
        let element = plan.kernel.parameters[parameter].element
        let run = shape.channelsLast ? shape.channels : 1
        if !shape.channelsLast { lines.append("for (int64_t \(depth) = 0; \(depth) < \(shape.channels); ++\(depth))") }
        lines.append("for (int64_t row = firstRow; row < firstRow + \(copiedRows); ++row, to += \(shape.rowLength)) {")
        if shape.channelsLast { lines.append("const int64_t \(depth) = 0; (void)\(depth);") }
        lines.append("const int rowInside = \(names.condition(rowConditions) ?? "1");")
        lines.append("const int64_t begin = (rowInside ? low : 0) * \(run), end = (rowInside ? high : 0) * \(run);")
        lines.append("for (int64_t at = 0; at < begin; ++at) to[at] = 0;")
        lines.append("if (end > begin) {")
        lines.append("column = low;")
        lines.append(
            "const \(CTypes.storage(element)) *const from = p\(parameter) + \(names.print(index)) - begin;")
        lines.append("int64_t at = begin;")
        let vector = CTypes.storageVector(element)
        let load = CTypes.loadVector(element, "*(const \(vector)_u *)(from + at)")
        lines.append("for (; at + \(plan.lanes) <= end; at += \(plan.lanes)) *(vf_u *)(to + at) = \(load);")
        lines.append("for (; at < end; ++at) to[at] = \(CTypes.load(element, "from[at]"));")
        lines.append("}")
        lines.append("for (int64_t at = end; at < \(shape.rowLength); ++at) to[at] = 0;")
        return (lines + ["}", "}", ""]).joined(separator: "\n")
    }

    private func mainFunction(_ writer: ContractionWriter, _ microkernel: ContractionMicrokernel) -> String {
        let offsets = shape.offsets(copiedRows)
        let depth = shape.contraction.depth.extent.constantValue ?? 1
        let stride = shape.across.stride * (shape.channelsLast ? shape.channels : 1)
        let columns = plan.panelColumns
        let copied = planes * copiedRows * shape.rowLength + 2 * plan.lanes
        var lines = writer.pointers(writer.mainParameters) + writer.symbolLines
        lines.append("static const int64_t offsets[] = {\(offsets.map(String.init).joined(separator: ", "))};")
        lines.append("const float *const packed = buffers[\(writer.mainParameters.count)];")
        lines.append("float *const copy = workspace;")
        lines.append("int64_t *const coordinates = (int64_t *)((char *)workspace + \((copied * 4 + 127) / 64 * 64));")
        lines.append("int64_t point[\(max(1, shape.images.count))]; ")
        let heights = shape.height / blockHeight
        lines.append("const int64_t units = \(units);")
        lines.append("for (int64_t unit = units * part / parts; unit < units * (part + 1) / parts; ++unit) {")
        lines.append("int64_t rest = unit;")
        lines.append("const int64_t firstPanel = rest % \(columnBlocks) * \(blockPanels); rest /= \(columnBlocks);")
        lines.append("const int64_t endPanel = min_ls(firstPanel + \(blockPanels), \(panels));")
        lines.append("const int64_t top = rest % \(heights) * \(blockHeight); rest /= \(heights);")
        lines += writer.decode(shape.images)
        for (place, axis) in shape.images.enumerated() {
            lines.append("point[\(place)] = \(axis.variable.name);")
        }
        let image = IndexPrinter(plan.ranges).print(ContractionPlan.position(shape.images))
        lines.append("const int64_t block = (\(image) * \(shape.height) + top) * \(shape.width); (void)block;")
        lines.append("\(symbol)_copy(buffers, dims, point, top * \(shape.strideY), copy);")
        lines.append("for (int64_t row = 0; row < \(plan.blockRows); ++row) {")
        for (place, axis) in shape.contraction.rows.enumerated() {
            let value =
                axis == shape.x
                ? "row % \(shape.width)" : (axis == shape.y ? "top + row / \(shape.width)" : axis.variable.name)
            lines.append("coordinates[\(place * plan.blockRows) + row] = \(value);")
        }
        lines.append("}")
        lines.append("for (int64_t down = 0; down < \(blockHeight); ++down)")
        lines.append("for (int64_t across = 0; across < \(shape.width); across += \(tile)) {")
        lines.append(
            "const float *const left = copy + down * \(shape.strideY * shape.rowLength) + across * \(stride);")
        lines.append("const int64_t first = down * \(shape.width) + across;")
        let count = plan.columns.constantValue ?? 0
        lines.append("for (int64_t panel = firstPanel; panel < endPanel; ++panel) {")
        lines.append("const float *const right = packed + panel * \(offsets.count * depth * columns);")
        lines.append("float tile[\(tile * columns)] __attribute__((aligned(64)));")
        lines.append(
            "\(microkernel.name(tile, plan.vectors))(left, INT64_C(\(stride)), offsets, INT64_C(\(offsets.count)), right, "
                + "INT64_C(\(depth)), 0, tile);")
        lines.append("const int64_t start = panel * \(columns), end = min_ls(start + \(columns), \(count));")
        lines.append(
            "\(symbol)_finish(buffers, dims, point, coordinates, block, first, \(tile), tile, start, end);")
        lines += ["}", "}", "}"]
        return KernelFrame.function(symbol, lines)
    }
}
