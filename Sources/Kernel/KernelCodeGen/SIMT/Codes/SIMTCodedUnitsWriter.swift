import ElementTypes
import KernelIR

/// Products of few rows by a right operand of 4-bit codes on matrix units (`mma.sync.m16n8k16`): the codes are the left factor
/// of the unit, 16 columns of the product at a time, and the rows of the product its 8 columns.
///
/// A code becomes a number of the operands' type by its bits alone: or-ed into the fraction of 128 (bf16) or 64 (f16), it is that
/// number plus the code, two codes an operation. What that adds to every sum, a constant times the sum of the left operand, is
/// taken off by a product with a constant matrix, which starts the unit's sums and serves all tiles of a warp. Codes are
/// exact, sums are f32; a block's scale multiplies the block's sum. One number takes about 1.4 instructions, where decoding to f32
/// takes more than 5 and is slower than memory.
///
/// One row that has to be computed (a norm) is computed once by a block, into shared memory: what each warp took for itself would be more
/// than what it takes to multiply.
///
/// Packed codes: `[column tile of 16][64 summed elements][lane][16 bytes]`; scales beside them
/// `[column tile][64 summed elements][8][2 blocks][2]`. In a word of a lane (g = lane / 4, t = lane % 4), for step j of 2 in block
/// h of 2, half-word p of pair i holds at bit 4i the code of column `g + i % 2 × 8` and element `32h + 8t + 4j + i / 2 × 2 + p`.
struct SIMTCodedUnitsWriter {
    let codes: SIMTCodes
    let symbol: String
    /// Warps that share the sums of a column.
    let across: Int
    /// Column tiles of a warp.
    let tiles: Int
    /// Runs of 16 bytes of each tile that a thread has under way.
    let ahead: Int
    /// Warps of a block.
    let warps: Int

    /// Turns up to which a loop is written out.
    private static let mostFlatTurns = 16
    /// Summed elements of a run of all lanes.
    static let slice = 64

    private var product: SIMTProduct { codes.product }
    private var threads: Int { warps * 32 }
    private var rows: Int { product.rows ?? 1 }
    /// Columns of the unit that the product's rows take, in eights.
    private var eights: Int { (rows + 7) / 8 }
    private var depth: Int { product.depth ?? 0 }
    private var slices: Int { depth / Self.slice }
    private var columnTiles: Int { ((product.columns ?? 0) + 15) / 16 }
    private var hasBlocks: Bool { codes.blocks > 1 }
    private var isHalf: Bool { product.element == .f16 }
    /// Whether the left operand goes through shared memory.
    private var isKept: Bool {
        let isComputed = product.left.plainLoad == nil || !product.rowSums.isEmpty
        return rows == 1 && isComputed && depth * 2 + warps * sumsOfWarp * 4 <= 40 * 1024
    }
    /// What a code of 0 becomes.
    private var bias: Int { isHalf ? 64 : 128 }

    /// Whether these codes can be multiplied so.
    static func applies(_ codes: SIMTCodes) -> Bool {
        guard case .integer(bits: 4, let lowest) = codes.operand.kind else { return false }
        let product = codes.product
        return product.target.hasMatrixUnits && product.element != .f32 && (product.depth ?? 1) % slice == 0
            && (product.rows ?? .max) <= SIMTSkinnyWriter.mostRows && product.rightBatches == 1
            && product.batches == 1
            && [.f32, .f16, .bf16].contains(codes.operand.scaleElement)
            && (codes.blocks <= 1 || codes.operand.block % 32 == 0) && abs(lowest) <= 64
            // What a norm has not scaled yet may be too large for f16.
            && 16 % product.gates == 0 && (product.rowSums.isEmpty || product.element == .bf16)
    }

    func write() -> EmittedKernel {
        var frame = product.frame(symbol)
        frame.hidden = product.packedParameters
        let (b, m, s) = (product.batch, product.row, product.sum)
        let groups = warps / across
        let perBlock = groups * tiles
        let blocks = (columnTiles + perBlock - 1) / perBlock
        let turns = (slices + across - 1) / across
        let ahead = min(self.ahead, turns)
        let scaleType = frame.storage(codes.operand.scaleElement)
        let terms = self.terms(frame)
        let functions =
            pairs
            + frame.run("left", product.left, over: [b, m, s], along: s, count: 8, .words(product.element))
            + frame.epilogue(
                "finish", product.epilogue, product.stores, over: [b, m, product.result], sums: product.sums)
            + terms.functions
        // Loops of few turns are written out, so that what is asked for ahead needs no conditions.
        let isFlat = turns <= Self.mostFlatTurns
        func load(_ u: String, _ turn: String) -> [String] {
            var conditions = slices % across == 0 ? [] : ["member + (\(turn)) * \(across) < \(slices)"]
            if columnTiles % perBlock != 0 { conditions.append("first + r < \(columnTiles)") }
            let check = conditions.isEmpty ? "" : "if (\(conditions.joined(separator: " && "))) "
            // What is not read is not used: a turn beyond the last is left out, a tile beyond the last is not stored.
            return [
                "UNROLL for (int r = 0; r < \(tiles); ++r) \(check){",
                "const int64_t place = r * \(slices) + (\(turn)) * \(across);",
                "w[\(u)][r] = stream16(from + place * 512);", hasBlocks ? "q[\(u)][r] = factors[place * 8];" : "", "}",
            ]
        }
        var lines = [
            "OVERLAP_BEGIN;",
            "const uint32_t taken[4] = {\(offset)u, \(offset)u, \(offset)u, \(offset)u};",
            "const float zeros[4] = {0, 0, 0, 0};",
            "const int thread = THREAD, lane = thread % 32, warp = thread / 32, g = lane / 4, t = lane % 4;",
            "const int group = warp / \(across), member = warp % \(across), first = (BLOCK * \(groups) + group) * \(tiles);",
            "float c[\(tiles)][\(eights)][4];",
            "UNROLL for (int r = 0; r < \(tiles); ++r) UNROLL for (int e = 0; e < \(eights); ++e) "
                + "UNROLL for (int i = 0; i < 4; ++i) c[r][e][i] = 0;", "uint4 w[\(ahead)][\(tiles)];",
            product.rowSums.isEmpty ? "" : "float own[\(product.rowSums.count)][\(eights)] = {};",
            isKept ? "SHARED uint4 lefts[\(depth / 8)];" : "",
            "const int64_t start0 = (int64_t)first * \(slices) + member;",
            "const uint8_t *const from = codes + (start0 * 32 + lane) * 16;",
            hasBlocks
                ? "const \(scaleWord) *const factors = (const \(scaleWord) *)scales + start0 * 8 + g; "
                    + "\(scaleWord) q[\(ahead)][\(tiles)];" : "",
        ]
        lines += ["UNROLL for (int u = 0; u < \(ahead); ++u)"] + load("u", "u")
        lines.append("OVERLAP_WAIT;")
        if isKept { lines += keepLeft(frame) }
        lines += [
            turns > ahead
                ? "\(isFlat ? "UNROLL" : "KEEP_LOOP") for (int turn = 0; turn < \(turns); turn += \(ahead)) {"
                : "{ const int turn = 0;",
            "UNROLL for (int u = 0; u < \(ahead); ++u) if (turn + u < \(turns)) {",
            "const int now = member + (turn + u) * \(across); uint4 v[\(tiles)];",
            hasBlocks ? "\(scaleWord) f[\(tiles)];" : "",
            "UNROLL for (int r = 0; r < \(tiles); ++r) { v[r] = w[u][r];\(hasBlocks ? " f[r] = q[u][r];" : "") }",
        ]
        if turns > ahead {
            lines += ["if (turn + u + \(ahead) < \(turns)) {"] + load("u", "turn + u + \(ahead)") + ["}"]
        }
        lines += [
            slices % across == 0 ? "{" : "if (now < \(slices)) {", "UNROLL for (int h = 0; h < 2; ++h) {",
            "uint32_t x[\(eights)][4];", "float start[\(eights)][4];", "UNROLL for (int e = 0; e < \(eights); ++e) {",
            isKept
                ? "{ const uint4 l = lefts[now * \(Self.slice / 8) + h * 4 + t]; "
                    + "x[e][0] = l.x; x[e][1] = l.y; x[e][2] = l.z; x[e][3] = l.w; }"
                : frame.call("left", ["0", rowOfLane("e"), "now * \(Self.slice) + h * 32 + t * 8", "x[e]"]) + ";",
            "multiply_\(type)_from(start[e], taken, x[e], zeros); multiply_\(type)(start[e], taken, x[e] + 2);",
        ]
        lines += isKept ? [] : terms.statements
        lines += [
            "}",
            "UNROLL for (int r = 0; r < \(tiles); ++r) {", "uint32_t a[4], d[4];",
            "\(symbol)_pairs(a, h == 0 ? v[r].x : v[r].z); \(symbol)_pairs(d, h == 0 ? v[r].y : v[r].w);",
        ]
        if hasBlocks { lines.append("const float f0 = \(scale(0)), f1 = \(scale(1));") }
        lines += [
            "UNROLL for (int e = 0; e < \(eights); ++e) {", "float y[4];",
            "multiply_\(type)_from(y, a, x[e], start[e]); multiply_\(type)(y, d, x[e] + 2);",
        ]
        if hasBlocks {
            lines.append(
                "UNROLL for (int i = 0; i < 4; ++i) \(used) c[r][e][i] = fma_fs(i < 2 ? f0 : f1, y[i], c[r][e][i]);")
        } else {
            lines.append("UNROLL for (int i = 0; i < 4; ++i) \(used) c[r][e][i] += y[i];")
        }
        lines += ["}", "}", "}", "}", "}", "}"]
        lines += reduce(frame, groups: groups)
        let packings = self.packings()
        var extra = [SIMTFrame.Extra(name: "codes", type: "uint8_t", isRead: true)]
        if packings.count > 1 { extra.append(.init(name: "scales", type: scaleType, isRead: true)) }
        return EmittedKernel(
            symbol: symbol,
            source: functions
                + frame.kernelFunction(
                    extra: extra, threads: threads, blocksPerProcessor: max(1, 16 / warps), lines),
            packingSource: packings.map(\.source).joined(),
            arguments: frame.visible.map { .parameter($0) } + packings.indices.map { .packed($0) },
            packings: packings.map(\.packing), workspaceBytes: 0,
            parts: .grid(.init(blocks: IntegerExpression(blocks), threads: threads, overlaps: product.target.overlaps)))
    }

    /// With one row all columns of the unit are alike, and every other sum is not needed.
    private var used: String { rows == 1 ? "if (i % 2 == 0)" : "" }

    /// The row of the product that a lane gives the unit: any will do where there is none, as columns do not mix.
    private func rowOfLane(_ eight: String) -> String {
        rows == 1 ? "0" : "(\(eight) * 8 + g < \(rows) ? \(eight) * 8 + g : \(rows - 1))"
    }

    /// Two of what must be taken off for each unit of the left operand, as bits.
    private var offset: String {
        guard case .integer(_, let lowest) = codes.operand.kind else { preconditionFailure("codes are whole numbers") }
        let value = Float(lowest - bias)
        let bits = isHalf ? UInt32(Self.half(value)) : value.bitPattern >> 16
        return "0x" + String(bits << 16 | bits, radix: 16)
    }

    /// The f16 bits of a whole number of few bits.
    private static func half(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        return UInt16(bits >> 16 & 0x8000) | UInt16(truncatingIfNeeded: ((bits & 0x7FFF_FFFF) - 0x3800_0000) >> 13)
    }

    /// What holds the scales of a lane for 64 summed elements: of its two columns, first for one block, then for the other.
    private var scaleWord: String { codes.operand.scaleElement.byteCount == 2 ? "uint2" : "float4" }

    /// Text of the scale of a lane's first or second column in block `h`.
    private func scale(_ column: Int) -> String {
        let word = "(h == 0 ? f[r].x : f[r].y)"
        switch codes.operand.scaleElement {
        case .bf16: return "unbits_fs((int32_t)(\(column == 0 ? "\(word) << 16" : "\(word) & 0xffff0000u")))"
        case .f16: return "load_f16((uint16_t)(\(word) >> \(16 * column)))"
        case .f32: return column == 0 ? "(h == 0 ? f[r].x : f[r].z)" : "(h == 0 ? f[r].y : f[r].w)"
        case .f64, .f8e4m3, .f8e5m2, .i64, .i32, .i16, .i8, .u8, .bool:
            preconditionFailure("scales are f32, f16 or bf16")
        }
    }

    /// What one element of the operands is called.
    private var type: String { isHalf ? "f16" : "bf16" }

    /// A device function that makes numbers of a word's codes, pair by pair.
    private var pairs: String {
        // f16 holds a code at bits 4 to 7 of 64, bf16 at bits 0 to 3 of 128.
        let (mask, magic, shifts) =
            isHalf
            ? ("0x00f000f0u", "0x54005400u", ["w << 4", "w", "w >> 4", "w >> 8"])
            : ("0x000f000fu", "0x43004300u", ["w", "w >> 4", "w >> 8", "w >> 12"])
        let each = shifts.enumerated().map { "a[\($0)] = and_or(\($1), \(mask), \(magic));" }
        return "FORCE void \(symbol)_pairs(uint32_t *a, uint32_t w) { \(each.joined(separator: " ")) }\n"
    }

    /// Sums of a warp: of its columns for each row, then of what rows are summed of for each row.
    private var sumsOfWarp: Int { rows * (tiles * 16 + product.rowSums.count) }

    /// Statements that add a run of `now`, half `h`, to what a lane has of its rows' sums, and their functions.
    private func terms(_ frame: SIMTFrame) -> (functions: String, statements: [String]) {
        var (functions, statements) = ("", [String]())
        for (number, function) in product.rowSums.enumerated() {
            functions += frame.run(
                "term\(number)", function, over: [product.batch, product.row, product.sum], along: product.sum,
                count: 8,
                .values(rounded: nil))
            let place = ["0", rowOfLane("e"), "now * \(Self.slice) + h * 32 + t * 8", "z"]
            statements += [
                "{ float z[8]; \(frame.call("term\(number)", place));",
                "UNROLL for (int k = 0; k < 8; ++k) own[\(number)][e] += z[k]; }",
            ]
        }
        return (functions, statements)
    }

    /// The left operand's one row into shared memory, and what it is summed of into the sums of the threads.
    private func keepLeft(_ frame: SIMTFrame) -> [String] {
        let runs = depth / 8
        var lines = [
            "UNROLL for (int u = 0; u < \((runs + threads - 1) / threads); ++u) { const int run = u * \(threads) + thread;",
            "if (run < \(runs)) { uint32_t x[4]; \(frame.call("left", ["0", "0", "run * 8", "x"]));",
            "lefts[run] = make_uint4(x[0], x[1], x[2], x[3]);",
        ]
        for number in product.rowSums.indices {
            lines += [
                "{ float z[8]; \(frame.call("term\(number)", ["0", "0", "run * 8", "z"]));",
                "UNROLL for (int k = 0; k < 8; ++k) own[\(number)][0] += z[k]; }",
            ]
        }
        return lines + ["} }", "BARRIER;"]
    }

    /// Sums over the warps that share columns, and the epilogue.
    private func reduce(_ frame: SIMTFrame, groups: Int) -> [String] {
        let (each, gates) = (sumsOfWarp, product.gates)
        // Columns of the result that a group has.
        let results = tiles * 16 / gates
        let all = (product.columns ?? 0) / gates
        var lines = [
            "SHARED float folds[\(warps * each)];",
            "UNROLL for (int r = 0; r < \(tiles); ++r) UNROLL for (int e = 0; e < \(eights); ++e) "
                + "UNROLL for (int i = 0; i < 4; ++i) {",
            "const int m = e * 8 + t * 2 + i % 2;",
            "if (m < \(rows)) folds[warp * \(each) + (r * 16 + g + i / 2 * 8) * \(rows) + m] = c[r][e][i]; }",
        ]
        for number in product.rowSums.indices {
            let place = "warp * \(each) + \(rows * (tiles * 16 + number)) + e * 8 + g"
            // Lanes of a warp have parts of one row where it is kept, else those of a row's four are apart from others'.
            lines += [
                "UNROLL for (int e = 0; e < \(eights); ++e) {",
                "UNROLL for (int other = 1; other < \(isKept ? 32 : 4); other *= 2) "
                    + "own[\(number)][e] += __shfl_xor_sync(0xffffffffu, own[\(number)][e], other);",
                "if (t == 0 && e * 8 + g < \(rows)) folds[\(place)] = own[\(number)][e]; }",
            ]
        }
        lines += [
            "BARRIER;", "for (int place = thread; place < \(groups * results * rows); place += \(threads)) {",
            "const int part = place / \(results * rows), q = place % \(results * rows) / \(rows), m = place % \(rows);",
            "const \(frame.integer) column = (BLOCK * \(groups) + part) * \(results) + q;",
        ]
        var values: [String] = []
        for number in 0..<product.sums {
            let place =
                number < gates
                ? "(q * \(gates) + \(number)) * \(rows) + m" : "\(rows * (tiles * 16 + number - gates)) + m"
            // A row that is kept was summed by all warps.
            let (first, count) = isKept && number >= gates ? ("0", warps) : ("part * \(across)", across)
            lines.append(
                "float sum\(number) = 0; UNROLL for (int other = 0; other < \(count); ++other) "
                    + "sum\(number) += folds[(\(first) + other) * \(each) + \(place)];")
            let isScaled = codes.isScaledByRow && number < gates
            values.append("sum\(number)" + (isScaled ? " * scale\(number)" : ""))
        }
        lines.append("if (column < \(all)) {")
        if codes.isScaledByRow {
            for number in 0..<gates {
                lines.append("const float scale\(number) = \(codes.scale("column * \(gates) + \(number)", frame));")
            }
        }
        return lines + [frame.call("finish", ["0", "m", "column"] + values) + ";", "}", "}"]
    }

    /// Codes and scales as host C.
    private func packings() -> [(packing: EmittedKernel.Packing, source: String)] {
        guard case .integer(_, let lowest) = codes.operand.kind else { preconditionFailure("codes are whole numbers") }
        let (b, n, s) = (product.batch.variable.name, product.column.variable.name, product.sum.variable.name)
        let count = columnTiles * slices * 512
        let head = [
            "const int64_t tiles = INT64_C(\(columnTiles));",
            "for (int64_t tile = tiles * part / parts; tile < tiles * (part + 1) / parts; ++tile)",
            "for (int64_t slice = 0; slice < \(slices); ++slice) {",
        ]
        let whole = codes.packing("\(symbol)_pack", codes.operand.code, .u8, count) { statements, value in
            head + [
                "uint8_t *const into = to + (tile * \(slices) + slice) * 512;",
                "for (int i = 0; i < 512; ++i) into[i] = 0;", "for (int row = 0; row < 16; ++row) {",
                "const int64_t \(b) = 0, \(n) = tile * 16 + row; (void)\(b); if (\(n) >= \(product.columns ?? 0)) break;",
                "for (int k = 0; k < 64; ++k) { const int64_t \(s) = slice * 64 + k; (void)\(s);",
            ] + statements + [
                "const int lane = row % 8 * 4 + k % 32 / 8, word = k / 32 * 2 + k % 8 / 4, bit = row / 8 * 4 + k % 4 / 2 * 8 + k % 2 * 16;",
                "into[lane * 16 + word * 4 + bit / 8] |= (uint8_t)((uint8_t)(\(value) - (\(lowest))) << (bit % 8)); } } }",
            ]
        }
        guard let scale = codes.operand.scale else { return [whole] }
        if !hasBlocks {
            let line = codes.packing("\(symbol)_pack_scales", scale, codes.operand.scaleElement, product.columns ?? 0) {
                statements, value in
                [
                    "for (int64_t row = \(product.columns ?? 0) * part / parts; row < \(product.columns ?? 0) * (part + 1) / parts; ++row) {",
                    "const int64_t \(b) = 0, \(n) = row, \(s) = 0; (void)\(b); (void)\(n); (void)\(s);",
                ]
                    + statements + ["to[row] = \(CTypes.store(codes.operand.scaleElement, value)); }"]
            }
            return [whole, line]
        }
        let scales = codes.packing(
            "\(symbol)_pack_scales", scale, codes.operand.scaleElement, columnTiles * slices * 32
        ) { statements, value in
            head + [
                "for (int i = 0; i < 32; ++i) { to[(tile * \(slices) + slice) * 32 + i] = 0;",
                "const int64_t \(b) = 0, \(n) = tile * 16 + i / 4 + i % 2 * 8, \(s) = slice * 64 + i / 2 % 2 * 32; (void)\(b); (void)\(s);",
                "if (\(n) >= \(product.columns ?? 0)) continue;",
            ] + statements + [
                "to[(tile * \(slices) + slice) * 32 + i] = \(CTypes.store(codes.operand.scaleElement, value)); } }"
            ]
        }
        return [whole, scales]
    }
}
