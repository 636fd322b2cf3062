import Base
import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// Products of f32 as six products of bf16 pieces, with the tile instructions imitated where they are missing.
@Suite struct SplitProductTests {
    static let split = ContractionInstruction.amxSplit.rawValue

    /// A schedule of products of pieces with other decisions.
    static func schedule(_ others: [String: Int] = [:]) -> Schedule {
        Schedule(others.merging(["algorithm": 0, "instruction": split]) { one, _ in one })
    }

    /// Sums by multiply-adds of rows as a copy holds them.
    static let plain = Schedule(["algorithm": 0, "instruction": 0, "left": 1])

    static let products: [Product] = [
        // Tails in rows, columns and depth; one tile of 16 rows; several blocks of 256 terms; long sums.
        Product(images: 16, channels: 64, outputs: 64), Product(images: 37, channels: 70, outputs: 100),
        Product(images: 49, channels: 129, outputs: 65), Product(images: 18, channels: 515, outputs: 70),
        Product(images: 33, channels: 768, outputs: 96), Product(images: 20, channels: 3072, outputs: 64),
        // Symbolic rows, a depth that a view has flattened, prologues, right operands that are no weights, batches.
        Product(images: 27, channels: 80, outputs: 70, isSymbolic: true),
        Product(images: 18, channels: 64, outputs: 80, headSize: 16),
        Product(images: 21, channels: 90, outputs: 66, prologue: true),
        Product(images: 23, channels: 68, outputs: 70, isConstant: false),
        Product(images: 19, channels: 140, outputs: 130, groups: 2, isConstant: false),
        Product(images: 17, channels: 195, outputs: 201, groups: 3),
        // Convolutions: padding, steps, both memory orders, fewer channels than a step of a tile, groups.
        Product(side: 9, channels: 16, outputs: 70, window: 3, padding: 1),
        Product(images: 2, side: 8, channels: 33, outputs: 64, window: 3, stride: 2, padding: 1),
        Product(side: 6, channels: 20, outputs: 65, window: 3, padding: 1, channelsFirst: true),
        Product(side: 13, channels: 3, outputs: 64, window: 5, stride: 2, padding: 2),
        Product(side: 7, channels: 24, outputs: 128, window: 3, padding: 1, groups: 2, isConstant: false),
    ]

    /// How numbers are drawn.
    enum Numbers: String, CaseIterable, Sendable {
        /// Between −1 and 1.
        case even
        /// Of all magnitudes that are cut, where their sums stay of use.
        case wide
        /// All alike, so that errors add up.
        case constant
    }

    static func draw(_ count: Int, _ numbers: Numbers, seed: UInt64) -> [Float] {
        var random = SeededRandom(seed: seed)
        return (0..<count).map { _ in
            let value = Float(random.uniform() * 2 - 1)
            switch numbers {
            case .even: return value
            case .wide: return Float(sign: .plus, exponent: Int(random.uniform() * 40) - 20, significand: value)
            case .constant: return seed == 1 ? 0.70710677 : 1.1918764
            }
        }
    }

    /// A kernel as products of pieces and as multiply-adds.
    struct Both {
        let product: Product
        let pieces: CompiledKernel
        let plain: CompiledKernel

        init(_ product: Product) throws {
            self.product = product
            pieces = try CompiledKernel(product.kernel, .amx, SplitProductTests.schedule())
            plain = try CompiledKernel(product.kernel, .amx, SplitProductTests.plain)
        }

        /// Results of both. The bias is 0, so that nothing but sums is compared.
        func run(_ left: [Float], _ right: [Float]) throws -> (pieces: [Float], plain: [Float]) {
            (try results(pieces, left, right), try results(plain, left, right))
        }

        private func results(_ kernel: CompiledKernel, _ left: [Float], _ right: [Float]) throws -> [Float] {
            var buffers = [
                Memory.bytes(left, .f32), Memory.bytes(right, .f32),
                [UInt8](repeating: 0, count: product.counts[2] * 4),
                [UInt8](repeating: 0xFF, count: product.counts[3] * 4),
            ]
            try kernel.run(&buffers, dimensions: [Int64(product.images)], parts: 2)
            return Memory.floats(buffers[3], .f32)
        }
    }

    /// Root of the mean square and greatest of the errors, in parts of the sum of the terms' magnitudes.
    static func errors(
        _ found: [Float], _ expected: [(value: Double, magnitude: Double)]
    ) -> (mean: Double, greatest: Double) {
        let errors = zip(found, expected).map { abs(Double($0) - $1.value) / $1.magnitude }
        if errors.contains(where: \.isNaN) { return (.infinity, .infinity) }
        return ((errors.reduce(0) { $0 + $1 * $1 } / Double(errors.count)).squareRoot(), errors.max() ?? 0)
    }

    @Test(.enabled(if: TestTarget.amx.runs), arguments: products)
    func isAsAccurateAsMultiplyAdds(_ product: Product) throws {
        let both = try Both(product)
        for numbers in Numbers.allCases {
            let left = Self.draw(product.counts[0], numbers, seed: 1)
            let right = Self.draw(product.counts[1], numbers, seed: 2)
            let expected = product.reference(left, right, [Float](repeating: 0, count: product.counts[2]))
            let found = try both.run(left, right)
            let (pieces, plain) = (Self.errors(found.pieces, expected), Self.errors(found.plain, expected))
            #expect(pieces.mean <= plain.mean, "\(numbers): \(pieces.mean), plainly \(plain.mean)")
            #expect(pieces.greatest < 2e-6)
        }
    }

    /// Results so small that f32 has no full precision for them are still rounded once, from exact factors.
    @Test(.enabled(if: TestTarget.amx.runs)) func smallSumsKeepTheirPrecision() throws {
        let product = Product(images: 16, channels: 64, outputs: 64)
        let both = try Both(product)
        let least = Float(sign: .plus, exponent: -70, significand: 1)
        for scale in [least, 1e-19, 1e-18] {
            let left = Self.draw(product.counts[0], .even, seed: 1).map { scale * (2 + $0) }
            let right = Self.draw(product.counts[1], .even, seed: 2).map { scale * (2 + $0) }
            let found = try both.run(left, right)
            for row in 0..<16 {
                for column in 0..<64 {
                    let exact = (0..<64).reduce(0.0) {
                        $0 + Double(left[row * 64 + $1]) * Double(right[column * 64 + $1])
                    }
                    let place = row * 64 + column
                    let error = abs(Double(found.pieces[place]) - exact)
                    #expect(error <= max(Double(Float(exact).ulp), exact * 1e-6))
                }
            }
        }
    }

    /// Rows of the identity take elements of the right operand as they are.
    @Test(.enabled(if: TestTarget.amx.runs), arguments: [true, false])
    func onesCopyExactly(_ isConstant: Bool) throws {
        let product = Product(images: 70, channels: 70, outputs: 96, isConstant: isConstant)
        let left = (0..<70 * 70).map { $0 % 71 == 0 ? Float(1) : 0 }
        let right = Self.draw(product.counts[1], .wide, seed: 5).map(abs)
        let found = try Both(product).run(left, right).pieces
        for (place, value) in found.enumerated() { #expect(value == right[place % 96 * 70 + place / 96]) }
    }

    /// Every value of every other choice, one at a time.
    @Test(arguments: [
        products[1], Product(side: 9, channels: 16, outputs: 70, window: 3, padding: 1),
        Product(images: 70, channels: 68, outputs: 200, isConstant: false),
    ])
    func everyChoiceComputesTheSame(_ product: Product) throws {
        for choice in KernelEmitter(TestTarget.amx.target).choices(product.kernel) where choice.name != "instruction" {
            for value in choice.values.dropFirst() {
                try ContractionTests.check(product, .amx, Self.schedule([choice.name: value]))
            }
        }
    }

    /// Both compilers know the tile instructions even where they cannot run.
    @Test(arguments: [products[1], products[9], products[12]], ["clang", "gcc"])
    func compiles(_ product: Product, _ compiler: String) throws {
        let compiled = try CompiledKernel(
            product.kernel, .amx, Self.schedule(), compiler: compiler, loads: false, imitates: false)
        #expect(compiled.emitted.source.contains("split_tiles(leftRows"))
    }

    /// gcc takes the same text.
    @Test(.enabled(if: TestTarget.amx.runs), arguments: [products[1], products[9], products[12]])
    func isRightWithGCC(_ product: Product) throws {
        let compiled = try CompiledKernel(product.kernel, .amx, Self.schedule(), compiler: "gcc")
        try ContractionTests.verify(product, compiled, parts: 3)
    }

    /// Elsewhere, and for what would not gain, the choice is not there, and a schedule that asks for it all the same is not followed.
    @Test func isOfferedWhereItServes() throws {
        func choice(_ product: Product, _ target: TestTarget) -> Choice? {
            KernelEmitter(target.target).choices(product.kernel).first { $0.name == "instruction" }
        }
        let product = Self.products[1]
        for target in TestTarget.allCases where target != .amx {
            #expect(choice(product, target)?.values.contains(Self.split) != true, "\(target)")
        }
        for product in Self.products {
            let values = choice(product, .amx)?.values
            #expect(values == [0, Self.split], "not by default, but offered: \(product.testDescription)")
        }
        #expect(choice(product, .amx)?.words == [Self.split: "six-bf16-products"])
        let others = [
            Product(images: 15, channels: 64, outputs: 64), Product(images: 16, channels: 63, outputs: 64),
            Product(images: 16, channels: 64, outputs: 63), Product(images: 16, channels: (1 << 16) + 1, outputs: 64),
            Product(images: 64, channels: 64, outputs: 64, element: .bf16),
            Product(images: 64, channels: 64, outputs: 64, element: .f16),
        ]
        for product in others {
            #expect(choice(product, .amx)?.values.contains(Self.split) == false, "\(product.testDescription)")
            let emitted = try KernelEmitter(TestTarget.amx.target).emit(product.kernel, symbol: "k", Self.schedule())
            #expect(!emitted.source.contains("split_tiles") && emitted.note == nil)
        }
        #expect(
            try KernelEmitter(TestTarget.avx512.target).emit(product.kernel, symbol: "k", Self.schedule()).note == nil)
    }

    /// What is computed so says so; other kernels say nothing, also where another algorithm takes the choice away.
    @Test func saysSo() throws {
        let emitter = KernelEmitter(TestTarget.amx.target)
        let kernel = Product(side: 9, channels: 32, outputs: 70, window: 3, padding: 1).kernel
        #expect(emitter.choices(kernel).first { $0.name == "algorithm" }?.values.contains(1) == true)
        let emitted = try emitter.emit(kernel, symbol: "k", Self.schedule())
        #expect(emitted.note == "fp32 by six bf16 products (AMX)")
        #expect(emitted.source.contains("_tile_dpbf16ps"))
        #expect(try emitter.emit(kernel, symbol: "k", Schedule()).note == nil)
        let winograd = try emitter.emit(kernel, symbol: "k", Self.schedule(["algorithm": 1]))
        #expect(winograd.note == nil && !winograd.source.contains("_tile_dpb"))
        #expect(emitter.choices(kernel).canonical(Self.schedule(["algorithm": 1])).values["instruction"] == 0)
    }
}
