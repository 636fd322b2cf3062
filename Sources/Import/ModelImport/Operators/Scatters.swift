import ElementTypes
import GraphIR
import ModelFiles

/// Elements written at positions given by index tensors.
func registerScatters(_ table: inout OperatorTable) {
    table.value("index_put", "_unsafe_index_put", "_index_put_impl") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let values = try i.cast(try i.tensor("values"), i.element(x))
        let accumulate = try i.bool("accumulate")
        if let result = try i.maskedPut(x, values, accumulate) { return result }
        let (axes, indices) = try i.indexOperands(x)
        guard let first = indices.first else { return try i.expand(values, i.shape(x)) }
        let place = i.indexPlace(axes)
        var shape = i.shape(x).indices.filter { !axes.contains($0) }.map { i.shape(x)[$0] }
        shape.insert(contentsOf: i.shape(first), at: place)
        let scatter = Scatter(accumulate ? .add : .set, axes: axes, at: place)
        return try i.add(.scatter(scatter), [x, try i.expand(try i.matched(values, shape), shape)] + indices)
    }
    table.value("index_copy", "index_add") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let axis = try i.axis("dim", i.rank(x))
        let index = try i.indexVector("index")
        var source = try i.cast(try i.tensor("source"), i.element(x))
        if i.rank(x) == 0 { throw i.unsupported("a scalar tensor") }
        if i.call.name.base.hasPrefix("index_add") {
            let alpha = try i.float("alpha")
            if alpha != 1 { source = try i.formula(source) { $0 * .number(alpha) } }
        }
        var shape = i.shape(x)
        shape[axis] = i.shape(index)[0]
        source = i.rank(source) == shape.count ? try i.matched(source, shape) : try i.reshape(source, shape)
        let kind = i.call.name.base.hasPrefix("index_add") ? Scatter.Kind.add : .set
        return try i.add(.scatter(Scatter(kind, axes: [axis], at: axis)), [x, source, index])
    }
    table.value("index_fill") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let axis = try i.axis("dim", i.rank(x))
        let index = try i.wrapped(try i.indexVector("index"), i.shape(x)[axis])
        var shape = i.shape(x)
        shape[axis] = i.shape(index)[0]
        let value = try i.expand(try i.value(try i.operand("value"), i.element(x)), shape)
        return try i.add(.scatter(Scatter(.set, axes: [axis], at: axis)), [x, value, index])
    }
    table.value("scatter", "scatter_add") { (i) throws(ImportError) in
        let given = try i.tensor("self")
        let x = try i.atLeastVector(given)
        var kind = i.call.name.base.hasPrefix("scatter_add") ? Scatter.Kind.add : .set
        if i.call.schema?.names.contains("reduce") == true, let name = try i.optionalString("reduce") {
            guard name == "add" || name == "multiply" else { throw i.unsupported("reduce = '\(name)'") }
            kind = name == "add" ? .add : .multiply
        }
        return try i.reshape(try i.scatter(kind, x, try i.scatterUpdates(x)), i.shape(given))
    }
    table.value("scatter_reduce") { (i) throws(ImportError) in
        let given = try i.tensor("self")
        let x = try i.atLeastVector(given)
        let updates = try i.scatterUpdates(x)
        let element = i.element(x)
        let reduce = try i.string("reduce")
        let includesSelf = try i.bool("include_self")
        // Without the element that is there: what it becomes first. An extremum may begin with any of its candidates.
        let kinds: [String: (Scatter.Kind, Double?)] = [
            "sum": (.add, 0), "mean": (.add, 0), "prod": (.multiply, 1), "amax": (.maximum, nil),
            "amin": (.minimum, nil),
        ]
        guard let (kind, neutral) = kinds[reduce] else { throw i.unsupported("reduce = '\(reduce)'") }
        var base = x
        if !includesSelf {
            let first = try neutral.map { (value) throws(ImportError) in
                try i.full(value, TensorType(element, i.shape(updates.values)))
            }
            base = try i.scatter(.set, x, (first ?? updates.values, updates.indices))
        }
        let result = try i.reshape(try i.scatter(kind, base, updates), i.shape(given))
        guard reduce == "mean" else { return result }
        let ones = try i.full(1, TensorType(element, i.shape(updates.values)))
        let start = try i.full(includesSelf ? 1 : 0, TensorType(element, i.shape(x)))
        let counts = try i.reshape(try i.scatter(.add, start, (ones, updates.indices)), i.shape(given))
        return try i.formula([result, counts]) { x in
            let count = x[1].maximum(1)
            return element.isFloatingPoint ? x[0] / count : x[0].apply(.floorDivide, count)
        }
    }
    for name in ["select_scatter", "slice_scatter", "diagonal_scatter"] {
        table.value(name) { (i) throws(ImportError) in
            let target = i.fresh(try i.tensor("self"))
            let shape = try i.shape(of: target)
            let source = try i.tensor("src")
            var part = target
            switch name {
            case "select_scatter":
                let axis = try i.axis("dim", shape.count)
                let index = i.normalised(try i.dimension("index"), shape[axis])
                part = try i.apply(.slice(axis: axis, start: index, count: 1, step: 1), to: target)
                part = try i.apply(.reshape(i.shape(source)), to: part)
            case "slice_scatter":
                let axis = try i.axis("dim", shape.count)
                let start = i.normalised(try i.optionalDimension("start") ?? 0, shape[axis])
                let count = i.shape(source)[axis]
                part = try i.apply(.slice(axis: axis, start: start, count: count, step: try i.int("step")), to: target)
            default:  // `diagonal_scatter`.
                let (first, second) = (try i.axis("dim1", shape.count), try i.axis("dim2", shape.count))
                let offset = try i.int("offset")
                let length = i.shape(source)[i.rank(source) - 1]
                let rows = try i.positions(length, from: Dimension(max(-offset, 0)), step: 1)
                let columns = try i.positions(length, from: Dimension(max(offset, 0)), step: 1)
                let gather = Gather(axes: [min(first, second), max(first, second)], at: shape.count - 2)
                part.steps.append(.gather(gather, first < second ? [rows, columns] : [columns, rows]))
            }
            try i.write(part, source)
            return try i.read(target)
        }
    }
    table.value("masked_scatter") { (i) throws(ImportError) in
        let x = try i.expand(try i.tensor("self"), try i.declaredResult().shape)
        let mask = try i.expand(try i.tensor("mask"), i.shape(x))
        let count = elementCount(i.shape(x))
        let source = try i.tensor("source")
        let elements = try i.reshape(source, [elementCount(i.shape(source))])
        let taken = try i.spread(elements, along: 0, to: try i.reshape(mask, [count]))
        let shaped = try i.reshape(taken, i.shape(x))
        return try i.map([mask, shaped, x], as: i.element(x)) { $0.apply(.select, $1[0], $1[1], $1[2]) }
    }
}

extension Importer {
    /// An axis with the elements for the true elements of a flat mask, in their order, made as long as the mask; elsewhere it holds anything.
    fileprivate mutating func spread(_ values: Value, along axis: Int, to mask: Value) throws(ImportError) -> Value {
        let ranks = try add(.scan(Scan(.sum, axis: 0)), [try cast(mask, .i64)])
        let last = try dimension(shape(values)[axis] - 1, .i64)
        let position = try map([ranks, last]) {
            let place = $0.apply(.maximum, $0.apply(.subtract, $1[0], $0.integer(1)), $0.integer(0))
            return $0.apply(.minimum, place, $1[1])
        }
        return try add(.gather(Gather(axes: [axis], at: axis)), [values, position])
    }

    /// `x[…, mask, …] = values`: a choice by the mask. Nil when the indices are no mask.
    fileprivate mutating func maskedPut(_ x: Value, _ value: Value, _ accumulate: Bool) throws(ImportError) -> Value? {
        let indices = try optionalTensors("indices")
        guard indices.compactMap({ $0 }).count == 1, let axis = indices.firstIndex(where: { $0 != nil }),
            let mask = indices[axis], element(mask) == .bool
        else { return nil }
        let (extents, flags) = (shape(x), shape(mask))
        let trailing = extents[(axis + flags.count)...]
        // Of each axis before the mask, of the true elements, of each axis behind it.
        var values = value
        let missing = axis + 1 + trailing.count - rank(value)
        guard missing >= 0 else { throw unsupported("values of more axes than they are written to") }
        values = try reshape(values, Shape(repeating: 1, count: missing) + shape(values))
        let wide = shape(values)
        if wide[axis] == 1 {
            values = try reshape(values, wide[..<axis] + Shape(repeating: 1, count: flags.count) + wide[(axis + 1)...])
        } else {
            values = try spread(values, along: axis, to: try reshape(mask, [elementCount(flags)]))
            values = try reshape(values, wide[..<axis] + flags + wide[(axis + 1)...])
        }
        let chosen = try reshape(mask, flags + Shape(repeating: 1, count: trailing.count))
        let isBool = element(x) == .bool
        return try map([chosen, values, x], as: element(x)) { s, t in
            // bool + bool is "or".
            s.apply(.select, t[0], accumulate ? s.apply(isBool ? .or : .add, t[1], t[2]) : t[1], t[2])
        }
    }

    /// The updates of a `scatter` call, cut to the shape of its index, with positions for every axis.
    fileprivate mutating func scatterUpdates(_ x: Value) throws(ImportError) -> (values: Value, indices: [Value]) {
        let axis = try axis("dim", rank(x))
        let index = try atLeastVector(try cast(try tensor("index"), .i64))
        let shape = shape(index)
        var values: Value
        if has("src") {
            values = try atLeastVector(try cast(try tensor("src"), element(x)))
            for (axis, extent) in shape.enumerated() { values = try slice(values, axis, 0, extent) }
        } else {
            values = try expand(try value(try operand("value"), element(x)), shape)
        }
        return (values, try fullIndices(axis, index))
    }

    /// A tensor without axes as one of a single element.
    fileprivate mutating func atLeastVector(_ x: Value) throws(ImportError) -> Value {
        rank(x) == 0 ? try reshape(x, [1]) : x
    }

    /// A scatter at positions for every axis.
    fileprivate mutating func scatter(
        _ kind: Scatter.Kind, _ base: Value, _ updates: (values: Value, indices: [Value])
    ) throws(ImportError) -> Value {
        let axes = Array(0..<rank(base))
        return try add(.scatter(Scatter(kind, axes: axes, at: 0)), [base, updates.values] + updates.indices)
    }
}
