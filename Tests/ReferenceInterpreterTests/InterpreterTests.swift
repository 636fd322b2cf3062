import Base
import ElementTypes
import GraphIR
import ReferenceInterpreter
import Testing

/// The interpreter as a whole: symbols, guards, states, policies, partial evaluation and errors.
@Suite struct InterpreterTests {
    private func real(_ element: ElementType, _ shape: [Int], _ elements: [Double]) -> TensorValue {
        TensorValue(element, shape, elements)
    }

    private let dynamic = """
        graph "dynamic"
        symbol s0 "batch" 2...8 hint 4
        symbol s1 "length" 0... hint 3
        input "x" f32[s0, 2*s1 + 1]
        input "y" f32[s0*s1]
        guard s0 - s1 >= 0 "the batch is at least the length"
        %0 = input 0 : f32[s0, 2*s1 + 1]
        %1 = reduce.sum axes [1] %0 : f32[s0]
        %2 = dimension [s0*s1] : i64[]
        output "sums" %1
        output "product" %2

        """

    /// Doubled until the sum reaches a bound, with the number of turns beside it and a factor that no turn changes.
    private let loop = """
        graph "loop"
        symbol s0 "length" 1...8 hint 2
        input "x" f32[s0]
        input "bound" f32[]
        %0 = input 0 : f32[s0]
        %1 = input 1 : f32[]
        %2 = reduce.sum axes [0] %0 : f32[]
        %3 = map less(a0, a1) %2, %1 : bool[]
        %4 = constant [0.0] : i64[]
        %5 = map add(multiply(a0, 0.0), 2.0) %0 : f32[s0]
        %6 = carried 0 0 : f32[s0]
        %7 = carried 0 1 : i64[]
        %8 = map multiply(a0, a1) %6, %5 : f32[s0]
        %9 = reduce.sum axes [0] %8 : f32[]
        %10 = map less(a0, a1) %9, %1 : bool[]
        %11 = map add(a0, 1i) %7 : i64[]
        %12 = looped 0 0 : f32[s0]
        %13 = looped 0 1 : i64[]
        loop while 2 from %0, %4, %3 by %8, %11, %10
        output "y" %12
        output "turns" %13

        """

    @Test(arguments: [(5.0, 1, 2.0), (100, 6, 64), (3, 0, 1), (-1, 0, 1)])
    func loopsRunWhileTheirConditionHolds(bound: Double, turns: Int64, factor: Double) throws {
        let graph = try Graph(parsing: loop)
        try GraphChecker.check(graph, stage: "reading")
        for policy in Interpreter.Policy.allCases {
            var interpreter = Interpreter(graph, tensors: NamedTensors(), policy: policy)
            let inputs = [real(.f32, [2], [1, 2]), real(.f32, [], [bound])]
            // A value of the loop that is observed is the first turn's, whether there is one or not.
            let (outputs, observed) = try interpreter.run(inputs, observing: [Value(NodeID(9))])
            #expect(outputs == [real(.f32, [2], [factor, 2 * factor]), TensorValue(.i64, [], integers: [turns])])
            #expect(observed == [real(.f32, [], [6])])
        }
    }

    /// A region within a turn is evaluated from what it is given.
    @Test func partsOfATurnAreEvaluatedAlone() throws {
        let graph = try Graph(parsing: loop)
        let given = [Value(NodeID(6)): real(.f32, [3], [1, 2, 3]), Value(NodeID(5)): real(.f32, [3], [1, 1, 3])]
        let found = try Interpreter(graph, tensors: NamedTensors()).evaluate([Value(NodeID(9))], given: given)
        #expect(found == [real(.f32, [], [12])])
    }

    @Test func endlessLoopsAreAnError() throws {
        let text = loop.replacing("multiply(a0, a1) %6, %5", with: "subtract(a0, a1) %6, %5")
        var interpreter = Interpreter(try Graph(parsing: text), tensors: NamedTensors())
        let error = #expect(throws: InterpreterError.self) {
            _ = try interpreter.run([real(.f32, [1], [1]), real(.f32, [], [5])])
        }
        #expect(error?.description.contains("it has not ended after 1000000 turns") == true, "\(error as Any)")
    }

    @Test func bindsSymbolsFromShapes() throws {
        let graph = try Graph(parsing: dynamic)
        try GraphChecker.check(graph, stage: "reading")
        var interpreter = Interpreter(graph, tensors: NamedTensors())
        let x = real(.f32, [2, 3], [1, 2, 3, 4, 5, 6])
        let outputs = try interpreter.run([x, real(.f32, [2], [0, 0])])
        #expect(outputs == [real(.f32, [2], [6, 15]), TensorValue(.i64, [], integers: [2])])
    }

    @Test(arguments: [
        ([2, 4], [2], "axis 1 of input 'x' must be 2*s1 + 1 = 3, found 4"),
        ([2, 3], [3], "axis 0 of input 'y' must be s0*s1 = 2, found 3"),
        ([9, 3], [9], "dimension 'batch' is 9, outside 2...8"),
        ([2, 7], [6], "the batch is at least the length: s0 - s1 is -1 and must be at least 0"),
        ([2], [2], "input 'x' must be f32[s0, 2*s1 + 1], found f32[2]"),
    ])
    func refusesWrongShapes(_ x: [Int], _ y: [Int], _ message: String) throws {
        var interpreter = Interpreter(try Graph(parsing: dynamic), tensors: NamedTensors())
        let inputs = [x, y].map { real(.f32, $0, Array(repeating: 0, count: $0.reduce(1, *))) }
        let error = #expect(throws: InterpreterError.self) { try interpreter.run(inputs) }
        #expect(error?.description == message)
    }

    @Test func keepsStates() throws {
        let graph = try Graph(
            parsing: """
                graph "counter"
                input "x" f32[2]
                state "sum" f32[2]
                %0 = input 0 : f32[2]
                %1 = state 0 : f32[2]
                %2 = map add(a0, a1) %0, %1 : f32[2]
                output "before" %1
                update 0 %2

                """)
        try GraphChecker.check(graph, stage: "reading")
        var interpreter = Interpreter(graph, tensors: NamedTensors(tensors: ["sum": real(.f32, [2], [10, 20]).bytes]))
        #expect(try interpreter.run([real(.f32, [2], [1, 2])]) == [real(.f32, [2], [10, 20])])
        #expect(try interpreter.run([real(.f32, [2], [1, 2])]) == [real(.f32, [2], [11, 22])])
        #expect(try interpreter.state(0) == real(.f32, [2], [12, 24]))
        try interpreter.setState(0, real(.f32, [2], [0, 0]))
        #expect(try interpreter.run([real(.f32, [2], [1, 2])]) == [real(.f32, [2], [0, 0])])
    }

    private let narrow = """
        graph "narrow"
        input "x" bf16[2]
        %0 = input 0 : bf16[2]
        %1 = parameter "w" : bf16[2]
        %2 = map bf16(add(a0, a1)) %0, %1 : bf16[2]
        %3 = map bf16(multiply(a0, 3.0)) %2 : bf16[2]
        output "y" %3

        """

    @Test(arguments: [
        (Interpreter.Policy.exact, [3 * (1 + 0x1p-9), 6.0]), (.roundAfterEachNode, [3.0, 6.0]),
    ])
    func policiesDiffer(_ policy: Interpreter.Policy, _ expected: [Double]) throws {
        let source = NamedTensors(tensors: ["w": real(.bf16, [2], [0x1p-9, 1]).bytes])
        var interpreter = Interpreter(try Graph(parsing: narrow), tensors: source, policy: policy)
        let (outputs, observed) = try interpreter.run(
            [real(.bf16, [2], [1, 1])], observing: [Value(NodeID(1)), Value(NodeID(0))])
        #expect(outputs == [real(.bf16, [2], expected)])
        #expect(observed == [real(.bf16, [2], [0x1p-9, 1]), real(.bf16, [2], [1, 1])])
    }

    @Test func evaluatesPartsAlone() throws {
        let source = NamedTensors(tensors: ["w": real(.bf16, [2], [1, 2]).bytes])
        let interpreter = Interpreter(try Graph(parsing: narrow), tensors: source)
        let region = try interpreter.evaluate(
            [Value(NodeID(3))], given: [Value(NodeID(2)): real(.bf16, [2], [5, 7])])
        #expect(region == [real(.bf16, [2], [15, 21])])
        #expect(try interpreter.evaluate([Value(NodeID(1))], given: [:]) == [real(.bf16, [2], [1, 2])])
        let error = #expect(throws: InterpreterError.self) { try interpreter.evaluate([Value(NodeID(3))], given: [:]) }
        #expect(error?.description == "node %0 (leaf): the input is not given")
    }

    @Test(arguments: [
        ("map floorDivide(a0, a1) %0, %1 : i64[2]", "integer division by zero"),
        ("gather axes [0] at 0 %0, %1 : i64[2]", "index 5 is outside axis 0 of extent 2"),
        ("map exp(a0) %0 : i64[2]", "exp of one integer operand"),
        ("view.reshape [3] %0 : i64[3]", "cannot reshape 2 elements into [3]"),
        ("reduce.sum axes [0] %0 : i64[1]", "the graph records [\"i64[1]\"], but the operands give [\"i64[]\"]"),
    ])
    func namesTheNodeAtFault(_ line: String, _ reason: String) throws {
        let graph = try Graph(
            parsing: """
                graph "fault"
                input "a" i64[2]
                input "b" i64[2]
                %0 = input 0 : i64[2]
                %1 = input 1 : i64[2]
                %2 = \(line)  // model.py:3
                output "y" %2

                """)
        var interpreter = Interpreter(graph, tensors: NamedTensors())
        let inputs = [[0, 5], [0, 5]].map { TensorValue(.i64, [2], integers: $0) }
        let error = #expect(throws: InterpreterError.self) { try interpreter.run(inputs) }
        let name = try #require(line.split(whereSeparator: { " .".contains($0) }).first)
        #expect(error?.description == "node %2 (\(name)) from model.py:3: \(reason)")
    }

    @Test func leavesHoldWhatTheyStore() throws {
        let graph = try Graph(
            parsing: """
                graph "leaves"
                symbol s0 "n" 0... hint 2
                input "x" f32[s0]
                %0 = input 0 : f32[s0]
                %1 = iota [s0] : i64[s0]
                %2 = constant [0.1, nan] : bf16[2]
                %3 = constant [1.0, 0.0] : bool[2]
                %4 = parameter "missing" : f32[1]
                output "iota" %1
                output "constant" %2
                output "truth" %3

                """)
        var interpreter = Interpreter(graph, tensors: NamedTensors())
        let outputs = try interpreter.run([real(.f32, [3], [0, 0, 0])])
        #expect(outputs[0] == TensorValue(.i64, [3], integers: [0, 1, 2]))
        #expect(outputs[1].doubles[0] == 0.10009765625 && outputs[1].doubles[1].isNaN)
        #expect(outputs[2] == real(.bool, [2], [1, 0]))
    }
}
