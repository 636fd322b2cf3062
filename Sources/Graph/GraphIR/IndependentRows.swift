import Base
import ElementTypes

extension Graph {
    /// The symbol that counts independent rows, where that is proved: every input and output has it as its first extent, and row i of
    /// every output is a function of row i of every input, whatever other rows hold and wherever the row stands. Requests of a server
    /// may then be run as rows of one batch. Nil where rows meet, where a run leaves a state behind, and where the proof fails.
    ///
    /// One walk over the nodes, which follows the axis that holds the rows through each; what is not known to keep them apart mixes them.
    package var independentRows: Int? {
        guard updates.isEmpty, loops.isEmpty, let first = inputs.first?.type.shape.first else { return nil }
        let found = symbols.indices.first { first == Dimension(Variable(.symbol, $0)) }
        guard let symbol = found else { return nil }
        var walk = RowWalk(self, Variable(.symbol, symbol))
        return walk.keepsRowsApart() ? symbol : nil
    }
}

/// Where the rows of a batch are in a value.
private enum Rows: Hashable {
    /// The value is the same whatever the batch holds.
    case none
    /// Row i is the i-th of equal blocks along an axis; the axis has that many elements for each row.
    case along(Int, each: Dimension)
    /// The number of the row that it belongs to, along an axis of one element for each.
    case number(Int)
    /// Rows have met, or nobody knows.
    case mixed
}

/// The walk of `Graph.independentRows`.
private struct RowWalk {
    let graph: Graph
    let rows: Variable
    private var known: [Value: Rows] = [:]

    init(_ graph: Graph, _ rows: Variable) {
        self.graph = graph
        self.rows = rows
    }

    mutating func keepsRowsApart() -> Bool {
        let whole = Rows.along(0, each: 1)
        for input in graph.inputs where axis(of: input.type.shape) != whole { return false }
        for condition in graph.guards where condition.expression.contains(rows) { return false }
        for id in graph.nodes.ids {
            let node = graph.nodes[id]
            for (index, found) in results(node).enumerated() { known[Value(id, index)] = found }
        }
        return graph.outputs.allSatisfy { known[$0.value] == whole }
    }

    /// The one axis of a shape whose extent is a multiple of the rows; `none` where no extent mentions them.
    private func axis(of shape: Shape) -> Rows {
        let axes = shape.indices.filter { shape[$0].contains(rows) }
        guard let axis = axes.first else { return .none }
        guard axes.count == 1, let each = shape[axis].linearCoefficient(of: rows), !each.contains(rows),
            shape[axis] == each * Dimension(rows)
        else { return .mixed }
        return .along(axis, each: each)
    }

    private func results(_ node: Node) -> [Rows] {
        let operands = node.operands.map { known[$0] ?? .mixed }
        // Nothing of the batch goes in, so nothing comes out, but where an extent brings it.
        if operands.contains(.mixed) { return node.results.map { _ in .mixed } }
        switch node.operation {
        case .leaf(let leaf): return [self.leaf(leaf)]
        case .map: return [withoutNumbers(same(operands))]
        case .reduce(let reduce): return [self.reduce(reduce, operands[0])]
        case .scan(let scan): return [kept(operands[0], unless: [scan.axis])]
        case .view(let view): return [self.view(view, operands[0], of: node.operands[0], node.results[0].shape)]
        case .concatenate(let axis): return [kept(same(operands), unless: [axis])]
        case .gather(let gather): return [self.gather(gather, operands, node)]
        case .scatter(let scatter): return [self.scatter(scatter, operands, node)]
        case .contract(let contract): return [self.contract(contract, operands)]
        case .convolve: return [operands[1] == .none ? kept(operands[0], only: 0) : .mixed]
        case .attend: return [kept(same(operands), only: 0)]
        case .recur(let recur): return self.recur(recur, operands, count: node.results.count)
        case .window(let window):
            let rank = graph.type(node.operands[0]).shape.count
            return [kept(operands[0], unless: Array((rank - window.size.count)..<rank))]
        case .sort(let sort): return node.results.map { _ in kept(operands[0], unless: [sort.axis]) }
        }
    }

    private func leaf(_ leaf: Leaf) -> Rows {
        switch leaf {
        case .input(_, let type): axis(of: type.shape)
        case .parameter(_, let type), .state(_, let type), .constant(_, let type):
            axis(of: type.shape) == .none ? .none : .mixed
        case .iota(let extent): extent == Dimension(rows) ? .number(0) : extent.contains(rows) ? .mixed : .none
        case .dimension(let value): value.contains(rows) ? .mixed : .none
        case .carried, .looped: .mixed
        }
    }

    /// What operands of one shape have in common.
    private func same(_ operands: [Rows]) -> Rows {
        guard let first = operands.first, operands.allSatisfy({ $0 == first }) else { return .mixed }
        return first
    }

    /// Numbers of rows are of no use but as positions of a gather.
    private func withoutNumbers(_ rows: Rows) -> Rows {
        if case .number = rows { return .mixed }
        return rows
    }

    /// The rows where they were, unless they lie along one of these axes.
    private func kept(_ rows: Rows, unless axes: [Int]) -> Rows {
        guard case .along(let axis, _) = rows else { return withoutNumbers(rows) }
        return axes.contains(axis) ? .mixed : rows
    }

    /// The rows where they were, if they lie along this axis.
    private func kept(_ rows: Rows, only axis: Int) -> Rows {
        switch rows {
        case .none: .none
        case .along(axis, _): rows
        case .along, .number, .mixed: .mixed
        }
    }

    private func reduce(_ reduce: Reduce, _ operand: Rows) -> Rows {
        let rows = kept(operand, unless: reduce.axes)
        guard case .along(let axis, let each) = rows else { return rows }
        return .along(axis - reduce.axes.count { $0 < axis }, each: each)
    }

    private func view(_ view: View, _ operand: Rows, of value: Value, _ shape: Shape) -> Rows {
        let old = graph.type(value).shape
        if case .slice(_, let start, _, _) = view, start.contains(rows) { return .mixed }
        let axis: Int
        switch operand {
        case .mixed: return .mixed
        case .none:
            // Repeated for each row, or of no rows.
            if case .expand = view { return self.axis(of: shape) }
            return self.axis(of: shape) == .none ? .none : .mixed
        case .along(let place, _), .number(let place): axis = place
        }
        func moved(_ place: Int) -> Rows {
            // Where the other extents mention the rows too, they have met.
            guard case .along(place, let each) = self.axis(of: shape) else { return .mixed }
            if case .number = operand { return each == 1 ? .number(place) : .mixed }
            return .along(place, each: each)
        }
        switch view {
        case .reshape:
            guard case .along(let place, _) = self.axis(of: shape),
                elementCount(Array(shape[..<place])) == elementCount(Array(old[..<axis]))
            else { return .mixed }
            return moved(place)
        case .permute(let axes): return moved(axes.firstIndex(of: axis) ?? 0)
        case .expand: return moved(axis + shape.count - old.count)
        case .slice(let sliced, let start, let count, let step):
            let isWhole = start == 0 && count == old[axis] && step == 1
            return sliced != axis || isWhole ? moved(axis) : .mixed
        case .flip(let axes): return axes.contains(axis) ? .mixed : moved(axis)
        case .pad(let low, let high, _): return low[axis] == 0 && high[axis] == 0 ? moved(axis) : .mixed
        case .unfold(let unfolded, _, _): return unfolded == axis ? .mixed : moved(axis)
        }
    }

    private func contract(_ contract: Contract, _ operands: [Rows]) -> Rows {
        func label(_ rows: Rows, _ labels: [Int]) -> (label: Int, each: Dimension)? {
            if case .along(let axis, let each) = rows { (labels[axis], each) } else { nil }
        }
        if operands.contains(where: { withoutNumbers($0) == .mixed }) { return .mixed }
        let sides = [label(operands[0], contract.left), label(operands[1], contract.right)].compactMap { $0 }
        guard let side = sides.first else { return .none }
        guard sides.allSatisfy({ $0 == side }), let axis = contract.result.firstIndex(of: side.label) else {
            return .mixed
        }
        return .along(axis, each: side.each)
    }

    /// Where rows of the data that are not indexed stand in the result of a gather with this rank of positions.
    private func place(_ axis: Int, _ axes: [Int], _ at: Int, rank: Int) -> Int {
        let left = axis - axes.count { $0 < axis }
        return left < at ? left : left + rank
    }

    /// Which axis of all positions holds the rows, where the rows of the data are read each by itself: positions along the axis of the rows
    /// are the rows' own numbers.
    private func ownRows(_ axes: [Int], _ data: Rows, _ positions: ArraySlice<Rows>) -> Int? {
        guard case .along(let axis, each: 1) = data, let own = axes.firstIndex(of: axis),
            case .number(let place) = positions[positions.startIndex + own]
        else { return nil }
        for (index, other) in positions.enumerated() where index != own && other != .along(place, each: 1) {
            return nil
        }
        return place
    }

    private func gather(_ gather: Gather, _ operands: [Rows], _ node: Node) -> Rows {
        let (data, positions) = (operands[0], operands.dropFirst())
        let rank = graph.type(node.operands[1]).shape.count
        if let place = ownRows(gather.axes, data, positions) { return .along(gather.at + place, each: 1) }
        switch (data, withoutNumbers(same(Array(positions)))) {
        case (.none, .none): return .none
        case (.none, .along(let axis, let each)): return .along(gather.at + axis, each: each)
        case (.along(let axis, let each), .none):
            if gather.axes.contains(axis) { return .mixed }
            return .along(place(axis, gather.axes, gather.at, rank: rank), each: each)
        case (.along, .along), (.number, _), (.mixed, _), (_, .number), (_, .mixed): return .mixed
        }
    }

    private func scatter(_ scatter: Scatter, _ operands: [Rows], _ node: Node) -> Rows {
        let (base, updates, positions) = (operands[0], operands[1], operands.dropFirst(2))
        let rank = graph.type(node.operands[2]).shape.count
        if let place = ownRows(scatter.axes, base, positions) {
            return updates == .along(scatter.at + place, each: 1) ? base : .mixed
        }
        switch (base, updates, withoutNumbers(same(Array(positions)))) {
        case (.none, .none, .none): return .none
        case (.along(let axis, let each), _, .none):
            let there = Rows.along(place(axis, scatter.axes, scatter.at, rank: rank), each: each)
            return !scatter.axes.contains(axis) && updates == there ? base : .mixed
        case (.none, _, _), (.along, _, _), (.number, _, _), (.mixed, _, _): return .mixed
        }
    }

    private func recur(_ recur: Recur, _ operands: [Rows], count: Int) -> [Rows] {
        let states = recur.cell == .lstm ? 2 : 1
        let mixed = [Rows](repeating: .mixed, count: count)
        guard operands[(1 + states)...].allSatisfy({ $0 == .none }) else { return mixed }
        if operands.allSatisfy({ $0 == .none }) { return operands.prefix(count).map { _ in .none } }
        guard case .along(1, let each) = operands[0],
            operands[1...states].allSatisfy({ $0 == .along(0, each: each) })
        else { return mixed }
        return [operands[0]] + operands[1...states]
    }
}
