import ElementTypes
import KernelIR

/// Attention of many queries on matrix units (FlashAttention-2, Dao 2023): every warp has 16 query rows, scores stay in
/// registers and turn into the left factor of the second product; tiles of 64 keys and values are copied ahead.
struct SIMTFlashWriter {
    let shape: SIMTAttentionShape
    let symbol: String
    /// Warps of a block.
    let warps: Int

    /// Keys of a tile.
    private static let tileKeys = 64

    private var body: AttentionKernel { shape.body }
    private var depth: Int { shape.depth ?? 0 }
    private var valueDepth: Int { shape.valueDepth ?? 0 }
    private var rows: Int { warps * 16 }
    private var threads: Int { warps * 32 }
    /// Bytes between rows in shared memory.
    private var pitch: Int { SIMTAttentionShape.pitch(depth) }
    private var valuePitch: Int { SIMTAttentionShape.pitch(valueDepth) }
    private var stageBytes: Int { Self.tileKeys * (pitch + valuePitch) }
    private var sharedBytes: Int { max(rows * pitch + 2 * stageBytes, rows * (valueDepth + 4) * 4) }

    /// Whether matrix units serve an attention.
    static func applies(_ shape: SIMTAttentionShape) -> Bool {
        guard shape.target.hasMatrixUnits, shape.element == .bf16 || shape.element == .f16, let depth = shape.depth,
            let valueDepth = shape.valueDepth
        else { return false }
        return depth % 16 == 0 && valueDepth % 16 == 0 && depth <= 128 && valueDepth <= 128
            && SIMTFlashWriter(shape: shape, symbol: "", warps: 8).sharedBytes <= shape.target.sharedBytes
    }

    func write() -> EmittedKernel {
        let frame = shape.frame(symbol)
        let queryAxes = [body.batch, body.keyHeads, body.group, body.queries]
        let (query, key, value) = shape.operands(frame)
        let finish = frame.finishing(
            body.epilogue, body.stores, over: queryAxes + [body.valueDepth], count: rows * valueDepth, threads: threads,
            point: [
                "const int r = e / \(valueDepth), c = e % \(valueDepth); const \(frame.integer) row = first + r;",
                "const \(frame.integer) near = row < rows ? row : rows - 1; (void)near;",
            ],
            arguments: ["b", "h", "row / length", "row % length", "c"],
            inside: ["b", "h", "near / length", "near % length", "c"],
            accumulator: "sums[r * \(valueDepth + 4) + c]", condition: "row < rows")
        let functions =
            query.functions + key.functions + value.functions + shape.maskFunctions(frame)
            + finish.functions
        let i = frame.integer
        func tiles(_ turn: String) -> [String] {
            func fill(_ operand: SIMTOperand, _ extent: Int, _ pitch: Int, _ offset: String) -> [String] {
                operand.fill(
                    rows: Self.tileKeys, runs: extent / 8, pitch: pitch, threads: threads,
                    first: "(\(turn)) * \(Self.tileKeys)", limit: "allKeys", from: "0", end: "\(extent)",
                    base: "keys + (\(turn)) % 2 * \(stageBytes)\(offset)", integer: i,
                    arguments: ["b", "h", "line", "s"])
            }
            return fill(key, depth, pitch, "") + fill(value, valueDepth, valuePitch, " + \(Self.tileKeys * pitch)")
        }
        var lines = [
            "OVERLAP_BEGIN; OVERLAP_WAIT;", "extern __shared__ __align__(128) unsigned char arena[];",
            "const int thread = THREAD, lane = thread % 32, warp = thread / 32;",
            "const uint32_t queries = (uint32_t)__cvta_generic_to_shared(arena), keys = queries + \(rows * pitch);",
        ]
        lines += shape.place(rows: rows, frame)
        lines.append("const int turns = (seen + \(Self.tileKeys - 1)) / \(Self.tileKeys);")
        lines += query.fill(
            rows: rows, runs: depth / 8, pitch: pitch, threads: threads, first: "first", limit: "rows", from: "0",
            end: "\(depth)", base: "queries", integer: i,
            arguments: ["b", "h", "line / length", "line % length", "s"])
        lines += ["COPIES_COMMIT;"] + tiles("0") + ["COPIES_COMMIT;"]
        lines += state(i) + ["for (int turn = 0; turn < turns; ++turn) {", "if (turn + 1 < turns) {"]
        lines += tiles("turn + 1") + ["}", "COPIES_COMMIT; COPIES_WAIT(1); __syncthreads();"]
        lines += ["if (turn == 0) {"] + loadQueries + ["}"]
        lines += scores(frame) + softmax + addValues + ["__syncthreads();", "}"]
        lines += gather() + finish.statements
        return EmittedKernel(
            symbol: symbol, source: functions + frame.kernelFunction(threads: threads, lines),
            arguments: shape.kernel.parameters.indices.map { .parameter($0) }, packings: [], workspaceBytes: 0,
            parts: .grid(
                .init(
                    blocks: shape.heads * shape.rowBlocks(rows, frame), threads: threads, sharedBytes: sharedBytes,
                    overlaps: shape.target.overlaps)))
    }

    private func state(_ integer: String) -> [String] {
        [
            "uint32_t q[\(depth / 16)][4];", "float o[\(valueDepth / 8)][4];",
            "UNROLL for (int j = 0; j < \(valueDepth / 8); ++j) UNROLL for (int e = 0; e < 4; ++e) o[j][e] = 0;",
            "float peak[2] = {-__builtin_inff(), -__builtin_inff()}, total[2] = {0, 0};",
            "const \(integer) row0 = first + warp * 16 + lane / 4, row1 = row0 + 8;",
            "const \(integer) g0 = row0 / length, i0_ = row0 % length, g1 = row1 / length, i1_ = row1 % length;",
        ]
    }

    private var loadQueries: [String] {
        [
            "UNROLL for (int d = 0; d < \(depth / 16); ++d) { const int r = warp * 16 + lane % 16, c = d * 2 + lane / 16;",
            "load_matrices(q[d], queries + r * \(pitch) + ((c ^ (r & 7)) << 4)); }",
        ]
    }

    /// Scores of 16 rows and 64 keys, in units of log₂.
    private func scores(_ frame: SIMTFrame) -> [String] {
        let type = shape.element.rawValue
        let factor = CTypes.real(body.scale * 1.442_695_040_888_963_4, .f32)
        let tile = Self.tileKeys
        var lines = [
            "const uint32_t tileKeys = keys + turn % 2 * \(stageBytes), tileValues = tileKeys + \(tile * pitch);",
            "float s[\(tile / 8)][4];",
            "UNROLL for (int j = 0; j < \(tile / 8); ++j) UNROLL for (int e = 0; e < 4; ++e) s[j][e] = 0;",
            "UNROLL for (int d = 0; d < \(depth / 16); ++d) UNROLL for (int j = 0; j < \(tile / 16); ++j) {",
            "uint32_t k[4]; const int r = j * 16 + lane / 16 * 8 + lane % 8, c = d * 2 + lane / 8 % 2;",
            "load_matrices(k, tileKeys + r * \(pitch) + ((c ^ (r & 7)) << 4));",
            "multiply_\(type)(s[2 * j], q[d], k); multiply_\(type)(s[2 * j + 1], q[d], k + 2); }",
            "UNROLL for (int j = 0; j < \(tile / 8); ++j) UNROLL for (int e = 0; e < 4; ++e) s[j][e] *= \(factor);",
        ]
        // Only tiles with hidden keys look at each of them.
        let position = "const \(frame.integer) key = turn * \(tile) + j * 8 + lane % 4 * 2 + e % 2;"
        let each = "UNROLL for (int j = 0; j < \(tile / 8); ++j) UNROLL for (int e = 0; e < 4; ++e) {"
        if body.mask != nil {
            let term = shape.term(frame, group: "(e < 2 ? g0 : g1)", query: "(e < 2 ? i0_ : i1_)", key: "key")
            lines += [
                each, position,
                "s[j][e] = key < allKeys && (e < 2 ? row0 : row1) < rows "
                    + "? masked_fs(\(term), 1.442695041f, s[j][e]) : -__builtin_inff(); }",
            ]
        } else {
            let hides =
                body.isCausal
                ? "key >= allKeys || key > (e < 2 ? i0_ : i1_)" : "key >= allKeys"
            let isEdge =
                body.isCausal
                ? "turn * \(tile) + \(tile - 1) > (i0_ < i1_ ? i0_ : i1_) || turn * \(tile) + \(tile) > allKeys"
                : "turn * \(tile) + \(tile) > allKeys"
            lines += ["if (\(isEdge)) {", each, position, "if (\(hides)) s[j][e] = -__builtin_inff(); }", "}"]
        }
        return lines
    }

    private var softmax: [String] {
        let tile = Self.tileKeys
        return [
            "UNROLL for (int side = 0; side < 2; ++side) {", "float best = peak[side];",
            "UNROLL for (int j = 0; j < \(tile / 8); ++j) best = fmaxf(best, fmaxf(s[j][2 * side], s[j][2 * side + 1]));",
            "best = fmaxf(best, __shfl_xor_sync(0xffffffffu, best, 1));",
            "best = fmaxf(best, __shfl_xor_sync(0xffffffffu, best, 2));",
            "const float zero = best == -__builtin_inff() ? 0 : best, fade = exp2_near(peak[side] - zero);",
            "peak[side] = best; float sum = 0;",
            "UNROLL for (int j = 0; j < \(tile / 8); ++j) UNROLL for (int e = 2 * side; e < 2 * side + 2; ++e) {",
            "s[j][e] = exp2_near(s[j][e] - zero); sum += s[j][e]; }",
            "total[side] = fmaf(total[side], fade, sum);",
            "UNROLL for (int j = 0; j < \(valueDepth / 8); ++j) { o[j][2 * side] *= fade; o[j][2 * side + 1] *= fade; }",
            "}",
        ]
    }

    private var addValues: [String] {
        let type = shape.element.rawValue
        let pair = "pair_\(type)"
        return [
            "UNROLL for (int j = 0; j < \(Self.tileKeys / 16); ++j) {",
            "const uint32_t p[4] = {\(pair)(s[2 * j][0], s[2 * j][1]), \(pair)(s[2 * j][2], s[2 * j][3]), "
                + "\(pair)(s[2 * j + 1][0], s[2 * j + 1][1]), \(pair)(s[2 * j + 1][2], s[2 * j + 1][3])};",
            "UNROLL for (int n = 0; n < \(valueDepth / 16); ++n) {",
            "uint32_t v[4]; const int r = j * 16 + lane % 16, c = n * 2 + lane / 16;",
            "load_matrices_turned(v, tileValues + r * \(valuePitch) + ((c ^ (r & 7)) << 4));",
            "multiply_\(type)(o[2 * n], p, v); multiply_\(type)(o[2 * n + 1], p, v + 2); } }",
        ]
    }

    private func gather() -> [String] {
        let line = valueDepth + 4
        return [
            "COPIES_WAIT(0); __syncthreads();", "float *const sums = (float *)arena;",
            "UNROLL for (int side = 0; side < 2; ++side) { float sum = total[side];",
            "sum += __shfl_xor_sync(0xffffffffu, sum, 1); sum += __shfl_xor_sync(0xffffffffu, sum, 2);",
            "const float factor = sum == 0 ? 0 : 1 / sum;",
            "UNROLL for (int j = 0; j < \(valueDepth / 8); ++j) UNROLL for (int e = 0; e < 2; ++e)",
            "sums[(warp * 16 + lane / 4 + side * 8) * \(line) + j * 8 + lane % 4 * 2 + e] = o[j][2 * side + e] * factor; }",
            "__syncthreads();",
        ]
    }
}
