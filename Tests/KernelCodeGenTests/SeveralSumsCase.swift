import Base
import ElementTypes
import Foundation
import KernelIR
import Testing

@testable import KernelCodeGen

/// A product whose epilogue reads several sums of a point, with its reference in double precision:
/// `y[m, n] = s · Σ x[m, k] g[k] w[n, k] · tanh(s · Σ x[m, k] g[k] w[n + N, k]) · …`, with `s = 1 / sqrt(mean x² + ¼)` where
/// rows are normed, else x and w alone.
struct SeveralSumsCase: Sendable, CustomTestStringConvertible {
    let rows: Int
    let depth: Int
    let columns: Int
    let gates: Int
    var isNormed = false
    var element = ElementType.bf16
    /// Whether weights lie along the columns, so that they are packed.
    var isTransposed = false
    /// Whether weights are 4-bit codes less 8 with a bf16 scale for each 32 summed elements.
    var isCoded = false

    var testDescription: String {
        "\(rows)x\(depth)x\(columns) \(gates) gates\(isNormed ? " normed" : "")\(isTransposed ? " transposed" : "")\(isCoded ? " coded" : "") \(element)"
    }

    /// Parameters: x, w, g, y, and where weights are coded the scales.
    var kernel: Kernel {
        func axis(_ number: Int, _ extent: Int) -> LoopAxis {
            LoopAxis(Variable(.axis, number), IntegerExpression(extent))
        }
        func at(_ axis: LoopAxis) -> IntegerExpression { axis.extent == 1 ? 0 : IntegerExpression(axis.variable) }
        let (m, n, k, p) = (axis(0, rows), axis(1, columns), axis(2, depth), axis(3, gates))
        let all = columns * gates
        let column = gates == 1 ? at(n) : at(n) + at(p) * columns
        func load(_ parameter: Int, _ index: IntegerExpression) -> ScalarBody.Node {
            .load(parameter: parameter, index: index, mask: [])
        }
        let x = load(0, at(m) * depth + at(k))
        var left = ScalarFunction(body: ScalarBody(nodes: [x]), result: 0)
        var square = left
        if isNormed {
            left.result = left.body.emit(.apply(.multiply, [0, left.body.emit(load(2, at(k)))]))
            square.result = square.body.emit(.apply(.multiply, [0, 0]))
        }
        var right = ScalarFunction(body: ScalarBody(), result: 0)
        if isCoded {
            var ranges = VariableRanges()
            ranges.declare(k.variable, extent: k.extent)
            let (inside, block) = (at(k).modulo(32, ranges), at(k).floorDivided(by: 32, ranges))
            func emit(_ node: ScalarBody.Node) -> Int { right.body.emit(node) }
            let byte = emit(load(1, column * (depth / 2) + block * 16 + inside.modulo(16, ranges)))
            let low = emit(.apply(.and, [byte, emit(.integer(15))]))
            let high = emit(.apply(.shiftRight, [byte, emit(.integer(4))]))
            let nibble = emit(.apply(.select, [emit(.condition([15 - inside])), low, high]))
            let code = emit(.cast(emit(.apply(.subtract, [nibble, emit(.integer(8))])), element))
            right.result = emit(.apply(.multiply, [code, emit(load(4, column * (depth / 32) + block))]))
        } else {
            right.result = right.body.emit(load(1, isTransposed ? at(k) * all + column : column * depth + at(k)))
        }
        var epilogue = ScalarBody()
        var sums = (0..<gates).map { epilogue.emit($0 == 0 ? .accumulator : .slot($0)) }
        if isNormed {
            func real(_ value: Double) -> Int { epilogue.emit(.real(bits: value.bitPattern, .f32)) }
            let mean = epilogue.emit(.apply(.multiply, [epilogue.emit(.slot(gates)), real(1 / Double(depth))]))
            let scale = epilogue.emit(
                .apply(.reciprocalSquareRoot, [epilogue.emit(.apply(.add, [mean, real(0.25)]))]))
            sums = sums.map { epilogue.emit(.apply(.multiply, [$0, scale])) }
        }
        var value = sums[0]
        for sum in sums.dropFirst() {
            value = epilogue.emit(.apply(.multiply, [value, epilogue.emit(.apply(.hyperbolicTangent, [sum]))]))
        }
        let body = ContractionKernel(
            batch: [], rows: [m], columns: [n], taps: [], depth: k, left: left,
            right: right, operandElement: element,
            epilogue: epilogue, stores: [Store(parameter: 3, index: at(m) * columns + at(n), value: value)],
            gate: gates == 1 ? nil : p, rowSums: isNormed ? [square] : [])
        func parameter(
            _ element: ElementType, _ count: Int, _ access: KernelParameter.Access = .read, isConstant: Bool = false
        ) -> KernelParameter {
            KernelParameter(element: element, count: IntegerExpression(count), access: access, isConstant: isConstant)
        }
        return Kernel(
            name: "sums",
            parameters: [
                parameter(element, rows * depth),
                parameter(isCoded ? .u8 : element, all * depth / (isCoded ? 2 : 1), isConstant: true),
                parameter(element, depth, isConstant: true), parameter(.f32, rows * columns, .write),
            ] + (isCoded ? [parameter(.bf16, all * depth / 32, isConstant: true)] : []), symbols: [],
            ranges: VariableRanges(), body: .contraction(body))
    }

    /// Compares what a kernel computes with the definition.
    /// `precision` is what a left operand loses that is rounded, of the sum of magnitudes.
    func verify(_ compiled: some RunnableKernel, precision: Double = 4e-6) throws {
        var random = SeededRandom(seed: 11)
        let counts = [rows * depth, columns * gates * depth, depth]
        // Large enough that f16 would overflow in sums of squares, were they not in f32.
        let given = zip(counts, [60.0, 0.05, 1.0]).map { count, size -> [Double] in
            let values = (0..<count).map { _ in Float((random.uniform() * 2 - 1) * size) }
            return Memory.floats(Memory.bytes(values, element), element).map { Double($0) }
        }
        var buffers = given.map { Memory.bytes($0.map { Float($0) }, element) }
        buffers.append([UInt8](repeating: 0, count: 4 * rows * columns))
        var weights = given[1]
        if isCoded {
            let bytes = (0..<weights.count / 2).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let scales = Memory.floats(
                Memory.bytes((0..<weights.count / 32).map { _ in Float(random.uniform() * 0.01) }, .bf16), .bf16)
            for place in weights.indices {
                let (line, k) = (place / depth, place % depth)
                let byte = bytes[line * depth / 2 + k / 32 * 16 + k % 16]
                weights[place] =
                    (Double((k % 32 < 16 ? byte : byte >> 4) & 15) - 8) * Double(scales[(line * depth + k) / 32])
            }
            buffers[1] = bytes
            buffers.append(Memory.bytes(scales, .bf16))
        }
        try compiled.run(&buffers, dimensions: [0], parts: 2)
        let found = Memory.floats(buffers[3], .f32).map { Double($0) }
        for m in 0..<rows {
            let x = (0..<depth).map { given[0][m * depth + $0] }
            let scale = isNormed ? 1 / (x.reduce(0) { $0 + $1 * $1 } / Double(depth) + 0.25).squareRoot() : 1
            for n in 0..<columns {
                var value = 1.0
                var (room, first) = (0.0, 0.0)
                for p in 0..<gates {
                    var (sum, size) = (0.0, 0.0)
                    for k in 0..<depth {
                        let place = isTransposed ? k * columns * gates + n + p * columns : (n + p * columns) * depth + k
                        let term = x[k] * (isNormed ? given[2][k] : 1) * weights[place] * scale
                        sum += term
                        size += abs(term)
                    }
                    value *= p == 0 ? sum : tanh(sum)
                    room += p == 0 ? size : size * abs(first)
                    if p == 0 { first = sum }
                }
                #expect(abs(found[m * columns + n] - value) <= precision * room + 1e-6, "\(m) \(n)")
            }
        }
    }
}
