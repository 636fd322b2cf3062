/// Strides in elements of a contiguous row-major tensor.
func rowMajorStrides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in stride(from: shape.count - 2, through: 0, by: -1) {
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    }
    return strides
}

/// Calls `body` once for each of a range of positions of all axes but the last, in row-major order, with the offset that each
/// list of strides gives for it. A shape without axes has one position.
private func forEachRow(
    _ range: Range<Int>, of shape: [Int], _ first: [Int], _ second: [Int], _ body: (_ first: Int, _ second: Int) -> Void
) {
    let outer = max(shape.count - 1, 0)
    var position = [Int](repeating: 0, count: outer)
    var (a, b) = (0, 0)
    var rest = range.lowerBound
    for axis in stride(from: outer - 1, through: 0, by: -1) {
        position[axis] = rest % shape[axis]
        rest /= shape[axis]
        a += position[axis] * first[axis]
        b += position[axis] * second[axis]
    }
    for _ in range {
        body(a, b)
        var axis = outer - 1
        while axis >= 0 {
            position[axis] += 1
            a += first[axis]
            b += second[axis]
            if position[axis] < shape[axis] { break }
            position[axis] = 0
            a -= first[axis] * shape[axis]
            b -= second[axis] * shape[axis]
            axis -= 1
        }
    }
}

/// Copies `shape` elements between two arrays of the given strides; no two positions may share a place of the target.
private func copyElements<T: BitwiseCopyable>(
    from source: UnsafePointer<T>, _ sourceStrides: [Int], to target: UnsafeMutablePointer<T>, _ targetStrides: [Int],
    shape: [Int]
) {
    guard !shape.contains(0) else { return }
    let (length, step, targetStep) = (shape.last ?? 1, sourceStrides.last ?? 1, targetStrides.last ?? 1)
    let rows = shape.dropLast().reduce(1, *)
    inParallel(rows, grain: max(1, (1 << 14) / length)) { range in
        forEachRow(range, of: shape, sourceStrides, targetStrides) { from, to in
            for index in 0..<length { target[to + index * targetStep] = source[from + index * step] }
        }
    }
}

/// The contiguous tensor whose element at a position is `source[offset + Σ position × stride]`.
func gatherElements<T: BitwiseCopyable>(_ source: [T], offset: Int, strides: [Int], shape: [Int]) -> [T] {
    let count = shape.reduce(1, *)
    if count == 0 { return [] }
    return [T](unsafeUninitializedCapacity: count) { target, initialized in
        // Safety: callers derive offset and strides from the source's own shape, and `count` elements are written.
        source.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress, let to = target.baseAddress else { return }
            copyElements(from: from + offset, strides, to: to, rowMajorStrides(shape), shape: shape)
        }
        initialized = count
    }
}

/// Writes a contiguous tensor of `shape` into `target` at `offset + Σ position × stride`.
func scatterElements<T: BitwiseCopyable>(
    _ source: [T], shape: [Int], into target: inout [T], offset: Int, strides: [Int]
) {
    if source.isEmpty { return }
    // Safety: callers derive offset and strides from the target's own shape.
    target.withUnsafeMutableBufferPointer { target in
        source.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress, let to = target.baseAddress else { return }
            copyElements(from: from, rowMajorStrides(shape), to: to + offset, strides, shape: shape)
        }
    }
}

extension TensorValue {
    /// The tensor of `shape` whose element at a position is this one's at `offset + Σ position × stride`.
    func strided(offset: Int = 0, strides: [Int], shape: [Int]) -> TensorValue {
        switch storage {
        case .real(let elements):
            TensorValue(element, shape, gatherElements(elements, offset: offset, strides: strides, shape: shape))
        case .integer(let elements):
            TensorValue(
                element, shape, integers: gatherElements(elements, offset: offset, strides: strides, shape: shape))
        }
    }

    /// The tensor with axis i of the result taken from axis `axes[i]`.
    func permuted(_ axes: [Int]) -> TensorValue {
        if axes == Array(shape.indices) { return self }
        let strides = rowMajorStrides(shape)
        return strided(strides: axes.map { strides[$0] }, shape: axes.map { shape[$0] })
    }
}
