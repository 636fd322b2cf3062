/// All inner products of rows: `result[i, j] = Σ_k left[i, k] × right[j, k]`, for contiguous `left` `[rows, length]`,
/// `right` `[columns, length]` and `result` `[rows, columns]`.
///
/// The one tight loop of the interpreter. Four by two rows at a time keep eight sums in registers; each product is summed
/// in double over four interleaved partial sums. With `single`, each is summed in f32 in order with fused products, as the
/// matrix libraries under PyTorch do for f32, f16 and bf16.
func dotProducts(
    _ left: UnsafePointer<Double>, rows: Int, _ right: UnsafePointer<Double>, columns: Int, length: Int,
    single: Bool = false, into result: UnsafeMutablePointer<Double>
) {
    if single { return singleProducts(left, rows: rows, right, columns: columns, length: length, into: result) }
    for column in stride(from: 0, to: columns, by: 2) {
        for row in stride(from: 0, to: rows, by: 4) {
            if column + 2 <= columns, row + 4 <= rows {
                dotTile(
                    left + row * length, right + column * length, length,
                    into: result + row * columns + column, columns)
            } else {
                for i in row..<min(row + 4, rows) {
                    for j in column..<min(column + 2, columns) {
                        result[i * columns + j] = dotProduct(left + i * length, right + j * length, length)
                    }
                }
            }
        }
    }
}

/// All inner products of rows, each summed in f32 in order; sixteen columns side by side.
private func singleProducts(
    _ left: UnsafePointer<Double>, rows: Int, _ right: UnsafePointer<Double>, columns: Int, length: Int,
    into result: UnsafeMutablePointer<Double>
) {
    var panel = [SIMD16<Float>](repeating: .zero, count: length)
    for column in stride(from: 0, to: columns, by: 16) {
        let count = min(16, columns - column)
        for lane in 0..<count {
            for k in 0..<length { panel[k][lane] = Float(right[(column + lane) * length + k]) }
        }
        panel.withUnsafeBufferPointer { panel in
            for row in 0..<rows {
                var sum = SIMD16<Float>.zero
                for k in 0..<length {
                    sum.addProduct(panel[k], SIMD16(repeating: Float(left[row * length + k])))
                }
                for lane in 0..<count { result[row * columns + column + lane] = Double(sum[lane]) }
            }
        }
    }
}

/// The inner product of two contiguous rows.
func dotProduct(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ length: Int) -> Double {
    var sums = SIMD4<Double>.zero
    let whole = length & ~3
    for k in stride(from: 0, to: whole, by: 4) { sums += four(a + k) * four(b + k) }
    var rest = 0.0
    for k in whole..<length { rest += a[k] * b[k] }
    return sums.sum() + rest
}

/// The inner products of four rows with two.
private func dotTile(
    _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ length: Int, into result: UnsafeMutablePointer<Double>,
    _ columns: Int
) {
    var s00 = SIMD4<Double>.zero
    var (s01, s10, s11, s20, s21, s30, s31) = (s00, s00, s00, s00, s00, s00, s00)
    let (a1, a2, a3, b1) = (a + length, a + 2 * length, a + 3 * length, b + length)
    let whole = length & ~3
    var k = 0
    while k < whole {
        let (x, y) = (four(b + k), four(b1 + k))
        let p = four(a + k)
        s00 += p * x
        s01 += p * y
        let q = four(a1 + k)
        s10 += q * x
        s11 += q * y
        let r = four(a2 + k)
        s20 += r * x
        s21 += r * y
        let t = four(a3 + k)
        s30 += t * x
        s31 += t * y
        k += 4
    }
    let sums = [s00, s01, s10, s11, s20, s21, s30, s31]
    for index in 0..<8 {
        let (i, j) = (index / 2, index % 2)
        var rest = 0.0
        for k in whole..<length { rest += a[i * length + k] * b[j * length + k] }
        result[i * columns + j] = sums[index].sum() + rest
    }
}

/// Four neighbouring numbers.
@inline(__always) private func four(_ pointer: UnsafePointer<Double>) -> SIMD4<Double> {
    UnsafeRawPointer(pointer).loadUnaligned(as: SIMD4<Double>.self)
}
