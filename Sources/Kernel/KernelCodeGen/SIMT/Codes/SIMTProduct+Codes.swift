import ElementTypes
import KernelIR

/// Codes of a right operand as kernels of few rows read them: rows along the summed axis in runs of 16 bytes, and beside them
/// the scales `[batch][column][block]`.
struct SIMTCodes {
    let product: SIMTProduct
    let operand: CodedOperand

    /// Elements of 16 bytes.
    var run: Int { 128 / operand.kind.bits }
    /// Runs of a row, the last filled up.
    var runs: Int { ((product.depth ?? 0) + run - 1) / run }
    /// Scales of a row.
    var blocks: Int { operand.scale == nil ? 0 : (product.depth ?? 0) / operand.block }
    /// Rows in all.
    var rows: Int { product.rightBatches * (product.columns ?? 0) }
    /// Whether a row has one scale, by which its sum is multiplied at the end.
    var isScaledByRow: Bool { blocks == 1 }
    /// Whether runs lie within blocks.
    var fits: Bool { blocks <= 1 || operand.block % run == 0 }

    /// The number of a row.
    func row(_ b: String, _ column: String) -> String {
        product.rightBatches > 1 ? "((int64_t)\(b) * \(product.columns ?? 0) + \(column))" : "(int64_t)(\(column))"
    }

    /// Text of the scale at a place among the scales, as a float.
    func scale(_ place: String, _ frame: SIMTFrame) -> String {
        let text = "scales[\(place)]"
        return operand.scaleElement == .f16 ? "load_f16(\(text))" : CTypes.load(operand.scaleElement, text)
    }

    /// The codes, then the scales where there are any, as host C that packs them.
    func packings(_ symbol: String) -> [(packing: EmittedKernel.Packing, source: String)] {
        let (b, n, s) = (product.batch.variable.name, product.column.variable.name, product.sum.variable.name)
        let (bytes, depth, columns) = (runs * 16, product.depth ?? 0, product.columns ?? 1)
        let head = [
            "const int64_t rows = INT64_C(\(rows));",
            "for (int64_t row = rows * part / parts; row < rows * (part + 1) / parts; ++row) {",
            "const int64_t \(b) = row / \(columns), \(n) = row % \(columns); (void)\(b); (void)\(n);",
        ]
        let codes = packing("\(symbol)_pack", operand.code, .u8, rows * bytes) { statements, value in
            let store =
                switch operand.kind {
                case .integer(4, let lowest):
                    "to[row * \(bytes) + \(s) / 2] |= (uint8_t)((uint8_t)(\(value) - (\(lowest))) << (\(s) % 2 * 4));"
                case .integer(_, let lowest): "to[row * \(bytes) + \(s)] = (uint8_t)(\(value) - (\(lowest)));"
                case .real(let element): "to[row * \(bytes) + \(s)] = \(CTypes.store(element, value));"
                }
            return head + [
                "for (int64_t i = 0; i < \(bytes); ++i) to[row * \(bytes) + i] = 0;",
                "for (int64_t \(s) = 0; \(s) < \(depth); ++\(s)) {",
            ] + statements + [store, "} }"]
        }
        guard let scale = operand.scale else { return [codes] }
        let scales = packing("\(symbol)_pack_scales", scale, operand.scaleElement, rows * blocks) { statements, value in
            head + [
                "for (int64_t at = 0; at < \(blocks); ++at) { const int64_t \(s) = at * \(operand.block); (void)\(s);"
            ] + statements + ["to[row * \(blocks) + at] = \(CTypes.store(operand.scaleElement, value)); } }"]
        }
        return [codes, scales]
    }

    /// A packing that evaluates a function of the right operand: `loops` gives the lines around the statements that
    /// compute its value, and takes its text; results go to `to`.
    func packing(
        _ name: String, _ function: ScalarFunction, _ element: ElementType, _ count: Int,
        _ loops: (_ statements: [String], _ value: String) -> [String]
    ) -> (packing: EmittedKernel.Packing, source: String) {
        packing(name, [function], element, count) { loops($0[0].statements, $0[0].value) }
    }

    /// A packing that evaluates several functions of the right operand, in scopes of their own.
    func packing(
        _ name: String, _ functions: [ScalarFunction], _ element: ElementType, _ count: Int,
        _ loops: ([(statements: [String], value: String)]) -> [String]
    ) -> (packing: EmittedKernel.Packing, source: String) {
        let kernel = product.kernel
        let sources = product.right.body.loadedParameters.sorted()
        var text = sources.enumerated().map { place, number in
            "const \(CTypes.storage(kernel.parameters[number].element)) *const p\(number) = buffers[\(place)]; (void)p\(number);"
        }
        for (number, symbol) in kernel.symbols.enumerated() {
            text.append("const int64_t \(symbol.name) = dims[\(number)]; (void)\(symbol.name);")
        }
        let printer = BodyPrinter(
            parameters: kernel.parameters, index: IndexPrinter(product.ranges), lanes: 1, laneAxis: nil)
        let printed = functions.map { function in
            let (statements, values) = printer.print(function.body, wanted: [function.result])
            guard let value = values[function.result] else { preconditionFailure("the value was not printed") }
            return (statements: statements, value: value.text)
        }
        text.append("\(CTypes.storage(element)) *const to = buffers[\(sources.count)]; (void)workspace;")
        text += loops(printed)
        return (
            EmittedKernel.Packing(symbol: name, sources: sources, element: element, count: count),
            KernelFrame.function(name, text)
        )
    }

    // MARK: Decoding

    /// A device function that decodes a run: `void SYMBOL_decode(const uint32_t *w, float *y)`.
    func decoder(_ symbol: String) -> String {
        var lines = ["FORCE void \(symbol)_decode(const uint32_t *w, float *y) {"]
        let each = "UNROLL for (int k = 0; k < \(run); ++k) y[k] ="
        switch operand.kind {
        case .integer(let bits, let lowest):
            // The bits of a whole number at the end of 2²³'s fraction, and 2²³ taken off again.
            let word = 32 / bits
            lines.append(
                "\(each) unbits_fs((int32_t)(0x4b000000u | (w[k / \(word)] >> (k % \(word) * \(bits)) & \((1 << bits) - 1)))) "
                    + "- \(8_388_608 - lowest).0f;")
        case .real(.f8e4m3):
            if product.target.dialect == .cuda {
                lines += [
                    "UNROLL for (int k = 0; k < \(run); k += 2) {",
                    "const uint32_t h = halves_f8e4m3((uint16_t)(w[k / 4] >> (k % 4 * 8)));",
                    "y[k] = load_f16((uint16_t)h); y[k + 1] = load_f16((uint16_t)(h >> 16)); }",
                ]
            } else {
                lines.append("\(each) load_f8e4m3((uint8_t)(w[k / 4] >> (k % 4 * 8)));")
            }
        case .real:
            // e5m2 is the upper half of f16.
            lines.append("\(each) load_f16((uint16_t)((w[k / 4] >> (k % 4 * 8) & 255) << 8));")
        }
        return (lines + ["}", ""]).joined(separator: "\n")
    }
}

extension SIMTProduct {
    /// The codes of the right operand, where it is made of codes and every row of it is summed whole.
    var codes: SIMTCodes? {
        guard isReal, let depth, columns != nil, batches != nil,
            let operand = CodedOperand(
                right, along: sum, depth: depth, parameters: kernel.parameters, ranges: ranges)
        else { return nil }
        let codes = SIMTCodes(product: self, operand: operand)
        return codes.fits ? codes : nil
    }

    /// Parameters that only the right operand reads: not needed where it is packed.
    var packedParameters: Set<Int> {
        var others = left.body.loadedParameters.union(epilogue.loadedParameters)
        for function in rowSums { others.formUnion(function.body.loadedParameters) }
        others.formUnion(stores.map(\.parameter))
        return right.body.loadedParameters.subtracting(others)
    }
}
