import ElementTypes
import GraphIR

/// Where the elements of a gather's result (or a scatter's updates) lie in the indexed tensor, in row-major order.
private func offsets(
    _ axes: [Int], at: Int, _ data: [Int], _ indices: [TensorValue], shape: [Int]
) throws(Fault) -> [Int] {
    let strides = rowMajorStrides(data)
    let indexRank = indices[0].shape.count
    // The offset of every entry of the index tensors.
    var indexed = [Int](repeating: 0, count: indices[0].count)
    for (axis, index) in zip(axes, indices) {
        guard let positions = index.integers else { throw Fault("indices are \(index.element.rawValue)") }
        for (entry, position) in positions.enumerated() {
            guard position >= 0, position < data[axis] else {
                throw Fault("index \(position) is outside axis \(axis) of extent \(data[axis])")
            }
            indexed[entry] += Int(position) * strides[axis]
        }
    }
    // The result's axes: those of the data before `at`, those of the indices, the rest.
    let kept = data.indices.filter { !axes.contains($0) }
    let before = kept[..<at].reduce(1) { $0 * data[$1] }
    let outer = gatherPositions(Array(kept[..<at]), data, strides)
    let inner = gatherPositions(Array(kept[at...]), data, strides)
    var result: [Int] = []
    result.reserveCapacity(before * indexed.count * inner.count)
    for first in outer {
        for middle in indexed {
            for last in inner { result.append(first + middle + last) }
        }
    }
    precondition(result.count == shape.reduce(1, *) && shape.count == kept.count + indexRank, "a wrong gather shape")
    return result
}

/// The offsets of all positions of some axes of a tensor.
private func gatherPositions(_ axes: [Int], _ shape: [Int], _ strides: [Int]) -> [Int] {
    axes.reduce([0]) { offsets, axis in
        offsets.flatMap { offset in (0..<shape[axis]).map { offset + $0 * strides[axis] } }
    }
}

/// Evaluates a gather.
func evaluate(_ gather: Gather, _ operands: [TensorValue], shape: [Int]) throws(Fault) -> TensorValue {
    let data = operands[0]
    let offsets = try offsets(gather.axes, at: gather.at, data.shape, Array(operands[1...]), shape: shape)
    switch data.storage {
    case .real(let elements): return TensorValue(data.element, shape, offsets.map { elements[$0] })
    case .integer(let elements): return TensorValue(data.element, shape, integers: offsets.map { elements[$0] })
    }
}

/// Evaluates a scatter: updates are applied one after another in row-major order. With `rounds`, each result is rounded to the element's
/// type before the next update, as PyTorch's `index_add` and `scatter_add` do.
func evaluate(_ scatter: Scatter, _ operands: [TensorValue], rounds: Bool) throws(Fault) -> TensorValue {
    let (base, updates) = (operands[0], operands[1])
    let offsets = try offsets(
        scatter.axes, at: scatter.at, base.shape, Array(operands[2...]), shape: updates.shape)
    switch (base.storage, updates.storage) {
    case (.real(var elements), .real(let values)):
        // On bools, adding is or and multiplying is and.
        let isBool = base.element == .bool
        for (offset, value) in zip(offsets, values) {
            let old = elements[offset]
            let combined =
                switch scatter.kind {
                case .set: value
                case .add: isBool ? larger(old, value) : old + value
                case .multiply: old * value
                case .minimum: smaller(old, value)
                case .maximum: larger(old, value)
                }
            elements[offset] = rounds && !isBool ? base.element.rounded(combined) : combined
        }
        return TensorValue(base.element, base.shape, elements)
    case (.integer(var elements), .integer(let values)):
        for (offset, value) in zip(offsets, values) {
            let old = elements[offset]
            let combined =
                switch scatter.kind {
                case .set: value
                case .add: old &+ value
                case .multiply: old &* value
                case .minimum: min(old, value)
                case .maximum: max(old, value)
                }
            elements[offset] = base.element.wrapped(combined)
        }
        return TensorValue(base.element, base.shape, integers: elements)
    case (.real, .integer), (.integer, .real): throw Fault("updates of another element type")
    }
}
