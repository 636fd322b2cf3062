import Base
import ElementTypes
import GraphIR
import GraphRewrites
import ModelFiles

/// Bodies of higher-order operators. Graphs have no branches: of a condition on values both are computed and one is chosen, element by
/// element. Loops are written out where the number of turns is known here.
func registerControlFlow(_ table: inout OperatorTable) {
    for name in ["wrap_with_set_grad_enabled", "wrap_with_autocast"] {
        table.on("higher_order.\(name)") { (i) throws(ImportError) in try i.inlined() }
    }
    table.on("higher_order.cond") { (i) throws(ImportError) in try i.branched() }
    table.on("higher_order.map_impl") { (i) throws(ImportError) in try i.mapped() }
    table.on("higher_order.scan") { (i) throws(ImportError) in try i.scanned() }
    table.on("higher_order.while_loop") { (i) throws(ImportError) in try i.repeated() }
    table.refuse(["higher_order.associative_scan"]) {
        $0.unsupported("a combination that PyTorch leaves whole; use combine_mode=\"generic\"")
    }
}

extension Importer {
    /// Calls that loops of a program may be written out to.
    private static let mostCalls = 20_000
    /// Calls that are written out where there is the choice: launches of a loop cost little beside theirs.
    private static let fewCalls = 1_000

    /// The results of a call's graph argument, run on the arguments that follow it.
    fileprivate mutating func inlined() throws(ImportError) -> [TensorHandle?] {
        let inputs = call.node.inputs.map(\.value)
        guard let place = inputs.firstIndex(where: { if case .graph = $0 { true } else { false } }) else {
            throw unsupported("no graph argument")
        }
        var operands: [Binding] = []
        for operand in inputs[(place + 1)...] {
            switch operand {
            case .tensor(let name): operands.append(.tensor(try handle(named: name)))
            case .symInt(.name(let name)): operands.append(try lookUp(name))
            default: throw unsupported("an operand that is no tensor")  // Nothing else is passed here.
            }
        }
        return try results(of: try body(place), operands)
    }

    /// `cond(predicate, true, false, operands)`.
    fileprivate mutating func branched() throws(ImportError) -> [TensorHandle?] {
        let operands = try list(3)
        guard let predicate = call.node.inputs.first?.value else { throw unsupported("no predicate") }
        let caller = call
        let condition: Value
        switch predicate {
        case .tensor(let name): condition = try cast(try read(try handle(named: name)), .bool)
        case .symBool(.name(let name)):
            guard case .boolean(let expression) = try lookUp(name) else {
                throw unsupported("a predicate of another kind")
            }
            condition = try truth(of: expression, name)
        case .bool(let value), .symBool(.value(let value)): return try results(of: try body(value ? 1 : 2), operands)
        // Nothing else decides.
        default: throw unsupported("a predicate that is neither a tensor nor a condition on sizes")
        }
        guard shape(condition).allSatisfy({ $0 == 1 }) else { throw unsupported("a predicate of several elements") }
        let scalar = try reshape(condition, [])
        let onTrue = try results(of: try body(1), operands)
        call = caller
        let onFalse = try results(of: try body(2), operands)
        call = caller
        guard onTrue.count == onFalse.count else { throw unsupported("branches with different results") }
        var chosen: [TensorHandle?] = []
        for (a, b) in zip(onTrue, onFalse) {
            guard let a, let b else {
                chosen.append(nil)
                continue
            }
            let (x, y) = (try read(a), try read(b))
            guard type(x) == type(y) else { throw unsupported("branches with results of different sizes or types") }
            chosen.append(fresh(try map([scalar, x, y], as: element(x)) { $0.apply(.select, $1[0], $1[1], $1[2]) }))
        }
        return chosen
    }

    /// `map(body, [xs], [operands])`: the body on every element of the first axis of `xs`, results one above the other.
    fileprivate mutating func mapped() throws(ImportError) -> [TensorHandle?] {
        let (body, rows, others) = (try body(0), try list(1), try list(2))
        guard let count = try turns(rows, body) else {
            return try scanned(body, [], rows, others)
        }
        var results: [[Value]] = []
        let caller = call
        for turn in 0..<count {
            let given = try slices(rows, turn) + others
            results.append(try values(try self.results(of: body, given)))
            call = caller
        }
        return try stacked(results)
    }

    /// `scan(body, [carried], [xs], [operands])`: the body takes what is carried and an element of `xs`, and gives what is carried on and an
    /// element of each further result.
    fileprivate mutating func scanned() throws(ImportError) -> [TensorHandle?] {
        let (body, rows, others) = (try body(0), try list(2), try list(3))
        var carried = try list(1)
        let kept = carried.count
        guard let count = try turns(rows, body) else {
            return try scanned(body, try values(try handles(carried)), rows, others)
        }
        var results: [[Value]] = []
        let caller = call
        for turn in 0..<count {
            let given = try slices(rows, turn)
            let found = try values(try self.results(of: body, carried + given + others))
            call = caller
            guard found.count >= kept else { throw unsupported("a body that gives less than is carried") }
            carried = found[..<kept].map { .tensor(fresh($0)) }
            results.append(Array(found[kept...]))
        }
        return try handles(carried) + (try stacked(results))
    }

    /// `while_loop(condition, body, [carried], [operands])`: written out where each turn's condition hangs on whole numbers that are known,
    /// else a loop of the graph.
    fileprivate mutating func repeated() throws(ImportError) -> [TensorHandle?] {
        let (condition, body, others) = (try body(0), try body(1), try list(3))
        let initial = try list(2)
        var carried = initial
        let caller = call
        let most = isBody ? Self.mostCalls : Self.fewCalls
        var calls = 0
        while true {
            let answer = try values(try results(of: condition, carried + others))
            call = caller
            guard let goesOn = answer.first.flatMap({ known($0) }) else {
                return try looped(condition, body, initial, others)
            }
            if goesOn == 0 { break }
            calls += body.nodes.count + condition.nodes.count
            guard calls <= most else { return try looped(condition, body, initial, others) }
            carried = try values(try results(of: body, carried + others)).map { .tensor(fresh($0)) }
            call = caller
        }
        return try handles(carried)
    }

    // MARK: Parts of them.

    /// The body at a place among the call's arguments.
    private func body(_ place: Int) throws(ImportError) -> ExportedGraph {
        guard call.node.inputs.indices.contains(place), case .graph(_, let body) = call.node.inputs[place].value else {
            throw unsupported("argument \(place) is no graph")
        }
        return body
    }

    /// The tensors of a list among the call's arguments.
    private func list(_ place: Int) throws(ImportError) -> [Binding] {
        guard call.node.inputs.indices.contains(place), case .tensors(let names) = call.node.inputs[place].value else {
            throw unsupported("argument \(place) holds what is no tensor")
        }
        var bindings: [Binding] = []
        for name in names { bindings.append(.tensor(try handle(named: name))) }
        return bindings
    }

    /// What a body gives for operands; `call` is another one afterwards.
    mutating func results(
        of body: ExportedGraph, _ operands: [Binding]
    ) throws(ImportError) -> [TensorHandle?] {
        guard operands.count == body.inputs.count else { throw unsupported("another number of operands") }
        var scope = Scope(graph: body)
        for (formal, operand) in zip(body.inputs, operands) {
            switch formal {
            case .tensor(let name), .symInt(.name(let name)): scope.bindings[name] = operand
            default: throw unsupported("an operand that is no tensor")  // Nothing else is passed here.
            }
        }
        let caller = call
        let wasBody = isBody
        isBody = isBody || !call.name.base.hasPrefix("wrap_with_")
        scopes.append(scope)
        defer {
            scopes.removeLast()
            isBody = wasBody
        }
        try run(body)
        call = caller
        var results: [TensorHandle?] = []
        for output in body.outputs {
            switch output {
            case .tensor(let name): results.append(try handle(named: name))
            case .none: results.append(nil)
            default: throw unsupported("a result that is no tensor")  // Nothing else is passed here.
            }
        }
        return results
    }

    /// Results, all of which are tensors.
    mutating func values(_ results: [TensorHandle?]) throws(ImportError) -> [Value] {
        var values: [Value] = []
        for result in results {
            guard let result else { throw unsupported("a body that gives nothing in the place of a tensor") }
            values.append(try read(result))
        }
        return values
    }

    func handles(_ carried: [Binding]) throws(ImportError) -> [TensorHandle?] {
        carried.map { if case .tensor(let handle) = $0 { handle } else { nil } }
    }

    /// How often a body is written out over the first axes of these tensors; nil where it is a loop's.
    private mutating func turns(_ rows: [Binding], _ body: ExportedGraph) throws(ImportError) -> Int? {
        guard case .tensor(let first)? = rows.first, let extent = try shape(of: first).first else {
            throw unsupported("nothing to go over")
        }
        guard let count = extent.constantValue, count * body.nodes.count <= Self.mostCalls else { return nil }
        return count
    }

    /// One element of the first axis of each.
    private mutating func slices(_ rows: [Binding], _ turn: Int) throws(ImportError) -> [Binding] {
        var slices: [Binding] = []
        for case .tensor(let handle) in rows {
            slices.append(.tensor(fresh(try select(try read(handle), 0, Dimension(turn)))))
        }
        return slices
    }

    /// Results of all turns, one above the other; those of no turn have the sizes that the program declares.
    private mutating func stacked(_ results: [[Value]]) throws(ImportError) -> [TensorHandle?] {
        guard let first = results.first else { throw unsupported("a loop of no turns") }
        var stacked: [TensorHandle?] = []
        for place in first.indices {
            var rows: [Value] = []
            for turn in results { rows.append(try unsqueeze(turn[place], 0)) }
            stacked.append(fresh(try concatenate(rows, 0)))
        }
        return stacked
    }

    /// A condition on sizes as a truth value that is computed when the package is called.
    private mutating func truth(of condition: SymbolicExpression, _ name: String) throws(ImportError) -> Value {
        guard case .apply(let function, let operands) = condition else {
            throw unsupported("the condition '\(condition)'")
        }
        var terms: [Value] = []
        for operand in operands {
            switch function {
            case .and, .or, .not: terms.append(try truth(of: operand, name))
            default: terms.append(try dimension(try integer(operand, name), .i64))  // What is compared.
            }
        }
        switch (function, terms.count) {
        case (.not, 1): return try map(terms) { $0.apply(.not, $1[0]) }
        case (.equal, 2): return try map(terms) { $0.apply(.equal, $1[0], $1[1]) }
        case (.notEqual, 2): return try map(terms) { $0.apply(.notEqual, $1[0], $1[1]) }
        case (.less, 2): return try map(terms) { $0.apply(.less, $1[0], $1[1]) }
        case (.lessOrEqual, 2): return try map(terms) { $0.apply(.lessOrEqual, $1[0], $1[1]) }
        case (.greater, 2): return try map(terms) { $0.apply(.less, $1[1], $1[0]) }
        case (.greaterOrEqual, 2): return try map(terms) { $0.apply(.lessOrEqual, $1[1], $1[0]) }
        case (.and, 2): return try map(terms) { $0.apply(.and, $1[0], $1[1]) }
        case (.or, 2): return try map(terms) { $0.apply(.or, $1[0], $1[1]) }
        default: throw unsupported("the condition '\(condition)'")  // No condition on sizes has another form.
        }
    }

    /// A value of one element that hangs on nothing but whole numbers of the program.
    private func known(_ value: Value) -> Int? {
        guard shape(value).allSatisfy({ $0 == 1 }), let constant = constant(value), let number = constant.element else {
            return nil
        }
        return Int(exactly: number)
    }

    private func constant(_ value: Value) -> ScalarConstant? {
        let node = builder.graph.nodes[value.node]
        switch node.operation {
        case .leaf(.constant(let elements, let type)):
            return elements.count == 1 ? ScalarConstant(element: elements[0], of: type.element) : nil
        case .leaf(.dimension(let expression)): return expression.constantValue.map { .integer(Int64($0)) }
        case .leaf(.parameter(let name, let type)):
            return wholeNumbers[name].flatMap { ScalarConstant(element: Double($0), of: type.element) }
        case .map(let expression):
            var arguments: [ScalarConstant] = []
            for operand in node.operands {
                guard let argument = constant(operand) else { return nil }
                arguments.append(argument)
            }
            return expression.folded(arguments)
        case .view(let view):
            switch view {
            case .reshape, .expand, .permute: return constant(node.operands[0])
            default: return nil  // What leaves elements out or adds some.
            }
        case .leaf, .reduce, .scan, .concatenate, .gather, .scatter, .contract, .convolve, .attend, .recur, .window,
            .sort:
            return nil
        }
    }
}
