/// A graph of operator calls over named values, in an order in which every value is defined before it is used.
///
/// The reader checks neither the order nor that names are defined: that is the importer's part.
package struct ExportedGraph: Sendable, Equatable {
    /// Values the graph takes.
    package var inputs: [ExportedArgument]
    /// Values the graph gives.
    package var outputs: [ExportedArgument]
    /// Calls in execution order.
    package var nodes: [ExportedNode]
    /// Type and shape of every tensor, by value name.
    package var tensors: NamedValues<ExportedTensor>
    /// Integers that depend on dynamic dimensions, by value name.
    package var symbolicIntegers: NamedValues<SymbolicValue<Int64>>
    /// Real numbers that depend on dynamic dimensions, by value name.
    package var symbolicFloats: NamedValues<SymbolicValue<Double>>
    /// Truth values that depend on dynamic dimensions, by value name.
    package var symbolicBooleans: NamedValues<SymbolicValue<Bool>>
    /// Script objects: value name to class name.
    package var customObjects: NamedValues<String>
    /// For the body of a higher-order operator: returns one tensor rather than a list.
    package var returnsSingleTensor: Bool

    /// A value from its parts.
    package init(
        inputs: [ExportedArgument], outputs: [ExportedArgument], nodes: [ExportedNode],
        tensors: NamedValues<ExportedTensor>, symbolicIntegers: NamedValues<SymbolicValue<Int64>>,
        symbolicFloats: NamedValues<SymbolicValue<Double>>, symbolicBooleans: NamedValues<SymbolicValue<Bool>>,
        customObjects: NamedValues<String>, returnsSingleTensor: Bool
    ) {
        self.inputs = inputs
        self.outputs = outputs
        self.nodes = nodes
        self.tensors = tensors
        self.symbolicIntegers = symbolicIntegers
        self.symbolicFloats = symbolicFloats
        self.symbolicBooleans = symbolicBooleans
        self.customObjects = customObjects
        self.returnsSingleTensor = returnsSingleTensor
    }
}

/// One operator call.
package struct ExportedNode: Sendable, Equatable {
    /// Name of the node; older files have none.
    package var name: String?
    /// The operator, such as `torch.ops.aten.linear.default`, `_operator.add` or `torch.ops.aten.sym_size.int`.
    package var target: String
    /// Arguments, without those that equal the operator's default.
    package var inputs: [ExportedNamedArgument]
    /// Results, one entry each; there are no getitem nodes.
    package var outputs: [ExportedArgument]
    /// Python stack at export, outermost call first, as PyTorch prints it: a line with file and line number, then the code. The
    /// last calls may lie in PyTorch's own modules.
    package var stackTrace: String?
    /// Modules that the call came from, outermost first, as PyTorch writes them: `key,path,class` joined by `;`.
    package var moduleStack: String?
    /// For a higher-order operator: returns one tensor rather than a list.
    package var returnsSingleTensor: Bool?

    /// A value from its parts.
    package init(
        name: String? = nil, target: String, inputs: [ExportedNamedArgument], outputs: [ExportedArgument],
        stackTrace: String? = nil, moduleStack: String? = nil, returnsSingleTensor: Bool? = nil
    ) {
        self.name = name
        self.target = target
        self.inputs = inputs
        self.outputs = outputs
        self.stackTrace = stackTrace
        self.moduleStack = moduleStack
        self.returnsSingleTensor = returnsSingleTensor
    }
}

/// An argument with the parameter name that the operator's schema gives it.
package struct ExportedNamedArgument: Sendable, Equatable {
    /// Parameter name of the operator, such as `self` or `dim`.
    package var name: String
    /// The value.
    package var value: ExportedArgument
    /// Positional or keyword, where the file says so.
    package var kind: Kind?

    /// How an argument was passed.
    package enum Kind: Int, Sendable, Equatable {
        /// Not recorded.
        case unknown = 0
        /// By position.
        case positional = 1
        /// By name.
        case keyword = 2
    }

    /// An argument.
    package init(name: String, value: ExportedArgument, kind: Kind? = nil) {
        self.name = name
        self.value = value
        self.kind = kind
    }
}

/// Values by name, in file order.
///
/// Look-up by name is a hash look-up; order never depends on hashing.
package struct NamedValues<Value: Sendable & Equatable>: Sendable, Equatable {
    /// One value with its name.
    package struct Entry: Sendable, Equatable {
        /// The name.
        package var name: String
        /// The value.
        package var value: Value
    }

    /// Entries in file order.
    package private(set) var entries: [Entry]
    private var places: [String: Int]

    /// Values in the given order; a later value of the same name wins look-ups.
    package init(_ pairs: [(String, Value)] = []) {
        entries = []
        places = [:]
        entries.reserveCapacity(pairs.count)
        places.reserveCapacity(pairs.count)
        for (name, value) in pairs {
            places[name] = entries.count
            entries.append(Entry(name: name, value: value))
        }
    }

    /// The value of a name.
    package subscript(name: String) -> Value? {
        places[name].map { entries[$0].value }
    }

    /// Number of values.
    package var count: Int { entries.count }

    /// Whether there are none.
    package var isEmpty: Bool { entries.isEmpty }
}
