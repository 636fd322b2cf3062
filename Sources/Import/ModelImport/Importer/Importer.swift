import ElementTypes
import GraphIR
import ModelFiles

/// What a value name of the program stands for.
enum Binding {
    case tensor(TensorHandle)
    case integer(IntegerExpression)
    case float(SymbolicExpression)
    case boolean(SymbolicExpression)
    /// A scalar that is read out of a tensor at run time (`item`).
    case scalarTensor(Value)
    case none
}

/// The operator call being imported.
struct Call {
    var node: ExportedNode
    var name: OperatorName
    var schema: OperatorSchema?
    var arguments: [String: ExportedArgument]
    var site: ImportSite
}

/// Names of one graph: the program's own or the body of a higher-order operator.
struct Scope {
    var graph: ExportedGraph
    var bindings: [String: Binding] = [:]
}

/// The state of an import: the graph under construction, tensor memory as PyTorch aliases it, and names.
///
/// Operators that write in place are made functional: a tensor name is a view chain over a storage, a write replaces the
/// storage's current value, and a read applies the chain to whatever the storage holds then.
struct Importer {
    var builder: GraphBuilder
    let program: ExportedProgram
    /// Stored tensors by the name that the graph uses.
    let stored: [String: StoredTensor]
    /// Values of stored tensors that are one whole number.
    let wholeNumbers: [String: Int]
    /// Stored names that stand for the same elements as another: alias to the first name.
    let aliases: [String: String]
    /// What each flat input and output is.
    var inputBindings: [PortBinding] = []
    var outputBindings: [PortBinding] = []
    /// Buffers known to be written: they become states.
    let states: [String: Int]
    var storages: [Storage] = []
    var scopes: [Scope] = []
    var symbols: [String: Int] = [:]
    var hints: [Int] = []
    var call: Call
    /// The part of complex operands that the current call sees; nil where it sees both or has none.
    var part: ComplexPart?
    /// Stored tensors that are complex; `stored` holds them with a last axis of real and imaginary part.
    let complexNames: Set<String>
    /// Buffers and inputs that some operator wrote.
    var writtenBuffers: Set<String> = []
    /// The calls that do not import, where these are looked for; nil where the first ends the import.
    var refusals: [ImportRefusal]?
    /// Calls so far that draw random numbers.
    var draws = 0
    /// Whether the current call is in a body of control flow, which may run not at all or several times.
    var isBody = false

    init(
        _ program: ExportedProgram, name: String, stored entries: [(name: String, tensor: StoredTensor)],
        wholeNumbers: [String: Int] = [:], states: [String]
    ) {
        self.wholeNumbers = wholeNumbers
        builder = GraphBuilder(name: name)
        self.program = program
        var stored: [String: StoredTensor] = [:]
        complexNames = Set(entries.lazy.filter { $0.tensor.scalarType.realPart != nil }.map(\.name))
        var aliases: [String: String] = [:]
        var first: [Place: String] = [:]
        for (name, given) in entries {
            let tensor = given.asReal
            stored[name] = tensor
            guard tensor.elementCount > 0, !states.contains(name) else { continue }
            if let known = first[Place(tensor)] { aliases[name] = known } else { first[Place(tensor)] = name }
        }
        self.stored = stored
        self.aliases = aliases
        self.states = Dictionary(uniqueKeysWithValues: states.enumerated().map { ($1, $0) })
        let site = ImportSite(operation: "inputs", node: "graph", line: "signature")
        call = Call(
            node: ExportedNode(target: "", inputs: [], outputs: []), name: OperatorName(""), schema: nil,
            arguments: [:], site: site)
    }

    /// Where the import is now; for errors.
    var site: ImportSite { call.site }

    /// Imports all calls of a graph whose inputs are bound already.
    mutating func run(_ graph: ExportedGraph) throws(ImportError) {
        for node in graph.nodes {
            do {
                try run(node)
            } catch {
                try passOver(node, error)
            }
        }
    }

    private mutating func run(_ node: ExportedNode) throws(ImportError) {
        let name = OperatorName(node.target)
        var arguments: [String: ExportedArgument] = [:]
        for input in node.inputs { arguments[input.name] = input.value }
        call = Call(
            node: node, name: name, schema: OperatorSchema.table[name.qualified], arguments: arguments,
            site: node.site)
        builder.origin = "\(name.qualified) (\(call.site.line))"
        if try bindSymbolicResult(node) { return }
        let caller = call
        let results = try rule(for: name)(&self)
        call = caller
        try bind(results)
    }

    /// The rule of an operator for the operands of the current call.
    private func rule(for name: OperatorName) throws(ImportError) -> OperatorRule {
        let table = OperatorTable.shared
        let ordinary = table.handler(name)
        if name.namespace == "aten", hasComplexOperands {
            if let rule = table.complexHandler(name) { return rule }
            if let ordinary, table.refuses(name) { return ordinary }
            guard let ordinary, Self.partwiseOperators.contains(name.base) else {
                throw unsupported("complex operands")
            }
            return { (i) throws(ImportError) in try i.runPartwise(ordinary) }
        }
        guard let ordinary else {
            if table.covers(name) { throw unsupported("operands that are not complex") }
            throw .unsupportedOperators([UnsupportedOperator(name: name.qualified, count: 1, firstLine: site.line)])
        }
        return ordinary
    }

    /// Calls whose results are integers, reals or truth values over symbols need no rule: the file states each result as
    /// an expression.
    private mutating func bindSymbolicResult(_ node: ExportedNode) throws(ImportError) -> Bool {
        guard !node.outputs.isEmpty, let scope = scopes.last else { return false }
        var found: [(String, Binding)] = []
        for output in node.outputs {
            switch output {
            case .symInt(.name(let name)):
                guard let value = scope.graph.symbolicIntegers[name] else { return false }
                switch value {
                case .value(let constant): found.append((name, .integer(IntegerExpression(Int(constant)))))
                case .expression(let expression, _):
                    if let unknown = firstUnknownSymbol(expression) {
                        // `item` of a tensor: a rule may still make it a scalar tensor.
                        if node.readsNumber { return false }
                        guard isOnlyAsserted(name) else {
                            throw .dataDependent(
                                site, "'\(name)' depends on '\(unknown)', which is read out of a tensor")
                        }
                        found.append((name, .none))
                        continue
                    }
                    found.append((name, .integer(try integer(expression, name))))
                }
            case .symFloat(.name(let name)):
                switch scope.graph.symbolicFloats[name] {
                case .value(let constant)?: found.append((name, .float(.float(constant))))
                case .expression(let expression, _)?:
                    if firstUnknownSymbol(expression) != nil { return false }
                    found.append((name, .float(expression)))
                case nil: return false
                }
            case .symBool(.name(let name)):
                switch scope.graph.symbolicBooleans[name] {
                case .value(let constant)?: found.append((name, .boolean(.boolean(constant))))
                case .expression(let expression, _)?:
                    if let unknown = firstUnknownSymbol(expression) {
                        if node.readsNumber { return false }
                        guard isOnlyAsserted(name) else {
                            throw .dataDependent(
                                site, "'\(name)' depends on '\(unknown)', which is read out of a tensor")
                        }
                        found.append((name, .none))
                        continue
                    }
                    found.append((name, .boolean(expression)))
                case nil: return false
                }
            case .none, .tensor, .tensors, .optionalTensor, .optionalTensors, .nestedTensors, .int, .ints, .intLists,
                .float, .floats, .floatLists, .bool, .bools, .string, .strings, .complex, .symInt, .symInts, .symFloat,
                .symFloats, .symBool, .symBools, .scalarType, .memoryFormat, .layout, .device, .graph, .operator,
                .customObject, .dictionary:
                return false
            }
        }
        for (name, binding) in found { try define(name, binding) }
        return true
    }

    /// Whether a number serves assertions alone, itself or through others that are made of it.
    private func isOnlyAsserted(_ name: String) -> Bool {
        guard let scope = scopes.last else { return false }
        return scope.graph.nodes.allSatisfy { node in
            if !node.takesNumber(name) || node.target.contains("_assert_scalar") { return true }
            return !node.outputs.isEmpty
                && node.outputs.allSatisfy { output in
                    switch output {
                    case .symInt(.name(let result)), .symBool(.name(let result)): isOnlyAsserted(result)
                    default: false  // Elements of tensors are more than an assertion.
                    }
                }
        }
    }

    /// Gives a name its meaning, once.
    mutating func define(_ name: String, _ binding: Binding) throws(ImportError) {
        if scopes[scopes.count - 1].bindings[name] != nil { throw .redefined(site, value: name) }
        scopes[scopes.count - 1].bindings[name] = binding
    }

    /// The names of the current call's tensor results, in order.
    var resultNames: [String?] { resultNames(of: call.node) }

    /// The names of a call's tensor results, in order.
    func resultNames(of node: ExportedNode) -> [String?] {
        var names: [String?] = []
        for output in node.outputs {
            switch output {
            case .tensor(let name): names.append(name)
            case .tensors(let list): names += list
            case .optionalTensor(let name): names.append(name)
            case .optionalTensors(let list): names += list
            case .symInt(.name(let name)), .symFloat(.name(let name)), .symBool(.name(let name)): names.append(name)
            case .none, .nestedTensors, .int, .ints, .intLists, .float, .floats, .floatLists, .bool, .bools, .string,
                .strings, .complex, .symInt, .symInts, .symFloat, .symFloats, .symBool, .symBools, .scalarType,
                .memoryFormat, .layout, .device, .graph, .operator, .customObject, .dictionary:
                names.append(nil)
            }
        }
        return names
    }

    private mutating func bind(_ results: [TensorHandle?]) throws(ImportError) {
        let names = resultNames
        if results.isEmpty, names.allSatisfy({ $0 == nil }) { return }
        guard names.count == results.count else {
            throw .unsupportedForm(site, "\(results.count) results where the program names \(names.count)")
        }
        for (name, handle) in zip(names, results) {
            guard let name, !name.isEmpty else { continue }
            guard let handle else {
                try define(name, .none)
                continue
            }
            switch scopes.last?.graph.tensors[name] {
            case let declared?: try define(name, .tensor(try fitted(handle, declared, name)))
            case nil: try define(name, .scalarTensor(try read(handle)))
            }
        }
    }

    /// Whether a program declares the last states of a recurrent network with an axis of extent 1 too many, as torch 2.11 does of networks on
    /// GPUs (KernelBench's level 3, 36 and 38); what runs gives them without it.
    private func isMisdeclaredState(_ derived: Shape, _ declared: Shape) -> Bool {
        ["lstm", "gru", "rnn_tanh", "rnn_relu"].contains(call.name.base) && declared.count == derived.count + 1
            && declared.filter { $0 != 1 } == derived.filter { $0 != 1 }
    }

    /// Checks a result against what the program declares. Extents that differ in form but agree at export become a guard.
    private mutating func fitted(
        _ handle: TensorHandle, _ declared: ExportedTensor, _ name: String
    ) throws(ImportError) -> TensorHandle {
        let wanted = try type(declared, name)
        var handle = handle
        if (declared.scalarType.realPart != nil) != isComplex(handle) {
            let value = try read(handle)
            guard !isComplex(handle) else {
                throw .resultType(site, value: name, declared: "\(wanted)", derived: "complex \(type(value))")
            }
            handle = complex(value, try full(0, type(value)))
        }
        // Reading may add nodes, so it comes before the look at the graph.
        let current = try read(handle)
        let derived = type(current)
        if derived == wanted || derived.element == wanted.element && isMisdeclaredState(derived.shape, wanted.shape) {
            return handle
        }
        guard derived.element == wanted.element, derived.shape.count == wanted.shape.count else {
            throw .resultType(site, value: name, declared: "\(wanted)", derived: "\(derived)")
        }
        for axis in derived.shape.indices where derived.shape[axis] != wanted.shape[axis] {
            guard atExport(derived.shape[axis]) == atExport(wanted.shape[axis]),
                derived.shape[axis].constantValue == nil || wanted.shape[axis].constantValue == nil
            else { throw .resultType(site, value: name, declared: "\(wanted)", derived: "\(derived)") }
            require(derived.shape[axis] - wanted.shape[axis], isLowerBound: false, "extent \(axis) of '\(name)'")
            handle = try apply(.slice(axis: axis, start: 0, count: wanted.shape[axis], step: 1), to: handle)
        }
        return handle
    }

    /// Adds an entry guard unless it holds for all values of the symbols.
    mutating func require(_ expression: IntegerExpression, isLowerBound: Bool, _ reason: String) {
        if isLowerBound ? builder.graph.ranges.isNonNegative(expression) : expression == 0 { return }
        let condition = Guard(expression: expression, isLowerBound: isLowerBound, reason: "\(reason) (\(site.line))")
        if builder.graph.guards.contains(where: {
            $0.expression == expression && $0.isLowerBound == isLowerBound
        }) {
            return
        }
        builder.graph.guards.append(condition)
    }
}

/// The elements that a stored tensor stands for.
private struct Place: Hashable {
    var storage: Int
    var offset: Int
    var sizes: [Int]
    var strides: [Int]
    var type: TorchScalarType

    init(_ tensor: StoredTensor) {
        (storage, offset, type) = (tensor.storage, tensor.storageOffset, tensor.scalarType)
        (sizes, strides) = (tensor.sizes, tensor.strides)
    }
}

extension ExportedNode {
    /// The place of this node, with the innermost line of model code.
    var site: ImportSite {
        var first = name ?? ""
        if first.isEmpty, case .tensor(let result)? = outputs.first { first = result }
        return ImportSite(operation: OperatorName(target).qualified, node: first, line: modelLine)
    }

    /// The last frame of the stack trace as `file.py:12: code`.
    private var modelLine: String {
        guard let stackTrace else { return "no line recorded" }
        let lines = stackTrace.split(separator: "\n").map { $0.drop { $0 == " " } }
        // Frames of code that PyTorch generated, such as `<eval_with_key>.1`, are no lines of the model.
        guard
            let frame = lines.lastIndex(where: { $0.hasPrefix("File \"") && !$0.hasPrefix("File \"<") })
                ?? lines.lastIndex(where: { $0.hasPrefix("File \"") })
        else { return "no line recorded" }
        let parts = lines[frame].split(separator: "\"")
        guard parts.count >= 3 else { return String(lines[frame]) }
        let file = parts[1].split(separator: "/").last ?? parts[1]
        let number = parts[2].split(separator: " ").compactMap { Int($0.filter(\.isNumber)) }.first ?? 0
        let code = frame + 1 < lines.count ? ": \(lines[frame + 1])" : ""
        return "\(file):\(number)\(code)"
    }
}

extension ExportedNode {
    /// Whether the call reads a number out of a tensor.
    fileprivate var readsNumber: Bool { target.contains("item") || target.contains("_local_scalar_dense") }

    /// Whether a number of this name is an argument.
    fileprivate func takesNumber(_ name: String) -> Bool {
        inputs.contains { input in
            switch input.value {
            case .symInt(.name(let given)), .symFloat(.name(let given)), .symBool(.name(let given)): given == name
            case .symInts(let list): list.contains { if case .name(name) = $0 { true } else { false } }
            default: false  // Nothing else names a number.
            }
        }
    }
}
