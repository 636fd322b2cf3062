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
            for (place, size) in sizes.enumerated() {
                let axis = i.rank(x) - spatial + place
                result = try i.resampled(result, axis, size, scale: scales[place], method, aligned: aligned)
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

    /// The weight of an element at a distance.
    private static func cubic(_ distance: Double) -> Double {
        let (a, x) = (-0.75, abs(distance))
        if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    }
}

extension Importer {
    /// One axis at another extent. `scale` is the factor that the call names, where it names one.
    fileprivate mutating func resampled(
        _ x: Value, _ axis: Int, _ size: Dimension, scale: Double?, _ method: Resampling, aligned: Bool
    ) throws(ImportError) -> Value {
        guard let old = shape(x)[axis].constantValue, let new = size.constantValue else {
            throw unsupported("resampling of a symbolic extent")
        }
        /// Old elements for each new one.
        func step<Real: BinaryFloatingPoint>(_: Real.Type) -> Real {
            if aligned { return new > 1 ? Real(old - 1) / Real(new - 1) : 0 }
            if let scale, scale > 0 { return Real(1 / scale) }
            return Real(old) / Real(new)
        }
        // In f64 for f64, but for places that are only counted; else in f32.
        let taps =
            element(x) == .f64 && method.interpolates
            ? method.taps(old, new, step: step(Double.self), aligned: aligned)
            : method.taps(old, new, step: step(Float.self), aligned: aligned)
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
