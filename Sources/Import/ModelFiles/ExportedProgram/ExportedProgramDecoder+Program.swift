internal import JSON

extension ExportedProgramDecoder {
    /// The schema version that this reader follows.
    static let knownMajorVersion = 8

    /// The whole of `models/NAME.json`.
    mutating func program(_ value: JSONValue) throws(Failure) -> ExportedProgram {
        let root = try object(value)
        let torchVersion = try optional(root, "torch_version", Self.string) ?? "2.4 or older"
        // Checked first: in another major version any other field may mean something else.
        let schema = try field(root, "schema_version", "an object", Self.schemaVersion)
        if schema.major != Self.knownMajorVersion {
            throw .schemaVersion(major: schema.major, minor: schema.minor, torchVersion: torchVersion)
        }
        let operatorSets = try field(root, "opset_version", "an object") { (decoder, value) throws(Failure) in
            try decoder.table(value, Self.int)
        }
        let ranges = try field(root, "range_constraints", "an object") { (decoder, value) throws(Failure) in
            try decoder.table(value, Self.range)
        }
        let guards = try optional(root, "guards_code", Self.strings) ?? []
        let verifiers = try optional(root, "verifiers", Self.strings) ?? []
        return try field(root, "graph_module", "an object") { (decoder, value) throws(Failure) in
            let module = try decoder.object(value)
            let graph = try decoder.field(module, "graph", "an object", Self.graph)
            let (inputs, outputs) = try decoder.field(module, "signature", "an object", Self.signature)
            return ExportedProgram(
                graph: graph, inputs: inputs, outputs: outputs,
                moduleCalls: try decoder.field(module, "module_call_graph", "a list") {
                    (decoder, value) throws(Failure) in
                    try decoder.list(value, Self.moduleCall)
                },
                namedTupleFields: try decoder.optional(module, "treespec_namedtuple_fields") {
                    (decoder, value) throws(Failure) in try decoder.table(value, Self.fieldNames)
                } ?? NamedValues(),
                rangeConstraints: ranges, operatorSets: operatorSets, schema: schema, torchVersion: torchVersion,
                guards: guards, verifiers: verifiers)
        }
    }

    private static func schemaVersion(_ decoder: inout Self, _ value: JSONValue) throws(Failure)
        -> ExportedSchemaVersion
    {
        let parts = try decoder.object(value)
        return ExportedSchemaVersion(
            major: try decoder.field(parts, "major", "an integer", int),
            minor: try decoder.field(parts, "minor", "an integer", int))
    }

    private static func range(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> ExportedRange {
        let parts = try decoder.object(value)
        return ExportedRange(
            minimum: try decoder.optional(parts, "min_val", int64),
            maximum: try decoder.optional(parts, "max_val", int64))
    }

    private static func strings(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> [String] {
        try decoder.list(value, string)
    }

    private static func fieldNames(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> [String] {
        try decoder.field(try decoder.object(value), "field_names", "a list", strings)
    }

    private static func arguments(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> [ExportedArgument] {
        try decoder.list(value, argument)
    }

    // MARK: Graph

    /// A graph: the program's, or the body of a higher-order operator.
    static func graph(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> ExportedGraph {
        let parts = try decoder.object(value)
        return ExportedGraph(
            inputs: try decoder.field(parts, "inputs", "a list", arguments),
            outputs: try decoder.field(parts, "outputs", "a list", arguments),
            nodes: try decoder.field(parts, "nodes", "a list") { (decoder, value) throws(Failure) in
                try decoder.list(value, node)
            },
            tensors: try decoder.field(parts, "tensor_values", "an object") { (decoder, value) throws(Failure) in
                try decoder.table(value, tensor)
            },
            symbolicIntegers: try decoder.field(parts, "sym_int_values", "an object") {
                (decoder, value) throws(Failure) in try decoder.table(value, symbolicInteger)
            },
            symbolicFloats: try decoder.optional(parts, "sym_float_values") { (decoder, value) throws(Failure) in
                try decoder.table(value, symbolicFloat)
            } ?? NamedValues(),
            symbolicBooleans: try decoder.field(parts, "sym_bool_values", "an object") {
                (decoder, value) throws(Failure) in try decoder.table(value, symbolicBoolean)
            },
            customObjects: try decoder.optional(parts, "custom_obj_values") { (decoder, value) throws(Failure) in
                try decoder.table(value, className)
            } ?? NamedValues(),
            returnsSingleTensor: try decoder.optional(parts, "is_single_tensor_return", bool) ?? false)
    }

    private static func className(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> String {
        try decoder.field(try decoder.object(value), "class_fqn", "a string", string)
    }

    private static func node(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> ExportedNode {
        let parts = try decoder.object(value)
        let metadata = try decoder.optional(parts, "metadata") { (decoder, value) throws(Failure) in
            try decoder.object(value)
        }
        return ExportedNode(
            name: try decoder.optional(parts, "name", string),
            target: try decoder.field(parts, "target", "a string", string),
            inputs: try decoder.field(parts, "inputs", "a list") { (decoder, value) throws(Failure) in
                try decoder.list(value, namedArgument)
            },
            outputs: try decoder.field(parts, "outputs", "a list", arguments),
            stackTrace: metadata?["stack_trace"]?.stringValue,
            moduleStack: metadata?["nn_module_stack"]?.stringValue,
            returnsSingleTensor: try decoder.optional(parts, "is_hop_single_tensor_return", bool))
    }

    private static func namedArgument(_ decoder: inout Self, _ value: JSONValue) throws(Failure)
        -> ExportedNamedArgument
    {
        let parts = try decoder.object(value)
        return ExportedNamedArgument(
            name: try decoder.field(parts, "name", "a string", string),
            value: try decoder.field(parts, "arg", "an object", argument),
            kind: try decoder.optional(parts, "kind") { (decoder, value) throws(Failure) in
                try choice(&decoder, value, "kind of argument")
            })
    }

    // MARK: Signature

    private static func signature(
        _ decoder: inout Self, _ value: JSONValue
    ) throws(Failure) -> ([ExportedInput], [ExportedOutput]) {
        let parts = try decoder.object(value)
        return (
            try decoder.field(parts, "input_specs", "a list") { (decoder, value) throws(Failure) in
                try decoder.list(value, input)
            },
            try decoder.field(parts, "output_specs", "a list") { (decoder, value) throws(Failure) in
                try decoder.list(value, output)
            }
        )
    }

    private static func input(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> ExportedInput {
        let member = try decoder.union(value)
        return try decoder.payload(member) { (decoder, value) throws(Failure) in
            let parts = try decoder.object(value)
            switch member.name {
            case "user_input": return .user(try decoder.field(parts, "arg", "an object", argument))
            case "parameter":
                return .parameter(
                    argument: try decoder.field(parts, "arg", "an object", namedThing),
                    name: try decoder.field(parts, "parameter_name", "a string", string))
            case "buffer":
                return .buffer(
                    argument: try decoder.field(parts, "arg", "an object", namedThing),
                    name: try decoder.field(parts, "buffer_name", "a string", string),
                    persistent: try decoder.field(parts, "persistent", "true or false", bool))
            case "tensor_constant":
                return .tensorConstant(
                    argument: try decoder.field(parts, "arg", "an object", namedThing),
                    name: try decoder.field(parts, "tensor_constant_name", "a string", string))
            case "custom_obj":
                return .customObject(
                    argument: try decoder.field(parts, "arg", "an object", namedThing),
                    className: try decoder.field(parts, "arg", "an object", className),
                    name: try decoder.field(parts, "custom_obj_name", "a string", string))
            case "token": return .token(argument: try decoder.field(parts, "arg", "an object", namedThing))
            case "constant_input":
                return .constant(
                    argument: try decoder.field(parts, "name", "a string", string),
                    value: try decoder.field(parts, "value", "an object", constant))
            default: throw decoder.wrong("a known kind of input", .string(member.name))
            }
        }
    }

    private static func constant(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> ExportedConstant {
        let member = try decoder.union(value)
        switch member.name {
        case "as_none": return .none
        case "as_int": return .int(try decoder.payload(member, int64))
        case "as_float": return .float(try decoder.payload(member, double))
        case "as_string": return .string(try decoder.payload(member, string))
        case "as_bool": return .bool(try decoder.payload(member, bool))
        default: throw decoder.wrong("a known kind of constant", value)
        }
    }

    private static func output(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> ExportedOutput {
        let member = try decoder.union(value)
        return try decoder.payload(member) { (decoder, value) throws(Failure) in
            let parts = try decoder.object(value)
            if member.name == "user_output" {
                return .user(try decoder.field(parts, "arg", "an object", argument))
            }
            let name = try decoder.field(parts, "arg", "an object", namedThing)
            switch member.name {
            case "loss_output": return .loss(argument: name)
            case "buffer_mutation":
                return .bufferMutation(
                    argument: name, bufferName: try decoder.field(parts, "buffer_name", "a string", string))
            case "parameter_mutation":
                return .parameterMutation(
                    argument: name, parameterName: try decoder.field(parts, "parameter_name", "a string", string))
            case "user_input_mutation":
                return .userInputMutation(
                    argument: name, inputName: try decoder.field(parts, "user_input_name", "a string", string))
            case "gradient_to_parameter":
                return .gradientToParameter(
                    argument: name, parameterName: try decoder.field(parts, "parameter_name", "a string", string))
            case "gradient_to_user_input":
                return .gradientToUserInput(
                    argument: name, inputName: try decoder.field(parts, "user_input_name", "a string", string))
            case "token": return .token(argument: name)
            default: throw decoder.wrong("a known kind of output", .string(member.name))
            }
        }
    }

    // MARK: Calling conventions

    private static func moduleCall(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> ExportedModuleCall {
        let parts = try decoder.object(value)
        return ExportedModuleCall(
            moduleName: try decoder.field(parts, "fqn", "a string", string),
            signature: try decoder.optional(parts, "signature") { (decoder, value) throws(Failure) in
                let parts = try decoder.object(value)
                return ExportedModuleSignature(
                    inputs: try decoder.field(parts, "inputs", "a list", arguments),
                    outputs: try decoder.field(parts, "outputs", "a list", arguments),
                    inputTree: try decoder.field(parts, "in_spec", "a string", tree),
                    outputTree: try decoder.field(parts, "out_spec", "a string", tree),
                    argumentNames: try decoder.optional(parts, "forward_arg_names", strings))
            })
    }

    /// A tree specification: JSON inside a JSON string, `[1, node]`.
    private static func tree(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> PyTree {
        let document = try json(&decoder, try string(&decoder, value))
        guard case .array(let elements) = document, elements.count == 2, elements[0] == .integer(1) else {
            throw decoder.wrong("a tree specification of version 1", document)
        }
        return try treeNode(&decoder, elements[1])
    }

    private static func json(_ decoder: inout Self, _ text: String) throws(Failure) -> JSONValue {
        do {
            return try JSONReader(takesNonFiniteNumbers: true).read(text)
        } catch {
            throw .json(entry: "\(decoder.entry), \(decoder.pathText)", error)
        }
    }

    private static func treeNode(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> PyTree {
        let parts = try decoder.object(value)
        let children = try decoder.field(parts, "children_spec", "a list") { (decoder, value) throws(Failure) in
            try decoder.list(value, treeNode)
        }
        guard let type = try decoder.optional(parts, "type", string) else {
            if !children.isEmpty { throw decoder.wrong("a leaf without children", value) }
            return .leaf
        }
        // Contexts are JSON inside a string, except where a container writes its own.
        var context = parts["context"] ?? .null
        switch type {
        case "builtins.tuple": return .tuple(children)
        case "builtins.list": return .list(children)
        case "builtins.dict", "collections.OrderedDict", "collections.defaultdict":
            if case .string(let text) = context { context = try json(&decoder, text) }
            if case .object(let fields) = context, let keys = fields["dict_context"] { context = keys }
            let keys = try decoder.inside("context", context) { (decoder, value) throws(Failure) in
                try decoder.list(value, treeKey)
            }
            if keys.count != children.count { throw decoder.wrong("a dictionary with a key to each child", value) }
            return .dictionary(keys, children)
        case "collections.namedtuple":
            guard case .string(let name) = context else { throw decoder.wrong("the name of a named tuple", context) }
            return .namedTuple(type: name, children)
        default: return .other(type: type, context: context, children)
        }
    }

    private static func treeKey(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> PyTree.Key {
        switch value {
        case .string(let text): .string(text)
        case .integer(let number): .integer(number)
        case .null, .bool, .number, .array, .object: .other(value)
        }
    }

    // MARK: Weights

    /// One tensor of a weights or constants table.
    struct Payload: Sendable, Equatable {
        /// File in the folder of weights or constants.
        var file: String
        /// Parameter rather than buffer.
        var isParameter: Bool
        /// Saved by `torch.save` rather than as raw bytes.
        var isPickled: Bool
        /// Type and shape; custom objects have none.
        var tensor: ExportedTensor?
    }

    /// `model_weights_config.json` and `model_constants_config.json`.
    mutating func payloads(_ value: JSONValue) throws(Failure) -> NamedValues<Payload> {
        try field(try object(value), "config", "an object") { (decoder, value) throws(Failure) in
            try decoder.table(value) { (decoder, value) throws(Failure) in
                let parts = try decoder.object(value)
                return Payload(
                    file: try decoder.field(parts, "path_name", "a string", Self.string),
                    isParameter: try decoder.field(parts, "is_param", "true or false", Self.bool),
                    isPickled: try decoder.field(parts, "use_pickle", "true or false", Self.bool),
                    tensor: try decoder.optional(parts, "tensor_meta", Self.tensor))
            }
        }
    }
}
