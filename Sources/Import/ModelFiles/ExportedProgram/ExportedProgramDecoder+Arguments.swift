internal import JSON

extension ExportedProgramDecoder {
    /// An argument of any kind.
    static func argument(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> ExportedArgument {
        let member = try decoder.union(value)
        return try decoder.payload(member) { (decoder, value) throws(Failure) in
            try argument(&decoder, kind: member.name, value)
        }
    }

    private static func argument(
        _ decoder: inout Self, kind: String, _ value: JSONValue
    ) throws(Failure) -> ExportedArgument {
        switch kind {
        case "as_none": return .none
        case "as_tensor": return .tensor(try namedThing(&decoder, value))
        case "as_tensors": return .tensors(try decoder.list(value, namedThing))
        case "as_optional_tensor": return .optionalTensor(try optionalTensor(&decoder, value))
        case "as_optional_tensors": return .optionalTensors(try decoder.list(value, optionalTensor))
        case "as_nested_tensors": return .nestedTensors(try lists(&decoder, value, namedThing))
        case "as_int": return .int(try int64(&decoder, value))
        case "as_ints": return .ints(try decoder.list(value, int64))
        case "as_int_lists": return .intLists(try lists(&decoder, value, int64))
        case "as_float": return .float(try double(&decoder, value))
        case "as_floats": return .floats(try decoder.list(value, double))
        case "as_float_lists": return .floatLists(try lists(&decoder, value, double))
        case "as_bool": return .bool(try bool(&decoder, value))
        case "as_bools": return .bools(try decoder.list(value, bool))
        case "as_string": return .string(try string(&decoder, value))
        case "as_strings": return .strings(try decoder.list(value, string))
        case "as_complex":
            let parts = try decoder.object(value)
            return .complex(
                real: try decoder.field(parts, "real", "a number", double),
                imaginary: try decoder.field(parts, "imag", "a number", double))
        case "as_sym_int": return .symInt(try symInt(&decoder, value))
        case "as_sym_ints": return .symInts(try decoder.list(value, symInt))
        case "as_sym_float": return .symFloat(try symFloat(&decoder, value))
        case "as_sym_floats": return .symFloats(try decoder.list(value, symFloat))
        case "as_sym_bool": return .symBool(try symBool(&decoder, value))
        case "as_sym_bools": return .symBools(try decoder.list(value, symBool))
        case "as_scalar_type": return .scalarType(try choice(&decoder, value, "element type"))
        case "as_memory_format": return .memoryFormat(try choice(&decoder, value, "memory format"))
        case "as_layout": return .layout(try choice(&decoder, value, "layout"))
        case "as_device": return .device(try device(&decoder, value))
        case "as_graph":
            let parts = try decoder.object(value)
            return .graph(
                name: try decoder.field(parts, "name", "a string", string),
                try decoder.field(parts, "graph", "an object", graph))
        case "as_operator": return .operator(try string(&decoder, value))
        case "as_custom_obj":
            let parts = try decoder.object(value)
            return .customObject(
                name: try decoder.field(parts, "name", "a string", string),
                className: try decoder.field(parts, "class_fqn", "a string", string))
        case "as_string_to_argument":
            return .dictionary(
                try decoder.table(value, argument).entries.map { ExportedNamedArgument(name: $0.name, value: $0.value) }
            )
        default: throw decoder.wrong("a known kind of argument", .string(kind))
        }
    }

    private static func lists<Result>(
        _ decoder: inout Self, _ value: JSONValue,
        _ decode: (inout Self, JSONValue) throws(Failure) -> Result
    ) throws(Failure) -> [[Result]] {
        try decoder.list(value) { (decoder, value) throws(Failure) in try decoder.list(value, decode) }
    }

    private static func optionalTensor(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> String? {
        let member = try decoder.union(value)
        switch member.name {
        case "as_tensor": return try decoder.payload(member, namedThing)
        case "as_none": return nil
        default: throw decoder.wrong("as_tensor or as_none", value)
        }
    }

    private static func symInt(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> SymbolicArgument<Int64> {
        try symbolic(&decoder, value, tag: "as_int", int64)
    }

    private static func symFloat(
        _ decoder: inout Self, _ value: JSONValue
    ) throws(Failure) -> SymbolicArgument<Double> {
        try symbolic(&decoder, value, tag: "as_float", double)
    }

    private static func symBool(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> SymbolicArgument<Bool> {
        try symbolic(&decoder, value, tag: "as_bool", bool)
    }

    private static func symbolic<Value>(
        _ decoder: inout Self, _ value: JSONValue, tag: String,
        _ decode: (inout Self, JSONValue) throws(Failure) -> Value
    ) throws(Failure) -> SymbolicArgument<Value> {
        let member = try decoder.union(value)
        if member.name == "as_name" { return .name(try decoder.payload(member, string)) }
        if member.name == tag { return .value(try decoder.payload(member, decode)) }
        throw decoder.wrong("as_name or \(tag)", value)
    }

    static func device(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> TorchDevice {
        let parts = try decoder.object(value)
        return TorchDevice(
            type: try decoder.field(parts, "type", "a string", string), index: try decoder.optional(parts, "index", int)
        )
    }

    // MARK: Symbolic values

    static func symbolicInteger(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> SymbolicValue<Int64> {
        try symbolicValue(&decoder, value, tag: "as_int", int64)
    }

    static func symbolicFloat(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> SymbolicValue<Double> {
        try symbolicValue(&decoder, value, tag: "as_float", double)
    }

    static func symbolicBoolean(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> SymbolicValue<Bool> {
        try symbolicValue(&decoder, value, tag: "as_bool", bool)
    }

    private static func symbolicValue<Value>(
        _ decoder: inout Self, _ value: JSONValue, tag: String,
        _ decode: (inout Self, JSONValue) throws(Failure) -> Value
    ) throws(Failure) -> SymbolicValue<Value> {
        let member = try decoder.union(value)
        if member.name == tag { return .value(try decoder.payload(member, decode)) }
        guard member.name == "as_expr" else { throw decoder.wrong("\(tag) or as_expr", value) }
        return try decoder.payload(member) { (decoder, value) throws(Failure) in
            let parts = try decoder.object(value)
            let expression = try decoder.field(parts, "expr_str", "a string", expression)
            let hint = try decoder.optional(parts, "hint") { (decoder, value) throws(Failure) -> Value? in
                let hint = try decoder.union(value)
                // A hint of another kind, such as an integer for a real number, says nothing wrong: it is left out.
                return hint.name == tag ? try decoder.payload(hint, decode) : nil
            }
            return .expression(expression, hint: hint ?? nil)
        }
    }

    private static func expression(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> SymbolicExpression {
        let text = try string(&decoder, value)
        do {
            return try SymbolicExpression(parsing: text)
        } catch {
            throw .expression(entry: decoder.entry, path: decoder.pathText, error)
        }
    }

    /// Type and shape of a tensor.
    static func tensor(_ decoder: inout Self, _ value: JSONValue) throws(Failure) -> ExportedTensor {
        let parts = try decoder.object(value)
        let sizes = try decoder.field(parts, "sizes", "a list") { (decoder, value) throws(Failure) in
            try decoder.list(value, symbolicInteger)
        }
        let strides = try decoder.field(parts, "strides", "a list") { (decoder, value) throws(Failure) in
            try decoder.list(value, symbolicInteger)
        }
        return ExportedTensor(
            scalarType: try decoder.field(parts, "dtype", "a known element type") { (decoder, value) throws(Failure) in
                try choice(&decoder, value, "element type")
            },
            sizes: sizes, strides: strides,
            storageOffset: try decoder.field(parts, "storage_offset", "an integer", symbolicInteger),
            layout: try decoder.field(parts, "layout", "a known layout") { (decoder, value) throws(Failure) in
                try choice(&decoder, value, "layout")
            },
            device: try decoder.field(parts, "device", "an object", device),
            requiresGradient: try decoder.field(parts, "requires_grad", "true or false", bool))
    }
}
