import ElementTypes
import KernelIR

/// Products in Triton: a tile of sums a block, `tl.dot` on tiles that the compiler's pipeline brings into shared memory (on
/// sm_90 as `wgmma`), prologues and the epilogue on the same tiles. bf16 or f16 factors, f32 sums.
struct TritonProductWriter {
    /// A block's tile.
    struct Tile {
        let rows: Int
        let columns: Int
        /// Summed elements of a step.
        let depth: Int
        let warps: Int

        /// Bytes of shared memory of the operands of so many steps: at least what the compiler will ask for.
        func sharedBytes(stages: Int) -> Int { stages * (rows + columns) * depth * 2 }
    }

    /// The tiles that a schedule names by their place.
    static let tiles = [
        Tile(rows: 64, columns: 64, depth: 64, warps: 4),
        Tile(rows: 64, columns: 128, depth: 64, warps: 4),
        Tile(rows: 128, columns: 64, depth: 64, warps: 4),
        Tile(rows: 128, columns: 128, depth: 64, warps: 4),
        Tile(rows: 128, columns: 128, depth: 64, warps: 8),
        Tile(rows: 128, columns: 256, depth: 64, warps: 8),
        Tile(rows: 64, columns: 32, depth: 128, warps: 4),
        Tile(rows: 64, columns: 64, depth: 128, warps: 4),
        Tile(rows: 64, columns: 256, depth: 64, warps: 4),
        Tile(rows: 256, columns: 128, depth: 64, warps: 8),
        Tile(rows: 32, columns: 64, depth: 128, warps: 4),
        Tile(rows: 16, columns: 64, depth: 128, warps: 4),
        Tile(rows: 16, columns: 32, depth: 256, warps: 4),
        Tile(rows: 128, columns: 32, depth: 64, warps: 4),
    ]
    /// Rows of tiles that run beside each other before the next columns, so that they share operands in the cache.
    private static let group = 8

    let product: SIMTProduct
    let symbol: String
    let tile: Tile
    /// Steps under way.
    let stages: Int
    /// Blocks that share the summed axis of a tile.
    let parts: Int

    /// Whether the dialect has words for a product: factors of 16 bits, and operations that its table spells.
    static func supports(_ product: SIMTProduct) -> Bool {
        guard product.isReal, product.element == .bf16 || product.element == .f16 else { return false }
        return
            (try? TritonProductWriter(
                product: product, symbol: "probe", tile: tiles[0], stages: 3, parts: 1
            ).write()) != nil
    }

    func write() throws(EmissionError) -> EmittedKernel {
        do throws(TritonPrinter.Unsupported) { return try written() } catch {
            throw EmissionError(kernel: product.kernel.name, reason: "Triton has no words for \(error.reason)")
        }
    }

    private func written() throws(TritonPrinter.Unsupported) -> EmittedKernel {
        let frame = product.frame(symbol)
        let isNarrow = frame.isNarrow && product.kernel.symbols.isEmpty
        let (b, m, n, s) = (product.batch, product.row, product.column, product.sum)
        let isPacked = product.rightForm == .packed
        let plain = TritonPrinter(parameters: product.kernel.parameters, ranges: frame.ranges, axes: [:])
        func tiles(_ axis: LoopAxis, _ size: Int) -> IntegerExpression {
            (axis.extent + (size - 1)).floorDivided(by: IntegerExpression(size), frame.ranges)
        }
        let (rowTiles, columnTiles) = (tiles(m, tile.rows), tiles(n, tile.columns))
        let count = b.extent * rowTiles * columnTiles
        let (rows, columns) = (try plain.print(m.extent), try plain.print(n.extent))
        let depth = try plain.print(s.extent)
        let wide = isNarrow ? "" : ".to(tl.int64)"
        var lines: [String] = []
        if product.target.overlaps { lines += ["gdc_launch_dependents()", "gdc_wait()"] }
        lines += [
            "place = tl.program_id(0)", "tile = place // \(parts)", "part = place % \(parts)",
            "row_tiles = \(try plain.print(rowTiles))", "column_tiles = \(try plain.print(columnTiles))",
            "b = tile // (row_tiles * column_tiles)", "rest = tile % (row_tiles * column_tiles)",
            "first = rest // (\(Self.group) * column_tiles) * \(Self.group)",
            "within = rest % (\(Self.group) * column_tiles)",
            "height = tl.minimum(row_tiles - first, \(Self.group))",
            "m = ((first + within % height)\(wide) * \(tile.rows) + tl.arange(0, \(tile.rows)))[:, None]",
            "n = ((within // height)\(wide) * \(tile.columns) + tl.arange(0, \(tile.columns)))[None, :]",
        ]
        let (isRagged, isRaggedAcross) = (!m.extent.isMultiple(of: tile.rows), !n.extent.isMultiple(of: tile.columns))
        let isRaggedDown = !s.extent.isMultiple(of: tile.depth)
        lines += [
            "acc = tl.zeros((\(tile.rows), \(tile.columns)), dtype=tl.float32)",
            "turns = (\(depth) + \(tile.depth - 1)) // \(tile.depth)",
            "for turn in tl.range(turns * part // \(parts), turns * (part + 1) // \(parts), num_stages=\(stages)):",
        ]
        var loop = ["k = turn * \(tile.depth) + tl.arange(0, \(tile.depth))\(wide)"]
        func axes(_ line: LoopAxis, _ text: String, _ extent: String, isRagged: Bool, isAlong: Bool, _ k: String)
            -> [Variable: TritonPrinter.Axis]
        {
            [
                b.variable: .init(text: "b", isNumber: true),
                // Lines that are not there repeat others, which are never stored: no condition is in the way of wide loads.
                line.variable: isRagged
                    ? (isAlong
                        ? .init(text: text, guardText: "\(text) < \(extent)") : .init(text: "(\(text) % \(extent))"))
                    : .init(text: text),
                s.variable: .init(text: k, guardText: isRaggedDown ? "\(k) < \(depth)" : nil),
            ]
        }
        let left = try operand(
            product.left, "a",
            axes(m, "m", rows, isRagged: isRagged, isAlong: isAlong(product.left, m), "k[None, :]"), k: "k[None, :]",
            shape: "(\(tile.rows), \(tile.depth))", line: m, isRaggedDown ? depth : nil)
        let columnAxes = axes(
            n, "n", columns, isRagged: isRaggedAcross, isAlong: !isPacked && isAlong(product.right, n), "k[:, None]")
        let right: (statements: [String], value: String)
        if isPacked {
            let line =
                product.rightBatches > 1
                ? "(b * \(columns) + \(columnAxes[n.variable]?.text ?? "n"))" : columnAxes[n.variable]?.text ?? "n"
            let condition = isRaggedDown ? ", mask=k[:, None] < \(depth), other=0" : ""
            right = ([], "tl.load(packed + (\(line) * \(product.packedDepth) + k[:, None])\(condition))")
        } else {
            right = try operand(
                product.right, "b", columnAxes, k: "k[:, None]", shape: "(\(tile.depth), \(tile.columns))", line: n,
                isRaggedDown ? depth : nil)
        }
        loop += left.statements + ["left = \(left.value)"] + right.statements + ["right = \(right.value)"]
        loop.append("acc = tl.dot(left, right, acc)")
        lines += loop.map { "    " + $0 }
        let finish = try epilogue(
            [
                b.variable: .init(text: "b", isNumber: true),
                m.variable: .init(text: "m", guardText: isRagged ? "m < \(rows)" : nil),
                n.variable: .init(text: "n", guardText: isRaggedAcross ? "n < \(columns)" : nil),
            ])
        lines += parts > 1 ? join() + finish.map { "    " + $0 } : finish
        return emitted(lines, frame, isPacked: isPacked, count)
    }

    /// Whether neighbours along an axis are neighbours in memory, so that loads are wide along it.
    private func isAlong(_ function: ScalarFunction, _ axis: LoopAxis) -> Bool {
        function.body.nodes.contains { node in
            if case .load(_, let index, _) = node { index.linearCoefficient(of: axis.variable) == 1 } else { false }
        }
    }

    /// A factor's tile, rounded to the operands' type, and zero from `depth` on.
    private func operand(
        _ function: ScalarFunction, _ prefix: String, _ axes: [Variable: TritonPrinter.Axis], k: String, shape: String,
        line: LoopAxis, _ depth: String?
    ) throws(TritonPrinter.Unsupported) -> (statements: [String], value: String) {
        var printer = TritonPrinter(
            parameters: product.kernel.parameters, ranges: product.frame("probe").ranges, axes: axes)
        printer.prefix = prefix
        if let (parameter, index, mask) = function.plainLoad,
            product.kernel.parameters[parameter].element == product.element,
            index.contains(line.variable), index.contains(product.sum.variable)
        {
            return ([], try printer.load(parameter, index, mask))
        }
        let (statements, values) = try printer.print(function.body, wanted: [function.result])
        var value = values[function.result] ?? "acc"
        if let depth { value = "tl.where(\(k) < \(depth), \(value), 0.0)" }
        return (statements, "tl.broadcast_to(\(value).to(\(TritonScalarTable.name(product.element))), \(shape))")
    }

    /// The block that arrives last adds up what all have left, always in the same order, and goes on alone.
    private func join() -> [String] {
        let size = tile.rows * tile.columns
        let place = "tl.arange(0, \(tile.rows))[:, None] * \(tile.columns) + tl.arange(0, \(tile.columns))[None, :]"
        return [
            "shares = scratch + tile.to(tl.int64) * \(parts * size) + (\(place))",
            "tl.store(shares + part * \(size), acc)",
            "tl.debug_barrier()",
            "arrived = tl.atomic_add(counters + tile, 1, sem=\"acq_rel\", scope=\"gpu\")",
            "if arrived == \(parts - 1):",
            "    tl.store(counters + tile, 0)",
            "    acc = tl.zeros((\(tile.rows), \(tile.columns)), dtype=tl.float32)",
            "    for other in tl.range(0, \(parts)):",
            "        acc += tl.load(shares + other * \(size), cache_modifier=\".cg\")",
        ]
    }

    private func epilogue(_ axes: [Variable: TritonPrinter.Axis]) throws(TritonPrinter.Unsupported) -> [String] {
        let printer = TritonPrinter(
            parameters: product.kernel.parameters, ranges: product.frame("probe").ranges, axes: axes)
        let types = product.epilogue.types(parameters: product.kernel.parameters)
        var (lines, values) = try printer.print(product.epilogue, wanted: product.stores.map(\.value))
        for store in product.stores {
            guard store.combine == nil else { throw .init(reason: "results that are added to memory") }
            guard store.index.contains(product.row.variable), store.index.contains(product.column.variable) else {
                throw .init(reason: "results without rows or columns")
            }
            let element = product.kernel.parameters[store.parameter].element
            let found = values[store.value] ?? "acc"
            let isReal = types[store.value] == .f32 && [.f32, .f16, .bf16].contains(element)
            guard let value = isReal ? found : TritonScalarTable.cast(found, from: types[store.value], to: element)
            else { throw .init(reason: "results of \(element.rawValue)") }
            let (address, condition) = try printer.place(store.parameter, store.index, store.mask)
            let mask = condition.map { ", mask=\($0)" } ?? ""
            lines.append("tl.store(\(address), (\(value)).to(\(TritonScalarTable.name(element)))\(mask))")
        }
        return lines
    }

    private func emitted(
        _ lines: [String], _ frame: SIMTFrame, isPacked: Bool, _ count: IntegerExpression
    ) -> EmittedKernel {
        let kernel = product.kernel
        var signature = kernel.parameters.enumerated().map {
            TritonSource.Argument("p\($0)", TritonSource.pointer($1.element), isAligned: true)
        }
        var arguments: [EmittedKernel.Argument] = kernel.parameters.indices.map { .parameter($0) }
        if isPacked {
            signature.append(.init("packed", TritonSource.pointer(product.element), isAligned: true))
            arguments.append(.packed(0))
        }
        if parts > 1 {
            signature += [.init("scratch", "*fp32", isAligned: true), .init("counters", "*i32")]
            arguments.append(.shared(bytes: count * (parts * tile.rows * tile.columns * 4)))
        }
        signature += kernel.symbols.map { .init($0.name, "i64") } + [.init("status", "*i32")]
        let head = "@triton.jit\ndef \(symbol)(\(signature.map(\.name).joined(separator: ", "))):\n"
        let packing = isPacked ? product.packing(symbol) : nil
        var emitted = EmittedKernel(
            symbol: symbol, source: head + lines.map { "    \($0)\n" }.joined(),
            packingSource: packing?.source ?? "", arguments: arguments, packings: packing.map { [$0.packing] } ?? [],
            workspaceBytes: 0,
            parts: .grid(
                .init(
                    blocks: count * parts, threads: 32 * tile.warps, overlaps: product.target.overlaps,
                    counters: parts > 1 ? count.constantValue ?? 0 : 0)))
        emitted.triton = TritonSource(arguments: signature, warps: tile.warps, stages: stages)
        return emitted
    }
}

extension IntegerExpression {
    /// Whether it is a constant and a multiple.
    fileprivate func isMultiple(of size: Int) -> Bool { constantValue.map { $0 % size == 0 } ?? false }
}
