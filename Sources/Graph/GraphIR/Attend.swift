import ElementTypes

/// Scaled dot-product attention: `softmax(q·kᵀ × scale + mask)·v`. Operands q `[batch, heads, queries, headDim]`,
/// k `[batch, keyHeads, keys, headDim]`, v `[batch, keyHeads, keys, valueDim]` and, with `hasMask`, a mask that is already
/// expanded to `[batch, heads, queries, keys]`: bool (false hides) or floating (added). Query head h reads key head
/// `h / (heads / keyHeads)`. A row whose keys are all hidden gives zeros, as PyTorch's math and fused CPU kernels do; the
/// interpreter's file states the other corners. Result `[batch, heads, queries, valueDim]`.
package struct Attend: Hashable, Sendable {
    package var hasMask: Bool
    /// Query i sees keys 0…i.
    package var isCausal: Bool
    /// Factor of the scores, as bits so that it hashes.
    package var scaleBits: UInt64
    /// Factor of the scores.
    package var scale: Double { Double(bitPattern: scaleBits) }

    /// Makes an attention.
    package init(hasMask: Bool, isCausal: Bool, scale: Double) {
        self.hasMask = hasMask
        self.isCausal = isCausal
        scaleBits = scale.bitPattern
    }

    func results(_ rule: ShapeRule) throws(ShapeError) -> [TensorType] {
        try rule.requireOperands(hasMask ? 4 : 3)
        let (q, k, v) = (rule.operands[0], rule.operands[1], rule.operands[2])
        try rule.require([q, k, v].allSatisfy { $0.shape.count == 4 && $0.element == q.element }, "expected rank 4")
        try rule.require(
            q.shape[0] == k.shape[0] && k.shape[0] == v.shape[0] && k.shape[1] == v.shape[1]
                && k.shape[2] == v.shape[2] && q.shape[3] == k.shape[3], "extents do not fit")
        if let heads = q.shape[1].constantValue, let keyHeads = k.shape[1].constantValue {
            try rule.require(keyHeads > 0 && heads % keyHeads == 0, "\(heads) heads over \(keyHeads) key heads")
        }
        if hasMask {
            let mask = rule.operands[3]
            try rule.require(
                mask.shape == [q.shape[0], q.shape[1], q.shape[2], k.shape[2]], "the mask has the wrong shape")
            try rule.require(
                mask.element == .bool || mask.element.isFloatingPoint, "the mask is neither bool nor floating")
        }
        return [TensorType(q.element, [q.shape[0], q.shape[1], q.shape[2], v.shape[3]])]
    }
}

/// One layer of a recurrent network in one direction, gates ordered as in PyTorch (LSTM i f g o; GRU r z n).
/// Operands: x `[time, batch, input]`, h0 `[batch, hidden]`, for LSTM c0 `[batch, hidden]`, input weights
/// `[gates × hidden, input]`, recurrent weights `[gates × hidden, hidden]`, with `hasBias` both biases `[gates × hidden]`
/// and, with `hasProjection` (LSTM only), a projection `[projected, hidden]`: h is then the projection of what the cell
/// gives and `projected` long wherever h occurs, c stays `hidden` long. Results: outputs `[time, batch, hidden]`, last h and,
/// for LSTM, last c.
package struct Recur: Hashable, Sendable {
    /// The cell.
    package enum Cell: String, CaseIterable, Hashable, Sendable {
        case lstm, gru, tanh, relu

        /// Number of gates.
        package var gates: Int {
            switch self {
            case .lstm: 4
            case .gru: 3
            case .tanh, .relu: 1
            }
        }
    }

    package var cell: Cell
    package var hasBias: Bool
    /// Whether time runs backwards (outputs stay in their places).
    package var isReverse: Bool
    /// Whether h is projected after every step (Sak et al. 2014).
    package var hasProjection: Bool

    /// Makes a recurrent layer.
    package init(_ cell: Cell, hasBias: Bool, isReverse: Bool, hasProjection: Bool = false) {
        self.cell = cell
        self.hasBias = hasBias
        self.isReverse = isReverse
        self.hasProjection = hasProjection
    }

    func results(_ rule: ShapeRule) throws(ShapeError) -> [TensorType] {
        let states = cell == .lstm ? 2 : 1
        try rule.requireOperands(1 + states + 2 + (hasBias ? 2 : 0) + (hasProjection ? 1 : 0))
        let (x, h, c) = (rule.operands[0], rule.operands[1], rule.operands[states])
        try rule.require(
            x.shape.count == 3 && h.shape.count == 2 && c.shape.count == 2, "expected ranks 3, 2 and 2")
        try rule.require(!hasProjection || cell == .lstm, "only an LSTM is projected")
        let rows = c.shape[1] * cell.gates
        try rule.require(
            h.shape[0] == x.shape[1] && c.shape[0] == x.shape[1] && (hasProjection || h.shape == c.shape),
            "state shapes")
        try rule.require(
            rule.operands[1 + states].shape == [rows, x.shape[2]]
                && rule.operands[2 + states].shape == [rows, h.shape[1]], "weight shapes")
        for bias in rule.operands[(3 + states)...].prefix(hasBias ? 2 : 0) {
            try rule.require(bias.shape == [rows], "bias shape")
        }
        if hasProjection, let projection = rule.operands.last {
            try rule.require(projection.shape == [h.shape[1], c.shape[1]], "projection shape")
        }
        return [TensorType(x.element, [x.shape[0], x.shape[1], h.shape[1]])] + (states == 2 ? [h, c] : [h])
    }
}
