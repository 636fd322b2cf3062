import ElementTypes
import GraphIR

/// Evaluates a pooling: each window of the last axes is walked in row-major order. Averages of integers are rounded toward zero.
func evaluate(_ window: Window, _ operand: TensorValue, shape: [Int]) throws(Fault) -> TensorValue {
    guard operand.element != .bool else { throw Fault("pooling over bool") }
    let rank = window.size.count
    let space = Array(operand.shape.suffix(rank))
    let resultSpace = Array(shape.suffix(rank))
    let (plane, positions) = (space.reduce(1, *), resultSpace.reduce(1, *))
    let planes = operand.shape.dropLast(rank).reduce(1, *)
    let walks = (0..<positions).map { Walk(window, coordinates($0, resultSpace), space) }
    if window.kind == .maximum || window.kind == .argMaximum {
        if planes > 0, walks.contains(where: { $0.offsets.isEmpty }) { throw Fault("the maximum of an empty window") }
    }
    switch operand.storage {
    case .real(let elements):
        switch window.kind {
        case .average(let countsPadding, let divisor):
            var result: [Double] = []
            for first in stride(from: 0, to: planes * plane, by: plane) {
                for walk in walks {
                    let sum = walk.offsets.reduce(0) { $0 + elements[first + $1] }
                    let count = divisor ?? (countsPadding ? walk.padded : walk.offsets.count)
                    // A window that lies in the padding alone averages to 0.
                    result.append(walk.offsets.isEmpty ? 0 : sum / Double(count))
                }
            }
            return TensorValue(operand.element, shape, result)
        case .maximum, .argMaximum:
            let best = maxima(elements, planes, plane, walks)
            return window.kind == .maximum
                ? TensorValue(operand.element, shape, best.enumerated().map { elements[$1 + $0 / positions * plane] })
                : TensorValue(.i64, shape, integers: best.map { Int64($0) })
        }
    case .integer(let elements):
        switch window.kind {
        case .average(let countsPadding, let divisor):
            var result: [Int64] = []
            for first in stride(from: 0, to: planes * plane, by: plane) {
                for walk in walks {
                    let sum = walk.offsets.reduce(Int64(0)) { $0 &+ elements[first + $1] }
                    let count = divisor ?? (countsPadding ? walk.padded : walk.offsets.count)
                    result.append(
                        walk.offsets.isEmpty ? 0 : sum.dividedReportingOverflow(by: Int64(count)).partialValue)
                }
            }
            return TensorValue(operand.element, shape, integers: result)
        case .maximum:
            let values = maxima(elements, planes, plane, walks).enumerated().map {
                elements[$1 + $0 / positions * plane]
            }
            return TensorValue(operand.element, shape, integers: values)
        case .argMaximum:
            return TensorValue(.i64, shape, integers: maxima(elements, planes, plane, walks).map { Int64($0) })
        }
    }
}

/// One window: the offsets in the plane of its elements, and how many there are with padding, but without what only the
/// ceiling rule adds.
private struct Walk {
    var offsets: [Int] = []
    var padded = 0

    init(_ window: Window, _ at: [Int], _ space: [Int]) {
        for tap in 0..<window.size.reduce(1, *) {
            let step = coordinates(tap, window.size)
            let index = space.indices.map {
                at[$0] * window.stride[$0] + step[$0] * window.dilation[$0] - window.padding[$0]
            }
            if space.indices.allSatisfy({ index[$0] < space[$0] + window.padding[$0] }) { padded += 1 }
            if space.indices.allSatisfy({ index[$0] >= 0 && index[$0] < space[$0] }) {
                offsets.append(zip(index, space).reduce(0) { $0 * $1.1 + $1.0 })
            }
        }
    }
}

/// For every window of every plane, the offset in the plane of its first greatest element; as in PyTorch, the last NaN
/// beats every number.
private func maxima<T: Comparable>(_ elements: [T], _ planes: Int, _ plane: Int, _ walks: [Walk]) -> [Int] {
    var found: [Int] = []
    for index in 0..<planes {
        let first = index * plane
        for walk in walks {
            guard var best = walk.offsets.first else { continue }
            for offset in walk.offsets {
                let value = elements[first + offset]
                // Only NaN differs from itself.
                if value > elements[first + best] || value != value { best = offset }
            }
            found.append(best)
        }
    }
    return found
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

/// Evaluates a sort: values and positions. Equal elements keep their order; NaN counts as the greatest number, as PyTorch
/// sorts. (PyTorch's own top-k leaves the order of ties open.)
func evaluate(_ sort: Sort, _ operand: TensorValue, shape: [Int]) -> [TensorValue] {
    let rank = operand.shape.count
    // The sorted axis last.
    let order = (0..<rank).filter { $0 != sort.axis } + [sort.axis]
    var back = order
    for (index, axis) in order.enumerated() { back[axis] = index }
    let rows = operand.permuted(order)
    let length = operand.shape[sort.axis]
    let limit = shape[sort.axis]
    let rowCount = rows.shape.dropLast().reduce(1, *)
    let resultShape = rows.shape.dropLast() + [limit]

    func positions(_ precedes: (Int, Int) -> Bool) -> [Int] {
        var all: [Int] = []
        for row in 0..<rowCount {
            // The standard library's sort is stable in fact but not by contract, so positions decide ties.
            let sorted = (row * length..<(row + 1) * length).sorted {
                precedes($0, $1) || (!precedes($1, $0) && $0 < $1)
            }
            all.append(contentsOf: sorted.prefix(limit))
        }
        return all
    }
    let values: TensorValue
    let found: [Int]
    switch rows.storage {
    case .real(let elements):
        let less: (Double, Double) -> Bool = { $0 < $1 || ($1.isNaN && !$0.isNaN) }
        found = positions {
            sort.isDescending ? less(elements[$1], elements[$0]) : less(elements[$0], elements[$1])
        }
        values = TensorValue(operand.element, Array(resultShape), found.map { elements[$0] })
    case .integer(let elements):
        found = positions { sort.isDescending ? elements[$1] < elements[$0] : elements[$0] < elements[$1] }
        values = TensorValue(operand.element, Array(resultShape), integers: found.map { elements[$0] })
    }
    let indices = TensorValue(.i64, Array(resultShape), integers: found.map { Int64(length == 0 ? 0 : $0 % length) })
    return [values.permuted(back), indices.permuted(back)]
}
