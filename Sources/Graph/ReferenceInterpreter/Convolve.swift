import ElementTypes
import GraphIR

/// Evaluates a convolution: the input's windows become rows, and each is multiplied with each filter. With `rounds`, narrow
/// floats are summed in f32 (transposed convolutions excepted). Integers are summed in double precision, which must be exact.
func evaluate(
    _ convolve: Convolve, _ input: TensorValue, _ weight: TensorValue, shape: [Int], rounds: Bool
) throws(Fault) -> TensorValue {
    let geometry = ConvolutionGeometry(convolve, input: input.shape, weight: weight.shape, result: shape)
    if case .integer(let x) = input.storage, case .integer(let w) = weight.storage {
        func greatest(_ values: [Int64]) -> Double { values.reduce(0) { max($0, abs(Double($1))) } }
        let terms = Double(weight.shape.dropFirst(2).reduce(input.shape[1] / convolve.groups, *))
        guard greatest(x) * greatest(w) * terms < min(0x1p53, input.element == .i64 ? 0x1p53 : 0x1p31) else {
            throw Fault("a convolution of \(input.element.rawValue) whose sums may not fit")
        }
        let (reals, filters) = (x.map(Double.init), w.map(Double.init))
        let sums =
            convolve.isTransposed
            ? geometry.transposed(reals, TensorValue(.f64, weight.shape, filters))
            : geometry.direct(reals, filters, single: false)
        return TensorValue(input.element, shape, integers: sums.map { Int64($0) })
    }
    guard case .real(let x) = input.storage, case .real(let w) = weight.storage, input.element.isFloatingPoint else {
        throw Fault("a convolution of \(input.element.rawValue)")
    }
    let result =
        convolve.isTransposed
        ? geometry.transposed(x, weight) : geometry.direct(x, w, single: rounds && input.element != .f64)
    return TensorValue(input.element, shape, result)
}

/// The extents of one convolution.
private struct ConvolutionGeometry {
    let convolve: Convolve
    let input: [Int]
    let result: [Int]
    /// Extents of the kernel, and of the input's and result's spatial axes.
    let kernel: [Int]
    let inputSpace: [Int]
    let resultSpace: [Int]
    /// Channels of one group, in and out.
    let channels: Int
    let outChannels: Int

    init(_ convolve: Convolve, input: [Int], weight: [Int], result: [Int]) {
        self.convolve = convolve
        self.input = input
        self.result = result
        kernel = Array(weight[2...])
        inputSpace = Array(input[2...])
        resultSpace = Array(result[2...])
        channels = input[1] / convolve.groups
        outChannels = result[1] / convolve.groups
    }

    /// For each position in `space` (row-major) and each tap of the kernel, the offset in `other` of the element at
    /// `position × stride + tap × dilation − padding`, or −1 outside.
    func offsets(of space: [Int], in other: [Int]) -> [Int] {
        let taps = kernel.reduce(1, *)
        let positions = space.reduce(1, *)
        var offsets = [Int](repeating: -1, count: positions * taps)
        for position in 0..<positions {
            let at = coordinates(position, space)
            for tap in 0..<taps {
                let step = coordinates(tap, kernel)
                var offset = 0
                for axis in space.indices {
                    let index =
                        at[axis] * convolve.stride[axis] + step[axis] * convolve.dilation[axis]
                        - convolve.paddingLow[axis]
                    guard index >= 0, index < other[axis] else {
                        offset = -1
                        break
                    }
                    offset = offset * other[axis] + index
                }
                offsets[position * taps + tap] = offset
            }
        }
        return offsets
    }

    /// `result[b, o, p] = Σ weight[o, c, t] × input[b, c, p × stride + t × dilation − padding]`.
    func direct(_ x: [Double], _ w: [Double], single: Bool) -> [Double] {
        let (taps, pixels, plane) = (kernel.reduce(1, *), resultSpace.reduce(1, *), inputSpace.reduce(1, *))
        let offsets = offsets(of: resultSpace, in: inputSpace)
        let length = channels * taps
        var result = [Double](repeating: 0, count: self.result.reduce(1, *))
        // As many windows at a time as fit 2 MB, and few enough that all processors get some.
        let parts = input[0] * convolve.groups
        let chunk = max(1, min(pixels, 250_000 / max(length, 1), max(64, pixels * parts / 64)))
        let chunks = (pixels + chunk - 1) / max(chunk, 1)
        // Safety: the arrays hold what their shapes say, offsets lie inside their plane, and every piece writes pixels of its own.
        x.withUnsafeBufferPointer { x in
            w.withUnsafeBufferPointer { w in
                offsets.withUnsafeBufferPointer { offsets in
                    result.withUnsafeMutableBufferPointer { result in
                        guard let result = result.baseAddress, let w = w.baseAddress, length > 0 else { return }
                        let work = chunk * length * (outChannels + 2)
                        inParallel(parts * chunks, grain: max(1, (1 << 18) / max(work, 1))) { range in
                            let memory = UnsafeMutablePointer<Double>.allocate(
                                capacity: chunk * (length + outChannels))
                            defer { memory.deallocate() }
                            let (windows, products) = (memory, memory + chunk * length)
                            for number in range {
                                let (part, start) = (number / chunks, number % chunks * chunk)
                                let count = min(chunk, pixels - start)
                                let first = part * channels * plane
                                for pixel in 0..<count {
                                    for channel in 0..<channels {
                                        for tap in 0..<taps {
                                            let offset = offsets[(start + pixel) * taps + tap]
                                            windows[pixel * length + channel * taps + tap] =
                                                offset < 0 ? 0 : x[first + channel * plane + offset]
                                        }
                                    }
                                }
                                dotProductsAlone(
                                    w + part % convolve.groups * outChannels * length, rows: outChannels, windows,
                                    columns: count, length: length, single: single, into: products)
                                let target = part * outChannels * pixels + start
                                for channel in 0..<outChannels {
                                    (result + target + channel * pixels).update(
                                        from: products + channel * count, count: count)
                                }
                            }
                        }
                    }
                }
            }
        }
        return result
    }

    /// Every input pixel times every tap of a filter is added where the direct convolution would have read it:
    /// `result[b, o, p × stride + t × dilation − padding] += weight[c, o, t] × input[b, c, p]`.
    func transposed(_ x: [Double], _ weight: TensorValue) -> [Double] {
        let (taps, pixels, plane) = (kernel.reduce(1, *), inputSpace.reduce(1, *), resultSpace.reduce(1, *))
        let offsets = offsets(of: inputSpace, in: resultSpace)
        // [channels, outChannels / groups × taps] by group, with the summed channel last.
        let filters = weight.reshaped([convolve.groups, channels, outChannels * taps]).permuted([0, 2, 1]).doubles
        let pixelRows = TensorValue(.f64, [input[0] * convolve.groups, channels, pixels], x).permuted([0, 2, 1]).doubles
        var result = [Double](repeating: 0, count: self.result.reduce(1, *))
        var products = [Double](repeating: 0, count: outChannels * taps * pixels)
        for part in 0..<input[0] * convolve.groups {
            multiply(
                filters, from: part % convolve.groups * outChannels * taps * channels, rows: outChannels * taps,
                Array(pixelRows[part * pixels * channels..<(part + 1) * pixels * channels]), columns: pixels,
                length: channels, into: &products)
            for channel in 0..<outChannels {
                for tap in 0..<taps {
                    for pixel in 0..<pixels {
                        let offset = offsets[pixel * taps + tap]
                        if offset < 0 { continue }
                        result[(part * outChannels + channel) * plane + offset] +=
                            products[(channel * taps + tap) * pixels + pixel]
                    }
                }
            }
        }
        return result
    }

    /// The position that a row-major offset stands for.
    private func coordinates(_ offset: Int, _ extents: [Int]) -> [Int] {
        var rest = offset
        var position = extents
        for axis in extents.indices.reversed() {
            position[axis] = rest % extents[axis]
            rest /= extents[axis]
        }
        return position
    }

    /// `result[i, j] = left row i · right row j`.
    private func multiply(
        _ left: [Double], from offset: Int, rows: Int, _ right: [Double], columns: Int, length: Int,
        single: Bool = false, into result: inout [Double]
    ) {
        // Safety: `left` holds at least `offset + rows × length`, `right` `columns × length` and `result`
        // `rows × columns` elements.
        left.withUnsafeBufferPointer { left in
            right.withUnsafeBufferPointer { right in
                result.withUnsafeMutableBufferPointer { result in
                    guard let a = left.baseAddress, let b = right.baseAddress, let c = result.baseAddress else {
                        return
                    }
                    dotProducts(a + offset, rows: rows, b, columns: columns, length: length, single: single, into: c)
                }
            }
        }
    }
}
