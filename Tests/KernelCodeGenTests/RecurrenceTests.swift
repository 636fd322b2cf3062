import Base
import ElementTypes
import Foundation
import KernelIR
import Testing

@testable import KernelCodeGen

/// A recurrent cell over time; every operand is a parameter of its own, tensors are `[time, batch, gates, hidden]`.
struct RecurrenceCase: Sendable, CustomTestStringConvertible {
    var cell: RecurrenceKernel.Cell
    var time = 5
    var batch: Int
    var hidden: Int
    var element = ElementType.f32
    var isReverse = false
    var hasBias = true
    var isConstant = true
    var isSymbolic = false
    /// Whether all steps are written, or only the last state.
    var hasOutputs = true

    var testDescription: String {
        "\(cell.rawValue) t\(time) b\(batch) h\(hidden) \(element.rawValue)\(isReverse ? " reverse" : "")"
            + "\(hasBias ? "" : " no bias")\(isConstant ? "" : " activation")\(isSymbolic ? " symbolic" : "")"
            + "\(hasOutputs ? "" : " last only")"
    }

    private var gates: Int { cell.gates }

    /// Elements of: projected, weights, bias, h0, c0, outputs, last h, last c.
    var counts: [Int] {
        let states = batch * hidden
        return [
            time * gates * states, gates * hidden * hidden, gates * hidden, states, states, time * states, states,
            states,
        ]
    }

    var kernel: Kernel {
        let symbols = [Variable(.symbol, 0), Variable(.symbol, 1)]
        let times = isSymbolic ? IntegerExpression(symbols[0]) : IntegerExpression(time)
        let rows = isSymbolic ? IntegerExpression(symbols[1]) : IntegerExpression(batch)
        let extents = [times, rows, IntegerExpression(hidden), IntegerExpression(gates), IntegerExpression(hidden)]
        let axes = extents.enumerated().map { LoopAxis(Variable(.axis, $0), $1) }
        let at = axes.map { IntegerExpression($0.variable) }
        func load(_ parameter: Int, _ index: IntegerExpression) -> ScalarFunction {
            ScalarFunction(body: ScalarBody(nodes: [.load(parameter: parameter, index: index, mask: [])]), result: 0)
        }
        let state = at[1] * hidden + at[2]
        let body = RecurrenceKernel(
            cell: cell, time: axes[0], isReverse: isReverse, batch: axes[1], hidden: axes[2], gate: axes[3],
            depth: axes[4], projected: load(0, ((at[0] * rows + at[1]) * gates + at[3]) * hidden + at[2]),
            recurrent: load(1, (at[3] * hidden + at[2]) * hidden + at[4]),
            recurrentBias: hasBias ? load(2, at[3] * hidden + at[2]) : nil, initialHidden: load(3, state),
            initialCell: cell == .lstm ? load(4, state) : nil,
            outputs: hasOutputs ? .init(parameter: 5, index: at[0] * rows * hidden + state) : nil,
            lastHidden: .init(parameter: 6, index: state),
            lastCell: cell == .lstm ? .init(parameter: 7, index: state) : nil)
        var ranges = VariableRanges()
        for symbol in symbols where isSymbolic { ranges[symbol] = .init(lower: 1, upper: 4096) }
        return Kernel(
            name: "tested",
            parameters: counts.enumerated().map {
                KernelParameter(
                    element: $0 == 0 ? .f32 : element, count: IntegerExpression($1), access: $0 >= 5 ? .write : .read,
                    isConstant: ($0 == 1 || $0 == 2) && isConstant)
            }, symbols: isSymbolic ? symbols : [], ranges: ranges, body: .recurrence(body))
    }

    /// The equations of PyTorch's documentation in double precision: outputs, last h, last c.
    func reference(_ operands: [[Float]]) -> [[Double]] {
        var h = operands[3].map(Double.init)
        var c = operands[4].map(Double.init)
        var outputs = [Double](repeating: 0, count: counts[5])
        func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
        for step in 0..<time {
            let t = isReverse ? time - 1 - step : step
            let before = h
            for b in 0..<batch {
                for u in 0..<hidden {
                    func input(_ gate: Int) -> Double {
                        Double(operands[0][((t * batch + b) * gates + gate) * hidden + u])
                    }
                    func recurrent(_ gate: Int) -> Double {
                        var sum = hasBias ? Double(operands[2][gate * hidden + u]) : 0
                        for d in 0..<hidden {
                            sum += Double(operands[1][(gate * hidden + u) * hidden + d]) * before[b * hidden + d]
                        }
                        return sum
                    }
                    let place = b * hidden + u
                    switch cell {
                    case .lstm:
                        let g = (0..<4).map { input($0) + recurrent($0) }
                        c[place] = sigmoid(g[1]) * c[place] + sigmoid(g[0]) * tanh(g[2])
                        h[place] = sigmoid(g[3]) * tanh(c[place])
                    case .gru:
                        let (r, z) = (sigmoid(input(0) + recurrent(0)), sigmoid(input(1) + recurrent(1)))
                        let n = tanh(input(2) + r * recurrent(2))
                        h[place] = (1 - z) * n + z * before[place]
                    case .tanh: h[place] = tanh(input(0) + recurrent(0))
                    case .relu: h[place] = max(0, input(0) + recurrent(0))
                    }
                    outputs[t * batch * hidden + place] = h[place]
                }
            }
        }
        return [outputs, h, c]
    }

    func check(
        _ target: TestTarget, _ schedule: Schedule = Schedule(), parts: Int32 = 2, compiler: String = "clang"
    ) throws {
        let compiled = try CompiledKernel(kernel, target, schedule, compiler: compiler, loads: target.isHere)
        guard target.isHere else { return }
        try verify(compiled, parts: parts)
    }

    /// Runs a compiled form on numbers that are always the same and compares.
    func verify(_ compiled: some RunnableKernel, parts: Int32 = 1) throws {
        var random = SeededRandom(seed: 11)
        let operands = counts[..<5].enumerated().map { number, count in
            (0..<count).map { _ in
                let size = number == 1 ? 1 / Float(hidden).squareRoot() : 1
                let value = Float(random.uniform() * 2 - 1) * size
                return element == .bf16 && number > 0 ? Memory.rounded(value) : value
            }
        }
        var buffers = operands.enumerated().map { Memory.bytes($1, $0 == 0 ? .f32 : element) }
        for count in counts[5...] { buffers.append([UInt8](repeating: 0xFF, count: count * element.byteCount)) }
        try compiled.run(&buffers, dimensions: isSymbolic ? [Int64(time), Int64(batch)] : [0], parts: parts)
        let tolerance = element == .f32 ? 4e-6 : 8e-3
        for (number, expected) in reference(operands).enumerated() {
            if number == 0, !hasOutputs { continue }
            if number == 2, cell != .lstm { continue }
            let found = Memory.floats(buffers[5 + number], element)
            let worst = zip(found, expected).map { abs(Double($0) - $1) / max(1, abs($1)) }
            #expect(
                worst.allSatisfy { $0 <= tolerance }, "result \(number): \(found.prefix(4)), not \(expected.prefix(4))")
        }
    }
}

@Suite struct RecurrenceTests {
    static let cases: [RecurrenceCase] = [
        .init(cell: .lstm, batch: 1, hidden: 64),
        .init(cell: .lstm, batch: 7, hidden: 37, isReverse: true),
        .init(cell: .gru, batch: 5, hidden: 50, isReverse: true),
        .init(cell: .gru, batch: 2, hidden: 40, hasBias: false, isSymbolic: true, hasOutputs: false),
        .init(cell: .tanh, batch: 9, hidden: 33, isConstant: false),
        .init(cell: .relu, batch: 3, hidden: 100, hasOutputs: false),
        .init(cell: .lstm, batch: 3, hidden: 5),
    ]

    @Test(arguments: cases, [Schedule(["gang": 0]), Schedule(["gang": 1])])
    func matchesEquations(_ recurrence: RecurrenceCase, _ schedule: Schedule) throws {
        for target in [TestTarget.avx2, .avx512] { try recurrence.check(target, schedule) }
    }

    @Test(arguments: [cases[1], cases[2]])
    func isPortable(_ recurrence: RecurrenceCase) throws {
        try recurrence.check(.portable, compiler: "gcc")
    }

    /// Gangs with more parts than groups of units, and alone.
    @Test(arguments: [1, 3, 9] as [Int32])
    func gangsOfAnySize(_ parts: Int32) throws {
        try RecurrenceCase(cell: .lstm, time: 40, batch: 2, hidden: 48).check(
            .avx2, Schedule(["gang": 1]), parts: parts)
    }

    @Test(arguments: [RecurrenceKernel.Cell.lstm, .gru])
    func roundsNarrowWeights(_ cell: RecurrenceKernel.Cell) throws {
        try RecurrenceCase(cell: cell, batch: 3, hidden: 40, element: .bf16).check(.avx2)
    }

    @Test(arguments: [
        Schedule(["gang": 1, "batchRows": 6, "unitBlocks": 1]), Schedule(["gang": 1, "batchRows": 2, "unitBlocks": 3]),
        Schedule(["gang": 0, "batchRows": 1, "unitBlocks": 4]),
    ])
    func obeysChoices(_ schedule: Schedule) throws {
        try RecurrenceCase(cell: .gru, batch: 8, hidden: 90).check(.avx512, schedule)
    }

    @Test func namesWhatIsNotConstant() {
        let recurrence = RecurrenceCase(cell: .gru, batch: 1, hidden: 8)
        guard case .recurrence(var body) = recurrence.kernel.body else { return }
        body.hidden.extent = IntegerExpression(Variable(.symbol, 0))
        #expect(throws: EmissionError.self) {
            try emitRecurrence(recurrence.kernel, body, symbol: "x", Schedule(), TestTarget.avx2.target)
        }
    }
}
