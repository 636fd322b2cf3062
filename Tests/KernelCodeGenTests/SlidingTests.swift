import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// Windows of single channels, threads that each compute a run of neighbours, on the host and through OpenCL's text.
@Suite struct SlidingTests {
    private static func depthwise(
        _ images: Int, _ side: Int, _ channels: Int, _ window: Int, stride: Int = 1, padding: Int? = nil,
        _ element: ElementType
    ) -> Product {
        Product(
            images: images, side: side, channels: channels, outputs: channels, window: window, stride: stride,
            padding: padding ?? window / 2, groups: channels, element: element)
    }

    static let products: [Product] = [
        depthwise(2, 14, 16, 3, .f16), depthwise(1, 13, 24, 3, stride: 2, .bf16), depthwise(1, 12, 8, 7, .f16),
        depthwise(1, 11, 12, 5, .f32), depthwise(2, 10, 6, 5, stride: 2, padding: 0, .f16),
        // No padding, and windows that touch no common element.
        depthwise(1, 11, 4, 3, padding: 0, .f32), depthwise(1, 13, 8, 2, stride: 3, padding: 0, .bf16),
        depthwise(1, 7, 10, 3, stride: 3, padding: 2, .f16),
    ]

    @Test(arguments: products, [(1, 2), (2, 2), (4, 2), (8, 2), (4, 4)])
    func runs(_ product: Product, _ size: (run: Int, width: Int)) throws {
        let choices = SIMTEmitter(CubinTarget.target("sm_90a")).choices(product.kernel)
        let open = Dictionary(uniqueKeysWithValues: choices.map { ($0.name, $0.values) })
        guard open["slideRun"]?.contains(size.run) == true, open["slideWidth"]?.contains(size.width) == true else {
            return
        }
        let schedule = Schedule(["algorithm": 14, "slideRun": size.run, "slideWidth": size.width])
        try ContractionTests.verify(product, EmulatedKernel(product.kernel, schedule, multiprocessors: 1))
    }

    /// Every one is offered, wide where channels allow it, and is the default.
    @Test func areOffered() throws {
        for product in Self.products {
            let choices = SIMTEmitter(CubinTarget.target("sm_90a")).choices(product.kernel)
            #expect(choices.first { $0.name == "algorithm" }?.values.first == 14, "\(product)")
            let widths = choices.first { $0.name == "slideWidth" }?.values
            #expect(widths?.contains(4) == (product.channels % 4 == 0), "\(product)")
        }
    }

    /// What these windows are not: several channels a group, several results a channel, what is computed first, channels first.
    @Test(arguments: [
        Product(side: 12, channels: 6, outputs: 6, window: 3, padding: 1, groups: 3, element: .f16),
        Product(side: 12, channels: 6, outputs: 12, window: 3, padding: 1, groups: 6, element: .f16),
        Product(side: 12, channels: 6, outputs: 6, window: 3, padding: 1, groups: 6, element: .f16, prologue: true),
        Product(
            side: 12, channels: 6, outputs: 6, window: 3, padding: 1, groups: 6, element: .f16, channelsFirst: true),
    ])
    func others(_ product: Product) {
        #expect(throws: EmissionError.self) { try EmulatedKernel(product.kernel, Schedule(["algorithm": 14])) }
    }
}
