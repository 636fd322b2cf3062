import ElementTypes
import KernelIR

/// Attention with vector lanes over queries. A unit of work is a block of `vectors × LANES` queries of one head; its
/// scores are kept transposed `[keys, queries]`, so that each product reads keys and values as scalars, in whatever
/// strides they have, and the softmax works lane by lane. bf16 operands go in pairs where the processor multiplies pairs.
struct AttentionOverQueries {
    let frame: CellFrame
    let body: AttentionKernel
    /// Vectors of queries in a block.
    let vectors: Int
    /// Keys (or value columns) of a register tile.
    let rows: Int
    /// Keys between updates of the softmax; even.
    let keyBlock: Int
    let threads: Int
    /// Whether operands are multiplied as pairs of bf16.
    let hasPairs: Bool
    /// Whether whole tiles of pairs go through AMX; `vectors` is then even and `keyBlock` a multiple of 32.
    let hasTiles: Bool

    var lanes: Int { frame.lanes }
    var block: Int { vectors * lanes }
    var depth: Int { body.depth.extent.constantValue ?? 0 }
    var valueDepth: Int { body.valueDepth.extent.constantValue ?? 0 }
    var symbol: String { frame.symbol }
    private var operand: ElementType { hasPairs ? .bf16 : .f32 }
    /// 4-byte elements of a row of queries or keys.
    var depthWords: Int { hasPairs ? (depth + 1) / 2 : depth }
    private var mask: AttentionMask? { AttentionMask(body, frame.kernel.parameters) }

    func padded(_ count: Int) -> Int { (count + lanes - 1) / lanes * lanes }

    /// Keys as they lie in memory, when that will do.
    var directKeys: CellFrame.Direct? {
        guard let direct = frame.direct(body.key, row: body.keys, column: body.depth), direct.element == operand
        else { return nil }
        return hasPairs && (!direct.columnIsUnit || depth % (hasTiles ? 32 : 2) != 0) ? nil : direct
    }

    /// Values as they lie in memory, when that will do.
    private var directValues: CellFrame.Direct? {
        guard !hasPairs, let direct = frame.direct(body.value, row: body.keys, column: body.valueDepth),
            direct.element == .f32
        else { return nil }
        return direct
    }

    /// Whether a block's mask is evaluated once for all heads, which then are the inner loop.
    private var sharesMask: Bool {
        guard let mask, mask.dependsOnQuery, !mask.dependsOnHead, directKeys != nil, directValues != nil,
            let keys = body.keys.extent.constantValue
        else { return false }
        return keys <= 1024
    }

    /// Keys whose mask is kept at a time.
    private var maskedKeys: Int {
        let keys = body.keys.extent.constantValue ?? 0
        return sharesMask ? (keys + keyBlock - 1) / keyBlock * keyBlock : keyBlock
    }

    func emit() -> EmittedKernel {
        let heads = body.batch.extent * body.keyHeads.extent
        let blocks = (body.queries.extent + (block - 1)).floorDivided(by: IntegerExpression(block), frame.index.ranges)
        // Evaluated keys are kept for all blocks of a head, so parts are then as coarse as balance allows.
        let isEvaluated = directKeys == nil || directValues == nil
        let all = heads * body.group.extent * blocks
        var parts = all
        if isEvaluated {
            parts = [heads, heads * body.group.extent].first { ($0.constantValue ?? 0) >= 2 * threads } ?? all
        } else if sharesMask, let units = all.constantValue {
            parts = IntegerExpression(min(units, 4 * threads))
        }
        let arguments = frame.kernel.parameters.indices.map { EmittedKernel.Argument.parameter($0) }

        var layout = WorkspaceLayout()
        let index = frame.index
        layout.add("queries", "float", 4, IntegerExpression(padded(depthWords) * block), index)
        layout.add("scores", "float", 4, IntegerExpression(max(keyBlock, padded(depthWords)) * block), index)
        layout.add("sums", "float", 4, IntegerExpression(padded(valueDepth) * block), index)
        layout.add("results", "float", 4, IntegerExpression(padded(valueDepth) * block), index)
        layout.add("top", "float", 4, IntegerExpression(4 * block), index)
        if let mask {
            layout.add(
                "term", "float", 4, IntegerExpression(mask.dependsOnQuery ? maskedKeys * block : keyBlock), index)
            if mask.dependsOnQuery {
                layout.add("terms", "float", 4, IntegerExpression(keyBlock * block), index)
            }
        }
        if directKeys == nil { layout.add("keyArea", "float", 4, body.keys.extent * keyWords, index) }
        if hasTiles {
            addTileAreas(&layout)
        } else if directValues == nil {
            let rows = hasPairs ? (body.keys.extent + 1).floorDivided(by: 2, index.ranges) : body.keys.extent
            layout.add("valueArea", "float", 4, rows * padded(valueDepth), index)
            if hasPairs { layout.add("valueRows", "uint16_t", 2, IntegerExpression(2 * padded(valueDepth)), index) }
        }
        var source = hasPairs ? frame.pairProduct : ""
        source += frame.transposition("\(symbol)_transpose")
        source += tiles(isScores: true) + softmax + (hasTiles ? tileRoutines : tiles(isScores: false))
        source += frame.function(symbol, frame.opening(arguments) + layout.lines + main(blocks))
        return EmittedKernel(
            symbol: symbol, source: source, arguments: arguments, packings: [], workspaceBytes: layout.bytes,
            parts: .count(parts))
    }

    /// C of the main loop over units.
    private func main(_ blocks: IntegerExpression) -> [String] {
        let index = frame.index
        let (b, h, g, q) = (
            body.batch.variable.name, body.keyHeads.variable.name, body.group.variable.name, body.queries.variable.name
        )
        var lines = [
            "const int64_t blocks = \(index.print(blocks)), heads = \(index.print(body.keyHeads.extent));",
            "const int64_t groups = \(index.print(body.group.extent)), keys = \(index.print(body.keys.extent));",
            "const int64_t count = \(index.print(body.queries.extent));",
            "const int64_t units = \(index.print(body.batch.extent)) * heads * groups * blocks;",
            "int64_t evaluated = -1, evaluatedKeys = 0; (void)evaluated; (void)evaluatedKeys;",
            hasTiles ? "\(symbol)_configure();" : "",
            "for (int64_t unit = units * part / parts; unit < units * (part + 1) / parts; ++unit) {",
        ]
        let turn: String
        if sharesMask {
            turn = "unit / (heads * groups) % blocks"
            lines += [
                "const int64_t \(g) = unit % groups, \(h) = unit / groups % heads; (void)\(g); (void)\(h);",
                "const int64_t \(b) = unit / (heads * groups * blocks); (void)\(b);",
            ]
        } else {
            turn = "unit % blocks"
            lines += [
                "const int64_t head = unit / (blocks * groups), \(g) = unit / blocks % groups; (void)\(g);",
                "const int64_t \(b) = head / heads, \(h) = head % heads; (void)\(b); (void)\(h);",
            ]
        }
        lines += [
            // The blocks that see most keys come first, which balances the parts of a causal mask.
            "const int64_t base = (blocks - 1 - \(turn)) * \(block);",
            "const int64_t held = count - base < \(block) ? count - base : \(block);",
        ]
        lines.append("int64_t seen = keys;")
        if body.isCausal { lines.append("if (base + held < seen) seen = base + held;") }
        lines += operands()
        lines += queries(q)
        if sharesMask {
            lines += [
                "if (evaluated != unit / (heads * groups)) {",
                "evaluated = unit / (heads * groups); evaluatedKeys = 0;",
                "for (int64_t start = 0; start < seen; start += \(keyBlock)) {",
                "const int64_t here = seen - start < \(keyBlock) ? seen - start : \(keyBlock);",
            ]
            lines += maskTerms(q, "(term + start * \(block))") + trim("(term + start * \(block))")
            lines += ["if (shownHere > 0) evaluatedKeys = start + shownHere;", "}", "}", "seen = evaluatedKeys;"]
        }
        lines += [
            "for (int64_t i = 0; i < \(block); ++i) { top[i] = -__builtin_inff(); top[\(2 * block) + i] = 0; }",
            "for (int64_t i = 0; i < \(padded(valueDepth) * block); ++i) sums[i] = 0;",
            "for (int64_t start = 0; start < seen; start += \(keyBlock)) {",
            "int64_t here = seen - start < \(keyBlock) ? seen - start : \(keyBlock);",
        ]
        if !sharesMask, let mask {
            lines += maskTerms(q, "term")
            if mask.dependsOnQuery { lines += trim("term") + ["here = shownHere; if (here == 0) continue;"] }
        }
        lines.append("for (int64_t i = 0; i < \(block); ++i) top[\(block) + i] = top[i];")
        let causal = body.isCausal ? "start + here - 1 > base ? base - start : INT64_MAX" : "INT64_MAX"
        lines.append("const int64_t shown = \(causal); (void)shown;")
        let place = sharesMask ? "(start + k)" : "k"
        let term = mask.map { $0.dependsOnQuery ? "term + \(place) * \(block)" : "term + k" } ?? "(const float *)0"
        if hasTiles {
            lines += [
                "const int64_t whole = here / 32 * 32;",
                "\(symbol)_tileScores(keyRows + start * keyStride, keyStride, queries, scores, whole);",
                "for (int64_t k = 0; k < whole; k += \(rows))",
                "\(symbol)_finish(scores + k * \(block), \(term), top, k - shown);",
            ]
        }
        lines += stepped("k", from: hasTiles ? "whole" : "0", limit: "here") { rows in
            "\(symbol)_scores\(rows)(keyRows + (start + k) * keyStride, keyStride, keyStep, queries, "
                + "scores + k * \(block), \(term), top, k - shown);"
        }
        lines.append("\(symbol)_softmax(scores, here, top);")
        if hasTiles {
            lines.append(
                "\(symbol)_tileValues(valueArea + start / 2, valueStride, scores, here, sums, top + \(3 * block));")
        } else {
            let pairs = hasPairs ? "(here + 1) / 2" : "here"
            let first = hasPairs ? "start / 2" : "start"
            lines += stepped("e", limit: "\(valueDepth)") { rows in
                "\(symbol)_values\(rows)(valueRowsAt + \(first) * valueStride + e * valueStep, valueStep, valueStride, "
                    + "scores, \(pairs), sums + e * \(block), top + \(3 * block));"
            }
        }
        lines.append("}")
        lines += results(q)
        lines.append("}")
        return lines
    }

    /// A loop in steps of `rows`, with smaller steps for the rest.
    private func stepped(
        _ name: String, from: String = "0", limit: String, _ call: (Int) -> String
    ) -> [String] {
        var lines = [
            "{ int64_t \(name) = \(from);", "for (; \(name) + \(rows) <= \(limit); \(name) += \(rows)) \(call(rows))",
            "switch (\(limit) - \(name)) {",
        ]
        for rest in 1..<rows { lines.append("case \(rest): \(call(rest)) break;") }
        return lines + ["default: break; }", "}"]
    }

    /// Pointers and strides of keys and values in 4-byte words; evaluates them once for each key head where they do not
    /// lie in memory as they are needed.
    private func operands() -> [String] {
        var lines: [String] = []
        let key = body.keys.variable.name
        if directKeys == nil || directValues == nil {
            lines.append("if (evaluated != head) { evaluated = head;")
            if directKeys == nil {
                let target =
                    hasPairs ? "((uint16_t *)keyArea + \(key) * \(2 * keyWords))" : "(keyArea + \(key) * \(depth))"
                lines.append("for (int64_t \(key) = 0; \(key) < keys; ++\(key)) {")
                lines += frame.evaluate(body.key, along: body.depth, to: target, as: operand, limit: "\(depth)")
                if hasPairs, depth < 2 * keyWords {
                    lines.append("for (int64_t i = \(depth); i < \(2 * keyWords); ++i) \(target)[i] = 0;")
                }
                lines.append("}")
            }
            if hasTiles {
                lines += tileValues
            } else if directValues == nil, hasPairs {
                let width = padded(valueDepth)
                lines.append("for (int64_t \(key) = 0; \(key) < keys; ++\(key)) {")
                lines += frame.evaluate(
                    body.value, along: body.valueDepth, to: "(valueRows + \(key) % 2 * \(width))", as: .bf16,
                    limit: "\(valueDepth)")
                lines += [
                    "if (\(key) % 2 == 0) for (int64_t i = 0; i < \(width); ++i) valueRows[\(width) + i] = 0;",
                    "uint32_t *pairs = (uint32_t *)valueArea + \(key) / 2 * \(width);",
                    "if (\(key) % 2 == 1 || \(key) + 1 == keys) for (int64_t i = 0; i < \(valueDepth); ++i)",
                    "pairs[i] = (uint32_t)valueRows[i] | (uint32_t)valueRows[\(width) + i] << 16;",
                    "}",
                ]
            } else if directValues == nil {
                lines.append("for (int64_t \(key) = 0; \(key) < keys; ++\(key)) {")
                lines += frame.evaluate(
                    body.value, along: body.valueDepth, to: "(valueArea + \(key) * \(padded(valueDepth)))",
                    limit: "\(valueDepth)")
                lines.append("}")
            }
            lines.append("}")
        }
        if let direct = directKeys {
            let type = hasPairs ? "uint16_t" : "float"
            lines.append("const \(type) *const keyRows = p\(direct.parameter) + \(direct.base);")
            lines.append("const int64_t keyStride = \(direct.rowStride), keyStep = \(direct.columnStride);")
        } else if hasPairs {
            lines.append("const uint16_t *const keyRows = (const uint16_t *)keyArea;")
            lines.append("const int64_t keyStride = \(2 * keyWords), keyStep = 1;")
        } else {
            lines.append("const float *const keyRows = keyArea; const int64_t keyStride = \(depth), keyStep = 1;")
        }
        if hasTiles {
            lines.append("const int64_t valueStride = (keys + 31) / 32 * 16;")
        } else if let direct = directValues {
            lines.append("const float *const valueRowsAt = p\(direct.parameter) + \(direct.base);")
            lines.append("const int64_t valueStride = \(direct.rowStride), valueStep = \(direct.columnStride);")
        } else {
            lines.append("const float *const valueRowsAt = valueArea;")
            lines.append("const int64_t valueStride = \(padded(valueDepth)), valueStep = 1;")
        }
        return lines
    }

    /// Evaluates the block's queries and transposes them to `[depth, queries]`.
    private func queries(_ q: String) -> [String] {
        let width = padded(depthWords)
        let elements = hasPairs ? 2 * width : width
        let target = hasPairs ? "((uint16_t *)scores + row * \(elements))" : "(scores + row * \(elements))"
        var lines = [
            "for (int64_t row = 0; row < \(block); ++row) {",
            "for (int64_t i = row < held ? \(depth) : 0; i < \(elements); ++i) \(target)[i] = 0;",
            "if (row >= held) continue;", "const int64_t \(q) = base + row; (void)\(q);",
        ]
        lines += frame.evaluate(body.query, along: body.depth, to: target, as: operand, limit: "\(depth)")
        lines += [
            "}", "for (int64_t row = 0; row < \(block); row += LANES) for (int64_t i = 0; i < \(width); i += LANES)",
            "\(symbol)_transpose(scores + row * \(width) + i, \(width), queries + i * \(block) + row, \(block));",
        ]
        return lines
    }

    /// Declares `shownHere`: the keys of this block up to the last that a bool mask shows to any of the block's queries.
    private func trim(_ term: String) -> [String] {
        guard mask?.isBool == true else { return ["const int64_t shownHere = here;"] }
        return [
            "int64_t shownHere = here;", "for (; shownHere > 0; --shownHere) {",
            "const float *const line = \(term) + (shownHere - 1) * \(block); vi any = {0};",
            "for (int64_t v = 0; v < held; v += LANES) any |= *(const vf *)(line + v) == 0.0f;",
            "if (fold_any_b(any)) break;", "}",
        ]
    }

    /// Evaluates the block's mask: one term a key, or one a key and query, then as `[keys, queries]`.
    private func maskTerms(_ q: String, _ target: String) -> [String] {
        guard let mask else { return [] }
        if !mask.dependsOnQuery {
            return ["const int64_t \(q) = base; (void)\(q);"]
                + frame.evaluate(
                    mask.term, along: body.keys, to: "(\(target) - start)", start: "start", limit: "(start + here)")
        }
        var lines = [
            "for (int64_t row = 0; row < held; ++row) {", "const int64_t \(q) = base + row; (void)\(q);",
        ]
        lines += frame.evaluate(
            mask.term, along: body.keys, to: "(terms + row * \(keyBlock) - start)", start: "start",
            limit: "(start + here)")
        lines += [
            "}", "for (int64_t row = 0; row < held; row += LANES) for (int64_t i = 0; i < here; i += LANES)",
            "\(symbol)_transpose(terms + row * \(keyBlock) + i, \(keyBlock), \(target) + i * \(block) + row, \(block));",
        ]
        return lines
    }

    /// Divides by the sums of the softmax, transposes back and runs the epilogue.
    private func results(_ q: String) -> [String] {
        let width = padded(valueDepth)
        var lines = [
            "for (int64_t i = 0; i < \(block); ++i) { const float s = top[\(2 * block) + i]; top[i] = s == 0 ? 0 : 1 / s; }",
            "for (int64_t e = 0; e < \(valueDepth); ++e) for (int64_t i = 0; i < \(block); ++i)",
            "sums[e * \(block) + i] *= top[i];",
            "for (int64_t row = 0; row < held; row += LANES) for (int64_t i = 0; i < \(width); i += LANES)",
            "\(symbol)_transpose(sums + i * \(block) + row, \(block), results + row * \(width) + i, \(width));",
            "for (int64_t row = 0; row < held; ++row) { const int64_t \(q) = base + row; (void)\(q);",
        ]
        lines += frame.epilogue(body, row: "(results + row * \(width))")
        return lines + ["}"]
    }

    /// The register tiles: `rows × vectors` sums of products of a scalar of keys (or values) and a vector over queries.
    /// Scores get scale and mask and update the running maximum `top[block…]`; values add to the rescaled sums.
    private func tiles(isScores: Bool) -> String {
        (1...rows).map { tile($0, isScores: isScores) }.joined()
    }

    private func tile(_ rows: Int, isScores: Bool) -> String {
        let name = "\(symbol)_\(isScores ? "scores" : "values")\(rows)"
        let element = hasPairs && isScores ? "uint16_t" : "float"
        // One of the strides is nearly always 1; said as a constant it makes addresses cheap.
        let stepIsUnit = isScores ? (directKeys?.columnIsUnit ?? true) : false
        let strideIsUnit = isScores ? false : (directValues?.columnIsUnit ?? true)
        var lines = [
            isScores
                ? "static void \(name)(const \(element) *a, int64_t as, int64_t ad, const float *restrict b, "
                    + "float *restrict c, const float *restrict term, float *restrict top, int64_t beyond) {"
                : "static void \(name)(const \(element) *a, int64_t as, int64_t ad, const float *restrict b, "
                    + "int64_t n, float *restrict c, const float *restrict fade) {"
        ]
        lines.append("(void)as; (void)ad;")
        for row in 0..<rows {
            lines.append(
                "const \(element) *restrict a\(row) = a + \(strideIsUnit ? "\(row)" : "\(row) * as");")
        }
        for row in 0..<rows {
            for vector in 0..<vectors {
                lines.append(
                    isScores
                        ? "vf c\(row)_\(vector) = {0};"
                        : "vf c\(row)_\(vector) = *(const vf *)(c + \(row * block + vector * lanes)) "
                            + "* *(const vf *)(fade + \(vector * lanes));")
            }
        }
        lines.append("for (int64_t d = 0; d < \(isScores ? "\(depthWords)" : "n"); ++d) {")
        for vector in 0..<vectors {
            lines.append("const vf b\(vector) = *(const vf *)(b + d * \(block) + \(vector * lanes));")
        }
        let step = stepIsUnit ? (hasPairs ? "2 * d" : "d") : "d * ad"
        for row in 0..<rows {
            if hasPairs {
                lines.append("int32_t x\(row); __builtin_memcpy(&x\(row), a\(row) + \(step), 4);")
            } else {
                lines.append("const float x\(row) = a\(row)[\(step)];")
            }
            for vector in 0..<vectors {
                let sum = "c\(row)_\(vector)"
                lines.append(
                    hasPairs
                        ? "\(sum) = \(symbol)_dot(\(sum), splat_i(x\(row)), (vi)b\(vector));"
                        : "\(sum) = fma_fv(splat_f(x\(row)), b\(vector), \(sum));")
            }
        }
        lines.append("}")
        if isScores {
            lines += finishScores(rows)
        } else {
            for row in 0..<rows {
                for vector in 0..<vectors {
                    lines.append("*(vf *)(c + \(row * block + vector * lanes)) = c\(row)_\(vector);")
                }
            }
        }
        return (lines + ["}", ""]).joined(separator: "\n")
    }

    /// Statements that give the sums `c0_0`… scale and mask, raise the maximum and store them.
    func finishScores(_ rows: Int) -> [String] {
        var lines = ["(void)term; (void)beyond;"]
        let scale = CTypes.real(body.scale, .f32)
        for vector in 0..<vectors {
            lines.append("vf m\(vector) = *(const vf *)(top + \(block + vector * lanes));")
        }
        for row in 0..<rows {
            for vector in 0..<vectors {
                let sum = "c\(row)_\(vector)"
                guard let mask else {
                    lines.append("\(sum) = \(sum) * splat_f(\(scale));")
                    continue
                }
                let place = "term + \(row * block + vector * lanes)"
                let term = mask.dependsOnQuery ? "*(const vf *)(\(place))" : "splat_f(term[\(row)])"
                lines.append(
                    mask.isBool
                        ? "\(sum) = sel_fv(\(term) < 0.0f, \(term), \(sum) * splat_f(\(scale)));"
                        : "\(sum) = fma_fv(\(sum), splat_f(\(scale)), \(term));")
            }
        }
        if body.isCausal {
            // Row k hides the queries before it; `beyond` is the distance of the tile's first key from the first query.
            lines.append("if (beyond > \(-rows)) {")
            for row in 0..<rows {
                for vector in 0..<vectors {
                    let sum = "c\(row)_\(vector)"
                    lines.append(
                        "\(sum) = sel_fv(mask_lv(IOTA + INT64_C(\(vector * lanes)) >= beyond + \(row)), "
                            + "\(sum), splat_f(-__builtin_inff()));")
                }
            }
            lines.append("}")
        }
        for row in 0..<rows {
            for vector in 0..<vectors {
                let sum = "c\(row)_\(vector)"
                lines.append("m\(vector) = sel_fv(\(sum) > m\(vector), \(sum), m\(vector));")
                lines.append("*(vf *)(c + \(row * block + vector * lanes)) = \(sum);")
            }
        }
        for vector in 0..<vectors {
            lines.append("*(vf *)(top + \(block + vector * lanes)) = m\(vector);")
        }
        return lines
    }

    /// `top` holds four rows over the block's queries: the maximum before this block of keys, the maximum with it, the sum
    /// of exponentials, and the factor that earlier sums shrink by. A query that has seen no key keeps a maximum of −∞.
    private var softmax: String {
        var lines = [
            "static void \(symbol)_softmax(float *restrict s, int64_t n, float *restrict top) {",
            "for (int64_t v = 0; v < \(block); v += LANES) {",
            "const vf new = *(const vf *)(top + \(block) + v), old = *(const vf *)(top + v);",
            "const vf safe = sel_fv(new == -__builtin_inff(), (vf){0}, new);",
            "const vf fade = exp_fv(old - safe);", "vf sum = {0}, odd = {0};", "int64_t k = 0;",
            "for (; k + 2 <= n; k += 2) {",
            "vf *x = (vf *)(s + k * \(block) + v), *y = (vf *)(s + (k + 1) * \(block) + v);",
            "const vf a = exp_fv(*x - safe), b = exp_fv(*y - safe);", "sum = sum + a; odd = odd + b;",
        ]
        if hasPairs {
            // Not negative, so adding half of the last kept place rounds to nearest.
            lines.append(
                "*(vu *)(s + k / 2 * \(block) + v) = (((vu)a + 0x8000u) >> 16) | (((vu)b + 0x8000u) & 0xFFFF0000u);")
        } else {
            lines.append("*x = a; *y = b;")
        }
        lines += [
            "}", "if (k < n) { vf *x = (vf *)(s + k * \(block) + v); const vf a = exp_fv(*x - safe); sum = sum + a;",
        ]
        lines.append(
            hasPairs ? "*(vu *)(s + k / 2 * \(block) + v) = ((vu)a + 0x8000u) >> 16; }" : "*x = a; }")
        lines += [
            "vf *total = (vf *)(top + \(2 * block) + v);", "*total = fma_fv(*total, fade, sum + odd);",
            "*(vf *)(top + v) = new; *(vf *)(top + \(3 * block) + v) = fade;", "}", "}", "",
        ]
        return lines.joined(separator: "\n")
    }
}
