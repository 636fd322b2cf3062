import ElementTypes
import GraphIR
import ModelFiles

/// What crosses the border: inputs and outputs of every kind, weights, states.
extension Importer {
    /// Declares a buffer that the program writes. Memory of its own is required: another name would not see the writes.
    mutating func declareState(_ name: String) throws(ImportError) {
        guard let tensor = stored[name] else { throw .missingTensor(name) }
        if complexNames.contains(name) {
            throw .elementType(value: name, type: "complex, of a buffer that is written,")
        }
        for input in program.inputs {
            guard let other = input.storedName, other != name, let twin = stored[other],
                twin.storage == tensor.storage, tensor.elementCount > 0
            else { continue }
            throw .sharedMemory(nil, "the model writes buffer '\(name)', which shares memory with '\(other)'")
        }
        builder.graph.states.append(GraphPort(name: name, type: try ImportedModel.type(tensor)))
    }

    /// The leaf of a stored tensor; tied tensors share the first name.
    private mutating func leaf(stored name: String) throws(ImportError) -> Value {
        guard let tensor = stored[name] else { throw .missingTensor(name) }
        return try leaf(.parameter(aliases[name] ?? name, try ImportedModel.type(tensor)))
    }

    /// A stored tensor with memory of its own.
    private mutating func handle(_ value: Value, stored name: String, _ owner: Storage.Owner) throws(ImportError)
        -> TensorHandle
    {
        guard complexNames.contains(name) else { return fresh(value, owner) }
        let last = rank(value) - 1
        return complex(try select(value, last, 0), try select(value, last, 1))
    }

    /// Gives a graph input its meaning; those that the caller passes take the next of `names`.
    mutating func define(_ input: ExportedInput, _ names: inout ArraySlice<String>) throws(ImportError) {
        switch input {
        case .parameter(let argument, let name):
            let value = try leaf(stored: name)
            try define(argument, .tensor(try handle(value, stored: name, .parameter(name))))
        // A tensor that a module holds without registering it may be written like a buffer.
        case .buffer(let argument, let name, _), .tensorConstant(let argument, let name):
            let value: Value
            if let state = states[name] {
                value = try leaf(.state(state, builder.graph.states[state].type))
            } else {
                value = try leaf(stored: name)
            }
            try define(argument, .tensor(try handle(value, stored: name, .buffer(name))))
        case .user(let argument): try defineUser(argument, names.popFirst() ?? "input")
        case .constant(let argument, let value):
            names = names.dropFirst()
            switch value {
            case .none: try define(argument, .none, as: .none)
            case .int(let number):
                let expression = IntegerExpression(Int(number))
                try define(argument, .integer(expression), as: .integer(expression))
            case .float(let number): try define(argument, .float(.float(number)), as: .float(number))
            case .bool(let flag): try define(argument, .boolean(.boolean(flag)), as: .bool(flag))
            case .string(let text): try define(argument, .none, as: .string(text))
            }
        case .customObject(_, _, let name): throw .signature("the model holds the custom object '\(name)'")
        case .token: return
        }
    }

    private mutating func define(
        _ name: String, _ binding: Binding, as port: PortBinding
    ) throws(ImportError) {
        inputBindings.append(port)
        if !name.isEmpty { try define(name, binding) }
    }

    private mutating func defineUser(_ argument: ExportedArgument, _ shown: String) throws(ImportError) {
        switch argument {
        case .tensor(let name):
            guard let declared = program.graph.tensors[name] else {
                throw .signature("input '\(shown)' has no declared type")
            }
            if declared.scalarType.realPart != nil {
                throw .elementType(value: shown, type: declared.scalarType.name)
            }
            let port = GraphPort(name: shown, type: try type(declared, name))
            builder.graph.inputs.append(port)
            inputBindings.append(.tensor(builder.graph.inputs.count - 1))
            let value = try leaf(.input(builder.graph.inputs.count - 1, port.type))
            try define(name, .tensor(fresh(value, .input(shown))))
        case .symInt(.name(let name)):
            guard case .expression(let expression, _)? = program.graph.symbolicIntegers[name],
                firstUnknownSymbol(expression) == nil
            else {
                throw .signature(
                    "input '\(shown)' is an integer that may change from call to call; "
                        + "export with a fixed value, or pass it as a tensor")
            }
            let value = try integer(expression, name)
            try define(name, .integer(value), as: .integer(value))
        case .none: inputBindings.append(.none)
        case .int(let value), .symInt(.value(let value)):
            inputBindings.append(.integer(IntegerExpression(Int(value))))
        case .float(let value), .symFloat(.value(let value)): inputBindings.append(.float(value))
        case .bool(let value), .symBool(.value(let value)): inputBindings.append(.bool(value))
        case .string(let value): inputBindings.append(.string(value))
        default:  // Lists do not occur after flattening; symbolic reals and truth values do.
            throw .signature("input '\(shown)' is neither a tensor nor a constant (\(argument.kindName))")
        }
    }

    /// Takes a graph output; those that the caller gets take the next of `names`.
    mutating func give(_ output: ExportedOutput, _ names: inout ArraySlice<String>) throws(ImportError) {
        let end = ImportSite(operation: "outputs", node: "graph", line: "signature")
        call.site = end
        switch output {
        case .user(let argument): try giveUser(argument, names.popFirst() ?? "output")
        case .bufferMutation(let argument, let name):
            guard let state = states[name] else { throw .missingTensor(name) }
            let value = try read(try handle(named: argument))
            builder.graph.updates.append(.init(state: state, value: value))
        case .userInputMutation(_, let name): throw .inputMutation(nil, input: name)
        case .parameterMutation(_, let name): throw .signature("the model writes into its parameter '\(name)'")
        case .loss, .gradientToParameter, .gradientToUserInput:
            throw .signature("training programs are not supported; export the model in eval mode")
        case .token: return
        }
    }

    private mutating func giveUser(_ argument: ExportedArgument, _ shown: String) throws(ImportError) {
        switch argument {
        case .tensor(let name):
            let handle = try handle(named: name)
            if isComplex(handle) {
                throw .signature("output '\(shown)' is complex; return torch.view_as_real of it")
            }
            let value = try read(handle)
            outputBindings.append(.tensor(builder.graph.outputs.count))
            builder.graph.outputs.append(GraphOutput(name: shown, value: value))
        case .none: outputBindings.append(.none)
        case .int(let value), .symInt(.value(let value)):
            outputBindings.append(.integer(IntegerExpression(Int(value))))
        case .symInt(.name(let name)): outputBindings.append(.integer(try dimension(named: name)))
        case .float(let value), .symFloat(.value(let value)): outputBindings.append(.float(value))
        case .bool(let value), .symBool(.value(let value)): outputBindings.append(.bool(value))
        case .string(let value): outputBindings.append(.string(value))
        default:  // Symbolic reals and truth values; the others do not leave a program.
            throw .signature("output '\(shown)' is neither a tensor nor an integer (\(argument.kindName))")
        }
    }

    /// Buffers written in place leave through their memory.
    mutating func giveWrittenBuffers() {
        for storage in storages {
            guard case .buffer(let name) = storage.owner, let state = states[name], writtenBuffers.contains(name),
                !builder.graph.updates.contains(where: { $0.state == state })
            else { continue }
            builder.graph.updates.append(.init(state: state, value: storage.value))
        }
    }
}

extension ExportedInput {
    /// Name of the stored tensor that this input is, if any.
    fileprivate var storedName: String? {
        switch self {
        case .parameter(_, let name), .buffer(_, let name, _), .tensorConstant(_, let name): name
        case .user, .constant, .customObject, .token: nil
        }
    }
}
