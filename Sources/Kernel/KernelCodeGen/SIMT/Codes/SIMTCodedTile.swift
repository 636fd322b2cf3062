import ElementTypes
import KernelIR

/// A tile of a right operand of codes for matrix units: codes are read as `SIMTUnitCodes` packs them, decoded in registers and stored to
/// shared memory as rows of 64 summed elements, the way `SIMTOperand` lays them, so that no weight is ever widened in memory. Codes
/// of a slice are read while the slice before it is multiplied.
///
/// Blocks' scales multiply here, rounded once to the operands' type; factors of rows are left to the sums.
struct SIMTCodedTile {
    let weights: SIMTUnitCodes
    let symbol: String
    /// Columns of the tile.
    let columns: Int
    let threads: Int

    private var element: ElementType { weights.codes.product.element }
    private var scaleElement: ElementType { weights.codes.operand.scaleElement }
    private var isHalf: Bool { element == .f16 }
    private var type: String { isHalf ? "f16" : "bf16" }
    /// Parts of 32 elements in a lane's 16 bytes.
    private var partsOfRun: Int { weights.parts / 2 }
    /// Runs of 16 bytes of 16 columns and 64 summed elements.
    private var runsOfTile: Int { 64 / partsOfRun }
    private var slots: Int { columns / 16 * runsOfTile }
    private var turns: Int { (slots + threads - 1) / threads }
    /// Words of a lane's scales of one part.
    private var scaleWords: Int { scaleElement.byteCount / 2 }

    /// Device functions.
    var functions: String { weights.decoder(symbol) + widener }

    /// What holds the codes on their way.
    var declarations: [String] {
        ["uint4 held[\(turns)];"]
            + (weights.hasBlocks ? ["uint32_t heldScales[\(turns)][\(partsOfRun * scaleWords)];"] : [])
    }

    private var place: [String] {
        [
            "UNROLL for (int i = 0; i < \(turns); ++i) {", "const int slot = thread + i * \(threads);",
            slots % threads != 0 ? "if (slot >= \(slots)) continue;" : "",
            // The part of a batch that the slice is, and the lane that the run is for.
            "const int run = \(partsOfRun == 2 ? "turn % 2" : "slot / 32 % 2"), lane = slot % 32; (void)run;",
        ]
    }

    /// Statements that read the codes of slice `turn`, where it is before `to`.
    var fetch: [String] {
        var lines =
            ["if (turn < to) {"] + place + [
                "const int tile16 = (int)(firstColumn / 16) + slot / \(runsOfTile);",
                "held[i].x = held[i].y = held[i].z = held[i].w = 0;",
                weights.hasBlocks
                    ? "UNROLL for (int k = 0; k < \(partsOfRun * scaleWords); ++k) heldScales[i][k] = 0;" : "",
                "if (tile16 < \(weights.tiles)) {",
                "const uint8_t *const batch = codes + ((int64_t)tile16 * \(weights.batches) + turn / \(partsOfRun)) * \(weights.batchBytes);",
                "held[i] = stream16(batch + run * 512 + lane * 16);",
            ]
        if weights.hasBlocks {
            let scales = "((const uint32_t *)(batch + 1024))"
            lines.append(
                "UNROLL for (int k = 0; k < \(partsOfRun * scaleWords); ++k) heldScales[i][k] = "
                    + "\(scales)[(lane / 4 * \(weights.parts) + run * \(partsOfRun)) * \(scaleWords) + k];")
        }
        lines += ["}", "}", "}"]
        return lines
    }

    /// Statements that store what was read of slice `turn` to the tile at `base`.
    func store(_ base: String) -> [String] {
        func put(_ row: String, _ first: Int) -> [String] {
            let values = ["a[\(first)]", "a[\(first + 2)]", "d[\(first)]", "d[\(first + 2)]"]
            return [
                "{ const int r = \(row); const uint32_t values[4] = {\(values.joined(separator: ", "))};",
                "put16(\(base) + r * 128 + ((q ^ (r & 7)) << 4), values); }",
            ]
        }
        let row = "slot / \(runsOfTile) * 16 + lane / 4"
        let scales = weights.hasBlocks ? ", heldScales[i] + h * \(scaleWords)" : ""
        var lines =
            place + [
                "const uint32_t w[4] = {held[i].x, held[i].y, held[i].z, held[i].w};",
                "UNROLL for (int h = 0; h < \(partsOfRun); ++h) {",
                "uint32_t a[\(4 * weights.planes)], d[\(4 * weights.planes)];",
                "\(symbol)_step(a, w + h * 2); \(symbol)_step(d, w + h * 2 + \(weights.stepWords));",
                "\(symbol)_widen(a\(scales)); \(symbol)_widen(d\(scales));",
                "const int q = \(partsOfRun == 2 ? "h" : "run") * 4 + lane % 4;",
            ]
        lines += put(row, 0) + put("\(row) + 8", 1)
        return lines + ["}", "}"]
    }

    /// `void SYMBOL_widen(uint32_t *a)`: numbers of a step without what they exceed their codes by, times their scales.
    private var widener: String {
        var lines: [String] = []
        func plus(_ a: String, _ value: Int) -> String {
            "fma_pair_\(type)(\(a), \(pair(1)), \(pair(value)))"
        }
        for i in 0..<4 {
            switch weights.kind {
            case .nibble: lines.append("a[\(i)] = \(plus("a[\(i)]", -weights.excess));")
            case .byte(let lowest):
                // Each sum has few enough bits.
                let high = plus("a[\(4 + i)]", lowest - 256)
                lines.append("a[\(i)] = fma_pair_\(type)(\(plus("a[\(i)]", -16)), \(pair(1)), \(high));")
            case .real: break
            }
            guard weights.hasBlocks else { continue }
            if scaleElement == element {
                let scale = i % 2 == 0 ? "(f[0] & 0xffffu) * 0x10001u" : "(f[0] >> 16) * 0x10001u"
                lines.append("a[\(i)] = fma_pair_\(type)(a[\(i)], \(scale), 0x80008000u);")
            } else {
                let low = SIMTFrame.lane("a", element, "\(2 * i)"), high = SIMTFrame.lane("a", element, "\(2 * i + 1)")
                let scale = weights.scale("f", "0", i % 2)
                lines.append("{ const float s = \(scale); a[\(i)] = pair_\(type)(\(low) * s, \(high) * s); }")
            }
        }
        let scales = weights.hasBlocks ? ", const uint32_t *f" : ""
        return "FORCE void \(symbol)_widen(uint32_t *a\(scales)) { \(lines.joined(separator: "\n")) }\n"
    }

    /// Two of a whole number of few bits in the operands' type.
    private func pair(_ value: Int) -> String {
        let bits = Float(value).bitPattern
        let half = UInt32(bits >> 16 & 0x8000) | (value == 0 ? 0 : ((bits & 0x7FFF_FFFF) - 0x3800_0000) >> 13)
        let one = isHalf ? half : bits >> 16
        return "0x\(String(one << 16 | one, radix: 16))u"
    }
}
