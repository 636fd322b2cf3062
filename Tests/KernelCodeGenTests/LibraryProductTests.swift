import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// Contractions by a vendor's library, computed on the host as it would, with the map after them.
@Suite struct LibraryProductTests {
    @Test(arguments: [
        Product(images: 19, channels: 80, outputs: 40, element: .bf16),
        Product(images: 19, channels: 77, outputs: 40, element: .f16),
        Product(images: 64, channels: 128, outputs: 32),
        Product(images: 23, channels: 80, outputs: 70, element: .bf16, isConstant: false),
        Product(images: 3, side: 4, channels: 16, outputs: 24, element: .f16),
    ])
    func products(_ product: Product) throws {
        let kernel = try EmulatedKernel(product.kernel, Schedule(["algorithm": 5, "proposal": 1]))
        guard case .grid(let grid) = kernel.emitted.parts, let call = grid.product else {
            throw CompiledKernel.Failure(description: "no product")
        }
        #expect(call.proposal == 1 && call.fault(operands: kernel.emitted.arguments.count) == nil)
        // What is computed after the sums is computed by a map that waits for them.
        #expect(!grid.overlaps)
        try ContractionTests.verify(product, kernel)
    }

    /// Windows, prologues and sizes that are not known are not what libraries are asked for.
    @Test(arguments: [
        Product(images: 19, channels: 80, outputs: 40, element: .bf16, prologue: true),
        Product(images: 19, channels: 80, outputs: 40, element: .bf16, isSymbolic: true),
        Product(side: 9, channels: 16, outputs: 40, window: 3, padding: 1, element: .f16),
        Product(images: 18, channels: 64, outputs: 40, element: .bf16, headSize: 16),
    ])
    func others(_ product: Product) {
        #expect(throws: EmissionError.self) { try EmulatedKernel(product.kernel, Schedule(["algorithm": 5])) }
    }

    /// A product over batches that stores its sums, and one that adds a row: the library stores both itself.
    @Test(arguments: [false, true])
    func direct(_ hasBias: Bool) throws {
        let sizes = [3, 16, 24, 32]
        let axes = sizes.enumerated().map { LoopAxis(Variable(.axis, $0), IntegerExpression($1)) }
        let (b, m, n, k) = (
            IntegerExpression(axes[0].variable), IntegerExpression(axes[1].variable),
            IntegerExpression(axes[2].variable), IntegerExpression(axes[3].variable)
        )
        func load(_ parameter: Int, _ index: IntegerExpression) -> ScalarFunction {
            ScalarFunction(body: ScalarBody(nodes: [.load(parameter: parameter, index: index, mask: [])]), result: 0)
        }
        var epilogue = ScalarBody()
        var value = epilogue.emit(.accumulator)
        if hasBias {
            value = epilogue.emit(.cast(value, .bf16))
            value = epilogue.emit(.apply(.add, [value, epilogue.emit(.load(parameter: 2, index: n, mask: []))]))
        }
        func parameter(_ count: Int, _ access: KernelParameter.Access = .read) -> KernelParameter {
            KernelParameter(element: .bf16, count: IntegerExpression(count), access: access, isConstant: false)
        }
        // The right operand is turned and shared by all batches; results lie side by side along the rows of all batches.
        let kernel = Kernel(
            name: "tested",
            parameters: [parameter(3 * 16 * 32), parameter(24 * 32), parameter(24), parameter(3 * 16 * 24, .write)],
            symbols: [], ranges: VariableRanges(),
            body: .contraction(
                ContractionKernel(
                    batch: [axes[0]], rows: [axes[1]], columns: [axes[2]], taps: [], depth: axes[3],
                    left: load(0, (b * 16 + m) * 32 + k), right: load(1, k * 24 + n), operandElement: .bf16,
                    epilogue: epilogue, stores: [Store(parameter: 3, index: (m * 3 + b) * 24 + n, value: value)])))
        let emulated = try EmulatedKernel(kernel, Schedule(["algorithm": 5]))
        guard case .grid(let grid) = emulated.emitted.parts, let product = grid.product else {
            throw CompiledKernel.Failure(description: "no product")
        }
        #expect(grid.blocks == 0 && product.resultElement == .bf16 && (product.bias != nil) == hasBias)
        #expect(product.left == .init(operand: 0, line: 32, batch: 512))
        #expect(product.right == .init(operand: 1, line: 1, step: 24))
        #expect(product.result == .init(operand: 3, line: 72, batch: 24))
        var buffers = kernel.parameters.map { parameter in
            Memory.bytes((0..<(parameter.count.constantValue ?? 0)).map { Float($0 % 7) - 3 }, .bf16)
        }
        try emulated.run(&buffers, dimensions: [])
        let found = Memory.floats(buffers[3], .bf16)
        for batch in 0..<3 {
            for row in 0..<16 {
                for column in 0..<24 {
                    var sum = hasBias ? Float(column % 7) - 3 : 0
                    for depth in 0..<32 {
                        sum +=
                            (Float(((batch * 16 + row) * 32 + depth) % 7) - 3) * (Float((depth * 24 + column) % 7) - 3)
                    }
                    #expect(found[(row * 3 + batch) * 24 + column] == Memory.rounded(sum))
                }
            }
        }
    }
}
