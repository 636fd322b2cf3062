import Base
import ElementTypes
import GraphIR
import KernelIR

/// The loops over the columns of a product that go to several places.
struct SpreadColumns {
    let spread: SpreadProduct
    /// The product's label of the columns.
    let label: Int
    /// Blocks of columns.
    let blocks: LoopAxis
    /// Parts of a point; nil for one.
    let part: LoopAxis?

    /// Makes the loops but for that over the places of a part; `extents` are those of the product's left and right labels.
    init(_ spread: SpreadProduct, _ contract: Contract, _ extents: Shape, _ builder: inout KernelBuilder) {
        self.spread = spread
        let label = contract.result[spread.axis]
        self.label = label
        let extent = zip(contract.left + contract.right, extents).first { $0.0 == label }?.1.constantValue ?? 0
        blocks = builder.axis(IntegerExpression(extent / spread.block))
        part = spread.parts > 1 ? builder.axis(IntegerExpression(spread.parts)) : nil
    }

    /// The column at a place of a part.
    func column(_ place: IntegerExpression) -> IntegerExpression {
        var column = place
        if blocks.extent != 1 { column = column + IntegerExpression(blocks.variable) * spread.block }
        if let part { column = column + IntegerExpression(part.variable) * spread.count }
        return column
    }
}

extension ProgramBuilder {
    /// The epilogue of a product whose columns go to several places: what each outlet stores of a point's parts, where the point is of
    /// its columns. `index` is the product's, with the place of a part as the column.
    func epilogue(
        _ columns: SpreadColumns, _ group: Partition.Group, _ index: [IntegerExpression],
        _ builder: inout KernelBuilder,
        _ type: ElementType, factor: SplitFactors?
    ) throws(LoweringError) -> (body: ScalarBody, stores: [Store]) {
        let spread = columns.spread
        builder.roots = Set(group.members.map { Value($0) })
        for outlet in spread.outlets {
            if case .scatter = graph.nodes[outlet.node].operation { try prepareScatter(outlet.node) }
        }
        var body = BodyBuilder()
        var stores: [Store] = []
        // An outlet's blocks counted from its own first.
        var places: [Variable: IntegerExpression] = [:]
        let shape = graph.type(Value(group.anchor)).shape
        let place = zip(index, shape).enumerated().map { number, entry in
            let extent = number == spread.axis ? IntegerExpression(spread.count) : entry.1
            return extent == 1 ? 0 : entry.0
        }
        for outlet in spread.outlets {
            let own = builder.axis(IntegerExpression(outlet.count / spread.block))
            let first = IntegerExpression(outlet.start / spread.block)
            let block = columns.blocks.extent == 1 ? 0 : IntegerExpression(columns.blocks.variable)
            places[own.variable] = block - first
            let mask = [block - first, own.extent - 1 + first - block].filter { !builder.ranges.isNonNegative($0) }
            builder.locals[Value(group.anchor)] = LocalValue(
                index: nil, node: .accumulator, type: type,
                further: (spread.axis, outlet.start, spread.count, (1..<spread.parts).map { .slot($0) }),
                factor: factor)
            for part in 0..<spread.parts {
                var source = place
                source[spread.axis] = place[spread.axis] + IntegerExpression(outlet.start + part * spread.count)
                if own.extent != 1 {
                    source[spread.axis] = source[spread.axis] + IntegerExpression(own.variable) * spread.block
                }
                guard let target = graph.target(along: outlet.path, source, builder.ranges) else {
                    throw builder.error(Value(outlet.node), "an outlet's view has no inverse")
                }
                if case .scatter(let scatter) = graph.nodes[outlet.node].operation {
                    stores.append(try store(outlet.node, scatter, target, mask: mask, &builder, &body))
                } else {
                    let number = try builder.pull(outlet.value, target, mask, &body)
                    var store = try builder.store(outlet.value, target, number)
                    store.mask = mask
                    stores.append(store)
                }
            }
        }
        let ranges = builder.ranges
        func placed(_ expression: IntegerExpression) -> IntegerExpression {
            expression.substituting(ranges) { places[$0] }
        }
        var result = body.body.mapping(placed)
        // What lies in its buffer wherever the point is needs no mask, and outlets that read it share it.
        for (number, node) in result.nodes.enumerated() {
            guard case .load(let parameter, let index, let mask) = node, !mask.isEmpty,
                !index.variables.contains(where: { $0.kind == .value }), ranges.isNonNegative(index)
            else { continue }
            let count = elementCount(buffers[builder.buffers[parameter]].type.shape)
            if ranges.isNonNegative(count - 1 - index) {
                result.nodes[number] = .load(parameter: parameter, index: index, mask: [])
            }
        }
        return (result, stores.map { $0.mapping(placed) })
    }
}
