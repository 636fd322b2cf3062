import ElementTypes
import KernelIR

/// Windows over few channels on matrix units (`SIMTWindowShape`): a block copies the part of memory that its results see into shared
/// memory as it lies there, line by line and zeros where it is masked, and warps read the factors of `mma.sync.m16n8k16` straight
/// from it, two neighbouring elements a word. Nothing is arranged in columns first.
///
/// The summed axis is that of slots: rows of the window one after the other, each filled up to eight elements with weights of zero, so
/// that the place of a word in the patch is the result's plus a constant. What lies in slots without an element is set to zero, as it
/// may be no number. Where neighbouring results begin an odd number of elements apart, a copy of the patch that is moved by one
/// element serves every other one. Blocks stay on their processors, and copy the next patch while they multiply.
struct SIMTWindowWriter {
    /// Most steps of 16 summed elements: they are written out one by one.
    static let mostSteps = 48
    private static let warps = 8
    private static let threads = 32 * warps

    let product: SIMTProduct
    let shape: SIMTWindowShape
    let symbol: String
    /// Rows of results of a tile, across lines.
    let tileRows: Int
    /// Tiles of 16 results of a warp at a time.
    let warpTiles: Int

    // MARK: Sizes

    /// Columns of a block: whole sixteens, at most 64.
    private static func columns(_ product: SIMTProduct) -> (tiles: Int, each: Int) {
        let columns = product.columns ?? 0
        let tiles = (columns + 63) / 64
        return (tiles, ((columns + tiles - 1) / tiles + 15) / 16 * 16)
    }

    private static func extent(_ axis: LoopAxis?) -> Int { axis?.extent.constantValue ?? 1 }

    /// Results of a tile along a line: all, or whole sixteens.
    private static func tileColumns(_ shape: SIMTWindowShape) -> Int {
        let width = extent(shape.x)
        let tiles = (width + 127) / 128
        return tiles == 1 ? width : ((width + tiles - 1) / tiles + 15) / 16 * 16
    }

    /// Elements of a line of a patch, as copied, and as it lies in shared memory.
    private static func line(_ shape: SIMTWindowShape) -> (copied: Int, pitch: Int) {
        let moved = shape.xStep * (tileColumns(shape) - 1)
        let span = shape.lead + moved + shape.span
        let copied = (span + shape.granule - 1) / shape.granule * shape.granule
        return (copied, (max(copied, shape.firstSlot + moved + shape.slotCount) + 7) / 8 * 8)
    }

    /// Lines of a plane of a patch.
    private static func lines(_ shape: SIMTWindowShape, _ tileRows: Int) -> Int {
        shape.yStep * (tileRows - 1) + shape.tapStep * (shape.taps - 1) + 1
    }

    private static func tiles(_ shape: SIMTWindowShape, _ tileRows: Int) -> Int {
        let (width, height) = (tileColumns(shape), extent(shape.y))
        return shape.others.reduce(1) { $0 * extent($1.axis) } * ((height + tileRows - 1) / tileRows)
            * ((extent(shape.x) + width - 1) / width)
    }

    /// Blocks that stay, for each tile of columns.
    private static func blocks(_ product: SIMTProduct, _ tiles: Int, _ columnTiles: Int) -> Int {
        min(tiles, max(1, product.target.multiprocessors * 2 / columnTiles))
    }

    /// Where things lie in shared memory: weights, patches, the patch that is moved, sums of warps.
    private struct Layout {
        let weightPitch: Int
        let patches: Int
        let patchBytes: Int
        let buffers: Int
        let moved: Int
        let sums: Int
        let sumPitch: Int
        let bytes: Int

        init(_ product: SIMTProduct, _ shape: SIMTWindowShape, _ tileRows: Int) {
            let columns = SIMTWindowWriter.columns(product)
            let tiles = SIMTWindowWriter.tiles(shape, tileRows)
            // An odd number of runs of 16 bytes, so that `ldmatrix` meets no bank twice.
            weightPitch = shape.packedDepth * 2 + 16
            patches = columns.each * weightPitch
            patchBytes = shape.planes * SIMTWindowWriter.lines(shape, tileRows) * SIMTWindowWriter.line(shape).pitch * 2
            buffers = tiles > SIMTWindowWriter.blocks(product, tiles, columns.tiles) ? 2 : 1
            moved = patches + buffers * patchBytes
            sums = moved + (shape.xStep % 2 == 0 ? 0 : patchBytes)
            sumPitch = columns.each + 8
            bytes = sums + SIMTWindowWriter.warps * 8 * (sumPitch + 1) * 4
        }
    }

    /// Rows of results of a tile that fit, the best first; none where nothing does.
    static func tileRows(_ product: SIMTProduct, _ shape: SIMTWindowShape) -> [Int] {
        let target = product.target
        let height = extent(shape.y)
        let fitting = (1...min(16, height)).filter { Layout(product, shape, $0).bytes <= target.sharedBytes }
        // Rounds of all processors with two blocks each, of which a warp's tiles and a part of a tile for beginning and ending.
        func time(_ rows: Int) -> Int {
            let isAlone = 2 * (Layout(product, shape, rows).bytes + 1024) > target.sharedBytes + 1024
            let places = max(1, target.multiprocessors) * (isAlone ? 1 : 2)
            let tiles = tiles(shape, rows) * columns(product).tiles
            let count = (rows * tileColumns(shape) + 15) / 16
            return (tiles + places - 1) / places * ((count + warps - 1) / warps * 4 + 3) * (isAlone ? 2 : 3)
        }
        let best = fitting.min { time($0) < time($1) }
        return best.map { best in [best] + fitting.filter { $0 != best } } ?? []
    }

    /// Tiles of 16 results that a warp takes at a time, the best first.
    static func warpTiles(_ shape: SIMTWindowShape, tileRows: Int) -> [Int] {
        tileRows * tileColumns(shape) >= 2 * 16 * warps ? [2, 1, 4] : [1, 2, 4]
    }

    /// Bytes of shared memory.
    var sharedBytes: Int { Layout(product, shape, tileRows).bytes }

    private var tileColumns: Int { Self.tileColumns(shape) }
    private var count: Int { tileRows * tileColumns }

    // MARK: The kernel

    func write() -> EmittedKernel {
        let frame = product.frame(symbol, isPacked: true)
        let layout = Layout(product, shape, tileRows)
        let columns = Self.columns(product)
        let tiles = Self.tiles(shape, tileRows)
        let blocks = Self.blocks(product, tiles, columns.tiles)
        let finish = finishing(frame, columns.each, layout)
        var lines = [
            "OVERLAP_BEGIN;", "extern __shared__ __align__(128) unsigned char arena[];",
            "const int thread = THREAD, lane = thread % 32, warp = thread / 32;",
            "const uint32_t shared = (uint32_t)__cvta_generic_to_shared(arena);",
            "const uint32_t *const words = (const uint32_t *)arena;",
            "const \(frame.integer) columns = \(product.columns ?? 0), b = 0; (void)b;",
            "const int firstColumn = BLOCK % \(columns.tiles) * \(columns.each);",
            "float *const sums = (float *)(arena + \(layout.sums)) + warp * \(8 * layout.sumPitch);",
            "int *const places = (int *)(arena + \(layout.sums + Self.warps * 8 * layout.sumPitch * 4)) + warp * 8;",
            // Weights need not wait for the kernel before this one.
            "for (int i = thread; i < \(layout.patches / 16); i += \(Self.threads)) "
                + "copy16(shared + i * 16, packed + (int64_t)firstColumn * \(layout.weightPitch / 2) + i * 8, 1);",
            "OVERLAP_WAIT;",
        ]
        lines += masks.declarations
        lines +=
            ["{ const int tile = BLOCK / \(columns.tiles), half = 0;"] + fill(frame, layout) + ["}", "COPIES_COMMIT;"]
        lines += [
            "int half = 0;",
            "KEEP_LOOP for (int tile = BLOCK / \(columns.tiles); tile < \(tiles); tile += \(blocks)) {",
        ]
        if layout.buffers > 1 {
            lines += ["{ const int next = tile + \(blocks), other = half ^ 1;", "if (next < \(tiles)) {"]
            lines += ["const int tile = next, half = other;"] + fill(frame, layout) + ["}", "}", "COPIES_COMMIT;"]
        }
        lines += ["COPIES_WAIT(\(layout.buffers - 1));", "BARRIER;"]
        if shape.xStep % 2 == 1 { lines += move(layout) + ["BARRIER;"] }
        lines += multiply(frame, layout, columns.each, finish)
        lines += ["BARRIER;", "half ^= \(layout.buffers - 1);", "}"]
        let extra = [SIMTFrame.Extra(name: "packed", type: frame.storage(product.element), isRead: true)]
        let packing = self.packing(layout, rows: columns.tiles * columns.each)
        let residents = warpTiles <= 2 && 2 * (layout.bytes + 1024) <= product.target.sharedBytes + 1024 ? 2 : 1
        return EmittedKernel(
            symbol: symbol,
            source: finish.functions
                + frame.kernelFunction(extra: extra, threads: Self.threads, blocksPerProcessor: residents, lines),
            packingSource: packing.source, arguments: frame.visible.map { .parameter($0) } + [.packed(0)],
            packings: [packing.packing], workspaceBytes: 0,
            parts: .grid(
                .init(
                    blocks: IntegerExpression(blocks * columns.tiles), threads: Self.threads,
                    sharedBytes: layout.bytes, overlaps: product.target.overlaps, counters: 0)))
    }

    /// Statements that take apart the number of a tile: its first result along and across lines, and a sum over the other row axes.
    private func place(_ i: String, _ base: String, _ step: (LoopAxis) -> Int) -> [String] {
        let (width, height) = (Self.extent(shape.x), Self.extent(shape.y))
        let across = (width + tileColumns - 1) / tileColumns
        let down = (height + tileRows - 1) / tileRows
        var lines = [
            "int rest = tile; const int firstX = rest % \(across) * \(tileColumns); rest /= \(across);",
            "const int firstY = rest % \(down) * \(tileRows); rest /= \(down); (void)firstY;",
            "\(i) \(base) = 0;",
        ]
        for other in shape.others.reversed() {
            let extent = Self.extent(other.axis)
            lines.append("\(base) += (\(i))(rest % \(extent)) * \(step(other.axis)); rest /= \(extent);")
        }
        return lines
    }

    /// Copies what the results of `tile` see into the patch of `half`.
    private func fill(_ frame: SIMTFrame, _ layout: Layout) -> [String] {
        let i = frame.integer
        let steps = Dictionary(uniqueKeysWithValues: shape.others.map { ($0.axis.variable, $0.step) })
        let line = Self.line(shape)
        let lines = Self.lines(shape, tileRows)
        let g = shape.granule
        let runs = line.copied / g
        var text = place(i, "start") { steps[$0.variable] ?? 0 }
        text += [
            "\(g == 8 ? "" : "UNROLL4 ")for (int slot = thread; slot < \(shape.planes * lines * runs); slot += \(Self.threads)) {",
            "const int q = slot % \(runs), l = slot / \(runs) % \(lines), plane = slot / \(runs * lines);",
            "const int along = firstX * \(shape.xStep) - \(shape.lead) + q * \(g), line = firstY * \(shape.yStep) + l;",
            "const int isThere = line >= \(shape.lines.lowerBound) && line <= \(shape.lines.upperBound) && "
                + "along >= \(shape.along.lowerBound - g + 1) && along <= \(shape.along.upperBound);",
            "const \(frame.storage(product.element)) *const from = p\(shape.parameter) + (isThere ? start + "
                + "(\(i))plane * \(shape.planeStep) + (\(i))line * \(shape.lineStep) + along + (\(shape.start)) : 0);",
            "const int to = \(layout.patches) + half * \(layout.patchBytes) + (plane * \(lines) + l) * \(line.pitch * 2) + q * \(2 * g);",
        ]
        switch g {
        case 8: text.append("copy16(shared + to, from, isThere);")
        case 4:
            text += [
                "uint2 run; run.x = 0; run.y = 0;", "if (isThere) run = *(const uint2 *)from;",
                "*(uint2 *)(arena + to) = run;",
            ]
        case 2: text.append("*(uint32_t *)(arena + to) = isThere ? *(const uint32_t *)from : 0;")
        default: text.append("*(uint16_t *)(arena + to) = isThere ? *from : 0;")
        }
        return text + ["}"]
    }

    /// Makes the patch whose elements lie one place earlier.
    private func move(_ layout: Layout) -> [String] {
        let words = layout.patchBytes / 4
        return [
            "for (int i = thread; i < \(words); i += \(Self.threads)) {",
            "const uint32_t *const from = words + \(layout.patches / 4) + half * \(words) + i;",
            "((uint32_t *)arena)[\(layout.moved / 4) + i] = from[0] >> 16 | (i + 1 < \(words) ? from[1] << 16 : 0);",
            "}",
        ]
    }

    /// What keeps the used slots of an octet's word of a lane, by which of its slots are used; nothing for whole octets.
    private var masks: (names: [[Bool]: String], declarations: [String]) {
        var names: [[Bool]: String] = [:]
        var declarations: [String] = []
        for octet in 0..<shape.octets {
            let used = shape.isUsed(octet)
            guard used.contains(true), used.contains(false), names[used] == nil else { continue }
            let name = "keep\(names.count)"
            names[used] = name
            let words = (0..<4).map { t in
                (used[2 * t] ? 0xFFFF : 0) | (used[2 * t + 1] ? 0xFFFF_0000 : 0)
            }
            declarations.append(
                "const uint32_t \(name) = lane % 4 < 2 ? (lane % 2 ? \(words[1])u : \(words[0])u) : (lane % 2 ? \(words[3])u : \(words[2])u);"
            )
        }
        return (names, declarations)
    }

    /// The products of a tile and what follows them.
    private func multiply(_ frame: SIMTFrame, _ layout: Layout, _ columns: Int, _ finish: Finish) -> [String] {
        let i = frame.integer
        let type = product.element == .f16 ? "f16" : "bf16"
        let wide = columns / 8
        let pitch = Self.line(shape).pitch
        let groups = (count + 16 * warpTiles - 1) / (16 * warpTiles)
        let patch = "\(layout.patches) + half * \(layout.patchBytes)"
        let weights = rowWeights
        var lines = place(i, "firstRow") { weights[$0.variable] ?? 0 }
        lines += [
            "KEEP_LOOP for (int group = warp; group < \(groups); group += \(Self.warps)) {",
            "int from[\(warpTiles)][2];",
            "UNROLL for (int i = 0; i < \(warpTiles); ++i) UNROLL for (int h = 0; h < 2; ++h) {",
            "int r = (group * \(warpTiles) + i) * 16 + lane / 4 + h * 8;", "r = r < \(count) ? r : \(count - 1);",
            "const int at = r / \(tileColumns) * \(shape.yStep * pitch) + r % \(tileColumns) * \(shape.xStep) + \(shape.firstSlot);",
            shape.xStep % 2 == 0
                ? "from[i][h] = \(patch) + at * 2 + lane % 4 * 4;"
                : "from[i][h] = (at % 2 ? \(layout.moved) : \(patch)) + at / 2 * 4 + lane % 4 * 4;",
            "}",
            "float c[\(warpTiles * wide * 4)];", "UNROLL for (int i = 0; i < \(warpTiles * wide * 4); ++i) c[i] = 0;",
        ]
        let masks = self.masks.names
        for step in 0..<shape.steps {
            lines.append("{ uint32_t x[\(warpTiles)][4], y[4];")
            lines.append("UNROLL for (int i = 0; i < \(warpTiles); ++i) {")
            for half in 0..<2 {
                let octet = 2 * step + half
                let used = shape.isUsed(octet)
                for h in 0..<2 {
                    var value = "0"
                    if let place = shape.place(octet), used.contains(true) {
                        let line = place.plane * Self.lines(shape, tileRows) + place.tap * shape.tapStep
                        value = "*(const uint32_t *)(arena + from[i][\(h)] + \((line * pitch + place.slot) * 2))"
                        if let mask = masks[used] { value += " & \(mask)" }
                    }
                    lines.append("x[i][\(2 * half + h)] = \(value);")
                }
            }
            lines += [
                "}", "UNROLL for (int j = 0; j < \(columns / 16); ++j) {",
                "load_matrices(y, shared + (j * 16 + lane / 16 * 8 + lane % 8) * \(layout.weightPitch) + lane / 8 % 2 * 16 + \(step * 32));",
                "UNROLL for (int i = 0; i < \(warpTiles); ++i) {",
                "multiply_\(type)(c + (i * \(wide) + 2 * j) * 4, x[i], y);",
                "multiply_\(type)(c + (i * \(wide) + 2 * j + 1) * 4, x[i], y + 2);", "}", "}", "}",
            ]
        }
        lines += finish.before
        // Eight rows at a time go through shared memory.
        let rowOfY = shape.y.map { "(firstY + r / \(tileColumns)) * \(weights[$0.variable] ?? 0) + " } ?? ""
        let insideY = shape.y.map { "firstY + r / \(tileColumns) < \(Self.extent($0)) && " } ?? ""
        lines += [
            "UNROLL for (int i = 0; i < \(warpTiles); ++i) UNROLL for (int h = 0; h < 2; ++h) {", "WARP_BARRIER;",
            "if (lane < 8) {", "const int r = (group * \(warpTiles) + i) * 16 + h * 8 + lane;",
            "const int x = firstX + r % \(tileColumns);",
            "places[lane] = r < \(count) && \(insideY)x < \(Self.extent(shape.x)) ? "
                + "(int)(firstRow + \(rowOfY)x * \(weights[shape.x.variable] ?? 0)) : -1;", "}",
            "UNROLL for (int j = 0; j < \(wide); ++j) UNROLL for (int e = 0; e < 2; ++e)",
            "sums[lane / 4 * \(layout.sumPitch) + j * 8 + lane % 4 * 2 + e] = c[(i * \(wide) + j) * 4 + h * 2 + e];",
            "WARP_BARRIER;", "{ const int thread = lane; const \(i) edge = firstColumn;",
        ]
        return lines + finish.statements + ["}", "}", "}"]
    }

    /// Results between neighbours along each row axis.
    private var rowWeights: [Variable: Int] {
        guard case .contraction(let body) = product.kernel.body else { return [:] }
        var weights: [Variable: Int] = [:]
        var flat = 1
        for axis in body.rows.reversed() {
            weights[axis.variable] = flat
            flat *= Self.extent(axis)
        }
        return weights
    }

    // MARK: The epilogue

    private struct Finish {
        let functions: String
        /// Statements before the first of a warp's rows.
        let before: [String]
        /// Statements that finish eight rows.
        let statements: [String]
    }

    private func finishing(_ frame: SIMTFrame, _ columns: Int, _ layout: Layout) -> Finish {
        let axes = [product.batch, product.row, product.column]
        let arguments = ["b", "line", "edge + q"]
        let condition = "line >= 0 && edge + q < columns"
        func within(_ run: Int) -> [String] {
            ["b", "(line >= 0 ? line : 0)", "(edge + q < columns ? edge + q : columns - \(run))"]
        }
        for run in [8, 4, 2] where run <= columns {
            let runs = frame.finishingRuns(
                product.epilogue, product.stores, over: axes, count: 8 * columns, run: run, columns: columns,
                threads: 32,
                point: ["const int r = e / \(columns / run); const \(frame.integer) line = places[r];"],
                arguments: arguments, inside: within(run),
                accumulators: "UNROLL for (int i = 0; i < \(run); ++i) sums_[i] = sums[r * \(layout.sumPitch) + q + i]",
                condition: condition)
            guard let runs else { continue }
            guard runs.words > 0, runs.words <= 24, runs.isOfColumns else {
                return Finish(functions: runs.functions, before: [], statements: runs.statements)
            }
            // What hangs on the column alone is read once for all rows of a warp, but not kept while it multiplies.
            let before =
                ["uint32_t ofColumns[\(runs.turns)][\(runs.words)];"]
                + ["{ const int thread = lane; int edge = firstColumn; AS_NEW(edge);"] + runs.fetch("ofColumns") + ["}"]
            return Finish(functions: runs.functions, before: before, statements: runs.finish("ofColumns"))
        }
        let plain = frame.finishing(
            product.epilogue, product.stores, over: axes, count: 8 * columns, threads: 32,
            point: ["const int r = e / \(columns), q = e % \(columns); const \(frame.integer) line = places[r];"],
            arguments: arguments, inside: within(1),
            accumulator: "sums[r * \(layout.sumPitch) + q]", condition: condition)
        return Finish(functions: plain.functions, before: [], statements: plain.statements)
    }

    /// The rearrangement of the right operand as host C: a row of slots for each column.
    private func packing(_ layout: Layout, rows: Int) -> (packing: EmittedKernel.Packing, source: String) {
        let length = layout.weightPitch / 2
        let elements = shape.elements + Array(repeating: nil, count: length - shape.packedDepth)
        let table = elements.map { "\($0 ?? (product.depth ?? 0))" }.joined(separator: ", ")
        return product.packing(
            symbol, rows: rows, length: length, batch: "0", column: "row", sum: "((const int[]){\(table)})[i]")
    }
}
