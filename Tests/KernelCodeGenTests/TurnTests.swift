import Base
import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// Twice an operand whose middle and last axes change places, plus one that lies as the result does: `[batch, rows, columns]` from
/// `[batch, columns, rows]`.
struct TurnCase: Sendable, CustomTestStringConvertible {
    var batch: Int
    var rows: Int
    var columns: Int
    var element = ElementType.f32
    var isSymbolic = false

    var testDescription: String {
        "\(batch)x\(rows)x\(columns) \(element.rawValue)\(isSymbolic ? " symbolic" : "")"
    }

    var kernel: Kernel {
        get throws {
            let extent = isSymbolic ? "s0" : "\(rows)"
            let count = isSymbolic ? "\(batch * columns)*s0" : "\(batch * rows * columns)"
            let turned =
                isSymbolic ? "\(columns)*s0*i0 + s0*i2 + i1" : "\(columns * rows)*i0 + \(rows)*i2 + i1"
            let plain =
                isSymbolic
                ? "\(columns)*s0*i0 + \(columns)*i1 + i2" : "\(columns * rows)*i0 + \(columns)*i1 + i2"
            let two = element.computeType.isFloatingPoint ? "real 2.0 \(element.computeType.rawValue)" : "integer 2"
            return try Kernel(
                parsing: """
                    kernel "turn"
                    symbols [\(isSymbolic ? "s0" : "")]
                    \(isSymbolic ? "range s0 from 1 to 100000\n" : "")parameter read \(element.rawValue)[\(count)]
                    parameter read \(element.rawValue)[\(count)]
                    parameter write \(element.rawValue)[\(count)]
                    nest slots [] rows []
                    loop i0 < \(batch)
                    loop i1 < \(extent)
                    loop i2 < \(columns)
                    step
                      %0 = load p0[\(turned)]
                      %1 = \(two)
                      %2 = multiply %0, %1
                      %3 = load p1[\(plain)]
                      %4 = add %2, %3
                      store %4 to p2[\(plain)]

                    """)
        }
    }

    /// Fails where an element is not exactly what it should be: numbers are small and whole.
    func verify(_ compiled: some RunnableKernel) throws {
        var random = SeededRandom(seed: 5)
        let count = batch * rows * columns
        let numbers = (0..<2).map { _ in (0..<count).map { _ in random.index(below: 41) - 20 } }
        func bytes(_ numbers: [Int]) -> [UInt8] {
            element == .i64
                ? numbers.flatMap { number in withUnsafeBytes(of: Int64(number)) { Array($0) } }
                : Memory.bytes(numbers.map { Float($0) }, element)
        }
        var buffers = numbers.map(bytes) + [[UInt8](repeating: 0xFF, count: count * element.byteCount)]
        try compiled.run(&buffers, dimensions: isSymbolic ? [Int64(rows)] : [], parts: 1)
        var wanted: [Int] = []
        for b in 0..<batch {
            for row in 0..<rows {
                for column in 0..<columns {
                    let turned = numbers[0][(b * columns + column) * rows + row]
                    wanted.append(2 * turned + numbers[1][(b * rows + row) * columns + column])
                }
            }
        }
        #expect(buffers[2] == bytes(wanted))
    }
}

/// Copies and maps that turn an operand, by way of shared memory.
struct TurnTests {
    @Test(arguments: [
        TurnCase(batch: 1, rows: 32, columns: 32), TurnCase(batch: 2, rows: 100, columns: 37),
        TurnCase(batch: 3, rows: 16, columns: 65, element: .f16),
        TurnCase(batch: 1, rows: 77, columns: 33, element: .i64),
        TurnCase(batch: 2, rows: 45, columns: 70, element: .bf16, isSymbolic: true),
        TurnCase(batch: 2, rows: 5, columns: 40, isSymbolic: true),
    ])
    func turns(_ turn: TurnCase) throws {
        let schedule = Schedule(["turned": 1])
        let kernel = try EmulatedKernel(turn.kernel, schedule)
        #expect(kernel.emitted.source.contains("tile0["))
        try turn.verify(kernel)
        if BlockKernel.isThere { try turn.verify(BlockKernel(turn.kernel, schedule)) }
    }

    /// Small ones stay with the caches, and short axes would leave tiles empty.
    @Test(arguments: [
        (TurnCase(batch: 1, rows: 4096, columns: 2048), [1, 0]), (TurnCase(batch: 1, rows: 32, columns: 64), [0, 1]),
        (TurnCase(batch: 8, rows: 224 * 224, columns: 3), nil), (TurnCase(batch: 64, rows: 1, columns: 4096), nil),
    ])
    func offers(_ turn: TurnCase, _ values: [Int]?) throws {
        let choices = SIMTEmitter(CubinTarget.target("sm_90a")).choices(try turn.kernel)
        #expect(choices.first { $0.name == "turned" }?.values == values)
    }
}
