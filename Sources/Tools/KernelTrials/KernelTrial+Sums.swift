import ElementTypes
import KernelIR

extension KernelTrial {
    private static func skinny(
        _ across: Int, _ columns: Int, _ ahead: Int, _ warps: Int = 8, resident: Int = 0
    ) -> Schedule {
        Schedule([
            "algorithm": 2, "across": across, "columns": columns, "ahead": ahead, "warps": warps, "resident": resident,
        ])
    }

    /// Products that take in a norm, and where `gates` are 2 also what is made of both halves of their columns.
    static let sums: [KernelTrial] = [
        (1, 1024, 1003, 2, ElementType.bf16, false), (3, 200, 77, 2, .f16, false), (8, 520, 130, 1, .bf16, false),
        (1, 4096, 6144, 1, .bf16, true), (1, 4096, 14336, 2, .bf16, true), (1, 4096, 128_256, 1, .bf16, true),
    ].map { m, k, n, gates, element, isTimed in
        product(
            "normed \(m)x\(k)x\(n)\(gates > 1 ? " gated" : "") \(element)",
            TrialShapes.normed(m, k, n, gates: gates, element), element,
            isTimed
                ? [
                    skinny(8, 2, 2), skinny(8, 2, 2, resident: 48), skinny(8, 2, 2, resident: 40), skinny(8, 4, 2),
                    skinny(8, 4, 2, resident: 40), skinny(8, 4, 1, resident: 48), skinny(4, 2, 4, 4, resident: 40),
                    skinny(8, 4, 1), skinny(8, 8, 1), skinny(4, 2, 4, 4),
                    skinny(4, 4, 4, 4), skinny(4, 8, 2, 4), skinny(16, 4, 1, 16), skinny(8, 2, 4), skinny(4, 2, 4),
                    skinny(4, 4, 2),
                ] + dealt : [skinny(8, 4, 2), skinny(1, 2, 4), skinny(4, 2, 1), skinny(2, 4, 2, 4)],
            isTimed: isTimed)
    }
}

extension TrialShapes {
    /// `y[m, n] = r · Σ x[m, k] g[k] w[n, k]` with `r = 1 / sqrt(mean x² + 10⁻⁵)`; of two gates, where the second's weights
    /// follow the first's, `silu(y₁) · y₂`.
    static func normed(_ rows: Int, _ depth: Int, _ columns: Int, gates: Int, _ element: ElementType) -> Kernel {
        let (m, n, k, p) = (axis(0, rows), axis(1, columns), axis(2, depth), axis(3, gates))
        var left = load(0, at(m) * depth + at(k))
        var square = left
        left.result = left.body.emit(
            .apply(.multiply, [left.result, left.body.emit(.load(parameter: 2, index: at(k), mask: []))]))
        square.result = square.body.emit(.apply(.multiply, [square.result, square.result]))
        var epilogue = ScalarBody()
        func real(_ value: Double) -> Int { epilogue.emit(.real(bits: value.bitPattern, .f32)) }
        let mean = epilogue.emit(.apply(.multiply, [epilogue.emit(.slot(gates)), real(1 / Double(depth))]))
        let factor = epilogue.emit(
            .apply(.reciprocalSquareRoot, [epilogue.emit(.apply(.add, [mean, real(1e-5)]))]))
        let sums = (0..<gates).map { number in
            epilogue.emit(.apply(.multiply, [epilogue.emit(number == 0 ? .accumulator : .slot(number)), factor]))
        }
        var value = sums[0]
        if gates == 2 { value = epilogue.emit(.apply(.multiply, [silu(&epilogue, value), sums[1]])) }
        let body = ContractionKernel(
            batch: [], rows: [m], columns: [n], taps: [], depth: k, left: left,
            right: load(1, (at(n) + at(p) * columns) * depth + at(k)), operandElement: element, epilogue: epilogue,
            stores: [Store(parameter: 3, index: at(m) * columns + at(n), value: value)], gate: gates > 1 ? p : nil,
            rowSums: [square])
        return kernel(
            [
                parameter(element, rows * depth), parameter(element, gates * columns * depth, constant: true),
                parameter(element, depth, constant: true), parameter(element, rows * columns, .write),
            ], .contraction(body))
    }
}
