import ElementTypes

/// A straight-line computation of scalars at one point of a loop nest: nodes that refer to earlier ones.
///
/// Every value has a compute type (f32, f64, i64 or bool). A variable of kind `.value` in an integer expression stands for
/// the i64 node of that number: that is how an indirect index is written.
package struct ScalarBody: Hashable, Sendable {
    /// One value.
    package enum Node: Hashable, Sendable {
        /// Element `index` (in elements from the buffer's start) of a parameter, converted to its compute type; 0 where an
        /// expression of `mask` is negative (then nothing is read).
        case load(parameter: Int, index: IntegerExpression, mask: [IntegerExpression])
        /// The value of an integer expression over loop variables and symbols, as i64.
        case integerExpression(IntegerExpression)
        /// Whether all expressions are at least 0.
        case condition([IntegerExpression])
        /// A constant of compute type f32 or f64, by its bits as a double.
        case real(bits: UInt64, ElementType)
        /// An integer constant.
        case integer(Int64)
        /// A truth value.
        case truth(Bool)
        /// A scalar operation.
        case apply(ScalarOperation, [Int])
        /// Conversion to a storage type and back to its compute type, rounding as PyTorch does.
        case cast(Int, ElementType)
        /// The result of a reduction of an earlier step (nest kernels).
        case slot(Int)
        /// An i64 node as a position of an axis: brought into `0..<extent`, so that no input can make a kernel leave its
        /// buffers. A nest kernel whose position was outside, at a point where no expression of `mask` is negative, returns
        /// an error code.
        case position(Int, extent: IntegerExpression, mask: [IntegerExpression])
        /// What an earlier step kept for this inner point (nest kernels).
        case row(Int)
        /// What the kernel has computed for this point before its epilogue (contraction, attention, recurrence); f32.
        case accumulator
        /// The combination of a value at this and all earlier indices of the step's last axis (nest kernels).
        case scan(ReductionKind, Int)
    }

    /// Values in order; operands stand before their uses.
    package var nodes: [Node]

    /// An empty body.
    package init(nodes: [Node] = []) { self.nodes = nodes }

    /// Adds a node, or finds an equal one.
    package mutating func emit(_ node: Node) -> Int {
        if let index = nodes.firstIndex(of: node) { return index }
        nodes.append(node)
        return nodes.count - 1
    }

    /// The compute type of every node, for the given parameters, slots and rows.
    package func types(
        parameters: [KernelParameter], slots: [ElementType] = [], rows: [ElementType] = [],
        accumulator: ElementType = .f32
    ) -> [ElementType] {
        var types: [ElementType] = []
        for node in nodes {
            switch node {
            case .load(let parameter, _, _): types.append(parameters[parameter].element.computeType)
            case .integerExpression, .integer, .position: types.append(.i64)
            case .condition, .truth: types.append(.bool)
            case .real(_, let type): types.append(type)
            case .apply(let operation, let operands): types.append(operation.resultType(operands.map { types[$0] }))
            case .cast(_, let type): types.append(type.computeType)
            case .slot(let slot): types.append(slots[slot])
            case .row(let row): types.append(rows[row].computeType)
            case .accumulator: types.append(accumulator)
            case .scan(_, let operand): types.append(types[operand])
            }
        }
        return types
    }
}

/// A body whose last-computed value is `result`.
package struct ScalarFunction: Hashable, Sendable {
    package var body: ScalarBody
    /// The node that is the value.
    package var result: Int

    /// Makes a function.
    package init(body: ScalarBody, result: Int) {
        self.body = body
        self.result = result
    }

    /// Whether any index or condition hangs on a variable.
    package func uses(_ variable: Variable) -> Bool {
        var isUsed = false
        _ = body.mapping { expression in
            if expression.variables.contains(variable) { isUsed = true }
            return expression
        }
        return isUsed
    }

    /// The load and nothing else, when the function is a plain load.
    package var plainLoad: (parameter: Int, index: IntegerExpression, mask: [IntegerExpression])? {
        guard case .load(let parameter, let index, let mask) = body.nodes[result] else { return nil }
        return (parameter, index, mask)
    }
}

/// How values combine along axes.
package enum ReductionKind: String, CaseIterable, Hashable, Sendable {
    case sum, product, minimum, maximum, any, all
    /// Position of the first extremum (NaN counts as extreme); the value is a pair, the slot holds the position as i64.
    case argMinimum, argMaximum
    /// `log(Σ exp)`; scans only.
    case logSumExp
}

/// A value written to a parameter.
package struct Store: Hashable, Sendable {
    package var parameter: Int
    /// Element from the buffer's start.
    package var index: IntegerExpression
    /// Node of the body that is written, converted to the parameter's element type.
    package var value: Int
    /// How it combines with what is there; nil replaces it.
    package var combine: ReductionKind?
    /// Written only where all are at least 0.
    package var mask: [IntegerExpression]

    /// Makes a store.
    package init(
        parameter: Int, index: IntegerExpression, value: Int, combine: ReductionKind? = nil,
        mask: [IntegerExpression] = []
    ) {
        self.parameter = parameter
        self.index = index
        self.value = value
        self.combine = combine
        self.mask = mask
    }
}
