import Base
import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// A convolution of `[images, side, side, channels]` by `[outputs, window, window, channels]` with a bias and ReLU; a
/// matrix product is the case of side 1 or window 1. `rows` stand in for images when nothing else does.
struct Product: Sendable, CustomTestStringConvertible {
    var images = 1
    var side = 1
    var channels: Int
    var outputs: Int
    var window = 1
    var stride = 1
    var padding = 0
    var dilation = 1
    var groups = 1
    var element = ElementType.f32
    /// Channels before pixels in memory, as PyTorch stores images.
    var channelsFirst = false
    /// Where not 0, the left operand lies in memory as `[channels / headSize, images, headSize]`, as attention leaves it.
    var headSize = 0
    /// Whether an operand's summed axis is its outermost in memory (of matrix products).
    var isLeftTurned = false
    var isRightTurned = false
    /// Whether results lie channels before pixels, as outputs of PyTorch do.
    var hasPlanarResult = false
    /// Multiplies the left operand by itself plus one while it is read.
    var prologue = false
    /// Whether the right operand is a weight.
    var isConstant = true
    /// Whether the number of images is a symbol.
    var isSymbolic = false
    /// What factors of f32 may be rounded to.
    var factors = FactorPrecision.own

    var testDescription: String {
        "\(images)×\(side)²×\(channels)→\(outputs) w\(window)s\(stride)p\(padding)g\(groups) \(element.rawValue)"
            + "\(dilation > 1 ? " d\(dilation)" : "")"
            + "\(channelsFirst ? " nchw" : "")\(headSize > 0 ? " heads of \(headSize)" : "")\(prologue ? " prologue" : "")\(isConstant ? "" : " activation")"
            + "\(hasPlanarResult ? " to nchw" : "")"
            + "\(isLeftTurned ? " left turned" : "")\(isRightTurned ? " right turned" : "")"
            + "\(isSymbolic ? " symbolic" : "")\(factors == .own ? "" : " tf32")"
    }

    var resultSide: Int { (side + 2 * padding - dilation * (window - 1) - 1) / stride + 1 }
    private var groupChannels: Int { channels / groups }
    private var groupOutputs: Int { outputs / groups }

    var kernel: Kernel {
        func axis(_ number: Int, _ extent: Int) -> LoopAxis {
            LoopAxis(Variable(.axis, number), IntegerExpression(extent))
        }
        func variable(_ axis: LoopAxis) -> IntegerExpression { IntegerExpression(axis.variable) }
        let symbol = Variable(.symbol, 0)
        var image = axis(0, images)
        if isSymbolic { image.extent = IntegerExpression(symbol) }
        let (y, x) = (axis(1, resultSide), axis(2, resultSide))
        let output = axis(3, groupOutputs)
        let (ky, kx, c, g) = (axis(4, window), axis(5, window), axis(6, groupChannels), axis(7, groups))
        let row = variable(y) * stride + variable(ky) * dilation - padding
        let column = variable(x) * stride + variable(kx) * dilation - padding
        let channel = (groups == 1 ? 0 : variable(g) * groupChannels) + variable(c)
        var known = VariableRanges()
        known.declare(c.variable, extent: c.extent)
        let place =
            headSize > 0
            ? (channel.floorDivided(by: IntegerExpression(headSize), known) * images + variable(image)) * headSize
                + channel.modulo(IntegerExpression(headSize), known)
            : isLeftTurned
                ? channel * images + variable(image)
                : channelsFirst
                    ? ((variable(image) * channels + channel) * side + row) * side + column
                    : ((variable(image) * side + row) * side + column) * channels + channel
        let mask =
            padding == 0
            ? [] : [row, IntegerExpression(side - 1) - row, column, IntegerExpression(side - 1) - column]
        var left = ScalarBody()
        var leftValue = left.emit(.load(parameter: 0, index: place, mask: mask))
        if prologue {
            let one = left.emit(.real(bits: (1.0).bitPattern, .f32))
            leftValue = left.emit(.apply(.multiply, [leftValue, left.emit(.apply(.add, [leftValue, one]))]))
        }
        var right = ScalarBody()
        let filter = variable(g) * groupOutputs + variable(output)
        let weight =
            isRightTurned
            ? variable(c) * outputs + filter
            : ((filter * window + variable(ky)) * window + variable(kx)) * groupChannels + variable(c)
        let rightValue = right.emit(.load(parameter: 1, index: weight, mask: []))
        var epilogue = ScalarBody()
        let sum = epilogue.emit(.accumulator)
        let bias = epilogue.emit(.load(parameter: 2, index: filter, mask: []))
        let zero = epilogue.emit(.real(bits: 0, .f32))
        let shifted = epilogue.emit(.apply(.add, [sum, bias]))
        let value = epilogue.emit(.apply(.maximum, [shifted, zero]))
        let target =
            hasPlanarResult
            ? ((variable(image) * outputs + filter) * resultSide + variable(y)) * resultSide + variable(x)
            : ((variable(image) * resultSide + variable(y)) * resultSide + variable(x)) * outputs + filter
        let counts = self.counts
        let body = ContractionKernel(
            batch: groups == 1 ? [] : [g], rows: resultSide == 1 ? [image] : [image, y, x], columns: [output],
            taps: window == 1 ? [] : [ky, kx], depth: c, left: .init(body: left, result: leftValue),
            right: .init(body: right, result: rightValue), operandElement: element, epilogue: epilogue,
            stores: [Store(parameter: 3, index: target, value: value)], factors: factors)
        func parameter(_ number: Int, _ element: ElementType) -> KernelParameter {
            KernelParameter(
                element: element, count: IntegerExpression(counts[number]), access: number == 3 ? .write : .read,
                isConstant: number == 1 && isConstant)
        }
        var ranges = VariableRanges()
        if isSymbolic { ranges[symbol] = .init(lower: 1, upper: 1024) }
        let unused =
            [y, x].filter { _ in resultSide == 1 } + [ky, kx].filter { _ in window == 1 }
            + (groups == 1 ? [g] : [])
        return Kernel(
            name: "tested",
            parameters: [parameter(0, element), parameter(1, element), parameter(2, .f32), parameter(3, .f32)],
            symbols: isSymbolic ? [symbol] : [], ranges: ranges,
            body: Kernel.Body.contraction(body).mapping { expression in
                expression.substituting(ranges) { variable in
                    unused.contains { $0.variable == variable } ? 0 : nil
                }
            })
    }

    var counts: [Int] {
        [
            images * side * side * channels, outputs * window * window * groupChannels, outputs,
            images * resultSide * resultSide * outputs,
        ]
    }

    /// Results as they lie where channels are the inner axis.
    func byPixels(_ results: [Float]) -> [Float] {
        let pixels = resultSide * resultSide
        return hasPlanarResult
            ? results.indices.map {
                results[($0 / outputs / pixels * outputs + $0 % outputs) * pixels + $0 / outputs % pixels]
            }
            : results
    }

    /// The nearest number of 11 bits, halves away from zero.
    private static func tf32(_ value: Float) -> Float {
        Float(bitPattern: (value.bitPattern + 0x1000) & 0xffff_e000)
    }

    /// What the kernel must compute, in double, and the sum of the magnitudes of its terms.
    func reference(_ left: [Float], _ right: [Float], _ bias: [Float]) -> [(value: Double, magnitude: Double)] {
        var results: [(value: Double, magnitude: Double)] = []
        for image in 0..<images {
            for y in 0..<resultSide {
                for x in 0..<resultSide {
                    for output in 0..<outputs {
                        let group = output / groupOutputs
                        var (sum, magnitude) = (0.0, 0.0)
                        for ky in 0..<window {
                            let row = y * stride + ky * dilation - padding
                            if row < 0 || row >= side { continue }
                            for kx in 0..<window {
                                let column = x * stride + kx * dilation - padding
                                if column < 0 || column >= side { continue }
                                for c in 0..<groupChannels {
                                    let channel = group * groupChannels + c
                                    let place =
                                        headSize > 0
                                        ? (channel / headSize * images + image) * headSize + channel % headSize
                                        : isLeftTurned
                                            ? channel * images + image
                                            : channelsFirst
                                                ? ((image * channels + channel) * side + row) * side + column
                                                : ((image * side + row) * side + column) * channels + channel
                                    var value = left[place]
                                    if prologue { value = value * (value + 1) }
                                    if element == .bf16 { value = Memory.rounded(value) }
                                    if element == .f16 { value = Float(Float16(value)) }
                                    var weight =
                                        right[
                                            isRightTurned
                                                ? c * outputs + output
                                                : ((output * window + ky) * window + kx) * groupChannels + c]
                                    if factors == .tf32 { (value, weight) = (Self.tf32(value), Self.tf32(weight)) }
                                    sum += Double(value) * Double(weight)
                                    magnitude += abs(Double(value) * Double(weight))
                                }
                            }
                        }
                        results.append((max(0, sum + Double(bias[output])), magnitude + 1))
                    }
                }
            }
        }
        return results
    }
}

@Suite struct ContractionTests {
    static let products: [Product] = [
        // Matrix-vector, few rows, tails in rows, columns and depth.
        Product(channels: 7, outputs: 10), Product(channels: 129, outputs: 300), Product(channels: 512, outputs: 512),
        Product(images: 2, channels: 64, outputs: 17), Product(images: 3, channels: 17, outputs: 33),
        Product(images: 4, channels: 128, outputs: 64), Product(images: 6, channels: 9, outputs: 40),
        Product(images: 7, channels: 1, outputs: 5), Product(images: 29, channels: 100, outputs: 65),
        Product(images: 64, channels: 1024, outputs: 48), Product(images: 45, channels: 33, outputs: 96),
        // Symbolic rows.
        Product(images: 27, channels: 20, outputs: 50, isSymbolic: true),
        Product(images: 1, channels: 64, outputs: 33, isSymbolic: true),
        Product(images: 3, side: 5, channels: 8, outputs: 20, window: 3, padding: 1, isSymbolic: true),
        // Convolutions: padding, strides, several images, taps that no row of a tile sees.
        Product(side: 9, channels: 16, outputs: 40, window: 3, padding: 1),
        Product(images: 2, side: 7, channels: 8, outputs: 33, window: 3, stride: 2, padding: 1),
        Product(side: 8, channels: 12, outputs: 16, window: 1, stride: 2),
        Product(side: 6, channels: 9, outputs: 20, window: 3),
        Product(side: 4, channels: 8, outputs: 16, window: 7, padding: 3),
        // Panels larger than the level-2 cache are passed in slices.
        Product(images: 3, side: 7, channels: 1024, outputs: 16, window: 5, padding: 2),
        // Few channels, both memory orders, groups.
        Product(side: 13, channels: 3, outputs: 24, window: 5, stride: 2, padding: 2),
        Product(side: 13, channels: 3, outputs: 24, window: 5, stride: 2, padding: 2, channelsFirst: true),
        Product(side: 11, channels: 1, outputs: 32, window: 4, stride: 3),
        Product(side: 6, channels: 24, outputs: 36, window: 3, padding: 1, groups: 3),
        Product(side: 6, channels: 20, outputs: 18, window: 3, padding: 1, channelsFirst: true),
        // Windows over a padded copy: steps, dilation is 1, one channel, several images, the last column block short.
        Product(images: 2, side: 16, channels: 3, outputs: 40, window: 7, stride: 2, padding: 3),
        Product(images: 2, side: 16, channels: 3, outputs: 40, window: 7, stride: 2, padding: 3, channelsFirst: true),
        Product(side: 24, channels: 1, outputs: 70, window: 9, stride: 3, padding: 4),
        Product(side: 12, channels: 4, outputs: 20, window: 3, padding: 1, channelsFirst: true),
        // Depthwise: vectors along the channels, padding, steps, widths that tiles do not divide; channels that lanes do not.
        Product(images: 2, side: 14, channels: 32, outputs: 32, window: 3, padding: 1, groups: 32),
        Product(side: 11, channels: 48, outputs: 48, window: 3, stride: 2, padding: 1, groups: 48),
        Product(side: 13, channels: 16, outputs: 16, window: 5, groups: 16),
        Product(side: 3, channels: 16, outputs: 16, window: 3, padding: 1, groups: 16),
        Product(side: 6, channels: 10, outputs: 10, window: 3, padding: 1, groups: 10),
        // Winograd's products: odd and even sides, several images, no padding.
        Product(side: 9, channels: 32, outputs: 40, window: 3, padding: 1),
        Product(images: 2, side: 8, channels: 48, outputs: 33, window: 3, padding: 1),
        Product(side: 11, channels: 32, outputs: 64, window: 3),
        // A depth that a view has flattened.
        Product(images: 18, channels: 64, outputs: 40, headSize: 16),
        Product(images: 1, channels: 48, outputs: 40, headSize: 8),
        // Prologues and right operands that are no weights.
        Product(images: 19, channels: 50, outputs: 40, prologue: true),
        Product(side: 7, channels: 10, outputs: 17, window: 3, padding: 1, prologue: true),
        Product(images: 36, channels: 6, outputs: 1, prologue: true),
        Product(images: 23, channels: 40, outputs: 70, isConstant: false),
        Product(images: 3, channels: 40, outputs: 36, groups: 2, isConstant: false),
    ]

    static func check(_ product: Product, _ target: TestTarget, _ schedule: Schedule = Schedule(), parts: Int32 = 3)
        throws
    {
        let compiled = try CompiledKernel(product.kernel, target, schedule, loads: target.runs)
        guard target.runs else { return }
        try verify(product, compiled, parts: parts)
    }

    /// Runs a compiled form on numbers that are always the same and compares.
    static func verify(_ product: Product, _ compiled: some RunnableKernel, parts: Int32 = 1) throws {
        var random = SeededRandom(seed: 7)
        func numbers(_ count: Int) -> [Float] { (0..<count).map { _ in Float(random.uniform() * 2 - 1) } }
        let counts = product.counts
        var (left, right) = (numbers(counts[0]), numbers(counts[1]))
        if product.element == .bf16 { (left, right) = (left.map(Memory.rounded), right.map(Memory.rounded)) }
        if product.element == .f16 {
            (left, right) = (left.map { Float(Float16($0)) }, right.map { Float(Float16($0)) })
        }
        let bias = numbers(counts[2])
        var buffers = [
            Memory.bytes(left, product.element), Memory.bytes(right, product.element), Memory.bytes(bias, .f32),
            [UInt8](repeating: 0xFF, count: counts[3] * 4),
        ]
        try compiled.run(&buffers, dimensions: [Int64(product.images)], parts: parts)
        let result = product.byPixels(Memory.floats(buffers[3], .f32))
        var worst = 0.0
        for (found, expected) in zip(result, product.reference(left, right, bias)) {
            let error = abs(Double(found) - expected.value) / expected.magnitude
            worst = max(worst, error.isNaN ? .infinity : error)
        }
        #expect(worst < 2e-6, "\(product.testDescription): \(worst)")
    }

    @Test(arguments: products, [TestTarget.portable, .avx2, .avx512])
    func matchesNaiveSums(_ product: Product, _ target: TestTarget) throws {
        try Self.check(product, target)
    }

    @Test(arguments: products, [TestTarget.avx2, .avx512BF16, .amx])
    func matchesNaiveSumsInBF16(_ product: Product, _ target: TestTarget) throws {
        var product = product
        product.element = .bf16
        try Self.check(product, target)
    }

    /// Every value of every choice, one at a time.
    @Test(arguments: [
        Product(images: 37, channels: 70, outputs: 100),
        Product(side: 8, channels: 32, outputs: 70, window: 3, padding: 1),
        Product(images: 20, channels: 66, outputs: 50, element: .bf16),
        Product(
            side: 13, channels: 3, outputs: 24, window: 5, stride: 2, padding: 2, element: .bf16, channelsFirst: true),
        Product(side: 13, channels: 16, outputs: 16, window: 5, groups: 16),
        Product(side: 3, channels: 32, outputs: 32, window: 3, padding: 1, groups: 32, element: .bf16),
    ])
    func everyChoiceComputesTheSame(_ product: Product) throws {
        let target = TestTarget.avx512BF16
        let choices = KernelEmitter(target.target).choices(product.kernel)
        #expect(choices.contains { $0.values.count > 1 })
        for choice in choices {
            for value in choice.values.dropFirst() {
                try Self.check(product, target, Schedule([choice.name: value]), parts: 2)
            }
        }
    }

    /// gcc takes the same text, and both compilers know the tile instructions even where they cannot run.
    @Test(arguments: [products[8], products[14]], ["clang", "gcc"])
    func compiles(_ product: Product, _ compiler: String) throws {
        _ = try CompiledKernel(product.kernel, .avx512BF16, compiler: compiler, loads: false)
        var product = product
        product.element = .bf16
        _ = try CompiledKernel(product.kernel, .amx, compiler: compiler, loads: false, imitates: false)
    }

    @Test func choosesTilesOnlyWhereTheyExist() throws {
        let product = Product(images: 64, channels: 64, outputs: 64, element: .bf16)
        for target in TestTarget.allCases {
            let source = try KernelEmitter(target.target).emit(product.kernel, symbol: "tested", Schedule()).source
            #expect(source.contains("_tile_dpbf16ps") == (target == .amx))
            #expect(source.contains("_mm512_dpbf16_ps") == (target == .avx512BF16))
        }
    }
}
