import ElementTypes
import GraphIR

/// What one step of decoding is made of, large enough that devices of many processors take the kernels that they have for it: products of
/// one row with what stands around them, and attention of one query over a long cache.
extension ConformanceCheck {
    static let decoding: [ConformanceCheck] = rowProducts + codedRowProducts + [caches]

    private static let rowProducts: [ConformanceCheck] = [ElementType.bf16, .f16].map { element in
        kernel("products of one row and many columns of \(element), with norms, gates and residuals") { c in
            let (depth, columns) = (2048, 2308)
            let x = try c.input(element, [1, depth])
            let product = { (c: inout CaseBuilder, operand: Value) in
                let w = try c.weight(element, [columns, depth], fan: depth)
                return try c.b.add(.contract(.matrixProduct(batchRank: 0, transposed: true)), [operand, w])
            }
            let rest = try c.input(element, [1, columns])
            c.output(try c.b.map([try product(&c, x), rest]) { $0.cast($0.apply(.add, $1[0], $1[1]), element) })
            // RMS norm (Zhang and Sennrich 2019) before two products of which one gates the other (Shazeer 2020).
            let wide = try c.b.cast(x, .f32)
            let squares = try c.b.map([wide]) { $0.apply(.multiply, $1[0], $1[0]) }
            let sum = try c.b.reshape(try c.b.add(.reduce(.init(.sum, axes: [1])), [squares]), [1, 1])
            let gain = try c.weight(element, [depth], fan: 1)
            let scaled = try c.b.map([wide, sum]) {
                let mean = $0.apply(.multiply, $1[1], $0.real(1 / Double(depth), .f32))
                let root = $0.apply(.reciprocalSquareRoot, $0.apply(.add, mean, $0.real(1e-5, .f32)))
                return $0.cast($0.apply(.multiply, $1[0], root), element)
            }
            let normal = try c.b.map([scaled, gain]) { $0.cast($0.apply(.multiply, $1[0], $1[1]), element) }
            let (gate, up) = (try product(&c, normal), try product(&c, normal))
            c.output(
                try c.b.map([gate, up]) {
                    let open = $0.apply(.add, $0.real(1, .f32), $0.apply(.exp, $0.apply(.negate, $1[0])))
                    let swish = $0.apply(.divide, $1[0], open)
                    return $0.cast($0.apply(.multiply, swish, $1[1]), element)
                })
        }
    }

    private static let codedRowProducts: [ConformanceCheck] = [ElementType.f8e4m3, .i8, .u8].map { codes in
        kernel("products of one row by many weights of \(codes == .u8 ? "4 bits" : "\(codes)")") { c in
            for (depth, columns) in [(1024, 2327), (640, 4240)] {
                let x = try c.input(.bf16, [1, depth])
                let weight = try c.codedWeight(codes, columns, depth)
                c.output(try c.b.add(.contract(.matrixProduct(batchRank: 0, transposed: true)), [x, weight]))
            }
        }
    }

    /// Keys and values of a step are written into states, which its query then meets, but for what the mask hides.
    private static let caches = kernel("attention of one query over long caches that it writes", runs: 2) { c in
        for (element, keys, heads, keyHeads, depth, place) in [
            (ElementType.bf16, 2051, 8, 2, 128, 700), (.f16, 1024, 4, 4, 64, 1023), (.f32, 300, 3, 1, 40, 0),
        ] {
            let q = try c.input(element, [1, heads, 1, depth])
            let position = try c.b.leaf(.constant([Double(place)], TensorType(.i64, [1])))
            var operands = [q]
            for _ in 0..<2 {
                let cache = try c.state(element, [keys, keyHeads, depth])
                let row = try c.input(element, [1, keyHeads, depth])
                let written = try c.b.add(.scatter(.init(.set, axes: [0], at: 0)), [cache, row, position])
                c.b.graph.updates.append(.init(state: c.b.graph.states.count - 1, value: written))
                let turned = try c.b.view(.permute([1, 0, 2]), written)
                operands.append(try c.b.reshape(turned, [1, keyHeads, keys, depth].map { Dimension($0) }))
            }
            let at = try c.b.leaf(.iota(Dimension(keys)))
            let mask = try c.b.map([at]) {
                $0.apply(
                    .select, $0.apply(.lessOrEqual, $1[0], $0.integer(Int64(place))), $0.real(0, .f32),
                    $0.real(-.infinity, .f32))
            }
            let row = try c.b.reshape(mask, [1, 1, 1, Dimension(keys)])
            operands.append(try c.b.expand(row, [1, heads, 1, keys].map { Dimension($0) }))
            c.output(
                try c.b.add(
                    .attend(.init(hasMask: true, isCausal: false, scale: 1 / Double(depth).squareRoot())), operands))
        }
    }
}
