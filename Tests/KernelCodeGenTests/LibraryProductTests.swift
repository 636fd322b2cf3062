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
        guard case .grid(let grid) = kernel.emitted.parts, case .product(let call)? = grid.call else {
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
        guard case .grid(let grid) = emulated.emitted.parts, case .product(let product)? = grid.call else {
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

    /// Matrices that begin between multiples of 16 bytes are not handed over: the left one makes another kernel, the result and the bias a map.
    @Test(arguments: [(0, 0, 0, true), (1, 0, 0, nil), (8, 8, 8, true), (0, 4, 0, false), (0, 0, 3, false)])
    func alignment(_ left: Int, _ result: Int, _ bias: Int, _ isDirect: Bool?) throws {
        let kernel = Self.adding(0, true, 16, 24, 32, offsets: (left, result, bias))
        guard let isDirect else {
            #expect(throws: EmissionError.self) { try EmulatedKernel(kernel, Schedule(["algorithm": 5])) }
            return
        }
        let emulated = try EmulatedKernel(kernel, Schedule(["algorithm": 5]))
        guard case .grid(let grid) = emulated.emitted.parts, case .product(let call)? = grid.call else {
            throw CompiledKernel.Failure(description: "no product")
        }
        #expect((grid.blocks == 0) == isDirect)
        let places = [call.left.offset, call.right.offset, call.result.offset, call.bias?.offset ?? 0]
        #expect(places.allSatisfy { $0 * 2 % MatrixProduct.alignment == 0 })
    }

    /// Large products are the library's before a search, where it is; what a map would move too much for, and few rows, are not.
    @Test(arguments: [
        (512, 4096, 4096, true), (512, 4096, 28672, true), (1024, 1024, 1024, true), (4096, 1024, 4096, false),
        (128, 4096, 4096, false), (512, 4096, 64, false), (512, 64, 4096, false),
    ])
    func defaults(_ rows: Int, _ depth: Int, _ columns: Int, _ isLibrary: Bool) throws {
        let product = Product(images: rows, channels: depth, outputs: columns, element: .bf16)
        var target = CubinTarget.target("sm_90")
        func first() -> Int? {
            SIMTEmitter(target).choices(product.kernel).first { $0.name == "algorithm" }?.values.first
        }
        #expect(first() == 3)
        let plainParts = SIMTEmitter(target).choices(product.kernel).first { $0.name == "parts" }?.values.first
        target.hasProductLibrary = true
        #expect(first() == (isLibrary ? 5 : 3))
        let safer = SIMTEmitter(target).saferSchedules(product.kernel)
        // What is refused falls back on what would stand there without a library, and that keeps its defaults.
        #expect((safer.first == Schedule(["algorithm": 3])) == isLibrary)
        let parts = SIMTEmitter(target).choices(product.kernel).first { $0.name == "parts" }?.values.first
        #expect(parts == plainParts)
        // Specialised warps finish in place what the library would leave to a map.
        target.architecture = "sm_90a"
        #expect(first() == (rows * columns > 264 * 64 * 64 ? 6 : 3))
    }

    /// Sums of a product with `count` operands that lie as the result does and, where asked, a row added.
    private static func adding(
        _ count: Int, _ hasBias: Bool, _ rows: Int, _ columns: Int, _ depth: Int,
        offsets: (left: Int, result: Int, bias: Int) = (0, 0, 0)
    ) -> Kernel {
        let axes = [rows, columns, depth].enumerated().map { LoopAxis(Variable(.axis, $0), IntegerExpression($1)) }
        let (m, n, k) = (
            IntegerExpression(axes[0].variable), IntegerExpression(axes[1].variable),
            IntegerExpression(axes[2].variable)
        )
        func load(_ parameter: Int, _ index: IntegerExpression) -> ScalarFunction {
            ScalarFunction(body: ScalarBody(nodes: [.load(parameter: parameter, index: index, mask: [])]), result: 0)
        }
        var epilogue = ScalarBody()
        var value = epilogue.emit(.accumulator)
        for place in 0..<count {
            let other = epilogue.emit(.load(parameter: 3 + place, index: m * columns + n, mask: []))
            value = epilogue.emit(.cast(epilogue.emit(.apply(.add, [other, value])), .f16))
        }
        if hasBias {
            value = epilogue.emit(
                .apply(.add, [value, epilogue.emit(.load(parameter: 2, index: n + offsets.bias, mask: []))]))
        }
        func parameter(_ count: Int, _ access: KernelParameter.Access = .read, isConstant: Bool = false)
            -> KernelParameter
        {
            KernelParameter(element: .f16, count: IntegerExpression(count), access: access, isConstant: isConstant)
        }
        return Kernel(
            name: "tested",
            parameters: [
                parameter(rows * depth + offsets.left), parameter(columns * depth, isConstant: true),
                parameter(columns + offsets.bias),
            ]
                + [
                    parameter(rows * columns), parameter(rows * columns),
                    parameter(rows * columns + offsets.result, .write),
                ],
            symbols: [], ranges: VariableRanges(),
            body: .contraction(
                ContractionKernel(
                    batch: [], rows: [axes[0]], columns: [axes[1]], taps: [], depth: axes[2],
                    left: load(0, m * depth + k + offsets.left), right: load(1, n * depth + k), operandElement: .f16,
                    epilogue: epilogue,
                    stores: [Store(parameter: 5, index: m * columns + n + offsets.result, value: value)])))
    }

    /// Where a library does all that follows the sums it comes before specialised warps, else after.
    @Test(arguments: [(1, true, 5), (2, false, 6)])
    func defaultsBesideSpecialisedWarps(_ count: Int, _ hasBias: Bool, _ form: Int) {
        var target = CubinTarget.target("sm_90a")
        target.hasProductLibrary = true
        let choices = SIMTEmitter(target).choices(Self.adding(count, hasBias, 2048, 1024, 512))
        #expect(choices.first { $0.name == "algorithm" }?.values.first == form)
    }

    /// What lies as the result does is added by the library too, in either order with a row; once more is a map's work.
    @Test(arguments: [(1, false), (1, true), (2, false)])
    func residuals(_ count: Int, _ hasBias: Bool) throws {
        let (rows, columns, depth) = (16, 24, 32)
        let kernel = Self.adding(count, hasBias, rows, columns, depth)
        let emulated = try EmulatedKernel(kernel, Schedule(["algorithm": 5]))
        guard case .grid(let grid) = emulated.emitted.parts, case .product(let call)? = grid.call else {
            throw CompiledKernel.Failure(description: "no product")
        }
        #expect((call.addend == 3) == (count == 1) && (grid.blocks == 0) == (count == 1))
        #expect((call.bias != nil) == hasBias)
        var buffers = kernel.parameters.enumerated().map { place, parameter in
            let count = parameter.count.constantValue ?? 0
            return Memory.bytes((0..<count).map { Float(($0 + place) % 5) - 2 }, .f16)
        }
        try emulated.run(&buffers, dimensions: [])
        let found = Memory.floats(buffers[5], .f16)
        for row in 0..<rows {
            for column in 0..<columns {
                var sum = hasBias ? Float((column + 2) % 5) - 2 : 0
                for place in 0..<count { sum += Float((row * columns + column + 3 + place) % 5) - 2 }
                for step in 0..<depth {
                    sum += (Float((row * depth + step) % 5) - 2) * (Float((column * depth + step + 1) % 5) - 2)
                }
                #expect(found[row * columns + column] == sum)
            }
        }
    }
}
