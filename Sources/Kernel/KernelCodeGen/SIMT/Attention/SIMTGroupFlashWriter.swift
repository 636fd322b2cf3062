import ElementTypes
import KernelIR

/// Attention of many queries on Hopper's matrix units by specialised warps (FlashAttention-3, Shah et al. 2024): one group of four
/// warps fetches tiles of keys and values, each of the others has 64 query rows. Scores of a tile are multiplied while the tile before is
/// still being added to the result, and groups that are at different steps keep the units and the rest of the processor busy
/// together. Scores turn into the left factor of the second product in registers; values are read turned about.
struct SIMTGroupFlashWriter {
    /// What a block computes.
    struct Tile {
        /// Groups of warps that multiply, each 64 query rows.
        let groups: Int
        /// Keys at a time.
        let keys: Int
        /// Whether queries stay in registers; else the units read them from shared memory each time.
        let keepsQueries: Bool

        var threads: Int { 128 * (groups + 1) }
        var rows: Int { 64 * groups }
    }

    /// The tiles that a schedule names by their place.
    static let tiles = [
        Tile(groups: 4, keys: 64, keepsQueries: false), Tile(groups: 2, keys: 64, keepsQueries: true),
        Tile(groups: 2, keys: 128, keepsQueries: true), Tile(groups: 2, keys: 128, keepsQueries: false),
        Tile(groups: 3, keys: 64, keepsQueries: true), Tile(groups: 3, keys: 128, keepsQueries: false),
        Tile(groups: 1, keys: 64, keepsQueries: true), Tile(groups: 1, keys: 128, keepsQueries: true),
    ]
    /// Keys of all tiles.
    static let scoreColumns = [64, 128]
    /// Columns of values that are multiplied at once.
    static let valueColumns = [16, 32, 48, 64]

    let shape: SIMTAttentionShape
    let symbol: String
    let tile: Tile
    /// Tiles of keys, and of values, in shared memory.
    let stages: Int

    private var body: AttentionKernel { shape.body }
    private var depth: Int { shape.depth ?? 0 }
    private var valueDepth: Int { shape.valueDepth ?? 0 }
    private var type: String { shape.element.rawValue }
    /// Runs of 64 elements that a row is cut into, each a matrix of its own in shared memory.
    private var planes: Int { (depth + 63) / 64 }
    private var valuePlanes: Int { (valueDepth + 63) / 64 }
    private var keyBytes: Int { planes * tile.keys * 128 }
    private var valueBytes: Int { valuePlanes * tile.keys * 128 }
    private var queryBytes: Int { planes * 8192 }
    // What lies where in shared memory.
    private var valuesAt: Int { stages * keyBytes }
    private var queriesAt: Int { valuesAt + stages * valueBytes }
    private var patchesAt: Int { queriesAt + tile.groups * queryBytes }
    private var termsAt: Int { patchesAt + tile.groups * 4 * SIMTWarpFinish.patchBytes }
    private var barriersAt: Int { termsAt + (hasTerms ? stages * (tile.keys + 4) * 4 : 0) }
    private var sharedBytes: Int { barriersAt + stages * 32 }

    /// Whether a block has room for it.
    var fits: Bool { sharedBytes <= shape.target.sharedBytes }

    /// Whether the mask is the same for all queries: then a tile's terms are computed once, by the group that fetches.
    private var hasTerms: Bool {
        guard let mask = body.mask else { return false }
        return !mask.uses(body.queries.variable) && !mask.uses(body.group.variable)
    }

    /// Registers of a thread that multiplies, about.
    private var wantedRegisters: Int {
        valueDepth / 2 + tile.keys / 2 + tile.keys / 4 + (tile.keepsQueries ? depth / 4 : 0) + 28
    }

    /// Blocks that a processor has room for.
    private var residents: Int {
        let fits = 2 * (sharedBytes + 1024) <= shape.target.sharedBytes + 1024
        return fits && registers(residents: 2) >= wantedRegisters ? 2 : 1
    }

    /// Registers of a thread that fetches: addresses of many runs want more than 32, where there are any left.
    private func fetchingRegisters(residents: Int) -> Int {
        [72, 56, 48, 40].first { registers(residents: residents, fetching: $0) >= wantedRegisters } ?? 32
    }

    /// Registers of a thread that multiplies: what all are given at the launch is shared out again.
    private func registers(residents: Int, fetching: Int = 32) -> Int {
        let even = min(240, 65536 / (residents * tile.threads) / 8 * 8)
        return min(240, (even * (tile.groups + 1) - fetching) / tile.groups / 8 * 8)
    }

    /// Whether an attention can be computed so.
    static func applies(_ shape: SIMTAttentionShape) -> Bool {
        guard shape.target.hasGroupUnits, SIMTFlashWriter.applies(shape), shape.body.scale > 0,
            shape.frame("probe").ranges.lowerBound(shape.body.keys.extent) ?? 0 >= 1
        else { return false }
        let body = shape.body
        return isFetched(shape, body.key, [body.keys, body.depth])
            && isFetched(shape, body.value, [body.keys, body.valueDepth])
    }

    /// The tiles' places, the likely best first. Measured on an H200 (Benchmarks/results): many rows share keys where sums are short
    /// and blocks fill the device; where they do not, one group a block, and two blocks a processor: over 128 keys at a time where sums are
    /// short and no more keys are read for it.
    static func preferredTiles(_ shape: SIMTAttentionShape) -> [Int] {
        let processors = shape.target.multiprocessors
        let isWide = ((shape.body.keys.extent.constantValue ?? 64) + 63) / 64 % 2 == 0
        let first =
            max(shape.depth ?? 0, shape.valueDepth ?? 0) <= 64
            ? (10 * shape.blocks(rows: 256) >= 9 * processors ? 0 : isWide ? 7 : 6)
            : (shape.blocks(rows: 128) >= 2 * processors ? 3 : 6)
        // Where registers are scarce the units wait for each other.
        return [first]
            + tiles.indices.filter { place in
                let writer = Self(shape: shape, symbol: "", tile: tiles[place], stages: 2)
                return place != first && writer.fits && writer.registers(residents: 1) >= writer.wantedRegisters
            }
    }

    /// Whether rows of keys or values lie as runs in memory, one as far from the next as any.
    private static func isFetched(_ shape: SIMTAttentionShape, _ function: ScalarFunction, _ axes: [LoopAxis]) -> Bool {
        let frame = shape.frame("probe")
        guard let load = function.plainLoad, load.index.linearCoefficient(of: shape.body.keys.variable) != nil else {
            return false
        }
        let all = [shape.body.batch, shape.body.keyHeads] + axes
        return frame.runAddress("probe", function, over: all, along: axes[1], count: 8, element: shape.element) != nil
            && !frame.isMasked(function, along: axes[1], count: 8)
    }

    func write() -> EmittedKernel {
        let frame = shape.frame(symbol)
        let (query, key, value) = shape.operands(frame)
        let i = frame.integer
        let heads = [body.batch, body.keyHeads]
        let finish = SIMTWarpFinish(
            frame, body.epilogue, body.stores, over: heads + [body.group, body.queries, body.valueDepth],
            .init(
                point: ["const \(i) row = top + r, near = row < rows ? row : rows - 1; (void)near;"],
                arguments: ["b", "h", "row / length", "row % length", "edge + q"],
                inside: { run in
                    [
                        "b", "h", "near / length", "near % length",
                        "(edge + q < \(valueDepth) ? edge + q : \(valueDepth - run))",
                    ]
                }, condition: "row < rows && edge + q < \(valueDepth)"))
        let residents = self.residents
        let fetching = fetchingRegisters(residents: residents)
        var lines = [
            "OVERLAP_BEGIN;", "extern __shared__ __align__(1024) unsigned char arena[];",
            "const int thread = THREAD % 128, lane = thread % 32, group = THREAD / 128;",
            "const uint32_t shared = (uint32_t)__cvta_generic_to_shared(arena);",
            "const uint32_t fullKeys = shared + \(barriersAt), freeKeys = fullKeys + \(8 * stages), "
                + "fullValues = freeKeys + \(8 * stages), freeValues = fullValues + \(8 * stages);",
            "if (THREAD == 0) { for (int s = 0; s < \(stages); ++s) {",
            "barrier_begin(fullKeys + 8 * s, \(hasTerms ? 256 : 128)); barrier_begin(fullValues + 8 * s, 128);",
            "barrier_begin(freeKeys + 8 * s, \(tile.groups)); barrier_begin(freeValues + 8 * s, \(tile.groups)); }",
            "BARRIERS_BEGUN;", "}", "BARRIER;", "OVERLAP_WAIT;",
        ]
        lines += shape.place(rows: tile.rows, frame)
        if hasTerms {
            lines += [
                "float *const terms = (float *)(arena + \(termsAt)); "
                    + "int *const hides = (int *)(terms + \(stages * tile.keys));"
            ]
        }
        lines += [
            "const int turns = (int)((seen + \(tile.keys - 1)) / \(tile.keys));", "int stage = 0, phase = 0;",
            "if (group == \(tile.groups)) {", "REGISTERS_DOWN(\(fetching));",
        ]
        lines +=
            self.fetching(frame) + [
                "} else {", "REGISTERS_UP(\(registers(residents: residents, fetching: fetching)));",
            ]
        lines += multiplying(frame, query, finish) + ["}"]
        return EmittedKernel(
            symbol: symbol,
            source: query.functions + key.functions + value.functions + shape.maskFunctions(frame) + finish.functions
                + frame.kernelFunction(threads: tile.threads, blocksPerProcessor: residents, lines),
            arguments: shape.kernel.parameters.indices.map { .parameter($0) }, packings: [], workspaceBytes: 0,
            parts: .grid(
                .init(
                    blocks: shape.heads * shape.rowBlocks(tile.rows, frame), threads: tile.threads,
                    sharedBytes: sharedBytes,
                    overlaps: shape.target.overlaps)))
    }

    private var advance: String { "if (++stage == \(stages)) { stage = 0; phase ^= 1; }" }

    // MARK: Fetching

    /// What the group does that fetches: a thread has one run of every sixteenth row.
    private func fetching(_ frame: SIMTFrame) -> [String] {
        let storage = frame.storage(shape.element)
        var lines = ["const int q = thread % 8, r = thread / 8;"]
        func rows(_ name: String, _ function: ScalarFunction, _ planes: Int) -> String {
            let stride = function.plainLoad?.index.linearCoefficient(of: body.keys.variable) ?? 0
            lines.append("const int64_t \(name)Stride = \(frame.index.print(stride));")
            for plane in 0..<planes {
                let place = frame.call(name, ["b", "h", "0", "(\(plane * 64) + q * 8)"])
                lines.append("GLOBAL const \(storage) *const \(name)\(plane) = \(place);")
            }
            return "\(name)Stride"
        }
        let keyStride = rows("key", body.key, planes)
        let valueStride = rows("value", body.value, valuePlanes)
        func fill(_ name: String, _ stride: String, _ extent: Int, _ at: String, _ full: String) -> [String] {
            func copies(_ isWhole: Bool) -> [String] {
                (0..<(extent + 63) / 64).flatMap { plane -> [String] in
                    let runs = min(8, (extent - plane * 64) / 8)
                    let to = "\(at) + \(plane * tile.keys * 128) + (r + i * 16) * 128 + ((q ^ (r & 7)) << 4)"
                    let from = "\(name)\(plane) + row * \(stride) + i * 16 * \(stride)"
                    let isThere = "row + i * 16 < allKeys"
                    return [
                        runs < 8 ? "if (q < \(runs))" : "", "UNROLL for (int i = 0; i < \(tile.keys / 16); ++i)",
                        isWhole
                            ? "copy16(\(to), \(from), 1);"
                            : "copy16(\(to), \(isThere) ? \(from) : \(name)\(plane), \(isThere));",
                    ]
                }
            }
            return ["if ((turn + 1) * \(tile.keys) <= allKeys) {"] + copies(true) + ["} else {"] + copies(false)
                + ["}", "barrier_copies(\(full) + 8 * stage);"]
        }
        lines += [
            "KEEP_LOOP for (int turn = 0; turn < turns; ++turn) {", "const int64_t row = turn * \(tile.keys) + r;",
            "if (turn >= \(stages)) barrier_wait(freeKeys + 8 * stage, phase ^ 1);",
        ]
        lines += fill("key", keyStride, depth, "shared + stage * \(keyBytes)", "fullKeys")
        if hasTerms { lines += terms(frame) }
        lines.append("if (turn >= \(stages)) barrier_wait(freeValues + 8 * stage, phase ^ 1);")
        lines += fill("value", valueStride, valueDepth, "shared + \(valuesAt) + stage * \(valueBytes)", "fullValues")
        return lines + [advance, "}"]
    }

    /// What is added to the scores of a tile's keys, in units of the products, and whether anything is.
    private func terms(_ frame: SIMTFrame) -> [String] {
        let term = shape.maskTerm(frame, group: "0", query: "0", key: "key")
        return [
            "if (thread < \(tile.keys)) {",
            "const \(frame.integer) key = turn * \(tile.keys) + thread; float term = -__builtin_inff();",
            "if (key < allKeys) term = \(term) * \(CTypes.real(1 / body.scale, .f32));",
            "terms[stage * \(tile.keys) + thread] = term;", "const int any = __any_sync(0xffffffffu, term != 0);",
            "if (lane == 0) hides[stage * 4 + thread / 32] = any; }", "barrier_arrive(fullKeys + 8 * stage);",
        ]
    }

    // MARK: Multiplying

    /// What the groups do that multiply.
    private func multiplying(_ frame: SIMTFrame, _ query: SIMTOperand, _ finish: SIMTWarpFinish) -> [String] {
        let i = frame.integer
        var lines = [
            "const int warp = thread / 32;",
            "float *const sums = (float *)(arena + \(patchesAt)) + (group * 4 + warp) * \(16 * SIMTWarpFinish.pitch);",
            "const \(i) top = first + group * 64 + warp * 16;",
            "const uint32_t queries = shared + \(queriesAt) + group * \(queryBytes);", "{ const int thread = lane;",
        ]
        for plane in 0..<planes {
            lines += query.fill(
                rows: 16, runs: min(8, (depth - plane * 64) / 8), pitch: 128, threads: 32, first: "top", limit: "rows",
                from: "\(plane * 64)", end: "\(depth)", base: "queries + \(plane * 8192) + warp * 2048", integer: i,
                arguments: ["b", "h", "line / length", "line % length", "s"])
        }
        lines += ["}", "COPIES_COMMIT; COPIES_WAIT(0);"]
        if tile.keepsQueries {
            lines += [
                "WARP_BARRIER;", "uint32_t q[\(depth / 16)][4];", "UNROLL for (int d = 0; d < \(depth / 16); ++d) {",
                "const int r = lane % 16, c = d % 4 * 2 + lane / 16;",
                "load_matrices(q[d], queries + d / 4 * 8192 + warp * 2048 + r * 128 + ((c ^ (r & 7)) << 4)); }",
            ]
        } else {
            lines.append(
                "GROUP_SEES;" + (0..<tile.groups).map { " if (group == \($0)) GROUP_MEET(\($0 + 1));" }.joined())
        }
        lines += [
            "float c[\(valueDepth / 2)], s[\(tile.keys / 2)]; uint32_t p[\(tile.keys / 16)][4];",
            "UNROLL for (int e = 0; e < \(valueDepth / 2); ++e) c[e] = 0;",
            "float peak[2] = {-__builtin_inff(), -__builtin_inff()}, total[2] = {0, 0}, fade[2];",
            "const \(i) row0 = top + lane / 4, row1 = row0 + 8; (void)row1;",
            "const \(i) g0 = row0 / length, i0_ = row0 % length, g1 = row1 / length, i1_ = row1 % length;",
            "(void)g0; (void)g1; (void)i0_; (void)i1_;",
            "barrier_wait(fullKeys, 0);", "GROUP_FENCE;",
        ]
        lines += scores("0") + ["GROUP_COMMIT; GROUP_WAIT(0);"]
        lines += softmax(frame, turn: "0", stage: "0") + [release("freeKeys", "0")] + pack
        lines += ["if (turns > 1) {", "int turn = 1, before = 0, phaseBefore = 0;", advance, "KEEP_LOOP do {"]
        lines += ["barrier_wait(fullKeys + 8 * stage, phase);", "GROUP_FENCE;"] + scores("stage") + ["GROUP_COMMIT;"]
        lines +=
            ["barrier_wait(fullValues + 8 * before, phaseBefore);", "GROUP_FENCE;"] + addValues("before") + [
                "GROUP_COMMIT;"
            ]
        lines += ["GROUP_WAIT(1);"] + softmax(frame, turn: "turn", stage: "stage") + [release("freeKeys", "stage")]
        lines += [
            "GROUP_WAIT(0);", release("freeValues", "before"),
            "UNROLL for (int e = 0; e < \(valueDepth / 2); ++e) c[e] *= fade[e / 2 % 2];",
        ]
        lines += pack + ["before = stage; phaseBefore = phase;", advance, "} while (++turn < turns);", "}"]
        // The last tile's values.
        lines += [
            "const int last = (turns - 1) % \(stages);",
            "barrier_wait(fullValues + 8 * last, (turns - 1) / \(stages) & 1);", "GROUP_FENCE;",
        ]
        lines += addValues("last") + ["GROUP_COMMIT; GROUP_WAIT(0);"]
        lines += [
            "UNROLL for (int side = 0; side < 2; ++side) { float sum = total[side];",
            "sum += __shfl_xor_sync(0xffffffffu, sum, 1); sum += __shfl_xor_sync(0xffffffffu, sum, 2);",
            "total[side] = sum == 0 ? 0 : div_fs(1.0f, sum); }",
            "UNROLL for (int e = 0; e < \(valueDepth / 2); ++e) c[e] *= total[e / 2 % 2];",
        ]
        if let words = finish.words { lines.append(words) }
        return lines + finish.fetch("0", "0") + finish.finish(columns: valueDepth, first: "0", integer: i)
    }

    private func release(_ barrier: String, _ stage: String) -> String {
        "if (thread == 0) barrier_arrive(\(barrier) + 8 * \(stage));"
    }

    /// Starts the products of queries and a tile of keys.
    private func scores(_ stage: String) -> [String] {
        let left =
            tile.keepsQueries ? "q[d]" : "group_tile(queries + d / 4 * 8192 + d % 4 * 32)"
        return [
            "UNROLL for (int d = 0; d < \(depth / 16); ++d) multiply_group_\(tile.keepsQueries ? "kept" : "new")"
                + "_\(type)_\(tile.keys)(s, \(left), group_tile(shared + \(stage) * \(keyBytes) "
                + "+ d / 4 * \(tile.keys * 128) + d % 4 * 32), d > 0);"
        ]
    }

    /// Starts adding the products of weights and a tile of values.
    private func addValues(_ stage: String) -> [String] {
        (0..<valuePlanes).map { plane in
            "UNROLL for (int j = 0; j < \(tile.keys / 16); ++j) multiply_group_turned_\(type)_\(min(64, valueDepth - plane * 64))"
                + "(c + \(plane * 32), p[j], group_turned(shared + \(valuesAt) + \(stage) * \(valueBytes) "
                + "+ \(plane * tile.keys * 128) + j * 2048));"
        }
    }

    /// Weights as the left factor of the second product.
    private var pack: [String] {
        [
            "UNROLL for (int j = 0; j < \(tile.keys / 16); ++j) UNROLL for (int e = 0; e < 4; ++e) "
                + "p[j][e] = pair_\(type)(s[j * 8 + 2 * e], s[j * 8 + 2 * e + 1]);"
        ]
    }

    /// Hides scores, and turns them into weights.
    private func softmax(_ frame: SIMTFrame, turn: String, stage: String) -> [String] {
        let tileKeys = tile.keys
        let factor = CTypes.real(body.scale * 1.442_695_040_888_963_4, .f32)
        return hidden(frame, turn: turn, stage: stage) + [
            "UNROLL for (int side = 0; side < 2; ++side) {", "float best = peak[side];",
            "UNROLL for (int j = 0; j < \(tileKeys / 8); ++j) "
                + "best = fmaxf(best, fmaxf(s[4 * j + 2 * side], s[4 * j + 2 * side + 1]));",
            "best = fmaxf(best, __shfl_xor_sync(0xffffffffu, best, 1));",
            "best = fmaxf(best, __shfl_xor_sync(0xffffffffu, best, 2));",
            "const float zero = best == -__builtin_inff() ? 0 : best * \(factor);",
            "fade[side] = exp2_near(fmaf(peak[side], \(factor), -zero));", "peak[side] = best; float sum = 0;",
            "UNROLL for (int j = 0; j < \(tileKeys / 8); ++j) UNROLL for (int e = 0; e < 2; ++e) {",
            "float &x = s[4 * j + 2 * side + e]; x = exp2_near(fmaf(x, \(factor), -zero)); sum += x; }",
            "total[side] = fmaf(total[side], fade[side], sum);", "}",
        ]
    }

    /// Adds the mask to scores, and hides what no query of the tile may see.
    private func hidden(_ frame: SIMTFrame, turn: String, stage: String) -> [String] {
        let tileKeys = tile.keys
        let position = "const \(frame.integer) key = \(turn) * \(tileKeys) + j * 8 + lane % 4 * 2 + e % 2;"
        let each = "UNROLL for (int j = 0; j < \(tileKeys / 8); ++j) UNROLL for (int e = 0; e < 4; ++e) {"
        var lines: [String] = []
        if hasTerms {
            let any = (0..<tileKeys / 32).map { "hides[\(stage) * 4 + \($0)]" }.joined(separator: " | ")
            lines += [
                "if (\(any)) { UNROLL for (int j = 0; j < \(tileKeys / 8); ++j) UNROLL for (int e = 0; e < 4; ++e)",
                "s[4 * j + e] = masked_fs(terms[\(stage) * \(tileKeys) + j * 8 + lane % 4 * 2 + e % 2], 1, s[4 * j + e]); }",
            ]
        } else if body.mask != nil {
            let term = shape.maskTerm(frame, group: "(e < 2 ? g0 : g1)", query: "(e < 2 ? i0_ : i1_)", key: "key")
            lines += [
                each, position,
                "s[4 * j + e] = key < allKeys && (e < 2 ? row0 : row1) < rows "
                    + "? masked_fs(\(term), \(CTypes.real(1 / body.scale, .f32)), s[4 * j + e]) : -__builtin_inff(); }",
            ]
        }
        // Only tiles with hidden keys look at each of them.
        let ends = hasTerms || body.mask != nil ? [] : ["(\(turn) + 1) * \(tileKeys) > allKeys"]
        let crosses = body.isCausal ? ["\(turn) * \(tileKeys) + \(tileKeys - 1) > (i0_ < i1_ ? i0_ : i1_)"] : []
        guard !(ends + crosses).isEmpty else { return lines }
        let hides = body.isCausal ? "key >= allKeys || key > (e < 2 ? i0_ : i1_)" : "key >= allKeys"
        return lines + [
            "if (\((ends + crosses).joined(separator: " || "))) {", each, position,
            "if (\(hides)) s[4 * j + e] = -__builtin_inff(); }", "}",
        ]
    }
}
