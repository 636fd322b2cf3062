import CDotProducts

/// All inner products of rows: `result[i, j] = Σ_k left[i, k] × right[j, k]`, for contiguous `left` `[rows, length]`,
/// `right` `[columns, length]` and `result` `[rows, columns]`.
///
/// The one tight loop of the interpreter, in C so that it uses the widest registers there are: each product is summed in
/// order with fused products, in double. With `single`, in f32, as the matrix libraries under PyTorch do for f32, f16 and
/// bf16.
func dotProducts(
    _ left: UnsafePointer<Double>, rows: Int, _ right: UnsafePointer<Double>, columns: Int, length: Int,
    single: Bool = false, into result: UnsafeMutablePointer<Double>
) {
    let compute = single ? hearth_dot_products_f32 : hearth_dot_products_f64
    compute(left, Int64(rows), right, Int64(columns), Int64(length), result)
}
