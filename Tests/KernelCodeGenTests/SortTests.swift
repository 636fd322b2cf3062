import Base
import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// A sort of the middle axis of `[2, count, 3]`.
struct SortCase: Sendable, CustomTestStringConvertible {
    var count: Int
    var limit: Int
    var isDescending: Bool
    var element: ElementType

    var testDescription: String {
        "\(count) keep \(limit) \(element.rawValue)\(isDescending ? " descending" : "")"
    }

    var kernel: Kernel {
        let axes = [2, count, 3].enumerated().map { LoopAxis(Variable(.axis, $0), IntegerExpression($1)) }
        let at = axes.map { IntegerExpression($0.variable) }
        let index = (at[0] * count + at[1]) * 3 + at[2]
        let kept = (at[0] * limit + at[1]) * 3 + at[2]
        let body = SortKernel(
            axes: [axes[0], axes[2]], axis: axes[1], limit: IntegerExpression(limit), isDescending: isDescending,
            value: .init(body: .init(nodes: [.load(parameter: 0, index: index, mask: [])]), result: 0),
            values: .init(parameter: 1, index: kept), positions: .init(parameter: 2, index: kept))
        return Kernel(
            name: "tested",
            parameters: [
                .init(element: element, count: IntegerExpression(6 * count), access: .read, isConstant: false),
                .init(element: element, count: IntegerExpression(6 * limit), access: .write, isConstant: false),
                .init(element: .i64, count: IntegerExpression(6 * limit), access: .write, isConstant: false),
            ], symbols: [], ranges: VariableRanges(), body: .sort(body))
    }

    /// Whether `a` goes strictly before `b`: NaN is greatest, zeros are equal.
    private func precedes(_ a: Double, _ b: Double) -> Bool {
        func less(_ x: Double, _ y: Double) -> Bool { y.isNaN ? !x.isNaN : x < y }
        return isDescending ? less(b, a) : less(a, b)
    }

    func check(_ schedule: Schedule = Schedule()) throws {
        let compiled = try CompiledKernel(kernel, .avx2, schedule)
        guard TestTarget.avx2.isHere else { return }
        try verify(compiled)
    }

    /// Runs a compiled form on numbers that are always the same and compares.
    func verify(_ compiled: some RunnableKernel) throws {
        var random = SeededRandom(seed: 3)
        let special: [Double] =
            element.isFloatingPoint ? [.nan, 0, -0.0, .infinity, -.infinity, 1, 1] : [0, 0, 1, -1, 127, -128]
        let values = (0..<6 * count).map { _ -> Double in
            let chosen = Int(random.uniform() * 30)
            if element == .bool { return Double(chosen % 2) }
            if chosen < special.count { return special[chosen] }
            let value = random.uniform() * 200 - 100
            return element.isFloatingPoint ? Double(Float16(value)) : value.rounded(.towardZero)
        }
        var buffers = [bytes(values), bytes([Double](repeating: 0, count: 6 * limit)), []]
        buffers[2] = [UInt8](repeating: 0xFF, count: 6 * limit * 8)
        try compiled.run(&buffers, dimensions: [0], parts: 4)
        let positions = buffers[2].withUnsafeBytes { Array($0.bindMemory(to: Int64.self)) }
        for outer in 0..<2 {
            for inner in 0..<3 {
                let row = (0..<count).map { values[(outer * count + $0) * 3 + inner] }
                // Swift's sort is stable in practice; the second key says so explicitly.
                let order = row.indices.sorted {
                    precedes(row[$0], row[$1]) || (!precedes(row[$1], row[$0]) && $0 < $1)
                }
                let found = (0..<limit).map { Int(positions[(outer * limit + $0) * 3 + inner]) }
                #expect(found == Array(order.prefix(limit)))
                let wanted = bytes(order.prefix(limit).map { row[$0] })
                let size = element.byteCount
                let kept = (0..<limit).flatMap { rank -> ArraySlice<UInt8> in
                    let place = ((outer * limit + rank) * 3 + inner) * size
                    return buffers[1][place..<place + size]
                }
                #expect(Array(kept) == wanted)
            }
        }
    }

    private func bytes(_ values: [Double]) -> [UInt8] {
        values.flatMap { value -> [UInt8] in
            switch element {
            case .f64: withUnsafeBytes(of: value) { Array($0) }
            case .f32: withUnsafeBytes(of: Float(value)) { Array($0) }
            case .f16: withUnsafeBytes(of: Float16(value)) { Array($0) }
            case .bf16: Memory.bytes([Float(value)], .bf16)
            case .f8e4m3: [Float8.e4m3.bits(value)]
            case .f8e5m2: [Float8.e5m2.bits(value)]
            case .i64: withUnsafeBytes(of: Int64(value)) { Array($0) }
            case .i32: withUnsafeBytes(of: Int32(value)) { Array($0) }
            case .i16: withUnsafeBytes(of: Int16(value)) { Array($0) }
            case .i8: withUnsafeBytes(of: Int8(value)) { Array($0) }
            case .u8: [UInt8(abs(value))]
            case .bool: [value != 0 ? 1 : 0]
            }
        }
    }
}

@Suite struct SortTests {
    @Test(arguments: [ElementType.f32, .f64, .f16, .i64, .i8, .bool], [false, true])
    func ordersAsPyTorch(_ element: ElementType, _ isDescending: Bool) throws {
        // By insertion, by radix, and the first few of many.
        for (count, limit) in [(40, 40), (300, 300), (300, 7)] {
            try SortCase(count: count, limit: limit, isDescending: isDescending, element: element).check()
        }
    }

    @Test(arguments: [1, 2, 64, 65])
    func sortsRowsOfAnyLength(_ count: Int) throws {
        try SortCase(count: count, limit: count, isDescending: false, element: .f32).check()
    }

    @Test func selectsBySorting() throws {
        try SortCase(count: 500, limit: 5, isDescending: true, element: .f32).check(Schedule(["select": 0]))
    }
}
