import ElementTypes
import KernelIR

/// Products of few rows by a right operand of codes on matrix units, with codes on their way through rings of shared memory.
///
/// Codes are the left factor of `mma.m16n8k16`, 16 columns of the product at a time, and the product's rows the unit's 8 columns
/// (`SIMTUnitCodes`). What limits such a product is how much of the weights is asked for at any time, so nothing here ever drains:
/// one wave of blocks runs, each over a run of neighbouring tiles of columns; the warps of a block share the summed axis; every warp has
/// a ring of batches that `cp.async` fills, a lane's bytes by that lane, so that warps wait for nobody; and the ring runs on
/// over the ends of tiles. All of it is asked for before the kernel waits for the one before it.
///
/// The left operand is computed once by every block into shared memory, with the sum of each part times what its numbers exceed
/// their codes by; that is added to a part's sum, which a block's scale multiplies.
struct SIMTCodedRingWriter {
    let weights: SIMTUnitCodes
    let symbol: String
    /// Warps of a block.
    let warps: Int
    /// Batches of a ring, a multiple of `together`.
    let ring: Int
    /// Batches that a warp takes at a time.
    let together: Int
    /// Blocks that run on a processor at a time.
    let residents: Int

    private var product: SIMTProduct { weights.codes.product }
    private var threads: Int { warps * 32 }
    private var rows: Int { product.rows ?? 1 }
    private var depth: Int { product.depth ?? 0 }
    /// Columns of the unit that the product's rows take, in eights.
    private var eights: Int { (rows + 7) / 8 }
    /// Warps that share a column's sum: as many as its batches can be dealt to.
    private var across: Int {
        var across = warps
        while weights.batches % across != 0 { across /= 2 }
        return across
    }
    private var groups: Int { warps / across }
    /// Blocks: one wave, so that none waits for another and none has much less to do.
    private var blocks: Int {
        min(max(1, product.target.multiprocessors) * residents, (weights.tiles + groups - 1) / groups)
    }
    /// Neighbouring tiles that a group computes at most; some have one less.
    private var share: Int { (weights.tiles + blocks * groups - 1) / (blocks * groups) }
    /// Text of the first tile of a group, by its number among all.
    private func firstTile(_ group: String) -> String {
        "(int)((int64_t)(\(group)) * \(weights.tiles) / \(blocks * groups))"
    }
    /// Batches that a warp has of a tile, in turns of as many as it takes at a time.
    private var own: Int { weights.batches / across }
    private var step: Int {
        var step = together
        while own % step != 0 || ring % step != 0 { step /= 2 }
        return step
    }
    private var turns: Int { own / step }
    private var isBiased: Bool { weights.excess != 0 }

    /// Bytes between rows of the left operand: rows that eight lanes read together lie in other banks.
    private var rowBytes: Int { depth * 2 + (rows > 1 ? 64 : 0) }
    /// Sums of a part: of every row, or of the one.
    private var offsetsOfPart: Int { rows == 1 ? 1 : eights * 8 }
    private var each: Int { 16 * rows }
    /// Tiles that are finished together: as many as 8 KiB hold the sums of.
    private var finished: Int { min(share, max(1, 8192 / (warps * each * 4))) }

    /// What a warp's runs of the left operand add to the sums over rows; by row, as each has whole warps of runs.
    private var rowParts: Int { product.rowSums.isEmpty ? 0 : rows * depth / 256 }
    private var rowSumsPlace: Int { ringPlace - (product.rowSums.count * rowParts * 4 + 127) / 128 * 128 }

    // Shared memory: sums of warps, offsets, left operand, sums over rows, rings.
    private var offsetsPlace: Int { finished * warps * each * 4 }
    private var leftPlace: Int {
        offsetsPlace + (isBiased ? (depth / SIMTUnitCodes.part * offsetsOfPart * 4 + 15) / 16 * 16 : 0)
    }
    private var ringPlace: Int {
        (leftPlace + rows * rowBytes + 127) / 128 * 128 + (product.rowSums.count * rowParts * 4 + 127) / 128 * 128
    }
    /// Bytes of shared memory of a block.
    var sharedBytes: Int { ringPlace + warps * ring * weights.batchBytes }

    /// Whether a product's rows fit at all.
    static func applies(_ weights: SIMTUnitCodes) -> Bool {
        let rows = weights.codes.product.rows ?? .max
        let product = weights.codes.product
        // Left operands that are still to be multiplied by a row's factor may be too large for f16; bf16 has room.
        guard rows <= SIMTSkinnyWriter.mostRows, 16 % product.gates == 0,
            product.rowSums.isEmpty || product.element == .bf16 && (product.depth ?? 1) % 256 == 0
        else { return false }
        let least = SIMTCodedRingWriter(weights: weights, symbol: "", warps: 8, ring: 4, together: 1, residents: 1)
        return least.sharedBytes <= weights.codes.product.target.sharedBytes
    }

    /// What to begin with: batches of a ring and blocks of a processor, as measured on an H200. 4-bit codes gain from one block beside
    /// the next kernel's, 8-bit ones from two.
    static func start(_ weights: SIMTUnitCodes) -> (ring: Int, residents: Int) {
        let most = weights.codes.product.target.sharedBytes
        func fitting(_ rings: [Int], _ bytes: Int) -> Int? {
            rings.last {
                SIMTCodedRingWriter(weights: weights, symbol: "", warps: 8, ring: $0, together: 1, residents: 1)
                    .sharedBytes <= bytes
            }
        }
        if case .nibble = weights.kind {
            return (fitting([4, 6, 8], most / 2 - 1024) ?? fitting([4, 6], most) ?? 4, 1)
        }
        if let ring = fitting([4, 6, 8], most / 2 - 1024) { return (ring, 2) }
        return (fitting([4, 6, 8, 10, 12, 16], most) ?? 4, 1)
    }

    /// Whether a processor reads so many codes that what a block begins and ends with counts for little. Below, 4-bit codes are
    /// decoded sooner by as many warps as registers allow (`SIMTCodedUnitsWriter`).
    static func isLong(_ weights: SIMTUnitCodes) -> Bool {
        weights.tiles * weights.batches >= 150 * max(1, weights.codes.product.target.multiprocessors)
    }

    func write() -> EmittedKernel {
        var frame = product.frame(symbol)
        frame.hidden = product.packedParameters
        let (b, m, s) = (product.batch, product.row, product.sum)
        let bytes = weights.batchBytes
        let functions =
            weights.decoder(symbol)
            + frame.run("left", product.left, over: [b, m, s], along: s, count: 8, .words(product.element))
            + product.rowSums.enumerated().map {
                frame.run("term\($0)", $1, over: [b, m, s], along: s, count: 8, .values(rounded: nil))
            }.joined()
            + frame.epilogue(
                "finish", product.epilogue, product.stores, over: [b, m, product.result], sums: product.sums)
        // The next batches take the places of those that have just been read.
        let ask = [
            "UNROLL for (int u = 0; u < \(step); ++u) {",
            "copy_ahead(rings + at + u * \(bytes), from + u * \(across * bytes), asked < total);",
            "copy_ahead(rings + at + u * \(bytes) + 512, from + u * \(across * bytes) + 512, asked < total);",
            weights.hasBlocks
                ? "copy_ahead(rings + at + u * \(bytes) + 1024, from + u * \(across * bytes) + 1024, "
                    + "lane < \(weights.scaleBytes / 16) && asked < total);" : "",
            "}", "COPIES_COMMIT; ++asked; from += \(step * across * bytes);",
            "at = at == \((ring - step) * bytes) ? 0 : at + \(step * bytes);",
        ]
        var lines = [
            "OVERLAP_BEGIN;", "extern __shared__ __align__(128) unsigned char arena[];",
            "const int thread = THREAD, lane = thread % 32, warp = thread / 32, g = lane / 4, t = lane % 4;",
            "const int member = warp % \(across), order = BLOCK * \(groups) + warp / \(across);",
            "const int tile = \(firstTile("order")), mine = \(firstTile("order + 1")) - tile;",
            "const int total = mine * \(turns);",
            "const unsigned char *const ring = arena + \(ringPlace) + warp * \(ring * bytes);",
            "const uint32_t rings = (uint32_t)__cvta_generic_to_shared(arena) + \(ringPlace) + warp * \(ring * bytes) + lane * 16;",
            "const uint8_t *from = codes + ((int64_t)tile * \(weights.batches) + member) * \(bytes) + lane * 16;",
            "int asked = 0, at = 0;", "UNROLL for (int first = 0; first < \(ring / step); ++first) {",
        ]
        lines += ask + ["}", "OVERLAP_WAIT;"] + fillLeft(frame) + ["BARRIER;"]
        lines += [
            "uint32_t xs[\(eights)];",
            "UNROLL for (int e = 0; e < \(eights); ++e) "
                + "xs[e] = (uint32_t)__cvta_generic_to_shared(arena) + \(leftPlace) + (e * 8 + g) * \(rowBytes) + member * \(weights.elements * 2) + t * 16;",
            "int held = 0;", "KEEP_LOOP for (int i = 0; i < \(share); ++i) {", "float c[2][\(eights)][4];",
            "UNROLL for (int p = 0; p < 2; ++p) UNROLL for (int e = 0; e < \(eights); ++e) "
                + "UNROLL for (int q = 0; q < 4; ++q) c[p][e][q] = 0;",
            "if (i < mine) {",
            turns > 1 ? "KEEP_LOOP for (int turn = 0; turn < \(turns); ++turn) {" : "{ const int turn = 0;",
            // Scales were copied by other lanes.
            "COPIES_WAIT(\(ring / step - 1));\(weights.hasBlocks ? " __syncwarp();" : "")",
        ]
        lines += weights.fetch("ring + at", step)
        lines += (weights.hasBlocks ? ["__syncwarp();"] : []) + ask
        lines +=
            [
                "UNROLL for (int u = 0; u < \(step); ++u) {",
                "const int position = (turn * \(step) + u) * \(across * weights.elements * 2); (void)position;",
            ]
            + weights.multiply(
                symbol, rows: rows,
                // Columns of the unit do not mix, so that those of no row may hold anything.
                left: "load_wanted(x, xs[e] + position + h * 64, e * 8 + g < \(rows));",
                offset: "(const float *)(arena + \(offsetsPlace)) + "
                    + "(((turn * \(step) + u) * \(across) + member) * \(weights.parts) + h) * \(offsetsOfPart)"
                    + "\(rows == 1 ? "" : " + e * 8 + t * 2")") + ["}", "}", "}"]
        lines += reduce(frame) + ["}"]
        let packings = weights.packings(symbol)
        // Registers for the next kernel's blocks as well, but for what does not fit then.
        let kernels = residents + (weights.hasBlocks && residents > 1 ? 0 : 1)
        var extra = [SIMTFrame.Extra(name: "codes", type: "uint8_t", isRead: true)]
        if packings.count > 1 { extra.append(.init(name: "factors", type: "float", isRead: true)) }
        return EmittedKernel(
            symbol: symbol,
            source: functions
                + frame.kernelFunction(
                    extra: extra, threads: threads, blocksPerProcessor: max(1, min(kernels, 32 / warps)), lines),
            packingSource: packings.map(\.source).joined(),
            arguments: frame.visible.map { .parameter($0) } + packings.indices.map { .packed($0) },
            packings: packings.map(\.packing), workspaceBytes: 0,
            parts: .grid(
                .init(
                    blocks: IntegerExpression(blocks), threads: threads,
                    sharedBytes: sharedBytes, overlaps: product.target.overlaps)))
    }

    /// The left operand into shared memory, and its sums.
    private func fillLeft(_ frame: SIMTFrame) -> [String] {
        let (runs, all) = (depth / 8, rows * depth / 8)
        // Reads of several runs are under way before the first is stored.
        let together = min(8, (all + threads - 1) / threads)
        var lines = [
            "for (int first = 0; first < \(all); first += \(together * threads)) {", "uint32_t x[\(together)][4];",
            "UNROLL for (int u = 0; u < \(together); ++u) { const int place = first + u * \(threads) + thread;",
            "UNROLL for (int k = 0; k < 4; ++k) x[u][k] = 0;",
            "if (place < \(all)) \(frame.call("left", ["0", "place / \(runs)", "place % \(runs) * 8", "x[u]"])); }",
            "UNROLL for (int u = 0; u < \(together); ++u) { const int place = first + u * \(threads) + thread;",
            "if (place < \(all)) *(uint4 *)(arena + \(leftPlace) + place / \(runs) * \(rowBytes) + place % \(runs) * 16) = "
                + "make_uint4(x[u][0], x[u][1], x[u][2], x[u][3]);",
        ]
        if isBiased {
            lines += [
                "float sum = 0;",
                "UNROLL for (int k = 0; k < 8; ++k) sum += \(SIMTFrame.lane("x[u]", product.element, "k"));",
                "sum += __shfl_xor_sync(0xffffffffu, sum, 1); sum += __shfl_xor_sync(0xffffffffu, sum, 2);",
                "if (place < \(all) && place % 4 == 0) ((float *)(arena + \(offsetsPlace)))"
                    + "[place % \(runs) / 4 * \(offsetsOfPart) + place / \(runs)] = \(-weights.excess).0f * sum;",
            ]
        }
        for number in product.rowSums.indices {
            lines += [
                "{ float z[8] = {0, 0, 0, 0, 0, 0, 0, 0}, sum = 0;",
                "if (place < \(all)) \(frame.call("term\(number)", ["0", "place / \(runs)", "place % \(runs) * 8", "z"]));",
                "UNROLL for (int k = 0; k < 8; ++k) sum += z[k];",
                "UNROLL for (int other = 16; other > 0; other /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, other);",
                "if (place < \(all) && lane == 0) "
                    + "((float *)(arena + \(rowSumsPlace + number * rowParts * 4)))[place / 32] = sum; }",
            ]
        }
        return lines + ["}", "}"]
    }

    /// Sums over the warps that share columns, and the epilogue, of several tiles at a time: warps meet rarely.
    private func reduce(_ frame: SIMTFrame) -> [String] {
        let gates = product.gates
        // Results of a tile.
        let own = 16 / gates * rows
        let all = groups * own
        var lines = [
            "float *const folds = (float *)arena + held * \(warps * each);",
            "UNROLL for (int e = 0; e < \(eights); ++e) UNROLL for (int q = 0; q < 4; ++q) {",
            "const int m = e * 8 + t * 2 + q % 2;",
            "if (m < \(rows)) folds[warp * \(each) + (g + q / 2 * 8) * \(rows) + m] = c[0][e][q] + c[1][e][q]; }",
            "if (++held < \(finished) && i + 1 < \(share)) continue;", "BARRIER;",
            "for (int place = thread; place < held * \(all); place += \(threads)) {",
            "const int one = place / \(all), group = place % \(all) / \(own), inside = place % \(own), m = inside % \(rows);",
            "const int order = BLOCK * \(groups) + group, tile = \(firstTile("order")) + i + 1 - held + one;",
            "if (tile >= \(firstTile("order + 1"))) continue;",
            "const \(frame.integer) column = tile * 16 + inside / \(rows) * \(gates);",
            "if (column >= \(product.columns ?? 0)) continue;",
        ]
        for gate in 0..<gates {
            lines.append(
                "float sum\(gate) = 0; UNROLL for (int other = 0; other < \(across); ++other) sum\(gate) += "
                    + "((const float *)arena)[one * \(warps * each) + (group * \(across) + other) * \(each) "
                    + "+ (inside / \(rows) * \(gates) + \(gate)) * \(rows) + m];")
            if weights.hasRowFactor { lines.append("sum\(gate) *= factors[column + \(gate)];") }
        }
        for number in product.rowSums.indices {
            let name = "sum\(gates + number)"
            lines.append(
                "float \(name) = 0; for (int k = 0; k < \(rowParts / rows); ++k) \(name) += "
                    + "((const float *)(arena + \(rowSumsPlace + number * rowParts * 4)))[m * \(rowParts / rows) + k];")
        }
        let names = (0..<product.sums).map { "sum\($0)" }
        return lines + [
            frame.call("finish", ["0", "m", gates == 1 ? "column" : "column / \(gates)"] + names) + ";", "}",
            share > finished ? "held = 0; BARRIER;" : "",
        ]
    }
}
