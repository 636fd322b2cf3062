import Base
import ElementTypes
import GraphIR

/// Which lazy values stand in memory all the same: maps, gathers and concatenations that are worth a kernel of their own.
extension Partitioner {
    /// Instructions and reads beyond which a value is computed once, in a kernel of its own.
    private static let largestPulledSize = 512

    /// Materialises the lazy maps, gathers and concatenations that are worth a kernel of their own.
    mutating func materialiseLazy() {
        // How many instructions and reads it takes to compute each value where it is used. A value that is used twice by
        // its user counts twice, so a chain of such values would double with each link (slices written one after another).
        var sizes = [Int](repeating: 1, count: graph.nodes.count)
        for id in graph.nodes.ids where isLive[id.index] && groupOf[id.index] == nil {
            let node = graph.nodes[id]
            if repeated.contains(id) { continue }
            defer { if groupOf[id.index] != nil { sizes[id.index] = 1 } }
            if case .map(let expression) = node.operation { sizes[id.index] = expression.instructions.count }
            for operand in node.operands { sizes[id.index] += sizes[operand.node.index] }
            let isExit = exits.contains(Value(id))
            switch node.operation {
            case .leaf(let leaf):
                // Leaves that stand in memory already are copied to the output, others are computed.
                switch leaf {
                case .constant(let elements, _): if isExit, elements.count == 1 { add(.map, id, [id]) }
                case .iota, .dimension: if isExit { add(.map, id, [id]) }
                case .input, .parameter, .state, .carried, .looped: break
                }
            case .view: if isExit { add(.map, id, [id]) }
            case .map, .concatenate, .gather:
                if isExit || sizes[id.index] > Self.largestPulledSize {
                    add(.map, id, [id])
                } else if isConstant[id.index] || isTrivial[id.index] {
                    if isWorthKernel(id) { add(.map, id, [id]) }
                } else if decide(.store, id, default: isWorthKernel(id)) {
                    add(.map, id, [id])
                }
            case .reduce, .scan, .scatter, .contract, .convolve, .attend, .recur, .window, .sort: break
            }
        }
    }

    private func isWorthKernel(_ id: NodeID) -> Bool {
        let node = graph.nodes[id]
        // Products of bytes read them as bytes.
        if isTrivial[id.index] || widensBytes(id) || decodesWeights(id) { return false }
        let consumers = consumers(of: id)
        // Users that one row kernel computes read the value once.
        let kernels = Set(
            consumers.map { user in
                if let group = groupOf[user.index], case .rows = groups[group].kind {
                    ID<NodeTag>(-1 - group)
                } else {
                    user
                }
            })
        if isConstant[id.index] { return consumers.contains { !isConstant[$0.index] } }
        if consumers.contains(where: { isMatrixLike($0) }) { return true }
        guard kernels.count > 1 else {
            if case .gather = node.operation { return false }
            return false
        }
        switch node.operation {
        case .map(let expression):
            let isExpensive = expression.instructions.contains {
                if case .apply(let operation, _) = $0 { operation.isExpensive } else { false }
            }
            return isExpensive || expression.arguments.count > 1 || expression.instructions.count > 6
        case .concatenate, .gather: return true
        case .leaf, .view, .reduce, .scan, .scatter, .contract, .convolve, .attend, .recur, .window, .sort: return false
        }
    }

    /// The nodes that use a value's elements, looking through views and through casts of bytes to wider integers.
    func consumers(of id: NodeID) -> [NodeID] {
        var found: [NodeID] = []
        for user in users[id.index] {
            if case .view = graph.nodes[user].operation {
                found += consumers(of: user)
            } else if widensBytes(user), !exits.contains(Value(user)) {
                found += consumers(of: user)
            } else {
                found.append(user)
            }
        }
        return found
    }

    /// Whether a node is nothing but bytes as wider integers, all for products.
    func widensBytes(_ id: NodeID) -> Bool {
        guard case .map(let expression) = graph.nodes[id].operation, expression.widensByte else { return false }
        func isProduct(_ user: NodeID) -> Bool {
            switch graph.nodes[user].operation {
            case .contract, .convolve: true
            case .leaf, .map, .reduce, .scan, .view, .concatenate, .gather, .scatter, .attend, .recur, .window, .sort:
                false
            }
        }
        return users[id.index].allSatisfy { user in
            if case .view = graph.nodes[user].operation { return consumers(of: user).allSatisfy(isProduct) }
            return isProduct(user)
        }
    }

    /// Whether a node restores a weight from fewer bytes, all for products: they read the codes and restore it themselves.
    func decodesWeights(_ id: NodeID) -> Bool {
        guard isConstant[id.index], !exits.contains(Value(id)), graph.nodes[id].results.count == 1,
            let count = elementCount(graph.type(Value(id)).shape).constantValue
        else { return false }
        let type = graph.type(Value(id)).element
        var hasCodes = false
        guard type.isFloatingPoint, let bytes = storedBytes(id, &hasCodes), hasCodes,
            bytes * 4 < count * type.byteCount * 3
        else { return false }
        return contractsOnly(id)
    }

    /// Bytes of the tensors in memory that a lazy constant is computed from; nil where it takes more than maps and views.
    private func storedBytes(_ id: NodeID, _ hasCodes: inout Bool) -> Int? {
        let node = graph.nodes[id]
        switch node.operation {
        case .leaf(let leaf):
            guard case .parameter(_, let type) = leaf else { return 0 }
            if type.element.byteCount == 1, type.element != .bool { hasCodes = true }
            return elementCount(type.shape).constantValue.map { $0 * type.element.byteCount }
        case .map, .view, .concatenate:
            if groupOf[id.index] != nil { return nil }
            var sum = 0
            for operand in node.operands {
                guard let bytes = storedBytes(operand.node, &hasCodes) else { return nil }
                sum += bytes
            }
            return sum
        case .reduce, .scan, .gather, .scatter, .contract, .convolve, .attend, .recur, .window, .sort: return nil
        }
    }

    /// Whether products alone use a value, through views and with others beside it.
    private func contractsOnly(_ id: NodeID) -> Bool {
        users[id.index].allSatisfy { user in
            switch graph.nodes[user].operation {
            case .contract: true
            case .view, .concatenate: !exits.contains(Value(user)) && contractsOnly(user)
            case .leaf, .map, .reduce, .scan, .gather, .scatter, .convolve, .attend, .recur, .window, .sort: false
            }
        }
    }

    /// Operations that read each element many times, so that recomputing operands inside them would cost.
    private func isMatrixLike(_ id: NodeID) -> Bool {
        switch graph.nodes[id].operation {
        case .contract, .convolve, .attend, .recur, .window, .sort, .scan: true
        case .leaf, .map, .reduce, .view, .concatenate, .gather, .scatter: false
        }
    }
}
