import Base
import ElementTypes
import GraphIR
import Testing

/// Every rule of the checker fires on a graph that breaks it alone, and none on a right one.
@Suite struct GraphCheckerTests {
    private static let right = """
        graph "right"
        symbol s0 "batch" 1...64 hint 2
        input "x" f32[s0, 4]
        input "i" i64[2]
        state "cache" f32[2]
        guard s0 - 1 >= 0 "not empty"
        %0 = input 0 : f32[s0, 4]
        %1 = input 1 : i64[2]
        %2 = state 0 : f32[2]
        %3 = constant [1.0, 2.0] : i64[2]
        %4 = map exp(a0) %2 : f32[2]
        %5 = sort axis 1 %0 : f32[s0, 4], i64[s0, 4]
        %6 = constant [1.0] : bool[]
        %7 = carried 0 0 : bool[]
        %8 = carried 0 1 : f32[2]
        %9 = map not(a0) %7 : bool[]
        %10 = map sine(a0) %8 : f32[2]
        %11 = looped 0 1 : f32[2]
        %12 = map sine(a0) %11 : f32[2]
        loop while 0 from %6, %2 by %9, %10
        output "y" %5.1
        output "z" %12
        update 0 %4

        """

    @Test func acceptsARightGraph() throws {
        try GraphChecker.check(try Graph(parsing: Self.right), stage: "test")
    }

    /// Rule, a part of the right graph, what replaces it, and a part of the message.
    static let breaks: [(String, String, String, String)] = [
        ("operands stand before their uses", "sort axis 1 %0", "sort axis 1 %7", "operand %7"),
        ("operands are results of their nodes", "sort axis 1 %0", "sort axis 1 %0.1", "%0.1 of 1 results"),
        ("symbols have a range that holds their hint", "hint 2", "hint 65", "s0 'batch' in 1...64, hint 65"),
        ("expressions name declared symbols only", "guard s0", "guard s1", "s1 in s1 - 1"),
        (
            "expressions name declared symbols only", "%0 = input 0 : f32[s0, 4]", "%0 = input 0 : f32[s3, 4]",
            "s3 in s3"
        ),
        (
            "extents can be computed and are not negative", "%5 = sort axis 1 %0 : f32[s0, 4]",
            "%5 = sort axis 1 %0 : f32[-1, 4]", "extent -1"
        ),
        (
            "extents can be computed and are not negative", "%5 = sort axis 1 %0 : f32[s0, 4]",
            "%5 = sort axis 1 %0 : f32[(1 // 0), 4]", "extent (1 // 0)"
        ),
        ("scalar expressions are well formed", "map exp(a0)", "map exp(a1)", "argument 1 of 1"),
        ("scalar expressions are well formed", "map exp(a0)", "map add(a0)", "add of 1 operands"),
        (
            "result types follow from the shape rule", "map exp(a0) %2 : f32[2]", "map exp(a0) %2 : f32[3]",
            "the rule gives f32[2]"
        ),
        ("result types follow from the shape rule", "sort axis 1", "sort axis 2", "axis 2 of a rank-2 tensor"),
        (
            "result types follow from the shape rule", "sort axis 1 %0 :", "gather axes [0] at 0 %0, %2 :",
            "indices are not i64"
        ),
        ("input and state leaves agree with their declarations", "input 1", "input 7", "input 7 of 2"),
        (
            "input and state leaves agree with their declarations", "%1 = input 1 : i64[2]", "%1 = input 1 : i64[3]",
            "input 1 is declared i64[2]"
        ),
        ("input and state leaves agree with their declarations", "%2 = state 0", "%2 = state 1", "state 1 of 1"),
        ("constants hold values of their element type", "[1.0, 2.0]", "[1.0, 2.5]", "2.5 is no i64"),
        ("constants hold values of their element type", "[1.0, 2.0] : i64", "[1.0, 300.0] : u8", "300.0 is no u8"),
        ("outputs, updates and what loops carry are results of nodes", "\"y\" %5.1", "\"y\" %19", "%19"),
        ("outputs, updates and what loops carry are results of nodes", "update 0 %4", "update 0 %4.1", "%4.1"),
        ("outputs, updates and what loops carry are results of nodes", "by %9, %10", "by %9, %23", "%23"),
        ("values of a loop's turn are used in that turn", "looped 0 1", "looped 1 1", "no loop carries that"),
        ("values of a loop's turn are used in that turn", "carried 0 1", "carried 0 2", "no loop carries that"),
        (
            "values of a loop's turn are used in that turn", "carried 0 0", "carried 0 9223372036854775807",
            "no loop carries that"
        ),
        (
            "values of a loop's turn are used in that turn", "while 0", "while 1",
            "loop 0 asks a f32[2] for another turn"
        ),
        (
            "values of a loop's turn are used in that turn", "while 0", "while 2",
            "loop 0 carries 2 values, then 2; place 2 says whether there is another turn"
        ),
        (
            "values of a loop's turn are used in that turn", "by %9, %10", "by %9",
            "loop 0 carries 2 values, then 1; place 0 says whether there is another turn"
        ),
        (
            "values of a loop's turn are used in that turn", "by %9, %10", "by %10, %9",
            "loop 0 carries bool[], then f32[2]"
        ),
        (
            "values of a loop's turn are used in that turn", "by %9, %10", "by %9, %12",
            "loop 0 carries on what is computed elsewhere"
        ),
        (
            "values of a loop's turn are used in that turn", "from %6, %2", "from %6, %12",
            "loop 0 begins with what is computed in a loop, or after it"
        ),
        (
            "values of a loop's turn are used in that turn", "from %6, %2", "from %6, %10",
            "loop 0 begins with what is computed in a loop, or after it"
        ),
        (
            "values of a loop's turn are used in that turn", "sine(a0) %11", "add(a0, a1) %11, %10",
            "%10 is a value of a turn"
        ),
        (
            "values of a loop's turn are used in that turn", "\"z\" %12", "\"z\" %10",
            "a value of a turn leaves the graph"
        ),
        ("ports have distinct names", "input \"i\"", "input \"x\"", "'x'"),
        (
            "each state is updated at most once, by a value of its type", "update 0 %4", "update 0 %3",
            "state 0 is f32[2], its update i64[2]"
        ),
        (
            "each state is updated at most once, by a value of its type", "update 0 %4", "update 0 %4\nupdate 0 %4",
            "state 0 twice"
        ),
        ("each state is updated at most once, by a value of its type", "update 0", "update 3", "state 3 of 1"),
        ("guards hold for the hints", "guard s0 - 1", "guard s0 - 3", "not empty: s0 - 3 is -1"),
    ]

    @Test(arguments: breaks)
    func ruleFires(_ rule: String, _ old: String, _ new: String, _ message: String) throws {
        let parts = Self.right.split(separator: old, maxSplits: 1, omittingEmptySubsequences: false)
        try #require(parts.count == 2)
        let graph = try Graph(parsing: parts[0] + new + parts[1])
        let fault = #expect(throws: GraphFault.self) { try GraphChecker.check(graph, stage: "fuse") }
        #expect(fault?.rule == rule && fault?.stage == "fuse")
        #expect(fault?.message == message)
    }

    @Test func everyRuleIsTested() {
        #expect(Set(Self.breaks.map(\.0)) == Set(GraphChecker.rules.map(\.what)))
    }

    @Test func printsNodeAndOperands() throws {
        let text = Self.right.replacing("map exp(a0) %2 : f32[2]", with: "map exp(a0) %2 : f32[3]  // model.py:9")
        let fault = #expect(throws: GraphFault.self) {
            try GraphChecker.check(try Graph(parsing: text), stage: "fuse")
        }
        #expect(
            fault?.description == """
                after fuse: result types follow from the shape rule: the rule gives f32[2]
                    %2 = state 0 : f32[2]
                    %4 = map exp(a0) %2 : f32[3]  // model.py:9
                """)
    }
}
