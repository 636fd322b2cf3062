/// The classes and functions that a pickle may name. Nothing else is ever looked up, and none of these runs code of the
/// file's choosing.
enum PickleGlobal: Equatable {
    /// `torch._utils._rebuild_tensor_v2`.
    case rebuildTensor
    /// `torch._utils._rebuild_tensor_v3`, which names the element type.
    case rebuildTypedTensor
    /// `torch._utils._rebuild_parameter`.
    case rebuildParameter
    /// `torch._tensor._rebuild_from_type_v2`, for tensors with attributes; the attributes are dropped.
    case rebuildFromType
    /// `torch.Tensor` or `torch.nn.parameter.Parameter` as a class.
    case tensorClass
    /// `torch.FloatStorage` and its like; `nil` for the untyped one.
    case storageClass(TorchScalarType?)
    /// `torch.float32` and its like.
    case scalarType(TorchScalarType)
    /// `torch.device`.
    case device
    /// `torch.Size`.
    case size
    /// `collections.OrderedDict`.
    case orderedDictionary
    /// `set` or `frozenset`.
    case set
    /// `complex`.
    case complex
    /// `_codecs.encode`, by which old protocols write bytes.
    case encode

    /// The global of a module and a name, if it is on the list.
    init?(module: String, name: String) {
        switch (module, name) {
        case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_tensor_v3"): self = .rebuildTypedTensor
        case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
        case ("torch._tensor", "_rebuild_from_type_v2"): self = .rebuildFromType
        case ("torch", "Tensor"), ("torch.nn.parameter", "Parameter"): self = .tensorClass
        case ("torch", "Size"): self = .size
        case ("torch", "device"): self = .device
        case ("collections", "OrderedDict"): self = .orderedDictionary
        case ("builtins", "set"), ("__builtin__", "set"), ("builtins", "frozenset"), ("__builtin__", "frozenset"):
            self = .set
        case ("builtins", "complex"), ("__builtin__", "complex"): self = .complex
        case ("_codecs", "encode"): self = .encode
        case ("torch", "UntypedStorage"), ("torch.storage", "UntypedStorage"): self = .storageClass(nil)
        case ("torch", _), ("torch.storage", _):
            if let type = Self.storageTypes.first(where: { $0.name == name })?.type {
                self = .storageClass(type)
            } else if module == "torch", let type = TorchScalarType.allCases.first(where: { $0.name == name }),
                type != .unknown
            {
                self = .scalarType(type)
            } else {
                return nil
            }
        default: return nil
        }
    }

    private static let storageTypes: [(name: String, type: TorchScalarType)] = [
        ("FloatStorage", .float32), ("DoubleStorage", .float64), ("HalfStorage", .float16),
        ("BFloat16Storage", .bfloat16), ("LongStorage", .int64), ("IntStorage", .int32), ("ShortStorage", .int16),
        ("CharStorage", .int8), ("ByteStorage", .uint8), ("BoolStorage", .bool),
        ("ComplexFloatStorage", .complex64), ("ComplexDoubleStorage", .complex128),
    ]
}
