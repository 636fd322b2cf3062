import GraphIR
import ModelFiles

/// Assertions, and scopes that change nothing at inference.
func registerControl(_ table: inout OperatorTable) {
    // Assertions on metadata hold by construction of the program; those on elements guard against misuse only.
    table.on(
        "_assert_tensor_metadata", "_assert_async", "sym_constrain_range_for_size", "sym_constrain_range"
    ) { (_) throws(ImportError) in [] }
    // A number read out of a tensor stays a tensor of rank 0; it can be an operand, but no extent.
    table.value("item", "_local_scalar_dense") { (i) throws(ImportError) in
        try i.reshape(try i.tensor("self"), [])
    }
    // An assertion on dimensions becomes a guard on entry.
    table.on("_assert_scalar") { (i) throws(ImportError) in
        guard case .symBool(.name(let name)) = i.argument("self"), case .boolean(let condition) = try i.lookUp(name)
        else { return [] }
        try i.assume(condition, name)
        return []
    }
}

extension OperatorTable {
    /// In-place operators that change a tensor's shape rather than its elements; the importer does not follow these.
    static let shapeMutations: Set<String> = [
        "squeeze_", "unsqueeze_", "transpose_", "t_", "swapaxes_", "swapdims_", "resize_", "set_", "as_strided_",
    ]
}
