import ElementTypes
import GraphIR

/// Evaluates a contraction. Both operands are brought to `[batch, rows, summed]`, labels of one operand alone are summed
/// first, then every pair of rows of a batch is multiplied. With `rounds`, narrow floats are summed in f32.
func evaluate(
    _ contract: Contract, _ a: TensorValue, _ b: TensorValue, shape: [Int], rounds: Bool
) throws(Fault) -> TensorValue {
    let batch = contract.left.filter { contract.right.contains($0) && contract.result.contains($0) }
    let summed = contract.left.filter { contract.right.contains($0) && !contract.result.contains($0) }
    let rows = contract.left.filter { !contract.right.contains($0) && contract.result.contains($0) }
    let columns = contract.right.filter { !contract.left.contains($0) && contract.result.contains($0) }
    let left = try arranged(a, contract.left, batch + rows + summed)
    let right = try arranged(b, contract.right, batch + columns + summed)

    var extents: [Int: Int] = [:]
    for (label, extent) in zip(contract.left, a.shape) { extents[label] = extent }
    for (label, extent) in zip(contract.right, b.shape) { extents[label] = extent }
    func size(_ labels: [Int]) -> Int { labels.reduce(1) { $0 * (extents[$1] ?? 1) } }
    let (batches, m, n, k) = (size(batch), size(rows), size(columns), size(summed))
    let order = batch + rows + columns
    let arrangedShape = order.map { extents[$0] ?? 1 }
    let product: TensorValue
    switch (left.storage, right.storage) {
    case (.real(let x), .real(let y)):
        if a.element == .bool { throw Fault("a contraction of bool") }
        var result = [Double](repeating: 0, count: batches * m * n)
        // Safety: the three arrays hold batches × m × k, batches × n × k and batches × m × n elements.
        x.withUnsafeBufferPointer { x in
            y.withUnsafeBufferPointer { y in
                result.withUnsafeMutableBufferPointer { result in
                    guard let x = x.baseAddress, let y = y.baseAddress, let result = result.baseAddress else { return }
                    dotProducts(
                        x, rows: m, y, columns: n, length: k, batches: batches,
                        single: rounds && a.element != .f64, into: result)
                }
            }
        }
        product = TensorValue(a.element, arrangedShape, result)
    case (.integer(let x), .integer(let y)):
        var result = [Int64](repeating: 0, count: batches * m * n)
        for index in result.indices {
            let (i, j) = (index / n, index / (m * n) * n + index % n)
            var sum: Int64 = 0
            for step in 0..<k { sum &+= x[i * k + step] &* y[j * k + step] }
            result[index] = a.element.wrapped(sum)
        }
        product = TensorValue(a.element, arrangedShape, integers: result)
    case (.real, .integer), (.integer, .real): throw Fault("a contraction of mixed types")
    }
    return product.permuted(contract.result.map { label in order.firstIndex(of: label) ?? 0 })
}

/// An operand with its axes in the order of `wanted` labels, other labels summed away.
private func arranged(_ operand: TensorValue, _ labels: [Int], _ wanted: [Int]) throws(Fault) -> TensorValue {
    let lone = labels.indices.filter { !wanted.contains(labels[$0]) }
    let kept = labels.filter { wanted.contains($0) }
    var value = operand
    if !lone.isEmpty {
        let shape = labels.indices.filter { !lone.contains($0) }.map { operand.shape[$0] }
        value = try evaluate(Reduce(.sum, axes: lone), operand, shape: shape)
    }
    return value.permuted(wanted.map { label in kept.firstIndex(of: label) ?? 0 })
}
