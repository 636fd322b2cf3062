import Base
import ElementTypes
import Glibc
import GraphIR
import Testing

@testable import ReferenceInterpreter

/// What several processors compute in tiles and pieces is, to the bit, what plain loops give.
@Suite struct ParallelTests {
    private static func numbers(_ count: Int, seed: UInt64) -> [Double] {
        var random = SeededRandom(seed: seed)
        return (0..<count).map { _ in Double(Float(random.uniform() * 2 - 1)) }
    }

    /// Around the edges of tiles (8 × 24, 4 × 12), of blocks (512 × 480) and of pieces of the summed axis (192).
    @Test(
        arguments: [
            [1, 1, 1, 1], [1, 3, 5, 0], [3, 7, 11, 9], [1, 8, 24, 192], [1, 9, 25, 193], [2, 65, 97, 200],
            [1, 513, 481, 7],
            [1, 4, 1100, 33], [5, 1, 100, 385],
        ], [false, true])
    func productsAreSummedInOrder(_ shape: [Int], _ single: Bool) {
        let (batches, rows, columns, length) = (shape[0], shape[1], shape[2], shape[3])
        let left = Self.numbers(batches * rows * length + 1, seed: 1)
        let right = Self.numbers(batches * columns * length + 1, seed: 2)
        var result = [Double](repeating: .nan, count: batches * rows * columns)
        dotProducts(
            left, rows: rows, right, columns: columns, length: length, batches: batches, single: single, into: &result)
        var wrong = 0
        for (index, found) in result.enumerated() {
            let (row, column) = (index / columns, index / (rows * columns) * columns + index % columns)
            var (sum, narrow) = (0.0, Float(0))
            for k in 0..<length {
                let (x, y) = (left[row * length + k], right[column * length + k])
                sum.addProduct(x, y)
                narrow.addProduct(Float(x), Float(y))
            }
            if found != (single ? Double(narrow) : sum) { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test func infinitiesStayInTheirRow() {
        var left = Self.numbers(9 * 5, seed: 3)
        left[8 * 5] = .infinity
        let right = Self.numbers(25 * 5, seed: 4)
        var result = [Double](repeating: 0, count: 9 * 25)
        dotProducts(left, rows: 9, right, columns: 25, length: 5, into: &result)
        #expect(result[..<200].allSatisfy { $0.isFinite } && result[200...].allSatisfy { $0.isInfinite })
    }

    @Test func longMapsReductionsAndCopiesAreThoseOfTheirElements() throws {
        let (rows, length) = (300, 401)
        let x = TensorValue(.f64, [rows, length], Self.numbers(rows * length, seed: 5))
        let turned = x.permuted([1, 0])
        #expect((0..<rows * length).allSatisfy { turned.doubles[$0 % length * rows + $0 / length] == x.doubles[$0] })
        let sums = try evaluate(Reduce(.sum, axes: [1]), x, shape: [rows]).doubles
        #expect(sums == (0..<rows).map { x.doubles[$0 * length..<($0 + 1) * length].reduce(0, +) })
        let exponential = ScalarExpression(arguments: [.f64], instructions: [.argument(0), .apply(.exp, [0])])
        let mapped = try evaluate(exponential, [x], shape: [rows, length], rounds: false)
        #expect(mapped.doubles == x.doubles.map { exp($0) })
    }

    /// More queries than are scored at a time, and more windows than are held at a time, against one at a time.
    @Test func rowsOfAttentionDoNotDependOnTheirNeighbours() throws {
        let (heads, queries, depth) = (2, 300, 8)
        let q = TensorValue(.f64, [1, heads, queries, depth], Self.numbers(heads * queries * depth, seed: 6))
        let k = TensorValue(.f64, [1, heads, queries, depth], Self.numbers(heads * queries * depth, seed: 7))
        let attend = Attend(hasMask: false, isCausal: false, scale: 0.5)
        let all = try evaluate(attend, [q, k, k], shape: [1, heads, queries, depth], rounds: false).doubles
        for query in [0, 127, 128, 299] {
            let one = q.strided(
                offset: query * depth, strides: [0, queries * depth, 0, 1], shape: [1, heads, 1, depth])
            let found = try evaluate(attend, [one, k, k], shape: [1, heads, 1, depth], rounds: false).doubles
            for head in 0..<heads {
                let start = (head * queries + query) * depth
                #expect(Array(all[start..<start + depth]) == Array(found[head * depth..<(head + 1) * depth]))
            }
        }
    }

    @Test func pixelsOfConvolutionsDoNotDependOnTheirNeighbours() throws {
        let (images, channels, side, filters) = (2, 6, 70, 4)
        let x = TensorValue(
            .f64, [images, channels, side, side], Self.numbers(images * channels * side * side, seed: 8))
        let w = TensorValue(.f64, [filters, channels / 2, 3, 3], Self.numbers(filters * channels / 2 * 9, seed: 9))
        let convolve = Convolve(
            stride: [1, 1], paddingLow: [1, 1], paddingHigh: [1, 1], dilation: [1, 1], groups: 2)
        let found = try evaluate(convolve, x, w, shape: [images, filters, side, side], rounds: false).doubles
        for (image, filter, row, column) in [(0, 0, 0, 0), (0, 3, 69, 5), (1, 1, 35, 69), (1, 2, 17, 44)] {
            var sum = 0.0
            for channel in 0..<3 {
                for (dy, dx) in (0..<9).map({ ($0 / 3, $0 % 3) }) {
                    let (y, z) = (row + dy - 1, column + dx - 1)
                    guard (0..<side).contains(y), (0..<side).contains(z) else { continue }
                    let place = ((image * channels + filter / 2 * 3 + channel) * side + y) * side + z
                    sum.addProduct(w.doubles[((filter * 3 + channel) * 3 + dy) * 3 + dx], x.doubles[place])
                }
            }
            let index = ((image * filters + filter) * side + row) * side + column
            #expect(abs(found[index] - sum) <= 1e-14)
        }
    }
}
