import ElementTypes
import KernelIR

/// What follows the sums of a library's call: what the library can do itself, and a map over sums in scratch memory for the rest.
struct SIMTLibraryEpilogue {
    /// Bytes that a library may use as it likes.
    static let workspaceBytes = 32 << 20

    let product: SIMTProduct
    let sizes: (batches: Int, rows: Int, columns: Int)

    /// What is stored when nothing but these is done to the sums, in this order.
    struct Direct {
        /// Of the result.
        var element: ElementType
        /// A row that is added to all rows.
        var bias: (operand: Int, offset: Int, element: ElementType)?
        /// An operand whose elements lie as those of the result do, and are added.
        var residual: Int?
        /// Whether numbers below 0 become 0.
        var isRectified = false
    }

    /// Nil where more is done to the sums than `Direct` says, or several results are stored.
    var direct: Direct? {
        guard product.stores.count == 1, let store = product.stores.first,
            store.mask.allSatisfy({ product.ranges.isNonNegative($0) })
        else { return nil }
        let element = product.kernel.parameters[store.parameter].element
        guard element == .f32 || element == product.element else { return nil }
        let nodes = product.epilogue.nodes
        func unrounded(_ node: Int) -> Int {
            if case .cast(let operand, let type) = nodes[node], type == element { return operand }
            return node
        }
        var found = Direct(element: element)
        var value = unrounded(store.value)
        if case .apply(.maximum, let pair) = nodes[value], pair.count == 2,
            let place = pair.firstIndex(where: { if case .real(bits: 0, _) = nodes[$0] { true } else { false } })
        {
            found.isRectified = true
            value = unrounded(pair[1 - place])
        }
        // Sums may be added to twice: a row, and what lies as the result does.
        while nodes[value] != .accumulator {
            guard case .apply(.add, let terms) = nodes[value], terms.count == 2 else { return nil }
            var next: Int?
            for (sum, other) in [(terms[0], terms[1]), (terms[1], terms[0])] where next == nil {
                guard case .load(let parameter, let index, let mask) = nodes[unrounded(other)],
                    mask.allSatisfy({ product.ranges.isNonNegative($0) })
                else { continue }
                let type = product.kernel.parameters[parameter].element
                if index == store.index, type == element, found.residual == nil, parameter != store.parameter {
                    found.residual = parameter
                } else if index.linearCoefficient(of: product.column.variable) == 1,
                    index.variables == [product.column.variable], index.constant >= 0, found.bias == nil,
                    type == .f32 || type == product.element
                {
                    found.bias = (parameter, index.constant, type)
                } else {
                    continue
                }
                next = unrounded(sum)
            }
            guard let next else { return nil }
            value = next
        }
        return found
    }

    /// The type that all of the epilogue takes the sums in.
    var scratchElement: ElementType {
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

    /// The epilogue as a map over sums `[batches, rows, columns]` in parameter `scratch`.
    private func map(
        _ parameters: [KernelParameter], scratch: Int, _ symbol: String
    ) throws(EmissionError) -> EmittedKernel {
        if let nest = planar(scratch) {
            var kernel = product.kernel
            kernel.parameters = parameters
            kernel.body = .nest(nest)
            return try emitSIMTNest(kernel, nest, symbol: symbol, Schedule(), product.target)
        }
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

    /// The epilogue of results whose inner axis is one of the rows, images that lie channels first, over the axes as they lie; nil of others.
    private func planar(_ scratch: Int) -> NestKernel? {
        guard case .contraction(let body) = product.kernel.body, body.batch.isEmpty, body.columns.count == 1,
            let inner = body.rows.last, body.rows.count > 1,
            body.stores.allSatisfy({ store in
                store.index.linearCoefficient(of: inner.variable) == 1
                    && store.index.linearCoefficient(of: body.columns[0].variable) != 1
            })
        else { return nil }
        func at(_ axis: LoopAxis) -> IntegerExpression {
            axis.extent == 1 ? 0 : IntegerExpression(axis.variable)
        }
        let row = body.rows.reduce(IntegerExpression(0)) { $0 * $1.extent + at($1) }
        let place = row * sizes.columns + at(body.columns[0])
        let sums = ScalarBody(
            nodes: body.epilogue.nodes.map { node in
                node == .accumulator ? .load(parameter: scratch, index: place, mask: []) : node
            })
        return NestKernel(
            axes: [body.rows[0]] + body.columns + body.rows.dropFirst(),
            steps: [NestStep(axes: [], body: sums, effects: body.stores.map { .store($0) })])
    }

    /// A kernel that calls the library, and after it computes the map over sums in parameter `scratch`; nil where the library leaves
    /// nothing to do.
    func emit(
        _ call: LibraryCall, scratch: Int?, _ parameters: [KernelParameter], _ arguments: [EmittedKernel.Argument],
        _ packing: (packing: EmittedKernel.Packing, source: String)?, _ symbol: String
    ) throws(EmissionError) -> EmittedKernel {
        var emitted: EmittedKernel
        if let scratch {
            emitted = try map(parameters, scratch: scratch, symbol)
        } else {
            emitted = Self.nothing(symbol)
        }
        emitted.arguments = arguments
        if let packing {
            emitted.packings = [packing.packing]
            emitted.packingSource = packing.source
        }
        if case .grid(var grid) = emitted.parts {
            grid.call = call
            // What the library starts is nothing to begin beside.
            grid.overlaps = false
            emitted.parts = .grid(grid)
        }
        return emitted
    }

    /// A kernel that does nothing, for calls after which nothing is left to do.
    private static func nothing(_ symbol: String) -> EmittedKernel {
        EmittedKernel(
            symbol: symbol, source: "extern \"C\" __global__ void \(symbol)() {}\n\n", arguments: [], packings: [],
            workspaceBytes: 0, parts: .grid(.init(blocks: 0, threads: 32)))
    }
}
