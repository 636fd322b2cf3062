import Base
import ElementTypes
import Foundation
import KernelIR
import Testing

@testable import KernelCodeGen

/// Something over the middle axis of `[batch, length, width]`, whose neighbours in memory lie along the last one; or over that and the last
/// of `[batch, length, width, run]`, the last first, as groups of channels are that lie channels last.
struct BesideCase: Sendable, CustomTestStringConvertible {
    /// What is computed.
    enum Kind: String, Sendable {
        /// Sums of squares, plus one.
        case sum
        /// Position of the greatest.
        case greatest
        /// The softmax.
        case softmax
    }

    var kind: Kind
    var batch: Int
    var length: Int
    var width: Int
    var element = ElementType.f32
    var isSymbolic = false
    var run = 1

    var testDescription: String {
        let runs = run == 1 ? "" : "x\(run)"
        return "\(kind.rawValue) \(batch)x\(length)x\(width)\(runs) \(element.rawValue)\(isSymbolic ? " symbolic" : "")"
    }

    private var resultElement: ElementType { kind == .greatest ? .i64 : element }

    var kernel: Kernel {
        get throws {
            let extent = isSymbolic ? "s0" : "\(length)"
            let (count, outer) =
                isSymbolic
                ? ("\(batch * width)*s0", "\(width)*s0*i0")
                : ("\(batch * length * width * run)", "\(length * width * run)*i0")
            let place = "\(outer) + \(run)*i1 + \(width * run)*i2" + (run == 1 ? "" : " + i3")
            let inner = (run == 1 ? "" : "loop i3 < \(run)\n                      ") + "loop i2 < \(extent)"
            let steps =
                switch kind {
                case .sum:
                    """
                    step
                      \(inner)
                      %0 = load p0[\(place)]
                      %1 = multiply %0, %0
                      reduce sum %1 to 0
                    step
                      %0 = slot 0
                      %1 = real 1.0 f32
                      %2 = add %0, %1
                      store %2 to p1[\(width)*i0 + i1]
                    """
                case .greatest:
                    """
                    step
                      \(inner)
                      %0 = load p0[\(place)]
                      reduce argMaximum %0 at i2 to 0
                    step
                      %0 = slot 0
                      store %0 to p1[\(width)*i0 + i1]
                    """
                case .softmax:
                    """
                    step
                      \(inner)
                      %0 = load p0[\(place)]
                      reduce maximum %0 to 0
                    step
                      \(inner)
                      %0 = load p0[\(place)]
                      %1 = slot 0
                      %2 = subtract %0, %1
                      %3 = exp %2
                      keep %3 to 0
                      reduce sum %3 to 1
                    step
                      \(inner)
                      %0 = row 0
                      %1 = slot 1
                      %2 = divide %0, %1
                      store %2 to p1[\(place)]
                    """
                }
            let kept =
                kind == .softmax ? "slots [f32, f32] rows [f32]" : "slots [\(kind == .sum ? "f32" : "i64")] rows []"
            return try Kernel(
                parsing: """
                    kernel "beside"
                    symbols [\(isSymbolic ? "s0" : "")]
                    \(isSymbolic ? "range s0 from 1 to 100000\n" : "")parameter read \(element.rawValue)[\(count)]
                    parameter write \(resultElement.rawValue)[\(kind == .softmax ? count : "\(batch * width)")]
                    nest \(kept)
                    loop i0 < \(batch)
                    loop i1 < \(width)
                    \(steps)

                    """)
        }
    }

    /// Fails where the kernel gives something else than doubles do.
    func verify(_ compiled: some RunnableKernel) throws {
        var random = SeededRandom(seed: 11)
        let results = kind == .softmax ? batch * length * width * run : batch * width
        let bytes = Memory.bytes(
            (0..<batch * length * width * run).map { _ in Float(random.uniform() * 8 - 4) }, element)
        let given = Memory.floats(bytes, element).map(Double.init)
        var buffers = [bytes, [UInt8](repeating: 0xFF, count: results * resultElement.byteCount)]
        try compiled.run(&buffers, dimensions: isSymbolic ? [Int64(length)] : [], parts: 1)
        let found: [Double] =
            kind == .greatest
            ? buffers[1].withUnsafeBytes { $0.bindMemory(to: Int64.self).map { Double($0) } }
            : Memory.floats(buffers[1], element).map(Double.init)
        for point in 0..<batch * width {
            let (b, w) = point.quotientAndRemainder(dividingBy: width)
            let places = (0..<length * run).map { ((b * length + $0 / run) * width + w) * run + $0 % run }
            let column = places.map { given[$0] }
            func check(_ place: Int, _ wanted: Double, _ allowed: Double) -> Bool {
                if abs(found[place] - wanted) <= allowed { return true }
                Issue.record("point \(point), place \(place): \(found[place]), not \(wanted)")
                return false
            }
            switch kind {
            case .sum:
                let wanted = column.reduce(1) { $0 + $1 * $1 }
                guard check(point, wanted, wanted * element.epsilon * 16) else { return }
            case .greatest:
                guard check(point, Double(column.indices.max { column[$0] < column[$1] } ?? 0), 0) else { return }
            case .softmax:
                let most = column.max() ?? 0
                let total = column.reduce(0) { $0 + exp($1 - most) }
                for (place, x) in zip(places, column) {
                    let wanted = exp(x - most) / total
                    guard check(place, wanted, wanted * element.epsilon * 8 + 1e-9) else { return }
                }
            }
        }
    }
}

/// Teams for points that follow each other, whose threads are a column of the block.
struct BesideTests {
    static let cases = [
        BesideCase(kind: .sum, batch: 1, length: 300, width: 37),
        BesideCase(kind: .sum, batch: 3, length: 1000, width: 9),
        BesideCase(kind: .sum, batch: 2, length: 64, width: 64, element: .f16),
        BesideCase(kind: .sum, batch: 2, length: 777, width: 21, isSymbolic: true),
        BesideCase(kind: .greatest, batch: 2, length: 129, width: 33),
        BesideCase(kind: .softmax, batch: 2, length: 50, width: 19),
        BesideCase(kind: .softmax, batch: 1, length: 3000, width: 5, element: .bf16),
        BesideCase(kind: .softmax, batch: 2, length: 90, width: 11, isSymbolic: true),
        BesideCase(kind: .sum, batch: 2, length: 321, width: 16, run: 4),
        BesideCase(kind: .softmax, batch: 2, length: 70, width: 9, element: .f16, run: 8),
    ]
    static let ways = [(3, 64), (3, 512), (4, 128), (5, 64), (5, 1024)]

    @Test(arguments: cases, ways)
    func agreeWithDoubles(_ beside: BesideCase, _ way: (team: Int, threads: Int)) throws {
        let kernel = try EmulatedKernel(beside.kernel, Schedule(["team": way.team, "threads": way.threads]))
        try beside.verify(kernel)
    }

    @Test(.enabled(if: BlockKernel.isThere, "there is no OpenCL device"), arguments: cases, ways)
    func agreeWithDoublesInOpenCL(_ beside: BesideCase, _ way: (team: Int, threads: Int)) throws {
        try beside.verify(BlockKernel(beside.kernel, Schedule(["team": way.team, "threads": way.threads])))
    }

    /// Blocks that share their points, of every team that may.
    static let divided = [
        BesideCase(kind: .sum, batch: 1, length: 40_000, width: 5),
        BesideCase(kind: .sum, batch: 3, length: 9000, width: 1),
        BesideCase(kind: .greatest, batch: 1, length: 20_000, width: 3),
        BesideCase(kind: .greatest, batch: 2, length: 33_000, width: 1, element: .f16),
        BesideCase(kind: .sum, batch: 2, length: 5000, width: 6, run: 3),
    ]
    static let parts = [(2, 64, 2), (2, 256, 8), (3, 64, 4), (4, 256, 16), (5, 128, 2)]

    @Test(arguments: divided, parts)
    func blocksShare(_ beside: BesideCase, _ way: (team: Int, threads: Int, parts: Int)) throws {
        let schedule = Schedule(["team": way.team, "threads": way.threads, "parts": way.parts])
        let kernel = try EmulatedKernel(beside.kernel, schedule)
        #expect(kernel.emitted.source.contains("count_up(counters"))
        try beside.verify(kernel)
        if BlockKernel.isThere { try beside.verify(BlockKernel(beside.kernel, schedule)) }
    }

    /// Whole sectors of 32 bytes; points that fill the device alone; what lies along the inner loop stays with warps and blocks.
    @Test(arguments: [
        (BesideCase(kind: .sum, batch: 1, length: 4096, width: 2048), 3, 512),
        (BesideCase(kind: .sum, batch: 1, length: 4096, width: 2048, element: .f16), 4, 1024),
        (BesideCase(kind: .sum, batch: 64, length: 196, width: 768), 5, 512),
        (BesideCase(kind: .sum, batch: 8, length: 3, width: 64), 0, 256),
        (BesideCase(kind: .sum, batch: 1, length: 100_000, width: 64), 3, 1024),
        (BesideCase(kind: .softmax, batch: 512, length: 64, width: 512), 0, 256),
        (BesideCase(kind: .sum, batch: 4096, length: 512, width: 1), 2, 64),
        (BesideCase(kind: .sum, batch: 128, length: 15876, width: 16, run: 4), 3, 512),
        (BesideCase(kind: .sum, batch: 128, length: 15876, width: 8, element: .f16, run: 8), 3, 1024),
        (BesideCase(kind: .sum, batch: 128, length: 64, width: 4, run: 32), 2, 256),
    ])
    func defaults(_ beside: BesideCase, _ team: Int, _ threads: Int) throws {
        let choices = SIMTEmitter(CubinTarget.target("sm_90a")).choices(try beside.kernel)
        #expect(choices[0].values.first == team)
        #expect(choices[1].values.first == threads)
    }
}
