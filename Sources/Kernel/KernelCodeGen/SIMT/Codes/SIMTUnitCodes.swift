import ElementTypes
import KernelIR

/// Codes as fragments of the left factor of `mma.m16n8k16`, with the scales of their blocks beside them: what a warp reads at once.
///
/// A **batch** holds 16 columns of the product by 128 summed elements (4-bit codes) or 64 (8-bit codes), so 32 bytes a lane, and is
/// cut into parts of 32 elements. Its bytes: `[2][lane][16]` of codes, then, where blocks have scales, `[8 g][part][2]` scales of the
/// columns g and g + 8. A lane (g = lane / 4, t = lane % 4) holds of columns g and g + 8 the elements `8t ..< 8t + 8` of every
/// part: step j of 2 takes `8t + 4j ..< 8t + 4j + 4`, its pair i of 4 column `g + i % 2 × 8` and elements `i / 2 × 2` and the next.
///
/// Codes become numbers of the operands' type (bf16 or f16) by their bits, two at a time:
/// - 4 bits or-ed into the fraction of 16, where its last four bits before the point are: 16 and the code.
/// - 8 bits of a whole number as two such: 16 and the low half, 256 and 16 times the high half, multiplied one after the other.
/// - e4m3 moved into the exponent and fraction of the wider type, subnormal or not: the number times a power of two, which for
///   bf16 a multiplication takes off again, as f32 sums of products could else be subnormal.
/// All of it is exact.
///
/// Whole numbers may also be laid out for `mma.m16n8k32` on bytes (`SIMTIntegerUnits`), as what each exceeds the lowest by: those of
/// 4 bits with column g in the lower half of a byte and column g + 8 in the upper, step j of part h in word `2h + j`; those of 8 bits
/// with column g + 8c in word `4h + 2j + c`. And e4m3 for the processor's own conversion to f16 (`SIMTHalfUnits`): in word `4h + 2j + q`
/// elements 2q and 2q + 1 of step j, of column g and then of g + 8.
struct SIMTUnitCodes {
    /// What multiplies them, and so how they lie.
    enum Units {
        /// The operands' type.
        case operands
        /// Bytes: whole numbers only.
        case bytes
        /// f16, converted by an instruction: e4m3 only.
        case halves
    }

    /// How a code becomes a number.
    enum Kind: Hashable {
        /// A whole number of 4 bits from `lowest` on.
        case nibble(lowest: Int)
        /// A whole number of 8 bits from `lowest` on.
        case byte(lowest: Int)
        /// A real of 8 bits, e4m3.
        case real
    }

    let codes: SIMTCodes
    let kind: Kind
    let units: Units
    /// Summed elements of a part.
    static let part = 32

    /// The codes of a product so; nil where its type, sizes or codes do not allow it.
    init?(_ codes: SIMTCodes, _ units: Units) {
        let product = codes.product
        self.units = units
        switch codes.operand.kind {
        case .integer(4, let lowest) where abs(lowest) <= 64: kind = .nibble(lowest: lowest)
        case .integer(8, let lowest) where abs(lowest) <= 128: kind = .byte(lowest: lowest)
        case .real(.f8e4m3): kind = .real
        case .integer, .real: return nil
        }
        switch units {
        case .operands: break
        case .bytes: guard kind != .real else { return nil }
        case .halves: guard kind == .real else { return nil }
        }
        self.codes = codes
        guard product.target.hasMatrixUnits, product.element != .f32, let depth = product.depth, depth % elements == 0,
            depth > 0, product.columns != nil, product.rightBatches == 1, product.batches == 1,
            [.f32, .f16, .bf16].contains(codes.operand.scaleElement),
            codes.blocks <= 1 || codes.operand.block % Self.part == 0
        else { return nil }
    }

    /// The codes of a product for units that multiply the operands' type.
    init?(_ codes: SIMTCodes) { self.init(codes, .operands) }

    private var product: SIMTProduct { codes.product }
    private var isHalf: Bool { product.element == .f16 }
    private var columns: Int { product.columns ?? 0 }

    /// Summed elements of a batch.
    var elements: Int { if case .nibble = kind { 128 } else { 64 } }
    /// Parts of a batch.
    var parts: Int { elements / Self.part }
    /// Batches along the summed axis.
    var batches: Int { (product.depth ?? 0) / elements }
    /// Tiles of 16 columns.
    var tiles: Int { (columns + 15) / 16 }
    /// Whether blocks of a row have scales of their own.
    var hasBlocks: Bool { codes.blocks > 1 }
    /// Whether sums are multiplied by one factor a row at their end.
    var hasRowFactor: Bool { codes.isScaledByRow || isMarked }
    /// Whether factors say which rows have a NaN, as bits of codes do not.
    private var isMarked: Bool { kind == .real && units == .operands }
    /// Bytes of a batch's scales.
    var scaleBytes: Int { hasBlocks ? parts * 16 * codes.operand.scaleElement.byteCount : 0 }
    /// Bytes of a batch.
    var batchBytes: Int { 1024 + scaleBytes }
    /// Numbers that add up to a code.
    var planes: Int { if case .byte = kind { 2 } else { 1 } }
    /// What the numbers of a code are more than the code.
    var excess: Int {
        switch kind {
        case .nibble(let lowest): 16 - lowest
        case .byte(let lowest): 272 - lowest
        case .real: 0
        }
    }

    // MARK: Decoding

    /// Words of a step.
    var stepWords: Int { if case .nibble = kind { 1 } else { 2 } }

    /// Text of the device function `void SYMBOL_step(uint32_t *a, const uint32_t *w)`: from the words of step j of a batch,
    /// `[plane][4]` fragments.
    func decoder(_ symbol: String) -> String {
        var lines: [String] = []
        func turned(_ word: String, _ bits: Int) -> String {
            bits == 0 ? word : "(\(word) >> \(bits) | \(word) << \(32 - bits))"
        }
        let nibble = isHalf ? "0x03c003c0u" : "0x00780078u"
        let low = isHalf ? "0x4c004c00u" : "0x41804180u"
        let high = isHalf ? "0x5c005c00u" : "0x43804380u"
        switch kind {
        case .nibble:
            for i in 0..<4 { lines.append("a[\(i)] = and_or(\(turned("w[0]", 4 * i)), \(nibble), \(low));") }
        case .byte:
            for i in 0..<4 {
                lines.append("a[\(i)] = and_or(\(turned("w[\(i / 2)]", i % 2 * 8)), \(nibble), \(low));")
                lines.append("a[\(4 + i)] = and_or(\(turned("w[\(i / 2)]", i % 2 * 8 + 4)), \(nibble), \(high));")
            }
        case .real:
            for q in 0..<2 {
                let first = "w[\(q)] & \(isHalf ? "0xbf80bf80u" : "0x87f087f0u")"
                let second =
                    isHalf
                    ? "and_or(w[\(q)] << 7, 0x3f803f80u, w[\(q)] << 1 & 0x80008000u)"
                    : "and_or(w[\(q)] << 4, 0x80f080f0u, w[\(q)] >> 4 & 0x07000700u)"
                lines.append("a[\(2 * q)] = \(isHalf ? first : "fma_pair_bf16(\(first), 0x7b807b80u, 0x80008000u)");")
                lines.append(
                    "a[\(2 * q + 1)] = \(isHalf ? second : "fma_pair_bf16(\(second), 0x7b807b80u, 0x80008000u)");")
            }
        }
        return "FORCE void \(symbol)_step(uint32_t *a, const uint32_t *w) { \(lines.joined(separator: " ")) }\n"
    }

    /// Statements that read a lane's words of `count` batches at `place` (a pointer to their bytes) into `w[count][8]`, and its scales
    /// into `f[count]`.
    func fetch(_ place: String, _ count: Int) -> [String] {
        let words = scaleBytes / 32
        var lines = ["uint32_t w[\(count)][8];", hasBlocks ? "uint32_t f[\(count)][\(words)];" : ""]
        lines += [
            "UNROLL for (int u = 0; u < \(count); ++u) {",
            "const unsigned char *const batch = \(place) + u * \(batchBytes);",
        ]
        func read(_ into: String, _ first: Int, _ text: String) {
            lines.append(
                "{ const uint4 q = *(const uint4 *)(\(text)); \(into)[u][\(first)] = q.x; \(into)[u][\(first + 1)] = q.y; "
                    + "\(into)[u][\(first + 2)] = q.z; \(into)[u][\(first + 3)] = q.w; }")
        }
        read("w", 0, "batch + lane * 16")
        read("w", 4, "batch + 512 + lane * 16")
        guard hasBlocks else { return lines + ["}"] }
        let from = "batch + 1024 + g * \(words * 4)"
        if words == 2 {
            lines.append("{ const uint2 q = *(const uint2 *)(\(from)); f[u][0] = q.x; f[u][1] = q.y; }")
        } else {
            for first in stride(from: 0, to: words, by: 4) { read("f", first, "\(from) + \(first * 4)") }
        }
        return lines + ["}"]
    }

    /// Statements that add the products of batch `u`, as `fetch` left it, to `c[2][eights of rows][4]`. `left` are statements that fill
    /// `x[4]`, a lane's words of the left operand, for the part `h` and rows from `e * 8`; `offset` is a pointer to what is added to the
    /// sums of that part where numbers exceed their codes: one value for one row, else of a lane's two rows.
    func multiply(_ symbol: String, rows: Int, left: String, offset: String) -> [String] {
        let type = isHalf ? "f16" : "bf16"
        // With one row every other sum is not needed.
        let used = rows == 1 ? "if (q % 2 == 0)" : ""
        var lines = [
            "UNROLL for (int h = 0; h < \(parts); ++h) {", "uint32_t a[\(4 * planes)], d[\(4 * planes)];",
            "\(symbol)_step(a, w[u] + \(words("h", 0))); \(symbol)_step(d, w[u] + \(words("h", 1)));",
            "UNROLL for (int e = 0; e < \((rows + 7) / 8); ++e) {", "uint32_t x[4]; \(left)",
        ]
        // Sums of parts are kept apart where something is added to each, or multiplies it.
        let isApart = excess != 0 || hasBlocks
        let sum = isApart ? "y" : "c[h % 2][e]"
        if isApart { lines.append("float y[4] = {0, 0, 0, 0};") }
        for plane in 0..<planes {
            lines.append(
                "multiply_\(type)(\(sum), a + \(4 * plane), x); multiply_\(type)(\(sum), d + \(4 * plane), x + 2);")
        }
        if excess != 0 {
            lines += [
                "const float *const offset = \(offset);",
                "UNROLL for (int q = 0; q < 4; ++q) \(used) y[q] += offset[\(rows == 1 ? "0" : "q % 2")];",
            ]
        }
        if hasBlocks {
            lines += [
                "const float f0 = \(scale("f[u]", "h", 0)), f1 = \(scale("f[u]", "h", 1));",
                "UNROLL for (int q = 0; q < 4; ++q) \(used) c[h % 2][e][q] = fma_fs(q < 2 ? f0 : f1, y[q], c[h % 2][e][q]);",
            ]
        } else if isApart {
            lines.append("UNROLL for (int q = 0; q < 4; ++q) \(used) c[h % 2][e][q] += y[q];")
        }
        return lines + ["}", "}"]
    }

    /// Text of the place of the first word of step `j` of part `h` among a lane's words of a batch.
    func words(_ h: String, _ j: Int) -> String { "\(h) * \(2 * stepWords) + \(j * stepWords)" }

    /// Text of the scale of a lane's first or second column in part `h`, as a float, from the words of its scales.
    func scale(_ words: String, _ h: String, _ column: Int) -> String {
        switch codes.operand.scaleElement {
        case .bf16:
            return "unbits_fs((int32_t)(\(column == 0 ? "\(words)[\(h)] << 16" : "\(words)[\(h)] & 0xffff0000u")))"
        case .f16: return "load_f16((uint16_t)(\(words)[\(h)] >> \(16 * column)))"
        case .f32: return "unbits_fs((int32_t)\(words)[\(h) * 2 + \(column)])"
        case .f64, .f8e4m3, .f8e5m2, .i64, .i32, .i16, .i8, .u8, .bool:
            preconditionFailure("scales are f32, f16 or bf16")
        }
    }

    // MARK: Packing

    /// Batches `[tile][batch]`, then factors of rows where there are any, as host C.
    func packings(_ symbol: String) -> [(packing: EmittedKernel.Packing, source: String)] {
        let names = (product.batch.variable.name, product.column.variable.name, product.sum.variable.name)
        let (b, n, s) = names
        let scaleType = CTypes.storage(codes.operand.scaleElement)
        let functions = [codes.operand.code] + (hasBlocks ? [codes.operand.scale].compactMap { $0 } : [])
        let whole = codes.packing("\(symbol)_pack", functions, .u8, tiles * batches * batchBytes) { printed in
            var lines = [
                "const int64_t tiles = INT64_C(\(tiles));",
                "for (int64_t tile = tiles * part / parts; tile < tiles * (part + 1) / parts; ++tile)",
                "for (int64_t batch = 0; batch < \(batches); ++batch) {",
                "uint8_t *const into = to + (tile * \(batches) + batch) * \(batchBytes);",
                "for (int i = 0; i < \(batchBytes); ++i) into[i] = 0;", "for (int row = 0; row < 16; ++row) {",
                "const int64_t \(b) = 0, \(n) = tile * 16 + row; (void)\(b); if (\(n) >= \(columns)) break;",
                "for (int k = 0; k < \(elements); ++k) { const int64_t \(s) = batch * \(elements) + k; (void)\(s);",
            ]
            lines += printed[0].statements + place(printed[0].value) + ["}"]
            if hasBlocks {
                lines += [
                    "for (int h = 0; h < \(parts); ++h) {",
                    "const int64_t \(s) = batch * \(elements) + h * \(Self.part); (void)\(s);",
                ]
                lines += printed[1].statements
                lines.append(
                    "((\(scaleType) *)(into + 1024))[(row % 8 * \(parts) + h) * 2 + row / 8] = "
                        + "\(CTypes.store(codes.operand.scaleElement, printed[1].value)); }")
            }
            return lines + ["} }"]
        }
        return hasRowFactor ? [whole, factors(symbol)] : [whole]
    }

    /// Statements that put a code into its words.
    private func place(_ value: String) -> [String] {
        let shift = isHalf ? 6 : 3
        // 32 bits that wrap around.
        func put(_ text: String, _ bit: String) -> String {
            "{ const int bit = (\(bit)) % 32; const uint32_t v = \(text); *word |= bit ? v << bit | v >> (32 - bit) : v; }"
        }
        let word =
            "uint32_t *const word = (uint32_t *)(into + number / 4 * 512 + (row % 8 * 4 + k % 32 / 8) * 16 + number % 4 * 4);"
        let head = [
            "const int h = k / 32, j = k % 8 / 4, i = row / 8 + k % 4 / 2 * 2, half = k % 2 * 16; (void)i;",
            "const int number = \(stepWords == 1 ? "h * 2 + j" : "h * 4 + j * 2 + i / 2");", word,
        ]
        switch kind {
        case .nibble(let lowest) where units == .bytes:
            return [
                "const int number = k / 32 * 2 + k % 8 / 4;", word,
                "*word |= (uint32_t)(\(value) - (\(lowest))) << (k % 4 * 8 + row / 8 * 4);",
            ]
        case .byte(let lowest) where units == .bytes:
            return [
                "const int number = k / 32 * 4 + k % 8 / 4 * 2 + row / 8;", word,
                "*word |= (uint32_t)(\(value) - (\(lowest))) << k % 4 * 8;",
            ]
        case .nibble(let lowest):
            return head + [put("(uint32_t)(\(value) - (\(lowest)))", "\(shift) + half + 4 * i")]
        case .byte(let lowest):
            return head + [
                "const uint32_t u = (uint32_t)(\(value) - (\(lowest)));",
                put("u & 15", "\(shift) + half + i % 2 * 8"), put("u >> 4", "\(shift) + half + i % 2 * 8 + 4"),
            ]
        case .real where units == .halves:
            return [
                "const int number = k / 32 * 4 + k % 8 / 2;", word,
                "*word |= (uint32_t)\(CTypes.store(.f8e4m3, value)) << (row / 8 * 16 + k % 2 * 8);",
            ]
        case .real:
            let (first, second) =
                isHalf
                ? ("m << 7 | s << 15", "m | s << 14")
                : ("m << 4 | s << 15", "(m & 15) | m >> 4 << 12 | s << 11")
            return head + [
                "const uint32_t u = \(CTypes.store(.f8e4m3, value)), m = u & 127, s = u >> 7;",
                "*word |= (i % 2 ? \(second) : \(first)) << half;",
            ]
        }
    }

    /// One f32 a row: its scale. Bits of e4m3's NaN would become a number, so that a row with one has a factor of NaN; and f16 holds
    /// e4m3 as a part of 256.
    private func factors(_ symbol: String) -> (packing: EmittedKernel.Packing, source: String) {
        let (b, n, s) = (product.batch.variable.name, product.column.variable.name, product.sum.variable.name)
        var functions = codes.isScaledByRow ? [codes.operand.scale].compactMap { $0 } : []
        let scales = functions.count
        if isMarked { functions.append(codes.operand.code) }
        return codes.packing("\(symbol)_pack_scales", functions, .f32, columns) { printed in
            var lines = [
                "for (int64_t row = INT64_C(\(columns)) * part / parts; row < INT64_C(\(columns)) * (part + 1) / parts; ++row) {",
                "const int64_t \(b) = 0, \(n) = row; (void)\(b); (void)\(n);",
                "float factor = \(isMarked && isHalf ? 256 : 1);",
            ]
            if scales == 1 {
                lines += ["{ const int64_t \(s) = 0; (void)\(s);"] + printed[0].statements
                lines.append("factor *= (float)(\(printed[0].value)); }")
            }
            if isMarked {
                lines += ["for (int64_t \(s) = 0; \(s) < \(product.depth ?? 0); ++\(s)) {"]
                lines += printed[scales].statements
                lines.append("const float code = \(printed[scales].value); if (code != code) factor = code; }")
            }
            return lines + ["to[row] = factor; }"]
        }
    }
}
