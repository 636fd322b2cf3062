import CDotProducts
import Glibc

/// All inner products of rows: `result[i, j] = Σ_k left[i, k] × right[j, k]`, for contiguous `left` `[rows, length]` and
/// `right` `[columns, length]`, and `result` `[rows, columns]`, contiguous or with rows `distance` elements apart.
///
/// The one tight loop of the interpreter, in C so that it uses the widest registers there are: each product is summed in
/// order with fused products, in double. With `single`, in f32, as the matrix libraries under PyTorch do for f32, f16 and
/// bf16. No number depends on how many processors share the work. For callers that run side by side themselves.
func dotProductsAlone(
    _ left: UnsafePointer<Double>, rows: Int, _ right: UnsafePointer<Double>, columns: Int, length: Int,
    single: Bool = false, into result: UnsafeMutablePointer<Double>, distance: Int? = nil
) {
    let compute = single ? hearth_dot_products_f32 : hearth_dot_products_f64
    compute(
        left, Int64(rows), right, Int64(columns), Int64(length), result, Int64(distance ?? columns))
}

/// `batches` such products of operands that follow each other, on all processors.
func dotProducts(
    _ left: UnsafePointer<Double>, rows: Int, _ right: UnsafePointer<Double>, columns: Int, length: Int,
    batches: Int = 1, single: Bool = false, into result: UnsafeMutablePointer<Double>
) {
    // Tiles of results: large ones read their operands less often, smaller ones are more.
    var (high, wide) = (512, 480)
    func tiles(_ high: Int, _ wide: Int) -> Int { ((rows + high - 1) / high) * ((columns + wide - 1) / wide) }
    let wanted = 3 * max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    while batches * tiles(high, wide) < wanted, high > 64 { (high, wide) = (high / 2, max(wide / 2, 96)) }
    let across = (columns + wide - 1) / wide
    let perBatch = tiles(high, wide)
    let work = min(high, rows) * min(wide, columns) * max(length, 1)
    inParallel(batches * perBatch, grain: max(1, (1 << 18) / max(work, 1))) { range in
        for tile in range {
            let (batch, place) = (tile / perBatch, tile % perBatch)
            let (row, column) = (place / across * high, place % across * wide)
            dotProductsAlone(
                left + (batch * rows + row) * length, rows: min(high, rows - row),
                right + (batch * columns + column) * length, columns: min(wide, columns - column), length: length,
                single: single, into: result + (batch * rows + row) * columns + column, distance: columns)
        }
    }
}
