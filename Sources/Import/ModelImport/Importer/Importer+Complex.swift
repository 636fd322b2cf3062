import ElementTypes
import GraphIR
import ModelFiles

/// Complex tensors are two real ones: the storage of the real part names that of the imaginary part, and both share the
/// steps of a view. Operators that act on both parts alike run once for each; the others have rules of their own.
extension Importer {
    /// Which part of complex operands an operator sees while it runs on both in turn.
    enum ComplexPart {
        case real, imaginary
    }

    /// Operators that treat real and imaginary part alike.
    static let partwiseOperators: Set<String> = [
        "neg", "clone", "contiguous", "view", "reshape", "_unsafe_view", "flatten", "unflatten", "permute", "transpose",
        "t", "mT", "squeeze", "unsqueeze", "expand", "select", "slice", "narrow", "split", "split_with_sizes", "chunk",
        "unbind", "cat", "stack", "flip", "roll", "movedim", "swapaxes", "index", "index_select", "gather", "unfold",
        "repeat", "tile", "sum", "mean", "detach", "alias", "lift_fresh_copy", "constant_pad_nd", "diagonal", "tril",
        "triu", "broadcast_to", "expand_as", "view_as", "reshape_as", "as_strided", "repeat_interleave", "where",
        "masked_fill", "masked_scatter", "index_put", "_unsafe_index_put", "index_add", "index_copy", "index_fill",
        "scatter", "scatter_add", "select_scatter", "slice_scatter", "diagonal_scatter", "cumsum", "copy", "fill",
        "full", "full_like", "new_full", "scalar_tensor", "zeros_like", "new_zeros", "empty_like", "new_empty",
        "reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "replication_pad1d", "replication_pad2d",
        "replication_pad3d", "expand_copy", "permute_copy", "view_copy", "unsqueeze_copy", "squeeze_copy",
        "select_copy", "slice_copy", "diagonal_copy", "split_with_sizes_copy", "unbind_copy", "alias_copy",
        "as_strided_copy", "resize", "unfold_copy", "transpose_copy", "t_copy",
    ]

    /// Arguments whose elements become elements of the result: where such a one is real, its imaginary part is zero. The others
    /// (indices, masks) are the same for both parts.
    static let elementArguments: Set<String> = ["self", "other", "src", "source", "value", "values", "tensors"]

    /// Whether the program declares the first result complex; nil where it declares no tensor.
    var declaresComplex: Bool? {
        guard let name = resultNames.first ?? nil, let declared = scopes.last?.graph.tensors[name] else { return nil }
        return declared.scalarType.realPart != nil
    }

    /// Whether a name is that of a real tensor while the imaginary parts of others are looked at.
    func isRealBesideImaginary(_ name: String) -> Bool {
        guard part == .imaginary, case .tensor(let handle)? = scopes.last?.bindings[name] else { return false }
        return !isComplex(handle)
    }

    /// A complex tensor of two real values.
    mutating func complex(_ real: Value, _ imaginary: Value) -> TensorHandle {
        let second = fresh(imaginary).storage
        let first = fresh(real)
        storages[first.storage].imaginary = second
        return first
    }

    /// Whether a tensor is complex.
    func isComplex(_ handle: TensorHandle) -> Bool { storages[handle.storage].imaginary != nil }

    /// The imaginary part of a tensor, or nil where it is real.
    func imaginary(_ handle: TensorHandle) -> TensorHandle? {
        storages[handle.storage].imaginary.map { TensorHandle(storage: $0, steps: handle.steps) }
    }

    /// Both parts of a complex tensor argument.
    mutating func parts(_ name: String) throws(ImportError) -> (real: Value, imaginary: Value) {
        let handle = try handle(name)
        guard let other = imaginary(handle) else { throw wrong(name, "a complex tensor") }
        return (try read(handle), try read(other))
    }

    /// Whether an operand of the current call, tensor or number, is complex.
    var hasComplexOperands: Bool {
        for input in call.node.inputs {
            let names: [String]
            switch input.value {
            case .tensor(let name), .optionalTensor(let name?): names = [name]
            case .tensors(let list): names = list
            case .complex: return true
            default: names = []  // Nothing else holds tensors that may be complex.
            }
            for name in names {
                if case .tensor(let handle)? = scopes.last?.bindings[name], isComplex(handle) { return true }
            }
        }
        return false
    }

    /// Runs a rule on the real and on the imaginary parts and joins the results.
    mutating func runPartwise(_ rule: OperatorRule) throws(ImportError) -> [TensorHandle?] {
        defer { part = nil }
        part = .real
        let reals = try rule(&self)
        // A real result is made of the real parts, such as a tensor like a complex one in shape alone.
        if declaresComplex == false { return reals }
        part = .imaginary
        let others = try rule(&self)
        part = nil
        var results: [TensorHandle?] = []
        for (real, other) in zip(reals, others) {
            guard let real, let other else {
                results.append(nil)
                continue
            }
            // A view of the operand is complex already.
            results.append(imaginary(real) == other ? real : complex(try read(real), try read(other)))
        }
        return results
    }
}

extension StoredTensor {
    /// A complex tensor as PyTorch's `view_as_real` sees it, with a last axis of real and imaginary part; others as they
    /// are.
    var asReal: StoredTensor {
        guard let element = scalarType.realPart else { return self }
        var result = self
        result.scalarType = element
        result.sizes.append(2)
        result.strides = strides.map { $0 * 2 } + [1]
        result.storageOffset *= 2
        return result
    }
}

extension TorchScalarType {
    /// The type of the parts of a complex type, or nil for others.
    var realPart: TorchScalarType? {
        switch self {
        case .complex32: .float16
        case .complex64: .float32
        case .complex128: .float64
        case .unknown, .uint8, .int8, .int16, .int32, .int64, .float16, .float32, .float64, .bool, .bfloat16,
            .uint16, .float8E4M3FN, .float8E5M2, .float8E4M3FNUZ, .float8E5M2FNUZ, .float8E8M0FNU, .uint32,
            .uint64:
            nil
        }
    }
}
