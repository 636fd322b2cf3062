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
        let bordered = try int("padding_mode") == 1
        guard mode < 2, try int("padding_mode") < 2 else {
            throw unsupported("bicubic sampling, or padding by reflection")
        }
        let aligned = try bool("align_corners")
        let element = element(x)
        let wide = try widened(grid)
        let compute = self.element(wide)
        let places = Array(shape(grid).prefix(3))
        // For each axis (height, width): position, lower index as a number, extent.
        var positions: [Value] = []
        var extents: [Value] = []
        for axis in 0..<2 {
            let extent = try dimension(shape(x)[axis + 2], compute)
            let coordinate = try select(wide, 3, Dimension(1 - axis))
            positions.append(
                try formula([coordinate, extent]) { v in
                    let place =
                        aligned ? (v[0] + 1) / 2 * (v[1] - 1) : ((v[0] + 1) * v[1] - 1) / 2
                    let kept = bordered ? place.maximum(0).minimum(v[1] - 1) : place
                    return mode == 1 ? kept.apply(.round) : kept
                })
            extents.append(extent)
        }
        let batch = try expand(try index(along: 0, of: places), places)
        var total: Value?
        let taps = mode == 1 ? [(0, 0)] : [(0, 0), (0, 1), (1, 0), (1, 1)]
        for tap in taps {
            var indices = [batch]
            var factor: Value?
            for (axis, step) in [tap.0, tap.1].enumerated() {
                let offset = Double(step)
                let place = try formula(positions[axis]) { $0.apply(.floor) + .number(offset) }
                let inside = try formula([place, extents[axis]]) { $0[0].maximum(0).minimum($0[1] - 1) }
                indices.append(try cast(inside, .i64))
                // Places outside weigh nothing; NaN counts as outside.
                let weight = try formula([positions[axis], place, extents[axis]]) { v in
                    let share = mode == 1 ? Formula.number(1) : 1 - (v[0] - v[1]).absolute
                    return v[1].greaterOrEqual(0).and(v[1].less(v[2])).select(share, 0)
                }
                factor =
                    try factor.map { (known) throws(ImportError) in try formula([known, weight]) { $0[0] * $0[1] } }
                    ?? weight
            }
            guard let factor else { continue }
            let values = try widened(try add(.gather(Gather(axes: [0, 2, 3], at: 0)), [x] + indices))
            let part = try formula([values, try unsqueeze(factor, 3)]) { $0[0] * $0[1] }
            total =
                try total.map { (known) throws(ImportError) in try formula([known, part]) { $0[0] + $0[1] } } ?? part
        }
        guard let total else { throw unsupported("no taps") }
        return try cast(try permute(total, [0, 3, 1, 2]), element)
    }
}
