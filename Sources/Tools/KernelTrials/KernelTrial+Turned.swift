import ElementTypes
import KernelIR

extension KernelTrial {
    private static func skinny(_ across: Int, _ columns: Int, _ ahead: Int, _ warps: Int = 8, resident: Int = 0)
        -> Schedule
    {
        Schedule([
            "algorithm": 2, "across": across, "columns": columns, "ahead": ahead, "warps": warps, "resident": resident,
        ])
    }

    /// Heads of queries, keys and values of a normed row, turned by an angle and written into a cache.
    static let turned: [KernelTrial] = [
        (3, 1, 16, 264, ElementType.f16, false), (2, 2, 32, 1000, .bf16, false), (32, 8, 128, 4096, .bf16, true),
    ].map { heads, keyHeads, width, depth, element, isTimed in
        product(
            "turned \(heads)+\(keyHeads)x\(width) of \(depth) \(element)",
            TrialShapes.turned(heads, keyHeads, width, depth, element), element,
            isTimed
                ? [
                    skinny(8, 2, 2, resident: 40), skinny(8, 2, 2), skinny(8, 2, 2, resident: 48), skinny(8, 4, 2),
                    skinny(8, 4, 1, resident: 48), skinny(4, 2, 4, 4, resident: 40), skinny(4, 2, 4), skinny(4, 4, 2),
                    skinny(8, 8, 1), skinny(16, 4, 1, 16),
                ] : [skinny(8, 4, 2), skinny(1, 2, 4), skinny(4, 2, 1), skinny(2, 4, 2, 4)],
            isTimed: isTimed)
    }
}

extension TrialShapes {
    /// A normed row times the weights of all heads; queries and keys are turned by halves (`x · cos + (−x₂, x₁) · sin`), queries are
    /// stored, keys and values are written into caches `[head][width]`.
    static func turned(_ heads: Int, _ keyHeads: Int, _ width: Int, _ depth: Int, _ element: ElementType) -> Kernel {
        let all = heads + 2 * keyHeads
        let (block, place, k) = (axis(0, all), axis(1, width / 2), axis(2, depth))
        let (part, row) = (axis(3, 2), axis(4, 1))
        // All that is compared is written.
        let (positions, position) = (1, 0)
        var left = load(0, at(k))
        var square = left
        left.result = left.body.emit(
            .apply(.multiply, [left.result, left.body.emit(.load(parameter: 2, index: at(k), mask: []))]))
        square.result = square.body.emit(.apply(.multiply, [square.result, square.result]))
        var epilogue = ScalarBody()
        func real(_ value: Double) -> Int { epilogue.emit(.real(bits: value.bitPattern, .f32)) }
        let mean = epilogue.emit(.apply(.multiply, [epilogue.emit(.slot(2)), real(1 / Double(depth))]))
        let factor = epilogue.emit(
            .apply(.reciprocalSquareRoot, [epilogue.emit(.apply(.add, [mean, real(1e-5)]))]))
        let sums = [ScalarBody.Node.accumulator, .slot(1)].map {
            epilogue.emit(.apply(.multiply, [epilogue.emit($0), factor]))
        }
        let others = [epilogue.emit(.apply(.negate, [sums[1]])), sums[0]]
        let half = width / 2
        let (queries, keys) = (IntegerExpression(heads), IntegerExpression(keyHeads))
        var stores: [Store] = []
        for number in 0..<2 {
            let index = at(place) + IntegerExpression(number * half)
            let cosine = epilogue.emit(.load(parameter: 3, index: index, mask: []))
            let sine = epilogue.emit(.load(parameter: 4, index: index, mask: []))
            let turned = epilogue.emit(
                .apply(
                    .add,
                    [
                        epilogue.emit(.apply(.multiply, [sums[number], cosine])),
                        epilogue.emit(.apply(.multiply, [others[number], sine])),
                    ]))
            stores.append(
                Store(parameter: 5, index: at(block) * width + index, value: turned, mask: [queries - 1 - at(block)]))
            let key = at(block) - queries
            let value = key - keys
            let start = index + IntegerExpression(position * width)
            stores.append(
                Store(
                    parameter: 6, index: key * (positions * width) + start, value: turned,
                    mask: [key, keys - 1 - key]))
            stores.append(
                Store(
                    parameter: 7, index: value * (positions * width) + start,
                    value: sums[number], mask: [value]))
        }
        let column = at(block) * width + at(part) * half + at(place)
        let body = ContractionKernel(
            batch: [], rows: [row], columns: [block, place], taps: [], depth: k, left: left,
            right: load(1, column * depth + at(k)), operandElement: element, epilogue: epilogue, stores: stores,
            gate: part, rowSums: [square])
        let cache = keyHeads * positions * width
        return kernel(
            [
                parameter(element, depth), parameter(element, all * width * depth, constant: true),
                parameter(element, depth, constant: true), parameter(element, width), parameter(element, width),
                parameter(element, heads * width, .write), parameter(element, cache, .write),
                parameter(element, cache, .write),
            ], .contraction(body))
    }
}
