import ElementTypes
import Glibc
import KernelIR
import KernelJudge

/// A region whose truth is a formula.
package struct FormulaOracle: RegionOracle {
    package var parameters: [KernelParameter]
    package var symbols: [Variable] = []
    package var shapes: [[Int]] = [[]]
    package var distributions = InputDistribution.plain + [.special]
    package var mixesElements = false
    package var domains: [InputDomain]
    /// Inputs as doubles, dimensions → outputs.
    package var formula: @Sendable ([[Double]], [Int]) -> [OracleOutput]

    package func domain(of parameter: Int, dimensions: [Int]) -> InputDomain { domains[parameter] }

    package func answer(dimensions: [Int], inputs: [[UInt8]]) throws(OracleError) -> [OracleOutput] {
        let values = zip(inputs, parameters).map { bytes, parameter in
            bytes.withUnsafeBytes { ElementCoding.decode($0, parameter.element) }
        }
        return formula(values, dimensions)
    }
}

/// The regions that the corpus computes.
package enum CorpusRegion: String, CaseIterable, Sendable {
    case softmax, product, square, argmax, accumulate, normalization, decode

    /// The truth in double; the witness in the order and precision of a plain f32 loop.
    package var oracle: FormulaOracle {
        switch self {
        case .softmax: Self.softmaxOracle
        case .product: Self.productOracle
        case .square: Self.squareOracle
        case .argmax: Self.argmaxOracle
        case .accumulate: Self.accumulateOracle
        case .normalization: Self.normalizationOracle
        case .decode: Self.decodeOracle
        }
    }

    /// A library at `path` as a candidate for it.
    package func candidate(
        at path: String, isGang: Bool = false, isPacked: Bool = false, hasShared: Bool = false
    ) -> CandidateKernel {
        var arguments = oracle.parameters.indices.map { CandidateKernel.Argument.parameter($0) }
        if isPacked { arguments[1] = .packed(0) }
        if hasShared {
            let count = IntegerExpression(Variable(.symbol, 0)) * IntegerExpression(Variable(.symbol, 1))
            arguments.append(.shared(bytes: count * 4))
        }
        let packing = CandidateKernel.Packing(symbol: "pack", sources: [1], byteCount: 96 * 48 * 4)
        return CandidateKernel(
            libraryPath: path, symbol: "kernel", arguments: arguments, packings: isPacked ? [packing] : [],
            workspaceBytes: self == .softmax ? IntegerExpression(Variable(.symbol, 1)) * 4 : 0,
            parts: isGang ? .gang : .count(4))
    }

    /// The mean of the rows of a cache up to a position, 64 rows of 8.
    private static let decodeOracle = FormulaOracle(
        parameters: [parameter(.i64, 1, .read), parameter(.f32, 512, .read), parameter(.f32, 8, .write)],
        distributions: [.normal, .wide], domains: [.index(below: 64), .real, .real]
    ) { inputs, _ in
        let rows = Int(inputs[0][0]) + 1
        var truth = [Double](repeating: 0, count: 8)
        var witness = [Float](repeating: 0, count: 8)
        for row in 0..<rows {
            for column in 0..<8 {
                truth[column] += inputs[1][row * 8 + column]
                witness[column] += Float(inputs[1][row * 8 + column])
            }
        }
        return [
            OracleOutput(
                truth: truth.map { $0 / Double(rows) }, witness: witness.map { Double($0 / Float(rows)) },
                summedTerms: rows)
        ]
    }

    private static func parameter(
        _ element: ElementType, _ count: IntegerExpression, _ access: KernelParameter.Access, isConstant: Bool = false
    ) -> KernelParameter {
        KernelParameter(element: element, count: count, access: access, isConstant: isConstant)
    }

    private static let softmaxOracle: FormulaOracle = {
        let rows = Variable(.symbol, 0)
        let columns = Variable(.symbol, 1)
        let count = IntegerExpression(rows) * IntegerExpression(columns)
        return FormulaOracle(
            parameters: [parameter(.f32, count, .read), parameter(.f32, count, .write)], symbols: [rows, columns],
            shapes: [[64, 256], [3, 7], [1, 33], [5, 130]],
            distributions: InputDistribution.plain + [.special, .infinite], domains: [.real, .real]
        ) { inputs, dimensions in
            let columns = dimensions[1]
            var truth: [Double] = []
            var witness: [Double] = []
            for row in 0..<dimensions[0] {
                let x = inputs[0][row * columns..<(row + 1) * columns]
                let top = x.contains(where: \.isNaN) ? Double.nan : x.max()!
                let terms = x.map { exp($0 - top) }
                let sum = terms.reduce(0, +)
                truth += terms.map { $0 / sum }
                let narrow = x.map { expf(Float($0) - Float(top)) }
                let narrowSum = narrow.reduce(0, +)
                witness += narrow.map { Double($0 / narrowSum) }
            }
            return [OracleOutput(truth: truth, witness: witness, summedTerms: columns)]
        }
    }()

    private static let productOracle: FormulaOracle = {
        let (m, k, n) = (8, 96, 48)
        return FormulaOracle(
            parameters: [
                parameter(.f32, IntegerExpression(m * k), .read),
                parameter(.f32, IntegerExpression(k * n), .read, isConstant: true),
                parameter(.f32, IntegerExpression(m * n), .write),
            ], distributions: InputDistribution.plain + [.special, .infinite, .greatest, .subnormal],
            mixesElements: true,
            domains: [.real, .real, .real]
        ) { inputs, _ in
            var truth = [Double](repeating: 0, count: m * n)
            var witness = truth
            for row in 0..<m {
                for column in 0..<n {
                    var sum = 0.0
                    var narrow = Float(0)
                    for term in 0..<k {
                        let (x, w) = (inputs[0][row * k + term], inputs[1][term * n + column])
                        sum += x * w
                        narrow += Float(x) * Float(w)
                    }
                    truth[row * n + column] = sum
                    witness[row * n + column] = Double(narrow)
                }
            }
            return [OracleOutput(truth: truth, witness: witness, summedTerms: k)]
        }
    }()

    private static let squareOracle: FormulaOracle = {
        let count = Variable(.symbol, 0)
        return FormulaOracle(
            parameters: [
                parameter(.f32, IntegerExpression(count), .read), parameter(.f32, IntegerExpression(count), .write),
            ], symbols: [count], shapes: [[4096], [13]], domains: [.real, .real]
        ) { inputs, _ in
            let witness = inputs[0].map { Double(Float($0) * Float($0)) }
            return [OracleOutput(truth: inputs[0].map { $0 * $0 }, witness: witness)]
        }
    }()

    private static let argmaxOracle = FormulaOracle(
        parameters: [parameter(.f32, 384, .read), parameter(.i64, 16, .write)],
        distributions: [.normal, .wide, .tiny, .constant],
        domains: [.real, .real]
    ) { inputs, _ in
        let rows = (0..<16).map { Array(inputs[0][$0 * 24..<($0 + 1) * 24]) }
        let first = rows.map { row in Double(row.firstIndex(of: row.max()!)!) }
        return [
            OracleOutput(truth: first, witness: first) { index, value in
                value >= 0 && value < 24 && rows[index][Int(value)] == rows[index].max()!
            }
        ]
    }

    private static let accumulateOracle = FormulaOracle(
        parameters: [parameter(.f32, 100, .read), parameter(.f32, 100, .readWrite)], domains: [.real, .real]
    ) { inputs, _ in
        let truth = zip(inputs[0], inputs[1]).map { $0 + $1 }
        return [OracleOutput(truth: truth, witness: zip(inputs[0], inputs[1]).map { Double(Float($0) + Float($1)) })]
    }

    /// Rows of 24, to mean 0 and variance 1. The witness rounds once, as an interpreter that sums in double does.
    private static let normalizationOracle = FormulaOracle(
        parameters: [parameter(.f32, 384, .read), parameter(.f32, 384, .write)],
        domains: [.real, .real]
    ) { inputs, _ in
        var truth: [Double] = []
        for row in 0..<16 {
            let x = inputs[0][row * 24..<(row + 1) * 24]
            let mean = x.reduce(0, +) / 24
            let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 24
            truth += x.map { ($0 - mean) / (variance + 1e-5).squareRoot() }
        }
        return [OracleOutput(truth: truth, witness: truth.map { Double(Float($0)) }, summedTerms: 24)]
    }
}
