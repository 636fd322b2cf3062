import ElementTypes
import KernelIR

/// What follows the sums of a contraction where it is a factor and a term for each column, both of constants, and at most the larger of
/// that and 0 (a normalisation after training): a library's convolution does it, with two vectors that the host computes once.
/// `((x − a) · b) · c + d` becomes `x · (b · c) + (d − a · (b · c))` in f32.
struct SIMTLibraryAffine {
    /// Type of the result.
    let element: ElementType
    let isRectified: Bool
    /// Computes factor and term of a column.
    private let body: ScalarBody
    private let factor: Int
    private let term: Int

    /// Fails where more is done to the sums, or with what is no constant of a column.
    init?(_ product: SIMTProduct) {
        let kernel = product.kernel
        guard product.stores.count == 1, let store = product.stores.first, store.combine == nil,
            store.mask.allSatisfy({ product.ranges.isNonNegative($0) }), product.sums == 1
        else { return nil }
        let element = kernel.parameters[store.parameter].element
        guard element == .f32 || element == product.element else { return nil }
        let nodes = product.epilogue.nodes
        let types = product.epilogue.types(parameters: kernel.parameters)
        /// Whether a node's value is one of a column, known before the kernel runs.
        func isOfColumn(_ node: Int) -> Bool {
            guard types[node] == .f32 else { return false }
            switch nodes[node] {
            case .load(let parameter, let index, let mask):
                return kernel.parameters[parameter].isConstant
                    && index.variables.allSatisfy { $0 == product.column.variable }
                    && mask.allSatisfy { product.ranges.isNonNegative($0) }
            case .real: return true
            case .cast(let operand, _): return isOfColumn(operand)
            case .apply(let operation, let operands):
                return [.add, .subtract, .multiply, .divide].contains(operation) && operands.allSatisfy(isOfColumn)
            case .integerExpression, .condition, .integer, .truth, .slot, .position, .row, .accumulator, .scan:
                return false
            }
        }
        var value = store.value
        var isRectified = false
        if case .cast(let operand, let type) = nodes[value], type == element { value = operand }
        if case .apply(.maximum, let pair) = nodes[value], pair.count == 2,
            let place = pair.firstIndex(where: { if case .real(bits: 0, _) = nodes[$0] { true } else { false } })
        {
            isRectified = true
            value = pair[1 - place]
        }
        // From the result to the sums, then from the sums on.
        var steps: [(operation: ScalarOperation, other: Int)] = []
        while nodes[value] != .accumulator {
            guard case .apply(let operation, let pair) = nodes[value], pair.count == 2 else { return nil }
            if [.add, .multiply].contains(operation), let place = pair.firstIndex(where: isOfColumn) {
                steps.append((operation, pair[place]))
                value = pair[1 - place]
            } else if [.subtract, .divide].contains(operation), isOfColumn(pair[1]) {
                steps.append((operation, pair[1]))
                value = pair[0]
            } else {
                return nil
            }
        }
        guard !steps.isEmpty else { return nil }
        var body = product.epilogue
        var factor = body.emit(.real(bits: (1.0).bitPattern, .f32))
        var term = body.emit(.real(bits: 0, .f32))
        for step in steps.reversed() {
            term = body.emit(.apply(step.operation, [term, step.other]))
            if step.operation == .multiply || step.operation == .divide {
                factor = body.emit(.apply(step.operation, [factor, step.other]))
            }
        }
        self.element = element
        self.isRectified = isRectified
        self.body = body
        self.factor = factor
        self.term = term
    }

    /// The two vectors as host C, f32 for each column.
    func packings(_ product: SIMTProduct, _ symbol: String) -> [(packing: EmittedKernel.Packing, source: String)] {
        [("factor", factor), ("term", term)].map { name, node in
            product.packing("\(symbol)_\(name)", of: ScalarFunction(body: body, result: node))
        }
    }
}

extension SIMTProduct {
    /// A function of the column as host C that writes it for every column in f32.
    fileprivate func packing(
        _ symbol: String, of function: ScalarFunction
    ) -> (packing: EmittedKernel.Packing, source: String) {
        let name = "\(symbol)_pack"
        let count = columns ?? 0
        let printer = BodyPrinter(parameters: kernel.parameters, index: IndexPrinter(ranges), lanes: 1, laneAxis: nil)
        let (statements, values) = printer.print(function.body, wanted: [function.result])
        guard let value = values[function.result] else { preconditionFailure("the value was not printed") }
        // What the value is made of, not all that the epilogue reads.
        var needed: Set = [function.result]
        var loaded: Set<Int> = []
        for number in (0...function.result).reversed() where needed.contains(number) {
            switch function.body.nodes[number] {
            case .load(let parameter, _, _): loaded.insert(parameter)
            case .apply(_, let operands): needed.formUnion(operands)
            case .cast(let operand, _): needed.insert(operand)
            case .real, .integerExpression, .condition, .integer, .truth, .slot, .position, .row, .accumulator, .scan:
                break
            }
        }
        let sources = loaded.sorted()
        let reads = sources.enumerated().map { place, number in
            "const \(CTypes.storage(kernel.parameters[number].element)) *const p\(number) = buffers[\(place)];"
        }
        let column = self.column.variable.name
        let lines =
            reads + [
                "float *const packed = buffers[\(sources.count)]; (void)workspace;",
                "for (int64_t \(column) = INT64_C(\(count)) * part / parts; \(column) < INT64_C(\(count)) * (part + 1) / parts; ++\(column)) {",
            ] + statements + ["packed[\(column)] = \(value.text);", "}"]
        let packing = EmittedKernel.Packing(symbol: name, sources: sources, element: .f32, count: count)
        return (packing, KernelFrame.function(name, lines))
    }
}
