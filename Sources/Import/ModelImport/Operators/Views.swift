import ElementTypes
import GraphIR
import ModelFiles

/// Views: results share memory with `self`. Each also exists as an operator that copies (`view_copy`).
func registerViews(_ table: inout OperatorTable) {
    registerReshapes(&table)
    registerPermutes(&table)
    registerSlices(&table)
    registerPieces(&table)
}

extension OperatorTable {
    /// Adds a rule for a view of `self` and its copying twin.
    mutating func views(
        _ names: String...,
        rule: @escaping @Sendable (inout Importer, TensorHandle) throws(ImportError) -> [TensorHandle]
    ) {
        for name in names {
            on(name) { (i) throws(ImportError) in
                let handle = try i.handle("self")
                return try rule(&i, handle)
            }
            on("\(name)_copy") { (i) throws(ImportError) in
                let handle = try i.handle("self")
                var copies: [TensorHandle] = []
                for result in try rule(&i, handle) { copies.append(i.fresh(try i.read(result))) }
                return copies
            }
        }
    }
}

extension Importer {
    /// The declared shape of each result.
    func declaredShapes() throws(ImportError) -> [Shape] {
        var shapes: [Shape] = []
        for name in resultNames {
            guard let name, let meta = scopes.last?.graph.tensors[name] else {
                throw unsupported("a result without a declared shape")
            }
            shapes.append(try type(meta, name).shape)
        }
        return shapes
    }

    /// Shape and rank of a handle.
    mutating func shape(of handle: TensorHandle) throws(ImportError) -> Shape {
        let value = try read(handle)
        return shape(value)
    }
}

private func registerReshapes(_ table: inout OperatorTable) {
    table.views("view", "view_as", "unsqueeze", "squeeze", "unflatten", "atleast_1d", "atleast_2d", "atleast_3d") {
        (i, handle) throws(ImportError) in
        if i.call.name.overload == "dtype" { throw i.unsupported("a view as another element type") }
        return [try i.apply(.reshape(try i.declaredResult().shape), to: handle)]
    }
    // A view where strides allow it, else a copy.
    table.on("reshape", "reshape_as", "flatten", "ravel", "_reshape_alias") { (i) throws(ImportError) in
        let handle = try i.handle("self")
        let shape = try i.declaredResult().shape
        let result = try i.apply(.reshape(shape), to: handle)
        return i.reshapeIsView("self", to: shape) ? [result] : [i.fresh(try i.read(result))]
    }
    table.value("_unsafe_view") { (i) throws(ImportError) in
        try i.reshape(try i.tensor("self"), try i.declaredResult().shape)
    }
    // The first elements in memory at another shape; what PyTorch leaves undefined is zero.
    table.value("resize") { (i) throws(ImportError) in
        guard i.isContiguous("self") else { throw i.unsupported("resizing a tensor that is not contiguous") }
        let x = try i.tensor("self")
        let shape = try i.declaredResult().shape
        let (old, new) = (elementCount(i.shape(x)), elementCount(shape))
        guard let count = old.constantValue, let wanted = new.constantValue else {
            throw i.unsupported("resizing to a symbolic extent")
        }
        var flat = try i.slice(try i.reshape(x, [old]), 0, 0, Dimension(min(count, wanted)))
        if wanted > count { flat = try i.concatenate([flat, try i.full(0, TensorType(i.element(x), [new - old]))], 0) }
        return try i.reshape(flat, shape)
    }
    table.views("expand", "broadcast_to", "expand_as") { (i, handle) throws(ImportError) in
        [try i.apply(.expand(try i.declaredResult().shape), to: handle)]
    }
    table.on("broadcast_tensors") { (i) throws(ImportError) in
        let shapes = try i.declaredShapes()
        var results: [TensorHandle] = []
        for (handle, shape) in zip(try i.handles("tensors"), shapes) {
            results.append(try i.apply(.expand(shape), to: handle))
        }
        return results
    }
    table.on("meshgrid") { (i) throws(ImportError) in
        let shapes = try i.declaredShapes()
        let swaps = i.has("indexing") ? try i.string("indexing") == "xy" : false
        var results: [TensorHandle] = []
        for (position, handle) in try i.handles("tensors").enumerated() {
            let axis = swaps && position < 2 ? 1 - position : position
            var shape = Shape(repeating: 1, count: shapes.count)
            shape[axis] = elementCount(try i.shape(of: handle))
            results.append(try i.apply(.expand(shapes[position]), to: try i.apply(.reshape(shape), to: handle)))
        }
        return results
    }
    table.views("as_strided") { (i, handle) throws(ImportError) in
        let (sizes, strides) = (try i.ints("size"), try i.ints("stride"))
        let offset = try i.optionalInt("storage_offset") ?? 0
        guard handle.steps.isEmpty, i.isContiguous("self") else {
            throw i.unsupported("as_strided of a view or of a tensor that is not contiguous")
        }
        let shape = sizes.map { Dimension($0) }
        let flat = try i.apply(.reshape([elementCount(try i.shape(of: handle))]), to: handle)
        if offset == 0, strides.map({ Dimension($0) }) == rowMajorStrides(shape),
            elementCount(shape) == (try i.shape(of: flat))[0]
        {
            return [try i.apply(.reshape(shape), to: handle)]
        }
        var position = try i.scalar(Double(offset), .i64)
        for (axis, stride) in strides.enumerated() {
            let index = try i.index(along: axis, of: shape)
            position = try i.map([position, index]) {
                $0.apply(.add, $1[0], $0.apply(.multiply, $1[1], $0.integer(Int64(stride))))
            }
        }
        var result = flat
        result.steps.append(.gather(Gather(axes: [0], at: 0), [try i.expand(position, shape)]))
        return [result]
    }
}

private func registerPermutes(_ table: inout OperatorTable) {
    table.views("permute") { (i, handle) throws(ImportError) in
        let rank = try i.shape(of: handle).count
        var axes: [Int] = []
        for axis in try i.ints("dims") { axes.append(try i.axis(axis, rank)) }
        return [try i.apply(.permute(axes), to: handle)]
    }
    table.views("transpose", "t", "swapaxes", "swapdims", "numpy_T", "mT", "mH", "adjoint", "matrix_H") {
        (i, handle) throws(ImportError) in
        let rank = try i.shape(of: handle).count
        var axes = Array(0..<rank)
        switch i.call.name.base.replacing("_copy", with: "") {
        case "transpose", "swapdims":
            if rank > 0 { axes.swapAt(try i.axis("dim0", rank), try i.axis("dim1", rank)) }
        case "swapaxes": if rank > 0 { axes.swapAt(try i.axis("axis0", rank), try i.axis("axis1", rank)) }
        case "numpy_T": axes.reverse()
        default: if rank >= 2 { axes.swapAt(rank - 2, rank - 1) }  // The last two axes.
        }
        return [try i.apply(.permute(axes), to: handle)]
    }
    table.views("movedim", "moveaxis") { (i, handle) throws(ImportError) in
        let rank = try i.shape(of: handle).count
        var axes = [Int](repeating: -1, count: rank)
        var rest = Set(0..<rank)
        for (from, to) in zip(try i.ints("source"), try i.ints("destination")) {
            axes[try i.axis(to, rank)] = try i.axis(from, rank)
            rest.remove(try i.axis(from, rank))
        }
        var free = rest.sorted()
        for place in axes.indices where axes[place] < 0 { axes[place] = free.removeFirst() }
        return [try i.apply(.permute(axes), to: handle)]
    }
}

extension Importer {
    /// A start index as PyTorch takes it: negative counts from the end, then clamped into `0...extent`.
    func normalised(_ index: Dimension, _ extent: Dimension) -> Dimension {
        let ranges = builder.graph.ranges
        var start = index
        if let upper = ranges.upperBound(index), upper < 0 { start = index + extent }
        if let known = start.constantValue, let size = extent.constantValue {
            return Dimension(min(max(known, 0), size))
        }
        return start.maximum(0, ranges).minimum(extent, ranges)
    }
}

private func registerSlices(_ table: inout OperatorTable) {
    table.views("slice") { (i, handle) throws(ImportError) in
        let shape = try i.shape(of: handle)
        let axis = try i.axis("dim", shape.count)
        let count = try i.declaredResult().shape[axis]
        let start = count == 0 ? 0 : i.normalised(try i.optionalDimension("start") ?? 0, shape[axis])
        return [try i.apply(.slice(axis: axis, start: start, count: count, step: try i.int("step")), to: handle)]
    }
    table.views("narrow") { (i, handle) throws(ImportError) in
        let shape = try i.shape(of: handle)
        let axis = try i.axis("dim", shape.count)
        let start = i.normalised(try i.dimension("start"), shape[axis])
        return [
            try i.apply(.slice(axis: axis, start: start, count: try i.dimension("length"), step: 1), to: handle)
        ]
    }
    table.views("select") { (i, handle) throws(ImportError) in
        let shape = try i.shape(of: handle)
        let axis = try i.axis("dim", shape.count)
        let index = i.normalised(try i.dimension("index"), shape[axis])
        let slice = try i.apply(.slice(axis: axis, start: index, count: 1, step: 1), to: handle)
        return [try i.apply(.reshape(try i.declaredResult().shape), to: slice)]
    }
    table.views("diagonal") { (i, handle) throws(ImportError) in
        let shape = try i.shape(of: handle)
        let first = try i.axis("dim1", shape.count)
        let second = try i.axis("dim2", shape.count)
        let offset = try i.int("offset")
        guard first != second, let length = try i.declaredResult().shape.last else { throw i.unsupported("equal axes") }
        let rows = try i.positions(length, from: Dimension(max(-offset, 0)), step: 1)
        let columns = try i.positions(length, from: Dimension(max(offset, 0)), step: 1)
        var result = handle
        let gather = Gather(axes: [min(first, second), max(first, second)], at: shape.count - 2)
        result.steps.append(.gather(gather, first < second ? [rows, columns] : [columns, rows]))
        return [result]
    }
    table.views("unfold") { (i, handle) throws(ImportError) in
        let shape = try i.shape(of: handle)
        let axis = try i.axis("dimension", shape.count)
        return [try i.apply(.unfold(axis: axis, size: try i.int("size"), step: try i.int("step")), to: handle)]
    }
}

private func registerPieces(_ table: inout OperatorTable) {
    // The program declares the extent of every piece.
    table.views(
        "split", "split_with_sizes", "chunk", "unsafe_split", "unsafe_split_with_sizes", "unsafe_chunk", "tensor_split",
        "hsplit", "vsplit", "dsplit"
    ) { (i, handle) throws(ImportError) in
        let shape = try i.shape(of: handle)
        let axis: Int
        switch i.call.name.base {
        case "hsplit": axis = shape.count == 1 ? 0 : 1
        case "vsplit": axis = 0
        case "dsplit": axis = 2
        default: axis = try i.axis("dim", shape.count)  // The others take the axis.
        }
        var start: Dimension = 0
        var results: [TensorHandle] = []
        for piece in try i.declaredShapes() {
            results.append(try i.apply(.slice(axis: axis, start: start, count: piece[axis], step: 1), to: handle))
            start = start + piece[axis]
        }
        return results
    }
    table.views("unbind") { (i, handle) throws(ImportError) in
        let axis = try i.axis("dim", try i.shape(of: handle).count)
        var results: [TensorHandle] = []
        for (index, shape) in try i.declaredShapes().enumerated() {
            let slice = try i.apply(.slice(axis: axis, start: Dimension(index), count: 1, step: 1), to: handle)
            results.append(try i.apply(.reshape(shape), to: slice))
        }
        return results
    }
}
