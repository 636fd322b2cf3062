import ElementTypes
import Glibc
import GraphIR

/// Evaluates a reduction: the reduced axes are brought to the end, then each row of them is combined. With `sumLanes`,
/// sums of f32 and narrower are taken in f32, as PyTorch does.
func evaluate(
    _ reduce: Reduce, _ operand: TensorValue, shape: [Int], sumLanes: Int? = nil
) throws(Fault) -> TensorValue {
    let kept = operand.shape.indices.filter { !reduce.axes.contains($0) }
    let length = reduce.axes.reduce(1) { $0 * operand.shape[$1] }
    let rows = shape.reduce(1, *)
    let element = operand.element
    switch reduce.kind {
    case .minimum, .maximum, .argMinimum, .argMaximum:
        if length == 0, rows > 0 { throw Fault("\(reduce.kind.rawValue) of no elements") }
    case .sum, .product, .any, .all: break
    }
    switch operand.permuted(kept + reduce.axes).storage {
    case .real(let elements):
        func combine(_ first: Double, _ body: (Double, Double) -> Double) -> [Double] {
            elements.withUnsafeBufferPointer { elements in
                parallelArray(rows, grain: max(1, (1 << 15) / max(length, 1))) { range, target in
                    for row in range {
                        target[row] = elements[row * length..<(row + 1) * length].reduce(first, body)
                    }
                }
            }
        }
        if reduce.kind == .sum, let sumLanes, element != .f64 {
            let sums: [Double] = parallelArray(rows, grain: max(1, (1 << 15) / max(length, 1))) { range, target in
                for row in range {
                    target[row] = cascadeSum(elements[row * length..<(row + 1) * length], lanes: sumLanes)
                }
            }
            return TensorValue(element, shape, sums)
        }
        switch reduce.kind {
        case .sum: return TensorValue(element, shape, combine(0) { $0 + $1 })
        case .product: return TensorValue(element, shape, combine(1) { $0 * $1 })
        case .minimum: return TensorValue(element, shape, combine(.infinity) { smaller($0, $1) })
        case .maximum: return TensorValue(element, shape, combine(-.infinity) { larger($0, $1) })
        case .any: return TensorValue(.bool, shape, combine(0) { max($0, $1) })
        case .all: return TensorValue(.bool, shape, combine(1) { min($0, $1) })
        case .argMinimum, .argMaximum:
            let isMaximum = reduce.kind == .argMaximum
            return positions(elements, rows, length, shape) { isMaximum ? $0 > $1 : $0 < $1 }
        }
    case .integer(let elements):
        func combine(_ first: Int64, _ body: (Int64, Int64) -> Int64) -> TensorValue {
            let combined = (0..<rows).map { row in
                element.wrapped(elements[row * length..<(row + 1) * length].reduce(first, body))
            }
            return TensorValue(element, shape, integers: combined)
        }
        switch reduce.kind {
        case .sum: return combine(0) { $0 &+ $1 }
        case .product: return combine(1) { $0 &* $1 }
        case .minimum: return combine(.max) { min($0, $1) }
        case .maximum: return combine(.min) { max($0, $1) }
        case .argMinimum: return positions(elements, rows, length, shape) { $0 < $1 }
        case .argMaximum: return positions(elements, rows, length, shape) { $0 > $1 }
        case .any, .all: throw Fault("\(reduce.kind.rawValue) of integers")
        }
    }
}

/// The sum in f32 in the order of ATen's `cascade_sum` for contiguous rows: lanes side by side, each with partial sums of
/// 16 elements, of 256, and of the rest; then lane after lane.
private func cascadeSum(_ row: ArraySlice<Double>, lanes: Int) -> Double {
    let steps = row.count / lanes
    var levels = [[Float]](repeating: [Float](repeating: 0, count: lanes), count: 3)
    for step in 0..<steps {
        for lane in 0..<lanes { levels[0][lane] += Float(row[row.startIndex + step * lanes + lane]) }
        for (level, size) in [(0, 16), (1, 256)] where (step + 1) % size == 0 {
            for lane in 0..<lanes {
                levels[level + 1][lane] += levels[level][lane]
                levels[level][lane] = 0
            }
        }
    }
    var sum: Float = 0
    for element in row[(row.startIndex + steps * lanes)...] { sum += Float(element) }
    for lane in 0..<lanes { sum += levels[0][lane] + levels[1][lane] + levels[2][lane] }
    return Double(sum)
}

/// The position of the first best element of each row. As in PyTorch, the first NaN beats every number.
private func positions<T: Equatable>(
    _ elements: [T], _ rows: Int, _ length: Int, _ shape: [Int], _ isBetter: (T, T) -> Bool
) -> TensorValue {
    let found = (0..<rows).map { row -> Int64 in
        var best = row * length
        for index in row * length..<(row + 1) * length {
            // Only NaN differs from itself.
            if elements[best] != elements[best] { break }
            if elements[index] != elements[index] || isBetter(elements[index], elements[best]) { best = index }
        }
        return Int64(best - row * length)
    }
    return TensorValue(.i64, shape, integers: found)
}

/// Evaluates a scan: each element combines those up to it along the axis.
func evaluate(_ scan: Scan, _ operand: TensorValue) throws(Fault) -> TensorValue {
    let length = operand.shape[scan.axis]
    let step = operand.shape[(scan.axis + 1)...].reduce(1, *)
    let isFirst = { (index: Int) in index / step % length == 0 }
    let element = operand.element
    switch operand.storage {
    case .real(var elements):
        let combine: (Double, Double) -> Double =
            switch scan.kind {
            case .sum: { $0 + $1 }
            case .product: { $0 * $1 }
            case .minimum: { smaller($0, $1) }
            case .maximum: { larger($0, $1) }
            case .logSumExp: { addedExponentials($0, $1) }
            }
        for index in elements.indices where !isFirst(index) {
            elements[index] = combine(elements[index - step], elements[index])
        }
        return TensorValue(element, operand.shape, elements)
    case .integer(var elements):
        let combine: (Int64, Int64) -> Int64
        switch scan.kind {
        case .sum: combine = { $0 &+ $1 }
        case .product: combine = { $0 &* $1 }
        case .minimum: combine = { min($0, $1) }
        case .maximum: combine = { max($0, $1) }
        case .logSumExp: throw Fault("logSumExp of integers")
        }
        for index in elements.indices where !isFirst(index) {
            elements[index] = element.wrapped(combine(elements[index - step], elements[index]))
        }
        return TensorValue(element, operand.shape, integers: elements)
    }
}

/// log(exp a + exp b) without overflow.
private func addedExponentials(_ a: Double, _ b: Double) -> Double {
    let (low, high) = (smaller(a, b), larger(a, b))
    // Equal infinities, whose difference would be NaN.
    if low == high, low.isInfinite { return low }
    return high + log1p(exp(low - high))
}
