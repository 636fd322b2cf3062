import Base
import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// A product of `[rows, depth]` bytes by `[depth, columns]` bytes.
struct Int8Product: Sendable, CustomTestStringConvertible {
    /// How the left operand becomes bytes.
    enum Left: String, Sendable {
        /// It is stored as bytes with a sign, or without.
        case signed, unsigned
        /// Reals divided by a scale, rounded and cast to i8 while they are read.
        case quantised
    }

    var rows: Int
    var depth: Int
    var columns: Int
    var left = Left.signed
    /// Whether the right operand is a weight.
    var isConstant = true
    /// Whether the right operand lies column by column.
    var isTransposed = false
    /// Whether the operands are widened before they are multiplied, as PyTorch's `_int_mm` is read.
    var widens = true
    /// Whether the sums are scaled to reals.
    var scales = false

    var testDescription: String {
        "\(rows)×\(depth)×\(columns) \(left.rawValue)\(isConstant ? "" : " activation")\(isTransposed ? " transposed" : "")"
            + "\(widens ? "" : " narrow")\(scales ? " scaled" : "")"
    }

    var kernel: Kernel {
        let axes = [rows, columns, depth].enumerated().map {
            LoopAxis(Variable(.axis, $0.offset), IntegerExpression($0.element))
        }
        let (m, n, k) = (
            IntegerExpression(axes[0].variable), IntegerExpression(axes[1].variable),
            IntegerExpression(axes[2].variable)
        )
        var leftBody = ScalarBody()
        var leftValue = leftBody.emit(.load(parameter: 0, index: m * depth + k, mask: []))
        if left == .quantised {
            let scale = leftBody.emit(.real(bits: (0.01).bitPattern, .f32))
            let scaled = leftBody.emit(.apply(.divide, [leftValue, scale]))
            leftValue = leftBody.emit(.cast(leftBody.emit(.apply(.round, [scaled])), .i8))
        }
        if widens { leftValue = leftBody.emit(.cast(leftValue, .i32)) }
        var right = ScalarBody()
        var rightValue = right.emit(
            .load(parameter: 1, index: isTransposed ? n * depth + k : k * columns + n, mask: []))
        if widens { rightValue = right.emit(.cast(rightValue, .i32)) }
        var epilogue = ScalarBody()
        var value = epilogue.emit(.accumulator)
        if scales {
            let factor = epilogue.emit(.load(parameter: 2, index: n, mask: []))
            let shift = epilogue.emit(.real(bits: (0.5).bitPattern, .f32))
            let product = epilogue.emit(.apply(.multiply, [epilogue.emit(.cast(value, .f32)), factor]))
            value = epilogue.emit(.apply(.add, [product, shift]))
        }
        let body = ContractionKernel(
            batch: [], rows: [axes[0]], columns: [axes[1]], taps: [], depth: axes[2],
            left: .init(body: leftBody, result: leftValue), right: .init(body: right, result: rightValue),
            operandElement: widens ? .i32 : .i8, epilogue: epilogue,
            stores: [Store(parameter: 3, index: m * columns + n, value: value)])
        func parameter(_ element: ElementType, _ count: Int, _ access: KernelParameter.Access = .read)
            -> KernelParameter
        {
            KernelParameter(element: element, count: IntegerExpression(count), access: access, isConstant: false)
        }
        var parameters = [
            parameter(left == .quantised ? .f32 : left == .signed ? .i8 : .u8, rows * depth),
            parameter(.i8, depth * columns), parameter(.f32, columns),
            parameter(scales ? .f32 : .i32, rows * columns, .write),
        ]
        parameters[1].isConstant = isConstant
        return Kernel(
            name: "tested", parameters: parameters, symbols: [], ranges: VariableRanges(), body: .contraction(body))
    }
}

/// Sums of products of bytes are exact, so results are equal to the bit.
@Suite struct Int8ProductTests {
    static let products: [Int8Product] = [
        // Tails in rows, columns and depth; one row; rows and a depth that need no packing.
        Int8Product(rows: 1, depth: 64, columns: 128), Int8Product(rows: 2, depth: 7, columns: 10),
        Int8Product(rows: 33, depth: 50, columns: 40), Int8Product(rows: 64, depth: 256, columns: 96),
        Int8Product(rows: 29, depth: 132, columns: 70, isTransposed: true),
        Int8Product(rows: 19, depth: 68, columns: 33, left: .unsigned),
        Int8Product(rows: 19, depth: 67, columns: 33, left: .unsigned, scales: true),
        Int8Product(rows: 21, depth: 64, columns: 48, left: .quantised, scales: true),
        Int8Product(rows: 21, depth: 30, columns: 17, left: .quantised),
        Int8Product(rows: 23, depth: 65, columns: 70, isConstant: false),
        Int8Product(rows: 40, depth: 64, columns: 70, isConstant: false, isTransposed: true, scales: true),
        Int8Product(rows: 12, depth: 64, columns: 32, widens: false, scales: true),
        // As many terms of the greatest magnitude as are multiplied this way.
        Int8Product(rows: 3, depth: 1 << 15, columns: 16),
    ]

    static func check(_ product: Int8Product, _ target: TestTarget, _ schedule: Schedule = Schedule(), compiler: String)
        throws
    {
        let compiled = try CompiledKernel(product.kernel, target, schedule, compiler: compiler, loads: target.runs)
        #expect(compiled.emitted.source.contains("dot_int8(c0_0") || compiled.emitted.source.contains("_tile_dpb"))
        guard target.runs else { return }
        var random = SeededRandom(seed: 11)
        let extremes: [Int8] = [-128, 127, 0, -1]
        // Random bytes with runs of the extremes, where sums that saturate would show.
        func bytes(_ count: Int) -> [Int8] {
            (0..<count).map { index in
                index % 5 == 0 ? extremes[index / 5 % 4] : Int8(truncatingIfNeeded: Int(random.next() >> 32))
            }
        }
        var left = bytes(product.rows * product.depth)
        var right = bytes(product.depth * product.columns)
        if product.depth == 1 << 15 {
            left = left.map { _ in -128 }
            right = right.map { _ in -128 }
        }
        var factors = (0..<product.columns).map { Float($0 % 7 + 1) * 0.37 }
        factors[0] = 1
        let leftBytes: [UInt8] =
            product.left == .quantised
            ? Memory.bytes(left.map { Float($0) * 0.01 }, .f32) : left.map { UInt8(bitPattern: $0) }
        var buffers = [
            leftBytes, right.map { UInt8(bitPattern: $0) }, Memory.bytes(factors, .f32),
            [UInt8](repeating: 0xFF, count: product.rows * product.columns * 4),
        ]
        try compiled.run(&buffers, parts: 3)
        var wrong = 0
        for row in 0..<product.rows {
            for column in 0..<product.columns {
                var sum: Int32 = 0
                for k in 0..<product.depth {
                    let x = left[row * product.depth + k]
                    let y = right[product.isTransposed ? column * product.depth + k : k * product.columns + column]
                    sum &+= (product.left == .unsigned ? Int32(UInt8(bitPattern: x)) : Int32(x)) &* Int32(y)
                }
                let place = (row * product.columns + column) * 4
                let bits = buffers[3][place..<place + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                // A product and a sum in f32, each rounded by itself.
                let expected =
                    product.scales
                    ? (Float(sum) * factors[column] + 0.5).bitPattern : UInt32(bitPattern: sum)
                if bits != expected { wrong += 1 }
            }
        }
        #expect(wrong == 0, "\(product.testDescription): \(wrong) of \(product.rows * product.columns)")
    }

    @Test(arguments: products, [TestTarget.avxVNNI, .avx512VNNI, .amxInt8])
    func sumsAreExact(_ product: Int8Product, _ target: TestTarget) throws {
        try Self.check(product, target, compiler: "clang")
    }

    /// gcc takes the same text.
    @Test(arguments: [products[3], products[6], products[7]], [TestTarget.avxVNNI, .avx512VNNI])
    func sumsAreExactWithGCC(_ product: Int8Product, _ target: TestTarget) throws {
        try Self.check(product, target, compiler: "gcc")
    }

    /// Both compilers know the tile instructions even where they cannot run.
    @Test(arguments: ["clang", "gcc"])
    func tilesCompile(_ compiler: String) throws {
        _ = try CompiledKernel(Self.products[3].kernel, .amxInt8, compiler: compiler, loads: false, imitates: false)
    }

    /// Every value of every choice, one at a time.
    @Test(arguments: [products[2], products[9]])
    func everyChoiceComputesTheSame(_ product: Int8Product) throws {
        for choice in KernelEmitter(TestTarget.amxInt8.target).choices(product.kernel) {
            for value in choice.values.dropFirst() {
                try Self.check(product, .amxInt8, Schedule([choice.name: value]), compiler: "clang")
            }
        }
    }

    /// More terms than i32 surely holds, wider operands, and processors without the instructions stay plain sums.
    @Test func otherProductsStayPlain() throws {
        func isPlain(_ kernel: Kernel, _ target: TestTarget) throws -> Bool {
            let source = try KernelEmitter(target.target).emit(kernel, symbol: "tested", Schedule()).source
            return !source.contains("dot_int8") && !source.contains("_tile_dpb")
        }
        var product = Int8Product(rows: 8, depth: 64, columns: 32)
        #expect(try !isPlain(product.kernel, .avx512VNNI))
        #expect(try isPlain(product.kernel, .avx512))
        var wide = product.kernel
        wide.parameters[1].element = .i16
        #expect(try isPlain(wide, .avx512VNNI))
        product.depth = (1 << 15) + 1
        #expect(try isPlain(product.kernel, .avx512VNNI))
    }
}
