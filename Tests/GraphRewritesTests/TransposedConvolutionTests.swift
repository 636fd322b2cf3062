import Base
import ElementTypes
import GraphIR
import GraphRewrites
import ReferenceInterpreter
import Testing

/// Transposed convolutions as plain ones: the same numbers, and nothing transposed left.
@Suite struct TransposedConvolutionTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var extents: [Int]
        var channels = 4
        var outputs = 3
        var window: [Int]
        var stride: [Int]
        var padding: [Int]
        var dilation: [Int]?
        var outputPadding: [Int]?
        var groups = 1
        var isSymbolic = false
        var isLeft = false

        var testDescription: String {
            "\(extents) \(channels)-\(outputs) w\(window) s\(stride) p\(padding) d\(dilation ?? []) o\(outputPadding ?? []) g\(groups)\(isSymbolic ? " symbolic" : "")"
        }
    }

    @Test(arguments: [
        Row(extents: [7], window: [3], stride: [1], padding: [0]),
        Row(extents: [7], window: [3], stride: [1], padding: [2]),
        Row(extents: [7], window: [3], stride: [1], padding: [1], dilation: [2]),
        Row(extents: [7], window: [4], stride: [2], padding: [1]),
        Row(extents: [5, 6], window: [3, 3], stride: [2, 2], padding: [1, 1], outputPadding: [1, 1]),
        Row(extents: [5, 6], window: [3, 5], stride: [2, 3], padding: [0, 4], outputPadding: [1, 2]),
        Row(extents: [5, 6], channels: 8, outputs: 3, window: [3, 4], stride: [2, 2], padding: [1, 1], groups: 2),
        Row(extents: [5, 6], window: [2, 2], stride: [3, 3], padding: [0, 0]),
        Row(extents: [5, 6], window: [3, 3], stride: [1, 2], padding: [1, 1], dilation: [2, 1]),
        Row(extents: [3, 4, 5], window: [3, 3, 3], stride: [2, 2, 2], padding: [1, 1, 1]),
        Row(
            extents: [3, 2, 4], window: [3, 5, 7], stride: [2, 2, 2], padding: [1, 2, 3], outputPadding: [1, 1, 1]),
        Row(extents: [7, 6], window: [3, 3], stride: [2, 2], padding: [1, 1], isSymbolic: true),
        // Kept: few channels, steps over a window with gaps, borders that the window does not reach.
        Row(extents: [5, 6], channels: 3, window: [3, 3], stride: [2, 2], padding: [1, 1], isLeft: true),
        Row(extents: [5, 6], window: [3, 3], stride: [2, 2], padding: [1, 1], dilation: [2, 2], isLeft: true),
        Row(extents: [5, 6], window: [1, 1], stride: [2, 2], padding: [1, 1], outputPadding: [1, 1], isLeft: true),
    ])
    func sameResults(_ row: Row) throws {
        var g = TestGraph()
        var extents = row.extents.map { Dimension($0) }
        if row.isSymbolic {
            g.b.graph.symbols = [Symbol(name: "s0", minimum: 1, maximum: 64, hint: 7)]
            extents[0] = Dimension(Variable(.symbol, 0))
        }
        let convolve = Convolve(
            stride: row.stride, paddingLow: row.padding, paddingHigh: row.padding,
            dilation: row.dilation ?? row.window.map { _ in 1 }, groups: row.groups, isTransposed: true,
            outputPadding: row.outputPadding)
        let filter = [Dimension(row.channels), Dimension(row.outputs)] + row.window.map { Dimension($0) }
        let x = try g.input([2, Dimension(row.channels)] + extents)
        let result = try g.b.add(.convolve(convolve), [x, try g.weight("w", filter)])
        let graph = g.finished(result)
        let direct = try rewrite(graph)
        #expect(direct.description.contains(" transposed") == row.isLeft)

        var random = SeededRandom(seed: 5)
        let shape = [2, row.channels] + row.extents
        let numbers = (0..<shape.reduce(1, *)).map { _ in Double(Float(random.uniform() * 2 - 1)) }
        let tensors = RandomTensors(graph)
        var (before, after) = (Interpreter(graph, tensors: tensors), Interpreter(direct, tensors: tensors))
        let expected = try before.run([TensorValue(.f32, shape, numbers)])[0]
        let found = try after.run([TensorValue(.f32, shape, numbers)])[0]
        #expect(found.shape == expected.shape)
        #expect(zip(found.doubles, expected.doubles).allSatisfy { abs($0 - $1) < 1e-12 })
    }
}
