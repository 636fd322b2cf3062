import Base
import ElementTypes
import GraphIR
import Testing

/// Shape rules: what each operation gives for operand types, or why it refuses them.
@Suite struct ShapeRuleTests {
    /// The operation, the operands' types, and the results' types or the reason. Symbols: s0 in 2...64, s1 ≥ 0.
    static let rows: [(String, [String], String)] = [
        ("reduce.sum axes [0, 2]", ["f16[2, s0, 3]"], "f16[s0]"), ("reduce.argMinimum axes [0]", ["f32[4]"], "i64[]"),
        ("reduce.sum axes [2]", ["f32[2]"], "axis 2 of a rank-1 tensor"),
        ("reduce.sum axes [1, 0]", ["f32[2, 2]"], "axes [1, 0] are not sorted and distinct"),
        ("reduce.any axes [0]", ["f32[2]"], "expected bool"),
        ("reduce.argMaximum axes [0, 1]", ["f32[2, 2]"], "expected one axis"),
        ("scan.sum axis 1", ["i64[2, s1]"], "i64[2, s1]"), ("scan.sum axis 1", ["i64[2]"], "axis 1 of a rank-1 tensor"),
        ("view.reshape [s0, 2, 3]", ["f32[6*s0]"], "f32[s0, 2, 3]"),
        ("view.reshape [5]", ["f32[6]"], "cannot reshape 6 elements into [5]"),
        ("view.permute [2, 0, 1]", ["f32[2, 3, s0]"], "f32[s0, 2, 3]"),
        ("view.permute [0, 0]", ["f32[2, 3]"], "[0, 0] is no permutation of 2 axes"),
        ("view.expand [2, s0, 3]", ["f32[1, 3]"], "f32[2, s0, 3]"),
        ("view.expand [2, 4]", ["f32[2, 3]"], "cannot expand extent 3 to 4"),
        ("view.slice axis 0 start [1] count [2] step 2", ["f32[4]"], "f32[2]"),
        ("view.slice axis 0 start [1] count [2] step 3", ["f32[4]"], "slice 1 + 2 × 3 of extent 4"),
        ("view.flip [1]", ["f32[4]"], "axis 1 of a rank-1 tensor"),
        ("view.pad low [1, 0] high [0, 2] value 0.0", ["f32[s0, 3]"], "f32[s0 + 1, 5]"),
        ("view.pad low [-1] high [0] value 0.0", ["f32[3]"], "negative padding -1"),
        ("view.unfold axis 0 size 3 step 2", ["f32[9, 4]"], "f32[4, 4, 3]"),
        ("view.unfold axis 0 size 0 step 2", ["f32[9]"], "window 0, step 2"),
        ("concatenate axis 1", ["f32[2, 3]", "f32[2, s0]"], "f32[2, s0 + 3]"),
        ("concatenate axis 0", ["f32[2, 3]", "f32[2, 4]"], "extents of axis 1 differ"),
        ("concatenate axis 0", ["f32[2]", "f16[2]"], "element types differ"),
        ("concatenate axis 0", [], "expected at least one operand"),
        ("gather axes [1] at 1", ["f32[2, 3, 4]", "i64[5, 6]"], "f32[2, 5, 6, 4]"),
        ("gather axes [0] at 0", ["f32[2]", "i32[5]"], "indices are not i64"),
        ("gather axes [0] at 2", ["f32[2, 2]", "i64[5]"], "position 2 of 1 axes"),
        ("gather axes [0, 1] at 0", ["f32[2, 2]", "i64[5]", "i64[4]"], "index shapes differ"),
        ("scatter.add axes [0] at 0", ["f32[2, 3]", "f32[7, 3]", "i64[7]"], "f32[2, 3]"),
        ("scatter.add axes [0] at 0", ["f32[2, 3]", "f32[6, 3]", "i64[7]"], "updates have the wrong shape"),
        ("contract [0, 1] [1, 2] [0, 2]", ["f32[s0, 3]", "f32[3, 4]"], "f32[s0, 4]"),
        ("contract [0, 1] [1, 2] [0, 2]", ["f32[2, 3]", "f32[4, 4]"], "label 1 is 3 and 4"),
        ("contract [0, 0] [0, 2] [0]", ["f32[2, 2]", "f32[2, 4]"], "a label is repeated"),
        ("contract [0] [0] [3]", ["f32[2]", "f32[2]"], "result label 3 is in no operand"),
        (
            "convolve stride [2] low [1] high [1] dilation [1] groups 1", ["f32[s0, 3, 10]", "f32[8, 3, 3]"],
            "f32[s0, 8, 5]"
        ),
        (
            "convolve stride [2] low [1] high [1] dilation [1] groups 1 transposed output [1]",
            ["f32[1, 3, 5]", "f32[3, 8, 3]"], "f32[1, 8, 10]"
        ),
        (
            "convolve stride [1] low [0] high [0] dilation [1] groups 2", ["f32[1, 3, 5]", "f32[8, 1, 3]"],
            "channels differ"
        ),
        (
            "convolve stride [1] low [0] high [0] dilation [1] groups 1", ["f32[1, 3, 1]", "f32[8, 3, 3]"],
            "the window exceeds the input"
        ),
        ("attend scale 1.0", ["f32[1, 4, s0, 8]", "f32[1, 2, s1, 8]", "f32[1, 2, s1, 6]"], "f32[1, 4, s0, 6]"),
        ("attend scale 1.0", ["f32[1, 4, 2, 8]", "f32[1, 3, 5, 8]", "f32[1, 3, 5, 6]"], "4 heads over 3 key heads"),
        (
            "attend mask scale 1.0", ["f32[1, 4, 2, 8]", "f32[1, 4, 5, 8]", "f32[1, 4, 5, 6]", "bool[2, 5]"],
            "the mask has the wrong shape"
        ),
        (
            "recur.lstm", ["f32[9, s0, 3]", "f32[s0, 4]", "f32[s0, 4]", "f32[16, 3]", "f32[16, 4]"],
            "f32[9, s0, 4], f32[s0, 4], f32[s0, 4]"
        ),
        (
            "recur.gru bias", ["f32[9, 2, 3]", "f32[2, 4]", "f32[12, 3]", "f32[12, 4]", "f32[12]", "f32[11]"],
            "bias shape"
        ),
        ("window.maximum size [3, 2] stride [2, 2] padding [1, 0] dilation [1, 1]", ["f32[5, 7, 6]"], "f32[5, 4, 3]"),
        ("window.argMaximum size [2] stride [2] padding [0] dilation [1] ceiling", ["f32[5]"], "i64[3]"),
        ("window.maximum size [3] stride [2] padding [1] dilation [1] ceiling", ["f32[6]"], "f32[4]"),
        ("window.maximum size [1] stride [3] padding [0] dilation [1] ceiling", ["f32[5]"], "f32[2]"),
        ("window.maximum size [9] stride [1] padding [0] dilation [1]", ["f32[5]"], "the window exceeds the input"),
        ("sort axis 0 limit 2", ["f32[4, s0]"], "f32[2, s0], i64[2, s0]"),
        ("sort axis 0 limit 5", ["f32[4]"], "top 5 of 4"), ("iota [s0]", [], "i64[s0]"),
        ("dimension [s0]", [], "i64[]"),
        ("iota [s0]", ["f32[1]"], "expected 0 operands, found 1"),
        ("map f16(less(a0, a1))", ["f32[s0]", "f32[s0]"], "f16[s0]"), ("map isNaN(a0)", ["f32[2]"], "bool[2]"),
        ("map add(a0, a1)", ["f32[2]", "f32[3]"], "shapes differ"),
    ]

    @Test(arguments: rows)
    func givesTheType(_ operation: String, _ operands: [String], _ expected: String) throws {
        var text = "graph \"rule\"\nsymbol s0 \"a\" 2...64 hint 2\nsymbol s1 \"b\" 0... hint 2\n"
        for (index, type) in operands.enumerated() { text += "%\(index) = input \(index) : \(type)\n" }
        let values = operands.indices.map { "%\($0)" }.joined(separator: ", ")
        text += "%\(operands.count) = \(operation) \(values) : f32[]\n"
        let graph = try Graph(parsing: text)
        let node = graph.nodes[NodeID(operands.count)]
        let found: String
        do throws(ShapeError) {
            let results = try node.operation.results(node.operands.map { graph.type($0) }, graph.ranges)
            found = results.map(\.description).joined(separator: ", ")
        } catch {
            found = error.reason
        }
        #expect(found == expected)
    }

    @Test func constantsAreSharedByTheirBits() throws {
        var builder = GraphBuilder(name: "constants")
        let (zero, negative) = (try builder.scalar(0, .f32), try builder.scalar(-0.0, .f32))
        let (nan, again) = (try builder.scalar(.nan, .f32), try builder.scalar(.nan, .f32))
        #expect(zero != negative && nan == again)
        #expect(Set(builder.graph.nodes.rows.map(\.operation)).count == 3)
    }
}
