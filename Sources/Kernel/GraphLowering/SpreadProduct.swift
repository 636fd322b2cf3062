import Base
import ElementTypes
import GraphIR

/// A product whose columns go to several places, each by maps of a few of them: heads that are turned (rotary embedding, Su et al.
/// 2021) and rows that are written into a cache. One kernel then computes the columns that are read together, and stores what is made of them.
struct SpreadProduct {
    /// Something that is made of a range of columns, element by column.
    struct Outlet {
        /// A map, which is stored, or a scatter, whose updates are.
        let node: NodeID
        /// What is computed for each column.
        let value: Value
        /// The views between the product and the value, slices among them.
        let path: [NodeID]
        /// First column.
        let start: Int
        /// Columns.
        let count: Int
    }

    /// Axis of the product's result that the columns lie along.
    let axis: Int
    /// Columns that are computed together; column `parts · count · block + count · part + place` is one part of a point.
    let parts: Int
    /// Distance between them.
    let count: Int
    let outlets: [Outlet]
    /// Maps, concatenations and scatters that are computed with the product, in order.
    let members: [NodeID]

    /// Columns of a block.
    var block: Int { parts * count }

    /// Most columns that are computed together, and most results.
    private static let (mostParts, mostOutlets) = (4, 6)

    /// Finds what is made of a product's columns; `labels` are those of the operand that has the columns.
    init?(
        _ graph: Graph, users: [[NodeID]], exits: Set<Value>, isLive: [Bool], after product: NodeID,
        columns labels: [Int]
    ) {
        guard case .contract(let contract) = graph.nodes[product].operation, !exits.contains(Value(product)) else {
            return nil
        }
        let shape = graph.type(Value(product)).shape
        let others = labels == contract.left ? contract.right : contract.left
        let own = contract.result.indices.filter {
            labels.contains(contract.result[$0]) && !others.contains(contract.result[$0])
        }
        guard own.count == 1, let extent = shape[own[0]].constantValue else { return nil }
        let inside = Self.dependents(graph, product, isLive)
        guard let outlets = Self.outlets(graph, users, exits, inside, product, axis: own[0]),
            outlets.count <= Self.mostOutlets
        else { return nil }
        var walk = Walk(graph: graph, inside: inside, product: product, axis: own[0], ranges: graph.ranges)
        axis = own[0]
        self.outlets = outlets
        members =
            inside.filter { id in
                if case .view = graph.nodes[id].operation { false } else { id != product }
            }.sorted() + outlets.map(\.node).filter { !inside.contains($0) }.sorted()
        // Several values of the same columns are what a sum and its readers are: those compute them from the sum that is stored.
        let order = outlets.sorted { $0.start < $1.start }
        guard zip(order, order.dropFirst()).allSatisfy({ $0.start + $0.count <= $1.start }) else { return nil }
        let bounds = outlets.flatMap { [$0.start, $0.count] } + [extent]
        var candidates = [(parts: 1, count: bounds.reduce(0, Self.divisor))]
        for id in inside.sorted() {
            guard case .concatenate(let along) = graph.nodes[id].operation else { continue }
            let extents = graph.nodes[id].operands.map { graph.type($0).shape[along].constantValue }
            let rest = graph.type(Value(id)).shape[(along + 1)...].reduce(1) { $0 * ($1.constantValue ?? 0) }
            guard let first = extents[0], extents.allSatisfy({ $0 == first }), first * rest > 0,
                (2...Self.mostParts).contains(extents.count),
                !candidates.contains(where: { $0 == (extents.count, first * rest) })
            else { continue }
            candidates.append((extents.count, first * rest))
        }
        let found = candidates.first { parts, count in
            count > 0 && bounds.allSatisfy { $0 % (parts * count) == 0 }
                && outlets.allSatisfy { walk.agrees($0, parts: parts, count: count) }
        }
        guard let found else { return nil }
        (parts, count) = found
        // One map of all columns alone is an epilogue.
        let hasScatter = outlets.contains { if case .scatter = graph.nodes[$0.node].operation { true } else { false } }
        guard parts > 1 || outlets.count > 1 || hasScatter else { return nil }
    }

    private static func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }

    /// The product and what maps, views and concatenations make of it and of nothing that waits for it otherwise.
    private static func dependents(_ graph: Graph, _ product: NodeID, _ isLive: [Bool]) -> Set<NodeID> {
        var inside: Set<NodeID> = [product]
        var tainted: Set<NodeID> = []
        for id in graph.nodes.ids.dropFirst(product.index + 1) where isLive[id.index] {
            let node = graph.nodes[id]
            let isTainted = node.operands.contains { tainted.contains($0.node) }
            guard isTainted || node.operands.contains(where: { inside.contains($0.node) }) else { continue }
            let joins =
                switch node.operation {
                case .map: !isTainted
                case .view(let view): !isTainted && isFollowed(view)
                case .concatenate: node.operands.allSatisfy { inside.contains($0.node) }
                case .leaf, .reduce, .scan, .gather, .scatter, .contract, .convolve, .attend, .recur, .window, .sort:
                    false
                }
            if joins { inside.insert(id) } else { tainted.insert(id) }
        }
        return inside
    }

    /// Whether elements keep what they are of through a view, each once at most.
    private static func isFollowed(_ view: View) -> Bool {
        switch view {
        case .reshape, .permute, .flip: true
        case .slice(_, _, _, let step): step == 1
        case .expand, .pad, .unfold: false
        }
    }

    /// What must be stored of the dependents for others to read; nil where that is not made of ranges of columns.
    private static func outlets(
        _ graph: Graph, _ users: [[NodeID]], _ exits: Set<Value>, _ inside: Set<NodeID>, _ product: NodeID, axis: Int
    ) -> [Outlet]? {
        var stored: Set<NodeID> = []
        var scatters: [NodeID] = []
        for id in inside {
            var root = id
            while case .view = graph.nodes[root].operation { root = graph.nodes[root].operands[0].node }
            if exits.contains(Value(id)) { stored.insert(root) }
            for user in users[id.index] where !inside.contains(user) {
                let operands = graph.nodes[user].operands
                if case .scatter(let scatter) = graph.nodes[user].operation, scatter.kind == .set,
                    operands[1].node == id, operands.filter({ inside.contains($0.node) }).count == 1,
                    elementCount(graph.type(operands[2]).shape) == 1
                {
                    scatters.append(user)
                } else {
                    stored.insert(root)
                }
            }
        }
        guard !stored.contains(product) else { return nil }
        var outlets: [Outlet] = []
        let rows = graph.type(Value(product)).shape.indices.reduce(1) { rows, place in
            place == axis ? rows : rows * (graph.type(Value(product)).shape[place].constantValue ?? 0)
        }
        for id in stored.sorted() + scatters.sorted() {
            let value = inside.contains(id) ? Value(id) : graph.nodes[id].operands[1]
            let shape = graph.type(value).shape
            guard let path = path(graph, value.node, inside, product),
                let first = graph.source(along: path, shape.map { _ in 0 }, graph.ranges),
                let start = first[axis].constantValue, let count = elementCount(shape).constantValue, rows > 0,
                count % rows == 0
            else { return nil }
            outlets.append(Outlet(node: id, value: value, path: path, start: start, count: count / rows))
        }
        return outlets
    }

    /// Views between the product and a value, along some way on which elements keep their places.
    private static func path(_ graph: Graph, _ id: NodeID, _ inside: Set<NodeID>, _ product: NodeID) -> [NodeID]? {
        if id == product { return [] }
        switch graph.nodes[id].operation {
        case .map:
            for operand in graph.nodes[id].operands where inside.contains(operand.node) {
                if let path = path(graph, operand.node, inside, product) { return path }
            }
            return nil
        case .view: return path(graph, graph.nodes[id].operands[0].node, inside, product).map { $0 + [id] }
        // The first operand's elements keep their places; where the others' are follows from the same rule, or it does not agree.
        case .concatenate: return path(graph, graph.nodes[id].operands[0].node, inside, product)
        case .leaf, .reduce, .scan, .gather, .scatter, .contract, .convolve, .attend, .recur, .window,
            .sort:
            return nil
        }
    }

    /// Follows elements from the product to what is made of them, and back.
    private struct Walk {
        let graph: Graph
        let inside: Set<NodeID>
        let product: NodeID
        let axis: Int
        var ranges: VariableRanges

        /// Whether every element of an outlet is one part of a point and is made of parts of that point alone.
        mutating func agrees(_ outlet: Outlet, parts: Int, count: Int) -> Bool {
            let shape = graph.type(Value(product)).shape
            func variable(_ number: Int, _ extent: Dimension) -> IntegerExpression {
                let variable = Variable(.axis, number)
                ranges.declare(variable, extent: extent)
                return extent == 1 ? 0 : IntegerExpression(variable)
            }
            let block = variable(shape.count, IntegerExpression(outlet.count / (parts * count)))
            let place = variable(shape.count + 1, IntegerExpression(count))
            var index = shape.enumerated().map { $0 == axis ? 0 : variable($0, $1) }
            let first = block * (parts * count) + place + IntegerExpression(outlet.start)
            for part in 0..<parts {
                index[axis] = first + IntegerExpression(part * count)
                guard let target = graph.target(along: outlet.path, index, ranges),
                    graph.source(along: outlet.path, target, ranges) == index,
                    zip(target, graph.type(outlet.value).shape).allSatisfy({
                        ranges.isNonNegative($0) && ranges.isNonNegative($1 - 1 - $0)
                    })
                else { return false }
                var places: [[IntegerExpression]] = []
                guard collect(outlet.value, target, &places) else { return false }
                for var found in places {
                    guard let distance = (found[axis] - first).constantValue, distance >= 0, distance % count == 0,
                        distance / count < parts
                    else { return false }
                    found[axis] = index[axis]
                    guard found == index else { return false }
                }
            }
            return true
        }

        /// The elements of the product that a value's element is made of.
        private func collect(
            _ value: Value, _ index: [IntegerExpression], _ places: inout [[IntegerExpression]]
        ) -> Bool {
            if value.node == product {
                places.append(zip(index, graph.type(value).shape).map { $1 == 1 ? 0 : $0 })
                return true
            }
            guard inside.contains(value.node) else { return true }
            let node = graph.nodes[value.node]
            switch node.operation {
            case .map:
                for operand in node.operands where !collect(operand, index, &places) { return false }
                return true
            case .view(let view):
                guard let source = view.source(index, of: graph.type(node.operands[0]).shape, ranges),
                    source.mask.isEmpty
                else { return false }
                return collect(node.operands[0], source.index, &places)
            case .concatenate(let along):
                var start = IntegerExpression(0)
                for operand in node.operands {
                    let extent = graph.type(operand).shape[along]
                    var inner = index
                    inner[along] = index[along] - start
                    start = start + extent
                    let isOutside = [inner[along], extent - 1 - inner[along]].contains {
                        ranges.isNonNegative($0 * -1 - 1)
                    }
                    if !isOutside, !collect(operand, inner, &places) { return false }
                }
                return true
            case .leaf, .reduce, .scan, .gather, .scatter, .contract, .convolve, .attend, .recur, .window, .sort:
                return false
            }
        }
    }
}
