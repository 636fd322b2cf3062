import ElementTypes
import GraphIR
import ModelFiles

/// A number argument: a constant, or an expression over symbols.
enum ScalarArgument {
    case integer(IntegerExpression)
    case float(Double)
    case bool(Bool)
    case expression(SymbolicExpression)
    /// A number read out of a tensor at run time, always of rank 0.
    case value(Value)
}

/// Access to the arguments of the current call, by the schema's names. What the file leaves out has the schema's default.
extension Importer {
    /// The argument, its default, or none.
    func argument(_ name: String) -> ExportedArgument {
        if let given = call.arguments[name] { return given }
        return call.schema?.defaults[name] ?? .none
    }

    /// Whether the argument is given and not `None`.
    func has(_ name: String) -> Bool {
        switch argument(name) {
        case .none, .optionalTensor(nil): false
        default: true  // Any of the thirty kinds of a present argument.
        }
    }

    func wrong(_ name: String, _ expected: String) -> ImportError {
        .argument(site, name: name, expected: expected, found: argument(name).kindName)
    }

    func unsupported(_ reason: String) -> ImportError { .unsupportedForm(site, reason) }

    /// What a value name stands for.
    func lookUp(_ name: String) throws(ImportError) -> Binding {
        if let scope = scopes.last, let binding = scope.bindings[name] { return binding }
        let isLater =
            scopes.last?.graph.nodes.contains { node in
                node.outputs.contains { output in
                    switch output {
                    case .tensor(let other): other == name
                    case .tensors(let list): list.contains(name)
                    case .symInt(.name(let other)): other == name
                    default: false  // Other results cannot be tensors or integers.
                    }
                }
            } ?? false
        throw .undefined(site, value: name, isDefinedLater: isLater)
    }

    func handle(named name: String) throws(ImportError) -> TensorHandle {
        guard case .tensor(let handle) = try lookUp(name) else {
            throw .argument(site, name: name, expected: "a tensor", found: "a number")
        }
        if part == .imaginary, let other = imaginary(handle) { return other }
        return handle
    }

    /// A tensor argument as memory.
    func handle(_ name: String) throws(ImportError) -> TensorHandle {
        switch argument(name) {
        case .tensor(let value), .optionalTensor(let value?): return try handle(named: value)
        default: throw wrong(name, "a tensor")  // Everything else is no single tensor.
        }
    }

    /// A tensor argument's value now.
    mutating func tensor(_ name: String) throws(ImportError) -> Value {
        let value = try read(try handle(name))
        guard Self.elementArguments.contains(name), case .tensor(let tensor) = argument(name),
            isRealBesideImaginary(tensor)
        else { return value }
        return try full(0, type(value))
    }

    /// A tensor argument's type.
    mutating func type(of name: String) throws(ImportError) -> TensorType {
        let value = try tensor(name)
        return type(value)
    }

    mutating func optionalTensor(_ name: String) throws(ImportError) -> Value? {
        has(name) ? try tensor(name) : nil
    }

    mutating func tensors(_ name: String) throws(ImportError) -> [Value] {
        var values: [Value] = []
        for handle in try handles(name) { values.append(try read(handle)) }
        guard part == .imaginary, case .tensors(let names) = argument(name) else { return values }
        for (place, name) in names.enumerated() where isRealBesideImaginary(name) {
            values[place] = try full(0, type(values[place]))
        }
        return values
    }

    func handles(_ name: String) throws(ImportError) -> [TensorHandle] {
        guard case .tensors(let names) = argument(name) else { throw wrong(name, "tensors") }
        var handles: [TensorHandle] = []
        for name in names { handles.append(try handle(named: name)) }
        return handles
    }

    /// A list of tensors with gaps, as index operators take.
    mutating func optionalTensors(_ name: String) throws(ImportError) -> [Value?] {
        switch argument(name) {
        case .tensors(let names):
            var values: [Value?] = []
            for name in names { values.append(try read(try handle(named: name))) }
            return values
        case .optionalTensors(let names):
            var values: [Value?] = []
            for name in names {
                if let name { values.append(try read(try handle(named: name))) } else { values.append(nil) }
            }
            return values
        default: throw wrong(name, "optional tensors")  // Nothing else is a list of tensors.
        }
    }

    func optionalBool(_ name: String) throws(ImportError) -> Bool? {
        switch argument(name) {
        case .none: return nil
        case .bool(let value), .symBool(.value(let value)): return value
        default: throw wrong(name, "a bool")  // Nothing else is a truth value.
        }
    }

    func bool(_ name: String) throws(ImportError) -> Bool {
        guard let value = try optionalBool(name) else { throw wrong(name, "a bool") }
        return value
    }

    func optionalString(_ name: String) throws(ImportError) -> String? {
        switch argument(name) {
        case .none: return nil
        case .string(let value): return value
        default: throw wrong(name, "a string")  // Nothing else is text.
        }
    }

    func string(_ name: String) throws(ImportError) -> String {
        guard let value = try optionalString(name) else { throw wrong(name, "a string") }
        return value
    }

    func float(_ name: String) throws(ImportError) -> Double {
        switch argument(name) {
        case .float(let value), .symFloat(.value(let value)): return value
        case .int(let value), .symInt(.value(let value)): return Double(value)
        case .bool(let value): return value ? 1 : 0
        default: throw wrong(name, "a float")  // Nothing else is a constant number.
        }
    }

    func optionalFloat(_ name: String) throws(ImportError) -> Double? { has(name) ? try float(name) : nil }

    /// An integer argument, constant or over symbols.
    func dimension(_ name: String) throws(ImportError) -> Dimension {
        switch argument(name) {
        case .int(let value), .symInt(.value(let value)): return Dimension(Int(value))
        case .bool(let value): return value ? 1 : 0
        case .symInt(.name(let value)): return try dimension(named: value)
        default: throw wrong(name, "an integer")  // Nothing else is an integer.
        }
    }

    func dimension(named name: String) throws(ImportError) -> Dimension {
        switch try lookUp(name) {
        case .integer(let expression): return expression
        case .scalarTensor: throw .dataDependent(site, "'\(name)' is read out of a tensor")
        case .tensor, .float, .boolean, .none:
            throw .argument(site, name: name, expected: "an integer", found: "another value")
        }
    }

    func optionalDimension(_ name: String) throws(ImportError) -> Dimension? {
        has(name) ? try dimension(name) : nil
    }

    func int(_ name: String) throws(ImportError) -> Int {
        guard let constant = try dimension(name).constantValue else { throw wrong(name, "a constant integer") }
        return constant
    }

    func optionalInt(_ name: String) throws(ImportError) -> Int? { has(name) ? try int(name) : nil }

    /// A list of integers, constant or over symbols. A single integer is a list of one.
    func dimensions(_ name: String) throws(ImportError) -> [Dimension] {
        switch argument(name) {
        case .ints(let values): return values.map { Dimension(Int($0)) }
        case .symInts(let entries):
            var result: [Dimension] = []
            for entry in entries {
                switch entry {
                case .value(let value): result.append(Dimension(Int(value)))
                case .name(let name): result.append(try dimension(named: name))
                }
            }
            return result
        case .int, .symInt: return [try dimension(name)]
        // An empty list has no kind of its own.
        case .tensors(let empty) where empty.isEmpty: return []
        default: throw wrong(name, "integers")  // Nothing else is a list of integers.
        }
    }

    func ints(_ name: String) throws(ImportError) -> [Int] {
        var result: [Int] = []
        for entry in try dimensions(name) {
            guard let constant = entry.constantValue else { throw wrong(name, "constant integers") }
            result.append(constant)
        }
        return result
    }

    func optionalInts(_ name: String) throws(ImportError) -> [Int]? { has(name) ? try ints(name) : nil }

    /// Integers for `count` spatial axes; one integer stands for all.
    func ints(_ name: String, _ count: Int, orWhenEmpty other: [Int]? = nil) throws(ImportError) -> [Int] {
        let list = try ints(name)
        if list.isEmpty, let other { return other }
        if list.count == 1 { return [Int](repeating: list[0], count: count) }
        guard list.count == count else { throw wrong(name, "\(count) integers") }
        return list
    }

    func floats(_ name: String) throws(ImportError) -> [Double] {
        switch argument(name) {
        case .floats(let values): return values
        case .ints(let values): return values.map(Double.init)
        case .symFloats(let entries):
            var result: [Double] = []
            for entry in entries {
                guard case .value(let value) = entry else { throw wrong(name, "constant floats") }
                result.append(value)
            }
            return result
        default: throw wrong(name, "floats")  // Nothing else is a list of numbers.
        }
    }

    /// A number argument; where one part of complex operands is looked at, that part of the number.
    func scalarArgument(_ name: String) throws(ImportError) -> ScalarArgument {
        switch (argument(name), part) {
        case (.complex(let real, _), .real?): return .float(real)
        case (.complex(_, let imaginary), .imaginary?): return .float(imaginary)
        case (_, .imaginary?): return .integer(0)
        default: break  // A number of the usual kind.
        }
        switch argument(name) {
        case .int(let value), .symInt(.value(let value)): return .integer(IntegerExpression(Int(value)))
        case .float(let value), .symFloat(.value(let value)): return .float(value)
        case .bool(let value), .symBool(.value(let value)): return .bool(value)
        case .symInt(.name(let value)), .symFloat(.name(let value)), .symBool(.name(let value)):
            switch try lookUp(value) {
            case .integer(let expression): return .integer(expression)
            case .float(let expression): return .expression(expression)
            case .scalarTensor(let value): return .value(value)
            case .tensor, .boolean, .none: throw wrong(name, "a number")
            }
        default: throw wrong(name, "a number")  // Nothing else is a number.
        }
    }

    /// The element type of a `dtype` argument, or nil where it is not given.
    func elementType(_ name: String = "dtype") throws(ImportError) -> ElementType? {
        switch argument(name) {
        case .none: return nil
        case .scalarType(let type):
            guard let element = ElementType(type) else { throw .elementType(value: call.site.node, type: type.name) }
            return element
        case .int(let number):
            guard let type = TorchScalarType(rawValue: Int(number)), let element = ElementType(type) else {
                throw wrong(name, "an element type")
            }
            return element
        default: throw wrong(name, "an element type")  // Nothing else is an element type.
        }
    }

    /// The type that the program declares for the first result.
    func declaredResult() throws(ImportError) -> TensorType {
        guard let name = resultNames.first ?? nil, let meta = scopes.last?.graph.tensors[name] else {
            throw unsupported("no declared result")
        }
        return try type(meta, name)
    }

    /// A possibly negative axis number within a rank (a scalar counts as rank 1).
    func axis(_ value: Int, _ rank: Int) throws(ImportError) -> Int {
        let count = max(rank, 1)
        guard value >= -count, value < count else { throw unsupported("axis \(value) of a rank-\(rank) tensor") }
        return value < 0 ? value + count : value
    }

    /// An axis argument within a rank.
    func axis(_ name: String, _ rank: Int) throws(ImportError) -> Int { try axis(try int(name), rank) }

    /// A list of axes, sorted; nothing or an empty list stands for all. A scalar has none.
    func axes(_ name: String, _ rank: Int, emptyIsAll: Bool = true) throws(ImportError) -> [Int] {
        let list = try optionalInts(name) ?? []
        if !has(name) || (list.isEmpty && emptyIsAll) { return Array(0..<rank) }
        var result: Set<Int> = []
        for entry in list { result.insert(try axis(entry, rank)) }
        return rank == 0 ? [] : result.sorted()
    }
}

extension ElementType {
    /// The graph's element type for PyTorch's, or nil where there is none.
    package init?(_ type: TorchScalarType) {
        switch type {
        case .uint8: self = .u8
        case .int8: self = .i8
        case .int16: self = .i16
        case .int32: self = .i32
        case .int64: self = .i64
        case .float16: self = .f16
        case .float32: self = .f32
        case .float64: self = .f64
        case .bool: self = .bool
        case .bfloat16: self = .bf16
        case .float8E4M3FN: self = .f8e4m3
        case .float8E5M2: self = .f8e5m2
        case .unknown, .complex32, .complex64, .complex128, .uint16, .float8E4M3FNUZ, .float8E5M2FNUZ,
            .float8E8M0FNU, .uint32, .uint64:
            return nil
        }
    }
}
