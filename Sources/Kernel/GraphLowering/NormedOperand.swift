import Base
import ElementTypes
import GraphIR

/// What a product reads of a row's norm: `x · r(Σ e(x)) · w`, where the factor of the row commutes with the product's sum. A
/// kernel then sums `e(x)` beside its products and multiplies each by the factor at the end.
struct NormedOperand {
    /// The sums, over the product's summed axis.
    let reductions: [NodeID]
    /// The sums and the maps that depend on them, up to the operand.
    let dependents: Set<NodeID>

    /// What a value is made of.
    private enum Factors {
        case constant
        /// Of no sum.
        case plain
        /// Of sums alone: one number a row.
        case row
        /// The one times the other.
        case product
    }

    /// Finds a norm behind the left operand of products; `root` is the operand without views of it.
    init?(_ graph: Graph, users: [[NodeID]], exits: Set<Value>, root: NodeID) {
        // What serves the operand alone, found from it upwards: every user comes later and was looked at before.
        var own: Set<NodeID> = [root]
        var found: [NodeID] = []
        for id in graph.nodes.ids.prefix(root.index + 1).reversed() {
            let isOwn =
                id == root
                || !users[id.index].isEmpty && users[id.index].allSatisfy(own.contains) && !exits.contains(Value(id))
            guard isOwn else { continue }
            switch graph.nodes[id].operation {
            case .map, .view: own.insert(id)
            case .reduce(let reduce):
                guard reduce.kind == .sum, reduce.axes.count == 1 else { continue }
                own.insert(id)
                found.append(id)
            case .leaf, .scan, .concatenate, .gather, .scatter, .contract, .convolve, .attend, .recur, .window, .sort:
                continue
            }
        }
        var dependents = Set(found)
        for id in graph.nodes.ids.prefix(root.index + 1) where own.contains(id) {
            if graph.nodes[id].operands.contains(where: { dependents.contains($0.node) }) { dependents.insert(id) }
        }
        guard !found.isEmpty, dependents.contains(root) else { return nil }
        // Sums of sums take a second pass.
        for id in found where graph.nodes[id].operands.contains(where: { dependents.contains($0.node) }) { return nil }
        reductions = found.sorted()
        self.dependents = dependents
    }

    /// The place of each sum in its own shape, when a value at `index` is what a product can take: the factor of a row times what
    /// has none. `depth` is the summed loop of the product.
    func places(
        _ graph: Graph, _ value: Value, _ index: [IntegerExpression], depth: LoopAxisOfSum, _ ranges: VariableRanges
    ) -> [NodeID: [IntegerExpression]]? {
        var places: [NodeID: [IntegerExpression]] = [:]
        var (value, index) = (value, index)
        while !dependents.contains(value.node) {
            guard let (source, inner) = Self.source(graph, value, index, ranges) else { return nil }
            (value, index) = (source, inner)
        }
        guard case .product = factors(graph, value, index, depth, ranges, &places) else { return nil }
        return places.count == reductions.count ? places : nil
    }

    /// The summed loop of a product.
    struct LoopAxisOfSum {
        let variable: Variable
        let extent: Dimension
    }

    /// What a view's element is an element of, and where; at 0 on axes of one element.
    private static func source(
        _ graph: Graph, _ value: Value, _ index: [IntegerExpression], _ ranges: VariableRanges
    ) -> (value: Value, index: [IntegerExpression])? {
        guard case .view(let view) = graph.nodes[value.node].operation else { return nil }
        let operand = graph.nodes[value.node].operands[0]
        let shape = graph.type(operand).shape
        guard let source = view.source(index, of: shape, ranges), source.mask.isEmpty else { return nil }
        return (operand, zip(source.index, shape).map { $1 == 1 ? 0 : $0 })
    }

    private func factors(
        _ graph: Graph, _ value: Value, _ index: [IntegerExpression], _ depth: LoopAxisOfSum, _ ranges: VariableRanges,
        _ places: inout [NodeID: [IntegerExpression]]
    ) -> Factors? {
        let node = graph.nodes[value.node]
        guard dependents.contains(value.node) else {
            if case .leaf(.constant(let elements, _)) = node.operation, elements.count == 1 { return .constant }
            return .plain
        }
        switch node.operation {
        case .reduce(let reduce):
            let shape = graph.type(node.operands[0]).shape
            guard shape[reduce.axes[0]] == depth.extent, !index.contains(where: { $0.contains(depth.variable) }),
                graph.type(node.operands[0]).element.computeType == .f32,
                places[value.node] == nil || places[value.node] == index
            else { return nil }
            places[value.node] = index
            return .row
        case .view:
            guard let (source, inner) = Self.source(graph, value, index, ranges) else { return nil }
            return factors(graph, source, inner, depth, ranges, &places)
        case .map(let expression):
            guard node.results[0].element.computeType == .f32 else { return nil }
            var operands: [Factors] = []
            for operand in node.operands {
                let shape = graph.type(operand).shape
                let inner = zip(index, shape).map { $1 == 1 ? 0 : $0 }
                guard let factors = factors(graph, operand, inner, depth, ranges, &places) else { return nil }
                operands.append(factors)
            }
            return Self.factors(expression, operands)
        case .leaf, .scan, .concatenate, .gather, .scatter, .contract, .convolve, .attend, .recur, .window, .sort:
            return nil
        }
    }

    private static func factors(_ expression: ScalarExpression, _ operands: [Factors]) -> Factors? {
        var values: [Factors] = []
        for instruction in expression.instructions {
            switch instruction {
            case .argument(let number): values.append(operands[number])
            case .real, .integer, .truth: values.append(.constant)
            case .cast(let operand, let element):
                // Roundings inside a kernel are left out, but for those that are meant.
                let isKept = element.isFloatingPoint && element.byteCount > 1
                if case .product = values[operand], !isKept { return nil }
                values.append(values[operand])
            case .apply(let operation, let numbers):
                let parts = numbers.map { values[$0] }
                let hasProduct = parts.contains { if case .product = $0 { true } else { false } }
                let hasRow = hasProduct || parts.contains { if case .row = $0 { true } else { false } }
                let hasPlain = hasProduct || parts.contains { if case .plain = $0 { true } else { false } }
                if !(hasRow && hasPlain) {
                    values.append(hasRow ? .row : hasPlain ? .plain : .constant)
                } else if operation == .multiply {
                    values.append(.product)
                } else if operation == .divide {
                    if case .product = parts[1] { return nil }
                    values.append(.product)
                } else {
                    return nil
                }
            }
        }
        return values.last
    }
}
