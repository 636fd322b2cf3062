import GraphIR
import ModelFiles

/// Assertions on metadata, which hold by construction of the program.
func registerControl(_ table: inout OperatorTable) {
    table.on("_assert_tensor_metadata", "_assert_scalar", "sym_constrain_range_for_size", "sym_constrain_range") {
        (_) throws(ImportError) in []
    }
}
