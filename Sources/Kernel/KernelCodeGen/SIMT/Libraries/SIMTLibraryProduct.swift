import ElementTypes
import KernelIR

/// A contraction that a vendor's library can compute: strided operands of constant sizes. What the library does not do itself
/// (anything but adding a row and what lies as the result does) is done afterwards by a map over its result, which then lies in scratch memory.
struct SIMTLibraryProduct {
    private let product: SIMTProduct
    private let body: ContractionKernel
    private let left: MatrixProduct.Matrix
    /// Nil where the right operand is packed.
    private let right: MatrixProduct.Matrix?
    private let sizes: (batches: Int, rows: Int, columns: Int, depth: Int)

    /// Fails where there is no library or the contraction is of another form.
    init?(_ product: SIMTProduct) {
        guard product.target.hasProductLibrary, product.isReal, let batches = product.batches, let rows = product.rows,
            let columns = product.columns, let depth = product.depth, min(batches, rows, columns, depth) > 0,
            case .contraction(let body) = product.kernel.body,
            let left = Self.matrix(product, body, body.left, body.rows),
            [.f32, .f16, .bf16].contains(product.element)
        else { return nil }
        let sizesText = LibraryCall.sizes(batches: batches, rows: rows, columns: columns, depth: depth)
        guard product.target.takes(LibraryCall.productLibrary, sizesText) else { return nil }
        self.product = product
        self.body = body
        self.left = left
        sizes = (batches, rows, columns, depth)
        right = Self.matrix(product, body, body.right, body.columns)
        // Packed rows may have the summed axes in another order.
        if right == nil, product.rightForm != .packed || Self.count(body.taps) != 1 { return nil }
        // The map after it is a nest over the same axes.
        guard product.stores.allSatisfy({ $0.combine == nil }) else { return nil }
    }

    /// Where an operand's matrix lies, when it is nothing but loads of the factors' type.
    private static func matrix(
        _ product: SIMTProduct, _ body: ContractionKernel, _ function: ScalarFunction, _ lines: [LoopAxis]
    ) -> MatrixProduct.Matrix? {
        guard let (parameter, index, mask) = function.plainLoad,
            mask.allSatisfy({ product.ranges.isNonNegative($0) }),
            product.kernel.parameters[parameter].element == product.element
        else { return nil }
        return matrix(parameter, index, product.element, body.batch, lines, body.taps + [body.depth])
    }

    /// Whether an element that far from the start of an operand lies as libraries are told that all do.
    private static func isAligned(_ offset: Int, _ element: ElementType) -> Bool {
        offset * element.byteCount % MatrixProduct.alignment == 0
    }

    private static func matrix(
        _ parameter: Int, _ index: IntegerExpression, _ element: ElementType, _ batches: [LoopAxis],
        _ lines: [LoopAxis], _ along: [LoopAxis]
    ) -> MatrixProduct.Matrix? {
        let known = (batches + lines + along).map(\.variable)
        guard index.variables.allSatisfy({ known.contains($0) }), index.constant >= 0,
            isAligned(index.constant, element), let batch = stride(index, batches), var line = stride(index, lines),
            var step = stride(index, along)
        else { return nil }
        let (count, length) = (Self.count(lines), Self.count(along))
        // An axis of one element has no stride that would matter.
        if length == 1 { step = 1 }
        if count == 1 { line = step == 1 ? length : 1 }
        guard batch >= 0, step == 1 ? line >= length : line == 1 && step >= count else { return nil }
        return .init(
            operand: parameter, offset: index.constant, line: line, step: step,
            batch: Self.count(batches) == 1 ? 0 : batch)
    }

    private static func count(_ axes: [LoopAxis]) -> Int { axes.reduce(1) { $0 * ($1.extent.constantValue ?? 0) } }

    /// Elements from one point of axes to the next where they are one axis in disguise: each steps over all of the next, or
    /// none is stepped along at all.
    private static func stride(_ index: IntegerExpression, _ axes: [LoopAxis]) -> Int? {
        var result: Int?
        var expected: Int?
        for axis in axes.reversed() where axis.extent != 1 {
            guard let step = index.linearCoefficient(of: axis.variable)?.constantValue,
                let extent = axis.extent.constantValue, expected == nil || expected == step
            else { return nil }
            result = result ?? step
            expected = step * extent
        }
        return result ?? 0
    }

    private var epilogue: SIMTLibraryEpilogue {
        SIMTLibraryEpilogue(product: product, sizes: (sizes.batches, sizes.rows, sizes.columns))
    }

    /// What the library stores by itself, and where: sums, with a row added, and with what lies as the result does.
    private var direct: (place: MatrixProduct.Matrix, epilogue: SIMTLibraryEpilogue.Direct)? {
        guard let found = epilogue.direct, !found.isRectified,
            found.bias.map({ $0.element == found.element && Self.isAligned($0.offset, $0.element) }) ?? true,
            let store = product.stores.first, let original = body.stores.first,
            let place = Self.matrix(
                store.parameter, original.index, found.element, body.batch, body.rows, body.columns),
            place.step == 1, sizes.batches == 1 || place.batch > 0
        else { return nil }
        return (place, found)
    }

    /// Whether the library leaves nothing to do.
    var isDirect: Bool { direct != nil }

    /// Whether the library is taken before a search has said what is best. Measured on an H200 (Benchmarks/results): from 512 rows on
    /// it was 1.3 to 1.7 times as fast as tiles of `SIMTMatrixWriter` where it stores the results itself; else what it stores in between
    /// must stay in the cache, or be little beside the multiply-adds. With fewer rows less is gained than kernels lose that could
    /// have begun beside others. Of f32, tiles in parts (`SIMTSplitFactors`) took 0.7 to 0.9 of the library's time,
    /// whichever axis of the operands is the inner one; of TF32 the library took 0.4 to 0.6 of the tiles', as of bf16. Where there
    /// are no matrix units, it took 0.67 of the time of generated kernels
    /// (16 × 1024 × 2048 × 768) and 0.69 (128 rows by 16384 × 32768, a ReLU after it); the bounds are a guess.
    var isDefault: Bool {
        if product.element == .f32, product.factors == .own {
            return !product.target.hasMatrixUnits && sizes.rows >= 128 && sizes.columns >= 128
                && sizes.depth >= 256 && sizes.batches * sizes.rows * sizes.columns * sizes.depth >= 1 << 31
        }
        guard sizes.rows >= 256, sizes.columns >= 128, sizes.depth >= 128 else { return false }
        let bytes = sizes.batches * sizes.rows * sizes.columns * 4
        return isDirect || bytes <= product.target.l2Bytes / 4 || sizes.depth >= 1536
    }

    /// The call of the library, and the map after it.
    func emit(symbol: String, proposal: Int) throws(EmissionError) -> EmittedKernel {
        let kernel = product.kernel
        let (batches, rows, columns, depth) = sizes
        let direct = self.direct
        var parameters = kernel.parameters
        var arguments: [EmittedKernel.Argument] = kernel.parameters.indices.map { .parameter($0) }
        func add(_ argument: EmittedKernel.Argument, _ element: ElementType, _ count: Int) -> Int {
            arguments.append(argument)
            parameters.append(
                KernelParameter(
                    element: element, count: IntegerExpression(count), access: .read, isConstant: false))
            return parameters.count - 1
        }
        let element = direct?.epilogue.element ?? epilogue.scratchElement
        let total = batches * rows * columns
        var result = direct?.place
        if result == nil {
            let place = add(
                .shared(bytes: IntegerExpression(total * element.byteCount)), element, total)
            result = .init(operand: place, line: columns, batch: batches == 1 ? 0 : rows * columns)
        }
        var right = self.right
        let packing = right == nil ? product.packing(symbol) : nil
        if let packing {
            let length = product.packedDepth
            right = .init(
                operand: add(.packed(0), product.element, packing.packing.count), line: length,
                batch: product.rightBatches > 1 ? columns * length : 0)
        }
        let workspace = add(
            .shared(bytes: IntegerExpression(SIMTLibraryEpilogue.workspaceBytes)), .u8,
            SIMTLibraryEpilogue.workspaceBytes)
        guard let result, let right else { throw EmissionError(kernel: kernel.name, reason: "no place for a matrix") }
        let call = MatrixProduct(
            element: product.element, resultElement: element, rows: rows, columns: columns, depth: depth,
            batches: batches, left: left, right: right, result: result,
            bias: direct?.epilogue.bias.map { .init(operand: $0.operand, offset: $0.offset) },
            addend: direct?.epilogue.residual, workspace: workspace, workspaceBytes: SIMTLibraryEpilogue.workspaceBytes,
            proposal: proposal, factors: product.factors)
        return try epilogue.emit(
            .product(call), scratch: direct == nil ? result.operand : nil, parameters, arguments, packing, symbol)
    }
}
