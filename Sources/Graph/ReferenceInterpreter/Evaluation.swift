import Base
import ElementTypes
import GraphIR

/// One evaluation of some values of a graph.
struct Evaluation {
    private let interpreter: Interpreter
    private let inputs: [TensorValue]?
    private let symbols: SymbolBinding
    /// Products that PyTorch's kernel rounds only after it has added the bias.
    private let isKept: [Bool]
    var graph: Graph { interpreter.graph }

    /// Prepares an evaluation; without `inputs`, input leaves must be given.
    init(_ interpreter: Interpreter, _ inputs: [TensorValue]?, _ symbols: SymbolBinding) {
        self.interpreter = interpreter
        self.inputs = inputs
        self.symbols = symbols
        isKept = interpreter.policy == .exact ? [] : Self.keptProducts(interpreter.graph)
    }

    /// Products (and convolutions) whose only use is a map of the same ATen call: the bias of `linear`, `addmm` and their kin
    /// is added to the sum in f32, and the result is rounded once.
    private static func keptProducts(_ graph: Graph) -> [Bool] {
        let users = graph.users
        let exits = Set(graph.exits)
        return graph.nodes.ids.map { id in
            let node = graph.nodes[id]
            switch node.operation {
            case .contract, .convolve: break
            case .leaf, .map, .reduce, .scan, .view, .concatenate, .gather, .scatter, .attend, .recur, .window, .sort:
                return false
            }
            guard users[id.index].count == 1, let user = users[id.index].first, !exits.contains(Value(id)),
                case .map = graph.nodes[user].operation
            else { return false }
            return !node.origin.isEmpty && node.origin == graph.nodes[user].origin
        }
    }

    /// Evaluates what `wanted` needs, in order, freeing every value after its last use.
    func values(_ wanted: [Value], given: [Value: TensorValue]) throws(InterpreterError) -> [TensorValue] {
        // How often each value will be read. Leaves are evaluated when they are first read, so that not all weights are
        // held at once.
        var isNeeded = [Bool](repeating: false, count: graph.nodes.count)
        var uses: [Value: Int] = [:]
        for value in wanted {
            uses[value, default: 0] += 1
            if given[value] == nil { isNeeded[value.node.index] = true }
        }
        for id in graph.nodes.ids.reversed() where isNeeded[id.index] {
            for operand in graph.nodes[id].operands {
                uses[operand, default: 0] += 1
                if given[operand] == nil { isNeeded[operand.node.index] = true }
            }
        }
        var known = given
        var finished: [Int: [TensorValue]] = [:]
        func read(_ value: Value) throws(InterpreterError) -> TensorValue {
            if known[value] == nil, case .leaf(let leaf) = graph.nodes[value.node].operation {
                switch leaf {
                case .carried(let loop, let place, _):
                    known[value] = try values([graph.loops[loop].initial[place]], given: given)[0]
                case .looped(let loop, let place, _):
                    if finished[loop] == nil { finished[loop] = try finish(loop, given: given) }
                    known[value] = finished[loop]?[place]
                default: known[value] = try evaluate(leaf, value.node)
                }
            }
            guard let found = known[value] else {
                preconditionFailure("node %\(value.node.index) is used before it is computed")
            }
            uses[value, default: 1] -= 1
            if uses[value] == 0 { known[value] = nil }
            return found
        }
        for id in graph.nodes.ids where isNeeded[id.index] {
            let node = graph.nodes[id]
            if case .leaf = node.operation { continue }
            var operands: [TensorValue] = []
            for operand in node.operands { operands.append(try read(operand)) }
            for (index, result) in try evaluate(node, id, operands).enumerated() {
                let value = Value(id, index)
                if uses[value, default: 0] > 0, known[value] == nil { known[value] = result }
            }
        }
        var results: [TensorValue] = []
        for value in wanted { results.append(try read(value)) }
        return results
    }

    /// Evaluates a node other than a leaf. The operation is first given concrete dimensions and its shape rule is applied
    /// to the operands at hand: what the graph records must agree.
    private func evaluate(
        _ node: Node, _ id: NodeID, _ operands: [TensorValue]
    ) throws(InterpreterError) -> [TensorValue] {
        do throws(Fault) {
            let operation = try concrete(node.operation)
            let types = operands.map { TensorType($0.element, $0.shape.map { Dimension($0) }) }
            let expected: [TensorType]
            do throws(ShapeError) { expected = try operation.results(types, VariableRanges()) } catch {
                throw Fault(error.reason)
            }
            let recorded = try node.results.map { (type) throws(Fault) in
                TensorType(
                    type.element, try type.shape.map { (extent) throws(Fault) in Dimension(try self.value(extent)) })
            }
            guard expected == recorded else {
                throw Fault(
                    "the graph records \(node.results.map(\.description)), but the operands give "
                        + "\(expected.map(\.description))")
            }
            let shapes = try expected.map { (type) throws(Fault) in
                try type.shape.map { (extent) throws(Fault) in try self.value(extent) }
            }
            let results = try compute(operation, operands, shapes)
            if interpreter.policy == .exact || isKept[id.index] { return results }
            return results.map { $0.roundedToElement() }
        } catch {
            throw .node(
                index: id.index, operation: node.operation.name, origin: node.origin, reason: error.reason)
        }
    }

    /// An operand as a product reads it: what may be rounded is, where rounding is meant at all.
    private func factor(_ operand: TensorValue, _ precision: FactorPrecision) -> TensorValue {
        guard precision == .tf32, interpreter.policy == .roundAfterEachNode, operand.element == .f32,
            case .real(let elements) = operand.storage
        else { return operand }
        return TensorValue(.f32, operand.shape, parallelMap(elements) { FloatingPointFormat.tf32.round($0) })
    }

    private func compute(
        _ operation: Operation, _ operands: [TensorValue], _ shapes: [[Int]]
    ) throws(Fault) -> [TensorValue] {
        let shape = shapes[0]
        let rounds = interpreter.policy == .roundAfterEachNode
        return switch operation {
        case .leaf: throw Fault("a leaf is no computation")
        case .map(let expression):
            [try ReferenceInterpreter.evaluate(expression, operands, shape: shape, rounds: rounds)]
        case .reduce(let reduce):
            [
                try ReferenceInterpreter.evaluate(
                    reduce, operands[0], shape: shape, sumLanes: rounds ? interpreter.sumLanes : nil)
            ]
        case .scan(let scan): [try ReferenceInterpreter.evaluate(scan, operands[0])]
        case .view(let view): [try ReferenceInterpreter.evaluate(view, operands[0], shape: shape)]
        case .concatenate(let axis): [concatenate(operands, axis: axis, shape: shape)]
        case .gather(let gather): [try ReferenceInterpreter.evaluate(gather, operands, shape: shape)]
        case .scatter(let scatter): [try ReferenceInterpreter.evaluate(scatter, operands, rounds: rounds)]
        case .contract(let contract):
            [
                try ReferenceInterpreter.evaluate(
                    contract, factor(operands[0], contract.factors), factor(operands[1], contract.factors),
                    shape: shape, rounds: rounds)
            ]
        case .convolve(let convolve):
            [
                try ReferenceInterpreter.evaluate(
                    convolve, factor(operands[0], convolve.factors), factor(operands[1], convolve.factors),
                    shape: shape, rounds: rounds)
            ]
        case .attend(let attend):
            [
                try ReferenceInterpreter.evaluate(
                    attend, operands, shape: shape, rounds: rounds, skipsHidden: interpreter.skipsHidden)
            ]
        case .recur(let recur): try ReferenceInterpreter.evaluate(recur, operands, rounds: rounds)
        case .window(let window): [try ReferenceInterpreter.evaluate(window, operands[0], shape: shape)]
        case .sort(let sort): ReferenceInterpreter.evaluate(sort, operands[0], shape: shape)
        }
    }

    private func evaluate(_ leaf: Leaf, _ id: NodeID) throws(InterpreterError) -> TensorValue {
        do throws(Fault) {
            switch leaf {
            case .input(let index, _):
                guard let inputs, inputs.indices.contains(index) else { throw Fault("the input is not given") }
                return inputs[index].roundedToElement()
            case .parameter(let name, let type): return try load(name, type)
            case .state(let index, _):
                do throws(InterpreterError) { return try interpreter.state(index) } catch { throw Fault("\(error)") }
            case .constant(let elements, let type):
                let shape = try type.shape.map { (extent) throws(Fault) in try self.value(extent) }
                return type.element.isInteger
                    ? TensorValue(type.element, shape, integers: elements.map { type.element.truncated($0) })
                    : TensorValue(type.element, shape, elements.map { type.element.rounded($0) })
            case .iota(let extent):
                let count = try value(extent)
                return TensorValue(.i64, [count], integers: (0..<Int64(count)).map { $0 })
            case .dimension(let expression): return TensorValue(.i64, [], integers: [Int64(try value(expression))])
            case .carried, .looped: throw Fault("a loop's value is not computed alone")
            }
        } catch {
            throw .node(
                index: id.index, operation: "leaf", origin: graph.nodes[id].origin, reason: error.reason)
        }
    }

    private func load(_ name: String, _ type: TensorType) throws(Fault) -> TensorValue {
        do throws(InterpreterError) { return try interpreter.load(name, type, symbols) } catch {
            throw Fault("\(error)")
        }
    }

    /// The value of a dimension.
    private func value(_ expression: IntegerExpression) throws(Fault) -> Int {
        guard let value = symbols.value(expression) else { throw Fault("the dimension \(expression) has no value") }
        return value
    }

    /// The operation with numbers for dimensions.
    private func concrete(_ operation: Operation) throws(Fault) -> Operation {
        for dimension in operation.dimensions { _ = try value(dimension) }
        return operation.mappingDimensions { symbols.value($0).map { IntegerExpression($0) } ?? $0 }
    }
}
