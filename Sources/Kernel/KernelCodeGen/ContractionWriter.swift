import ElementTypes
import KernelIR

/// Writes the C functions of a planned contraction: the micro-kernels, the epilogue, the preparation of left rows, the
/// packing function and the main function.
struct ContractionWriter {
    let plan: ContractionPlan
    let symbol: String
    private var lines: [String] = []

    /// The variable of the flattened columns.
    static let flatColumn = Variable(.axis, 900_001)
    /// The variable of the flattened rows.
    static let flatRow = Variable(.axis, 900_002)

    init(plan: ContractionPlan, symbol: String) {
        self.plan = plan
        self.symbol = symbol
    }

    private var contraction: ContractionKernel { plan.contraction }
    private var kernel: Kernel { plan.kernel }
    var index: IndexPrinter { IndexPrinter(plan.ranges) }
    var element: String { CTypes.storage(plan.packedElement) }
    private var splits: Bool { plan.instruction == .amxSplit }
    private var usesTiles: Bool { plan.instruction.usesTiles }
    private var sum: String { plan.instruction.sum.scalar }
    /// Row coordinates are looked up when the rows have several axes.
    private var hasCoordinates: Bool { contraction.rows.count > 1 && (!readsRowsInPlace || flatRows == nil) }
    /// Whether only the epilogue looks at rows.
    private var readsRowsInPlace: Bool { if case .strided = plan.left { true } else { plan.left == .window } }
    /// What the row variables of the epilogue become when one flat row will do.
    private var flatRows: [Variable: IntegerExpression]? {
        guard plan.hasRowsInOrder else { return nil }
        let expressions =
            contraction.epilogue.expressions + contraction.stores.flatMap { [$0.index] + $0.mask }
        return ContractionSizes.flattening(contraction.rows, expressions, into: Self.flatRow)
    }

    /// A body whose column variables are computed from the flattened column.
    static func overFlatColumns(_ body: ScalarBody, _ plan: ContractionPlan, _ ranges: VariableRanges) -> ScalarBody {
        let values = columnValues(plan, ranges)
        return body.replacing(ranges) { values[$0] }
    }

    private static func columnValues(_ plan: ContractionPlan, _ ranges: VariableRanges) -> [Variable: IntegerExpression]
    {
        var values: [Variable: IntegerExpression] = [:]
        var rest = IntegerExpression(flatColumn)
        for (place, axis) in plan.contraction.columns.enumerated().reversed() {
            values[axis.variable] = place == 0 ? rest : rest.modulo(axis.extent, ranges)
            rest = rest.floorDivided(by: axis.extent, ranges)
        }
        return values
    }

    /// Parameters of the main function in order.
    var mainParameters: [Int] {
        var used = contraction.left.body.loadedParameters.union(contraction.epilogue.loadedParameters)
        if !plan.packsAtBuild { used.formUnion(contraction.right.body.loadedParameters) }
        for store in contraction.stores { used.insert(store.parameter) }
        return used.sorted()
    }

    func pointers(_ parameters: [Int]) -> [String] {
        parameters.enumerated().map { place, number in
            let type = CTypes.storage(kernel.parameters[number].element)
            let prefix = kernel.parameters[number].access == .read ? "const " : ""
            return "\(prefix)\(type) *const p\(number) = buffers[\(place)]; (void)p\(number);"
        }
    }

    var symbolLines: [String] {
        kernel.symbols.enumerated().map {
            "const int64_t \($0.element.name) = dims[\($0.offset)]; (void)\($0.element.name);"
        } + ["(void)dims;"]
    }

    /// Batch variables from the array `point`.
    private var pointLines: [String] {
        contraction.batch.enumerated().map {
            "const int64_t \($0.element.variable.name) = point[\($0.offset)]; (void)\($0.element.variable.name);"
        } + ["(void)point; (void)coordinates;"]
    }

    /// Row variables of row `first + row` of the block.
    private var rowLines: [String] {
        if hasCoordinates {
            return contraction.rows.enumerated().map {
                "const int64_t \($0.element.variable.name) = coordinates[\($0.offset * plan.blockRows) + first + row]; "
                    + "(void)\($0.element.variable.name);"
            }
        }
        return contraction.rows.map {
            "const int64_t \($0.variable.name) = block + first + row; (void)\($0.variable.name);"
        }
    }

    private static let sharedParameters =
        "void *const *buffers, const int64_t *dims, const int64_t *point, const int64_t *coordinates, int64_t block, "
        + "int64_t first, int64_t count"
    static let sharedArguments = "buffers, dims, point, coordinates, block, first, count"

    /// All functions and how to call them.
    mutating func write() -> EmittedKernel {
        let blockTiles = (plan.blockRows + plan.tileRows - 1) / plan.tileRows
        let rows = plan.rows.constantValue ?? plan.blockRows
        let microkernel = ContractionMicrokernel(
            plan: plan, symbol: symbol,
            tilesPerPanel: min(blockTiles, max(1, (rows + plan.tileRows - 1) / plan.tileRows)))
        var source = microkernel.opening
        if usesTiles {
            // Products of pieces have one function for all sizes.
            if !splits {
                source += microkernel.function(rows: 32, vectors: 2) + microkernel.function(rows: 16, vectors: 2)
            }
        } else {
            for size in [plan.tileRows] + plan.tailRows {
                for vectors in Set([plan.vectors, plan.lastVectors]).sorted() {
                    source += microkernel.function(rows: size, vectors: vectors)
                }
            }
        }
        source += epilogueFunction()
        switch plan.left {
        case .strided, .window: break
        case .indirect: source += tableFunction()
        case .packed: source += packLeftFunction()
        }
        var packings: [EmittedKernel.Packing] = []
        if plan.packsAtBuild {
            let (packing, text) = packRightFunction()
            source += text
            packings.append(packing)
        }
        source += mainFunction(microkernel)
        var kernel = EmittedKernel(
            symbol: symbol, source: source,
            arguments: mainParameters.map { .parameter($0) } + packings.indices.map { .packed($0) }, packings: packings,
            workspaceBytes: workspace.total, parts: .count(plan.parts))
        if splits { kernel.note = SplitProduct.note }
        return kernel
    }

    // MARK: Parts of the work

    /// Applies the epilogue to a finished tile and stores it.
    func epilogueFunction() -> String {
        var ranges = plan.ranges
        ranges.declare(Self.flatColumn, extent: plan.columns)
        var values = Self.columnValues(plan, ranges)
        if let flatRows {
            ranges.declare(Self.flatRow, extent: plan.rows)
            values.merge(flatRows) { $1 }
        }
        let body = contraction.epilogue.replacing(ranges) { values[$0] }
        let stores = contraction.stores.map { $0.mapping { $0.substituting(ranges) { values[$0] } } }
        let types = body.types(
            parameters: kernel.parameters, accumulator: contraction.operandElement.computeType)
        let names = IndexPrinter(ranges, names: [Self.flatColumn: "column", Self.flatRow: "flat"])
        let flat = LoopAxis(Self.flatColumn, plan.columns)
        var text = [
            "static void \(symbol)_finish(\(Self.sharedParameters), const \(sum) *tile, "
                + "int64_t start, int64_t end) {"
        ]
        text += pointers(mainParameters) + symbolLines + pointLines + ["(void)block;"]
        text.append("for (int64_t row = 0; row < count; ++row, tile += \(plan.panelColumns)) {")
        text += flatRows == nil ? rowLines : ["const int64_t flat = block + first + row; (void)flat;"]
        text.append("int64_t column = start;")
        for laneAxis in [flat, nil] {
            var printer = BodyPrinter(
                parameters: kernel.parameters, index: names, lanes: plan.lanes, laneAxis: laneAxis)
            printer.accumulatorType = contraction.operandElement.computeType
            let vector = "(*(const \(plan.instruction.sum.vector) *)(tile + (column - start)))"
            printer.accumulator =
                laneAxis == nil
                ? .init("\(plan.instruction.isInteger ? "(int64_t)" : "")tile[column - start]", isVector: false)
                : .init(plan.instruction.isInteger ? "CONVERT(\(vector), vl)" : vector, isVector: true)
            text.append(
                laneAxis == nil
                    ? "for (; column < end; ++column) {"
                    : "for (; column + \(plan.lanes) <= end; column += \(plan.lanes)) {")
            let (statements, printed) = printer.print(body, wanted: stores.map(\.value))
            text += statements
            text += stores.map { printer.statement($0, printed, types) }
            text.append("}")
        }
        return (text + ["}", "}", ""]).joined(separator: "\n")
    }

    /// Fills the row pointers of one tile: `[tap][row]`; returns how many taps have a row inside.
    private func tableFunction() -> String {
        guard let (parameter, load, mask) = contraction.left.plainLoad,
            let depth = contraction.depth.extent.constantValue
        else { preconditionFailure("indirect rows need a plain load") }
        let taps = plan.taps.constantValue ?? 1
        let start = load.substituting(plan.ranges) { $0 == contraction.depth.variable ? 0 : nil }
        let condition = index.condition(mask)
        var text = [
            "static const \(element) \(symbol)_zeros[\(depth + plan.lanes)];",
            "static int32_t \(symbol)_table(\(Self.sharedParameters), const \(element) **table, int32_t *taps) {",
        ]
        text += pointers(mainParameters) + symbolLines + pointLines + ["(void)block;"]
        text.append("uint8_t used[\(taps)] = {0};")
        text.append("for (int64_t row = 0; row < count; ++row) {")
        text += rowLines
        text.append("const \(element) **entry = table + row; uint8_t *use = used;")
        for axis in contraction.taps {
            let name = axis.variable.name
            text.append("for (int64_t \(name) = 0; \(name) < \(index.print(axis.extent)); ++\(name))")
        }
        text.append("{")
        text.append("const int inside = \(condition ?? "1");")
        text.append("*entry = inside ? p\(parameter) + \(index.print(start)) : \(symbol)_zeros;")
        text.append("*use++ |= (uint8_t)inside; entry += count;")
        text.append("}")
        text.append("}")
        text.append("int32_t kept = 0;")
        text.append("for (int32_t tap = 0; tap < \(taps); ++tap) {")
        text.append("if (!used[tap]) continue;")
        text.append("if (kept != tap) for (int64_t row = 0; row < count; ++row)")
        text.append("    table[kept * count + row] = table[tap * count + row];")
        text.append("taps[kept++] = tap;")
        text.append("}")
        return (text + ["return kept;", "}", ""]).joined(separator: "\n")
    }

    /// Evaluates rows of the left operand into the workspace.
    private func packLeftFunction() -> String {
        let result = splits ? "int" : "void"
        var text = [
            "static __attribute__((noinline)) \(result) \(symbol)_left(\(Self.sharedParameters), \(element) *packed) {"
        ]
        text += pointers(mainParameters) + symbolLines + pointLines + ["(void)block;"]
        if splits { text.append("int marked = 0;") }
        text.append("for (int64_t row = 0; row < count; ++row) {")
        text += rowLines
        text += ContractionPacking(plan: plan).leftRow("(packed + row * \(index.print(plan.rowElements)))")
        return (text + (splits ? ["}", "return marked;"] : ["}"]) + ["}", ""]).joined(separator: "\n")
    }

    /// The function that packs the right operand at build time.
    func packRightFunction() -> (EmittedKernel.Packing, String) {
        let sources = contraction.right.body.loadedParameters.sorted()
        let batch = plan.rightBatch
        let panels = ContractionPlan.product(batch) * plan.panels
        let packing = EmittedKernel.Packing(
            symbol: symbol + "_pack", sources: sources, element: plan.packedElement,
            count: (panels * plan.panelElements).constantValue ?? 0)
        var text = pointers(sources) + symbolLines
        text.append("(void)workspace;")
        text.append("\(element) *const packed = buffers[\(sources.count)];")
        text.append("const int64_t units = \(index.print(panels));")
        text.append("for (int64_t unit = units * part / parts; unit < units * (part + 1) / parts; ++unit) {")
        text.append("int64_t rest = unit;")
        text.append("const int64_t panel = rest % \(index.print(plan.panels)); rest /= \(index.print(plan.panels));")
        text += decode(batch)
        text += ContractionPacking(plan: plan).rightPanel("(packed + unit * \(index.print(plan.panelElements)))")
        text.append("}")
        return (packing, KernelFrame.function(packing.symbol, text))
    }

    /// Declares the variables of `axes` from the C variable `rest`.
    func decode(_ axes: [LoopAxis]) -> [String] {
        var lines: [String] = []
        for (place, axis) in axes.enumerated().reversed() {
            let name = axis.variable.name
            let extent = index.print(axis.extent)
            lines.append(
                place == 0
                    ? "const int64_t \(name) = rest; (void)\(name);"
                    : "const int64_t \(name) = rest % \(extent); rest /= \(extent); (void)\(name);")
        }
        return lines + ["(void)rest;"]
    }

    // MARK: Main function

    /// Byte offsets of the regions of the workspace.
    private var workspace:
        (
            left: IntegerExpression, taps: IntegerExpression, coordinates: IntegerExpression, right: IntegerExpression,
            sums: IntegerExpression, restored: IntegerExpression, total: IntegerExpression
        )
    {
        func round(_ bytes: IntegerExpression) -> IntegerExpression {
            (bytes + 127).floorDivided(by: 64, plan.ranges) * 64
        }
        let bytes = plan.packedElement.byteCount
        var offset = IntegerExpression(0)
        let left = offset
        switch plan.left {
        case .strided, .window: break
        case .indirect: offset = round(plan.taps * (plan.blockRows * 8))
        case .packed: offset = round(plan.rowElements * (plan.blockRows * bytes))
        }
        let taps = offset
        if plan.left == .indirect {
            offset = offset + round((plan.taps + 1) * (4 * (plan.blockRows / plan.tileRows + plan.tailRows.count + 8)))
        }
        let coordinates = offset
        if hasCoordinates { offset = offset + round(IntegerExpression(plan.blockRows * 8 * contraction.rows.count)) }
        let right = offset
        if !plan.packsAtBuild { offset = offset + round(plan.blockPanels * plan.panelElements * bytes) }
        let sums = offset
        if plan.sliceTaps != nil { offset = offset + plan.blockRows * plan.panelColumns * 4 }
        let restored = offset
        if splits { offset = offset + SplitProduct.plainBytes }
        return (left, taps, coordinates, right, sums, restored, offset)
    }

    private func mainFunction(_ microkernel: ContractionMicrokernel) -> String {
        let area = workspace
        let printed = { [index] (e: IntegerExpression) in index.print(e) }
        var text = pointers(mainParameters) + symbolLines
        text.append("char *const area = workspace; (void)area;")
        if plan.packsAtBuild {
            text.append("const \(element) *const packed = buffers[\(mainParameters.count)];")
        } else {
            text.append("\(element) *const packed = (\(element) *)(area + \(printed(area.right)));")
        }
        text.append(
            "const int64_t rowBlocks = \(printed(plan.rowBlocks)), columnBlocks = \(printed(plan.columnBlocks));")
        text.append("const int64_t rows = \(printed(plan.rows)), columns = \(printed(plan.columns));")
        text.append("const int64_t depth = \(printed(runDepth));")
        text.append("const int64_t panels = \(printed(plan.panels)), panelSize = \(printed(plan.panelElements));")
        text.append(
            "const int64_t units = \(printed(ContractionPlan.product(contraction.batch))) * rowBlocks * columnBlocks;")
        text.append("int64_t preparedRows = -1, preparedColumns = -1; (void)preparedRows; (void)preparedColumns;")
        text.append("int64_t *const coordinates = (int64_t *)(area + \(printed(area.coordinates))); (void)coordinates;")
        if plan.sliceTaps != nil { text.append("float *const sums = (float *)(area + \(printed(area.sums)));") }
        text.append("int64_t point[\(max(1, contraction.batch.count))]; (void)point;")
        if splits {
            text.append("float *const restored = (float *)(area + \(printed(area.restored)));")
            text.append("int marked = 0;")
        }
        if usesTiles { text.append("configure_tiles(16, 16);") }
        text.append("for (int64_t unit = units * part / parts; unit < units * (part + 1) / parts; ++unit) {")
        text.append("int64_t rest = unit;")
        // What is prepared for a unit should serve the next one too.
        if plan.packsAtBuild {
            text.append("const int64_t columnBlock = rest % columnBlocks; rest /= columnBlocks;")
            text.append("const int64_t rowBlock = rest % rowBlocks; rest /= rowBlocks;")
        } else {
            text.append("const int64_t rowBlock = rest % rowBlocks; rest /= rowBlocks;")
            text.append("const int64_t columnBlock = rest % columnBlocks; rest /= columnBlocks;")
        }
        text.append("const int64_t batch = rest;")
        text += decode(contraction.batch)
        for (place, axis) in contraction.batch.enumerated() { text.append("point[\(place)] = \(axis.variable.name);") }
        text.append("const int64_t block = rowBlock * \(plan.blockRows);")
        text.append("const int64_t blockEnd = min_ls(\(plan.blockRows), rows - block);")
        text.append("const int64_t firstPanel = columnBlock * \(printed(plan.blockPanels));")
        text.append("const int64_t endPanel = min_ls(firstPanel + \(printed(plan.blockPanels)), panels);")
        text += prepareLeft(area.left, area.taps)
        text += prepareRight()
        text.append("for (int64_t panel = firstPanel; panel < endPanel; ++panel) {")
        text.append("const \(element) *const right = \(panelPointer);")
        text.append("const char *ahead = (const char *)(right + panelSize); (void)ahead;")
        text.append("const int64_t start = panel * \(plan.panelColumns);")
        text.append("const int64_t end = min_ls(start + \(plan.panelColumns), columns);")
        text.append("int64_t first = 0; int64_t tileNumber = 0; (void)tileNumber;")
        if plan.lastVectors != plan.vectors {
            text.append("if (panel != panels - 1) {")
            text += tiles(microkernel, vectors: plan.vectors)
            text.append("} else {")
            text += tiles(microkernel, vectors: plan.lastVectors)
            text.append("}")
        } else {
            text += tiles(microkernel, vectors: plan.vectors)
        }
        text.append("}")
        text.append("(void)batch;")
        text.append("}")
        if usesTiles { text.append("_tile_release();") }
        return KernelFrame.function(symbol, text)
    }

    /// Elements of one run that the micro-kernel sums.
    private var runDepth: IntegerExpression {
        switch plan.left {
        case .strided, .packed, .window: plan.packedDepth
        case .indirect: plan.paddedDepth
        }
    }

    private var panelPointer: String {
        guard plan.packsAtBuild else { return "packed + (panel - firstPanel) * panelSize" }
        let place = ContractionPlan.position(plan.rightBatch) * plan.panels
        return place == 0
            ? "packed + panel * panelSize" : "packed + (\(index.print(place)) + panel) * panelSize"
    }

    /// Coordinates, row pointers or packed rows of a block, once for all its panels.
    private func prepareLeft(_ left: IntegerExpression, _ taps: IntegerExpression) -> [String] {
        var inner: [String] = []
        if hasCoordinates {
            inner.append("for (int64_t row = 0; row < blockEnd; ++row) {")
            inner.append("int64_t rest = block + row;")
            inner += decode(contraction.rows)
            for (place, axis) in contraction.rows.enumerated() {
                inner.append("coordinates[\(place * plan.blockRows) + row] = \(axis.variable.name);")
            }
            inner.append("}")
        }
        var text: [String] = []
        let leftPlace = index.print(left)
        switch plan.left {
        case .strided, .window: break
        case .indirect:
            text.append("const \(element) **const tables = (const \(element) **)(area + \(leftPlace));")
            text.append("int32_t *const tapLists = (int32_t *)(area + \(index.print(taps)));")
            inner.append("int64_t first = 0; int64_t tileNumber = 0;")
            for size in [plan.tileRows] + plan.tailRows {
                inner.append("for (; first + \(size) <= blockEnd; first += \(size), ++tileNumber) {")
                inner.append("const int64_t count = \(size);")
                inner.append("int32_t *const list = tapLists + tileNumber * \(index.print(plan.taps + 1));")
                inner.append(
                    "list[0] = \(symbol)_table(\(Self.sharedArguments), tables + first * \(index.print(plan.taps)), "
                        + "list + 1);")
                inner.append("}")
            }
        case .packed:
            text.append("\(element) *const leftRows = (\(element) *)(area + \(leftPlace));")
            inner.append("const int64_t first = 0, count = blockEnd;")
            inner.append("\(splits ? "marked = " : "")\(symbol)_left(\(Self.sharedArguments), leftRows);")
        }
        if inner.isEmpty { return text }
        return text + ["if (preparedRows != batch * rowBlocks + rowBlock) {"]
            + ["preparedRows = batch * rowBlocks + rowBlock;"] + inner + ["}"]
    }

    /// Packs the panels of a right operand that is not constant.
    private func prepareRight() -> [String] {
        guard !plan.packsAtBuild else { return [] }
        return ["if (preparedColumns != batch * columnBlocks + columnBlock) {"]
            + ["preparedColumns = batch * columnBlocks + columnBlock;"]
            + ["for (int64_t panel = firstPanel; panel < endPanel; ++panel) {"]
            + ContractionPacking(plan: plan).rightPanel("(packed + (panel - firstPanel) * panelSize)") + ["}", "}"]
    }

    /// All row tiles of one panel.
    private func tiles(_ microkernel: ContractionMicrokernel, vectors: Int) -> [String] {
        var text: [String] = []
        if usesTiles {
            text.append("while (first < blockEnd) {")
            text.append("const int64_t count = min_ls(32, blockEnd - first);")
            text.append("\(sum) tile[\(32 * plan.panelColumns)] __attribute__((aligned(64)));")
            if splits { text.append("if (!right[\(splitMark)]) {") }
            text.append("if (count < 32) configure_tiles((int)min_ls(count, 16), (int)(count - 16));")
            text.append(
                splits
                    ? splitTiles(microkernel)
                    : "if (count > 16) \(microkernel.name(32, 2))(\(leftArguments)right, depth, ahead, tile); "
                        + "else \(microkernel.name(16, 2))(\(leftArguments)right, depth, ahead, tile);")
            text.append("if (count < 32) configure_tiles(16, 16);")
            if splits { text += ["}", splitPlain] }
            text.append("\(symbol)_finish(\(Self.sharedArguments), tile, start, end);")
            text.append("first += count;")
            return text + ["}"]
        }
        if let slice = plan.sliceTaps { return slicedTiles(microkernel, vectors: vectors, slice) }
        let lineCount = microkernel.prefetchedLines(vectors)
        for size in [plan.tileRows] + plan.tailRows {
            text.append("for (; first + \(size) <= blockEnd; first += \(size), ++tileNumber) {")
            text.append("const int64_t count = \(size);")
            text.append("\(sum) tile[\(size * plan.panelColumns)] __attribute__((aligned(64)));")
            if plan.left == .indirect {
                text.append("const int32_t *const list = tapLists + tileNumber * \(index.print(plan.taps + 1));")
            }
            text.append("\(microkernel.name(size, vectors))(\(leftArguments)right, depth, ahead, tile);")
            if plan.prefetch < 0 {
                text.append(
                    "ahead += \(index.print(plan.packedDepth)) / \(plan.unroll * plan.instruction.depthUnit) * \(64 * lineCount);"
                )
            }
            text.append("\(symbol)_finish(\(Self.sharedArguments), tile, start, end);")
            text.append("}")
        }
        return text
    }

    /// All row tiles of one panel, a slice of its taps at a time; the sums wait in the workspace.
    private func slicedTiles(_ microkernel: ContractionMicrokernel, vectors: Int, _ slice: Int) -> [String] {
        let taps = plan.taps.constantValue ?? 1
        let sizes = [plan.tileRows] + plan.tailRows
        let most = (plan.blockRows / plan.tileRows + plan.tailRows.count + 8)
        var text = ["int32_t cursors[\(most)] = {0};"]
        text.append("for (int64_t stop = \(slice); stop < \(taps + slice); stop += \(slice)) {")
        text.append("first = 0; tileNumber = 0;")
        for size in sizes {
            text.append("for (; first + \(size) <= blockEnd; first += \(size), ++tileNumber) {")
            text.append("const int32_t *const list = tapLists + tileNumber * \(taps + 1);")
            text.append("const int32_t from = cursors[tileNumber]; int32_t to = from;")
            text.append("while (to < list[0] && list[1 + to] < stop) ++to;")
            text.append("cursors[tileNumber] = to;")
            text.append(
                "\(microkernel.name(size, vectors))(tables + first * \(taps) + from * \(size), list + 1 + from, to - from, "
                    + "right, depth, ahead, sums + first * \(plan.panelColumns), stop != \(slice));")
            text.append("}")
        }
        text.append("}")
        text.append("first = 0;")
        text.append("const int64_t count = blockEnd; const float *const tile = sums;")
        text.append("\(symbol)_finish(\(Self.sharedArguments), tile, start, end);")
        return text
    }

    /// First arguments of the micro-kernel.
    var leftArguments: String {
        switch plan.left {
        case .strided(let base, let stride):
            let parameter = contraction.left.plainLoad?.parameter ?? 0
            let distance = index.print(stride)
            return
                "(const \(element) *)p\(parameter) + \(index.print(base)) + (block + first) * \(distance), \(distance), "
        case .indirect:
            return "tables + first * \(index.print(plan.taps)), list + 1, list[0], "
        case .window: preconditionFailure("windows have a main function of their own")
        case .packed:
            let distance = index.print(plan.rowElements)
            return "leftRows + first * \(distance), \(distance), "
        }
    }
}
