import Base
import GraphIR
import KernelIR
import Testing

@testable import GraphLowering
@testable import KernelCodeGen

/// Which generator a convolution reaches as it comes out of the lowering, with its loops merged: a pattern that asks for loops
/// that merging removes would never apply to a model.
@Suite struct ConvolutionAlgorithmTests {
    /// Channels in and out, groups, window, stride, and what the default is.
    static let rows: [(inputs: Int, outputs: Int, groups: Int, window: [Int], stride: Int, expected: String)] = [
        (32, 32, 32, [3, 3], 1, "depthwise"), (96, 96, 96, [3, 3], 2, "depthwise"),
        (48, 48, 48, [5, 5], 2, "depthwise"),
        (32, 32, 32, [9], 1, "depthwise"), (64, 64, 1, [3, 3], 1, "winograd"), (64, 128, 1, [3, 3], 2, "product"),
        (64, 32, 1, [1, 1], 1, "product"), (64, 64, 4, [3, 3], 1, "product"), (64, 64, 1, [5, 5], 1, "product"),
    ]

    @Test(arguments: rows.indices) func reaches(_ row: Int) throws {
        let row = Self.rows[row]
        let size = row.window.map { _ in "28" }.joined(separator: ", ")
        let out = row.window.map { _ in "\((28 - 1) / row.stride + 1)" }.joined(separator: ", ")
        let list = { (value: (Int) -> Int) in "[\(row.window.map { "\(value($0))" }.joined(separator: ", "))]" }
        let one = list { _ in 1 }
        let middle = "f32[1, \(row.inputs), \(size)]"
        let weight =
            "f32[\(row.outputs), \(row.inputs / row.groups), \(row.window.map(String.init).joined(separator: ", "))]"
        let result = "f32[1, \(row.outputs), \(out)]"
        // A first convolution lets the layout of the second's input be chosen.
        let graph = try Graph(
            parsing: """
                graph "two"
                input "x" f32[1, 16, \(size)]
                %0 = input 0 : f32[1, 16, \(size)]
                %1 = parameter "v" : f32[\(row.inputs), 16\(row.window.map { _ in ", 1" }.joined())]
                %2 = convolve stride \(one) low \(list { _ in 0 }) high \(list { _ in 0 }) dilation \(one) groups 1 %0, %1 : \(middle)
                %3 = parameter "w" : \(weight)
                %4 = convolve stride \(list { _ in row.stride }) low \(list { $0 / 2 }) high \(list { $0 / 2 }) dilation \(one) \
                groups \(row.groups) %2, %3 : \(result)
                output "y" %4

                """)
        try GraphChecker.check(graph, stage: "test")
        let kernel = try #require(try lower(graph).launches.first { $0.kernel.name == "convolve_4" }).kernel
        guard case .contraction(let contraction) = kernel.body else {
            Issue.record("no contraction: \(kernel)")
            return
        }
        let target = CPUTarget(
            vectorBytes: 64, vectorRegisters: 32, hasFMA: true, hasF16Conversion: true, hasBF16Dot: true,
            hasAMXBF16: false,
            hasInt8Dot: true, cacheBytes: [48 << 10, 1 << 20, 32 << 20], threads: 2, compilerFlags: [])
        let names = ["product", "winograd", "window", "library", "library"]
        let found =
            DepthwiseShape(kernel, contraction, lanes: 16) != nil
            ? "depthwise" : names[ContractionSizes(kernel, contraction, target).choices.algorithm.values[0]]
        #expect(found == row.expected)
    }
}
