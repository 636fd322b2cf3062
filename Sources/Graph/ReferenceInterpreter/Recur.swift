import ElementTypes
import Glibc
import GraphIR

/// Evaluates one layer of a recurrent network in one direction. Results: outputs, last h and, for LSTM, last c.
/// With `rounds`, h and c are rounded to the element type after every step, as separate operations would store them, and what
/// a step computes on the way is rounded to f32.
func evaluate(_ recur: Recur, _ operands: [TensorValue], rounds: Bool) throws(Fault) -> [TensorValue] {
    guard operands.allSatisfy({ $0.element.isFloatingPoint }) else { throw Fault("a recurrence over integers") }
    let element = operands[0].element
    let stateCount = recur.cell == .lstm ? 2 : 1
    let (x, inputWeights, hiddenWeights) = (operands[0], operands[1 + stateCount], operands[2 + stateCount])
    // h is `width` long, c and the gates `hidden`; without a projection that is the same.
    let (times, batch, inputs) = (x.shape[0], x.shape[1], x.shape[2])
    let (width, hidden) = (operands[1].shape[1], operands[stateCount].shape[1])
    let rows = recur.cell.gates * hidden
    let zeros = [Double](repeating: 0, count: rows)
    let inputBias = recur.hasBias ? operands[3 + stateCount].doubles : zeros
    let hiddenBias = recur.hasBias ? operands[4 + stateCount].doubles : zeros
    let single = rounds && element != .f64
    func round(_ value: Double) -> Double { rounds ? element.rounded(value) : value }
    func narrow(_ value: Double) -> Double { single ? Double(Float(value)) : value }
    func logistic(_ x: Double) -> Double { narrow(1 / (1 + exp(-x))) }
    func squashed(_ x: Double) -> Double { narrow(tanh(x)) }

    // All of the input's products at once, [time × batch, rows].
    let fromInput = products(x.doubles, times * batch, inputWeights.doubles, rows, inputs, single)
    let weights = hiddenWeights.doubles
    var h = operands[1].doubles
    var c = recur.cell == .lstm ? operands[2].doubles : []
    let projection = recur.hasProjection ? operands.last?.doubles : nil
    var outputs = [Double](repeating: 0, count: times * batch * width)
    for step in 0..<times {
        let time = recur.isReverse ? times - 1 - step : step
        let fromHidden = products(h, batch, weights, rows, width, single)
        var given = projection == nil ? h : [Double](repeating: 0, count: batch * hidden)
        for sample in 0..<batch {
            for unit in 0..<hidden {
                let index = sample * hidden + unit
                func input(_ gate: Int) -> Double {
                    let row = gate * hidden + unit
                    return narrow(fromInput[(time * batch + sample) * rows + row] + inputBias[row])
                }
                func recurrent(_ gate: Int) -> Double {
                    let row = gate * hidden + unit
                    return narrow(fromHidden[sample * rows + row] + hiddenBias[row])
                }
                func sum(_ gate: Int) -> Double { narrow(input(gate) + recurrent(gate)) }
                switch recur.cell {
                case .lstm:
                    c[index] = round(
                        narrow(logistic(sum(1)) * c[index]) + narrow(logistic(sum(0)) * squashed(sum(2))))
                    given[index] = round(logistic(sum(3)) * squashed(c[index]))
                case .gru:
                    let candidate = squashed(narrow(input(2) + narrow(logistic(sum(0)) * recurrent(2))))
                    let update = logistic(sum(1))
                    // PyTorch's form of (1 - update) * candidate + update * h.
                    given[index] =
                        single
                        ? round(candidate + narrow(update * narrow(h[index] - candidate)))
                        : (1 - update) * candidate + update * h[index]
                case .tanh: given[index] = round(tanh(sum(0)))
                case .relu: given[index] = round(larger(sum(0), 0))
                }
            }
        }
        h = projection.map { products(given, batch, $0, width, hidden, single).map(round) } ?? given
        outputs.replaceSubrange(time * batch * width..<(time + 1) * batch * width, with: h)
    }
    let last = TensorValue(element, [batch, width], h)
    return [TensorValue(element, [times, batch, width], outputs), last]
        + (recur.cell == .lstm ? [TensorValue(element, [batch, hidden], c)] : [])
}

private func products(_ left: [Double], _ rows: Int, _ right: [Double], _ columns: Int, _ length: Int, _ single: Bool)
    -> [Double]
{
    var result = [Double](repeating: 0, count: rows * columns)
    // Safety: the arrays hold rows × length, columns × length and rows × columns elements.
    left.withUnsafeBufferPointer { left in
        right.withUnsafeBufferPointer { right in
            result.withUnsafeMutableBufferPointer { result in
                guard let a = left.baseAddress, let b = right.baseAddress, let c = result.baseAddress else { return }
                dotProducts(a, rows: rows, b, columns: columns, length: length, single: single, into: c)
            }
        }
    }
    return result
}
