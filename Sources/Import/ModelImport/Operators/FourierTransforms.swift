import ElementTypes
import GraphIR
import ModelFiles

/// Discrete Fourier transforms as products with matrices of cosines and sines, which are constant and computed once, in
/// f64. That is quadratic in the length; lengths beyond 4096 are refused.
func registerFourierTransforms(_ table: inout OperatorTable) {
    table.on("_fft_r2c") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        return [try i.realTransform(x, try i.fourierAxes(x), try i.int("normalization"), try i.bool("onesided"))]
    }
    table.onComplex("_fft_c2c") { (i) throws(ImportError) in
        let (real, imaginary) = try i.parts("self")
        let axes = try i.fourierAxes(real)
        let forward = try i.bool("forward")
        let result = try i.transform((real, imaginary), axes, try i.int("normalization"), inverse: !forward)
        return [i.complex(result.real, result.imaginary)]
    }
    table.onComplex("_fft_c2r") { (i) throws(ImportError) in
        let parts = try i.parts("self")
        let axes = try i.fourierAxes(parts.real)
        return [
            i.fresh(try i.inverseReal(parts, axes, try i.int("last_dim_size"), try i.int("normalization")))
        ]
    }
    for (name, axes) in [("fft_rfft", 1), ("fft_rfft2", 2), ("fft_rfftn", 0)] {
        table.on(name) { (i) throws(ImportError) in
            let (x, places) = try i.resized(try i.tensor("self"), axes)
            let mode = try i.normalisation(inverse: false)
            return [try i.realTransform(x, places, mode, true)]
        }
    }
    for (name, axes, inverse) in [
        ("fft_fft", 1, false), ("fft_fft2", 2, false), ("fft_fftn", 0, false), ("fft_ifft", 1, true),
        ("fft_ifft2", 2, true), ("fft_ifftn", 0, true),
    ] {
        @Sendable func transformed(_ i: inout Importer, _ real: Value, _ imaginary: Value?) throws(ImportError)
            -> [TensorHandle?]
        {
            let (first, places) = try i.resized(real, axes)
            let second = try imaginary.map { (value) throws(ImportError) in try i.resized(value, axes).0 }
            let zero = try i.full(0, i.type(first))
            let mode = try i.normalisation(inverse: inverse)
            let result = try i.transform((first, second ?? zero), places, mode, inverse: inverse)
            return [i.complex(result.real, result.imaginary)]
        }
        table.on(name) { (i) throws(ImportError) in
            let x = try i.tensor("self")
            return try transformed(&i, i.element(x).isFloatingPoint ? x : try i.cast(x, .f32), nil)
        }
        table.onComplex(name) { (i) throws(ImportError) in
            let (real, imaginary) = try i.parts("self")
            return try transformed(&i, real, imaginary)
        }
    }
    for (name, axes) in [("fft_irfft", 1), ("fft_irfft2", 2), ("fft_irfftn", 0)] {
        table.onComplex(name) { (i) throws(ImportError) in
            let (real, imaginary) = try i.parts("self")
            let places = try i.transformAxes(real, axes)
            guard let last = places.last, let count = try i.declaredResult().shape[last].constantValue else {
                throw i.unsupported("a symbolic length")
            }
            if axes != 1, i.has("s") { throw i.unsupported("given lengths of several axes") }
            var parts = (real, imaginary)
            let kept = count / 2 + 1
            parts.0 = try i.fitted(parts.0, last, kept)
            parts.1 = try i.fitted(parts.1, last, kept)
            let mode = try i.normalisation(inverse: true)
            return [i.fresh(try i.inverseReal(parts, places, count, mode))]
        }
    }
    // `[batch, samples]` to `[batch, frequencies, frames]`.
    table.on("stft") { (i) throws(ImportError) in
        var x = try i.tensor("self")
        let isBatched = i.rank(x) == 2
        if !isBatched { x = try i.unsqueeze(x, 0) }
        let size = try i.int("n_fft")
        let hop = try i.optionalInt("hop_length") ?? size / 4
        let frame = try i.optionalInt("win_length") ?? size
        if i.has("center"), try i.bool("center") { throw i.unsupported("centred frames inside the operator") }
        if i.has("align_to_window"), try i.bool("align_to_window") { throw i.unsupported("align_to_window") }
        var frames = try i.view(.unfold(axis: 1, size: size, step: hop), x)
        let element = i.element(x)
        if i.has("window") || frame < size {
            var window = try i.full(1, TensorType(element, [Dimension(frame)]))
            if let given = try i.optionalTensor("window") { window = given }
            let low = (size - frame) / 2
            if frame < size {
                let high = Dimension(size - frame - low)
                window = try i.view(.pad(low: [Dimension(low)], high: [high], value: .init(0)), window)
            }
            frames = try i.formula([.tensor(frames), .tensor(window)], common: element) { $0[0] * $0[1] }
        }
        let onesided = try i.optionalBool("onesided") ?? true
        let mode = try i.bool("normalized") ? 1 : 0
        let spectrum = try i.realTransform(frames, [2], mode, onesided)
        var parts = [try i.read(spectrum), try i.read(i.imaginary(spectrum) ?? spectrum)]
        for index in parts.indices {
            parts[index] = try i.swapAxes(parts[index], 1, 2)
            if !isBatched { parts[index] = try i.dropping(parts[index], [0]) }
        }
        if try i.optionalBool("return_complex") ?? false { return [i.complex(parts[0], parts[1])] }
        let last = i.rank(parts[0])
        return [
            i.fresh(try i.concatenate([try i.unsqueeze(parts[0], last), try i.unsqueeze(parts[1], last)], last))
        ]
    }
    for (name, sign) in [("fft_fftshift", 1), ("fft_ifftshift", -1)] {
        table.value(name) { (i) throws(ImportError) in
            var x = try i.tensor("self")
            for axis in try i.axes("dim", i.rank(x), emptyIsAll: false) {
                guard let extent = i.shape(x)[axis].constantValue else { throw i.unsupported("a symbolic length") }
                let cut = sign > 0 ? (extent + 1) / 2 : extent / 2
                let parts = [
                    try i.slice(x, axis, Dimension(cut), Dimension(extent - cut)),
                    try i.slice(x, axis, 0, Dimension(cut)),
                ]
                x = extent < 2 ? x : try i.concatenate(parts, axis)
            }
            return x
        }
    }
}

extension Importer {
    /// Real and imaginary part of a complex value.
    fileprivate typealias Parts = (real: Value, imaginary: Value)

    /// The argument `dim` as axes, in the order given.
    fileprivate func fourierAxes(_ x: Value) throws(ImportError) -> [Int] {
        var axes: [Int] = []
        for entry in try ints("dim") { axes.append(try axis(entry, rank(x))) }
        return axes
    }

    /// The axes of a named transform: `dim`, or the last `count` (0: as many as `s` has, or all).
    fileprivate func transformAxes(_ x: Value, _ count: Int) throws(ImportError) -> [Int] {
        if has("dim") { return try fourierAxes(x) }
        let given = has("s") ? try ints("s").count : rank(x)
        let wanted = count == 0 ? given : count
        return Array((rank(x) - wanted)..<rank(x))
    }

    /// The operand cut or padded to the lengths `n` or `s`, and the axes of the transform.
    fileprivate mutating func resized(_ x: Value, _ count: Int) throws(ImportError) -> (Value, [Int]) {
        var result = element(x).isFloatingPoint ? x : try cast(x, .f32)
        let axes = try transformAxes(x, count)
        let name = count == 1 ? "n" : "s"
        if has(name) {
            for (axis, length) in zip(axes, try ints(name)) where length >= 0 {
                result = try fitted(result, axis, length)
            }
        }
        return (result, axes)
    }

    /// An axis cut or padded with zeros at its end to a length.
    fileprivate mutating func fitted(_ x: Value, _ axis: Int, _ length: Int) throws(ImportError) -> Value {
        guard let extent = shape(x)[axis].constantValue else { throw unsupported("a symbolic length") }
        if length <= extent { return try slice(x, axis, 0, Dimension(length)) }
        var high = Shape(repeating: 0, count: rank(x))
        let low = high
        high[axis] = Dimension(length - extent)
        return try view(.pad(low: low, high: high, value: .init(0)), x)
    }

    /// PyTorch's number for a `norm` argument: 0 nothing, 1 by the root of the length, 2 by the length.
    fileprivate func normalisation(inverse: Bool) throws(ImportError) -> Int {
        switch try optionalString("norm") ?? "backward" {
        case "backward": return inverse ? 2 : 0
        case "forward": return inverse ? 0 : 2
        case "ortho": return 1
        default: throw unsupported("norm = '\(try string("norm"))'")  // PyTorch has no other.
        }
    }

    /// The length of an axis, within what a product with a matrix can bear.
    fileprivate func length(_ x: Value, _ axis: Int) throws(ImportError) -> Int {
        guard let length = shape(x)[axis].constantValue else {
            throw unsupported("a Fourier transform of a symbolic length")
        }
        guard length <= 4096 else { throw unsupported("a Fourier transform of \(length) points; 4096 at most") }
        return length
    }

    /// Cosines or sines of `2π·row·column / period`, times `scale`, in f64 rounded to `element`: `[rows, columns]`.
    fileprivate mutating func waves(
        _ rows: Int, _ columns: Int, period: Int, sine: Bool, scale: Double, _ element: ElementType
    ) throws(ImportError) -> Value {
        let shape = [Dimension(rows), Dimension(columns)]
        let (row, column) = (try index(along: 0, of: shape), try index(along: 1, of: shape))
        let step = 2 * Double.pi / Double(period)
        return try map([row, column]) { s, t in
            // The remainder first: large angles lose digits.
            let turn = s.apply(.remainder, s.apply(.multiply, t[0], t[1]), s.integer(Int64(period)))
            let angle = s.apply(.multiply, s.cast(turn, .f64), s.number(step, .f64))
            let wave = s.apply(sine ? .sine : .cosine, angle)
            return s.cast(s.apply(.multiply, wave, s.number(scale, .f64)), element)
        }
    }

    /// `x` with one axis multiplied by a matrix `[old extent, new extent]`.
    fileprivate mutating func product(_ x: Value, _ axis: Int, _ matrix: Value) throws(ImportError) -> Value {
        let labels = Array(0..<rank(x))
        var result = labels
        result[axis] = labels.count
        return try add(
            .contract(Contract(left: labels, right: [axis, labels.count], result: result)), [x, matrix])
    }

    /// The factor of a normalisation over `count` points.
    fileprivate func factor(_ mode: Int, _ count: Int) -> Double {
        switch mode {
        case 1: 1 / Double(count).squareRoot()
        case 2: 1 / Double(count)
        default: 1  // 0: none.
        }
    }

    /// The transform of a complex value along axes.
    fileprivate mutating func transform(
        _ parts: Parts, _ axes: [Int], _ mode: Int, inverse: Bool
    ) throws(ImportError) -> Parts {
        var result = parts
        for axis in axes {
            let count = try length(result.real, axis)
            let element = element(result.real)
            let scale = factor(mode, count)
            let c = try waves(count, count, period: count, sine: false, scale: scale, element)
            // exp(−iφ) forward, exp(iφ) back.
            let s = try waves(count, count, period: count, sine: true, scale: inverse ? -scale : scale, element)
            let products = [
                try product(result.real, axis, c), try product(result.imaginary, axis, s),
                try product(result.imaginary, axis, c), try product(result.real, axis, s),
            ]
            result.real = try formula([products[0], products[1]]) { $0[0] + $0[1] }
            result.imaginary = try formula([products[2], products[3]]) { $0[0] - $0[1] }
        }
        return result
    }

    /// The transform of a real tensor: the last axis first, half of it when `onesided`, then the others.
    fileprivate mutating func realTransform(
        _ x: Value, _ axes: [Int], _ mode: Int, _ onesided: Bool
    ) throws(ImportError) -> TensorHandle {
        guard let last = axes.last else { throw unsupported("a transform of no axis") }
        let count = try length(x, last)
        let kept = onesided ? count / 2 + 1 : count
        let element = element(x)
        let scale = factor(mode, count)
        let c = try waves(count, kept, period: count, sine: false, scale: scale, element)
        let s = try waves(count, kept, period: count, sine: true, scale: -scale, element)
        let half: Parts = (try product(x, last, c), try product(x, last, s))
        let result = try transform(half, Array(axes.dropLast()), mode, inverse: false)
        return complex(result.real, result.imaginary)
    }

    /// The real inverse of a half spectrum: the other axes first, then the last one to `count` points.
    fileprivate mutating func inverseReal(
        _ parts: Parts, _ axes: [Int], _ count: Int, _ mode: Int
    ) throws(ImportError) -> Value {
        guard let last = axes.last else { throw unsupported("a transform of no axis") }
        let spectrum = try transform(parts, Array(axes.dropLast()), mode, inverse: true)
        let element = element(spectrum.real)
        let kept = count / 2 + 1
        guard try length(spectrum.real, last) == kept, count <= 4096 else {
            throw unsupported("an inverse transform of another length")
        }
        let scale = factor(mode, count)
        // Frequencies other than the first, and the middle one of an even length, stand for two.
        let doubled = (0..<kept).map { $0 == 0 || 2 * $0 == count ? 1.0 : 2.0 }
        let weights = try leaf(.constant(doubled, TensorType(element, [Dimension(kept), 1])))
        var matrices: [Value] = []
        for sine in [false, true] {
            let wave = try waves(kept, count, period: count, sine: sine, scale: sine ? -scale : scale, element)
            matrices.append(try formula([wave, weights]) { $0[0] * $0[1] })
        }
        let real = try product(spectrum.real, last, matrices[0])
        return try formula([real, try product(spectrum.imaginary, last, matrices[1])]) { $0[0] + $0[1] }
    }
}
