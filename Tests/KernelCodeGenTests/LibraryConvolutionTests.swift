import Base
import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// Convolutions by a vendor's library, computed on the host as it would, with the map after them.
@Suite struct LibraryConvolutionTests {
    @Test(
        arguments: [
            Product(side: 9, channels: 16, outputs: 40, window: 3, padding: 1, element: .f16),
            Product(images: 2, side: 10, channels: 8, outputs: 24, window: 3, stride: 2, padding: 1, element: .bf16),
            Product(images: 2, side: 8, channels: 24, outputs: 16, window: 1, stride: 2, element: .f16),
            Product(images: 1, side: 7, channels: 16, outputs: 8, window: 5, padding: 2, element: .bf16),
            Product(images: 3, side: 8, channels: 16, outputs: 8, window: 3, element: .f16),
            Product(images: 2, side: 20, channels: 16, outputs: 24, window: 3, element: .f16, hasPlanarResult: true),
        ], [0, 1])
    func convolutions(_ product: Product, _ fusion: Int) throws {
        let schedule = Schedule(["algorithm": 9, "proposal": 1, "fusion": fusion])
        let kernel = try EmulatedKernel(product.kernel, schedule)
        guard case .grid(let grid) = kernel.emitted.parts, case .convolution(let call)? = grid.call else {
            throw CompiledKernel.Failure(description: "no convolution")
        }
        #expect(call.proposal == 1 && call.fault(operands: kernel.emitted.arguments.count) == nil)
        #expect(!grid.overlaps)
        try ContractionTests.verify(product, kernel)
    }

    /// Windows in three dimensions, of f32 that may be rounded, with borders, steps and axes of which no mask says how long they are.
    @Test(arguments: [([1, 1, 1], [1, 1, 1], 0), ([2, 1, 2], [1, 1, 1], 1), ([1, 1, 1], [0, 0, 0], 0)])
    func volumes(_ strides: [Int], _ padding: [Int], _ fusion: Int) throws {
        let volumes = Volumes(
            images: 2, extents: [4, 5, 6], channels: 12, outputs: 8, strides: strides, padding: padding,
            factors: .tf32)
        let kernel = try EmulatedKernel(volumes.kernel, Schedule(["algorithm": 9, "fusion": fusion]))
        guard case .grid(let grid) = kernel.emitted.parts, case .convolution(let call)? = grid.call else {
            throw CompiledKernel.Failure(description: "no convolution")
        }
        #expect(call.extents == [4, 5, 6] && call.stride == strides && call.padding == padding)
        try volumes.verify(kernel)
    }

    /// Groups, prologues, sizes that are not known and channels that fill no 16 bytes are not what the library is asked for.
    @Test(arguments: [
        Product(side: 9, channels: 16, outputs: 40, window: 3, padding: 1, element: .f16, prologue: true),
        Product(side: 9, channels: 13, outputs: 40, window: 3, padding: 1, element: .f16),
        Product(images: 19, channels: 80, outputs: 40),
    ])
    func others(_ product: Product) {
        #expect(throws: EmissionError.self) { try EmulatedKernel(product.kernel, Schedule(["algorithm": 9])) }
    }

    /// `max(0, (x − a) · b / 3 + a)` with constants of a column, which the library gets as a factor and a term.
    private static func normed(_ product: Product) -> Kernel {
        var kernel = product.kernel
        guard case .contraction(var body) = kernel.body else { return kernel }
        kernel.parameters[2].isConstant = true
        let place = body.epilogue.nodes.compactMap { node -> IntegerExpression? in
            if case .load(_, let index, _) = node { index } else { nil }
        }
        var epilogue = ScalarBody()
        let x = epilogue.emit(.accumulator)
        let a = epilogue.emit(.load(parameter: 2, index: place[0], mask: []))
        let b = epilogue.emit(.apply(.add, [a, epilogue.emit(.real(bits: (2.0).bitPattern, .f32))]))
        let centred = epilogue.emit(.apply(.subtract, [x, a]))
        let scaled = epilogue.emit(.apply(.multiply, [b, centred]))
        let less = epilogue.emit(.apply(.divide, [scaled, epilogue.emit(.real(bits: (3.0).bitPattern, .f32))]))
        let moved = epilogue.emit(.apply(.add, [less, a]))
        let value = epilogue.emit(.apply(.maximum, [moved, epilogue.emit(.real(bits: 0, .f32))]))
        body.epilogue = epilogue
        body.stores[0].value = value
        kernel.body = .contraction(body)
        return kernel
    }

    @Test func normalisationsAreAFactorAndATerm() throws {
        let product = Product(images: 2, side: 8, channels: 16, outputs: 24, window: 3, padding: 1, element: .f16)
        let kernel = Self.normed(product)
        let library = try EmulatedKernel(kernel, Schedule(["algorithm": 9, "fusion": 1]))
        guard case .grid(let grid) = library.emitted.parts, case .convolution(let call)? = grid.call else {
            throw CompiledKernel.Failure(description: "no convolution")
        }
        #expect(call.factor != nil && call.bias != nil && call.isRectified && grid.blocks == 0)
        var random = SeededRandom(seed: 3)
        let counts = product.counts
        func numbers(_ count: Int) -> [Float] { (0..<count).map { _ in Float(random.uniform() * 2 - 1) } }
        let buffers = [
            Memory.bytes(numbers(counts[0]), .f16), Memory.bytes(numbers(counts[1]), .f16),
            Memory.bytes(numbers(counts[2]), .f32), [UInt8](repeating: 0xFF, count: counts[3] * 4),
        ]
        var (found, expected) = (buffers, buffers)
        try library.run(&found, dimensions: [])
        try EmulatedKernel(kernel, Schedule(["algorithm": 0])).run(&expected, dimensions: [])
        let pairs = zip(Memory.floats(found[3], .f32), Memory.floats(expected[3], .f32))
        #expect(pairs.allSatisfy { abs($0 - $1) < 1e-4 && $0.isFinite } && pairs.contains { $0.0 > 1 })
    }

    /// A library is the default where windows are many and wide, and does all of it.
    @Test(arguments: [(56, 64, 3, true), (56, 64, 1, false), (14, 64, 3, false), (56, 32, 3, false)])
    func isTheDefault(_ side: Int, _ channels: Int, _ window: Int, _ expected: Bool) {
        let product = Product(
            images: 4, side: side, channels: channels, outputs: 64, window: window, padding: window / 2, element: .f16)
        for kernel in [product.kernel, Self.normed(product)] {
            var target = CubinTarget.target("sm_90a")
            target.hasConvolutionLibrary = true
            var choices = SIMTEmitter(target).choices(kernel)
            var algorithm = choices.first { $0.name == "algorithm" }?.values.first
            #expect((algorithm == 9) == expected)
            target.hasConvolutionLibrary = false
            choices = SIMTEmitter(target).choices(kernel)
            algorithm = choices.first { $0.name == "algorithm" }?.values.first
            #expect(algorithm != 9)
        }
    }
}
