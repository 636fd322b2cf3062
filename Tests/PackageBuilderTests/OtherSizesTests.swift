import ElementTypes
import GraphIR
import ReferenceInterpreter
import Testing

@testable import PackageBuilder

/// Sizes beside those that a model was exported with.
@Suite struct OtherSizesTests {
    private static func graph(_ minimum: Int, _ maximum: Int?, _ hint: Int, isEven: Bool = false) -> Graph {
        var graph = Graph(name: "sizes")
        graph.symbols = [Symbol(name: "s0", minimum: minimum, maximum: maximum, hint: hint)]
        let size = IntegerExpression(Variable(.symbol, 0))
        graph.inputs = [GraphPort(name: "x", type: TensorType(.f32, [size, 3]))]
        if isEven {
            graph.guards = [Guard(expression: size.modulo(2, VariableRanges()), isLowerBound: false, reason: "even")]
        }
        return graph
    }

    /// The usual size, an odd one that short checks have too, then those of full checks, within the range and the guards.
    @Test(arguments: [
        (2, 64, 8, false, [8, 7, 2, 5, 11]), (1, nil, 128, false, [128, 127, 1, 65, 145]),
        (2, 64, 8, true, [8, 6, 2, 12]), (8, 8, 8, false, [8]), (7, 9, 8, false, [8, 7, 9]),
    ]) func furtherSizesAreTried(minimum: Int, maximum: Int?, hint: Int, isEven: Bool, expected: [Int]) {
        let graph = Self.graph(minimum, maximum, hint, isEven: isEven)
        let sizes = OtherSizes(graph).tried
        #expect(sizes.map { $0[0] } == expected)
        // What the finished package meets is none of these.
        let unseen = OtherSizes(graph).unseen
        #expect(unseen.map { !sizes.contains($0) && (!isEven || $0[0] % 2 == 0) } ?? (maximum == 8 || maximum == 9))
    }

    @Test func symbolsOfOthersStay() {
        var graph = Self.graph(2, 64, 8)
        graph.symbols.append(Symbol(name: "s1", minimum: 2, maximum: 64, hint: 10))
        #expect(OtherSizes(graph, moving: [1]).tried.allSatisfy { $0[0] == 8 })
        #expect(Set(OtherSizes(graph).tried.map { $0[1] }).count > 3)
    }

    /// The last set is like the first in type and range, not in elements, nor in any size that was tried.
    @Test func theLastSetIsNew() throws {
        let graph = Self.graph(2, 64, 8)
        let first = TensorValue(.f32, [8, 3], (0..<24).map { 100 + Double($0) })
        let record = ReferenceRecord(drawnFor: graph, samples: [first], sets: 2, seed: 1)
        let unseen = try #require(record.unseen(graph, seed: 1)).sets
        #expect(unseen.count == 1)
        let rows = unseen[0].inputs[0].shape[0]
        #expect(![8, 7, 2, 5, 11].contains(rows))
        #expect(unseen[0].inputs[0].doubles.allSatisfy { $0 > 50 && $0 < 200 })
        let same = try #require(record.unseen(graph, seed: 1, moves: false)).sets[0].inputs[0]
        #expect(same.shape == [8, 3] && !record.sets.contains { $0.inputs[0] == same })
    }
}
