import Base
import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// A product by a weight of codes and scales, with its reference in double precision.
struct CodedCase: Sendable, CustomTestStringConvertible {
    /// How a weight is stored and restored.
    enum Form: String, CaseIterable {
        /// e4m3 and e5m2 with an f32 scale a row.
        case e4m3, e5m2
        /// e4m3 alone.
        case bare
        /// i8 with an f32 scale a row.
        case int8
        /// u8 less 128 as a real, with an f16 scale for each 64.
        case centred
        /// As `hearth optimize --weights int4` stores it.
        case int4
        /// Neighbouring elements in a byte, less 8 as a real, with an f32 scale for each 128.
        case pairs
        /// As int4, but one of two tensors by the column, as merged siblings are.
        case siblings
    }

    let form: Form
    let rows: Int
    let depth: Int
    let columns: Int
    let element: ElementType

    var testDescription: String { "\(form) \(rows)x\(depth)x\(columns) \(element)" }

    private static func axis(_ number: Int, _ extent: Int) -> LoopAxis {
        LoopAxis(Variable(.axis, number), IntegerExpression(extent))
    }

    private var block: Int {
        switch form {
        case .e4m3, .e5m2, .bare, .int8: depth
        case .centred: 64
        case .int4, .siblings: 32
        case .pairs: 128
        }
    }

    private var codeType: ElementType {
        switch form {
        case .e4m3, .bare: .f8e4m3
        case .e5m2: .f8e5m2
        case .int8: .i8
        case .centred, .int4, .pairs, .siblings: .u8
        }
    }

    private var scaleType: ElementType {
        switch form {
        case .e4m3, .e5m2, .bare, .int8, .pairs: .f32
        case .centred: .f16
        case .int4, .siblings: .bf16
        }
    }

    private var isPacked: Bool { form == .int4 || form == .pairs || form == .siblings }

    /// `y[m, n] = Σ x[m, k] · w[n, k] + r[m, n]`; parameters: x, codes, scales, r, y, and of siblings the other's codes.
    var kernel: Kernel {
        let (m, n, k) = (Self.axis(0, rows), Self.axis(1, columns), Self.axis(2, depth))
        func at(_ axis: LoopAxis) -> IntegerExpression { axis.extent == 1 ? 0 : IntegerExpression(axis.variable) }
        var ranges = VariableRanges()
        for axis in [m, n, k] { ranges.declare(axis.variable, extent: axis.extent) }
        var right = ScalarBody()
        func half(_ parameter: Int, _ first: IntegerExpression, _ mask: [IntegerExpression] = []) -> Int {
            let inside = at(k).modulo(32, ranges)
            let index = first * (depth / 2) + at(k).floorDivided(by: 32, ranges) * 16 + inside.modulo(16, ranges)
            let byte = right.emit(.load(parameter: parameter, index: index, mask: mask))
            let low = right.emit(.apply(.and, [byte, right.emit(.integer(15))]))
            let high = right.emit(.apply(.shiftRight, [byte, right.emit(.integer(4))]))
            let nibble = right.emit(.apply(.select, [right.emit(.condition([15 - inside])), low, high]))
            let code = right.emit(.apply(.subtract, [nibble, right.emit(.integer(8))]))
            return right.emit(.cast(code, element))
        }
        func scale(_ first: IntegerExpression) -> Int {
            let index =
                first * (depth / block)
                + (block == depth ? 0 : at(k).floorDivided(by: IntegerExpression(block), ranges))
            return right.emit(.load(parameter: 2, index: index, mask: []))
        }
        let plain = at(n) * depth + at(k)
        var result: Int
        switch form {
        case .bare: result = right.emit(.load(parameter: 1, index: plain, mask: []))
        case .e4m3, .e5m2:
            result = right.emit(
                .apply(.multiply, [right.emit(.load(parameter: 1, index: plain, mask: [])), scale(at(n))]))
        case .int8:
            let code = right.emit(.cast(right.emit(.load(parameter: 1, index: plain, mask: [])), element))
            result = right.emit(.apply(.multiply, [scale(at(n)), code]))
        case .centred:
            let code = right.emit(.cast(right.emit(.load(parameter: 1, index: plain, mask: [])), .f32))
            let centre = right.emit(.real(bits: (128.0).bitPattern, .f32))
            result = right.emit(.apply(.multiply, [right.emit(.apply(.subtract, [code, centre])), scale(at(n))]))
        case .int4: result = right.emit(.apply(.multiply, [half(1, at(n)), scale(at(n))]))
        case .pairs:
            let place = at(n) * (depth / 2) + at(k).floorDivided(by: 2, ranges)
            let byte = right.emit(.load(parameter: 1, index: place, mask: []))
            let low = right.emit(.apply(.and, [byte, right.emit(.integer(15))]))
            let high = right.emit(.apply(.shiftRight, [byte, right.emit(.integer(4))]))
            let isLow = right.emit(.condition([at(k).modulo(2, ranges) * -1]))
            let code = right.emit(.cast(right.emit(.apply(.select, [isLow, low, high])), .bf16))
            let centre = right.emit(.real(bits: (8.0).bitPattern, .f32))
            result = right.emit(.apply(.multiply, [right.emit(.apply(.subtract, [code, centre])), scale(at(n))]))
        case .siblings:
            let (own, edge) = (half(1, at(n)), columns / 2)
            let other = half(5, at(n) - edge, [at(n) - edge])
            let isOwn = right.emit(.condition([IntegerExpression(edge - 1) - at(n)]))
            let factor = scale(at(n))
            result = right.emit(
                .apply(
                    .select,
                    [
                        isOwn, right.emit(.apply(.multiply, [own, factor])),
                        right.emit(.apply(.multiply, [other, factor])),
                    ]))
        }
        var epilogue = ScalarBody()
        let sum = epilogue.emit(.accumulator)
        let rest = epilogue.emit(.load(parameter: 3, index: at(m) * columns + at(n), mask: []))
        let value = epilogue.emit(.apply(.add, [sum, rest]))
        let body = ContractionKernel(
            batch: [], rows: [m], columns: [n], taps: [], depth: k,
            left: ScalarFunction(
                body: ScalarBody(nodes: [.load(parameter: 0, index: at(m) * depth + at(k), mask: [])]), result: 0),
            right: ScalarFunction(body: right, result: result), operandElement: element, epilogue: epilogue,
            stores: [Store(parameter: 4, index: at(m) * columns + at(n), value: value)])
        func parameter(_ element: ElementType, _ count: Int, _ access: KernelParameter.Access, _ isConstant: Bool)
            -> KernelParameter
        {
            KernelParameter(element: element, count: IntegerExpression(count), access: access, isConstant: isConstant)
        }
        let codes = columns * depth / (isPacked ? 2 : 1)
        return Kernel(
            name: "coded",
            parameters: [
                parameter(element, rows * depth, .read, false), parameter(codeType, codes, .read, true),
                parameter(scaleType, columns * depth / block, .read, true),
                parameter(element, rows * columns, .read, false), parameter(.f32, rows * columns, .write, false),
            ] + (form == .siblings ? [parameter(codeType, codes, .read, true)] : []),
            symbols: [], ranges: VariableRanges(), body: .contraction(body))
    }

    private func code(_ buffers: [[UInt8]], _ n: Int, _ k: Int) -> Double {
        switch form {
        case .e4m3, .bare: return Float8.e4m3.value(buffers[1][n * depth + k])
        case .e5m2: return Float8.e5m2.value(buffers[1][n * depth + k])
        case .int8: return Double(Int8(bitPattern: buffers[1][n * depth + k]))
        case .centred: return Double(buffers[1][n * depth + k]) - 128
        case .pairs: return Double(buffers[1][n * depth / 2 + k / 2] >> (k % 2 * 4) & 15) - 8
        case .int4, .siblings:
            let isOther = form == .siblings && n >= columns / 2
            let row = isOther ? n - columns / 2 : n
            let byte = buffers[isOther ? 5 : 1][row * depth / 2 + k / 32 * 16 + k % 16]
            return Double((k % 32 < 16 ? byte : byte >> 4) & 15) - 8
        }
    }

    /// Compares what a kernel computes with sums in double precision: `unit` is what the error may be of the root of the terms' squares.
    /// With `outliers` a few values of the left operand are a thousand times as large.
    func verify(_ compiled: some RunnableKernel, unit: Double? = nil, outliers: Bool = false) throws {
        var buffers = inputs { values in
            guard outliers else { return }
            for place in stride(from: 5, to: values.count, by: 37) { values[place] *= 1000 }
        }
        let x = Self.values(buffers[0], element)
        let scales = Self.values(buffers[2], scaleType)
        let rest = Self.values(buffers[3], element)
        let given = buffers
        try compiled.run(&buffers, dimensions: [0], parts: 2)
        let found = Self.values(buffers[4], .f32)
        for m in 0..<rows {
            for n in 0..<columns {
                var (sum, size) = (rest[m * columns + n], 0.0)
                for k in 0..<depth {
                    let scale = form == .bare ? 1 : scales[n * (depth / block) + k / block]
                    let term = x[m * depth + k] * code(given, n, k) * scale
                    sum += term
                    size += term * term
                }
                // Weights that are packed in the operands' type are rounded to it once.
                let unit = unit ?? max(element.epsilon, 0x1p-20)
                let error = abs(found[m * columns + n] - sum)
                #expect(error <= unit * size.squareRoot() + 1e-6, "[\(m), \(n)]: \(found[m * columns + n]) for \(sum)")
                if error > unit * size.squareRoot() + 1e-6 { return }
            }
        }
    }

    /// What a kernel computes where the left operand has an infinity at `infinity` and nothing special elsewhere.
    func results(_ compiled: some RunnableKernel, infinity: Int) throws -> [Double] {
        var buffers = inputs { $0[infinity] = .infinity }
        try compiled.run(&buffers, dimensions: [0], parts: 2)
        return Self.values(buffers[4], .f32)
    }

    /// Random contents of all parameters; `change` changes the values of the left operand.
    private func inputs(_ change: (inout [Double]) -> Void) -> [[UInt8]] {
        var random = SeededRandom(seed: 7)
        var buffers: [[UInt8]] = []
        for parameter in kernel.parameters {
            let count = parameter.count.constantValue ?? 0
            switch parameter.element {
            case .u8, .i8: buffers.append((0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) })
            // Neither NaN nor infinities.
            case .f8e4m3:
                buffers.append((0..<count).map { _ in UInt8(random.index(below: 127) | random.index(below: 2) << 7) })
            case .f8e5m2:
                buffers.append((0..<count).map { _ in UInt8(random.index(below: 100) | random.index(below: 2) << 7) })
            default:
                var values = (0..<count).map { _ in random.uniform() * 2 - 1 }
                if buffers.isEmpty { change(&values) }
                buffers.append(Memory.bytes(values.map { Float($0) }, parameter.element))
            }
        }
        return buffers
    }

    private static func values(_ bytes: [UInt8], _ element: ElementType) -> [Double] {
        Memory.floats(bytes, element).map { Double($0) }
    }
}
