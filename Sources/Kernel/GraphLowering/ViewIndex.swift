import ElementTypes
import GraphIR

extension View {
    /// Where an element of the view stands in its operand: the operand's index, and conditions (each ≥ 0) outside of which
    /// the element is padding.
    func source(
        _ index: [IntegerExpression], of shape: Shape, _ ranges: VariableRanges
    ) -> (index: [IntegerExpression], mask: [IntegerExpression])? {
        switch self {
        case .reshape(let new): return (reshaped(index, from: new, to: shape, ranges), [])
        case .permute(let axes):
            var result = index
            for (position, axis) in axes.enumerated() { result[axis] = index[position] }
            return (result, [])
        case .expand(let new):
            let aligned = index.suffix(shape.count)
            return (
                zip(aligned, shape.indices).map { entry, axis in
                    shape[axis] == 1 && new[new.count - shape.count + axis] != 1 ? 0 : entry
                }, []
            )
        case .slice(let axis, let start, _, let step):
            var result = index
            result[axis] = start + index[axis] * step
            return (result, [])
        case .flip(let axes):
            var result = index
            for axis in axes { result[axis] = shape[axis] - 1 - index[axis] }
            return (result, [])
        case .pad(let low, let high, _):
            var result = index
            var mask: [IntegerExpression] = []
            for axis in shape.indices {
                result[axis] = index[axis] - low[axis]
                if low[axis] != 0 { mask.append(result[axis]) }
                if high[axis] != 0 { mask.append(shape[axis] - 1 - result[axis]) }
            }
            return (result, mask.filter { !ranges.isNonNegative($0) })
        case .unfold(let axis, _, let step):
            var result = Array(index.dropLast())
            result[axis] = index[axis] * step + index[index.count - 1]
            return (result, [])
        }
    }

    /// For a bijective view: where the operand's element of an index stands in the result.
    func target(_ index: [IntegerExpression], of shape: Shape, _ ranges: VariableRanges) -> [IntegerExpression]? {
        switch self {
        case .reshape(let new): return reshaped(index, from: shape, to: new, ranges)
        case .permute(let axes): return axes.map { index[$0] }
        case .flip(let axes):
            var result = index
            for axis in axes { result[axis] = shape[axis] - 1 - index[axis] }
            return result
        case .expand, .slice, .pad, .unfold: return nil
        }
    }
}

/// The index of the same element in row-major order under another shape. Axes are regrouped from the right as soon as the
/// extents agree, so that most reshapes need no division.
func reshaped(
    _ index: [IntegerExpression], from old: Shape, to new: Shape, _ ranges: VariableRanges
) -> [IntegerExpression] {
    var result = [IntegerExpression](repeating: 0, count: new.count)
    var (i, j) = (old.count - 1, new.count - 1)
    while j >= 0 {
        if new[j] == 1 {
            j -= 1
            continue
        }
        while i >= 0, old[i] == 1 { i -= 1 }
        guard i >= 0 else { break }
        if old[i] == new[j] {
            result[j] = index[i]
            i -= 1
            j -= 1
            continue
        }
        // The smallest runs of axes with equal element counts.
        var (a, b) = (i, j)
        var (left, right) = (old[a], new[b])
        while left != right, a > 0 || b > 0 {
            let growsLeft: Bool
            if a == 0 {
                growsLeft = false
            } else if b == 0 {
                growsLeft = true
            } else if let x = left.constantValue, let y = right.constantValue {
                growsLeft = x < y
            } else {
                growsLeft = right.dividedExactly(by: left) != nil
            }
            if growsLeft {
                a -= 1
                left = left * old[a]
            } else {
                b -= 1
                right = right * new[b]
            }
        }
        var linear = IntegerExpression(0)
        for axis in a...i { linear = linear * old[axis] + index[axis] }
        var stride = IntegerExpression(1)
        for axis in descending(from: j, through: b) {
            let quotient = linear.floorDivided(by: stride, ranges)
            result[axis] = axis == b ? quotient : quotient.modulo(new[axis], ranges)
            stride = stride * new[axis]
        }
        i = a - 1
        j = b - 1
    }
    return result
}

/// Axes from `start` down to `end`.
private func descending(from start: Int, through end: Int) -> [Int] { Array((end...start).reversed()) }
