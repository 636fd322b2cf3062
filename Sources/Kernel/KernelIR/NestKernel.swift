import ElementTypes

/// Steps that run one after another at every point of shared outer axes: maps, reductions, softmax, normalisations,
/// pooling, gathers, scans.
package struct NestKernel: Hashable, Sendable {
    /// Independent outer loops, outermost first, in the physical order of the main result.
    package var axes: [LoopAxis]
    package var steps: [NestStep]
    /// Compute types of the reduction results.
    package var slots: [ElementType]
    /// Storage types of values kept between steps for all inner points of one outer point.
    package var rows: [ElementType]
    /// Whether the points must run one after another in order (scatters whose positions may repeat).
    package var isSerial: Bool

    /// Makes a nest.
    package init(
        axes: [LoopAxis], steps: [NestStep], slots: [ElementType] = [], rows: [ElementType] = [], isSerial: Bool = false
    ) {
        self.axes = axes
        self.steps = steps
        self.slots = slots
        self.rows = rows
        self.isSerial = isSerial
    }
}

/// Inner loops, what is computed at each of their points, and what becomes of it.
package struct NestStep: Hashable, Sendable {
    /// What happens to a value at every inner point.
    package enum Effect: Hashable, Sendable {
        case store(Store)
        /// Combines node `value` over the step's axes into a slot. Arg-reductions take the position from `position`.
        case reduce(ReductionKind, value: Int, position: IntegerExpression?, slot: Int)
        /// Keeps node `value` in a row buffer for later steps over equal axes.
        case keep(value: Int, row: Int)
    }

    /// Inner loops, outermost first. Steps that share rows have equal extents.
    package var axes: [LoopAxis]
    package var body: ScalarBody
    package var effects: [Effect]

    /// Makes a step.
    package init(axes: [LoopAxis], body: ScalarBody, effects: [Effect]) {
        self.axes = axes
        self.body = body
        self.effects = effects
    }
}
