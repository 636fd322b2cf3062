import ElementTypes
import GraphIR
import ModelFiles

/// Blocks of images as columns, and samples of images at computed places.
func registerColumns(_ table: inout OperatorTable) {
    // `[batch, channels, height, width]` to `[batch, channels × kernel, windows]`.
    table.value("im2col") { (i) throws(ImportError) in
        var x = try i.tensor("self")
        let isBatched = i.rank(x) == 4
        if !isBatched { x = try i.unsqueeze(x, 0) }
        let window = try i.blocks()
        let amounts: Shape = [0, 0, Dimension(window.padding[0]), Dimension(window.padding[1])]
        x = try i.view(.pad(low: amounts, high: amounts, value: .init(0)), x)
        for axis in 0..<2 {
            let reach = window.dilation[axis] * (window.size[axis] - 1) + 1
            x = try i.view(.unfold(axis: axis + 2, size: reach, step: window.stride[axis]), x)
            let count = Dimension(window.size[axis])
            x = try i.view(.slice(axis: axis + 4, start: 0, count: count, step: window.dilation[axis]), x)
        }
        x = try i.reshape(try i.permute(x, [0, 1, 4, 5, 2, 3]), (isBatched ? [] : [1]) + i.declaredResult().shape)
        return isBatched ? x : try i.dropping(x, [0])
    }
    // The other way; overlapping blocks add up.
    table.value("col2im") { (i) throws(ImportError) in
        var x = try i.tensor("self")
        let isBatched = i.rank(x) == 3
        if !isBatched { x = try i.unsqueeze(x, 0) }
        let window = try i.blocks()
        let output = try i.ints("output_size", 2)
        var counts: [Int] = []
        for axis in 0..<2 {
            let reach = window.dilation[axis] * (window.size[axis] - 1) + 1
            counts.append((output[axis] + 2 * window.padding[axis] - reach) / window.stride[axis] + 1)
        }
        let places = (window.size + counts).map { Dimension($0) }
        let channels = i.shape(x)[1].floorDivided(
            by: Dimension(window.size[0] * window.size[1]), i.builder.graph.ranges)
        var padded: Shape = [i.shape(x)[0], channels]
        var indices: [Value] = []
        for axis in 0..<2 {
            padded.append(Dimension(output[axis] + 2 * window.padding[axis]))
            let (tap, place) = (try i.index(along: axis, of: places), try i.index(along: axis + 2, of: places))
            let (dilation, stride) = (Double(window.dilation[axis]), Double(window.stride[axis]))
            let index = try i.formula([tap, place]) { $0[0] * .number(dilation) + $0[1] * .number(stride) }
            indices.append(try i.expand(index, places))
        }
        let base = try i.full(0, TensorType(i.element(x), padded))
        let blocks = try i.reshape(x, [i.shape(x)[0], channels] + places)
        var result = try i.add(.scatter(Scatter(.add, axes: [2, 3], at: 2)), [base, blocks] + indices)
        for axis in 0..<2 {
            result = try i.slice(result, axis + 2, Dimension(window.padding[axis]), Dimension(output[axis]))
        }
        return isBatched ? result : try i.dropping(result, [0])
    }
    // `theta` `[batch, 2, 3]` to places `[batch, height, width, 2]` for `grid_sampler`.
    table.value("affine_grid_generator") { (i) throws(ImportError) in
        let theta = try i.tensor("theta")
        let size = try i.ints("size")
        guard size.count == 4 else { throw i.unsupported("grids for volumes") }
        let aligned = try i.bool("align_corners")
        func places(_ count: Int) -> [Double] {
            (0..<count).map { k in
                guard count > 1 else { return 0 }
                let place = Double(2 * k) / Double(count - 1) - 1
                return aligned ? place : place * Double(count - 1) / Double(count)
            }
        }
        let (vertical, horizontal) = (places(size[2]), places(size[3]))
        let grid: [Double] = vertical.flatMap { y in horizontal.flatMap { x -> [Double] in [x, y, 1] } }
        let element = i.element(theta)
        let type = TensorType(element, [Dimension(size[2]), Dimension(size[3]), 3])
        let points = try i.leaf(.constant(grid.map { element.rounded($0) }, type))
        return try i.add(
            .contract(Contract(left: [0, 1, 4], right: [2, 3, 4], result: [0, 2, 3, 1])), [theta, points])
    }
    table.value("grid_sampler", "grid_sampler_2d") { (i) throws(ImportError) in
        let (x, grid) = (try i.tensor("input"), try i.tensor("grid"))
        guard i.rank(x) == 4 else { throw i.unsupported("sampling of volumes") }
        return try i.sampled(x, grid)
    }
}

extension Importer {
    /// The blocks that `im2col` and `col2im` take.
    fileprivate func blocks() throws(ImportError) -> (size: [Int], dilation: [Int], padding: [Int], stride: [Int]) {
        (
            try ints("kernel_size", 2), try ints("dilation", 2), try ints("padding", 2), try ints("stride", 2)
        )
    }

    /// `x` `[batch, channels, height, width]` at `grid` `[batch, rows, columns, 2]`, whose x and y run from −1 to 1.
    fileprivate mutating func sampled(_ x: Value, _ grid: Value) throws(ImportError) -> Value {
        let mode = try int("interpolation_mode")
        let padding = try int("padding_mode")
        guard mode < 3, padding < 3 else { throw unsupported("a mode of sampling that is not known") }
        let aligned = try bool("align_corners")
        let element = element(x)
        let wide = try widened(grid)
        let compute = self.element(wide)
        let places = Array(shape(grid).prefix(3))
        /// Where a place lies that is outside: at the border, or as often reflected as it takes.
        func kept(_ place: Formula, _ extent: Formula) -> Formula {
            if padding == 0 { return place }
            let inside = padding == 1 ? place : reflected(place, extent, aligned: aligned)
            return inside.maximum(0).minimum(extent - 1)
        }
        // For each axis (height, width): what its taps read, and what they weigh.
        var taps: [[(index: Value, weight: Value)]] = [[], []]
        for axis in 0..<2 {
            let extent = try dimension(shape(x)[axis + 2], compute)
            let coordinate = try select(wide, 3, Dimension(1 - axis))
            let position = try formula([coordinate, extent]) { v in
                let place = aligned ? (v[0] + 1) / 2 * (v[1] - 1) : ((v[0] + 1) * v[1] - 1) / 2
                // Four taps are kept inside one by one.
                return mode == 1 ? kept(place, v[1]).apply(.round) : mode == 2 ? place : kept(place, v[1])
            }
            for step in mode == 0 ? 0...1 : mode == 1 ? 0...0 : -1...2 {
                let place = try formula([position, extent]) { v in
                    let tap = v[0].apply(.floor) + .number(Double(step))
                    return mode == 2 ? kept(tap, v[1]) : tap
                }
                let inside = try formula([place, extent]) { $0[0].maximum(0).minimum($0[1] - 1) }
                // Places outside weigh nothing; NaN counts as outside.
                let weight = try formula([position, place, extent]) { v in
                    let share =
                        mode == 0
                        ? 1 - (v[0] - v[1]).absolute
                        : mode == 1 ? Formula.number(1) : cubic(v[0] - v[0].apply(.floor), step)
                    return v[1].greaterOrEqual(0).and(v[1].less(v[2])).select(share, 0)
                }
                taps[axis].append((try cast(inside, .i64), weight))
            }
        }
        let batch = try expand(try index(along: 0, of: places), places)
        var total: Value?
        for row in taps[0] {
            for column in taps[1] {
                let factor = try formula([row.weight, column.weight]) { $0[0] * $0[1] }
                let indices = [batch, row.index, column.index]
                let values = try widened(try add(.gather(Gather(axes: [0, 2, 3], at: 0)), [x] + indices))
                let part = try formula([values, try unsqueeze(factor, 3)]) { $0[0] * $0[1] }
                total =
                    try total.map { (known) throws(ImportError) in try formula([known, part]) { $0[0] + $0[1] } }
                    ?? part
            }
        }
        guard let total else { throw unsupported("no taps") }
        return try cast(try permute(total, [0, 3, 1, 2]), element)
    }
}

/// A place mirrored at both ends of an axis until it is inside: at the centres of the last elements, or at their edges.
private func reflected(_ place: Formula, _ extent: Formula, aligned: Bool) -> Formula {
    let low: Formula = .number(aligned ? 0 : -0.5)
    let span = aligned ? extent - 1 : extent
    let distance = (place - low).absolute
    let turns = (distance / span).apply(.floor)
    let rest = distance - turns * span
    let isEven = (turns - 2 * (turns / 2).apply(.floor)).equal(0)
    return span.equal(0).select(0, isEven.select(rest, span - rest) + low)
}

/// The weight of a tap (-1 to 2) of cubic convolution with a = -0.75, which PyTorch takes; `share` is how far behind tap 0 the position is (Keys 1981).
private func cubic(_ share: Formula, _ tap: Int) -> Formula {
    let distance = tap <= 0 ? share + .number(Double(-tap)) : .number(Double(tap)) - share
    if tap == 0 || tap == 1 { return (1.25 * distance - 2.25) * distance * distance + 1 }
    return ((-0.75 * distance + 3.75) * distance - 6) * distance + 3
}
