import ElementTypes
import KernelIR

/// Attention of up to 16 query rows of a key head on matrix units, keys split among warps and blocks (split-KV decoding, Flash-Decoding,
/// Dao et al. 2023): every warp has 16 keys of a tile and a softmax of its own; the warps of a block, then the blocks of a head
/// join: up to eight through each other's shared memory, as a cluster, where each finishes some results; others through memory,
/// where the last finishes all. Tiles that no row sees are not read.
struct SIMTDecodeWriter {
    let shape: SIMTAttentionShape
    let symbol: String
    /// Blocks that share the keys of a head; tiles go to them in turn.
    let parts: Int
    /// Warps of a block.
    let warps: Int

    private var body: AttentionKernel { shape.body }
    private var depth: Int { shape.depth ?? 0 }
    private var valueDepth: Int { shape.valueDepth ?? 0 }
    private var rows: Int { shape.rowCount ?? 16 }
    private var threads: Int { warps * 32 }
    private var tileKeys: Int { warps * 16 }
    private var pitch: Int { SIMTAttentionShape.pitch(depth) }
    private var valuePitch: Int { SIMTAttentionShape.pitch(valueDepth) }
    private var stageBytes: Int { tileKeys * (pitch + valuePitch) }
    private var termBytes: Int { rows * tileKeys * 4 }
    /// Results of all warps, of the block, peaks and totals of all warps and of the block, and results that are joined.
    private var joinBytes: Int { (warps + 1) * rows * valueDepth * 4 + warps * 16 * 8 + rows * 8 + share * 4 }
    /// Whether the blocks of a head are a cluster.
    private var isClustered: Bool {
        shape.target.hasClusters && [2, 4, 8].contains(parts) && rows * valueDepth % parts == 0
    }
    /// Results that a block of a cluster finishes.
    private var share: Int { isClustered ? rows * valueDepth / parts : 0 }
    /// Whether blocks join in memory.
    private var isShared: Bool { parts > 1 && !isClustered }
    private var sharedBytes: Int { max(16 * pitch + 2 * (stageBytes + termBytes) + 32 * 4, joinBytes) }

    /// Whether it serves an attention.
    static func applies(_ shape: SIMTAttentionShape) -> Bool {
        guard shape.target.hasMatrixUnits, shape.element == .bf16 || shape.element == .f16, let depth = shape.depth,
            let valueDepth = shape.valueDepth, let rows = shape.rowCount
        else { return false }
        return rows <= 16 && depth % 16 == 0 && valueDepth % 16 == 0 && depth <= 256 && valueDepth <= 256
            && SIMTDecodeWriter(shape: shape, symbol: "", parts: 1, warps: 8).sharedBytes <= shape.target.sharedBytes
    }

    func write() -> EmittedKernel {
        let frame = shape.frame(symbol)
        let queryAxes = [body.batch, body.keyHeads, body.group, body.queries]
        let i = frame.integer
        let (query, key, value) = shape.operands(frame)
        let place = isClustered ? "(part * \(share) + e)" : "e"
        let finish = frame.finishing(
            body.epilogue, body.stores, over: queryAxes + [body.valueDepth],
            count: isClustered ? share : rows * valueDepth, threads: threads,
            point: ["const int r = \(place) / \(valueDepth), c = \(place) % \(valueDepth);"],
            arguments: ["b", "h", "r / length", "r % length", "c"],
            inside: ["b", "h", "r / length", "r % length", "c"],
            accumulator: isClustered ? "joined[e]" : "sums[e]", condition: "1")
        let functions =
            query.functions + key.functions + value.functions + shape.maskFunctions(frame) + finish.functions
        let index = frame.index
        func tile(_ turn: String) -> [String] {
            func fill(_ operand: SIMTOperand, _ extent: Int, _ pitch: Int, _ offset: Int) -> [String] {
                operand.fill(
                    rows: tileKeys, runs: extent / 8, pitch: pitch, threads: threads,
                    first: "(\(turn)) * \(tileKeys)", limit: "allKeys", from: "0", end: "\(extent)",
                    base: "keys + stage * \(stageBytes) + \(offset)", integer: i, arguments: ["b", "h", "line", "s"])
            }
            return fill(key, depth, pitch, 0) + fill(value, valueDepth, valuePitch, tileKeys * pitch)
        }
        var lines = [
            "OVERLAP_BEGIN; OVERLAP_WAIT;", "extern __shared__ __align__(128) unsigned char arena[];",
            isShared ? "SHARED int arrived; SHARED float factors[\(rows * parts)], otherTotals[\(rows * parts)];" : "",
            "const int thread = THREAD, lane = thread % 32, warp = thread / 32;",
            "const int head = BLOCK / \(parts); const int part = BLOCK % \(parts);",
            "const \(i) h = head % \(index.print(body.keyHeads.extent)), b = head / \(index.print(body.keyHeads.extent));",
            "const \(i) length = \(index.print(body.queries.extent)), allKeys = \(index.print(body.keys.extent));",
            "const int turns = (allKeys + \(tileKeys - 1)) / \(tileKeys);",
            "const uint32_t queries = (uint32_t)__cvta_generic_to_shared(arena), keys = queries + \(16 * pitch);",
            "float *const terms = (float *)(arena + \(16 * pitch + 2 * stageBytes));",
            "int *const isSeen = (int *)(terms + \(2 * rows * tileKeys));",
        ].filter { !$0.isEmpty }
        lines += query.fill(
            rows: 16, runs: depth / 8, pitch: pitch, threads: threads, first: "0", limit: "\(rows)", from: "0",
            end: "\(depth)", base: "queries", integer: i,
            arguments: ["b", "h", "line / length", "line % length", "s"])
        // What is added to the scores of the next tile's keys is on its way while this tile is multiplied, as its keys and values are.
        let terms = rows * tileKeys
        let each = (terms + threads - 1) / threads
        lines += [
            "float o[\(valueDepth / 8)][4];",
            "UNROLL for (int j = 0; j < \(valueDepth / 8); ++j) UNROLL for (int e = 0; e < 4; ++e) o[j][e] = 0;",
            "float peak[2] = {-__builtin_inff(), -__builtin_inff()}, total[2] = {0, 0};",
            "int now = 1, first = part - \(32 * parts); uint32_t left = 0;",
            "KEEP_LOOP for (int held = 0; ; held = 1) {",
        ]
        lines +=
            look(frame) + [
                "const int turn = left == 0 ? -1 : first + (__ffs((int)left) - 1) * \(parts), stage = now ^ 1;",
                "float more[\(each)];", "if (turn >= 0) { left &= left - 1;",
            ]
        lines += tile("turn")
        lines += [
            "UNROLL for (int u = 0; u < \(each); ++u) { const int e = u * \(threads) + thread;",
            "more[u] = -__builtin_inff(); if (e < \(terms)) { const int r = e / \(tileKeys); "
                + "const \(i) k = (\(i))turn * \(tileKeys) + e % \(tileKeys);",
            "if (k < allKeys) more[u] = \(term(frame)); } } }", "COPIES_COMMIT;",
            "if (held) { COPIES_WAIT(1); BARRIER;",
        ]
        lines +=
            tileOfWarp + [
                "}", "if (turn < 0) break;",
                "UNROLL for (int u = 0; u < \(each); ++u) if (u * \(threads) + thread < \(terms)) "
                    + "terms[stage * \(terms) + u * \(threads) + thread] = more[u];", "BARRIER; now ^= 1; }",
                "COPIES_WAIT(0); BARRIER;",
            ]
        lines += joinWarps + (isClustered ? joinCluster : joinBlocks) + finish.statements
        if isClustered { lines.append("CLUSTER_LEAVE;") }
        let count = shape.heads.constantValue ?? 0
        // Blocks of four warps leave registers to those of the product after it, whose weights are on their way (`SIMTDealtWriter`).
        return EmittedKernel(
            symbol: symbol,
            source: functions
                + frame.kernelFunction(
                    extra: isShared ? [.init(name: "scratch", type: "float", isRead: false)] : [],
                    hasCounters: isShared, threads: threads, blocksPerProcessor: warps <= 4 ? 3 : 1,
                    cluster: isClustered ? parts : 1, lines),
            arguments: shape.kernel.parameters.indices.map { .parameter($0) }
                + (isShared ? [.shared(bytes: IntegerExpression(count * parts * rows * (valueDepth + 2) * 4))] : []),
            packings: [], workspaceBytes: 0,
            parts: .grid(
                .init(
                    blocks: shape.heads * parts, threads: threads, sharedBytes: sharedBytes,
                    overlaps: shape.target.overlaps, counters: isShared ? count : 0)))
    }

    /// What is added to the score of key `k` and row `r`.
    private func term(_ frame: SIMTFrame) -> String {
        shape.term(frame, group: "(r / length)", query: "(r % length)", key: "k")
    }

    /// Where no tile is left: the next of the block's windows of 32 tiles that holds one that some row sees. Those become the bits of
    /// `left`; others are never read, and cost no step of their own, however long a cache is.
    private func look(_ frame: SIMTFrame) -> [String] {
        let terms = rows * tileKeys
        return [
            "while (left == 0 && first + \(32 * parts) < turns) { first += \(32 * parts); BARRIER;",
            "for (int j = warp; j < 32; j += \(warps)) { const int turn = first + j * \(parts); int any = 0;",
            "if (turn < turns) \(terms <= 512 ? "UNROLL " : "")for (int u = 0; u < \((terms + 31) / 32); ++u) { const int e = u * 32 + lane;",
            "if (e < \(terms)) { const int r = e / \(tileKeys); "
                + "const \(frame.integer) k = (\(frame.integer))turn * \(tileKeys) + e % \(tileKeys);",
            "if (k < allKeys) any |= (\(term(frame))) != -__builtin_inff(); } }",
            "any = __any_sync(0xffffffffu, any); if (lane == 0) isSeen[j] = any; }", "BARRIER;",
            "left = __ballot_sync(0xffffffffu, isSeen[lane]); }",
        ]
    }

    /// Scores and values of the 16 keys that a warp has of a tile; scores are in units of log₂.
    private var tileOfWarp: [String] {
        let type = shape.element.rawValue
        let factor = CTypes.real(body.scale * 1.442_695_040_888_963_4, .f32)
        let pair = "pair_\(type)"
        return [
            "const uint32_t tileKeys = keys + now * \(stageBytes), tileValues = tileKeys + \(tileKeys * pitch);",
            "float s[2][4] = {{0, 0, 0, 0}, {0, 0, 0, 0}};",
            "UNROLL for (int d = 0; d < \(depth / 16); ++d) { uint32_t q[4], k[4];",
            // Read again for every tile: registers are scarce, and what is asked for ahead needs some.
            "const int slice = d * 2 + lane / 16; load_matrices(q, queries + lane % 16 * \(pitch) + ((slice ^ (lane & 7)) << 4));",
            "const int r = warp * 16 + lane / 16 * 8 + lane % 8, c = d * 2 + lane / 8 % 2;",
            "load_matrices(k, tileKeys + r * \(pitch) + ((c ^ (r & 7)) << 4));",
            "multiply_\(type)(s[0], q, k); multiply_\(type)(s[1], q, k + 2); }",
            "UNROLL for (int side = 0; side < 2; ++side) { const int row = lane / 4 + side * 8; float best = peak[side];",
            "UNROLL for (int j = 0; j < 2; ++j) UNROLL for (int e = 2 * side; e < 2 * side + 2; ++e) {",
            "const float term = row < \(rows) ? terms[(now * \(rows) + row) * \(tileKeys) + warp * 16 + j * 8 + lane % 4 * 2 + e % 2] "
                + ": -__builtin_inff();",
            "s[j][e] = masked_fs(term, 1.442695041f, s[j][e] * \(factor));",
            "best = fmaxf(best, s[j][e]); }",
            "best = fmaxf(best, __shfl_xor_sync(0xffffffffu, best, 1));",
            "best = fmaxf(best, __shfl_xor_sync(0xffffffffu, best, 2));",
            "const float zero = best == -__builtin_inff() ? 0 : best, fade = exp2_near(peak[side] - zero);",
            "peak[side] = best; float sum = 0;",
            "UNROLL for (int j = 0; j < 2; ++j) UNROLL for (int e = 2 * side; e < 2 * side + 2; ++e) {",
            "s[j][e] = exp2_near(s[j][e] - zero); sum += s[j][e]; }",
            "total[side] = fma_fs(total[side], fade, sum);",
            "UNROLL for (int j = 0; j < \(valueDepth / 8); ++j) { o[j][2 * side] *= fade; o[j][2 * side + 1] *= fade; } }",
            "const uint32_t p[4] = {\(pair)(s[0][0], s[0][1]), \(pair)(s[0][2], s[0][3]), "
                + "\(pair)(s[1][0], s[1][1]), \(pair)(s[1][2], s[1][3])};",
            "UNROLL for (int n = 0; n < \(valueDepth / 16); ++n) {",
            "uint32_t v[4]; const int r = warp * 16 + lane % 16, c = n * 2 + lane / 16;",
            "load_matrices_turned(v, tileValues + r * \(valuePitch) + ((c ^ (r & 7)) << 4));",
            "multiply_\(type)(o[2 * n], p, v); multiply_\(type)(o[2 * n + 1], p, v + 2); }",
        ]
    }

    /// The results of the warps become the block's: `sums` over rows and values, with a peak and a total a row.
    private var joinWarps: [String] {
        let size = rows * valueDepth
        let isLast = parts == 1
        return [
            "float *const each = (float *)arena, *const sums = each + \(warps * size), *const peaks = sums + \(size), "
                + "*const totals = peaks + \(warps * 16);",
            isClustered ? "float *const tops = totals + \(warps * 16), *const joined = tops + \(2 * rows);" : "",
            "UNROLL for (int side = 0; side < 2; ++side) { const int row = lane / 4 + side * 8; float sum = total[side];",
            "sum += __shfl_xor_sync(0xffffffffu, sum, 1); sum += __shfl_xor_sync(0xffffffffu, sum, 2);",
            "if (lane % 4 == 0) { peaks[warp * 16 + row] = peak[side]; totals[warp * 16 + row] = sum; }",
            "if (row < \(rows)) UNROLL for (int j = 0; j < \(valueDepth / 8); ++j) UNROLL for (int e = 0; e < 2; ++e)",
            "each[(warp * \(rows) + row) * \(valueDepth) + j * 8 + lane % 4 * 2 + e] = o[j][2 * side + e]; }",
            "BARRIER;",
            isShared
                ? "volatile GLOBAL float *const shares = (volatile GLOBAL float *)scratch + (int64_t)head * \(parts * (size + 2 * rows)); "
                    + "volatile GLOBAL float *const own = shares + part * \(size + 2 * rows);" : "",
            "for (int e = thread; e < \(size); e += \(threads)) { const int r = e / \(valueDepth); float top = -__builtin_inff();",
            "UNROLL for (int w = 0; w < \(warps); ++w) top = fmaxf(top, peaks[w * 16 + r]);",
            "const float zero = top == -__builtin_inff() ? 0 : top; float sum = 0, all = 0;",
            "UNROLL for (int w = 0; w < \(warps); ++w) { const float factor = exp2_near(peaks[w * 16 + r] - zero);",
            "sum = fma_fs(each[w * \(size) + e], factor, sum); all = fma_fs(totals[w * 16 + r], factor, all); }",
            isLast
                ? "sums[e] = all == 0 ? 0 : div_fs(sum, all); }"
                : isClustered
                    ? "sums[e] = sum; if (e % \(valueDepth) == 0) { tops[r] = top; tops[\(rows) + r] = all; } }"
                    : "own[e] = sum; if (e % \(valueDepth) == 0) { own[\(size) + r] = top; own[\(size + rows) + r] = all; } }",
        ].filter { !$0.isEmpty } + (isLast ? ["BARRIER;"] : [])
    }

    /// Every block of a head joins its share of the results of all.
    private var joinCluster: [String] {
        let each = "UNROLL for (int o = 0; o < \(parts); ++o)"
        return [
            "CLUSTER_BARRIER;",
            "const uint32_t own = keys - \(16 * pitch), sumsAt = own + \(warps * rows * valueDepth * 4), "
                + "topsAt = sumsAt + \((rows * valueDepth + 2 * warps * 16) * 4);",
            "for (int e = thread; e < \(share); e += \(threads)) {",
            "const int at = part * \(share) + e, r = at / \(valueDepth);",
            "float top[\(parts)], one[\(parts)], total[\(parts)], most = -__builtin_inff(), all = 0, sum = 0;",
            "\(each) { top[o] = of_cluster(topsAt + r * 4, o); total[o] = of_cluster(topsAt + (\(rows) + r) * 4, o); "
                + "one[o] = of_cluster(sumsAt + at * 4, o); }",
            "\(each) most = fmaxf(most, top[o]);", "if (most == -__builtin_inff()) most = 0;",
            "\(each) { const float factor = exp2_near(top[o] - most); "
                + "all = fma_fs(total[o], factor, all); sum = fma_fs(one[o], factor, sum); }",
            "joined[e] = all == 0 ? 0 : div_fs(sum, all); }", "BARRIER;",
        ]
    }

    /// The last block of a head joins what all have left in scratch memory.
    private var joinBlocks: [String] {
        guard parts > 1 else { return [] }
        let size = rows * valueDepth
        let share = size + 2 * rows
        return [
            "FENCE; BARRIER_ALL;", "if (thread == 0) arrived = count_up(counters + head);", "BARRIER_ALL;",
            "if (arrived != \(parts - 1)) return;", "FENCE;", "if (thread == 0) counters[head] = 0;",
            "for (int e = thread; e < \(rows * parts); e += \(threads)) {",
            "volatile GLOBAL float *const other = shares + e / \(rows) * \(share) + \(size) + e % \(rows);",
            "factors[e] = other[0]; otherTotals[e] = other[\(rows)]; }", "BARRIER;",
            "if (thread < \(rows)) { float top = -__builtin_inff(), all = 0;",
            "for (int o = 0; o < \(parts); ++o) top = fmaxf(top, factors[o * \(rows) + thread]);",
            "if (top == -__builtin_inff()) top = 0;",
            "for (int o = 0; o < \(parts); ++o) { const float factor = exp2_near(factors[o * \(rows) + thread] - top);",
            "factors[o * \(rows) + thread] = factor; all = fma_fs(otherTotals[o * \(rows) + thread], factor, all); }",
            "totals[thread] = all == 0 ? 0 : div_fs(1.0f, all); }", "BARRIER;",
            // Shares of blocks that saw nothing are not read; all others are under way at once.
            "for (int e = thread; e < \(size); e += \(threads)) { const int r = e / \(valueDepth); float sum = 0;",
            "float one[\(parts)]; UNROLL for (int o = 0; o < \(parts); ++o) "
                + "one[o] = factors[o * \(rows) + r] != 0 ? shares[o * \(share) + e] : 0;",
            "UNROLL for (int o = 0; o < \(parts); ++o) sum = fma_fs(one[o], factors[o * \(rows) + r], sum);",
            "sums[e] = sum * totals[r]; }", "BARRIER;",
        ]
    }
}
