import ElementTypes
import KernelIR

/// Attention with vector lanes over the depth, for few queries over many keys (decoding). A unit of work is one key head:
/// its query heads and queries are rows that share every load of keys and values. Blocks of keys that a mask hides from
/// all rows are not read.
struct AttentionOverDepth {
    let frame: CellFrame
    let body: AttentionKernel
    /// Keys between updates of the softmax; a multiple of the lanes.
    let keyBlock: Int
    let threads: Int

    private var lanes: Int { frame.lanes }
    private var depth: Int { body.depth.extent.constantValue ?? 0 }
    private var valueDepth: Int { body.valueDepth.extent.constantValue ?? 0 }
    private var symbol: String { frame.symbol }
    private var width: Int { padded(depth) }
    private var valueWidth: Int { padded(valueDepth) }

    /// Whether the terms of the mask only hide: 0 or −∞.
    private var hides: Bool { AttentionMask(body, frame.kernel.parameters)?.isBool ?? true }

    private func padded(_ count: Int) -> Int { (count + lanes - 1) / lanes * lanes }

    /// An operand whose rows lie in memory in whole vectors.
    private func direct(_ function: ScalarFunction, _ column: LoopAxis, _ extent: Int) -> CellFrame.Direct? {
        guard extent % lanes == 0, let direct = frame.direct(function, row: body.keys, column: column),
            direct.columnIsUnit, direct.element == .f32 || direct.element == body.operandElement,
            direct.element.computeType == .f32
        else { return nil }
        return direct
    }

    private var directKeys: CellFrame.Direct? { direct(body.key, body.depth, depth) }
    private var directValues: CellFrame.Direct? { direct(body.value, body.valueDepth, valueDepth) }

    func emit() -> EmittedKernel {
        let index = frame.index
        let heads = body.batch.extent * body.keyHeads.extent
        let rows = body.group.extent * body.queries.extent
        let arguments = frame.kernel.parameters.indices.map { EmittedKernel.Argument.parameter($0) }
        var layout = WorkspaceLayout()
        layout.add("queries", "float", 4, rows * width, index)
        layout.add("scores", "float", 4, rows * keyBlock, index)
        layout.add("sums", "float", 4, rows * valueWidth, index)
        layout.add("states", "float", 4, rows * 4, index)
        if directKeys == nil { layout.add("keyArea", "float", 4, IntegerExpression(keyBlock * width), index) }
        if directValues == nil { layout.add("valueArea", "float", 4, IntegerExpression(keyBlock * valueWidth), index) }
        let source =
            products + singleProduct + sums(rows: 1) + sums(rows: 4) + softmax
            + frame.function(symbol, frame.opening(arguments) + layout.lines + main())
        return EmittedKernel(
            symbol: symbol, source: source, arguments: arguments, packings: [], workspaceBytes: layout.bytes,
            parts: .count(heads))
    }

    private func main() -> [String] {
        let index = frame.index
        let (b, h, g) = (body.batch.variable.name, body.keyHeads.variable.name, body.group.variable.name)
        let (q, k) = (body.queries.variable.name, body.keys.variable.name)
        let mask = AttentionMask(body, frame.kernel.parameters)
        let eachRow = [
            "for (int64_t row = 0; row < rows; ++row) {",
            "const int64_t \(g) = row / count, \(q) = row % count; (void)\(g); (void)\(q);",
        ]
        var lines = [
            "const int64_t heads = \(index.print(body.keyHeads.extent)), count = \(index.print(body.queries.extent));",
            "const int64_t rows = count * \(index.print(body.group.extent)), keys = \(index.print(body.keys.extent));",
            "const int64_t units = \(index.print(body.batch.extent)) * heads;",
            "for (int64_t unit = units * part / parts; unit < units * (part + 1) / parts; ++unit) {",
            "const int64_t \(b) = unit / heads, \(h) = unit % heads; (void)\(b); (void)\(h);",
        ]
        lines += eachRow
        lines += frame.evaluate(
            body.query, along: body.depth, to: "(queries + row * \(width))", limit: "\(depth)")
        lines += [
            "for (int64_t i = \(depth); i < \(width); ++i) queries[row * \(width) + i] = 0;",
            "for (int64_t i = 0; i < \(valueWidth); ++i) sums[row * \(valueWidth) + i] = 0;",
            "states[row * 4] = -__builtin_inff(); states[row * 4 + 1] = 0;", "}",
            body.isCausal ? "const int64_t seen = count < keys ? count : keys;" : "const int64_t seen = keys;",
            "for (int64_t start = 0; start < seen; start += \(keyBlock)) {",
            "const int64_t here = seen - start < \(keyBlock) ? seen - start : \(keyBlock);",
        ]
        // The scores start as the mask, which tells whether the block is worth reading.
        lines += eachRow + ["float *const line = scores + row * \(keyBlock);"]
        if let mask {
            lines += frame.evaluate(
                mask.term, along: body.keys, to: "(line - start)", start: "start", limit: "(start + here)")
        } else {
            lines.append("for (int64_t i = 0; i < here; ++i) line[i] = 0;")
        }
        if body.isCausal {
            lines.append("for (int64_t i = \(q) + 1 - start < 0 ? 0 : \(q) + 1 - start; i < here; ++i)")
            lines.append("line[i] = -__builtin_inff();")
        }
        lines.append("}")
        if mask != nil || body.isCausal {
            lines += [
                "int isShown = 0;", "for (int64_t row = 0; row < rows; ++row) for (int64_t i = 0; i < here; ++i)",
                "isShown |= scores[row * \(keyBlock) + i] != -__builtin_inff();", "if (!isShown) continue;",
            ]
        }
        lines += area(directKeys, body.key, body.depth, "key", width, depth, k)
        lines += [
            "int64_t i = 0;", "for (; i + LANES <= here; i += LANES) for (int64_t row = 0; row < rows; ++row)",
            "\(symbol)_products(keyRows + i * keyStride, keyStride, queries + row * \(width), "
                + "scores + row * \(keyBlock) + i);",
            "for (; i < here; ++i) for (int64_t row = 0; row < rows; ++row)",
            "\(symbol)_product(keyRows + i * keyStride, queries + row * \(width), scores + row * \(keyBlock) + i);",
            "for (int64_t row = 0; row < rows; ++row)",
            "\(symbol)_softmax(scores + row * \(keyBlock), here, states + row * 4);",
        ]
        lines += area(directValues, body.value, body.valueDepth, "value", valueWidth, valueDepth, k)
        lines += ["int64_t row = 0;"]
        for (step, width) in [(4, valueWidth), (1, valueWidth)] {
            lines.append("for (; row + \(step) <= rows; row += \(step))")
            lines.append(
                "\(symbol)_sums\(step)(valueRows, valueStride, scores + row * \(keyBlock), here, "
                    + "sums + row * \(width), states + row * 4);")
        }
        lines.append("}")
        lines += eachRow
        lines += [
            "const float total = states[row * 4 + 1], inverse = total == 0 ? 0 : 1 / total;",
            "for (int64_t i = 0; i < \(valueWidth); ++i) sums[row * \(valueWidth) + i] *= inverse;",
        ]
        lines += frame.epilogue(body, row: "(sums + row * \(valueWidth))")
        return lines + ["}", "}"]
    }

    /// Declares `keyRows` or `valueRows` at this block of keys, evaluated first where the operand does not lie ready.
    private func area(
        _ direct: CellFrame.Direct?, _ function: ScalarFunction, _ axis: LoopAxis, _ name: String, _ width: Int,
        _ extent: Int, _ key: String
    ) -> [String] {
        if let direct {
            let type = CTypes.storage(direct.element)
            return [
                "const int64_t \(name)Stride = \(direct.rowStride);",
                "const \(type) *const \(name)Rows = p\(direct.parameter) + \(direct.base) + start * \(name)Stride;",
            ]
        }
        let target = "(\(name)Area + (\(key) - start) * \(width))"
        var lines = ["for (int64_t \(key) = start; \(key) < start + here; ++\(key)) {"]
        lines += frame.evaluate(function, along: axis, to: target, limit: "\(extent)")
        if extent < width { lines.append("for (int64_t i = \(extent); i < \(width); ++i) \(target)[i] = 0;") }
        return lines + [
            "}", "const int64_t \(name)Stride = \(width); const float *const \(name)Rows = \(name)Area;",
        ]
    }

    /// C text of a vector of an operand at a pointer.
    private func vector(_ direct: CellFrame.Direct?, _ pointer: String) -> String {
        let element = direct?.element ?? .f32
        return CTypes.loadVector(element, "*(const \(CTypes.storageVector(element))_u *)(\(pointer))")
    }

    /// Scores of LANES keys: one sum a key, folded together by a butterfly.
    private var products: String {
        let type = CTypes.storage(directKeys?.element ?? .f32)
        var lines = [
            "static void \(symbol)_products(const \(type) *k, int64_t ks, const float *q, float *s) {"
        ]
        for key in 0..<lanes {
            lines.append("const \(type) *const k\(key) = k + \(key) * ks; vf c\(key) = {0};")
        }
        lines.append("for (int64_t d = 0; d < \(width); d += LANES) { const vf x = *(const vf *)(q + d);")
        for key in 0..<lanes {
            lines.append("c\(key) = fma_fv(\(vector(directKeys, "k\(key) + d")), x, c\(key));")
        }
        lines.append("}")
        lines += frame.laneSums((0..<lanes).map { "c\($0)" }, result: "sum")
        let scale = CTypes.real(body.scale, .f32)
        lines.append("vf_u *const at = (vf_u *)s; const vf term = *at;")
        lines.append(
            hides
                ? "*at = sel_fv(term < 0.0f, term, sum * splat_f(\(scale)));"
                : "*at = fma_fv(sum, splat_f(\(scale)), term);")
        return (lines + ["}", ""]).joined(separator: "\n")
    }

    /// The score of one key.
    private var singleProduct: String {
        let type = CTypes.storage(directKeys?.element ?? .f32)
        return """
            static void \(symbol)_product(const \(type) *k, const float *q, float *s) {
                vf c = {0};
                for (int64_t d = 0; d < \(width); d += LANES) c = fma_fv(\(vector(directKeys, "k + d")), *(const vf *)(q + d), c);
                const float x = fold_sum_f(c) * \(CTypes.real(body.scale, .f32));
                *s = \(hides ? "*s < 0 ? *s : x" : "x + *s");
            }

            """
    }

    /// Adds exponentials times values to the rescaled sums of `rows` rows, four vectors of columns at a time.
    private func sums(rows: Int) -> String {
        let type = CTypes.storage(directValues?.element ?? .f32)
        var lines = [
            "static void \(symbol)_sums\(rows)(const \(type) *v, int64_t vs, const float *restrict p, int64_t n, "
                + "float *restrict o, const float *restrict states) {"
        ]
        for first in stride(from: 0, to: valueWidth / lanes, by: 4) {
            let vectors = first..<min(first + 4, valueWidth / lanes)
            lines.append("{")
            for row in 0..<rows {
                for vector in vectors {
                    lines.append(
                        "vf c\(row)_\(vector) = *(const vf *)(o + \(row * valueWidth + vector * lanes)) "
                            + "* states[\(row * 4 + 2)];")
                }
            }
            // With one row there are few sums: two keys at once hide the latency of the additions.
            let steps = rows == 1 ? 2 : 1
            for row in 0..<rows where steps == 2 {
                for vector in vectors { lines.append("vf d\(row)_\(vector) = {0};") }
            }
            lines.append("int64_t j = 0;")
            for step in steps == 2 ? [2, 1] : [1] {
                lines.append("for (; j + \(step) <= n; j += \(step)) {")
                for key in 0..<step {
                    for vector in vectors {
                        let load = self.vector(directValues, "v + (j + \(key)) * vs + \(vector * lanes)")
                        lines.append("const vf x\(key)_\(vector) = \(load);")
                        for row in 0..<rows {
                            let sum = "\(key == 0 ? "c" : "d")\(row)_\(vector)"
                            lines.append(
                                "\(sum) = fma_fv(splat_f(p[\(row * keyBlock) + j + \(key)]), x\(key)_\(vector), \(sum));"
                            )
                        }
                    }
                }
                lines.append("}")
            }
            for row in 0..<rows {
                for vector in vectors {
                    lines.append(
                        "*(vf *)(o + \(row * valueWidth + vector * lanes)) = c\(row)_\(vector)"
                            + (steps == 2 ? " + d\(row)_\(vector);" : ";"))
                }
            }
            lines.append("}")
        }
        return (lines + ["}", ""]).joined(separator: "\n")
    }

    /// Turns scores into exponentials. `state`: maximum so far, sum of exponentials, factor of earlier sums. A row that has
    /// seen no key keeps a maximum of −∞ and a sum of 0.
    private var softmax: String {
        """
        static void \(symbol)_softmax(float *s, int64_t n, float *state) {
            const float old = state[0];
            vf most = splat_f(old);
            int64_t j = 0;
            for (; j + LANES <= n; j += LANES) { const vf x = *(const vf *)(s + j); most = sel_fv(x > most, x, most); }
            float new = old;
            for (int i = 0; i < LANES; ++i) new = most[i] > new ? most[i] : new;
            for (; j < n; ++j) new = s[j] > new ? s[j] : new;
            const float safe = new == -__builtin_inff() ? 0 : new;
            vf sum = {0};
            for (j = 0; j + LANES <= n; j += LANES) {
                const vf x = exp_fv(*(const vf *)(s + j) - safe); *(vf *)(s + j) = x; sum = sum + x;
            }
            float total = fold_sum_f(sum);
            for (; j < n; ++j) { s[j] = exp_fs(s[j] - safe); total += s[j]; }
            const float fade = exp_fs(old - safe);
            state[0] = new; state[1] = state[1] * fade + total; state[2] = fade;
        }

        """
    }
}
