import ElementTypes
import GraphIR
import ModelFiles

/// Pooling over sliding and adaptive windows.
func registerPooling(_ table: inout OperatorTable) {
    for spatial in 1...3 {
        for withIndices in [false, true] {
            table.values("max_pool\(spatial)d\(withIndices ? "_with_indices" : "")") { (i) throws(ImportError) in
                let x = try i.tensor("self")
                let size = try i.ints("kernel_size", spatial)
                func window(_ kind: Window.Kind, _ i: inout Importer) throws(ImportError) -> Value {
                    let window = Window(
                        kind, size: size, stride: try i.ints("stride", spatial, orWhenEmpty: size),
                        padding: try i.ints("padding", spatial), dilation: try i.ints("dilation", spatial),
                        roundsUp: try i.bool("ceil_mode"))
                    return try i.add(.window(window), [x])
                }
                let values = try window(.maximum, &i)
                return withIndices ? [values, try window(.argMaximum, &i)] : [values]
            }
        }
        table.value("avg_pool\(spatial)d") { (i) throws(ImportError) in
            let x = try i.tensor("self")
            let size = try i.ints("kernel_size", spatial)
            let divisor = i.has("divisor_override") ? try i.optionalInt("divisor_override") : nil
            let kind = Window.Kind.average(countsPadding: try i.bool("count_include_pad"), divisor: divisor)
            let window = Window(
                kind, size: size, stride: try i.ints("stride", spatial, orWhenEmpty: size),
                padding: try i.ints("padding", spatial), dilation: size.map { _ in 1 },
                roundsUp: try i.bool("ceil_mode"))
            return try i.add(.window(window), [x])
        }
        for prefix in ["", "_"] {
            table.value("\(prefix)adaptive_avg_pool\(spatial)d") { (i) throws(ImportError) in
                let x = try i.tensor("self")
                let axes = Array((i.rank(x) - spatial)..<i.rank(x))
                let sizes = try i.adaptiveSizes(x, axes)
                if sizes.allSatisfy({ $0 == 1 }) { return try i.cast(try i.mean(x, axes, keep: true), i.element(x)) }
                if let window = i.evenWindow(.average(countsPadding: true, divisor: nil), x, axes, sizes) {
                    return try i.add(.window(window), [x])
                }
                var result = try i.widened(x)
                for (axis, size) in zip(axes, sizes) {
                    result = try i.adaptive(result, axis, size) { (i, part) throws(ImportError) in
                        try i.mean(part, [axis], keep: true)
                    }
                }
                return try i.cast(result, i.element(x))
            }
        }
        table.on("adaptive_max_pool\(spatial)d") { (i) throws(ImportError) in
            let x = try i.tensor("self")
            let axes = Array((i.rank(x) - spatial)..<i.rank(x))
            let sizes = try i.adaptiveSizes(x, axes)
            if let window = i.evenWindow(.maximum, x, axes, sizes) {
                var positions = window
                positions.kind = .argMaximum
                let values = try i.add(.window(window), [x])
                let indices = try i.add(.window(positions), [x])
                return [i.fresh(values), i.fresh(indices)]
            }
            var result = x
            for (axis, size) in zip(axes, sizes) {
                result = try i.adaptive(result, axis, size) { (i, part) throws(ImportError) in
                    try i.reduce(.maximum, part, [axis], keep: true)
                }
            }
            // Positions over uneven windows are not composed; using them is an error where it happens.
            return [i.fresh(result), nil]
        }
    }
    // The other way: every value back at its position, zeros elsewhere.
    table.value("max_unpool2d") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let shape = try i.declaredResult().shape
        let rank = i.rank(x)
        let outer = elementCount(Array(shape.dropLast(2)))
        let places = [outer, i.shape(x)[rank - 2] * i.shape(x)[rank - 1]]
        let rows = try i.expand(try i.index(along: 0, of: places), places)
        let columns = try i.reshape(try i.cast(try i.tensor("indices"), .i64), places)
        let base = try i.full(0, TensorType(i.element(x), [outer, shape[rank - 2] * shape[rank - 1]]))
        let scatter = Scatter(.set, axes: [0, 1], at: 0)
        let result = try i.add(.scatter(scatter), [base, try i.reshape(x, places), rows, columns])
        return try i.reshape(result, shape)
    }
}

extension Importer {
    /// The wanted extents of the pooled axes; `None` keeps an extent.
    fileprivate func adaptiveSizes(_ x: Value, _ axes: [Int]) throws(ImportError) -> [Int] {
        let declared = try declaredResult().shape
        var sizes: [Int] = []
        for axis in axes {
            guard let size = declared[axis].constantValue else { throw unsupported("a symbolic output size") }
            sizes.append(size)
        }
        return sizes
    }

    /// An ordinary window where every extent is a multiple of the wanted one.
    fileprivate func evenWindow(_ kind: Window.Kind, _ x: Value, _ axes: [Int], _ sizes: [Int]) -> Window? {
        var windows: [Int] = []
        for (axis, size) in zip(axes, sizes) {
            guard let extent = shape(x)[axis].constantValue, size > 0, extent % size == 0, extent > 0 else {
                return nil
            }
            windows.append(extent / size)
        }
        return Window(
            kind, size: windows, stride: windows, padding: windows.map { _ in 0 }, dilation: windows.map { _ in 1 },
            roundsUp: false)
    }

    /// Pools one axis: window k runs from `⌊k·n/size⌋` to `⌈(k+1)·n/size⌉`.
    fileprivate mutating func adaptive(
        _ x: Value, _ axis: Int, _ size: Int, _ pool: (inout Importer, Value) throws(ImportError) -> Value
    ) throws(ImportError) -> Value {
        if size == 1 { return try pool(&self, x) }
        guard let extent = shape(x)[axis].constantValue else {
            throw unsupported("a symbolic extent that size \(size) does not divide")
        }
        if extent == size { return x }
        var parts: [Value] = []
        for k in 0..<size {
            let start = k * extent / size
            let end = ((k + 1) * extent + size - 1) / size
            parts.append(try pool(&self, try slice(x, axis, Dimension(start), Dimension(end - start))))
        }
        return try concatenate(parts, axis)
    }
}
