import ElementTypes

extension Kernel.Body {
    /// The symbols that occur in extents, indices and masks.
    package var symbols: Set<Variable> {
        var found: Set<Variable> = []
        _ = mapping { expression in
            found.formUnion(expression.variables.filter { $0.kind == .symbol })
            return expression
        }
        return found
    }

    /// The body with every integer expression replaced.
    package func mapping(_ change: (IntegerExpression) -> IntegerExpression) -> Self {
        switch self {
        case .nest(let nest):
            var nest = nest
            nest.axes = nest.axes.map { $0.mapping(change) }
            nest.steps = nest.steps.map { step in
                NestStep(
                    axes: step.axes.map { $0.mapping(change) }, body: step.body.mapping(change),
                    effects: step.effects.map { $0.mapping(change) })
            }
            return .nest(nest)
        case .contraction(let kernel):
            var kernel = kernel
            kernel.batch = kernel.batch.map { $0.mapping(change) }
            kernel.rows = kernel.rows.map { $0.mapping(change) }
            kernel.columns = kernel.columns.map { $0.mapping(change) }
            kernel.taps = kernel.taps.map { $0.mapping(change) }
            kernel.depth = kernel.depth.mapping(change)
            kernel.left = kernel.left.mapping(change)
            kernel.right = kernel.right.mapping(change)
            kernel.gate = kernel.gate?.mapping(change)
            kernel.rowSums = kernel.rowSums.map { $0.mapping(change) }
            kernel.epilogue = kernel.epilogue.mapping(change)
            kernel.stores = kernel.stores.map { $0.mapping(change) }
            return .contraction(kernel)
        case .attention(let kernel):
            var kernel = kernel
            kernel.batch = kernel.batch.mapping(change)
            kernel.keyHeads = kernel.keyHeads.mapping(change)
            kernel.group = kernel.group.mapping(change)
            kernel.queries = kernel.queries.mapping(change)
            kernel.keys = kernel.keys.mapping(change)
            kernel.depth = kernel.depth.mapping(change)
            kernel.valueDepth = kernel.valueDepth.mapping(change)
            kernel.query = kernel.query.mapping(change)
            kernel.key = kernel.key.mapping(change)
            kernel.value = kernel.value.mapping(change)
            kernel.mask = kernel.mask?.mapping(change)
            kernel.epilogue = kernel.epilogue.mapping(change)
            kernel.stores = kernel.stores.map { $0.mapping(change) }
            return .attention(kernel)
        case .recurrence(let kernel):
            var kernel = kernel
            kernel.time = kernel.time.mapping(change)
            kernel.batch = kernel.batch.mapping(change)
            kernel.hidden = kernel.hidden.mapping(change)
            kernel.gate = kernel.gate.mapping(change)
            kernel.depth = kernel.depth.mapping(change)
            kernel.projected = kernel.projected.mapping(change)
            kernel.recurrent = kernel.recurrent.mapping(change)
            kernel.recurrentBias = kernel.recurrentBias?.mapping(change)
            kernel.projection = kernel.projection?.mapping(change)
            kernel.initialHidden = kernel.initialHidden.mapping(change)
            kernel.initialCell = kernel.initialCell?.mapping(change)
            kernel.outputs = kernel.outputs?.mapping(change)
            kernel.lastHidden = kernel.lastHidden?.mapping(change)
            kernel.lastCell = kernel.lastCell?.mapping(change)
            return .recurrence(kernel)
        case .sort(let kernel):
            var kernel = kernel
            kernel.axes = kernel.axes.map { $0.mapping(change) }
            kernel.axis = kernel.axis.mapping(change)
            kernel.limit = change(kernel.limit)
            kernel.value = kernel.value.mapping(change)
            kernel.values = kernel.values?.mapping(change)
            kernel.positions = kernel.positions?.mapping(change)
            return .sort(kernel)
        }
    }
}

extension LoopAxis {
    /// The axis with its extent replaced.
    package func mapping(_ change: (IntegerExpression) -> IntegerExpression) -> Self { Self(variable, change(extent)) }
}

extension ScalarBody {
    /// The body with every integer expression replaced.
    package func mapping(_ change: (IntegerExpression) -> IntegerExpression) -> Self {
        ScalarBody(
            nodes: nodes.map { node in
                switch node {
                case .load(let parameter, let index, let mask):
                    .load(parameter: parameter, index: change(index), mask: mask.map(change))
                case .integerExpression(let expression): .integerExpression(change(expression))
                case .condition(let mask): .condition(mask.map(change))
                case .position(let operand, let extent, let mask):
                    .position(operand, extent: change(extent), mask: mask.map(change))
                case .real, .integer, .truth, .apply, .cast, .slot, .row, .accumulator, .scan: node
                }
            })
    }
}

extension ScalarFunction {
    /// The function with every integer expression replaced.
    package func mapping(_ change: (IntegerExpression) -> IntegerExpression) -> Self {
        Self(body: body.mapping(change), result: result)
    }
}

extension Store {
    /// The store with every integer expression replaced.
    package func mapping(_ change: (IntegerExpression) -> IntegerExpression) -> Self {
        var store = self
        store.index = change(index)
        store.mask = mask.map(change)
        return store
    }
}

extension NestStep.Effect {
    /// The effect with every integer expression replaced.
    package func mapping(_ change: (IntegerExpression) -> IntegerExpression) -> Self {
        switch self {
        case .store(let store): .store(store.mapping(change))
        case .reduce(let kind, let value, let position, let slot):
            .reduce(kind, value: value, position: position.map(change), slot: slot)
        case .keep: self
        }
    }
}

extension RecurrenceKernel.Target {
    /// The target with its index replaced.
    package func mapping(_ change: (IntegerExpression) -> IntegerExpression) -> Self {
        Self(parameter: parameter, index: change(index))
    }
}
