import Base
import ElementTypes
import Foundation
import KernelIR
import Testing

@testable import KernelCodeGen

/// What is done to rows of a matrix.
struct RowsCase: Sendable, CustomTestStringConvertible {
    enum Kind: String, Sendable, CaseIterable {
        case layerNorm, softmax, sum
    }

    let kind: Kind
    let rows: Int
    let length: Int
    var element = ElementType.bf16

    var testDescription: String { "\(kind.rawValue) \(rows)x\(length) \(element.rawValue)" }

    private var steps: (steps: [NestStep], slots: [ElementType], rows: [ElementType]) {
        let (m, k) = (IntegerExpression(Variable(.axis, 0)), IntegerExpression(Variable(.axis, 1)))
        let axis = LoopAxis(Variable(.axis, 1), IntegerExpression(length))
        let place = m * length + k
        func load(_ body: inout ScalarBody, _ parameter: Int, _ index: IntegerExpression) -> Int {
            body.emit(.load(parameter: parameter, index: index, mask: []))
        }
        func real(_ body: inout ScalarBody, _ value: Double) -> Int { body.emit(.real(bits: value.bitPattern, .f32)) }
        var (first, second, third) = (ScalarBody(), ScalarBody(), ScalarBody())
        let x = load(&first, 0, place)
        let mean = { (body: inout ScalarBody, slot: Int) in
            body.emit(.apply(.multiply, [body.emit(.slot(slot)), real(&body, 1 / Double(length))]))
        }
        switch kind {
        case .layerNorm:
            let near = second.emit(.apply(.subtract, [load(&second, 0, place), mean(&second, 0)]))
            let square = second.emit(.apply(.multiply, [near, near]))
            let centred = third.emit(.apply(.subtract, [load(&third, 0, place), mean(&third, 0)]))
            let spread = third.emit(.apply(.add, [mean(&third, 1), real(&third, 1e-5)]))
            let factor = third.emit(.apply(.reciprocalSquareRoot, [spread]))
            let scaled = third.emit(
                .apply(.multiply, [third.emit(.apply(.multiply, [centred, factor])), load(&third, 1, k)]))
            let result = third.emit(.apply(.add, [scaled, load(&third, 2, k)]))
            return (
                [
                    NestStep(axes: [axis], body: first, effects: [.reduce(.sum, value: x, position: nil, slot: 0)]),
                    NestStep(
                        axes: [axis], body: second, effects: [.reduce(.sum, value: square, position: nil, slot: 1)]),
                    NestStep(
                        axes: [axis], body: third, effects: [.store(Store(parameter: 3, index: place, value: result))]),
                ], [.f32, .f32], []
            )
        case .softmax:
            let power = second.emit(
                .apply(.exp, [second.emit(.apply(.subtract, [load(&second, 0, place), second.emit(.slot(0))]))]))
            let result = third.emit(.apply(.divide, [third.emit(.row(0)), third.emit(.slot(1))]))
            return (
                [
                    NestStep(axes: [axis], body: first, effects: [.reduce(.maximum, value: x, position: nil, slot: 0)]),
                    NestStep(
                        axes: [axis], body: second,
                        effects: [.keep(value: power, row: 0), .reduce(.sum, value: power, position: nil, slot: 1)]),
                    NestStep(
                        axes: [axis], body: third, effects: [.store(Store(parameter: 3, index: place, value: result))]),
                ], [.f32, .f32], [.f32]
            )
        case .sum:
            let total = second.emit(.apply(.multiply, [second.emit(.slot(0)), real(&second, 2)]))
            return (
                [
                    NestStep(axes: [axis], body: first, effects: [.reduce(.sum, value: x, position: nil, slot: 0)]),
                    NestStep(axes: [], body: second, effects: [.store(Store(parameter: 3, index: m, value: total))]),
                ], [.f32], []
            )
        }
    }

    var kernel: Kernel {
        let parts = steps
        let counts = [rows * length, length, length, kind == .sum ? rows : rows * length]
        return Kernel(
            name: "tested",
            parameters: counts.enumerated().map {
                KernelParameter(
                    element: element, count: IntegerExpression($1), access: $0 == 3 ? .write : .read,
                    isConstant: $0 == 1 || $0 == 2)
            }, symbols: [], ranges: VariableRanges(),
            body: .nest(
                NestKernel(
                    axes: [LoopAxis(Variable(.axis, 0), IntegerExpression(rows))], steps: parts.steps,
                    slots: parts.slots,
                    rows: parts.rows)))
    }

    /// The largest difference to what double precision gives, as a part of the largest result.
    func error(_ kernel: EmulatedKernel) throws -> Double {
        var random = SeededRandom(seed: 11)
        let given = [rows * length, length, length].map { count in
            (0..<count).map { _ in Double(Float(random.uniform() * 4 - 1)) }
        }
        var buffers = given.map { Memory.bytes($0.map(Float.init), element) }
        let inputs = buffers.map { Memory.floats($0, element).map(Double.init) }
        let count = kind == .sum ? rows : rows * length
        buffers.append([UInt8](repeating: 0xFF, count: count * element.byteCount))
        try kernel.run(&buffers, dimensions: [])
        let results = Memory.floats(buffers[3], element).map(Double.init)
        var (worst, largest) = (0.0, 0.0)
        for row in 0..<rows {
            let x = Array(inputs[0][row * length..<(row + 1) * length])
            let mean = x.reduce(0, +) / Double(length)
            let spread = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(length)
            let total = x.reduce(0) { $0 + exp($1) }
            let wanted: [Double] =
                switch kind {
                case .layerNorm:
                    x.indices.map { (x[$0] - mean) / (spread + 1e-5).squareRoot() * inputs[1][$0] + inputs[2][$0] }
                case .softmax: x.map { exp($0) / total }
                case .sum: [2 * mean * Double(length)]
                }
            for (place, value) in wanted.enumerated() {
                worst = max(worst, abs(results[row * wanted.count + place] - value))
                largest = max(largest, abs(value))
            }
        }
        return worst / largest
    }
}

/// Rows by teams of threads that take runs of neighbours.
struct RowsTests {
    @Test(
        arguments: [
            RowsCase(kind: .layerNorm, rows: 5, length: 1280), RowsCase(kind: .layerNorm, rows: 3, length: 200),
            RowsCase(kind: .softmax, rows: 6, length: 72, element: .f16),
            RowsCase(kind: .softmax, rows: 3, length: 516, element: .f32), RowsCase(kind: .sum, rows: 7, length: 640),
        ], [(1, 64), (1, 128), (2, 64), (2, 256)])
    func agreeWithDoubles(_ rows: RowsCase, _ way: (team: Int, threads: Int)) throws {
        let choice = try #require(simtRun(rows.kernel))
        let schedule = Schedule(["team": way.team, "threads": way.threads, "run": choice.values[0]])
        let kernel = try EmulatedKernel(rows.kernel, schedule)
        #expect(kernel.emitted.source.contains("[turn]"))
        #expect(try rows.error(kernel) < (rows.element == .bf16 ? 0x1p-7 : rows.element == .f16 ? 0x1p-10 : 2e-6))
    }

    /// A row that fits in no team's registers is computed again where it is used, and no memory is asked for.
    @Test(arguments: [(0, 64, 100), (1, 64, 3001), (2, 64, 9001)])
    func longRowsAreComputedAgain(_ team: Int, _ threads: Int, _ length: Int) throws {
        let rows = RowsCase(kind: .softmax, rows: 3, length: length, element: .f32)
        let schedule = Schedule(["team": team, "threads": threads, "run": 1])
        let kernel = try EmulatedKernel(rows.kernel, schedule)
        #expect(kernel.emitted.arguments.count == rows.kernel.parameters.count)
        #expect(try rows.error(kernel) < 2e-6)
    }

    /// Few rows go to blocks, many to warps, and rows that no block has registers for stay as they were.
    @Test(arguments: [
        (RowsCase(kind: .layerNorm, rows: 128, length: 1024), 2, 128, true),
        (RowsCase(kind: .layerNorm, rows: 4096, length: 1024), 1, 128, true),
        (RowsCase(kind: .softmax, rows: 4, length: 256), 1, 128, true),
        (RowsCase(kind: .softmax, rows: 4, length: 100_000), 2, 256, false),
        (RowsCase(kind: .layerNorm, rows: 4096, length: 1023), 2, 64, false),
    ])
    func defaults(_ rows: RowsCase, _ team: Int, _ threads: Int, _ isWide: Bool) throws {
        let emitter = SIMTEmitter(CubinTarget.target("sm_90a"))
        let choices = emitter.choices(rows.kernel)
        #expect(choices[0].values.first == team)
        #expect(choices[1].values.first == threads)
        #expect(((simtRun(rows.kernel)?.values.first ?? 1) > 1) == isWide)
    }

    private func simtRun(_ kernel: Kernel) -> Choice? {
        SIMTEmitter(CubinTarget.target("sm_90a")).choices(kernel).first { $0.name == "run" }
    }
}
