import Base
import ElementTypes

extension Kernel {
    /// Reads the printed form back: the very kernel that was printed, unchecked (see `KernelChecker`).
    package init(parsing text: String) throws(TextError) {
        var reader = KernelReader(scanner: TextScanner(text))
        self = try reader.kernel()
    }
}

/// Reads a kernel's lines.
private struct KernelReader {
    var scanner: TextScanner

    mutating func kernel() throws(TextError) -> Kernel {
        try scanner.expectWord("kernel")
        let name = try scanner.string()
        try end()
        try scanner.expectWord("symbols")
        let symbols = try scanner.list { scanner throws(TextError) in try scanner.variable() }
        try end()
        var ranges = VariableRanges()
        while scanner.acceptWord("range") {
            let variable = try scanner.variable()
            try scanner.expectWord("from")
            let lower = try scanner.integerExpression()
            let upper = scanner.acceptWord("to") ? try scanner.integerExpression() : nil
            ranges[variable] = .init(lower: lower, upper: upper)
            try end()
        }
        var parameters: [KernelParameter] = []
        while scanner.acceptWord("parameter") {
            let access = try named(KernelParameter.Access.init, "read, write or readWrite")
            let element = try element()
            try scanner.expect("[")
            let count = try scanner.integerExpression()
            try scanner.expect("]")
            let isConstant = scanner.acceptWord("constant")
            parameters.append(.init(element: element, count: count, access: access, isConstant: isConstant))
            try end()
        }
        let body = try body()
        if !scanner.isAtEnd { throw scanner.failure("the end of the text") }
        return Kernel(name: name, parameters: parameters, symbols: symbols, ranges: ranges, body: body)
    }

    private mutating func body() throws(TextError) -> Kernel.Body {
        scanner.skipSpaces()
        let start = scanner
        switch scanner.word() {
        case "nest": return .nest(try nest())
        case "contraction": return .contraction(try contraction())
        case "attention": return .attention(try attention())
        case "recurrence": return .recurrence(try recurrence())
        case "sort": return .sort(try sort())
        case _:
            scanner = start
            throw scanner.failure("a parameter or a kind of kernel")
        }
    }

    private mutating func nest() throws(TextError) -> NestKernel {
        let isSerial = scanner.acceptWord("serial")
        try scanner.expectWord("slots")
        let slots = try elements()
        try scanner.expectWord("rows")
        let rows = try elements()
        try end()
        let axes = try axes("loop")
        var steps: [NestStep] = []
        while scanner.acceptWord("step") {
            try end()
            let axes = try self.axes("loop")
            let body = try scalars()
            var effects: [NestStep.Effect] = []
            while let effect = try effect() { effects.append(effect) }
            steps.append(NestStep(axes: axes, body: body, effects: effects))
        }
        return NestKernel(axes: axes, steps: steps, slots: slots, rows: rows, isSerial: isSerial)
    }

    private mutating func effect() throws(TextError) -> NestStep.Effect? {
        if let store = try store() { return .store(store) }
        if scanner.acceptWord("reduce") {
            let kind = try reduction()
            let value = try scanner.value()
            let position = scanner.acceptWord("at") ? try scanner.integerExpression() : nil
            try scanner.expectWord("to")
            let slot = try scanner.integer()
            try end()
            return .reduce(kind, value: value, position: position, slot: slot)
        }
        guard scanner.acceptWord("keep") else { return nil }
        let value = try scanner.value()
        try scanner.expectWord("to")
        let row = try scanner.integer()
        try end()
        return .keep(value: value, row: row)
    }

    private mutating func contraction() throws(TextError) -> ContractionKernel {
        let element = try element()
        let factors: FactorPrecision = scanner.acceptWord("tf32") ? .tf32 : .own
        try end()
        let (batch, rows, columns) = (try axes("batch"), try axes("row"), try axes("column"))
        let (taps, depth) = (try axes("tap"), try axis("depth"))
        let gate = try axes("gate").first
        let (left, right) = (try function("left"), try function("right"))
        var rowSums: [ScalarFunction] = []
        while let function = try optionalFunction("rowSum") { rowSums.append(function) }
        let (epilogue, stores) = try epilogue()
        return ContractionKernel(
            batch: batch, rows: rows, columns: columns, taps: taps, depth: depth, left: left, right: right,
            operandElement: element, epilogue: epilogue, stores: stores, gate: gate, rowSums: rowSums,
            factors: factors)
    }

    private mutating func attention() throws(TextError) -> AttentionKernel {
        let element = try element()
        let isCausal = scanner.acceptWord("causal")
        try scanner.expectWord("scale")
        let scale = try scanner.double()
        try end()
        let (batch, keyHeads, group) = (try axis("batch"), try axis("keyHeads"), try axis("group"))
        let (queries, keys) = (try axis("queries"), try axis("keys"))
        let (depth, valueDepth) = (try axis("depth"), try axis("valueDepth"))
        let (query, key, value) = (try function("query"), try function("key"), try function("value"))
        let mask = try optionalFunction("mask")
        let (epilogue, stores) = try epilogue()
        return AttentionKernel(
            batch: batch, keyHeads: keyHeads, group: group, queries: queries, keys: keys, depth: depth,
            valueDepth: valueDepth, query: query, key: key, value: value, mask: mask, isCausal: isCausal, scale: scale,
            operandElement: element, epilogue: epilogue, stores: stores)
    }

    private mutating func recurrence() throws(TextError) -> RecurrenceKernel {
        let cell = try named(RecurrenceKernel.Cell.init, "lstm, gru, tanh or relu")
        let isReverse = scanner.acceptWord("reverse")
        try end()
        let (time, batch, hidden) = (try axis("time"), try axis("batch"), try axis("hidden"))
        let (gate, depth) = (try axis("gate"), try axis("depth"))
        let (projected, recurrent) = (try function("projected"), try function("recurrent"))
        let bias = try optionalFunction("recurrentBias")
        let projection = try optionalFunction("projection")
        let initialHidden = try function("initialHidden")
        let initialCell = try optionalFunction("initialCell")
        let outputs = try target("outputs")
        let (lastHidden, lastCell) = (try target("lastHidden"), try target("lastCell"))
        return RecurrenceKernel(
            cell: cell, time: time, isReverse: isReverse, batch: batch, hidden: hidden, gate: gate, depth: depth,
            projected: projected, recurrent: recurrent, recurrentBias: bias, projection: projection,
            initialHidden: initialHidden, initialCell: initialCell, outputs: outputs, lastHidden: lastHidden,
            lastCell: lastCell)
    }

    private mutating func sort() throws(TextError) -> SortKernel {
        let isDescending = scanner.acceptWord("descending")
        try scanner.expectWord("limit")
        let limit = try scanner.integerExpression()
        try end()
        let (axes, axis) = (try axes("loop"), try axis("along"))
        let value = try function("value")
        let (values, positions) = (try target("values"), try target("positions"))
        return SortKernel(
            axes: axes, axis: axis, limit: limit, isDescending: isDescending, value: value, values: values,
            positions: positions)
    }

    // MARK: Parts

    private mutating func end() throws(TextError) { try scanner.expect("\n") }

    private mutating func axes(_ name: String) throws(TextError) -> [LoopAxis] {
        var axes: [LoopAxis] = []
        while scanner.acceptWord(name) { axes.append(try restOfAxis()) }
        return axes
    }

    private mutating func axis(_ name: String) throws(TextError) -> LoopAxis {
        try scanner.expectWord(name)
        return try restOfAxis()
    }

    private mutating func restOfAxis() throws(TextError) -> LoopAxis {
        let variable = try scanner.variable()
        try scanner.expect("<")
        let extent = try scanner.integerExpression()
        try end()
        return LoopAxis(variable, extent)
    }

    private mutating func function(_ name: String) throws(TextError) -> ScalarFunction {
        guard let function = try optionalFunction(name) else { throw scanner.failure("'\(name)'") }
        return function
    }

    private mutating func optionalFunction(_ name: String) throws(TextError) -> ScalarFunction? {
        guard scanner.acceptWord(name) else { return nil }
        try end()
        let body = try scalars()
        try scanner.expectWord("result")
        let result = try scanner.value()
        try end()
        return ScalarFunction(body: body, result: result)
    }

    private mutating func target(_ name: String) throws(TextError) -> RecurrenceKernel.Target? {
        guard scanner.acceptWord(name) else { return nil }
        let (parameter, index) = try scanner.element()
        try end()
        return .init(parameter: parameter, index: index)
    }

    private mutating func epilogue() throws(TextError) -> (ScalarBody, [Store]) {
        try scanner.expectWord("epilogue")
        try end()
        let body = try scalars()
        var stores: [Store] = []
        while let store = try store() { stores.append(store) }
        return (body, stores)
    }

    private mutating func store() throws(TextError) -> Store? {
        guard scanner.acceptWord("store") else { return nil }
        let value = try scanner.value()
        try scanner.expectWord("to")
        let (parameter, index) = try scanner.element()
        let combine = scanner.acceptWord("combine") ? try reduction() : nil
        let mask = try mask()
        try end()
        return Store(parameter: parameter, index: index, value: value, combine: combine, mask: mask)
    }

    private mutating func mask() throws(TextError) -> [IntegerExpression] {
        guard scanner.acceptWord("where") else { return [] }
        return try expressions()
    }

    private mutating func scalars() throws(TextError) -> ScalarBody {
        var body = ScalarBody()
        while scanner.peek() == UInt8(ascii: "%") {
            scanner.skipSpaces()
            let start = scanner
            guard try scanner.value() == body.nodes.count else {
                scanner = start
                throw scanner.failure("value %\(body.nodes.count)")
            }
            try scanner.expect("=")
            body.nodes.append(try node())
            try end()
        }
        return body
    }

    private mutating func node() throws(TextError) -> ScalarBody.Node {
        scanner.skipSpaces()
        let start = scanner
        switch scanner.word() {
        case "load":
            let (parameter, index) = try scanner.element()
            return .load(parameter: parameter, index: index, mask: try mask())
        case "index": return .integerExpression(try scanner.integerExpression())
        case "condition": return .condition(try expressions())
        case "real":
            let value = try scanner.double()
            return .real(bits: value.bitPattern, try element())
        case "integer": return .integer(Int64(try scanner.integer()))
        case "truth":
            if scanner.acceptWord("true") { return .truth(true) }
            try scanner.expectWord("false")
            return .truth(false)
        case "cast":
            let element = try element()
            return .cast(try scanner.value(), element)
        case "position":
            let operand = try scanner.value()
            try scanner.expectWord("of")
            let extent = try scanner.integerExpression()
            return .position(operand, extent: extent, mask: try mask())
        case "slot": return .slot(try scanner.integer())
        case "row": return .row(try scanner.integer())
        case "accumulator": return .accumulator
        case "scan":
            let kind = try reduction()
            return .scan(kind, try scanner.value())
        case let name:
            guard let operation = ScalarOperation(rawValue: name) else {
                scanner = start
                throw scanner.failure("a known operation")
            }
            var operands = [try scanner.value()]
            while scanner.accept(",") { operands.append(try scanner.value()) }
            return .apply(operation, operands)
        }
    }

    private mutating func expressions() throws(TextError) -> [IntegerExpression] {
        try scanner.list { scanner throws(TextError) in try scanner.integerExpression() }
    }

    private mutating func elements() throws(TextError) -> [ElementType] {
        try scanner.list { scanner throws(TextError) in try scanner.elementType() }
    }

    private mutating func element() throws(TextError) -> ElementType { try scanner.elementType() }

    private mutating func reduction() throws(TextError) -> ReductionKind {
        try named(ReductionKind.init, "a reduction")
    }

    private mutating func named<Value>(_ make: (String) -> Value?, _ expected: String) throws(TextError) -> Value {
        scanner.skipSpaces()
        let start = scanner
        guard let value = make(scanner.word()) else {
            scanner = start
            throw scanner.failure(expected)
        }
        return value
    }
}

extension TextScanner {
    /// A value of a body: `%3`.
    fileprivate mutating func value() throws(TextError) -> Int {
        try expect("%")
        return try integer()
    }

    /// A variable by its name.
    fileprivate mutating func variable() throws(TextError) -> Variable {
        for (prefix, kind) in [("s", Variable.Kind.symbol), ("i", .axis), ("v", .value)] where accept(prefix) {
            return Variable(kind, try integer())
        }
        throw failure("a variable")
    }

    /// An element of a parameter: `p0[4*i0]`.
    fileprivate mutating func element() throws(TextError) -> (parameter: Int, index: IntegerExpression) {
        try expect("p")
        let parameter = try integer()
        try expect("[")
        let index = try integerExpression()
        try expect("]")
        return (parameter, index)
    }

    /// The name of an element type.
    fileprivate mutating func elementType() throws(TextError) -> ElementType {
        skipSpaces()
        let start = self
        guard let element = ElementType(rawValue: word()) else {
            self = start
            throw failure("an element type")
        }
        return element
    }
}
