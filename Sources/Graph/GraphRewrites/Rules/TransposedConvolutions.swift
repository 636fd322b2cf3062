import Base
import ElementTypes
import GraphIR

/// Transposed convolutions by steps as plain ones.
let convolutionRules: [RewriteRule] = [
    RewriteRule("transposed convolution -> convolution by the filters of each step, interleaved", directConvolution)
]

/// A result's place `o` along an axis takes the taps `k` with `o + p − k` a multiple of the step `s`: `k = r + s·t` with `r = (o + p) mod s`. So
/// the results of one remainder `r` are a convolution by every `s`-th tap, all remainders are one with `s` times the filters, and the
/// results lie interleaved (W. Shi and others, "Is the deconvolution layer the same as a convolutional layer?", 2016). Taps beyond the
/// filter are zeros: of a window of 3 by steps of 2 a quarter a dimension is computed for nothing, where a sum over all taps
/// would pass over half of them.
private func directConvolution(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    let node = c.graph.nodes[id]
    guard case .convolve(let convolve) = node.operation, convolve.isTransposed,
        convolve.paddingLow == convolve.paddingHigh
    else { return nil }
    let (input, weight) = (node.operands[0], node.operands[1])
    let (from, to, filter) = (c.shape(input), node.results[0].shape, c.shape(weight))
    let (rank, groups, steps) = (convolve.stride.count, convolve.groups, convolve.stride)
    guard let channels = filter[0].constantValue, let outputs = filter[1].constantValue, channels % groups == 0,
        // Filters of one channel are read by kernels of their own, as windows. Of few channels products need many results.
        channels / groups >= 4 || groups == 1 && outputs >= 8,
        zip(steps, convolve.dilation).allSatisfy({ $0 == 1 || $1 == 1 })
    else { return nil }
    var (taps, low, high) = ([Int](), [Int](), [Int]())
    for axis in 0..<rank {
        guard let window = filter[axis + 2].constantValue, window > 0 else { return nil }
        let (step, dilation, padding) = (steps[axis], convolve.dilation[axis], convolve.paddingLow[axis])
        let reach = (window - 1) * dilation + 1
        // Results of all remainders, from the steps of the first one wanted to those of the last.
        let more = reach - 1 - padding + convolve.outputPadding[axis]
        guard more >= 0, padding < reach else { return nil }
        taps.append((window + step - 1) / step)
        low.append(step == 1 ? reach - 1 - padding : taps[axis] - 1 - padding / step)
        high.append(more / step)
    }
    // [groups, channels, outputs, (taps, steps)…] with taps turned about, as [groups · outputs · steps…, channels, taps…].
    let rests = zip(taps, steps).enumerated().map { axis, pair in
        pair.0 * pair.1 - (filter[axis + 2].constantValue ?? 0)
    }
    var filters = c.moved(weight)
    let zeros = [Dimension(0), Dimension(0)]
    if rests.contains(where: { $0 > 0 }) {
        filters = try c.builder.view(
            .pad(low: zeros + rests.map { _ in 0 }, high: zeros + rests.map { Dimension($0) }, value: .init(0)), filters
        )
    }
    let parts: Shape = [Dimension(groups), Dimension(channels / groups), Dimension(outputs)]
    filters = try c.builder.reshape(filters, parts + zip(taps, steps).flatMap { [Dimension($0), Dimension($1)] })
    let tapAxes = (0..<rank).map { 3 + 2 * $0 }
    filters = try c.builder.view(.flip(tapAxes), filters)
    filters = try c.builder.view(.permute([0, 2] + tapAxes.map { $0 + 1 } + [1] + tapAxes), filters)
    let copies = steps.reduce(1, *)
    filters = try c.builder.reshape(
        filters, [Dimension(groups * outputs * copies), Dimension(channels / groups)] + taps.map { Dimension($0) })

    var direct = convolve
    (direct.isTransposed, direct.stride) = (false, steps.map { _ in 1 })
    direct.outputPadding = steps.map { _ in 0 }
    (direct.paddingLow, direct.paddingHigh) = (low, high)
    var result = try c.builder.add(.convolve(direct), [c.moved(input), filters])
    if copies > 1 {
        // [images, filters, steps…, places…] with each place's steps beside one another.
        let places = Array(c.builder.shape(result)[2...])
        let split: Shape = [from[0], Dimension(groups * outputs)] + steps.map { Dimension($0) } + places
        result = try c.builder.reshape(result, split)
        result = try c.builder.view(.permute([0, 1] + (0..<rank).flatMap { [2 + rank + $0, 2 + $0] }), result)
        result = try c.builder.reshape(
            result, [from[0], Dimension(groups * outputs)] + zip(places, steps).map { $0 * Dimension($1) })
    }
    for axis in 0..<rank where c.builder.shape(result)[axis + 2] != to[axis + 2] {
        result = try c.builder.view(
            .slice(
                axis: axis + 2, start: Dimension(convolve.paddingLow[axis] % steps[axis]), count: to[axis + 2], step: 1),
            result)
    }
    return result
}
