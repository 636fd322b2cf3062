import ElementTypes
import GraphIR
import ModelFiles

/// Resampling of the last one to three axes, one axis after the other.
func registerUpsampling(_ table: inout OperatorTable) {
    let names: [(String, Int, Resampling)] = [
        ("upsample_nearest1d", 1, .nearest), ("upsample_nearest2d", 2, .nearest), ("upsample_nearest3d", 3, .nearest),
        ("_upsample_nearest_exact1d", 1, .nearestExact), ("_upsample_nearest_exact2d", 2, .nearestExact),
        ("_upsample_nearest_exact3d", 3, .nearestExact), ("upsample_linear1d", 1, .linear),
        ("upsample_bilinear2d", 2, .linear), ("upsample_trilinear3d", 3, .linear), ("upsample_bicubic2d", 2, .cubic),
    ]
    for (name, spatial, method) in names {
        table.value(name) { (i) throws(ImportError) in
            let x = try i.tensor(i.call.schema?.names.contains("input") == true ? "input" : "self")
            let names = i.call.schema?.names ?? []
            let aligned = names.contains("align_corners") ? try i.bool("align_corners") : false
            let sizes = try i.declaredResult().shape.suffix(spatial)
            var scales: [Double?]
            if names.contains("scale_factors") {
                scales = i.has("scale_factors") ? try i.floats("scale_factors") : sizes.map { _ in nil }
            } else {
                scales = []
                let keys = spatial == 1 ? ["scales"] : ["scales_d", "scales_h", "scales_w"].suffix(spatial)
                for key in keys { scales.append(try i.optionalFloat(key)) }
            }
            guard scales.count == spatial else { throw i.wrong("scale_factors", "\(spatial) factors") }
            var result = method.interpolates ? try i.widened(x) : x
            // Bytes are rounded between the axes, and PyTorch begins with the last one.
            let places = i.element(x) == .u8 ? Array(sizes.enumerated().reversed()) : Array(sizes.enumerated())
            for (place, size) in places {
                let axis = i.rank(x) - spatial + place
                if method.interpolates, i.element(x) == .u8 {
                    result = try i.resampledBytes(result, axis, size, scale: scales[place], method, aligned: aligned)
                } else {
                    result = try i.resampled(result, axis, size, scale: scales[place], method, aligned: aligned)
                }
            }
            return try i.cast(result, i.element(x))
        }
    }
}

/// How resampling finds an element between others.
private enum Resampling {
    /// The element at `⌊place × scale⌋`.
    case nearest
    /// The element at `⌊(place + ½) × scale⌋`.
    case nearestExact
    case linear
    /// Keys' cubic convolution with a = −¾.
    case cubic

    /// Whether several elements are weighed.
    var interpolates: Bool {
        switch self {
        case .nearest, .nearestExact: false
        case .linear, .cubic: true
        }
    }

    /// The elements that each new place takes and their weights, one list for each tap. `Real` is what PyTorch computes places in.
    ///
    /// - Parameter step: Old elements for each new one.
    func taps<Real: BinaryFloatingPoint>(
        _ old: Int, _ new: Int, step: Real, aligned: Bool
    ) -> [[(index: Int, weight: Double)]] {
        func place(_ index: Int) -> Real { aligned ? step * Real(index) : step * (Real(index) + 0.5) - 0.5 }
        let last = old - 1
        let places = 0..<new
        switch self {
        case .nearest: return [places.map { (min(Int(Real($0) * step), last), 1) }]
        case .nearestExact: return [places.map { (min(Int((Real($0) + 0.5) * step), last), 1) }]
        case .linear:
            let lower = places.map { index in
                let source = max(place(index), 0)
                let base = min(Int(source), last)
                return (base, Double(min(max(source - Real(base), 0), 1)))
            }
            return [lower.map { ($0.0, 1 - $0.1) }, lower.map { (min($0.0 + 1, last), $0.1) }]
        case .cubic:
            return (0..<4).map { tap in
                places.map { index in
                    let source = place(index)
                    let base = source.rounded(.down)
                    let weight = Self.cubic(Double(source - base) + 1 - Double(tap))
                    return (min(max(Int(base) + tap - 1, 0), last), weight)
                }
            }
        }
    }

    /// The same for bytes, as PyTorch has them on the processor: weights are whole numbers of 16 bits, and sums of bytes times
    /// weights are `2^shift` times too large.
    ///
    /// - Parameter step: Old elements for each new one.
    func byteTaps(
        _ old: Int, _ new: Int, step: Double, aligned: Bool
    ) -> (taps: [[(index: Int, weight: Int)]], shift: Int) {
        let reach = self == .cubic ? 2 : 1
        let half = aligned ? 0 : 0.5
        var firsts: [Int] = []
        var weights: [[Double]] = []
        for index in 0..<new {
            // The middles of elements lie at whole numbers where corners are aligned, else half a step after them.
            let middle = step * (Double(index) + half)
            let unbound = Int((middle - Double(reach) + 1 - half).rounded(.down))
            let first = min(max(unbound, 0), old - 1)
            // What lies outside counts for the element at the edge.
            var row = [Double](repeating: 0, count: 2 * reach)
            for place in unbound..<unbound + 2 * reach {
                let distance = Double(place) - middle + half
                row[min(max(place, 0), old - 1) - first] +=
                    reach == 2 ? Self.cubic(distance) : max(1 - abs(distance), 0)
            }
            let total = row.reduce(0, +)
            firsts.append(first)
            weights.append(total == 0 ? row : row.map { $0 / total })
        }
        let greatest = weights.joined().max() ?? 1
        // As precise as 15 bits hold.
        let shift = (0..<22).first { Int(0.5 + greatest * Double(1 << ($0 + 1))) >= 1 << 15 } ?? 22
        let taps = (0..<2 * reach).map { tap in
            (0..<new).map { index in
                let weight = (weights[index][tap] * Double(1 << shift)).rounded(.toNearestOrAwayFromZero)
                return (min(firsts[index] + tap, old - 1), Int(weight))
            }
        }
        return (taps, shift)
    }

    /// The weight of an element at a distance.
    private static func cubic(_ distance: Double) -> Double {
        let (a, x) = (-0.75, abs(distance))
        if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
    }
}

extension Importer {
    /// Old elements for each new one.
    private static func step<Real: BinaryFloatingPoint>(
        _: Real.Type, _ old: Int, _ new: Int, _ scale: Double?, _ aligned: Bool
    ) -> Real {
        if aligned { return new > 1 ? Real(old - 1) / Real(new - 1) : 0 }
        if let scale, scale > 0 { return Real(1 / scale) }
        return Real(old) / Real(new)
    }

    /// One axis of bytes at another extent, in whole numbers.
    fileprivate mutating func resampledBytes(
        _ x: Value, _ axis: Int, _ size: Dimension, scale: Double?, _ method: Resampling, aligned: Bool
    ) throws(ImportError) -> Value {
        guard let old = shape(x)[axis].constantValue, let new = size.constantValue else {
            throw unsupported("resampling of a symbolic extent")
        }
        // Whatever factor the call names: PyTorch leaves such an axis out.
        if old == new { return x }
        let step = Self.step(Double.self, old, new, scale, aligned)
        let (taps, shift) = method.byteTaps(old, new, step: step, aligned: aligned)
        var shape = Shape(repeating: 1, count: rank(x))
        shape[axis] = size
        var parts: [Operand] = []
        for tap in taps {
            let indices = try integers(tap.map(\.index))
            parts.append(.tensor(try add(.gather(Gather(axes: [axis], at: axis)), [x, indices])))
            parts.append(.tensor(try integers(tap.map(\.weight), shape)))
        }
        let half = Formula.number(Double(1 << shift) / 2)
        return try formula(parts, common: .i64, result: .u8) { v in
            let sum = stride(from: 0, to: v.count, by: 2).reduce(half) { $0 + v[$1] * v[$1 + 1] }
            return sum.apply(.floorDivide, .number(Double(1 << shift))).maximum(0).minimum(255)
        }
    }

    /// One axis at another extent. `scale` is the factor that the call names, where it names one.
    fileprivate mutating func resampled(
        _ x: Value, _ axis: Int, _ size: Dimension, scale: Double?, _ method: Resampling, aligned: Bool
    ) throws(ImportError) -> Value {
        guard let old = shape(x)[axis].constantValue, let new = size.constantValue else {
            throw unsupported("resampling of a symbolic extent")
        }
        // In f64 for f64, but for places that are only counted; else in f32.
        let taps =
            element(x) == .f64 && method.interpolates
            ? method.taps(old, new, step: Self.step(Double.self, old, new, scale, aligned), aligned: aligned)
            : method.taps(old, new, step: Self.step(Float.self, old, new, scale, aligned), aligned: aligned)
        if taps.count == 1 {
            let indices = taps[0].map(\.index)
            if indices == Array(0..<old) { return x }
            // Every element repeated: a view.
            if new % old == 0, indices.enumerated().allSatisfy({ $0.element == $0.offset / (new / old) }) {
                var repeated = shape(x)
                repeated.insert(Dimension(new / old), at: axis + 1)
                var flat = shape(x)
                flat[axis] = size
                return try reshape(try expand(try unsqueeze(x, axis + 1), repeated), flat)
            }
            return try add(.gather(Gather(axes: [axis], at: axis)), [x, try integers(indices)])
        }
        var parts: [Value] = []
        var shape = Shape(repeating: 1, count: rank(x))
        shape[axis] = size
        for tap in taps {
            parts.append(try add(.gather(Gather(axes: [axis], at: axis)), [x, try integers(tap.map(\.index))]))
            parts.append(try leaf(.constant(tap.map { element(x).rounded($0.weight) }, TensorType(element(x), shape))))
        }
        return try formula(parts) { v in
            stride(from: 2, to: v.count, by: 2).reduce(v[0] * v[1]) { $0 + v[$1] * v[$1 + 1] }
        }
    }
}
