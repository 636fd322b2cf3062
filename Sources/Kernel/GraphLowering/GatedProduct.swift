import Base
import ElementTypes
import GraphIR

/// A product whose columns are used in slices of equal size, all by one map: `silu(x · Wᵍ) · (x · Wᵘ)` after both weights have
/// become one. A kernel then computes each column of all slices together and stores the map's result alone.
struct GatedProduct {
    /// How the columns are cut.
    struct Gate: Hashable, Sendable {
        /// Axis of the product's result.
        var axis: Int
        /// Slices.
        var parts: Int
        /// Columns of a slice.
        var count: Int
    }

    let gate: Gate
    /// Maps between the product and the slices, then the map of the slices.
    let maps: [NodeID]

    /// Finds the slices after a product.
    init?(_ graph: Graph, users: [[NodeID]], exits: Set<Value>, after product: NodeID) {
        guard case .contract(let contract) = graph.nodes[product].operation else { return nil }
        // What every column goes through, up to where the slices begin.
        var stem: [NodeID] = []
        var current = product
        while true {
            guard !exits.contains(Value(current)) else { return nil }
            guard users[current.index].count == 1, let user = users[current.index].first else { break }
            switch graph.nodes[user].operation {
            case .map: stem.append(user)
            case .view(let view) where view.isBijective: stem.append(user)
            case .leaf, .reduce, .scan, .view, .concatenate, .gather, .scatter, .contract, .convolve, .attend, .recur,
                .window, .sort:
                return nil
            }
            current = user
        }
        // The slices, and the views of each on the way to the map.
        var branches: [(start: Int, views: [NodeID])] = []
        var (axis, count): (Int?, Int?) = (nil, nil)
        var join: NodeID?
        for user in users[current.index] {
            guard case .view(.slice(let along, let start, let extent, let step)) = graph.nodes[user].operation,
                step == 1, axis == nil || axis == along, let start = start.constantValue,
                let extent = extent.constantValue, count == nil || count == extent
            else { return nil }
            (axis, count) = (along, extent)
            var views = [user]
            var last = user
            while true {
                guard !exits.contains(Value(last)), users[last.index].count == 1, let next = users[last.index].first
                else { return nil }
                if case .map = graph.nodes[next].operation {
                    guard join == nil || join == next else { return nil }
                    join = next
                    break
                }
                guard case .view(let view) = graph.nodes[next].operation, view.isBijective else { return nil }
                views.append(next)
                last = next
            }
            branches.append((start, views))
        }
        guard let axis, let count, let join, count > 0, branches.count >= 2,
            graph.type(Value(current)).shape[axis].constantValue == count * branches.count,
            Set(branches.map(\.start)) == Set((0..<branches.count).map { $0 * count })
        else { return nil }

        // Which axis of the product it is, and whether each slice's elements are where the map wants them: followed from an
        // element of the first slice to the map and back along every slice.
        var ranges = graph.ranges
        let shape = graph.type(Value(product)).shape
        let variables = shape.indices.map { Variable(.axis, $0) }
        let candidates = shape.indices.filter { shape[$0].constantValue == count * branches.count }
        var found: Gate?
        for own in candidates {
            var index: [IntegerExpression] = []
            for (place, extent) in shape.enumerated() {
                let extent = place == own ? IntegerExpression(count) : extent
                ranges.declare(variables[place], extent: extent)
                index.append(extent == 1 ? 0 : IntegerExpression(variables[place]))
            }
            guard let target = graph.target(along: stem + branches[0].views, index, ranges, inSlices: true),
                let first = branches.first(where: { $0.start == 0 }),
                let base = graph.source(along: stem + first.views, target, ranges), base[own].constant == 0
            else { continue }
            let agrees = branches.allSatisfy { start, views in
                var wanted = base
                wanted[own] = base[own] + IntegerExpression(start)
                return graph.source(along: stem + views, target, ranges) == wanted
            }
            if agrees { found = Gate(axis: own, parts: branches.count, count: count) }
        }
        guard let found else { return nil }
        // Right operands alone differ between the slices.
        let label = contract.result[found.axis]
        guard contract.left.contains(label) != contract.right.contains(label) else { return nil }
        gate = found
        maps = stem.filter { if case .map = graph.nodes[$0].operation { true } else { false } } + [join]
    }
}
