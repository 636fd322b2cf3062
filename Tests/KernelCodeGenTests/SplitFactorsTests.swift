import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// f32 on matrix units as three products of TF32, with the units' instructions written out on the host.
@Suite struct SplitFactorsTests {
    /// Tiles that such products have.
    static let tiles = SIMTMatrixWriter.tiles.indices.filter { SIMTSplitFactors.applies(SIMTMatrixWriter.tiles[$0]) }

    static func schedule(_ tile: Int, _ stages: Int, _ parts: Int) -> Schedule {
        Schedule(["algorithm": 15, "tile": tile, "stages": stages, "parts": parts])
    }

    @Test(arguments: tiles, [1, 4]) func productsOfEveryTile(_ tile: Int, _ parts: Int) throws {
        let product = Product(images: 140, channels: 260, outputs: 75)
        try ContractionTests.verify(product, EmulatedKernel(product.kernel, Self.schedule(tile, 3, parts)))
    }

    @Test(
        arguments: [
            Product(images: 19, channels: 77, outputs: 40),
            Product(images: 19, channels: 132, outputs: 40, prologue: true),
            Product(images: 23, channels: 80, outputs: 70, isConstant: false),
            Product(images: 27, channels: 96, outputs: 50, isSymbolic: true),
            Product(images: 18, channels: 64, outputs: 40, headSize: 16),
            // Windows: copied runs, slices within a tap and across taps, steps, groups, and what is gathered by elements.
            Product(side: 9, channels: 16, outputs: 40, window: 3, padding: 1),
            Product(images: 2, side: 9, channels: 64, outputs: 72, window: 3, padding: 1),
            Product(images: 2, side: 12, channels: 20, outputs: 33, window: 3, stride: 2, padding: 2, dilation: 2),
            Product(images: 2, side: 9, channels: 32, outputs: 70, window: 3, padding: 1, hasPlanarResult: true),
            Product(images: 3, side: 13, channels: 128, outputs: 66, stride: 2),
            Product(side: 6, channels: 24, outputs: 36, window: 3, padding: 1, groups: 3),
            Product(side: 13, channels: 3, outputs: 24, window: 5, stride: 2, padding: 2),
            Product(side: 6, channels: 16, outputs: 18, window: 3, padding: 1, channelsFirst: true),
        ], [2, 4])
    func productsOfEveryOperand(_ product: Product, _ stages: Int) throws {
        try ContractionTests.verify(product, EmulatedKernel(product.kernel, Self.schedule(2, stages, 1)))
    }

    /// Operands whose summed axis is the outermost: runs along rows and columns, with tails in every dimension, in every tile.
    @Test(
        arguments: tiles.map { ($0, true, true, 3, 1) } + [
            (2, true, false, 2, 1), (2, false, true, 4, 1), (5, true, true, 3, 2),
        ])
    func turnedOperands(_ tile: Int, _ left: Bool, _ right: Bool, _ stages: Int, _ parts: Int) throws {
        var product = Product(images: 76, channels: 45, outputs: 140, isLeftTurned: left, isRightTurned: right)
        product.isConstant = false
        let kernel = try EmulatedKernel(product.kernel, Self.schedule(tile, stages, parts))
        // The tile is turned where its runs lie so.
        #expect(kernel.emitted.source.contains("tested_left_factor") == left)
        #expect(kernel.emitted.source.contains("tested_right_factor") == right)
        try ContractionTests.verify(product, kernel)
        guard parts == 2 || stages != 3 else { return }
        product.factors = .tf32
        let rounded = Schedule(["algorithm": 16, "tile": tile, "stages": stages, "parts": parts])
        try ContractionTests.verify(product, EmulatedKernel(product.kernel, rounded))
    }

    /// One product by rounded factors: exactly these, in every tile and for every operand.
    @Test(
        arguments: tiles.map { (Product(images: 140, channels: 260, outputs: 75), $0) } + [
            (Product(images: 19, channels: 132, outputs: 40, prologue: true), 2),
            (Product(images: 23, channels: 80, outputs: 70, isConstant: false), 2),
            (Product(images: 27, channels: 96, outputs: 50, isSymbolic: true), 2),
            (Product(images: 2, side: 9, channels: 64, outputs: 72, window: 3, padding: 1), 2),
            (Product(side: 13, channels: 3, outputs: 24, window: 5, stride: 2, padding: 2), 2),
            (Product(side: 6, channels: 16, outputs: 18, window: 3, padding: 1, channelsFirst: true), 2),
        ])
    func roundedFactors(_ product: Product, _ tile: Int) throws {
        var product = product
        product.factors = .tf32
        let schedule = Schedule(["algorithm": 16, "tile": tile, "stages": 3, "parts": product.isSymbolic ? 1 : 2])
        try ContractionTests.verify(product, EmulatedKernel(product.kernel, schedule))
    }

    /// Where factors may not be rounded, they are not.
    @Test func factorsOfTheirOwnAreNotRounded() {
        let product = Product(images: 140, channels: 260, outputs: 75)
        let schedule = Schedule(["algorithm": 16, "tile": 2, "stages": 3, "parts": 1])
        #expect(throws: EmissionError.self) { try EmulatedKernel(product.kernel, schedule) }
    }

    /// Windows in three dimensions: all 27 taps of a border and of the inside, rows that are found once.
    @Test(arguments: [(8, 0, 3, 1), (64, 2, 3, 1), (36, 2, 2, 4)])
    func volumes(_ channels: Int, _ tile: Int, _ stages: Int, _ parts: Int) throws {
        let volumes = Volumes(images: 2, extents: [3, 4, 5], channels: channels, outputs: 70)
        try volumes.verify(EmulatedKernel(volumes.kernel, Self.schedule(tile, stages, parts)))
    }

    /// What is no number or no finite one by multiply-adds is so by units too, and nothing else is.
    @Test(arguments: [(true, 1, false), (false, 4, false), (false, 1, true)])
    func specialsAreAsInF32(_ isConstant: Bool, _ parts: Int, _ isTurned: Bool) throws {
        var product = Product(images: 37, channels: 70, outputs: 100, isConstant: isConstant)
        product.isRightTurned = isTurned
        let units = try EmulatedKernel(product.kernel, Self.schedule(2, 2, parts))
        let plain = try EmulatedKernel(product.kernel, Schedule(["algorithm": 1, "threadTile": 4, "parts": 1]))
        for special in SplitSpecialsTests.specials + Self.specials {
            func place(_ column: Int, _ k: Int) -> Int { isTurned ? k * 100 + column : column * 70 + k }
            var left = SplitProductTests.draw(product.counts[0], .even, seed: 1)
            var right = SplitProductTests.draw(product.counts[1], .even, seed: 2)
            for (row, k, value) in special.left { left[row * 70 + k] = value }
            for (column, k, value) in special.right { right[place(column, k)] = value }
            let found = try Self.results(units, product, left, right)
            let expected = try Self.results(plain, product, left, right)
            var wrong = 0
            for (number, (found, expected)) in zip(found, expected).enumerated() {
                let (row, column) = (number / 100, number % 100)
                var magnitude = 0.0
                for k in 0..<70 {
                    let (x, y) = (Double(left[row * 70 + k]).magnitude, Double(right[place(column, k)]).magnitude)
                    // Bits below 2⁻¹³⁶ are not read.
                    magnitude += x * y * 0x1p-20 + (x + y) * 0x1p-135
                }
                let isSame =
                    expected.isFinite
                    ? abs(Double(found) - Double(expected)) <= magnitude
                    : expected.isNaN ? found.isNaN : found == expected || found.isFinite && special.mayComeBack
                if !isSame { wrong += 1 }
            }
            #expect(wrong == 0, "\(special.testDescription): \(wrong) wrong")
        }
    }

    /// Numbers that parts of 11 bits lose.
    private static let specials: [SplitSpecialsTests.Specials] = [
        // Rounding to 11 bits would carry into the sign.
        .init("NaN of all bits on the left", left: [(3, 5, Float(bitPattern: 0x7fff_ffff))]),
        .init("-NaN of all bits on the right", right: [(40, 66, Float(bitPattern: 0xffff_ffff))]),
        .init("NaN of the last bit", left: [(36, 69, Float(bitPattern: 0x7f80_0001))]),
        .init("NaN by zero", left: [(3, 5, Float(bitPattern: 0x7fff_ffff))], right: (0..<100).map { ($0, 5, 0) }),
        // Its high part is an infinity.
        .init(
            "greatest by small", left: [(3, 5, .greatestFiniteMagnitude)], right: (0..<100).map { ($0, 5, 0x1p-100) }),
        .init("greatest by zero", left: [(3, 5, -.greatestFiniteMagnitude)], right: (0..<100).map { ($0, 5, 0) }),
        .init("overflow", left: [(7, 1, 0x1p100)], right: [(9, 1, 0x1p100), (10, 1, -0x1p100), (11, 1, 0x1p27)]),
        .init(
            "sums that cancel", left: (0..<70).map { (5, $0, ($0 % 2 == 0 ? 1 : -1) * Float(1 + $0 / 2)) },
            right: (0..<70).map { (8, $0, Float(0x1p20) + Float($0 / 2)) }),
        .init("zeros of both signs", left: (0..<70).map { (5, $0, $0 % 2 == 0 ? 0 : -0.0) }),
    ]

    /// A row of zeros gives zeros without a sign.
    @Test func sumsOfZerosHaveNoSign() throws {
        let product = Product(images: 20, channels: 70, outputs: 33)
        let units = try EmulatedKernel(product.kernel, Self.schedule(5, 2, 1))
        let left = [Float](repeating: -0.0, count: product.counts[0])
        let found = try Self.results(units, product, left, SplitProductTests.draw(product.counts[1], .even, seed: 2))
        #expect(found.allSatisfy { $0.bitPattern == 0 })
    }

    private static func results(
        _ kernel: EmulatedKernel, _ product: Product, _ left: [Float], _ right: [Float]
    ) throws -> [Float] {
        var buffers = [
            Memory.bytes(left, .f32), Memory.bytes(right, .f32), [UInt8](repeating: 0, count: product.counts[2] * 4),
            [UInt8](repeating: 0xFF, count: product.counts[3] * 4),
        ]
        try kernel.run(&buffers, dimensions: [Int64(product.images)])
        return Memory.floats(buffers[3], .f32)
    }
}

extension SplitSpecialsTests.Specials {
    /// Whether sums overflow between their terms only: units that add several at once may not notice.
    fileprivate var mayComeBack: Bool { ["sums that overflow and come back", "many"].contains(testDescription) }
}
