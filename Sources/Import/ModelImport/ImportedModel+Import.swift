import Base
import ElementTypes
import GraphIR
import ModelFiles

extension ImportedModel {
    /// Imports an archive's program.
    package init(_ contents: ExportedProgramContents) throws(ImportError) {
        let declared = Self.declaredStates(contents.program)
        var importer = try Self.run(contents, states: declared)
        // In-place operators write buffers that the signature does not list; they become states in a second pass.
        let written = importer.writtenBuffers.subtracting(declared)
        if !written.isEmpty { importer = try Self.run(contents, states: declared + written.sorted()) }
        var bindings: [PortBinding] = []
        for index in importer.builder.graph.inputs.indices { bindings.append(.tensor(index)) }
        let call = contents.program.rootCall
        self.init(
            graph: importer.builder.graph, tensors: importer.stored, aliases: [:], inputTree: call?.inputTree,
            outputTree: call?.outputTree, inputNames: importer.builder.graph.inputs.map(\.name), inputs: bindings,
            outputNames: importer.builder.graph.outputs.map(\.name),
            outputs: importer.builder.graph.outputs.indices.map { .tensor($0) }, level: .functional,
            torchVersion: contents.program.torchVersion)
    }

    private static func declaredStates(_ program: ExportedProgram) -> [String] {
        program.outputs.compactMap { if case .bufferMutation(_, let name) = $0 { name } else { nil } }
    }

    private static func run(_ contents: ExportedProgramContents, states: [String]) throws(ImportError) -> Importer {
        let program = contents.program
        var stored: [String: StoredTensor] = [:]
        for entry in contents.weights.entries { stored[entry.name] = entry.value }
        for entry in contents.constants.entries { stored[entry.name] = entry.value }
        var importer = Importer(program, name: contents.modelName, stored: stored, states: states)
        importer.scopes = [Scope(graph: program.graph)]
        for input in program.inputs {
            if case .user(.tensor(let name)) = input, let tensor = program.graph.tensors[name] {
                importer.declareSymbols(tensor)
            }
        }
        for name in states {
            guard let tensor = stored[name] else { throw .missingTensor(name) }
            importer.builder.graph.states.append(GraphPort(name: name, type: try type(tensor)))
        }
        for input in program.inputs {
            switch input {
            case .parameter(let argument, let name), .tensorConstant(let argument, let name):
                let value = try importer.stored(name)
                try importer.define(argument, .tensor(importer.fresh(value, .parameter(name))))
            case .buffer(let argument, let name, _):
                if let state = importer.states[name] {
                    let value = try importer.leaf(.state(state, importer.builder.graph.states[state].type))
                    try importer.define(argument, .tensor(importer.fresh(value, .buffer(name))))
                } else {
                    try importer.define(argument, .tensor(importer.fresh(try importer.stored(name), .buffer(name))))
                }
            case .user(let argument): try importer.defineInput(argument)
            case .constant(let argument, let value):
                switch value {
                case .none: try importer.define(argument, .none)
                case .int(let number): try importer.define(argument, .integer(IntegerExpression(Int(number))))
                case .float(let number): try importer.define(argument, .float(.float(number)))
                case .bool(let flag): try importer.define(argument, .boolean(.boolean(flag)))
                case .string: try importer.define(argument, .none)
                }
            case .customObject(_, _, let name): throw .signature("the model holds the custom object '\(name)'")
            case .token: continue
            }
        }
        try importer.run(program.graph)
        for output in program.outputs {
            switch output {
            case .user(.tensor(let name)):
                let number = importer.builder.graph.outputs.count
                importer.builder.graph.outputs.append(
                    GraphOutput(name: "output.\(number)", value: try importer.read(try importer.handleNamed(name))))
            case .user(.none): continue
            case .user: throw .signature("an output is not a tensor")
            case .bufferMutation(let argument, let name):
                guard let state = importer.states[name] else { throw .missingTensor(name) }
                importer.builder.graph.updates.append(
                    .init(state: state, value: try importer.read(try importer.handleNamed(argument))))
            case .userInputMutation(_, let name): throw .inputMutation(nil, input: name)
            case .parameterMutation(_, let name): throw .signature("the model writes into its parameter '\(name)'")
            case .loss, .gradientToParameter, .gradientToUserInput:
                throw .signature("training programs are not supported; export the model in eval mode")
            case .token: continue
            }
        }
        // Buffers written in place leave through their memory.
        for (index, storage) in importer.storages.enumerated() {
            guard case .buffer(let name) = storage.owner, let state = importer.states[name],
                importer.writtenBuffers.contains(name),
                !importer.builder.graph.updates.contains(where: { $0.state == state })
            else { continue }
            let value = importer.storages[index].value
            importer.builder.graph.updates.append(.init(state: state, value: value))
        }
        return importer
    }

    fileprivate static func type(_ tensor: StoredTensor) throws(ImportError) -> TensorType {
        guard let element = ElementType(tensor.scalarType) else {
            throw .elementType(value: tensor.name, type: tensor.scalarType.name)
        }
        return TensorType(element, tensor.sizes.map { Dimension($0) })
    }
}

extension Importer {
    /// The leaf of a stored tensor; tied tensors share the first name.
    mutating func stored(_ name: String) throws(ImportError) -> Value {
        guard let tensor = stored[name] else { throw .missingTensor(name) }
        return try leaf(.parameter(name, try ImportedModel.type(tensor)))
    }

    /// Declares one user input.
    mutating func defineInput(_ argument: ExportedArgument) throws(ImportError) {
        switch argument {
        case .tensor(let name):
            guard let declared = program.graph.tensors[name] else { throw .missingTensor(name) }
            let port = GraphPort(name: name, type: try type(declared, name))
            builder.graph.inputs.append(port)
            let value = try leaf(.input(builder.graph.inputs.count - 1, port.type))
            try define(name, .tensor(fresh(value, .input(name))))
        case .none: return
        default: throw .signature("an input that is not a tensor is not supported here")  // Integers come with symbols.
        }
    }

    /// The tensor that a name stands for.
    func handleNamed(_ name: String) throws(ImportError) -> TensorHandle {
        guard case .tensor(let handle)? = scopes.last?.bindings[name] else {
            throw .undefined(site, value: name, isDefinedLater: false)
        }
        return handle
    }
}
