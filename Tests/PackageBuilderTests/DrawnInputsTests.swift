import ElementTypes
import GraphIR
import ReferenceInterpreter
import Testing

@testable import PackageBuilder

/// Sets of inputs for models that come without recorded ones.
@Suite struct DrawnInputsTests {
    /// Three inputs over one dynamic dimension.
    private static func graph(minimum: Int, maximum: Int?) -> Graph {
        var graph = Graph(name: "drawn")
        graph.symbols = [Symbol(name: "s0", minimum: minimum, maximum: maximum, hint: 8)]
        let batch = IntegerExpression(Variable(.symbol, 0))
        graph.inputs = [
            GraphPort(name: "x", type: TensorType(.f32, [batch, 3])),
            GraphPort(name: "mask", type: TensorType(.f32, [batch])),
            GraphPort(name: "position", type: TensorType(.i64, [batch])),
        ]
        return graph
    }

    private static let samples = [
        TensorValue(.f32, [4, 3], (0..<12).map { 100 + Double($0) }),
        TensorValue(.f32, [4], [0, -.infinity, 0, 0]), TensorValue(.i64, [4], integers: [7, 11, 13, 17]),
    ]

    @Test func setsAreDrawnLikeTheSamples() throws {
        let record = ReferenceRecord(
            drawnFor: Self.graph(minimum: 2, maximum: 64), samples: Self.samples, sets: 3, seed: 1)
        #expect(record.sets.count == 3)
        #expect(record.sets[0].inputs == Self.samples)
        #expect(record.sets.map { $0.inputs[0].shape } == [[4, 3], [3, 3], [4, 3]])
        for set in record.sets[1...] {
            let mean = set.inputs[0].doubles.reduce(0, +) / Double(set.inputs[0].count)
            #expect(abs(mean - 105.5) < 5 && set.inputs[0] != Self.samples[0])
            #expect(set.inputs[1].doubles.allSatisfy { $0 == 0 || $0 == -.infinity })
            #expect(set.inputs[2].integers?.allSatisfy { [7, 11, 13, 17].contains($0) } == true)
        }
    }

    @Test(arguments: [(2, 64, 7), (8, 64, 9), (8, 8, 8)])
    func theSecondSetHasAnotherSize(minimum: Int, maximum: Int, expected: Int) {
        let record = ReferenceRecord(
            drawnFor: Self.graph(minimum: minimum, maximum: maximum), samples: [], sets: 2, seed: 1)
        #expect(record.sets[0].inputs.map { $0.shape[0] } == [8, 8, 8])
        #expect(record.sets[1].inputs.map { $0.shape[0] } == [expected, expected, expected])
    }

    @Test func samplesThatDoNotFitAreNotUsed() {
        let record = ReferenceRecord(
            drawnFor: Self.graph(minimum: 2, maximum: 64), samples: Array(Self.samples.prefix(2)), sets: 1, seed: 1)
        #expect(record.sets[0].inputs[0].shape == [8, 3])
        #expect(record.sets[0].inputs[2].integers?.allSatisfy { $0 == 0 || $0 == 1 } == true)
    }
}
