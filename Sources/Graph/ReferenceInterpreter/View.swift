import ElementTypes
import GraphIR

/// Evaluates a view whose dimensions are all constants and that its shape rule accepted.
func evaluate(_ view: View, _ operand: TensorValue, shape: [Int]) throws(Fault) -> TensorValue {
    let old = rowMajorStrides(operand.shape)
    switch view {
    case .reshape: return operand.reshaped(shape)
    case .permute(let axes): return operand.permuted(axes)
    case .expand:
        // An axis that is new or has extent 1 does not move in the operand.
        let added = shape.count - operand.shape.count
        let strides = shape.indices.map { $0 < added || operand.shape[$0 - added] == 1 ? 0 : old[$0 - added] }
        return operand.strided(strides: strides, shape: shape)
    case .slice(let axis, let start, _, let step):
        guard let start = start.constantValue else { throw Fault("the slice's start \(start) has no value") }
        var strides = old
        strides[axis] *= step
        return operand.strided(offset: start * old[axis], strides: strides, shape: shape)
    case .flip(let axes):
        var strides = old
        var offset = 0
        for axis in axes where operand.shape[axis] > 0 {
            strides[axis] = -old[axis]
            offset += (operand.shape[axis] - 1) * old[axis]
        }
        return operand.strided(offset: offset, strides: strides, shape: shape)
    case .pad(let low, _, let padding):
        var before: [Int] = []
        for amount in low {
            guard let amount = amount.constantValue else { throw Fault("the padding \(amount) has no value") }
            before.append(amount)
        }
        let count = shape.reduce(1, *)
        let strides = rowMajorStrides(shape)
        let offset = zip(before, strides).reduce(0) { $0 + $1.0 * $1.1 }
        switch operand.storage {
        case .real(let elements):
            let value = operand.element == .bool ? (padding.value == 0 ? 0 : 1) : padding.value
            var result = [Double](repeating: value, count: count)
            scatterElements(elements, shape: operand.shape, into: &result, offset: offset, strides: strides)
            return TensorValue(operand.element, shape, result)
        case .integer(let elements):
            var result = [Int64](repeating: operand.element.truncated(padding.value), count: count)
            scatterElements(elements, shape: operand.shape, into: &result, offset: offset, strides: strides)
            return TensorValue(operand.element, shape, integers: result)
        }
    case .unfold(let axis, _, let step):
        // The window's position moves by `step` elements; the new last axis by one.
        var strides = old
        strides[axis] *= step
        return operand.strided(strides: strides + [old[axis]], shape: shape)
    }
}

/// Evaluates a concatenation along `axis`.
func concatenate(_ operands: [TensorValue], axis: Int, shape: [Int]) -> TensorValue {
    let strides = rowMajorStrides(shape)
    let element = operands[0].element
    let count = shape.reduce(1, *)
    var offset = 0
    if element.isInteger {
        var result = [Int64](repeating: 0, count: count)
        for operand in operands {
            if case .integer(let elements) = operand.storage {
                scatterElements(elements, shape: operand.shape, into: &result, offset: offset, strides: strides)
            }
            offset += operand.shape[axis] * strides[axis]
        }
        return TensorValue(element, shape, integers: result)
    }
    var result = [Double](repeating: 0, count: count)
    for operand in operands {
        if case .real(let elements) = operand.storage {
            scatterElements(elements, shape: operand.shape, into: &result, offset: offset, strides: strides)
        }
        offset += operand.shape[axis] * strides[axis]
    }
    return TensorValue(element, shape, result)
}
