import Base
import ElementTypes
import GraphIR
import ReferenceInterpreter

/// Collects a graph with random inputs and weights.
struct CaseBuilder {
    var b = GraphBuilder(name: "case")
    var inputs: [TensorValue] = []
    var weights = NamedTensors()
    private var random = SeededRandom(seed: 11)

    /// An input of small numbers; integers are in `range`.
    mutating func input(_ element: ElementType, _ shape: [Int], below bound: Int = 4) throws -> Value {
        let type = TensorType(element, shape.map { Dimension($0) })
        b.graph.inputs.append(GraphPort(name: "x\(inputs.count)", type: type))
        inputs.append(tensor(element, shape, bound, 1))
        return try b.leaf(.input(inputs.count - 1, type))
    }

    /// A weight whose numbers are as small as those of a layer with `fan` inputs.
    mutating func weight(_ element: ElementType, _ shape: [Int], fan: Int) throws -> Value {
        let name = "w\(weights.tensors.count)"
        weights.tensors[name] = tensor(element, shape, 4, 1 / Double(fan).squareRoot())
        return try b.leaf(.parameter(name, TensorType(element, shape.map { Dimension($0) })))
    }

    /// A weight of all numbers of its type that are finite.
    mutating func codes(_ element: ElementType, _ shape: [Int]) throws -> Value {
        let name = "w\(weights.tensors.count)"
        let bits = (0..<shape.reduce(1, *)).map { _ in UInt8(random.index(below: 256)) }
        weights.tensors[name] = TensorValue(
            element, shape, bytes: bits.map { Float8(element)?.value($0).isFinite ?? true ? $0 : 0 })
        return try b.leaf(.parameter(name, TensorType(element, shape.map { Dimension($0) })))
    }

    /// A weight in bf16 that is restored from fewer bits: reals of 8 bits or bytes with a scale a row, or, for `u8`, 4-bit codes in blocks of
    /// 32 with a scale each.
    mutating func codedWeight(_ codes: ElementType, _ columns: Int, _ depth: Int) throws -> Value {
        guard codes == .u8 else {
            let stored = try self.codes(codes, [columns, depth])
            let scales = try weight(.f32, [columns, 1], fan: depth * 4096)
            return try b.map([stored, scales]) {
                $0.cast($0.apply(.multiply, $0.cast($1[0], .f32), $1[1]), .bf16)
            }
        }
        let packed = try self.codes(.u8, [columns, depth / 32, 16])
        let low = try b.map([packed]) { $0.cast($0.apply(.and, $1[0], $0.integer(15)), .u8) }
        let high = try b.map([packed]) { $0.cast($0.apply(.shiftRight, $1[0], $0.integer(4)), .u8) }
        let whole = try b.add(.concatenate(axis: 2), [low, high])
        let scales = try weight(.bf16, [columns, depth / 32, 1], fan: depth * 64)
        let values = try b.map([whole, scales]) {
            let code = $0.cast($0.apply(.subtract, $1[0], $0.integer(8)), .bf16)
            return $0.cast($0.apply(.multiply, code, $1[1]), .bf16)
        }
        return try b.reshape(values, [Dimension(columns), Dimension(depth)])
    }

    /// A state of small numbers.
    mutating func state(_ element: ElementType, _ shape: [Int]) throws -> Value {
        let (name, number) = ("s\(b.graph.states.count)", b.graph.states.count)
        let type = TensorType(element, shape.map { Dimension($0) })
        weights.tensors[name] = tensor(element, shape, 4, 1)
        b.graph.states.append(GraphPort(name: name, type: type))
        return try b.leaf(.state(number, type))
    }

    /// The next output.
    mutating func output(_ value: Value) {
        b.graph.outputs.append(GraphOutput(name: "y\(b.graph.outputs.count)", value: value))
    }

    private mutating func tensor(_ element: ElementType, _ shape: [Int], _ bound: Int, _ scale: Double) -> TensorValue {
        let count = shape.reduce(1, *)
        if element == .bool {
            return TensorValue(element, shape, (0..<count).map { _ in Double(random.index(below: 2)) })
        }
        return element.isFloatingPoint
            ? TensorValue(element, shape, (0..<count).map { _ in (random.uniform() * 2 - 1) * scale })
                .roundedToElement()
            : TensorValue(element, shape, integers: (0..<count).map { _ in Int64(random.index(below: bound)) })
    }
}

extension ConformanceCheck {
    /// A check that a graph becomes kernels which agree with the interpreter, in each of so many runs of one session.
    static func kernel(
        _ name: String, runs: Int = 1, _ build: @escaping @Sendable (inout CaseBuilder) throws -> Void
    ) -> ConformanceCheck {
        .init(name) { bench in
            var builder = CaseBuilder()
            try build(&builder)
            try await bench.agree(builder.b.graph, inputs: builder.inputs, tensors: builder.weights, runs: runs)
        }
    }

    /// Every kind of kernel on shapes that no block, warp or vector divides.
    static let kernels: [ConformanceCheck] =
        maps + reductions + rows + products + largeProducts + codedProducts + convolutions + windows + attentions
        + recurrences + sorts + positions + decoding

    private static let maps: [ConformanceCheck] = [
        kernel("maps of broadcast, permuted, sliced, flipped and padded operands") { c in
            let x = try c.input(.f32, [7, 33])
            let y = try c.input(.f32, [33, 1])
            let sum = try c.b.map([try c.b.view(.permute([1, 0]), x), y]) { $0.apply(.add, $1[0], $1[1]) }
            c.output(sum)
            c.output(
                try c.b.map([try c.b.view(.slice(axis: 1, start: 2, count: 11, step: 3), x)]) { $0.apply(.exp, $1[0]) })
            c.output(try c.b.map([try c.b.view(.flip([0, 1]), x)]) { $0.apply(.negate, $1[0]) })
            let padded = try c.b.view(.pad(low: [1, 0], high: [2, 5], value: .init(-2)), x)
            c.output(try c.b.map([padded]) { $0.apply(.multiply, $1[0], $1[0]) })
        },
        kernel("one element, and parts one after another") { c in
            let x = try c.input(.f64, [1])
            c.output(try c.b.map([x]) { $0.apply(.hyperbolicTangent, $1[0]) })
            let (p, q) = (try c.input(.bf16, [3, 5]), try c.input(.bf16, [3, 70]))
            c.output(try c.b.add(.concatenate(axis: 1), [p, q, p]))
        },
        kernel("no elements") { c in
            let x = try c.input(.f32, [0, 5])
            c.output(try c.b.map([x]) { $0.apply(.exp, $1[0]) })
            c.output(try c.b.add(.reduce(.init(.sum, axes: [0])), [x]))
        },
    ]

    /// Products by weights that are restored from fewer bits: reals of 8 bits, bytes, and 4-bit codes in blocks of 32.
    private static let codedProducts: [ConformanceCheck] = [ElementType.f8e4m3, .f8e5m2, .i8, .u8].map { codes in
        kernel("products by weights of \(codes == .u8 ? "4 bits" : "\(codes)")") { c in
            for (rows, depth, columns) in [(1, 1024, 37), (5, 256, 50), (40, 128, 33)] {
                let x = try c.input(.bf16, [rows, depth])
                let weight = try c.codedWeight(codes, columns, depth)
                c.output(
                    try c.b.add(.contract(.matrixProduct(batchRank: 0, transposed: true)), [x, weight]))
            }
        }
    }

    private static let reductions: [ConformanceCheck] = Reduce.Kind.allCases.map { kind in
        kernel("reductions by \(kind.rawValue)") { c in
            let isOfTruth = kind == .any || kind == .all
            for extent in [1, 7, 33, 1025] {
                let x = try c.input(isOfTruth ? .bool : .f32, [3, extent], below: 2)
                c.output(try c.b.add(.reduce(.init(kind, axes: [1])), [x]))
                let y = try c.input(isOfTruth ? .bool : .i64, [extent, 5], below: 2)
                c.output(try c.b.add(.reduce(.init(kind, axes: [0])), [y]))
            }
        }
    }

    private static let rows: [ConformanceCheck] =
        [1, 5, 37, 300, 5000].map { extent in
            kernel("softmax and normalisation over \(extent)") { c in
                for element in [ElementType.f32, .bf16] {
                    let x = try c.b.cast(try c.input(element, [6, extent]), .f32)
                    let shape: Shape = [6, 1]
                    let most = try c.b.reshape(try c.b.add(.reduce(.init(.maximum, axes: [1])), [x]), shape)
                    let powers = try c.b.map([x, most]) { $0.apply(.exp, $0.apply(.subtract, $1[0], $1[1])) }
                    let sum = try c.b.reshape(try c.b.add(.reduce(.init(.sum, axes: [1])), [powers]), shape)
                    let softmax = try c.b.map([powers, sum]) { $0.apply(.divide, $1[0], $1[1]) }
                    c.output(try c.b.cast(softmax, element))
                    let squares = try c.b.map([x]) { $0.apply(.multiply, $1[0], $1[0]) }
                    let mean = try c.b.reshape(try c.b.add(.reduce(.init(.sum, axes: [1])), [squares]), shape)
                    let gain = try c.weight(.f32, [extent], fan: 1)
                    let normal = try c.b.map([x, mean, gain]) {
                        let scaled = $0.apply(.multiply, $1[1], $0.real(1 / Double(extent), .f32))
                        let root = $0.apply(.reciprocalSquareRoot, $0.apply(.add, scaled, $0.real(1e-5, .f32)))
                        return $0.apply(.multiply, $0.apply(.multiply, $1[0], root), $1[2])
                    }
                    c.output(try c.b.cast(normal, element))
                }
            }
        }
        + [
            kernel("running sums, products and maxima") { c in
                for kind in Scan.Kind.allCases {
                    for extents in [[5, 37], [2, 1531]] {
                        let x = try c.input(.f32, extents)
                        c.output(try c.b.add(.scan(.init(kind, axis: 1)), [x]))
                        c.output(try c.b.add(.scan(.init(kind, axis: 0)), [x]))
                    }
                    // PyTorch takes logarithms of sums of reals only.
                    if kind == .logSumExp { continue }
                    let whole = try c.input(.i64, [3, 70], below: 2)
                    c.output(try c.b.add(.scan(.init(kind, axis: 1)), [whole]))
                }
            }
        ]

    private static let products: [ConformanceCheck] = [ElementType.f32, .bf16, .f16, .f64].map { element in
        kernel("products of \(element)") { c in
            for (m, n, k) in [
                (1, 1, 1), (1, 48, 64), (1, 1000, 512), (3, 5, 17), (16, 128, 64), (17, 33, 65), (64, 64, 64),
                (130, 70, 40),
            ] {
                let x = try c.input(element, [m, k])
                let w = try c.weight(element, [n, k], fan: k)
                let bias = try c.weight(element, [n], fan: 1)
                let product = try c.b.add(.contract(.matrixProduct(batchRank: 0, transposed: true)), [x, w])
                let y = try c.b.map([product, bias]) {
                    $0.cast($0.apply(.hyperbolicTangent, $0.apply(.add, $1[0], $1[1])), element)
                }
                c.output(y)
            }
            let (p, q) = (try c.input(element, [2, 3, 9, 20]), try c.input(element, [2, 3, 20, 7]))
            c.output(try c.b.add(.contract(.matrixProduct(batchRank: 2)), [p, q]))
        }
    }

    /// More tiles than processors take twice, by weights: what GPUs have kernels of their own for.
    private static let largeProducts: [ConformanceCheck] = [ElementType.bf16, .f16].map { element in
        kernel("products of many rows of \(element)") { c in
            let x = try c.input(element, [1091, 72])
            let w = try c.weight(element, [1000, 72], fan: 72)
            let bias = try c.weight(element, [1000], fan: 1)
            let product = try c.b.add(.contract(.matrixProduct(batchRank: 0, transposed: true)), [x, w])
            c.output(
                try c.b.map([product, bias]) {
                    $0.cast($0.apply(.maximum, $0.apply(.add, $1[0], $1[1]), $0.real(0, .f32)), element)
                })
        }
    }

    private static let convolutions: [ConformanceCheck] = [ElementType.f32, .bf16, .f16].map { element in
        kernel("convolutions of \(element)") { c in
            func convolve(
                _ x: [Int], _ w: [Int], stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1,
                isTransposed: Bool = false
            ) throws {
                let rank = w.count - 2
                func every(_ value: Int) -> [Int] { [Int](repeating: value, count: rank) }
                let convolution = Convolve(
                    stride: every(stride), paddingLow: every(padding), paddingHigh: every(padding),
                    dilation: every(dilation), groups: groups, isTransposed: isTransposed)
                let weight = try c.weight(element, w, fan: w[1...].reduce(1, *))
                let y = try c.b.add(.convolve(convolution), [try c.input(element, x), weight])
                c.output(try c.b.map([y]) { $0.cast($0.apply(.maximum, $1[0], $0.real(0, .f32)), element) })
            }
            try convolve([1, 3, 11, 9], [8, 3, 3, 3], padding: 1)
            try convolve([2, 5, 10, 7], [7, 5, 3, 3], stride: 2, padding: 1)
            try convolve([1, 16, 7, 5], [24, 16, 1, 1])
            try convolve([1, 12, 9, 9], [12, 1, 3, 3], padding: 1, groups: 12)
            try convolve([1, 8, 9, 6], [6, 4, 3, 3], dilation: 2, groups: 2)
            try convolve([2, 4, 30], [5, 4, 7], stride: 3)
            try convolve([1, 4, 5, 6], [4, 3, 3, 3], stride: 2, padding: 1, isTransposed: true)
        }
    }

    private static let windows: [ConformanceCheck] = [
        kernel("pooling") { c in
            for (element, shape) in [
                (ElementType.f32, [2, 3, 11, 9]), (.bf16, [1, 7, 5, 130]), (.f16, [1, 1, 3, 3]),
            ] {
                let x = try c.input(element, shape)
                for kind in [Window.Kind.maximum, .argMaximum, .average(countsPadding: true, divisor: nil)] {
                    c.output(
                        try c.b.add(
                            .window(
                                .init(
                                    kind, size: [3, 2], stride: [2, 2], padding: [1, 0], dilation: [1, 1],
                                    roundsUp: false)),
                            [x]))
                }
            }
        }
    ]

    private static let attentions: [ConformanceCheck] = [ElementType.f32, .bf16, .f16].map { element in
        kernel("attention of \(element)") { c in
            for (queries, keys, heads, keyHeads, depth, isCausal, hasMask) in [
                (1, 129, 4, 2, 64, false, false), (37, 70, 2, 2, 40, false, true), (33, 33, 4, 1, 64, true, false),
                (5, 5, 2, 2, 4, true, false), (1, 513, 8, 2, 128, false, true), (70, 131, 2, 2, 64, false, true),
                (130, 130, 4, 2, 128, true, false),
            ] {
                let q = try c.input(element, [1, heads, queries, depth])
                let k = try c.input(element, [1, keyHeads, keys, depth])
                let v = try c.input(element, [1, keyHeads, keys, depth])
                let scale = 1 / Double(depth).squareRoot()
                var operands = [q, k, v]
                if hasMask {
                    let shape = [1, heads, queries, keys].map { Dimension($0) }
                    operands.append(try c.b.expand(try c.input(.f32, [1, 1, queries, keys]), shape))
                }
                c.output(
                    try c.b.add(.attend(.init(hasMask: hasMask, isCausal: isCausal, scale: scale)), operands))
            }
        }
    }

    private static let recurrences: [ConformanceCheck] = [ElementType.f32, .f16, .bf16].flatMap { element in
        Recur.Cell.allCases.map { recurrence($0, element) }
    }

    private static func recurrence(_ cell: Recur.Cell, _ element: ElementType) -> ConformanceCheck {
        kernel("recurrent layers of \(cell.rawValue)\(element == .f32 ? "" : ", \(element)")") { c in
            for (time, batch, input, hidden, isReverse) in [
                (5, 1, 3, 4, false), (7, 3, 20, 33, true), (4, 2, 64, 64, false),
            ] {
                let x = try c.input(element, [time, batch, input])
                var operands = [x, try c.input(element, [batch, hidden])]
                if cell == .lstm { operands.append(try c.input(element, [batch, hidden])) }
                let rows = cell.gates * hidden
                operands.append(try c.weight(element, [rows, input], fan: input))
                operands.append(try c.weight(element, [rows, hidden], fan: hidden))
                operands.append(try c.weight(element, [rows], fan: 1))
                operands.append(try c.weight(element, [rows], fan: 1))
                let layer = try c.b.node(.recur(.init(cell, hasBias: true, isReverse: isReverse)), operands)
                c.output(Value(layer))
                c.output(Value(layer, 1))
            }
        }
    }

    private static let sorts: [ConformanceCheck] = [
        kernel("sorting and the greatest few") { c in
            for (element, extent) in [
                (ElementType.f32, 1), (.f32, 5), (.f32, 33), (.f32, 1000), (.bf16, 77), (.f64, 9), (.i64, 300),
            ] {
                let x = try c.input(element, [3, extent], below: 1000)
                for sort in [
                    Sort(axis: 1, isDescending: false), Sort(axis: 1, isDescending: true, limit: min(extent, 4)),
                ] {
                    let sorted = try c.b.node(.sort(sort), [x])
                    c.output(Value(sorted))
                    c.output(Value(sorted, 1))
                }
            }
        }
    ]

    private static let positions: [ConformanceCheck] = [
        kernel("reading at positions") { c in
            for (element, extents, count) in [
                (ElementType.bf16, [50, 37], [3, 5]), (.f32, [7, 130, 3], [1]), (.i64, [1, 65], [9, 4]),
            ] {
                let table = try c.weight(element, extents, fan: 1)
                let places = try c.input(.i64, count, below: extents[0])
                c.output(try c.b.add(.gather(.init(axes: [0], at: 0)), [table, places]))
            }
        },
        kernel("writing at positions, with states that last from run to run", runs: 3) { c in
            for kind in Scatter.Kind.allCases {
                let cache = try c.state(.f32, [40, 6])
                let rows = try c.input(.f32, [4, 6])
                let places = try c.b.leaf(.constant([3, 39, 0, 17], TensorType(.i64, [4])))
                let written = try c.b.add(.scatter(.init(kind, axes: [0], at: 0)), [cache, rows, places])
                c.output(try c.b.add(.reduce(.init(.sum, axes: [0])), [written]))
                c.b.graph.updates.append(.init(state: c.b.graph.states.count - 1, value: written))
            }
        },
    ]
}
