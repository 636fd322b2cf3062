import Base
import ElementTypes
import GraphIR

/// Decides the groups of a graph.
package struct Partitioner {
    let graph: Graph
    let users: [[NodeID]]
    /// Nodes from which an exit can be reached.
    private(set) var isLive: [Bool]
    private(set) var isConstant: [Bool]
    /// When each node is computed (`Graph.stages`).
    private let stages: [Int]
    /// Whether a constant's value follows from literals alone, so that it is cheap to repeat.
    private(set) var isTrivial: [Bool]
    var groupOf: [Int?]
    var groups: [Partition.Group] = []
    let exits: Set<Value>
    private let cover: Cover
    /// The decisions that were met, for the search; each once.
    private(set) var decisions: [Cover.Decision] = []
    /// Nodes that join no other's group: with them, groups would wait for one another.
    private var apart: Set<NodeID> = []
    /// Norms that products take in, by product, and what each of those products computes for itself of them.
    private var norms: [NodeID: NormedOperand] = [:]
    private(set) var repeated: Set<NodeID> = []

    /// Prepares the facts that decisions rest on.
    package init(_ graph: Graph, cover: Cover = Cover()) {
        self.graph = graph
        self.cover = cover
        exits = Set(graph.exits)
        var live = [Bool](repeating: false, count: graph.nodes.count)
        for exit in graph.exits { live[exit.node.index] = true }
        for id in graph.nodes.ids.reversed() where live[id.index] {
            for operand in graph.nodes[id].operands { live[operand.node.index] = true }
        }
        isLive = live
        stages = graph.stages
        users = graph.users.map { $0.filter { live[$0.index] } }
        groupOf = Array(repeating: nil, count: graph.nodes.count)
        isConstant = []
        isTrivial = []
        for id in graph.nodes.ids {
            let node = graph.nodes[id]
            if case .leaf(let leaf) = node.operation {
                switch leaf {
                case .parameter:
                    isConstant.append(true)
                    isTrivial.append(false)
                case .constant(let elements, _):
                    isConstant.append(true)
                    isTrivial.append(elements.count == 1)
                case .iota(let extent):
                    isConstant.append(extent.constantValue != nil)
                    isTrivial.append(true)
                case .dimension(let expression):
                    isConstant.append(expression.constantValue != nil)
                    isTrivial.append(true)
                case .input, .state, .carried, .looped:
                    isConstant.append(false)
                    isTrivial.append(false)
                }
            } else {
                let isStatic = node.results.allSatisfy { $0.shape.allSatisfy { $0.constantValue != nil } }
                isConstant.append(isStatic && node.operands.allSatisfy { isConstant[$0.node.index] })
                let isCheap: Bool
                switch node.operation {
                case .map(let expression): isCheap = expression.instructions.count < 12
                case .view: isCheap = true
                case .leaf, .reduce, .scan, .concatenate, .gather, .scatter, .contract, .convolve, .attend, .recur,
                    .window,
                    .sort:
                    isCheap = false
                }
                isTrivial.append(isCheap && node.operands.allSatisfy { isTrivial[$0.node.index] })
            }
        }
    }

    /// The partition, with its groups in an order in which every value is computed before it is read. Where groups that
    /// grew would wait for one another, the members that make them wait are left out and the groups grow again.
    package mutating func run() -> Partition {
        while true {
            grow()
            let reads = GroupReads(graph, groups)
            switch reads.order() {
            case .order(let order):
                // Within what is computed between two loops, or in one, groups keep their order.
                groups = order.map { groups[$0] }.enumerated().sorted {
                    (stages[$0.element.anchor.index], $0.offset) < (stages[$1.element.anchor.index], $1.offset)
                }.map(\.element)
                var producer: [Value: Int] = [:]
                for (index, group) in groups.enumerated() {
                    for value in group.results { producer[value] = index }
                }
                return Partition(groups: groups, producer: producer, isConstant: isConstant, graph: graph)
            case .cycle(let cycle):
                let readers = reads.breaking(cycle)
                precondition(!readers.isEmpty, "a cycle of groups that no member explains")
                apart.formUnion(readers)
            }
        }
    }

    /// Makes the groups from nothing.
    private mutating func grow() {
        groups = []
        decisions = []
        groupOf = Array(repeating: nil, count: graph.nodes.count)
        findNorms()
        for id in graph.nodes.ids
        where isLive[id.index] && groupOf[id.index] == nil && !repeated.contains(id) {
            switch graph.nodes[id].operation {
            case .reduce(let reduce): growRows(id, reduce)
            case .window: growWindow(id)
            case .contract, .convolve, .attend: growEpilogue(id)
            case .recur, .scan, .scatter, .sort: add(.heavy, id, [id])
            case .leaf, .map, .view, .concatenate, .gather: break
            }
        }
        materialiseLazy()
        collectResults()
    }

    /// The convolutions of a partition whose results lie channels last.
    mutating func channelsLast(_ partition: Partition) -> Set<NodeID> {
        let usual = cover[Cover.layout] ?? true
        return Set(
            partition.groups.filter { group in
                guard graph.nodes[group.anchor].operation.isConvolution else { return false }
                let rule = !cover.turnsInputs || group.results.contains { !isForOutputs($0) }
                return (usual && rule) != (decide(.layout, group.anchor, default: rule) != rule)
            }.map(\.anchor))
    }

    /// Whether a value of f32 is an output, or becomes one by maps and concatenations alone: it may lie as outputs do, which spares the copies
    /// that turn them. Products of f32 on matrix units store either way.
    private func isForOutputs(_ value: Value) -> Bool {
        let type = graph.type(value)
        guard type.element == .f32 else { return false }
        return users[value.node.index].allSatisfy { user in
            let node = graph.nodes[user]
            switch node.operation {
            case .map, .concatenate:
                return node.results.allSatisfy { $0.shape.count == type.shape.count } && isForOutputs(Value(user))
            default: return false
            }
        }
    }

    /// The convolutions of a partition that read a copy of an input of the model, turned to lie channels last.
    mutating func turned(_ partition: Partition) -> Set<NodeID> {
        Set(
            partition.groups.map(\.anchor).filter { id in
                guard graph.nodes[id].operation.isConvolution, let input = graph.nodes[id].operands.first,
                    case .leaf(.input) = graph.nodes[input.node].operation
                else { return false }
                let shape = graph.type(input).shape
                let run = (shape[1].constantValue ?? 0) * graph.type(input).element.byteCount
                guard run >= Self.turnedBytes, shape.dropFirst(2).contains(where: { $0 != 1 }) else {
                    return false
                }
                return decide(.turn, id, default: cover.turnsInputs)
            })
    }

    /// Bytes of a pixel's channels from which on an input that lies channels first may be turned, and is by the rules of devices that gain by it. Gathered
    /// by elements, volumes of 8 channels in f32 took 8.65 ms where all else took 0.5 (64 × 8 × 32 × 64 × 64, measured, H200), and images of 3 by
    /// windows of 11 2.1 ms, turned 1.35 with the copy (KernelBench 1-50).
    private static let turnedBytes = 12

    /// What the cover says of a decision at a node, and notes that there is one.
    mutating func decide(_ family: Cover.Family, _ id: NodeID, default usual: Bool) -> Bool {
        if isConstant[id.index] { return usual }
        let decision = Cover.Decision(
            name: Cover.name(family, graph, id, users: users[id.index]), usual: usual, nodes: [id])
        if let known = decisions.firstIndex(where: { $0.name == decision.name }) {
            decisions[known].nodes.append(id)
        } else {
            decisions.append(decision)
        }
        return cover[decision.name] ?? usual
    }

    mutating func add(_ kind: Partition.Group.Kind, _ anchor: NodeID, _ members: [NodeID]) {
        for member in members { groupOf[member.index] = groups.count }
        groups.append(.init(kind: kind, anchor: anchor, members: members, results: []))
    }

    // MARK: Reductions

    /// Grows a group downstream of a reduction: maps and reductions over the same full domain or its kept axes whose
    /// operands reach members only element by element.
    private mutating func growRows(_ id: NodeID, _ reduce: Reduce) {
        guard let operand = graph.nodes[id].operands.first else { return }
        let full = graph.type(operand).shape
        let kept = full.indices.filter { !reduce.axes.contains($0) }
        var domain = RowDomain(graph: graph, full: full, axes: reduce.axes, kept: kept)
        domain.members[id] = .row
        // Values that depend on members in any other way must not flow back into the group.
        var tainted = Set<NodeID>()
        for later in graph.nodes.ids.dropFirst(id.index + 1) where isLive[later.index] {
            let node = graph.nodes[later]
            let touches = node.operands.contains {
                domain.members[$0.node] != nil || tainted.contains($0.node)
            }
            if !touches {
                if case .reduce(let other) = node.operation, isFree(later),
                    isComputed(later, with: id), other.axes == reduce.axes,
                    node.operands.first == operand
                {
                    domain.members[later] = .row
                }
                continue
            }
            var joins = false
            if isFree(later), isComputed(later, with: id),
                !widensBytes(later), let role = domain.role(of: later), !reachesTainted(node, tainted, domain)
            {
                joins = true
                domain.members[later] = role
            }
            if !joins {
                if case .view = node.operation, !reachesTainted(node, tainted, domain) {
                    // A view of a member is looked through by whoever uses it.
                    domain.views.insert(later)
                }
                tainted.insert(later)
            }
        }
        let isGrown = domain.members.count > 1 && decide(.rows, id, default: !leavesIdle(full, kept))
        add(.rows(full: full, axes: reduce.axes), id, isGrown ? domain.members.keys.sorted() : [id])
    }

    /// Whether a kernel of all that follows a reduction, a block for each point that is kept, leaves most processors idle. Apart, several blocks
    /// share each reduction; what is read again for it would not have stayed in a processor's memory either.
    private func leavesIdle(_ full: Shape, _ kept: [Int]) -> Bool {
        guard let points = elementCount(kept.map { full[$0] }).constantValue, points > 0,
            let count = elementCount(full).constantValue
        else { return false }
        let length = count / points
        return points < cover.processors && length >= 1 << 13 || points < 8 * cover.processors && length >= 1 << 16
    }

    /// Whether an operand depends on members other than by direct use or through views of them.
    private func reachesTainted(_ node: Node, _ tainted: Set<NodeID>, _ domain: RowDomain) -> Bool {
        node.operands.contains { tainted.contains($0.node) && !domain.views.contains($0.node) }
    }

    /// Pooling, with the maps that follow it on the result's domain.
    private mutating func growWindow(_ id: NodeID) { growEpilogue(id) }

    // MARK: Epilogues

    /// Extends a heavy operation by maps that consume its only use.
    private mutating func growEpilogue(_ id: NodeID) {
        let gated = gatedProduct(id)
        if gated == nil, let spread = spreadProduct(id) {
            add(.heavy, id, [id] + spread.members)
            groups[groups.count - 1].spread = spread
            groups[groups.count - 1].norm = norms[id]
            return
        }
        var members = [id]
        var current = Value(id)
        var heavyShape = graph.type(current).shape
        if let last = gated?.maps.last {
            members += gated?.maps ?? []
            current = Value(last)
            heavyShape = graph.type(current).shape
        }
        let isFused =
            onlyMap(after: current) != nil && (gated != nil || decide(.epilogue, id, default: true))
        while isFused, !exits.contains(current), let next = onlyMap(after: current) {
            // Views between must be bijective, so that every point of the heavy domain is one point of the map.
            guard isFree(next.map) else { break }
            guard isComputed(next.map, with: id) else { break }
            guard elementCount(graph.type(Value(next.map)).shape) == elementCount(heavyShape) else { break }
            members.append(next.map)
            current = Value(next.map)
        }
        add(.heavy, id, members)
        groups[groups.count - 1].gate = gated?.gate
        groups[groups.count - 1].norm = norms[id]
    }

    /// A product of few rows by a constant that computes what is made of slices of its columns.
    private mutating func gatedProduct(_ id: NodeID) -> GatedProduct? {
        guard let rows = rowsByConstant(id), rows <= Self.mostFewRows, cover.fewRows > 0,
            let gated = GatedProduct(graph, users: users, exits: exits, after: id),
            gated.maps.allSatisfy({ isFree($0) && isComputed($0, with: id) })
        else { return nil }
        return decide(.gate, id, default: rows <= cover.fewRows) ? gated : nil
    }

    /// A product of few rows by a constant that stores what is made of its columns in several places.
    private mutating func spreadProduct(_ id: NodeID) -> SpreadProduct? {
        guard let rows = rowsByConstant(id), rows <= Self.mostFewRows, cover.fewRows > 0,
            case .contract(let contract) = graph.nodes[id].operation
        else { return nil }
        let isRight = isConstant[graph.nodes[id].operands[1].node.index]
        guard
            let spread = SpreadProduct(
                graph, users: users, exits: exits, isLive: isLive, after: id,
                columns: isRight ? contract.right : contract.left),
            spread.members.allSatisfy({ isFree($0) && isComputed($0, with: id) })
        else { return nil }
        return decide(.spread, id, default: rows <= cover.fewRows) ? spread : nil
    }

    /// Whether one kernel may compute both: they are known at the same time, and computed equally often.
    private func isComputed(_ other: NodeID, with id: NodeID) -> Bool {
        isConstant[other.index] == isConstant[id.index] && stages[other.index] == stages[id.index]
    }

    /// Whether a node may still join a group.
    private func isFree(_ id: NodeID) -> Bool {
        groupOf[id.index] == nil && !apart.contains(id) && !repeated.contains(id)
    }

    /// Norms whose only users are products of few rows by constants: each product computes the norm for itself.
    private mutating func findNorms() {
        norms = [:]
        repeated = []
        guard cover.fewRows > 0 else { return }
        var seen: Set<NodeID> = []
        for id in graph.nodes.ids where isLive[id.index] && rowsByConstant(id, isNormed: true) != nil {
            guard var root = graph.nodes[id].operands.first(where: { !isConstant[$0.node.index] })?.node else {
                continue
            }
            while case .view = graph.nodes[root].operation { root = graph.nodes[root].operands[0].node }
            guard seen.insert(root).inserted, case .map = graph.nodes[root].operation, !exits.contains(Value(root)),
                let norm = NormedOperand(graph, users: users, exits: exits, root: root)
            else { continue }
            let products = consumers(of: root)
            let rows = products.map { rowsByConstant($0, isNormed: true) ?? .max }.max() ?? .max
            guard rows <= Self.mostFewRows, products.allSatisfy({ takes(norm, $0) }),
                !viewsOf(root).contains(where: { exits.contains(Value($0)) }),
                // Codes of fewer bits go to matrix units, for which each block has to round what it norms: one row is soon rounded.
                decide(
                    .norm, root,
                    default: rows <= cover.fewRows && (rows == 1 || !products.contains(where: readsPartsOfBytes)))
            else { continue }
            for product in products { norms[product] = norm }
            repeated.formUnion(norm.dependents)
        }
    }

    /// Whether a product's constant is stored in less than a byte an element.
    private func readsPartsOfBytes(_ product: NodeID) -> Bool {
        graph.nodes[product].operands.contains { operand in
            guard isConstant[operand.node.index], decodesWeights(operand.node),
                let count = elementCount(graph.type(operand).shape).constantValue
            else { return false }
            // Both halves of a byte are the same tensor.
            var (bytes, seen, stack) = (0, Set<NodeID>(), [operand.node])
            while let id = stack.popLast() {
                guard seen.insert(id).inserted else { continue }
                stack += graph.nodes[id].operands.map(\.node)
                if case .leaf(.parameter(_, let type)) = graph.nodes[id].operation {
                    bytes += (elementCount(type.shape).constantValue ?? 0) * type.element.byteCount
                }
            }
            return bytes < count
        }
    }

    /// Views of a value, and views of them.
    private func viewsOf(_ id: NodeID) -> [NodeID] {
        users[id.index].flatMap { user in
            if case .view = graph.nodes[user].operation { [user] + viewsOf(user) } else { [NodeID]() }
        }
    }

    /// Whether a norm is what a product can take: summed over the axis that the product sums over.
    private func takes(_ norm: NormedOperand, _ product: NodeID) -> Bool {
        guard case .contract(let contract) = graph.nodes[product].operation,
            let side = (0..<2).first(where: { !isConstant[graph.nodes[product].operands[$0].node.index] })
        else { return false }
        let labels = side == 0 ? contract.left : contract.right
        let others = side == 0 ? contract.right : contract.left
        let summed = labels.filter { others.contains($0) && !contract.result.contains($0) }
        let operand = graph.nodes[product].operands[side]
        let shape = graph.type(operand).shape
        guard summed.count == 1, let axis = labels.firstIndex(of: summed[0]), shape[axis] != 1 else { return false }
        var ranges = graph.ranges
        let variables = shape.indices.map { Variable(.axis, $0) }
        for (variable, extent) in zip(variables, shape) { ranges.declare(variable, extent: extent) }
        let index = zip(variables, shape).map { $1 == 1 ? 0 : IntegerExpression($0) }
        let depth = NormedOperand.LoopAxisOfSum(variable: variables[axis], extent: shape[axis])
        return norm.places(graph, operand, index, depth: depth, ranges) != nil
    }

    /// Rows beyond which products are not limited by reading on any device.
    private static let mostFewRows = 16

    /// Rows of a product by a constant; nil for any other.
    private func rowsByConstant(_ id: NodeID, isNormed: Bool = false) -> Int? {
        guard case .contract(let contract) = graph.nodes[id].operation, !isConstant[id.index] else { return nil }
        let operands = graph.nodes[id].operands
        guard let side = (0..<2).first(where: { isConstant[operands[$0].node.index] }),
            // Codes go to matrix units, where what a norm has not scaled yet may be too large for f16.
            !(isNormed && graph.type(operands[side]).element == .f16 && decodesWeights(operands[side].node)),
            [.f32, .bf16, .f16].contains(graph.type(operands[side]).element)
        else { return nil }
        let (own, other) = side == 0 ? (contract.left, contract.right) : (contract.right, contract.left)
        let shape = graph.type(operands[1 - side]).shape
        return zip(other, shape).reduce(1) { product, axis in
            own.contains(axis.0) ? product : product.flatMap { rows in axis.1.constantValue.map { rows * $0 } }
        }
    }

    /// The map that is the only use of a value, looking through bijective views that have one use.
    private func onlyMap(after value: Value) -> (map: NodeID, via: Value)? {
        var current = value
        while true {
            let next = users[current.node.index]
            guard next.count == 1, let user = next.first else { return nil }
            switch graph.nodes[user].operation {
            case .map: return (user, current)
            case .view(let view) where view.isBijective && !exits.contains(Value(user)): current = Value(user)
            case .leaf, .reduce, .scan, .view, .concatenate, .gather, .scatter, .contract, .convolve, .attend, .recur,
                .window, .sort:
                return nil
            }
        }
    }

    // MARK: Results

    /// A group's results are the member values that something outside needs.
    private mutating func collectResults() {
        for index in groups.indices {
            let inside = Set(groups[index].members)
            let isHeavy = if case .heavy = groups[index].kind { true } else { false }
            var results: [Value] = []
            for member in groups[index].members {
                for result in graph.nodes[member].results.indices {
                    let value = Value(member, result)
                    if exits.contains(value) || isUsedOutside(value, inside) { results.append(value) }
                }
            }
            // A dead second result (such as an LSTM's last state) is not computed; a group always has one result.
            if results.isEmpty, isHeavy, let last = groups[index].members.last { results = [Value(last)] }
            groups[index].results = results
        }
    }

    private func isUsedOutside(_ value: Value, _ inside: Set<NodeID>) -> Bool {
        for user in users[value.node.index] where graph.nodes[user].operands.contains(value) {
            if inside.contains(user) { continue }
            if case .view = graph.nodes[user].operation {
                if exits.contains(Value(user)) || isUsedOutside(Value(user), inside) { return true }
            } else {
                return true
            }
        }
        return false
    }
}
