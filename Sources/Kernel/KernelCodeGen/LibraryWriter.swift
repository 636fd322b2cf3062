import ElementTypes
import KernelIR

/// Writes a product that calls oneDNN block by block into the workspace and applies the epilogue to each block. Every part
/// calls the library alone, so that its threads and ours do not compete.
struct LibraryWriter {
    private let shape: LibraryShape
    private let plan: ContractionPlan
    private let symbol: String
    /// Rows and columns of a block.
    private let blockRows: Int
    private let blockColumns: Int

    init(_ shape: LibraryShape, _ plan: ContractionPlan, symbol: String, isWide: Bool) {
        self.shape = shape
        self.symbol = symbol
        let threads = max(1, plan.target.threads)
        let columns = isWide ? 1024 : 256
        // Few rows are cut along the columns only, so that every thread has something to do.
        let share = (shape.columns + threads - 1) / threads
        blockColumns = (min(columns, shape.rows < 2 * threads ? share : shape.columns) + 63) / 64 * 64
        blockRows = max(1, min(isWide ? 128 : 64, (shape.rows + threads - 1) / threads))
        // The epilogue's tile is a block.
        var plan = plan
        plan.vectors = blockColumns / plan.lanes
        plan.blockRows = blockRows
        self.plan = plan
    }

    private var blocksDown: Int { (shape.rows + blockRows - 1) / blockRows }
    private var blocksAcross: Int { (shape.columns + blockColumns - 1) / blockColumns }
    /// Elements that a packed block of columns may take; the library pads either extent to at most 64.
    private var packedBlock: Int { (shape.depth + 63) / 64 * 64 * blockColumns }

    /// What the library is told of a block of columns: a C initialiser.
    private func product(columns: Int) -> String {
        "{\(blockRows), \(columns), \(shape.depth), \(shape.leftRow), \(shape.rightDepth), \(shape.rightColumn), "
            + "\(blockColumns), \(shape.element == .bf16 ? 1 : 0), 0}"
    }

    func write() -> EmittedKernel {
        let writer = ContractionWriter(plan: plan, symbol: symbol)
        let parameters = writer.mainParameters
        let storage = CTypes.storage(shape.element)
        let last = shape.columns - (blocksAcross - 1) * blockColumns
        var source = """
            typedef struct { int64_t rows, columns, depth, left_row, right_depth, right_column, result_row; int32_t element, unused; } \(symbol)_product;
            typedef struct {
                int32_t (*pack)(const \(symbol)_product *, const void *, void *, int64_t);
                int32_t (*multiply)(const \(symbol)_product *, int64_t, const void *, const void *, float *);
            } \(symbol)_library;
            static const \(symbol)_product \(symbol)_products[2] = {\(product(columns: blockColumns)), \(product(columns: last))};

            """
        source += writer.epilogueFunction()
        var packing = EmittedKernel.Packing(
            symbol: "\(symbol)_pack", sources: [shape.rightParameter], element: shape.element,
            count: packedBlock * blocksAcross)
        packing.usesLibrary = true
        source += KernelFrame.function(
            packing.symbol,
            [
                "const \(storage) *const right = (const \(storage) *)buffers[0] + \(shape.rightBase);",
                "const \(symbol)_library *const library = buffers[1];",
                "\(storage) *const packed = buffers[2];",
                "if (part != 0) return 0;",
                "for (int64_t across = 0; across < \(blocksAcross); ++across) {",
                "    const int32_t code = library->pack(\(symbol)_products + (across == \(blocksAcross - 1)), "
                    + "right + across * \(blockColumns * shape.rightColumn), packed + across * \(packedBlock), "
                    + "\(packedBlock * shape.element.byteCount));",
                "    if (code) return code;",
                "}",
                "(void)dims; (void)workspace; (void)parts;",
            ])
        let units = blocksDown * blocksAcross
        var lines = writer.pointers(parameters) + writer.symbolLines
        lines += [
            "const \(storage) *const packed = buffers[\(parameters.count)];",
            "const \(symbol)_library *const library = buffers[\(parameters.count + 1)];",
            "float *const tile = workspace;",
            "const int64_t point[1] = {0}; const int64_t *const coordinates = 0;",
            "const int64_t begin = INT64_C(\(units)) * part / parts, end = INT64_C(\(units)) * (part + 1) / parts;",
            "for (int64_t unit = begin; unit < end; ++unit) {",
            // Blocks of one column of blocks follow one another: the packed operand stays in the cache.
            "    const int64_t across = unit / \(blocksDown), block = unit % \(blocksDown) * \(blockRows);",
            "    const int64_t start = across * \(blockColumns);",
            "    const int64_t stop = start + \(blockColumns) < \(shape.columns) ? start + \(blockColumns) : \(shape.columns);",
            "    const int64_t count = block + \(blockRows) < \(shape.rows) ? \(blockRows) : \(shape.rows) - block;",
            "    const int32_t code = library->multiply(\(symbol)_products + (across == \(blocksAcross - 1)), count, "
                + "p\(shape.leftParameter) + \(IndexPrinter(plan.ranges).print(shape.leftBase)) + block * \(shape.leftRow), "
                + "packed + across * \(packedBlock), tile);",
            "    if (code) return code;",
            "    const int64_t first = 0;",
            "    \(symbol)_finish(\(ContractionWriter.sharedArguments), tile, start, stop);",
            "}",
        ]
        source += KernelFrame.function(symbol, lines)
        return EmittedKernel(
            symbol: symbol, source: source, arguments: parameters.map { .parameter($0) } + [.packed(0), .library],
            packings: [packing], workspaceBytes: IntegerExpression(blockRows * blockColumns * 4),
            parts: .count(IntegerExpression(units)))
    }
}
