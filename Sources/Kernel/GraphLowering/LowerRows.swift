import Base
import ElementTypes
import GraphIR
import KernelIR

extension ProgramBuilder {
    /// Reductions over shared axes with the maps before, between and after them: softmax, normalisations and their chains.
    func lowerRows(_ group: Partition.Group, _ full: Shape, _ axes: [Int]) throws(LoweringError) {
        var domain = RowDomain(
            graph: graph, full: full, axes: axes, kept: full.indices.filter { !axes.contains($0) })
        var builder = KernelBuilder(self)
        let loops = builder.axes(full)
        // Members in order get their roles again; views between them are looked through.
        for member in group.members {
            domain.addViews(before: member)
            domain.members[member] =
                member == group.anchor ? .row : (domain.role(of: member) ?? { isReduction(member) ? .row : .full }())
        }
        builder.roots = Set(group.members.map { Value($0) })
        var rows = RowWriter(group: group, domain: domain, inner: axes.map { loops[$0] }, graph: graph)
        try rows.reductions(&builder)
        try rows.stores(&builder)
        var outer = domain.kept
        // Outer loops follow the physical order of the first full result.
        if let result = group.results.first(where: { rows.isFull($0) }) {
            let layout = buffers[try buffer(result)].layout
            outer = layout.filter { domain.kept.contains($0) }
        }
        let nest = NestKernel(
            axes: outer.map { loops[$0] }, steps: rows.steps, slots: rows.slots, rows: rows.keptTypes)
        launches.append(
            builder.launch(
                "rows_\(group.anchor.rawValue)", .nest(nest), nodes: group.members, results: group.results,
                isConstant: isConstant(group)))
    }

    private func isReduction(_ id: NodeID) -> Bool {
        if case .reduce = graph.nodes[id].operation { true } else { false }
    }
}

extension RowDomain {
    /// Registers the views through which a node's operands reach members.
    mutating func addViews(before id: NodeID) {
        for operand in graph.nodes[id].operands { _ = addViews(operand.node) }
    }

    private mutating func addViews(_ id: NodeID) -> Bool {
        if members[id] != nil { return true }
        guard case .view = graph.nodes[id].operation, let operand = graph.nodes[id].operands.first else { return false }
        let reaches = addViews(operand.node)
        if reaches { views.insert(id) }
        return reaches
    }
}

/// Writes the steps of a row group.
struct RowWriter {
    let group: Partition.Group
    let domain: RowDomain
    /// Loops of the reduced axes.
    let inner: [LoopAxis]
    let graph: Graph
    private(set) var steps: [NestStep] = []
    private(set) var slots: [ElementType] = []
    private(set) var keptTypes: [ElementType] = []
    /// Expensive values at the full index and the step that computed them first.
    private var computed: [Value: (step: Int, node: Int)] = [:]

    init(group: Partition.Group, domain: RowDomain, inner: [LoopAxis], graph: Graph) {
        self.group = group
        self.domain = domain
        self.inner = inner
        self.graph = graph
    }

    /// Whether a member's value is computed at every point of the full domain.
    func isFull(_ value: Value) -> Bool { domain.members[value.node] == .full }

    /// One step for all reductions of the same depth.
    mutating func reductions(_ builder: inout KernelBuilder) throws(LoweringError) {
        var levels: [NodeID: Int] = [:]
        for member in group.members {
            var level = 0
            for operand in graph.nodes[member].operands { level = max(level, depth(operand, levels)) }
            if case .reduce = graph.nodes[member].operation { level += 1 }
            levels[member] = level
        }
        let reductions = group.members.filter { if case .reduce = graph.nodes[$0].operation { true } else { false } }
        let last = reductions.map { levels[$0] ?? 0 }.max() ?? 0
        for level in 1...max(last, 1) {
            var body = BodyBuilder()
            var effects: [NestStep.Effect] = []
            for reduction in reductions where levels[reduction] == level {
                guard case .reduce(let reduce) = graph.nodes[reduction].operation else { continue }
                let value = try pull(graph.nodes[reduction].operands[0], &builder, &body)
                var position: IntegerExpression?
                if reduce.kind == .argMinimum || reduce.kind == .argMaximum {
                    position = domain.variables[reduce.axes[0]]
                }
                let slot = slots.count
                let type = position == nil ? body.types[value] : .i64
                slots.append(type)
                effects.append(.reduce(reduce.kind.kernelKind, value: value, position: position, slot: slot))
                builder.locals[Value(reduction)] = LocalValue(
                    index: domain.canonicalIndex(Value(reduction)), node: .slot(slot), type: type)
            }
            steps.append(NestStep(axes: inner, body: body.body, effects: effects))
            note(body, step: steps.count - 1)
        }
    }

    /// Stores of the results: full ones in one more step over the inner axes, the others after it.
    mutating func stores(_ builder: inout KernelBuilder) throws(LoweringError) {
        for wantsFull in [true, false] {
            var body = BodyBuilder()
            var effects: [NestStep.Effect] = []
            for result in group.results where isFull(result) == wantsFull {
                guard let index = domain.canonicalIndex(result) else { continue }
                let number = wantsFull ? try pull(result, &builder, &body) : try builder.pull(result, index, [], &body)
                effects.append(.store(try builder.store(result, index, number)))
            }
            if !effects.isEmpty {
                steps.append(NestStep(axes: wantsFull ? inner : [], body: body.body, effects: effects))
            }
        }
    }

    /// Pulls a value at the full index; what an earlier step computed at some expense is kept in a row buffer.
    private mutating func pull(
        _ value: Value, _ builder: inout KernelBuilder, _ body: inout BodyBuilder
    ) throws(LoweringError) -> Int {
        for shared in sharedValues(of: value, builder) {
            guard let origin = computed[shared], origin.step < steps.count else { continue }
            let row = keptTypes.count
            let types = steps[origin.step].body.types(
                parameters: builder.parameterStubs, slots: slots, rows: keptTypes)
            let type = types[origin.node]
            keptTypes.append(type)
            steps[origin.step].effects.append(.keep(value: origin.node, row: row))
            builder.locals[shared] = LocalValue(index: domain.variables, node: .row(row), type: type)
            computed[shared] = nil
        }
        return try builder.pull(value, domain.variables, [], &body)
    }

    /// Outermost expensive values that an earlier step computed, found from `value` downwards.
    private func sharedValues(of value: Value, _ builder: KernelBuilder) -> [Value] {
        var found: [Value] = []
        var seen: Set<Value> = []
        func visit(_ value: Value) {
            guard seen.insert(value).inserted, builder.locals[value] == nil else { return }
            if computed[value] != nil {
                found.append(value)
                return
            }
            guard case .map = graph.nodes[value.node].operation, !builder.readsFromMemory(value) else { return }
            for operand in graph.nodes[value.node].operands where graph.type(operand).shape == domain.full {
                visit(operand)
            }
        }
        visit(value)
        return found
    }

    /// Remembers the expensive values that a step computed at the full index.
    private mutating func note(_ body: BodyBuilder, step: Int) {
        for (point, node) in body.pulled where point.index == domain.variables && point.mask.isEmpty {
            guard computed[point.value] == nil, case .map(let expression) = graph.nodes[point.value.node].operation
            else {
                continue
            }
            switch body.body.nodes[node] {
            case .load, .slot, .row: continue
            case .integerExpression, .condition, .real, .integer, .truth, .apply, .cast, .position, .accumulator, .scan:
                break
            }
            let isExpensive = expression.instructions.contains {
                if case .apply(let operation, _) = $0 { operation.isExpensive } else { false }
            }
            if isExpensive { computed[point.value] = (step, node) }
        }
    }

    /// Reductions on the way to a value.
    private func depth(_ value: Value, _ levels: [NodeID: Int]) -> Int {
        if let level = levels[value.node] { return level }
        guard domain.views.contains(value.node), let operand = graph.nodes[value.node].operands.first else { return 0 }
        return depth(operand, levels)
    }
}

extension Reduce.Kind {
    /// The kernel's name for the combination.
    var kernelKind: ReductionKind {
        switch self {
        case .sum: .sum
        case .product: .product
        case .minimum: .minimum
        case .maximum: .maximum
        case .any: .any
        case .all: .all
        case .argMinimum: .argMinimum
        case .argMaximum: .argMaximum
        }
    }
}
