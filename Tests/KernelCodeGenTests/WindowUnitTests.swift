import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// Windows over few channels on matrix units, the GPU's instructions written out on the host.
@Suite struct WindowUnitTests {
    static let products: [Product] = [
        // As ResNet's first layer: words and runs of 16 bytes, in both orders.
        Product(images: 2, side: 32, channels: 3, outputs: 64, window: 7, stride: 2, padding: 3, element: .f16),
        Product(
            images: 2, side: 32, channels: 3, outputs: 64, window: 7, stride: 2, padding: 3, element: .f16,
            channelsFirst: true),
        // As MobileNet's.
        Product(images: 3, side: 16, channels: 3, outputs: 32, window: 3, stride: 2, padding: 1, element: .bf16),
        // Odd sides: copies of 2, 4 and 8 bytes; odd steps, whose patches are there twice.
        Product(side: 17, channels: 3, outputs: 24, window: 5, stride: 2, padding: 2, element: .f16),
        Product(side: 14, channels: 3, outputs: 18, window: 3, padding: 1, element: .bf16),
        Product(images: 3, side: 13, channels: 1, outputs: 33, window: 5, stride: 3, padding: 2, element: .f16),
        Product(side: 11, channels: 5, outputs: 20, window: 3, padding: 1, element: .f16),
        Product(
            side: 18, channels: 5, outputs: 20, window: 4, stride: 2, padding: 3, element: .bf16, channelsFirst: true),
        Product(images: 3, side: 10, channels: 2, outputs: 9, window: 3, element: .f16),
        Product(images: 5, side: 12, channels: 4, outputs: 40, window: 3, stride: 3, element: .f16),
        Product(side: 15, channels: 4, outputs: 12, window: 5, padding: 2, element: .f16, channelsFirst: true),
        // Steps between the window's pixels; more columns than a block has; lines cut into several tiles.
        Product(side: 19, channels: 3, outputs: 16, window: 3, padding: 2, dilation: 2, element: .f16),
        Product(
            side: 21, channels: 3, outputs: 30, window: 3, stride: 2, padding: 3, dilation: 3, element: .bf16,
            channelsFirst: true),
        Product(images: 1, side: 12, channels: 3, outputs: 130, window: 3, padding: 1, element: .f16),
        Product(side: 140, channels: 1, outputs: 8, window: 3, padding: 1, element: .f16),
        Product(images: 2, side: 12, channels: 12, outputs: 72, window: 4, stride: 2, padding: 1, element: .bf16),
        // No window at all: rows that are no runs.
        Product(images: 70, channels: 77, outputs: 40, element: .f16),
    ]

    @Test(arguments: products, [(tileRows: 1, warpTiles: 1), (3, 2)])
    func windows(_ product: Product, _ tile: (tileRows: Int, warpTiles: Int)) throws {
        let rows = min(tile.tileRows, product.resultSide)
        let schedule = Schedule(["algorithm": 11, "tileRows": rows, "warpTiles": tile.warpTiles])
        try ContractionTests.verify(product, EmulatedKernel(product.kernel, schedule, multiprocessors: 1))
    }

    /// More tiles of a warp than registers hold with two blocks a processor.
    @Test(arguments: [products[1], products[4]])
    func windowsOfManyTiles(_ product: Product) throws {
        let schedule = Schedule(["algorithm": 11, "tileRows": 4, "warpTiles": 4])
        try ContractionTests.verify(product, EmulatedKernel(product.kernel, schedule, multiprocessors: 1))
    }

    /// What these windows are not: groups, what is computed first, sizes that are not known, channels that are runs of 16 bytes.
    @Test(arguments: [
        Product(side: 12, channels: 6, outputs: 32, window: 3, padding: 1, groups: 2, element: .f16),
        Product(side: 12, channels: 3, outputs: 32, window: 3, padding: 1, element: .f16, prologue: true),
        Product(images: 3, side: 12, channels: 3, outputs: 32, window: 3, padding: 1, element: .f16, isSymbolic: true),
        Product(side: 12, channels: 16, outputs: 32, window: 3, padding: 1, element: .f16),
        Product(side: 12, channels: 3, outputs: 32, window: 3, padding: 1),
    ])
    func others(_ product: Product) {
        #expect(throws: EmissionError.self) { try EmulatedKernel(product.kernel, Schedule(["algorithm": 11])) }
    }

    /// The default of first layers.
    @Test(arguments: [products[0], products[1], products[2]])
    func isTheDefault(_ product: Product) throws {
        for architecture in ["sm_80", "sm_90a"] {
            let choices = SIMTEmitter(CubinTarget.target(architecture)).choices(product.kernel)
            #expect(choices.first { $0.name == "algorithm" }?.values.first == 11)
        }
    }

    /// What a bound window is made of: an index that begins before its memory, lines, planes and slots.
    @Test func shapeOfTheFirstLayer() throws {
        let product = Self.products[1]
        guard case .contraction(let body) = product.kernel.body else { return }
        let shape = try #require(
            SIMTWindowShape(SIMTProduct(product.kernel, body, CubinTarget.target("sm_80"))))
        #expect(shape.planes == 3 && shape.taps == 7 && shape.slotCount == 8 && shape.steps == 11)
        #expect(shape.lineStep == 32 && shape.yStep == 2 && shape.tapStep == 1 && shape.xStep == 2)
        #expect(shape.lines == 3...34 && shape.along == 3...34 && shape.granule == 8)
        #expect(shape.lead == 5 && shape.firstSlot == 4)
        let weighted = shape.elements.compactMap(\.self)
        #expect(weighted.count == 147 && Set(weighted).count == 147)
        #expect(shape.isUsed(0) == [false] + Array(repeating: true, count: 7))
    }
}
