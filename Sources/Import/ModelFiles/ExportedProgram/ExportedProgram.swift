/// One program as `torch.export.save` wrote it in `models/model.json`, decoded into plain values.
///
/// Follows `torch/_export/serde/schema.py`, major version 8. Nothing is interpreted here: operators are names, arguments
/// keep the kind they were saved with, and arguments that equal an operator's default are absent, as in the file.
package struct ExportedProgram: Sendable, Equatable {
    /// The computation.
    package var graph: ExportedGraph
    /// What each graph input is, in the order of `graph.inputs`.
    package var inputs: [ExportedInput]
    /// What each graph output is, in the order of `graph.outputs`.
    package var outputs: [ExportedOutput]
    /// Calling conventions of the modules; the first entry, of the empty name, is the model's own.
    package var moduleCalls: [ExportedModuleCall]
    /// Field names of the named tuples that occur in call specifications, by type name.
    package var namedTupleFields: NamedValues<[String]>
    /// Ranges of symbolic dimensions, by symbol.
    package var rangeConstraints: NamedValues<ExportedRange>
    /// Version of each operator set, such as aten 10.
    package var operatorSets: NamedValues<Int>
    /// The schema that the file follows.
    package var schema: ExportedSchemaVersion
    /// The PyTorch that wrote the file, such as `2.13.0+cpu`.
    package var torchVersion: String
    /// Checks on the inputs that export recorded, as Python expressions.
    package var guards: [String]
    /// Dialects the program was verified against, such as `ATEN` or `TRAINING`.
    package var verifiers: [String]

    /// The model's own calling convention, when the file has one.
    package var rootCall: ExportedModuleSignature? {
        moduleCalls.first { $0.moduleName.isEmpty }?.signature
    }

    /// A value from its parts.
    package init(
        graph: ExportedGraph, inputs: [ExportedInput], outputs: [ExportedOutput], moduleCalls: [ExportedModuleCall],
        namedTupleFields: NamedValues<[String]>, rangeConstraints: NamedValues<ExportedRange>,
        operatorSets: NamedValues<Int>, schema: ExportedSchemaVersion, torchVersion: String, guards: [String],
        verifiers: [String]
    ) {
        self.graph = graph
        self.inputs = inputs
        self.outputs = outputs
        self.moduleCalls = moduleCalls
        self.namedTupleFields = namedTupleFields
        self.rangeConstraints = rangeConstraints
        self.operatorSets = operatorSets
        self.schema = schema
        self.torchVersion = torchVersion
        self.guards = guards
        self.verifiers = verifiers
    }
}

/// Version of the serialization schema. A minor step adds, a major step breaks.
package struct ExportedSchemaVersion: Sendable, Equatable {
    /// 8 is what this reader knows.
    package var major: Int
    /// Any.
    package var minor: Int

    /// A version.
    package init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }
}

/// Inclusive range of a symbolic dimension; `nil` is unbounded.
package struct ExportedRange: Sendable, Equatable {
    /// Smallest value.
    package var minimum: Int64?
    /// Largest value.
    package var maximum: Int64?

    /// A range.
    package init(minimum: Int64?, maximum: Int64?) {
        self.minimum = minimum
        self.maximum = maximum
    }
}

/// How one module of the model was called.
package struct ExportedModuleCall: Sendable, Equatable {
    /// Dotted path of the module; empty for the model itself.
    package var moduleName: String
    /// Present for the model itself and for modules whose signature was asked to be preserved.
    package var signature: ExportedModuleSignature?

    /// A value from its parts.
    package init(moduleName: String, signature: ExportedModuleSignature? = nil) {
        self.moduleName = moduleName
        self.signature = signature
    }
}

/// Inputs and outputs of a module before flattening.
package struct ExportedModuleSignature: Sendable, Equatable {
    /// Flat inputs; empty for the model itself, whose inputs are in `ExportedProgram.inputs`.
    package var inputs: [ExportedArgument]
    /// Flat outputs; empty for the model itself.
    package var outputs: [ExportedArgument]
    /// Structure of `(args, kwargs)`: a tuple of a tuple and a dictionary.
    package var inputTree: PyTree
    /// Structure of what the module returns.
    package var outputTree: PyTree
    /// Parameter names of `forward`, when known.
    package var argumentNames: [String]?

    /// A value from its parts.
    package init(
        inputs: [ExportedArgument], outputs: [ExportedArgument], inputTree: PyTree, outputTree: PyTree,
        argumentNames: [String]? = nil
    ) {
        self.inputs = inputs
        self.outputs = outputs
        self.inputTree = inputTree
        self.outputTree = outputTree
        self.argumentNames = argumentNames
    }
}

/// What a graph input stands for. The `argument` is the name of the value in the graph.
package enum ExportedInput: Sendable, Equatable {
    /// A parameter of the model, by dotted name.
    case parameter(argument: String, name: String)
    /// A buffer of the model; a buffer that is not persistent is stored among the constants.
    case buffer(argument: String, name: String, persistent: Bool)
    /// A tensor that occurred as a literal in the model's code.
    case tensorConstant(argument: String, name: String)
    /// Something that the caller passes.
    case user(ExportedArgument)
    /// A non-tensor value that the caller passed at export and that was baked in.
    case constant(argument: String, value: ExportedConstant)
    /// A script object.
    case customObject(argument: String, className: String, name: String)
    /// An ordering token of a side effect.
    case token(argument: String)
}

/// What a graph output stands for. The `argument` is the name of the value in the graph.
package enum ExportedOutput: Sendable, Equatable {
    /// Something that the caller gets.
    case user(ExportedArgument)
    /// The loss of a training graph.
    case loss(argument: String)
    /// The new value of a buffer.
    case bufferMutation(argument: String, bufferName: String)
    /// The new value of a parameter.
    case parameterMutation(argument: String, parameterName: String)
    /// The new value of an input; `inputName` is the graph input's value name.
    case userInputMutation(argument: String, inputName: String)
    /// Gradient of a parameter, in a training graph.
    case gradientToParameter(argument: String, parameterName: String)
    /// Gradient of an input, in a training graph.
    case gradientToUserInput(argument: String, inputName: String)
    /// An ordering token of a side effect.
    case token(argument: String)
}

/// A non-tensor input that was baked in at export.
package enum ExportedConstant: Sendable, Equatable {
    /// Python's `None`.
    case none
    /// An integer.
    case int(Int64)
    /// A real number.
    case float(Double)
    /// Text.
    case string(String)
    /// A truth value.
    case bool(Bool)
}
