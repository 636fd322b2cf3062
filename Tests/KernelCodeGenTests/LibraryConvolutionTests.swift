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

    /// Groups, prologues, sizes that are not known and channels that fill no 16 bytes are not what the library is asked for.
    @Test(arguments: [
        Product(side: 9, channels: 16, outputs: 40, window: 3, padding: 1, element: .f16, prologue: true),
        Product(side: 9, channels: 13, outputs: 40, window: 3, padding: 1, element: .f16),
        Product(images: 19, channels: 80, outputs: 40),
    ])
    func others(_ product: Product) {
        #expect(throws: EmissionError.self) { try EmulatedKernel(product.kernel, Schedule(["algorithm": 9])) }
    }
}
