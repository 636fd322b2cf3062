import Base
import ElementTypes
import Foundation
import KernelIR
import Testing

@testable import KernelCodeGen

/// A running combination along the last or the first axis of `[rows, length]`, of twice the numbers, plus one.
struct ScanCase: Sendable, CustomTestStringConvertible {
    var kind: ReductionKind
    var element: ElementType
    var rows: Int
    var length: Int
    /// Whether the axis is the outer one in memory.
    var isAcross = false
    var isSymbolic = false

    var testDescription: String {
        "\(kind.rawValue) \(rows)x\(length) \(element.rawValue)\(isAcross ? " across" : "")\(isSymbolic ? " symbolic" : "")"
    }

    var kernel: Kernel {
        get throws {
            let place = isAcross ? "i0 + \(rows)*i1" : isSymbolic ? "s0*i0 + i1" : "\(length)*i0 + i1"
            let (count, extent) = isSymbolic ? ("\(rows)*s0", "s0") : ("\(rows * length)", "\(length)")
            let compute = element.computeType
            let (two, one) =
                compute.isFloatingPoint
                ? ("real 2.0 \(compute.rawValue)", "real 1.0 \(compute.rawValue)") : ("integer 2", "integer 1")
            return try Kernel(
                parsing: """
                    kernel "scan"
                    symbols [\(isSymbolic ? "s0" : "")]
                    \(isSymbolic ? "range s0 from 1 to 100000\n" : "")parameter read \(element.rawValue)[\(count)]
                    parameter write \(element.rawValue)[\(count)]
                    nest slots [] rows []
                    loop i0 < \(rows)
                    step
                      loop i1 < \(extent)
                      %0 = load p0[\(place)]
                      %1 = \(two)
                      %2 = multiply %0, %1
                      %3 = scan \(kind.rawValue) %2
                      %4 = \(one)
                      %5 = add %3, %4
                      store %5 to p1[\(place)]

                    """)
        }
    }

    /// Fails where the kernel gives something else than sums in double.
    func verify(_ compiled: some RunnableKernel, team: Int) throws {
        var random = SeededRandom(seed: 7)
        let isReal = element.isFloatingPoint
        let count = rows * length
        var values = (0..<count).map { _ -> Double in
            if !isReal { return Double(random.index(below: 200)) - 100 }
            // Products neither vanish nor grow.
            let value = kind == .product ? (0.5 + 0.01 * (random.uniform() - 0.5)) : random.uniform() * 2 - 0.7
            return Double(Float(value))
        }
        // A row that is no number from its middle on.
        if isReal, kind != .product, rows > 1 { values[isAcross ? length / 2 * rows + 1 : length + length / 2] = .nan }
        func bytes(_ values: [Double]) -> [UInt8] {
            switch element {
            case .f64: values.flatMap { value in withUnsafeBytes(of: value) { Array($0) } }
            case .i64: values.flatMap { value in withUnsafeBytes(of: Int64(value)) { Array($0) } }
            default: Memory.bytes(values.map { Float($0) }, element)
            }
        }
        func numbers(_ bytes: [UInt8]) -> [Double] {
            switch element {
            case .f64: bytes.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
            case .i64: bytes.withUnsafeBytes { $0.bindMemory(to: Int64.self).map { Double($0) } }
            default: Memory.floats(bytes, element).map(Double.init)
            }
        }
        var buffers = [bytes(values), [UInt8](repeating: 0xFF, count: count * element.byteCount)]
        let given = numbers(buffers[0])
        try compiled.run(&buffers, dimensions: isSymbolic ? [Int64(length)] : [], parts: 1)
        let found = numbers(buffers[1])
        let unit = isReal ? (element == .f64 ? 0x1p-46 : element.epsilon) : 0
        for row in 0..<rows {
            var so = 0.0
            for place in 0..<length {
                let at = isAcross ? place * rows + row : row * length + place
                let next = 2 * given[at]
                switch kind {
                case _ where place == 0: so = next
                case .sum: so += next
                case .product: so *= next
                case .maximum: so = so.isNaN || next.isNaN ? .nan : max(so, next)
                case .minimum: so = so.isNaN || next.isNaN ? .nan : min(so, next)
                case _ where so.isNaN || next.isNaN: so = .nan
                default: so = max(so, next) + log1p(exp(min(so, next) - max(so, next)))
                }
                let wanted = so + 1
                // Products of one thread are rounded to f32 each time.
                let allowed = unit * (kind == .product && team == 0 ? 40 : 2) * max(abs(so), 1)
                guard found[at] == wanted || (found[at].isNaN && wanted.isNaN) || abs(found[at] - wanted) <= allowed
                else {
                    Issue.record("row \(row), place \(place): \(found[at]), not \(wanted)")
                    return
                }
            }
        }
    }
}

/// Running combinations across the threads of warps and blocks.
@Suite(.serialized) struct ScanTests {
    static let cases: [ScanCase] =
        [ReductionKind.sum, .product, .maximum, .minimum, .logSumExp].map {
            ScanCase(kind: $0, element: .f32, rows: 3, length: 777)
        } + [
            ScanCase(kind: .sum, element: .f32, rows: 2, length: 1),
            ScanCase(kind: .sum, element: .f64, rows: 2, length: 300),
            ScanCase(kind: .sum, element: .i64, rows: 5, length: 1030),
            ScanCase(kind: .maximum, element: .i64, rows: 2, length: 65),
            ScanCase(kind: .sum, element: .bf16, rows: 9, length: 130),
            ScanCase(kind: .sum, element: .f16, rows: 1, length: 257),
            ScanCase(kind: .sum, element: .f32, rows: 7, length: 96, isAcross: true),
            ScanCase(kind: .sum, element: .f32, rows: 3, length: 2000, isSymbolic: true),
        ]

    @Test(arguments: cases, [(2, 64), (1, 64)])
    func runsOnTheHost(_ scan: ScanCase, _ way: (team: Int, threads: Int)) throws {
        let schedule = Schedule(["team": way.team, "threads": way.threads])
        let kernel = try EmulatedKernel(try scan.kernel, schedule)
        #expect(kernel.emitted.source.contains("so_far") == (way.team > 0))
        try scan.verify(kernel, team: way.team)
    }

    @Test(.enabled(if: BlockKernel.isThere, "there is no OpenCL device"), arguments: cases, [2, 0])
    func runsInOpenCL(_ scan: ScanCase, _ team: Int) throws {
        try scan.verify(try BlockKernel(try scan.kernel, Schedule(["team": team, "threads": 64])), team: team)
    }

    /// Long rows go to blocks, short ones to warps, and where points alone fill the device each is a thread's.
    @Test(arguments: [
        (ScanCase(kind: .sum, element: .f32, rows: 1, length: 1_000_000), 2),
        (ScanCase(kind: .sum, element: .f32, rows: 40, length: 100), 1),
        (ScanCase(kind: .sum, element: .f32, rows: 40, length: 3), 0),
        (ScanCase(kind: .sum, element: .f32, rows: 200_000, length: 64, isAcross: true), 0),
        (ScanCase(kind: .sum, element: .f32, rows: 4, length: 9, isSymbolic: true), 2),
    ])
    func defaults(_ scan: ScanCase, _ team: Int) throws {
        let kernel = try scan.kernel
        let choices = SIMTEmitter(CubinTarget.target("sm_90a")).choices(kernel)
        #expect(choices[0].name == "team" && choices[0].values.first == team)
        // Without shuffles a warp has no way of its own.
        let plain = SIMTEmitter(BlockKernel.target).choices(kernel)
        #expect(!plain[0].values.contains(1) && plain[0].values.contains(0))
    }
}
