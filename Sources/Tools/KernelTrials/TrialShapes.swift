import ElementTypes
import KernelIR

func axis(_ number: Int, _ extent: Int) -> LoopAxis {
    LoopAxis(Variable(.axis, number), IntegerExpression(extent))
}

func at(_ axis: LoopAxis) -> IntegerExpression {
    axis.extent == 1 ? 0 : IntegerExpression(axis.variable)
}

func load(_ parameter: Int, _ index: IntegerExpression, _ mask: [IntegerExpression] = []) -> ScalarFunction {
    ScalarFunction(body: ScalarBody(nodes: [.load(parameter: parameter, index: index, mask: mask)]), result: 0)
}

func parameter(
    _ element: ElementType, _ count: Int, _ access: KernelParameter.Access = .read, constant: Bool = false
)
    -> KernelParameter
{
    KernelParameter(element: element, count: IntegerExpression(count), access: access, isConstant: constant)
}

/// Kernels of given sizes; parameters are numbers between −1 and 1 but for the last, which is written.
enum TrialShapes {
    /// `y[m, n] = silu(Σ x[m, k] · w[n, k]) + r[m, n]` in `element`, with a gate `x · silu(g)` as a prologue where asked.
    static func product(
        _ rows: Int, _ depth: Int, _ columns: Int, _ element: ElementType, hasPrologue: Bool = false,
        isConstant: Bool = true
    ) -> Kernel {
        let (m, n, k) = (axis(0, rows), axis(1, columns), axis(2, depth))
        var left = load(0, at(m) * depth + at(k))
        if hasPrologue {
            let gate = left.body.emit(.load(parameter: 3, index: at(m) * depth + at(k), mask: []))
            left.result = left.body.emit(.apply(.multiply, [left.result, silu(&left.body, gate)]))
        }
        var epilogue = ScalarBody()
        let sum = epilogue.emit(.accumulator)
        let rest = epilogue.emit(.load(parameter: 2, index: at(m) * columns + at(n), mask: []))
        let value = epilogue.emit(.apply(.add, [silu(&epilogue, sum), rest]))
        let body = ContractionKernel(
            batch: [], rows: [m], columns: [n], taps: [], depth: k, left: left,
            right: load(1, at(n) * depth + at(k)), operandElement: element, epilogue: epilogue,
            stores: [Store(parameter: 4, index: at(m) * columns + at(n), value: value)])
        return kernel(
            [
                parameter(element, rows * depth), parameter(element, columns * depth, constant: isConstant),
                parameter(element, rows * columns), parameter(element, rows * depth),
                parameter(element, rows * columns, .write),
            ], .contraction(body))
    }

    /// `y[m, n] = Σ x[m, k] · w[n, k] + b[n]` in `element`; turned, of two inputs, as `x[m, k] · w[k, n]`.
    static func linear(
        _ rows: Int, _ depth: Int, _ columns: Int, _ element: ElementType, isTurned: Bool = false
    ) -> Kernel {
        let (m, n, k) = (axis(0, rows), axis(1, columns), axis(2, depth))
        var epilogue = ScalarBody()
        let sum = epilogue.emit(.accumulator)
        let bias = epilogue.emit(.load(parameter: 2, index: at(n), mask: []))
        let value = epilogue.emit(.apply(.add, [sum, bias]))
        let body = ContractionKernel(
            batch: [], rows: [m], columns: [n], taps: [], depth: k, left: load(0, at(m) * depth + at(k)),
            right: load(1, isTurned ? at(k) * columns + at(n) : at(n) * depth + at(k)), operandElement: element,
            epilogue: epilogue,
            stores: [Store(parameter: 3, index: at(m) * columns + at(n), value: value)])
        return kernel(
            [
                parameter(element, rows * depth), parameter(element, columns * depth, constant: !isTurned),
                parameter(element, columns, constant: true), parameter(element, rows * columns, .write),
            ], .contraction(body))
    }

    /// `y[m, n] = Σ x[m, k] · w[n, k] + r[m, n]` with `w` from codes and scales, as `hearth optimize --weights` stores them.
    static func coded(_ rows: Int, _ depth: Int, _ columns: Int, _ element: ElementType, _ format: WeightFormat)
        -> Kernel
    {
        let (m, n, k) = (axis(0, rows), axis(1, columns), axis(2, depth))
        var right = ScalarBody()
        let code: Int
        var place = at(n)
        var (codes, scales) = (columns * depth, columns)
        switch format {
        case .fp8: code = right.emit(.load(parameter: 1, index: at(n) * depth + at(k), mask: []))
        case .int8:
            let byte = right.emit(.load(parameter: 1, index: at(n) * depth + at(k), mask: []))
            code = right.emit(.cast(byte, element))
        case .int4:
            var ranges = VariableRanges()
            ranges.declare(k.variable, extent: k.extent)
            let inside = at(k).modulo(32, ranges)
            let block = at(k).floorDivided(by: 32, ranges)
            let index = at(n) * (depth / 2) + block * 16 + inside.modulo(16, ranges)
            let byte = right.emit(.load(parameter: 1, index: index, mask: []))
            let low = right.emit(.apply(.and, [byte, right.emit(.integer(15))]))
            let high = right.emit(.apply(.shiftRight, [byte, right.emit(.integer(4))]))
            let isLow = right.emit(.condition([15 - inside]))
            let half = right.emit(.apply(.select, [isLow, low, high]))
            let centred = right.emit(.apply(.subtract, [half, right.emit(.integer(8))]))
            code = right.emit(.cast(centred, element))
            place = at(n) * (depth / 32) + block
            (codes, scales) = (columns * depth / 2, columns * depth / 32)
        }
        let scale = right.emit(.load(parameter: 2, index: place, mask: []))
        let value = right.emit(.apply(.multiply, [code, scale]))
        var epilogue = ScalarBody()
        let sum = epilogue.emit(.accumulator)
        let rest = epilogue.emit(.load(parameter: 3, index: at(m) * columns + at(n), mask: []))
        let result = epilogue.emit(.apply(.add, [sum, rest]))
        let body = ContractionKernel(
            batch: [], rows: [m], columns: [n], taps: [], depth: k, left: load(0, at(m) * depth + at(k)),
            right: ScalarFunction(body: right, result: value), operandElement: element, epilogue: epilogue,
            stores: [Store(parameter: 4, index: at(m) * columns + at(n), value: result)])
        return kernel(
            [
                parameter(element, rows * depth), parameter(format.codes, codes, constant: true),
                parameter(format.scales, scales, constant: true), parameter(element, rows * columns),
                parameter(element, rows * columns, .write),
            ], .contraction(body))
    }

    static func silu(_ body: inout ScalarBody, _ x: Int) -> Int {
        let one = body.emit(.real(bits: (1.0).bitPattern, .f32))
        let fall = body.emit(.apply(.exp, [body.emit(.apply(.negate, [x]))]))
        return body.emit(.apply(.divide, [x, body.emit(.apply(.add, [one, fall]))]))
    }

    /// A convolution of `[images, side, side, channels]`, or `[images, channels, side, side]` where planar, by
    /// `[outputs, window, window, channels]`, padded to keep its side.
    static func convolution(
        _ images: Int, _ side: Int, _ channels: Int, _ outputs: Int, window: Int, stride: Int, _ element: ElementType,
        isPlanar: Bool = false
    ) -> Kernel {
        let pad = window / 2
        let result = (side + 2 * pad - window) / stride + 1
        let (i, y, x, n) = (axis(0, images), axis(1, result), axis(2, result), axis(3, outputs))
        let (ky, kx, c) = (axis(4, window), axis(5, window), axis(6, channels))
        let row = at(y) * stride + at(ky) - pad
        let column = at(x) * stride + at(kx) - pad
        let limit = IntegerExpression(side - 1)
        let mask = pad == 0 ? [] : [row, limit - row, column, limit - column]
        let place =
            isPlanar
            ? ((at(i) * channels + at(c)) * side + row) * side + column
            : ((at(i) * side + row) * side + column) * channels + at(c)
        var epilogue = ScalarBody()
        let sum = epilogue.emit(.accumulator)
        let bias = epilogue.emit(.load(parameter: 2, index: at(n), mask: []))
        let zero = epilogue.emit(.real(bits: 0, .f32))
        let value = epilogue.emit(.apply(.maximum, [epilogue.emit(.apply(.add, [sum, bias])), zero]))
        let body = ContractionKernel(
            batch: [], rows: [i, y, x], columns: [n], taps: window == 1 ? [] : [ky, kx], depth: c,
            left: load(0, place, mask),
            right: load(1, ((at(n) * window + at(ky)) * window + at(kx)) * channels + at(c)), operandElement: element,
            epilogue: epilogue,
            stores: [
                Store(parameter: 3, index: ((at(i) * result + at(y)) * result + at(x)) * outputs + at(n), value: value)
            ])
        return kernel(
            [
                parameter(element, images * side * side * channels),
                parameter(element, outputs * window * window * channels, constant: true), parameter(.f32, outputs),
                parameter(element, images * result * result * outputs, .write),
            ], .contraction(body))
    }

    /// A convolution of `[images, depth, side, side, channels]` by windows of 3 in all three dimensions, with ReLU.
    static func volumes(
        _ images: Int, _ depth: Int, _ side: Int, _ channels: Int, _ outputs: Int, _ element: ElementType
    ) -> Kernel {
        let (i, n, c) = (axis(0, images), axis(4, outputs), axis(8, channels))
        let (extents, window) = ([depth, side, side], 3)
        let places = extents.enumerated().map { axis(1 + $0, $1) }
        let taps = extents.indices.map { axis(5 + $0, window) }
        var (from, to, weight) = (at(i), at(i), at(n))
        var mask: [IntegerExpression] = []
        for dimension in extents.indices {
            let place = at(places[dimension]) + at(taps[dimension]) - 1
            mask += [place, IntegerExpression(extents[dimension] - 1) - place]
            from = from * extents[dimension] + place
            to = to * extents[dimension] + at(places[dimension])
            weight = weight * window + at(taps[dimension])
        }
        var epilogue = ScalarBody()
        let zero = epilogue.emit(.real(bits: 0, .f32))
        let value = epilogue.emit(.apply(.maximum, [epilogue.emit(.accumulator), zero]))
        let body = ContractionKernel(
            batch: [], rows: [i] + places, columns: [n], taps: taps, depth: c,
            left: load(0, from * channels + at(c), mask), right: load(1, weight * channels + at(c)),
            operandElement: element, epilogue: epilogue,
            stores: [Store(parameter: 2, index: to * outputs + at(n), value: value)])
        let points = images * depth * side * side
        return kernel(
            [
                parameter(element, points * channels), parameter(element, outputs * 27 * channels, constant: true),
                parameter(element, points * outputs, .write),
            ], .contraction(body))
    }

    /// Attention over `[batch, heads, tokens, depth]`; `visible` hides all keys from that one on by a mask of bools, and
    /// `isAdded` adds a number to every score.
    static func attention(
        batch: Int = 1, keyHeads: Int, group: Int, queries: Int, keys: Int, depth: Int, _ element: ElementType,
        isCausal: Bool = false, visible: Int? = nil, isAdded: Bool = false
    ) -> Kernel {
        let axes = [batch, keyHeads, group, queries, keys, depth, depth].enumerated().map { axis($0, $1) }
        let (b, h, g, q, k, d, e) = (axes[0], axes[1], axes[2], axes[3], axes[4], axes[5], axes[6])
        let head = at(h) * group + at(g)
        let place = (at(b) * (keyHeads * group) + head) * queries + at(q)
        var mask: ScalarFunction?
        if let visible {
            mask = ScalarFunction(
                body: ScalarBody(nodes: [.condition([IntegerExpression(visible - 1) - at(k)])]), result: 0)
        } else if isAdded {
            mask = load(3, at(q) * keys + at(k))
        }
        var epilogue = ScalarBody()
        let value = epilogue.emit(.accumulator)
        let body = AttentionKernel(
            batch: b, keyHeads: h, group: g, queries: q, keys: k, depth: d, valueDepth: e,
            query: load(0, place * depth + at(d)),
            key: load(1, ((at(b) * keyHeads + at(h)) * keys + at(k)) * depth + at(d)),
            value: load(2, ((at(b) * keyHeads + at(h)) * keys + at(k)) * depth + at(e)), mask: mask, isCausal: isCausal,
            scale: 4 / Double(depth).squareRoot(), operandElement: element, epilogue: epilogue,
            stores: [Store(parameter: 4, index: place * depth + at(e), value: value)])
        let rows = batch * keyHeads * group * queries
        return kernel(
            [
                parameter(element, rows * depth), parameter(element, batch * keyHeads * keys * depth),
                parameter(element, batch * keyHeads * keys * depth), parameter(.f32, queries * keys),
                parameter(element, rows * depth, .write),
            ], .attention(body))
    }

    /// A recurrent cell over `[time, batch, gates, hidden]`.
    static func recurrence(_ cell: RecurrenceKernel.Cell, time: Int, batch: Int, hidden: Int, _ element: ElementType)
        -> Kernel
    {
        let (t, b, h, g, d) = (axis(0, time), axis(1, batch), axis(2, hidden), axis(3, cell.gates), axis(4, hidden))
        let state = at(b) * hidden + at(h)
        var recurrent = load(1, (at(g) * hidden + at(h)) * hidden + at(d))
        // Of a size at which states neither die nor saturate.
        let factor = recurrent.body.emit(.real(bits: (2 / Double(hidden).squareRoot()).bitPattern, .f32))
        recurrent.result = recurrent.body.emit(.apply(.multiply, [recurrent.result, factor]))
        let body = RecurrenceKernel(
            cell: cell, time: t, isReverse: false, batch: b, hidden: h, gate: g, depth: d,
            projected: load(0, ((at(t) * batch + at(b)) * cell.gates + at(g)) * hidden + at(h)), recurrent: recurrent,
            recurrentBias: load(2, at(g) * hidden + at(h)), initialHidden: load(3, state),
            initialCell: cell == .lstm ? load(3, state) : nil,
            outputs: .init(parameter: 4, index: at(t) * batch * hidden + state), lastHidden: nil, lastCell: nil)
        return kernel(
            [
                parameter(.f32, time * batch * cell.gates * hidden),
                parameter(element, cell.gates * hidden * hidden, constant: true), parameter(.f32, cell.gates * hidden),
                parameter(.f32, batch * hidden), parameter(element, time * batch * hidden, .write),
            ], .recurrence(body))
    }

    /// `x / √(mean x² + ε) · w` over rows.
    static func rootMeanSquare(_ rows: Int, _ width: Int, _ element: ElementType) -> Kernel {
        let (m, k) = (axis(0, rows), axis(1, width))
        var first = ScalarBody()
        let x = first.emit(.load(parameter: 0, index: at(m) * width + at(k), mask: []))
        let square = first.emit(.apply(.multiply, [x, x]))
        var second = ScalarBody()
        let y = second.emit(.load(parameter: 0, index: at(m) * width + at(k), mask: []))
        let weight = second.emit(.load(parameter: 1, index: at(k), mask: []))
        let count = second.emit(.real(bits: (1 / Double(width)).bitPattern, .f32))
        let small = second.emit(.real(bits: (1e-5).bitPattern, .f32))
        let mean = second.emit(.apply(.multiply, [second.emit(.slot(0)), count]))
        let factor = second.emit(.apply(.reciprocalSquareRoot, [second.emit(.apply(.add, [mean, small]))]))
        let value = second.emit(.apply(.multiply, [second.emit(.apply(.multiply, [y, factor])), weight]))
        let nest = NestKernel(
            axes: [m],
            steps: [
                NestStep(axes: [k], body: first, effects: [.reduce(.sum, value: square, position: nil, slot: 0)]),
                NestStep(
                    axes: [k], body: second,
                    effects: [.store(Store(parameter: 2, index: at(m) * width + at(k), value: value))]),
            ], slots: [.f32])
        return kernel(
            [
                parameter(element, rows * width), parameter(element, width, constant: true),
                parameter(element, rows * width, .write),
            ], .nest(nest))
    }

    /// The largest `limit` of rows.
    static func sort(_ rows: Int, _ count: Int, limit: Int) -> Kernel {
        let (m, k) = (axis(0, rows), axis(1, count))
        let body = SortKernel(
            axes: [m], axis: k, limit: IntegerExpression(limit), isDescending: true,
            value: load(0, at(m) * count + at(k)), values: .init(parameter: 1, index: at(m) * limit + at(k)),
            positions: nil)
        return kernel([parameter(.f32, rows * count), parameter(.f32, rows * limit, .write)], .sort(body))
    }

    static func kernel(_ parameters: [KernelParameter], _ body: Kernel.Body) -> Kernel {
        Kernel(name: "trial", parameters: parameters, symbols: [], ranges: VariableRanges(), body: body)
    }
}
