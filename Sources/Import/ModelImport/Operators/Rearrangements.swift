import ElementTypes
import GraphIR
import ModelFiles

/// Operators that copy elements to other places: joins, repeats, flips, shuffles of pixels.
func registerRearrangements(_ table: inout OperatorTable) {
    registerJoins(&table)
    registerRepeats(&table)
    registerShuffles(&table)
}

private func registerJoins(_ table: inout OperatorTable) {
    table.value("cat", "concat", "concatenate", "_cat") { (i) throws(ImportError) in
        let values = try i.tensors("tensors")
        let element = i.resultType(values.map { .tensor($0) })
        var parts: [Value] = []
        // PyTorch still skips empty vectors here, whatever the rank of the others.
        for value in values where i.shape(value) != [0] || values.allSatisfy({ i.rank($0) == 1 }) {
            parts.append(try i.cast(value, element))
        }
        guard let first = parts.first else { return try i.full(0, try i.declaredResult()) }
        let name = i.call.schema?.names.contains("axis") == true ? "axis" : "dim"
        return try i.concatenate(parts, try i.axis(name, i.rank(first)))
    }
    table.value("stack", "_stack") { (i) throws(ImportError) in
        let values = try i.tensors("tensors")
        let element = i.resultType(values.map { .tensor($0) })
        let axis = try i.axis("dim", i.rank(values[0]) + 1)
        var parts: [Value] = []
        for value in values { parts.append(try i.unsqueeze(try i.cast(value, element), axis)) }
        return try i.concatenate(parts, axis)
    }
    table.value("hstack", "vstack", "dstack", "row_stack", "column_stack") { (i) throws(ImportError) in
        let values = try i.tensors("tensors")
        let element = i.resultType(values.map { .tensor($0) })
        let rank = try i.declaredResult().shape.count
        let base = i.call.name.base
        var parts: [Value] = []
        for value in values {
            var shape = i.shape(value)
            if base == "column_stack", shape.count < 2 {
                shape = [elementCount(shape), 1]
            } else if base == "dstack" {
                if shape.count < 2 { shape = [1, elementCount(shape)] }
                if shape.count < 3 { shape.append(1) }
            } else if shape.count < rank {
                shape = Shape(repeating: 1, count: rank - shape.count) + shape
            }
            parts.append(try i.reshape(try i.cast(value, element), shape))
        }
        let axis: Int
        switch base {
        case "hstack": axis = rank == 1 ? 0 : 1
        case "dstack": axis = 2
        case "column_stack": axis = 1
        default: axis = 0  // `vstack` and `row_stack`.
        }
        return try i.concatenate(parts, axis)
    }
    table.value("block_diag") { (i) throws(ImportError) in
        let values = try i.tensors("tensors")
        let total = try i.declaredResult()
        var rows: [Value] = []
        var start: Dimension = 0
        for value in values {
            let matrix = i.rank(value) == 2 ? value : try i.reshape(value, [1, elementCount(i.shape(value))])
            let width = i.shape(matrix)[1]
            let pad = View.pad(low: [0, start], high: [0, total.shape[1] - start - width], value: .init(0))
            rows.append(try i.view(pad, try i.cast(matrix, total.element)))
            start = start + width
        }
        return try i.concatenate(rows, 0)
    }
}

private func registerRepeats(_ table: inout OperatorTable) {
    table.value("flip", "fliplr", "flipud") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        switch i.call.name.base {
        case "fliplr": return try i.view(.flip([1]), x)
        case "flipud": return try i.view(.flip([0]), x)
        default: return try i.view(.flip(try i.axes("dims", i.rank(x), emptyIsAll: false)), x)  // `flip`.
        }
    }
    table.value("roll") { (i) throws(ImportError) in
        var x = try i.tensor("self")
        let shifts = try i.ints("shifts")
        let dims = try i.ints("dims")
        let shape = i.shape(x)
        if dims.isEmpty { x = try i.reshape(x, [elementCount(shape)]) }
        for (position, shift) in shifts.enumerated() {
            let axis = dims.isEmpty ? 0 : try i.axis(dims[position], shape.count)
            let extent = i.shape(x)[axis]
            let amount: Dimension
            if let size = extent.constantValue {
                if size == 0 { continue }
                amount = Dimension(shift - floorQuotient(shift, size) * size)
            } else {
                amount = Dimension(shift).modulo(extent, i.builder.graph.ranges)
            }
            if amount == 0 { continue }
            let tail = try i.slice(x, axis, extent - amount, amount)
            x = try i.concatenate([tail, try i.slice(x, axis, 0, extent - amount)], axis)
        }
        return try i.reshape(x, shape)
    }
    table.value("rot90") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let turns = ((try i.int("k") % 4) + 4) % 4
        var dims: [Int] = []
        for dim in try i.ints("dims") { dims.append(try i.axis(dim, i.rank(x))) }
        switch turns {
        case 0: return x
        case 1: return try i.swapAxes(try i.view(.flip([dims[1]]), x), dims[0], dims[1])
        case 2: return try i.view(.flip(dims.sorted()), x)
        default: return try i.view(.flip([dims[1]]), try i.swapAxes(x, dims[0], dims[1]))  // Three turns.
        }
    }
    table.value("repeat", "tile") { (i) throws(ImportError) in
        var x = try i.tensor("self")
        var repeats = try i.dimensions(i.call.name.base == "tile" ? "dims" : "repeats")
        while repeats.count < i.rank(x) { repeats.insert(1, at: 0) }
        while i.rank(x) < repeats.count { x = try i.unsqueeze(x, 0) }
        // Each axis [n] becomes [repeats, n], then one axis again.
        var (split, spread, joined): (Shape, Shape, Shape) = ([], [], [])
        for (count, extent) in zip(repeats, i.shape(x)) {
            split += [1, extent]
            spread += [count, extent]
            joined.append(count * extent)
        }
        return try i.reshape(try i.expand(try i.reshape(x, split), spread), joined)
    }
    table.value("repeat_interleave") { (i) throws(ImportError) in
        guard i.call.name.overload == "self_int" else {
            throw .dataDependent(i.site, "the number of repeats is a tensor")
        }
        var x = try i.tensor("self")
        let count = try i.dimension("repeats")
        if !i.has("dim") { x = try i.reshape(x, [elementCount(i.shape(x))]) }
        let axis = i.has("dim") ? try i.axis("dim", i.rank(x)) : 0
        var shape = i.shape(x)
        let spread = try i.unsqueeze(x, axis + 1)
        var wide = i.shape(spread)
        wide[axis + 1] = count
        shape[axis] = shape[axis] * count
        return try i.reshape(try i.expand(spread, wide), shape)
    }
}

private func registerShuffles(_ table: inout OperatorTable) {
    table.value("pixel_shuffle") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let r = try i.int("upscale_factor")
        let shape = i.shape(x)
        let lead = Array(shape.dropLast(3))
        let (c, h, w) = (shape[shape.count - 3], shape[shape.count - 2], shape[shape.count - 1])
        let out = c.floorDivided(by: Dimension(r * r), i.builder.graph.ranges)
        let n = lead.count
        let split = try i.reshape(x, lead + [out, Dimension(r), Dimension(r), h, w])
        let moved = try i.permute(split, Array(0..<n) + [n, n + 3, n + 1, n + 4, n + 2])
        return try i.reshape(moved, lead + [out, h * r, w * r])
    }
    table.value("pixel_unshuffle") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let r = try i.int("downscale_factor")
        let shape = i.shape(x)
        let lead = Array(shape.dropLast(3))
        let ranges = i.builder.graph.ranges
        let c = shape[shape.count - 3]
        let h = shape[shape.count - 2].floorDivided(by: Dimension(r), ranges)
        let w = shape[shape.count - 1].floorDivided(by: Dimension(r), ranges)
        let n = lead.count
        let split = try i.reshape(x, lead + [c, h, Dimension(r), w, Dimension(r)])
        let moved = try i.permute(split, Array(0..<n) + [n, n + 2, n + 4, n + 1, n + 3])
        return try i.reshape(moved, lead + [c * (r * r), h, w])
    }
    table.value("channel_shuffle", "native_channel_shuffle") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let shape = i.shape(x)
        let groups = Dimension(try i.int("groups"))
        let per = shape[1].floorDivided(by: groups, i.builder.graph.ranges)
        let split = try i.reshape(x, [shape[0], groups, per] + shape.dropFirst(2))
        return try i.reshape(try i.swapAxes(split, 1, 2), shape)
    }
    table.value("diag_embed") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let result = try i.declaredResult()
        let rank = result.shape.count
        let (first, second) = (try i.axis("dim1", rank), try i.axis("dim2", rank))
        return try i.diagonalMatrix(x, result.shape, first, second, offset: try i.int("offset"))
    }
    table.value("diag") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let result = try i.declaredResult()
        let offset = try i.int("diagonal")
        if i.rank(x) == 1 { return try i.diagonalMatrix(x, result.shape, 0, 1, offset: offset) }
        let rows = try i.positions(result.shape[0], from: Dimension(max(-offset, 0)), step: 1)
        let columns = try i.positions(result.shape[0], from: Dimension(max(offset, 0)), step: 1)
        return try i.add(.gather(Gather(axes: [0, 1], at: 0)), [x, rows, columns])
    }
}

extension Importer {
    /// Zeros with the last axis of `x` on a diagonal of two axes.
    fileprivate mutating func diagonalMatrix(
        _ x: Value, _ shape: Shape, _ first: Int, _ second: Int, offset: Int
    ) throws(ImportError) -> Value {
        let length = self.shape(x)[rank(x) - 1]
        let rows = try positions(length, from: Dimension(max(-offset, 0)), step: 1)
        let columns = try positions(length, from: Dimension(max(offset, 0)), step: 1)
        let zeros = try full(0, TensorType(element(x), shape))
        let axes = [min(first, second), max(first, second)]
        let scatter = Scatter(.set, axes: axes, at: rank(x) - 1)
        return try add(.scatter(scatter), [zeros, x] + (first < second ? [rows, columns] : [columns, rows]))
    }
}
