import Base
import ElementTypes
import GraphIR
import Testing

/// Printed graphs read back to equal values; broken text says where it is broken.
@Suite struct GraphTextTests {
    /// One node line for every operation and every variant of its payload, over operands %0 f32[s0, 4], %1 i64[2].
    static let lines = [
        "input 0 : f32[s0, 4]", "parameter \"a \\\"b\\\\\\n\" : bf16[2]", "state 0 : f32[2]",
        "carried 1 2 : f32[s0, 4]", "looped 0 3 : bool[]",
        "constant [1.0, nan, -inf, -0.0] : f64[4]", "constant [] : i64[0]", "iota [min(4, s0)] : i64[min(4, s0)]",
        "dimension [(s0 // 2) - 1] : i64[]", "map add(a0, a1) %0, %0 : f32[s0, 4]", "map 1.5 : f32[]",
        "map t1 = exp(a0); multiply(t1, add(t1, 0.5)) %0 : f32[s0, 4]",
        "map steps t0 = 2.0; t1 = a0; add(t1, t0) %0 : f32[1]",
        "map [f16] a0 %0 : f16[s0, 4]", "reduce.argMaximum axes [1] %0 : i64[s0]", "reduce.sum axes [] %0 : f32[s0, 4]",
        "scan.logSumExp axis 0 %0 : f32[s0, 4]", "view.reshape [4*s0] %0 : f32[4*s0]", "view.reshape [] %0 : f32[]",
        "view.permute [1, 0] %0 : f32[4, s0]", "view.expand [3, s0, 4] %0 : f32[3, s0, 4]",
        "view.slice axis 0 start [1] count [s0 - 1] step 1 %0 : f32[s0 - 1, 4]", "view.flip [0] %0 : f32[s0, 4]",
        "view.pad low [0, s0] high [1, 0] value -inf %0 : f32[s0 + 1, s0 + 4]",
        "view.unfold axis 1 size 2 step 1 %0 : f32[s0, 3, 2]", "concatenate axis 0 %0, %0 : f32[2*s0, 4]",
        "gather axes [0, 1] at 0 %0, %1, %1 : f32[2]", "scatter.add axes [1] at 1 %0, %0, %1 : f32[s0, 4]",
        "contract [0, 1] [2, 1] [0, 2] %0, %0 : f32[s0, s0]",
        "convolve stride [1, 2] low [0, 1] high [1, 0] dilation [1, 1] groups 2 %0, %0 : f32[1]",
        "convolve stride [2] low [0] high [0] dilation [3] groups 1 transposed output [1] %0, %0 : f32[1]",
        "attend mask causal scale 0.125 %0, %0, %0, %0 : f32[1]", "attend scale 1e-05 %0, %0, %0 : f32[1]",
        "recur.lstm bias reverse %0, %0 : f32[1], f32[2], f32[3]", "recur.gru %0 : f32[1], f32[2]",
        "window.maximum size [2, 2] stride [1, 1] padding [0, 0] dilation [1, 1] ceiling %0 : f32[1]",
        "window.average padded divisor 3 size [2] stride [1] padding [0] dilation [1] %0 : f32[1]",
        "window.argMaximum size [2] stride [1] padding [0] dilation [1] %0 : i64[1]",
        "sort axis 0 descending limit 3 %0 : f32[3, 4], i64[3, 4]", "sort axis 1 %0 : f32[s0, 4], i64[s0, 4]",
        "view.flip [1] %0.1 : f32[s0, 4]  // model.py:3 \"x\\\\y\" // \\nz ",
    ]

    static let header = """
        graph "all \\"of\\" them"
        symbol s0 "batch" 1...64 hint 2
        symbol s1 "length" 0... hint 3
        input "x" f32[s0, 4]
        input "i" i64[2]
        state "cache" f32[2]
        guard s0 - 1 >= 0 "not empty"
        guard (s0 % 2) == 0 "even"
        %0 = input 0 : f32[s0, 4]
        %1 = input 1 : i64[2]

        """

    @Test(arguments: lines)
    func everyOperationReadsBack(_ line: String) throws {
        let text = Self.header + "%2 = \(line)\noutput \"y\" %2\nupdate 0 %2\n"
        let graph = try Graph(parsing: text)
        #expect(graph.nodes.count == 3)
        #expect(graph.description.split(separator: "\n") == text.split(separator: "\n"))
        #expect(try Graph(parsing: graph.description) == graph)
    }

    @Test func everyOperationIsListed() throws {
        let names = try Self.lines.map { line in
            try Graph(parsing: Self.header + "%2 = \(line)\n").nodes[NodeID(2)].operation.name
        }
        #expect(
            Set(names) == [
                "leaf", "map", "reduce", "scan", "view", "concatenate", "gather", "scatter", "contract", "convolve",
                "attend", "recur", "window", "sort",
            ])
    }

    @Test func declarationsReadBack() throws {
        let graph = try Graph(parsing: Self.header + "loop while 1 from %0, %1 by %0, %1.2\n")
        #expect(graph.name == "all \"of\" them")
        #expect(graph.symbols.map(\.maximum) == [64, nil] && graph.symbols.map(\.hint) == [2, 3])
        #expect(graph.guards.map(\.isLowerBound) == [true, false])
        let next = [Value(NodeID(0)), Value(NodeID(1), 2)]
        #expect(graph.loops == [GraphLoop(initial: [Value(NodeID(0)), Value(NodeID(1))], next: next, condition: 1)])
        #expect(try Graph(parsing: graph.description) == graph)
    }

    @Test(arguments: [
        ("", 0, "'graph'"), ("graph x", 6, "'\"'"), ("graph \"x", 8, "'\"'"), ("graph \"x\"\n%1 = ", 12, "node %0"),
        ("graph \"x\"\n%0 = frob %1", 19, "a known operation, not 'frob'"),
        ("graph \"x\"\n%0 = input 0 : f33[2]", 28, "an element type"),
        ("graph \"x\"\n%0 = input 0 : f32[2", 30, "']'"), ("graph \"x\"\n%0 = reduce.sum [1]", 25, "'axes'"),
        ("graph \"x\"\n%0 = reduce.mean axes [1]", 26, "a known operation, not 'mean'"),
        ("graph \"x\"\n%0 = map frob(a0) %0 : f32[]", 19, "a scalar operation or element type"),
        ("graph \"x\"\n%0 = map a0 %3 : f32[]", 25, "operands that stand before their use"),
        ("graph \"x\"\nbanana", 10, "a declaration or a node"), ("graph \"x\" 2", 10, "the end of the line"),
        ("graph \"x\"\nsymbol s1 \"n\" 0... hint 1", 16, "symbol s0"),
    ])
    func refusesText(_ text: String, _ offset: Int, _ expected: String) {
        let error = #expect(throws: TextError.self) { try Graph(parsing: text) }
        #expect(error?.expected == expected)
        #expect(error.map { abs($0.offset - offset) <= 1 } == true, "at \(error?.offset ?? -1)")
    }
}
