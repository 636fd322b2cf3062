import Base
import ElementTypes
import GraphIR
import ModelFiles

/// Elements picked by index tensors.
func registerIndexing(_ table: inout OperatorTable) {
    table.value("index", "_unsafe_index") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let (axes, indices) = try i.indexOperands(x)
        if axes.isEmpty { return x }
        return try i.add(.gather(Gather(axes: axes, at: i.indexPlace(axes))), [x] + indices)
    }
    table.value("index_select") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let axis = try i.axis("dim", i.rank(x))
        let index = try i.indexVector("index")
        if i.rank(x) == 0 { return try i.reshape(x, try i.declaredResult().shape) }
        return try i.add(.gather(Gather(axes: [axis], at: axis)), [x, index])
    }
    table.value("embedding") { (i) throws(ImportError) in
        let index = try i.cast(try i.tensor("indices"), .i64)
        return try i.add(.gather(Gather(axes: [0], at: 0)), [try i.tensor("weight"), index])
    }
    // Rows that are looked up, made as long as `max_norm` where they are longer.
    table.value("embedding_renorm") { (i) throws(ImportError) in
        let weight = try i.tensor("self")
        let index = try i.cast(try i.tensor("indices"), .i64)
        let count = elementCount(i.shape(index))
        let rows = i.shape(weight)[0]
        let greatest = try i.float("max_norm")
        let wide = try i.widened(weight)
        let compute = i.element(wide)
        let length = try i.norm(wide, [1], order: try i.float("norm_type"), keep: true)
        let none = try i.full(0, TensorType(compute, [rows]))
        let marks = try i.full(1, TensorType(compute, [count]))
        let places = try i.reshape(index, [count])
        let taken = try i.add(.scatter(Scatter(.set, axes: [0], at: 0)), [none, marks, places])
        return try i.formula([wide, length, try i.unsqueeze(taken, 1)], as: i.element(weight)) { v in
            let isLong = v[2].greater(0).and(v[1].greater(.number(greatest)))
            return isLong.select(v[0] * (.number(greatest) / (v[1] + 1e-7)), v[0])
        }
    }
    table.value("gather") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let index = try i.cast(try i.tensor("index"), .i64)
        let axis = try i.axis("dim", i.rank(x))
        // An empty index may have any rank.
        if i.shape(index).contains(0) { return try i.full(0, TensorType(i.element(x), i.shape(index))) }
        return try i.gather(x, axis, index)
    }
    table.value("take_along_dim") { (i) throws(ImportError) in
        var x = try i.tensor("self")
        var index = try i.cast(try i.tensor("indices"), .i64)
        guard i.has("dim") else {
            x = try i.reshape(x, [elementCount(i.shape(x))])
            return try i.gather(x, 0, try i.reshape(index, [elementCount(i.shape(index))]))
        }
        let axis = try i.axis("dim", i.rank(x))
        var shape = try i.declaredResult().shape
        index = try i.expand(index, shape)
        shape[axis] = i.shape(x)[axis]
        return try i.gather(try i.expand(x, shape), axis, index)
    }
    table.value("take") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let count = elementCount(i.shape(x))
        let index = try i.wrapped(try i.tensor("index"), count)
        return try i.add(.gather(Gather(axes: [0], at: 0)), [try i.reshape(x, [count]), index])
    }
    table.value("bucketize", "searchsorted") { (i) throws(ImportError) in
        let isBucketize = i.call.name.base == "bucketize"
        let edges = try i.tensor(isBucketize ? "boundaries" : "sorted_sequence")
        let operand = try i.operand("self")
        let x = try i.value(operand, i.resultType([operand, .tensor(edges)]))
        let side = isBucketize ? nil : try i.optionalString("side")
        let right = try i.bool("right")
        let takesRight = right || side == "right"
        if !isBucketize, i.has("sorter") { throw i.unsupported("a sorter") }
        guard i.rank(edges) == 1 || !isBucketize else { throw i.unsupported("boundaries of several axes") }
        // The number of boundaries before each value.
        let spread: Value
        if i.rank(edges) == 1 {
            spread = try i.reshape(edges, Shape(repeating: 1, count: i.rank(x)) + i.shape(edges))
        } else {
            spread = try i.unsqueeze(edges, i.rank(edges) - 1)
        }
        let values = try i.unsqueeze(x, i.rank(x))
        let before = try i.map([try i.cast(spread, i.element(x)), values], as: .i64) {
            $0.cast($0.apply(takesRight ? .lessOrEqual : .less, $1[0], $1[1]), .i64)
        }
        return try i.cast(try i.reduce(.sum, before, [i.rank(before) - 1]), try i.declaredResult().element)
    }
    table.refuse([
        "nonzero", "nonzero_numpy", "masked_select", "unique", "_unique2", "unique_consecutive", "unique_dim",
        "bincount",
    ]) {
        .dataDependent($0.site, "the number of results depends on the elements")
    }
    // Whether each element is among the test elements.
    table.value("isin") { (i) throws(ImportError) in
        let (given, tests) = i.has("test_elements") ? ("elements", "test_elements") : ("elements", "test_element")
        let inverted = try i.bool("invert")
        let operands = [try i.operand(given), try i.operand(tests)]
        let element = i.resultType(operands)
        let x = try i.value(operands[0], element)
        var candidates = try i.value(operands[1], element)
        candidates = try i.reshape(candidates, [elementCount(i.shape(candidates))])
        let equal = try i.map([try i.unsqueeze(x, i.rank(x)), candidates]) { $0.apply(.equal, $1[0], $1[1]) }
        let found = try i.reduce(.any, equal, [i.rank(x)])
        return inverted ? try i.formula(found) { $0.not } : found
    }
    // Counts of elements in equal bins between two bounds that the call states.
    table.value("histc") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let (bins, low, high) = (try i.int("bins"), try i.float("min"), try i.float("max"))
        guard low < high else { throw i.unsupported("bins between bounds that depend on the elements") }
        let flat = try i.reshape(x, [elementCount(i.shape(x)), 1])
        let compute = i.element(x).floating.computeType
        let place = try i.formula([.tensor(flat)], common: compute) { v in
            let place = ((v[0] - .number(low)) / .number(high - low) * .number(Double(bins))).apply(.floor)
            let isInside = v[0].greaterOrEqual(.number(low)).and(v[0].lessOrEqual(.number(high)))
            return isInside.select(place.minimum(.number(Double(bins - 1))), -1)
        }
        let numbers = try i.cast(try i.leaf(.iota(Dimension(bins))), compute)
        let hits = try i.map([place, numbers]) { $0.cast($0.apply(.equal, $1[0], $1[1]), compute) }
        return try i.cast(try i.reduce(.sum, hits, [0]), try i.declaredResult().element)
    }
}

extension Importer {
    /// A vector of indices; a scalar counts as a vector of one.
    mutating func indexVector(_ name: String) throws(ImportError) -> Value {
        let index = try cast(try tensor(name), .i64)
        return rank(index) == 0 ? try reshape(index, [1]) : index
    }

    /// Indices with negative ones counted from the end.
    mutating func wrapped(_ index: Value, _ extent: Dimension) throws(ImportError) -> Value {
        let index = try cast(index, .i64)
        if isNonNegative(index) { return index }
        let size = try dimension(extent, .i64)
        return try map([index, size]) { s, t in
            s.apply(.select, s.apply(.less, t[0], s.integer(0)), s.apply(.add, t[0], t[1]), t[0])
        }
    }

    /// Whether all elements of an integer value are provably at least 0.
    func isNonNegative(_ value: Value) -> Bool {
        let node = builder.graph.nodes[value.node]
        switch node.operation {
        case .leaf(.iota): return true
        case .leaf(.constant(let elements, _)): return elements.allSatisfy { $0 >= 0 }
        case .leaf(.dimension(let expression)): return builder.graph.ranges.isNonNegative(expression)
        case .leaf(.input), .leaf(.parameter), .leaf(.state), .leaf(.carried), .leaf(.looped): return false
        case .view(.pad(_, _, let padding)): return padding.value >= 0 && isNonNegative(node.operands[0])
        case .view, .concatenate: return node.operands.allSatisfy { isNonNegative($0) }
        case .reduce(let reduce): return reduce.kind == .argMinimum || reduce.kind == .argMaximum
        case .sort: return value.result == 1
        case .window(let window): return window.kind == .argMaximum
        case .map(let expression):
            let keepsSign = expression.instructions.allSatisfy { step in
                switch step {
                case .argument, .truth: true
                case .integer(let number): number >= 0
                case .real(let bits, _): Double(bitPattern: bits) >= 0
                case .apply(let operation, _):
                    [.add, .multiply, .minimum, .maximum, .floorDivide, .truncateDivide].contains(operation)
                case .cast(_, let type): type == .i64
                }
            }
            return keepsSign && node.operands.allSatisfy { isNonNegative($0) }
        case .scan, .gather, .scatter, .contract, .convolve, .attend, .recur: return false
        }
    }

    /// Index tensors of `indices`, broadcast together and wrapped, with the axes of `x` that they index.
    mutating func indexOperands(_ x: Value) throws(ImportError) -> (axes: [Int], indices: [Value]) {
        var axes: [Int] = []
        var indices: [Value] = []
        for (axis, index) in try optionalTensors("indices").enumerated() {
            guard let index else { continue }
            if element(index) == .bool || element(index) == .u8 {
                throw .dataDependent(site, "it selects by a mask; torch.where keeps the shape")
            }
            guard axis < rank(x) else { throw unsupported("more indices than axes") }
            axes.append(axis)
            indices.append(try wrapped(index, shape(x)[axis]))
        }
        return (axes, try broadcastTogether(indices))
    }

    /// Values expanded to their common shape.
    mutating func broadcastTogether(_ values: [Value]) throws(ImportError) -> [Value] {
        guard values.count > 1 else { return values }
        let common: Shape
        do throws(ShapeError) { common = try builder.broadcastShape(values.map { shape($0) }) } catch {
            throw .shape(site, error)
        }
        var result: [Value] = []
        for value in values { result.append(try expand(value, common)) }
        return result
    }

    /// Where PyTorch puts the index axes: in place when the indexed axes are neighbours, else first.
    func indexPlace(_ axes: [Int]) -> Int {
        guard let first = axes.first, let last = axes.last else { return 0 }
        return last - first + 1 == axes.count ? first : 0
    }

    /// `torch.gather`: along `axis`, element `index[…]`; other axes as in `index`.
    mutating func gather(_ x: Value, _ axis: Int, _ index: Value) throws(ImportError) -> Value {
        if rank(x) == 0 { return try expand(x, shape(index)) }
        return try add(.gather(Gather(axes: Array(0..<rank(x)), at: 0)), [x] + (try fullIndices(axis, index)))
    }

    /// For each axis of `index`, positions: `index` itself along `axis`, counters along the others.
    mutating func fullIndices(_ axis: Int, _ index: Value) throws(ImportError) -> [Value] {
        let shape = shape(index)
        var indices: [Value] = []
        for other in shape.indices {
            indices.append(other == axis ? index : try expand(try self.index(along: other, of: shape), shape))
        }
        return indices
    }
}
