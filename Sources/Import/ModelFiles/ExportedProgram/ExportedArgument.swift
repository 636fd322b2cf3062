/// An argument or a result of a node, of every kind that the schema has. Tensors and symbolic values are named.
package enum ExportedArgument: Sendable, Equatable {
    /// Python's `None`.
    case none
    /// A tensor by value name.
    case tensor(String)
    /// A list of tensors.
    case tensors([String])
    /// A tensor or nothing.
    case optionalTensor(String?)
    /// A list of tensors with gaps.
    case optionalTensors([String?])
    /// A list of lists of tensors.
    case nestedTensors([[String]])
    /// An integer.
    case int(Int64)
    /// A list of integers.
    case ints([Int64])
    /// A list of lists of integers.
    case intLists([[Int64]])
    /// A real number.
    case float(Double)
    /// A list of real numbers.
    case floats([Double])
    /// A list of lists of real numbers.
    case floatLists([[Double]])
    /// A truth value.
    case bool(Bool)
    /// A list of truth values.
    case bools([Bool])
    /// Text.
    case string(String)
    /// A list of texts.
    case strings([String])
    /// A complex number.
    case complex(real: Double, imaginary: Double)
    /// An integer, possibly symbolic.
    case symInt(SymbolicArgument<Int64>)
    /// A list of integers, some of them symbolic.
    case symInts([SymbolicArgument<Int64>])
    /// A real number, possibly symbolic.
    case symFloat(SymbolicArgument<Double>)
    /// A list of real numbers, some of them symbolic.
    case symFloats([SymbolicArgument<Double>])
    /// A truth value, possibly symbolic.
    case symBool(SymbolicArgument<Bool>)
    /// A list of truth values, some of them symbolic.
    case symBools([SymbolicArgument<Bool>])
    /// An element type.
    case scalarType(TorchScalarType)
    /// A memory format.
    case memoryFormat(TorchMemoryFormat)
    /// A tensor layout.
    case layout(TorchLayout)
    /// A device.
    case device(TorchDevice)
    /// Body of a higher-order operator.
    indirect case graph(name: String, ExportedGraph)
    /// An operator, by name.
    case `operator`(String)
    /// A script object by value name.
    case customObject(name: String, className: String)
    /// A dictionary of arguments.
    indirect case dictionary([ExportedNamedArgument])

    /// Key of this kind in the file, such as `as_tensor`; for messages.
    package var kindName: String {
        switch self {
        case .none: "as_none"
        case .tensor: "as_tensor"
        case .tensors: "as_tensors"
        case .optionalTensor: "as_optional_tensor"
        case .optionalTensors: "as_optional_tensors"
        case .nestedTensors: "as_nested_tensors"
        case .int: "as_int"
        case .ints: "as_ints"
        case .intLists: "as_int_lists"
        case .float: "as_float"
        case .floats: "as_floats"
        case .floatLists: "as_float_lists"
        case .bool: "as_bool"
        case .bools: "as_bools"
        case .string: "as_string"
        case .strings: "as_strings"
        case .complex: "as_complex"
        case .symInt: "as_sym_int"
        case .symInts: "as_sym_ints"
        case .symFloat: "as_sym_float"
        case .symFloats: "as_sym_floats"
        case .symBool: "as_sym_bool"
        case .symBools: "as_sym_bools"
        case .scalarType: "as_scalar_type"
        case .memoryFormat: "as_memory_format"
        case .layout: "as_layout"
        case .device: "as_device"
        case .graph: "as_graph"
        case .operator: "as_operator"
        case .customObject: "as_custom_obj"
        case .dictionary: "as_string_to_argument"
        }
    }
}

/// A number or truth value that is given or named: a name refers to the graph's symbolic values.
package enum SymbolicArgument<Value: Sendable & Equatable>: Sendable, Equatable {
    /// Value name of a symbolic value.
    case name(String)
    /// A constant.
    case value(Value)
}

/// A number or truth value that is known or depends on dynamic dimensions.
package enum SymbolicValue<Value: Sendable & Equatable>: Sendable, Equatable {
    /// Known.
    case value(Value)
    /// An expression over symbols, with the value it had at export where the file has it.
    case expression(SymbolicExpression, hint: Value?)
}

/// Type and shape of a tensor value.
package struct ExportedTensor: Sendable, Equatable {
    /// Element type.
    package var scalarType: TorchScalarType
    /// Dimensions, outermost first.
    package var sizes: [SymbolicValue<Int64>]
    /// Strides in elements, one a dimension.
    package var strides: [SymbolicValue<Int64>]
    /// First element in the storage, in elements.
    package var storageOffset: SymbolicValue<Int64>
    /// Layout; 7, strided, is the ordinary one.
    package var layout: TorchLayout
    /// Device at export.
    package var device: TorchDevice
    /// Whether the tensor took part in differentiation.
    package var requiresGradient: Bool

    /// A value from its parts.
    package init(
        scalarType: TorchScalarType, sizes: [SymbolicValue<Int64>], strides: [SymbolicValue<Int64>],
        storageOffset: SymbolicValue<Int64>, layout: TorchLayout, device: TorchDevice, requiresGradient: Bool
    ) {
        self.scalarType = scalarType
        self.sizes = sizes
        self.strides = strides
        self.storageOffset = storageOffset
        self.layout = layout
        self.device = device
        self.requiresGradient = requiresGradient
    }
}

/// A device as PyTorch names it.
package struct TorchDevice: Sendable, Equatable {
    /// Such as `cpu` or `cuda`.
    package var type: String
    /// Number of the device, where given.
    package var index: Int?

    /// A value from its parts.
    package init(type: String, index: Int? = nil) {
        self.type = type
        self.index = index
    }
}
