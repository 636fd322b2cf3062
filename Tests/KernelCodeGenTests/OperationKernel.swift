import ElementTypes
import Foundation

@testable import KernelCodeGen

/// One scalar operation on tiles of 16 × 16 numbers, in Triton, with what it must give in double.
struct OperationKernel {
    private let operation: ScalarOperation
    private let type: ElementType
    /// Numbers by operand; of reals in f32, of truths 0 and 1.
    let operands: [[Double]]

    private static let real: [ScalarOperation: @Sendable ([Double]) -> Double] = [
        .add: { $0[0] + $0[1] }, .subtract: { $0[0] - $0[1] }, .multiply: { $0[0] * $0[1] },
        .divide: { $0[0] / $0[1] }, .minimum: { $0[0].isNaN || $0[1].isNaN ? .nan : min($0[0], $0[1]) },
        .maximum: { $0[0].isNaN || $0[1].isNaN ? .nan : max($0[0], $0[1]) }, .negate: { -$0[0] },
        .absolute: { abs($0[0]) }, .sign: { $0[0] > 0 ? 1 : $0[0] < 0 ? -1 : 0 }, .exp: { exp($0[0]) },
        .log: { log($0[0]) }, .squareRoot: { $0[0].squareRoot() }, .reciprocalSquareRoot: { 1 / $0[0].squareRoot() },
        .sine: { sin($0[0]) }, .cosine: { cos($0[0]) }, .hyperbolicTangent: { tanh($0[0]) },
        .errorFunction: { erf($0[0]) }, .floor: { $0[0].rounded(.down) }, .ceiling: { $0[0].rounded(.up) },
        .truncate: { $0[0].rounded(.towardZero) }, .round: { $0[0].rounded(.toNearestOrEven) },
        .less: { $0[0] < $0[1] ? 1 : 0 }, .lessOrEqual: { $0[0] <= $0[1] ? 1 : 0 },
        .equal: { $0[0] == $0[1] ? 1 : 0 }, .notEqual: { $0[0] != $0[1] ? 1 : 0 },
        .isNaN: { $0[0].isNaN ? 1 : 0 }, .select: { $0[0] != 0 ? $0[1] : $0[2] },
    ]
    private static let bits: [ScalarOperation: @Sendable (Int, Int) -> Int] = [
        .add: { $0 + $1 }, .subtract: { $0 - $1 }, .multiply: { $0 * $1 }, .minimum: { min($0, $1) },
        .maximum: { max($0, $1) }, .negate: { a, _ in -a }, .absolute: { a, _ in abs(a) }, .and: { $0 & $1 },
        .or: { $0 | $1 }, .exclusiveOr: { $0 ^ $1 }, .not: { a, _ in ~a }, .floor: { a, _ in a },
        .ceiling: { a, _ in a }, .truncate: { a, _ in a }, .round: { a, _ in a }, .less: { $0 < $1 ? 1 : 0 },
        .lessOrEqual: { $0 <= $1 ? 1 : 0 }, .equal: { $0 == $1 ? 1 : 0 }, .notEqual: { $0 != $1 ? 1 : 0 },
        .isNaN: { _, _ in 0 },
    ]
    private static let truths: [ScalarOperation: @Sendable (Bool, Bool) -> Bool] = [
        .add: { $0 || $1 }, .or: { $0 || $1 }, .maximum: { $0 || $1 }, .multiply: { $0 && $1 }, .and: { $0 && $1 },
        .minimum: { $0 && $1 }, .subtract: { $0 != $1 }, .exclusiveOr: { $0 != $1 }, .notEqual: { $0 != $1 },
        .equal: { $0 == $1 }, .less: { !$0 && $1 }, .lessOrEqual: { !$0 || $1 }, .not: { a, _ in !a },
    ]

    init(_ operation: ScalarOperation, _ type: ElementType) {
        self.operation = operation
        self.type = type
        let reals: [Double] = [-3, -2.5, -1, -0.7, -0.25, -0.0, 0, 1e-4, 0.3, 0.5, 0.624, 1, 1.5, 2.5, 9, .nan]
        operands = (0..<operation.arity).map { operand in
            (0..<256).map { place in
                let number = operand == 0 ? place / 16 : place % 16
                switch type {
                case .bool: return Double(number % 2)
                case .i64: return Double(number - 8)
                default:
                    if operation == .select, operand == 0 { return Double(number % 2) }
                    let value = reals[operand == 2 ? 15 - number : number]
                    return Double(Float(value))
                }
            }
        }
    }

    /// What it must give at every place.
    var expected: [Double] {
        (0..<256).map { place in
            let o = operands.map { $0[place] }
            switch type {
            case .bool: return Self.truths[operation].map { $0(o[0] != 0, (o.last ?? 0) != 0) ? 1 : 0 } ?? .infinity
            case .i64: return Self.bits[operation].map { Double($0(Int(o[0]), Int(o.last ?? 0))) } ?? .infinity
            default: return Self.real[operation].map { $0(o) } ?? .infinity
            }
        }
    }

    /// What the text gives, whose operands are `x0`, `x1` …
    func run(_ text: String) throws -> [Double] {
        var lines = ["at = tl.arange(0, 16)[:, None] * 16 + tl.arange(0, 16)[None, :]"]
        for number in operands.indices {
            let isTruth = type == .bool || operation == .select && number == 0
            let cast = isTruth ? " != 0" : type == .i64 ? ".to(tl.int64)" : ""
            lines.append("x\(number) = tl.load(p\(number) + at)\(cast)")
        }
        lines.append("tl.store(p3 + at, (\(text)).to(tl.float32))")
        let head = "@triton.jit\ndef tested(p0, p1, p2, p3):\n"
        let buffers = (0..<4).map { number in
            operands.indices.contains(number) ? operands[number].map { Float($0) } : [Float](repeating: 7, count: 256)
        }
        let found = try InterpretedTriton.run(
            head + lines.map { "    \($0)\n" }.joined(), buffers.map { $0.withUnsafeBytes { Array($0) } })
        return found[3].withUnsafeBytes { $0.bindMemory(to: Float.self).map { Double($0) } }
    }
}
