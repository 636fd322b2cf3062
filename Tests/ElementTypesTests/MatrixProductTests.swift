import Testing

@testable import ElementTypes

@Suite struct MatrixProductTests {
    static let product = MatrixProduct(
        element: .bf16, resultElement: .f32, rows: 3, columns: 5, depth: 7, batches: 2,
        left: .init(operand: 0, offset: 8, line: 7, batch: 21), right: .init(operand: 1, line: 1, step: 5, batch: 0),
        result: .init(operand: 2, line: 6, batch: 18), bias: .init(operand: 3, offset: 4), workspace: 4,
        workspaceBytes: 64, proposal: 2)

    @Test func integersAreTheProduct() {
        #expect(MatrixProduct(integers: Self.product.integers) == Self.product)
        var without = Self.product
        without.bias = nil
        #expect(MatrixProduct(integers: without.integers) == without)
        without.addend = 3
        #expect(MatrixProduct(integers: without.integers) == without && without.byteCount(of: 3) == 4 * (18 + 16 + 1))
        #expect(without.fault(operands: 5) == nil)
        without.addend = 5
        #expect(without.fault(operands: 5) != nil)
        without.factors = .tf32
        #expect(MatrixProduct(integers: without.integers) == without)
        without.addend = nil
        #expect(MatrixProduct(integers: without.integers) == without)
        #expect(MatrixProduct(integers: []) == nil && MatrixProduct(integers: [Int](repeating: 99, count: 26)) == nil)
    }

    @Test func bytesOfOperands() {
        #expect(
            (0..<6).map { Self.product.byteCount(of: $0) } == [2 * (8 + 21 + 20 + 1), 70, 4 * (18 + 16 + 1), 36, 64, 0])
    }

    /// What may not be handed to a library is named.
    @Test(arguments: [
        (2, 0), (3, 1 << 40), (5, 0), (6, -1), (6, 5), (8, 6), (8, 0), (13, 4), (18, 4), (19, 2), (21, 9), (24, -1),
        (25, -1), (0, 4), (7, -1), (10, -1), (20, 0), (20, 4),
    ])
    func faults(_ place: Int, _ number: Int) throws {
        #expect(Self.product.fault(operands: 5) == nil)
        #expect(Self.product.fault(operands: 4) != nil)
        var integers = Self.product.integers
        integers[place] = number
        let product = try #require(MatrixProduct(integers: integers))
        #expect(product.fault(operands: 5) != nil, "\(integers)")
    }

    /// Sizes whose products no integer holds are faults too, never a trap.
    @Test func hugeSizesAreFaults() throws {
        var product = Self.product
        (product.batches, product.left.batch) = (Int(Int32.max) - 1, 1 << 38)
        #expect(product.fault(operands: 5) != nil)
        (product.batches, product.left.batch) = (1 << 30, 1 << 17)
        #expect(product.fault(operands: 5) == nil && product.byteCount(of: 0) > 1 << 47)
    }
}
