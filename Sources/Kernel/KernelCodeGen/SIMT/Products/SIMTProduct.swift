import ElementTypes
import KernelIR

/// A contraction brought to four loops: batch, row, column and one summed axis; what can be said of it before a choice is
/// taken.
struct SIMTProduct {
    let kernel: Kernel
    let target: SIMTTarget
    let batch: LoopAxis
    let row: LoopAxis
    /// Over the columns of the right operand: of a result's column those of its gate, one after the other.
    let column: LoopAxis
    /// Over the columns of the result.
    let result: LoopAxis
    let sum: LoopAxis
    /// What `sum` is made of, outermost first.
    let summed: [LoopAxis]
    /// Over batch, row and sum.
    let left: ScalarFunction
    /// Over batch, column and sum.
    let right: ScalarFunction
    /// Over batch, row and sum.
    let rowSums: [ScalarFunction]
    /// Right operands of a column of the result.
    let gates: Int
    /// Over batch, row and result.
    let epilogue: ScalarBody
    let stores: [Store]
    /// Type that the factors are rounded to.
    let element: ElementType
    /// What factors of f32 may be rounded to.
    let factors: FactorPrecision
    let ranges: VariableRanges

    /// Elements that one thread takes along the summed axis: 16 bytes of operands.
    static func runLength(_ element: ElementType) -> Int { element == .f32 ? 4 : 8 }

    var runLength: Int { Self.runLength(element) }
    var rows: Int? { row.extent.constantValue }
    var columns: Int? { column.extent.constantValue }
    var depth: Int? { sum.extent.constantValue }
    var batches: Int? { batch.extent.constantValue }

    init(_ kernel: Kernel, _ body: ContractionKernel, _ target: SIMTTarget) {
        self.kernel = kernel
        self.target = target
        func product(_ axes: [LoopAxis]) -> IntegerExpression { axes.reduce(1) { $0 * $1.extent } }
        batch = LoopAxis(Variable(.axis, 920_000), product(body.batch))
        row = LoopAxis(Variable(.axis, 920_001), product(body.rows))
        gates = body.gates
        column = LoopAxis(Variable(.axis, 920_002), product(body.columns) * IntegerExpression(gates))
        result = gates == 1 ? column : LoopAxis(Variable(.axis, 920_004), product(body.columns))
        // A summed axis along which the left operand is contiguous comes last.
        var summed = body.taps + [body.depth]
        if let (_, index, _) = body.left.plainLoad, index.linearCoefficient(of: body.depth.variable) != 1,
            let place = body.taps.lastIndex(where: {
                $0.extent != 1 && index.linearCoefficient(of: $0.variable) == 1
            })
        {
            summed.append(summed.remove(at: place))
        }
        sum = LoopAxis(Variable(.axis, 920_003), product(summed))
        self.summed = summed
        var ranges = kernel.ranges
        for axis in [batch, row, column, sum, result] { ranges.declare(axis.variable, extent: axis.extent) }
        for axis in body.batch + body.rows + body.columns + summed + (body.gate.map { [$0] } ?? []) {
            ranges.declare(axis.variable, extent: axis.extent)
        }
        self.ranges = ranges
        var places: [Variable: IntegerExpression] = [:]
        func spread(_ axes: [LoopAxis], _ flat: LoopAxis) {
            var rest = IntegerExpression(flat.variable)
            for (number, axis) in axes.enumerated().reversed() {
                places[axis.variable] = number == 0 ? rest : rest.modulo(axis.extent, ranges)
                rest = rest.floorDivided(by: axis.extent, ranges)
            }
        }
        spread(body.batch, batch)
        spread(body.rows, row)
        spread(body.columns, result)
        spread(summed, sum)
        func flat(_ function: ScalarFunction) -> ScalarFunction {
            ScalarFunction(body: function.body.replacing(ranges) { places[$0] }, result: function.result)
        }
        left = flat(body.left)
        rowSums = body.rowSums.map(flat)
        epilogue = body.epilogue.replacing(ranges) { places[$0] }
        stores = body.stores.map { store in
            var store = store
            store.index = store.index.substituting(ranges) { places[$0] }
            store.mask = store.mask.map { $0.substituting(ranges) { places[$0] } }
            return store
        }
        if let gate = body.gate {
            spread(body.columns + [gate], column)
        }
        right = flat(body.right)
        element = body.operandElement
        factors = body.factors
    }

    /// The contraction over four loops, for what walks kernels.
    var body: ContractionKernel {
        ContractionKernel(
            batch: [batch], rows: [row], columns: [column], taps: [], depth: sum, left: left, right: right,
            operandElement: element, epilogue: epilogue, stores: stores, rowSums: rowSums, factors: factors)
    }

    /// Whether products and sums are in f32 on operands that warps can multiply.
    var isReal: Bool {
        func isFloat(_ function: ScalarFunction) -> Bool {
            function.body.types(parameters: kernel.parameters)[function.result] == .f32
        }
        switch element {
        case .f32, .bf16, .f16: return isFloat(left) && isFloat(right)
        case .f64, .f8e4m3, .f8e5m2, .i64, .i32, .i16, .i8, .u8, .bool: return false
        }
    }

    /// Whether the epilogue reads one sum, the product's, and stores one value.
    var isPlain: Bool { gates == 1 && rowSums.isEmpty && body.storesPoints }

    /// What the left operand's values are rounded to before they are multiplied; nil where they stay as they are.
    var leftRounding: ElementType? {
        if let (parameter, _, _) = left.plainLoad, kernel.parameters[parameter].element == element { return nil }
        return element == .f32 || !rowSums.isEmpty ? nil : element
    }

    /// Sums that the epilogue reads.
    var sums: Int { gates + rowSums.count }

    /// Whether the right operand is known before the kernel runs, and before those that run before it.
    var isRightConstant: Bool { right.body.loadedParameters.allSatisfy { kernel.parameters[$0].isConstant } }

    /// A frame for a kernel of this product.
    func frame(_ symbol: String) -> SIMTFrame {
        SIMTFrame(
            kernel, .contraction(body), symbol: symbol, axes: [batch, row, column, sum, result], target)
    }

    /// A frame for a kernel that reads the right operand as it was packed, where it was: then not what it was made of.
    func frame(_ symbol: String, isPacked: Bool) -> SIMTFrame {
        var frame = frame(symbol)
        if isPacked { frame.hidden = packedParameters }
        return frame
    }

    /// Where the right operand is read from.
    enum Right {
        /// Runs of 16 bytes lie in a parameter as they are.
        case inPlace
        /// A constant that is rearranged to rows along the summed axis.
        case packed
        /// Computed where it is needed.
        case computed
    }

    /// How the right operand is read.
    var rightForm: Right {
        let frame = self.frame("probe")
        let address = frame.runAddress(
            "right", right, over: [batch, column, sum], along: sum, count: runLength, element: element)
        if address != nil, let depth, depth % runLength == 0,
            !frame.isMasked(right, along: sum, count: runLength)
        {
            return .inPlace
        }
        let isConstant = right.body.loadedParameters.allSatisfy { kernel.parameters[$0].isConstant }
        return isConstant && batches != nil && columns != nil && depth != nil ? .packed : .computed
    }

    /// Batches that the right operand differs in.
    var rightBatches: Int { right.body.variables.contains(batch.variable) ? batches ?? 1 : 1 }

    /// Elements of a packed row: the depth, filled up to whole runs.
    var packedDepth: Int { ((depth ?? 0) + runLength - 1) / runLength * runLength }

    /// The rearrangement of a constant right operand as host C: rows `[batch][column][packedDepth]` of `element`.
    func packing(_ symbol: String) -> (packing: EmittedKernel.Packing, source: String) {
        let columns = columns ?? 0
        return packing(
            symbol, rows: rightBatches * columns, length: packedDepth, batch: "row / \(columns)",
            column: "row % \(columns)",
            sum: "i")
    }

    /// The rearrangement of a constant right operand as host C: `rows` rows of `length` of `element`, each of one batch and column,
    /// which C texts give from the row's number `row`, as one does the summed element from a place `i` in the row. Where column or
    /// summed element are past their ends, zeros stand.
    func packing(_ symbol: String, rows: Int, length: Int, batch: String, column: String, sum: String) -> (
        packing: EmittedKernel.Packing, source: String
    ) {
        let name = "\(symbol)_pack"
        let sources = right.body.loadedParameters.sorted()
        let (b, n, s) = (self.batch.variable.name, self.column.variable.name, self.sum.variable.name)
        let type = CTypes.storage(element)
        var lines = sources.enumerated().map { place, number in
            "const \(CTypes.storage(kernel.parameters[number].element)) *const p\(number) = buffers[\(place)];"
        }
        for (number, symbol) in kernel.symbols.enumerated() {
            lines.append("const int64_t \(symbol.name) = dims[\(number)]; (void)\(symbol.name);")
        }
        let printer = BodyPrinter(
            parameters: kernel.parameters, index: IndexPrinter(ranges), lanes: 1, laneAxis: nil)
        let (statements, values) = printer.print(right.body, wanted: [right.result])
        guard let value = values[right.result] else { preconditionFailure("the value was not printed") }
        lines += [
            "\(type) *const packed = buffers[\(sources.count)]; (void)workspace;",
            "const int64_t rows = INT64_C(\(rows));",
            "for (int64_t row = rows * part / parts; row < rows * (part + 1) / parts; ++row) {",
            "const int64_t \(b) = \(batch), \(n) = \(column); (void)\(b);",
            "\(type) *const to = packed + row * \(length);",
            "for (int64_t i = 0; i < \(length); ++i) {", "const int64_t \(s) = \(sum);",
            "if (\(n) >= \(columns ?? 0) || \(s) >= \(depth ?? 0)) { to[i] = 0; continue; }",
        ]
        lines += statements
        lines += ["to[i] = \(CTypes.store(element, value.text));", "}", "}"]
        let packing = EmittedKernel.Packing(symbol: name, sources: sources, element: element, count: rows * length)
        return (packing, KernelFrame.function(name, lines))
    }

    /// A device function that gives the address of a run of the right operand over batch, column and sum, and how it is
    /// called; `packed` is in scope where the operand is packed.
    func rightAddress(_ frame: SIMTFrame, isPacked: Bool) -> (text: String, call: ([String]) -> String) {
        if !isPacked {
            let text = frame.runAddress(
                "right", right, over: [batch, column, sum], along: sum, count: runLength, element: element)
            return (text ?? "", { frame.call("right", $0) })
        }
        let type = "GLOBAL const \(frame.storage(element)) *"
        let (b, n, s) = (batch.variable.name, column.variable.name, sum.variable.name)
        let (columns, i) = (columns ?? 0, frame.integer)
        let place = rightBatches > 1 ? "((int64_t)\(b) * \(columns) + \(n))" : "(int64_t)\(n)"
        let text = """
            FORCE \(type)\(frame.symbol)_right(\(type)packed, \(i) \(b), \(i) \(n), \(i) \(s)) {
            return packed + \(place) * \(packedDepth) + \(s);
            }

            """
        return (text, { "\(frame.symbol)_right(\((["packed"] + $0).joined(separator: ", ")))" })
    }
}
