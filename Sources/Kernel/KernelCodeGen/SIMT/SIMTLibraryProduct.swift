import ElementTypes
import KernelIR

/// A contraction that a vendor's library can compute: strided operands of constant sizes. What the library does not do itself
/// (anything but adding a row) is done afterwards by a map over its result, which then lies in scratch memory.
struct SIMTLibraryProduct {
    private let product: SIMTProduct
    private let body: ContractionKernel
    private let left: MatrixProduct.Matrix
    /// Nil where the right operand is packed.
    private let right: MatrixProduct.Matrix?
    private let sizes: (batches: Int, rows: Int, columns: Int, depth: Int)
    /// What the library may use as it likes.
    private static let workspaceBytes = 32 << 20

    /// Fails where there is no library or the contraction is of another form.
    init?(_ product: SIMTProduct) {
        guard product.target.hasProductLibrary, product.isReal, let batches = product.batches, let rows = product.rows,
            let columns = product.columns, let depth = product.depth, min(batches, rows, columns, depth) > 0,
            case .contraction(let body) = product.kernel.body,
            let left = Self.matrix(product, body, body.left, body.rows),
            [.f32, .f16, .bf16].contains(product.element)
        else { return nil }
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
        return matrix(parameter, index, body.batch, lines, body.taps + [body.depth])
    }

    private static func matrix(
        _ parameter: Int, _ index: IntegerExpression, _ batches: [LoopAxis], _ lines: [LoopAxis], _ along: [LoopAxis]
    ) -> MatrixProduct.Matrix? {
        let known = (batches + lines + along).map(\.variable)
        guard index.variables.allSatisfy({ known.contains($0) }), index.constant >= 0,
            let batch = stride(index, batches), var line = stride(index, lines), var step = stride(index, along)
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

    /// What the library stores by itself: the place, the row that it adds, and the type.
    private struct Direct {
        var result: MatrixProduct.Matrix
        var bias: MatrixProduct.Bias?
        var element: ElementType
    }

    /// The one store that takes the sums, rounded, or with a row added to them before.
    private var direct: Direct? {
        guard product.stores.count == 1, let store = product.stores.first,
            store.mask.allSatisfy({ product.ranges.isNonNegative($0) })
        else { return nil }
        let element = product.kernel.parameters[store.parameter].element
        guard element == .f32 || element == product.element, let original = body.stores.first,
            let place = Self.matrix(store.parameter, original.index, body.batch, body.rows, body.columns),
            place.step == 1, sizes.batches == 1 || place.batch > 0
        else { return nil }
        let nodes = product.epilogue.nodes
        func unrounded(_ node: Int) -> Int {
            if case .cast(let operand, element) = nodes[node] { return operand }
            return node
        }
        let value = unrounded(store.value)
        if nodes[value] == .accumulator { return Direct(result: place, element: element) }
        guard case .apply(.add, let terms) = nodes[value], terms.count == 2 else { return nil }
        for (sum, row) in [(terms[0], terms[1]), (terms[1], terms[0])] {
            guard nodes[unrounded(sum)] == .accumulator, case .load(let parameter, let index, let mask) = nodes[row],
                mask.isEmpty, product.kernel.parameters[parameter].element == element,
                index.linearCoefficient(of: product.column.variable) == 1,
                index.variables == [product.column.variable], index.constant >= 0
            else { continue }
            return Direct(result: place, bias: .init(operand: parameter, offset: index.constant), element: element)
        }
        return nil
    }

    /// The type that all of the epilogue takes the sums in.
    private var scratchElement: ElementType {
        let nodes = product.epilogue.nodes
        var types: Set<ElementType> = []
        for (number, node) in nodes.enumerated() {
            func uses(_ operand: Int) -> Bool { nodes[operand] == .accumulator }
            switch node {
            case .cast(let operand, let element) where uses(operand): types.insert(element)
            case .apply(_, let operands) where operands.contains(where: uses): types.insert(.f32)
            case .cast, .apply, .load, .integerExpression, .condition, .real, .integer, .truth, .slot, .position, .row,
                .accumulator, .scan:
                break
            }
            if node == .accumulator, product.stores.contains(where: { $0.value == number }) { types.insert(.f32) }
        }
        return types == [product.element] ? product.element : .f32
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
        let element = direct?.element ?? scratchElement
        let total = batches * rows * columns
        var result = direct?.result
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
        let workspace = add(.shared(bytes: IntegerExpression(Self.workspaceBytes)), .u8, Self.workspaceBytes)
        guard let result, let right else { throw EmissionError(kernel: kernel.name, reason: "no place for a matrix") }
        let call = MatrixProduct(
            element: product.element, resultElement: element, rows: rows, columns: columns, depth: depth,
            batches: batches, left: left, right: right, result: result, bias: direct?.bias, workspace: workspace,
            workspaceBytes: Self.workspaceBytes, proposal: proposal)
        var emitted: EmittedKernel
        if direct != nil {
            emitted = EmittedKernel(
                symbol: symbol, source: "extern \"C\" __global__ void \(symbol)() {}\n\n", arguments: [], packings: [],
                workspaceBytes: 0, parts: .grid(.init(blocks: 0, threads: 32)))
        } else {
            emitted = try map(parameters, scratch: result.operand, symbol)
        }
        emitted.arguments = arguments
        if let packing {
            emitted.packings = [packing.packing]
            emitted.packingSource = packing.source
        }
        if case .grid(var grid) = emitted.parts {
            grid.product = call
            // What the library starts is nothing to begin beside.
            grid.overlaps = false
            emitted.parts = .grid(grid)
        }
        return emitted
    }

    /// The epilogue as a map over the sums in scratch memory.
    private func map(
        _ parameters: [KernelParameter], scratch: Int, _ symbol: String
    ) throws(EmissionError) -> EmittedKernel {
        let (b, m, n) = (product.batch, product.row, product.column)
        func at(_ axis: LoopAxis) -> IntegerExpression {
            axis.extent == 1 ? 0 : IntegerExpression(axis.variable)
        }
        let place = (at(b) * sizes.rows + at(m)) * sizes.columns + at(n)
        let body = ScalarBody(
            nodes: product.epilogue.nodes.map { node in
                node == .accumulator ? .load(parameter: scratch, index: place, mask: []) : node
            })
        let nest = NestKernel(
            axes: [b, m, n], steps: [NestStep(axes: [], body: body, effects: product.stores.map { .store($0) })])
        var kernel = product.kernel
        kernel.parameters = parameters
        kernel.body = .nest(nest)
        return try emitSIMTNest(kernel, nest, symbol: symbol, Schedule(), product.target)
    }
}
