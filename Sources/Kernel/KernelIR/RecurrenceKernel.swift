import ElementTypes

/// A recurrent cell over time. The products with the inputs are computed before, by a contraction; what stays is
/// `gates(t) = projected(t) + R·h(t−1) + recurrentBias` and the cell. Gates are ordered as in PyTorch (LSTM i f g o; GRU r z n).
package struct RecurrenceKernel: Hashable, Sendable {
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
    /// Steps in time; `isReverse` runs from the last to the first.
    package var time: LoopAxis
    package var isReverse: Bool
    package var batch: LoopAxis
    package var hidden: LoopAxis
    /// Which gate, extent `cell.gates`.
    package var gate: LoopAxis
    /// Summed axis of the recurrent product: the units of h, as many as `hidden` unless there is a projection.
    package var depth: LoopAxis
    /// Input product with the input's bias, over time, batch, gate, hidden.
    package var projected: ScalarFunction
    /// Over gate, hidden, depth; constant weights are packed at build time.
    package var recurrent: ScalarFunction
    /// Over gate, hidden; nil when there is none (or it is already in `projected`, which only the GRU's last gate forbids).
    package var recurrentBias: ScalarFunction?
    /// Over depth and hidden: what h is of what the cell gives; nil where it is that. With it, h is indexed by `depth`, not
    /// `hidden`, in `initialHidden`, `outputs` and `lastHidden`.
    package var projection: ScalarFunction?
    /// Initial h, over batch and hidden.
    package var initialHidden: ScalarFunction
    /// Initial c of an LSTM, over batch and hidden.
    package var initialCell: ScalarFunction?
    /// Parameter that receives h at every step and its index over time, batch, hidden; nil when unused.
    package var outputs: Target?
    /// Parameter that receives the last h, over batch and hidden; nil when unused.
    package var lastHidden: Target?
    /// Parameter that receives the last c, over batch and hidden; nil when unused.
    package var lastCell: Target?

    /// A parameter and the index of the element written.
    package struct Target: Hashable, Sendable {
        package var parameter: Int
        package var index: IntegerExpression

        /// Makes a target.
        package init(parameter: Int, index: IntegerExpression) {
            self.parameter = parameter
            self.index = index
        }
    }

    /// Makes a recurrence.
    package init(
        cell: Cell, time: LoopAxis, isReverse: Bool, batch: LoopAxis, hidden: LoopAxis, gate: LoopAxis, depth: LoopAxis,
        projected: ScalarFunction, recurrent: ScalarFunction, recurrentBias: ScalarFunction?,
        projection: ScalarFunction? = nil, initialHidden: ScalarFunction, initialCell: ScalarFunction?,
        outputs: Target?, lastHidden: Target?,
        lastCell: Target?
    ) {
        self.cell = cell
        self.time = time
        self.isReverse = isReverse
        self.batch = batch
        self.hidden = hidden
        self.gate = gate
        self.depth = depth
        self.projected = projected
        self.recurrent = recurrent
        self.recurrentBias = recurrentBias
        self.projection = projection
        self.initialHidden = initialHidden
        self.initialCell = initialCell
        self.outputs = outputs
        self.lastHidden = lastHidden
        self.lastCell = lastCell
    }
}

/// Stable sort of `value` along `axis` at every point of the outer axes.
package struct SortKernel: Hashable, Sendable {
    /// Independent loops.
    package var axes: [LoopAxis]
    /// The axis along which elements are ordered.
    package var axis: LoopAxis
    /// Number of elements kept.
    package var limit: IntegerExpression
    package var isDescending: Bool
    /// Over axes and axis.
    package var value: ScalarFunction
    /// Receives the ordered values; its index is over axes and axis (then the rank); nil when unused.
    package var values: RecurrenceKernel.Target?
    /// Receives the positions as i64.
    package var positions: RecurrenceKernel.Target?

    /// Makes a sort.
    package init(
        axes: [LoopAxis], axis: LoopAxis, limit: IntegerExpression, isDescending: Bool, value: ScalarFunction,
        values: RecurrenceKernel.Target?, positions: RecurrenceKernel.Target?
    ) {
        self.axes = axes
        self.axis = axis
        self.limit = limit
        self.isDescending = isDescending
        self.value = value
        self.values = values
        self.positions = positions
    }
}
