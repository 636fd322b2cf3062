import Base
import ElementTypes
import GraphIR
import Testing

/// Extents that no machine holds are found before anything is allocated.
@Suite struct ImpossibleSizeTests {
    /// Extents of the input and of the product of a graph, and what is said; nil where they are possible.
    static let rows: [(input: String, node: String, message: String?)] = [
        ("[s0, 4]", "[s0, 4]", nil),
        ("[0, 4611686018427387904]", "[2]", nil),
        ("[2]", "[131072]", nil),
        ("[2]", "[131073]", "model.py:7: f32[131073] takes 0 GiB in double precision, and this machine has 0 GiB"),
        (
            "[s0, 131072]", "[2]",
            "input 'x': f32[s0, 131072] takes 0 GiB in double precision, and this machine has 0 GiB"
        ),
        ("[-4, 8]", "[2]", "input 'x': f32[-4, 8] has an extent below 0 or more elements than can be counted"),
        (
            "[2]", "[2305843009213693952, 8]",
            "model.py:7: f32[2305843009213693952, 8] has an extent below 0 or more elements than can be counted"
        ),
    ]

    @Test(arguments: rows.indices) func isFound(_ index: Int) throws {
        let row = Self.rows[index]
        var graph = Graph(name: "sizes")
        graph.symbols = [Symbol(name: "s0", minimum: 1, maximum: 64, hint: 2)]
        func type(_ text: String) -> TensorType {
            let extents = text.dropFirst().dropLast().split(separator: ", ")
            return TensorType(.f32, extents.map { Int($0).map { Dimension($0) } ?? Dimension(Variable(.symbol, 0)) })
        }
        graph.inputs = [GraphPort(name: "x", type: type(row.input))]
        _ = graph.nodes.append(
            Node(
                operation: .leaf(.input(0, type(row.node))), operands: [], results: [type(row.node)],
                origin: "model.py:7"))
        #expect(graph.impossibleSize(limit: 1 << 20)?.description == row.message)
    }
}
