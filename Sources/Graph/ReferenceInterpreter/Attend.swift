import ElementTypes
import Glibc
import GraphIR

/// Evaluates attention: `softmax(q·kᵀ × scale + mask)·v`, as PyTorch's CPU kernels define the corners (measured on 2.13):
/// query i sees keys 0…i under `isCausal`, also when there are more keys than queries; a false mask adds −∞; a row whose
/// keys are all hidden gives zeros in its math and its flash kernel alike; a NaN at a key that only the mask hides makes
/// its row NaN, one at a key that causality hides does not; values of hidden keys count with weight 0, so that a NaN
/// among them is seen. With `rounds`, products are summed in f32, scores are scaled by the f32 nearest to `scale` and masked in
/// one fused operation, and weights are rounded to the element type: so PyTorch's flash kernel does it (its errors are this
/// function's to three digits on wide inputs, where those of other orders differ by up to 40 %). With `skipsHidden`, hidden keys and their
/// values count nothing, whatever they hold.
func evaluate(
    _ attend: Attend, _ operands: [TensorValue], shape: [Int], rounds: Bool, skipsHidden: Bool = false
) throws(Fault) -> TensorValue {
    let (q, k, v) = (operands[0], operands[1], operands[2])
    guard q.element.isFloatingPoint, case .real(let queryValues) = q.storage, case .real(let keyValues) = k.storage,
        case .real(let values) = v.permuted([0, 1, 3, 2]).storage
    else { throw Fault("attention over \(q.element.rawValue)") }
    let mask = attend.hasMask ? operands[3] : nil
    let maskValues = mask?.doubles ?? []
    let (batches, heads, queries, headDim) = (q.shape[0], q.shape[1], q.shape[2], q.shape[3])
    let (keyHeads, keys, valueDim) = (k.shape[1], k.shape[2], v.shape[3])
    if heads > 0, keyHeads == 0 || heads % keyHeads != 0 { throw Fault("\(heads) heads over \(keyHeads) key heads") }
    let single = rounds && q.element != .f64
    let scale = single ? Double(Float(attend.scale)) : attend.scale
    // Rows of scores that are held at a time.
    let block = 128
    let blocks = (queries + block - 1) / block
    let causal = attend.isCausal
    let maskIsBool = mask?.element == .bool
    let rounding = rounds ? q.element : nil
    var result = [Double](repeating: 0, count: shape.reduce(1, *))
    // Safety: the arrays hold what their shapes say, and every piece writes rows of its own.
    result.withUnsafeMutableBufferPointer { result in
        guard let result = result.baseAddress, keys > 0 else { return }
        let work = block * keys * (headDim + valueDim)
        inParallel(batches * heads * blocks, grain: max(1, (1 << 18) / max(work, 1))) { range in
            let scores = UnsafeMutableBufferPointer<Double>.allocate(capacity: min(block, queries) * keys)
            defer { scores.deallocate() }
            guard let base = scores.baseAddress else { return }
            for number in range {
                let (part, first) = (number / blocks, number % blocks * block)
                let rows = min(block, queries - first)
                let (batch, head) = (part / heads, part % heads)
                let keyPart = batch * keyHeads + head / (heads / keyHeads)
                multiply(
                    queryValues, (part * queries + first) * headDim, rows, keyValues, keyPart * keys * headDim, keys,
                    headDim, single, base)
                for query in first..<first + rows {
                    let row = UnsafeMutableBufferPointer(start: base + (query - first) * keys, count: keys)
                    for key in 0..<keys {
                        var score = row[key] * scale
                        if mask != nil {
                            let entry = maskValues[(part * queries + query) * keys + key]
                            let term = maskIsBool ? (entry != 0 ? 0 : -.infinity) : entry
                            score = skipsHidden && term == -.infinity ? term : score + term
                        }
                        if single { score = Double(Float(score)) }
                        row[key] = causal && key > query ? -.infinity : score
                    }
                    softmax(row, rounding)
                }
                values.withUnsafeBufferPointer { values in
                    guard let values = values.baseAddress else { return }
                    if skipsHidden {
                        for index in 0..<rows * valueDim {
                            let (row, column) = (base + index / valueDim * keys, index % valueDim)
                            let line = values + (keyPart * valueDim + column) * keys
                            result[(part * queries + first) * valueDim + index] = (0..<keys).reduce(0.0) {
                                row[$1] == 0 ? $0 : $0 + row[$1] * line[$1]
                            }
                        }
                        return
                    }
                    dotProductsAlone(
                        base, rows: rows, values + keyPart * keys * valueDim, columns: valueDim, length: keys,
                        single: single, into: result + (part * queries + first) * valueDim)
                }
            }
        }
    }
    return TensorValue(q.element, shape, result)
}

/// Replaces scores by their softmax, and by zeros where all are −∞.
private func softmax(_ scores: UnsafeMutableBufferPointer<Double>, _ rounding: ElementType?) {
    let greatest = scores.reduce(-.infinity) { larger($0, $1) }
    if greatest == -.infinity {
        scores.update(repeating: 0)
        return
    }
    var sum = 0.0
    for index in scores.indices {
        scores[index] = exp(scores[index] - greatest)
        sum += scores[index]
    }
    for index in scores.indices {
        let weight = scores[index] / sum
        scores[index] = rounding?.rounded(weight) ?? weight
    }
}

/// `result[i, j] = left row i · right row j`, each array from its own offset.
private func multiply(
    _ left: [Double], _ leftOffset: Int, _ rows: Int, _ right: [Double], _ rightOffset: Int, _ columns: Int,
    _ length: Int, _ single: Bool, _ result: UnsafeMutablePointer<Double>
) {
    // Safety: beyond their offsets the arrays hold rows × length and columns × length elements.
    left.withUnsafeBufferPointer { left in
        right.withUnsafeBufferPointer { right in
            guard let a = left.baseAddress, let b = right.baseAddress else { return }
            dotProductsAlone(
                a + leftOffset, rows: rows, b + rightOffset, columns: columns, length: length, single: single,
                into: result)
        }
    }
}
