import Base
import ElementTypes

extension Graph {
    /// Reads the printed form back. Only the grammar is checked; `GraphChecker` judges what the graph says.
    package init(parsing text: String) throws(TextError) {
        var scanner = TextScanner(text)
        try scanner.expectWord("graph")
        self.init(name: try scanner.string())
        try scanner.expect("\n")
        while !scanner.isAtEnd {
            if !scanner.accept("\n") { try readLine(&scanner) }
        }
    }

    private mutating func readLine(_ scanner: inout TextScanner) throws(TextError) {
        if scanner.accept("%") {
            guard try scanner.integer() == nodes.count else { throw scanner.failure("node %\(nodes.count)") }
            try scanner.expect("=")
            nodes.append(try readNode(&scanner))
        } else if scanner.acceptWord("symbol") {
            guard scanner.acceptWord("s\(symbols.count)") else { throw scanner.failure("symbol s\(symbols.count)") }
            let name = try scanner.string()
            let minimum = try scanner.integer()
            try scanner.expect("...")
            let maximum = scanner.acceptWord("hint") ? nil : try scanner.integer()
            if maximum != nil { try scanner.expectWord("hint") }
            symbols.append(Symbol(name: name, minimum: minimum, maximum: maximum, hint: try scanner.integer()))
        } else if scanner.acceptWord("input") {
            inputs.append(GraphPort(name: try scanner.string(), type: try scanner.tensorType()))
        } else if scanner.acceptWord("state") {
            states.append(GraphPort(name: try scanner.string(), type: try scanner.tensorType()))
        } else if scanner.acceptWord("guard") {
            let expression = try scanner.integerExpression()
            let isLowerBound = scanner.accept(">=")
            if !isLowerBound { try scanner.expect("==") }
            try scanner.expect("0")
            guards.append(
                Guard(expression: expression, isLowerBound: isLowerBound, reason: try scanner.string()))
        } else if scanner.acceptWord("output") {
            outputs.append(GraphOutput(name: try scanner.string(), value: try scanner.value()))
        } else if scanner.acceptWord("update") {
            updates.append(StateUpdate(state: try scanner.integer(), value: try scanner.value()))
        } else if scanner.acceptWord("loop") {
            loops.append(try readLoop(&scanner))
        } else {
            throw scanner.failure("a declaration or a node")
        }
        if !scanner.isAtEnd { try scanner.expect("\n") }
    }

    private func readLoop(_ scanner: inout TextScanner) throws(TextError) -> GraphLoop {
        try scanner.expectWord("while")
        let condition = try scanner.integer()
        try scanner.expectWord("from")
        let initial = try readOperands(&scanner)
        try scanner.expectWord("by")
        return GraphLoop(initial: initial, next: try readOperands(&scanner), condition: condition)
    }

    private func readNode(_ scanner: inout TextScanner) throws(TextError) -> Node {
        let operation: Operation
        var operands: [Value] = []
        if scanner.acceptWord("map") {
            // The arguments' types are those of the operands, which stand after the expression.
            let declared =
                try scanner.peek() == UInt8(ascii: "[")
                ? scanner.list { (scanner) throws(TextError) in try scanner.elementType() } : nil
            let expression = try scanner.scalarExpression(declared ?? [])
            operands = try readOperands(&scanner)
            var arguments = declared ?? []
            if declared == nil {
                for operand in operands {
                    guard operand.node.index < nodes.count, operand.node.index >= 0,
                        nodes[operand.node].results.indices.contains(operand.result)
                    else { throw scanner.failure("operands that stand before their use") }
                    arguments.append(type(operand).element)
                }
            }
            operation = .map(ScalarExpression(arguments: arguments, instructions: expression.instructions))
        } else {
            let make = try scanner.operation()
            operands = try readOperands(&scanner)
            let results = try readResults(&scanner)
            return Node(
                operation: make(results.first ?? TensorType(.f32, [])), operands: operands, results: results,
                origin: scanner.accept("// ") ? scanner.restOfLine() : "")
        }
        let results = try readResults(&scanner)
        return Node(
            operation: operation, operands: operands, results: results,
            origin: scanner.accept("// ") ? scanner.restOfLine() : "")
    }

    private func readOperands(_ scanner: inout TextScanner) throws(TextError) -> [Value] {
        var operands: [Value] = []
        if scanner.peek() == UInt8(ascii: "%") {
            repeat { operands.append(try scanner.value()) } while scanner.accept(",")
        }
        return operands
    }

    private func readResults(_ scanner: inout TextScanner) throws(TextError) -> [TensorType] {
        try scanner.expect(":")
        var results: [TensorType] = []
        repeat { results.append(try scanner.tensorType()) } while scanner.accept(",")
        return results
    }
}

extension TextScanner {
    /// A value: `%3` or `%3.1`.
    fileprivate mutating func value() throws(TextError) -> Value {
        try expect("%")
        let node = try integer()
        return Value(NodeID(node), accept(".") ? try integer() : 0)
    }

    /// The name of an element type.
    package mutating func elementType() throws(TextError) -> ElementType {
        guard let element = ElementType(rawValue: word()) else { throw failure("an element type") }
        return element
    }

    /// A tensor type: `f32[2, s0]`.
    package mutating func tensorType() throws(TextError) -> TensorType {
        TensorType(try elementType(), try shape())
    }

    /// Expressions in brackets.
    fileprivate mutating func shape() throws(TextError) -> Shape {
        try list { (scanner) throws(TextError) in try scanner.integerExpression() }
    }

    /// Integers in brackets.
    fileprivate mutating func integers() throws(TextError) -> [Int] {
        try list { (scanner) throws(TextError) in try scanner.integer() }
    }

    /// A word, then integers in brackets.
    private mutating func integers(_ name: String) throws(TextError) -> [Int] {
        try expectWord(name)
        return try integers()
    }

    /// A word, then an integer.
    private mutating func integer(_ name: String) throws(TextError) -> Int {
        try expectWord(name)
        return try integer()
    }

    /// A word, then one expression in brackets.
    private mutating func dimension(_ name: String?) throws(TextError) -> IntegerExpression {
        if let name { try expectWord(name) }
        let found = try shape()
        guard found.count == 1 else { throw failure("one expression in brackets") }
        return found[0]
    }

    private mutating func kind<Kind: RawRepresentable<String>>(_ name: Substring) throws(TextError) -> Kind {
        guard let kind = Kind(rawValue: String(name)) else { throw failure("a known operation, not '\(name)'") }
        return kind
    }

    /// An operation without operands; leaves take their type from the result.
    fileprivate mutating func operation() throws(TextError) -> (TensorType) -> Operation {
        let name = word()
        let parts = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let variant = parts.count == 2 ? parts[1] : ""
        switch parts.first ?? "" {
        case "input":
            let index = try integer()
            return { .leaf(.input(index, $0)) }
        case "parameter":
            let name = try string()
            return { .leaf(.parameter(name, $0)) }
        case "state":
            let index = try integer()
            return { .leaf(.state(index, $0)) }
        case "carried":
            let (loop, place) = (try integer(), try integer())
            return { .leaf(.carried(loop: loop, place, $0)) }
        case "looped":
            let (loop, place) = (try integer(), try integer())
            return { .leaf(.looped(loop: loop, place, $0)) }
        case "constant":
            let elements = try list { (scanner) throws(TextError) in try scanner.double() }
            return { .leaf(.constant(elements, $0)) }
        default:
            let operation = try computation(parts.first ?? "", variant)
            return { _ in operation }
        }
    }

    private mutating func computation(_ name: Substring, _ variant: Substring) throws(TextError) -> Operation {
        switch name {
        case "iota": return .leaf(.iota(try dimension(nil)))
        case "dimension": return .leaf(.dimension(try dimension(nil)))
        case "reduce": return .reduce(Reduce(try kind(variant), axes: try integers("axes")))
        case "scan": return .scan(Scan(try kind(variant), axis: try integer("axis")))
        case "view": return .view(try view(variant))
        case "concatenate": return .concatenate(axis: try integer("axis"))
        case "gather": return .gather(Gather(axes: try integers("axes"), at: try integer("at")))
        case "scatter":
            return .scatter(Scatter(try kind(variant), axes: try integers("axes"), at: try integer("at")))
        case "contract":
            return .contract(
                Contract(
                    left: try integers(), right: try integers(), result: try integers(),
                    factors: acceptWord("tf32") ? .tf32 : .own))
        case "convolve":
            return .convolve(
                Convolve(
                    stride: try integers("stride"), paddingLow: try integers("low"), paddingHigh: try integers("high"),
                    dilation: try integers("dilation"), groups: try integer("groups"),
                    isTransposed: acceptWord("transposed"), outputPadding: acceptWord("output") ? try integers() : nil,
                    factors: acceptWord("tf32") ? .tf32 : .own))
        case "attend":
            let (hasMask, isCausal) = (acceptWord("mask"), acceptWord("causal"))
            try expectWord("scale")
            return .attend(Attend(hasMask: hasMask, isCausal: isCausal, scale: try double()))
        case "recur":
            return .recur(
                Recur(
                    try kind(variant), hasBias: acceptWord("bias"), isReverse: acceptWord("reverse"),
                    hasProjection: acceptWord("projected")))
        case "window":
            let taken: Window.Kind
            switch variant {
            case "maximum": taken = .maximum
            case "argMaximum": taken = .argMaximum
            case "average":
                taken = .average(
                    countsPadding: acceptWord("padded"), divisor: acceptWord("divisor") ? try integer() : nil)
            default: throw failure("a kind of window")
            }
            return .window(
                Window(
                    taken, size: try integers("size"), stride: try integers("stride"),
                    padding: try integers("padding"), dilation: try integers("dilation"),
                    roundsUp: acceptWord("ceiling")))
        case "sort":
            return .sort(
                Sort(
                    axis: try integer("axis"), isDescending: acceptWord("descending"),
                    limit: acceptWord("limit") ? try integer() : nil))
        default: throw failure("a known operation, not '\(name)'")
        }
    }

    private mutating func view(_ name: Substring) throws(TextError) -> View {
        switch name {
        case "reshape": return .reshape(try shape())
        case "permute": return .permute(try integers())
        case "expand": return .expand(try shape())
        case "slice":
            return .slice(
                axis: try integer("axis"), start: try dimension("start"), count: try dimension("count"),
                step: try integer("step"))
        case "flip": return .flip(try integers())
        case "pad":
            try expectWord("low")
            let low = try shape()
            try expectWord("high")
            let high = try shape()
            try expectWord("value")
            return .pad(low: low, high: high, value: .init(try double()))
        case "unfold":
            return .unfold(axis: try integer("axis"), size: try integer("size"), step: try integer("step"))
        default: throw failure("a known view, not '\(name)'")
        }
    }
}
