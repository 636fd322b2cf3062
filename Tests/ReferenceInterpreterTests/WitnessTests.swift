import Base
import ElementTypes
import GraphIR
import Testing

@testable import ReferenceInterpreter

/// PyTorch's arithmetic as a witness of rounding.
@Suite struct WitnessTests {
    private struct None: TensorSource {
        func withTensor<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
            try body(UnsafeRawBufferPointer(start: nil, count: 0))
        }
    }

    /// PyTorch adds updates one by one and rounds each sum: what is small beside the rest is lost, where it would count all together.
    @Test(arguments: [
        (Interpreter.Policy.exact, "f32", 0x1p-24, 1 + 0x1p-22), (.roundAfterEachNode, "f32", 0x1p-24, 1.0),
        (.roundAfterEachNode, "bf16", 0x1p-8, 1.0), (.roundAfterEachNode, "f64", 0x1p-24, 1 + 0x1p-22),
    ])
    func updatesAreRoundedOneByOne(_ policy: Interpreter.Policy, _ element: String, _ small: Double, _ sum: Double)
        throws
    {
        let graph = try Graph(
            parsing: """
                graph "updates"
                input "x" \(element)[1]
                input "u" \(element)[4]
                input "i" i64[4]
                %0 = input 0 : \(element)[1]
                %1 = input 1 : \(element)[4]
                %2 = input 2 : i64[4]
                %3 = scatter.add axes [0] at 0 %0, %1, %2 : \(element)[1]
                output "y" %3

                """)
        let type = try #require(ElementType(rawValue: element))
        var interpreter = Interpreter(graph, tensors: None(), policy: policy)
        let found = try interpreter.run([
            TensorValue(type, [1], [1]), TensorValue(type, [4], [Double](repeating: small, count: 4)),
            TensorValue(.i64, [4], integers: [0, 0, 0, 0]),
        ])
        #expect(found[0].doubles == [sum])
    }

    /// One sum says little of how an order errs: the witness is the least accurate of several. Many sums speak for themselves.
    @Test(arguments: [(1, true), (15, true), (16, false)])
    func fewSumsAreTakenInSeveralOrders(_ rows: Int, _ hasSeveral: Bool) throws {
        let graph = try Graph(
            parsing: """
                graph "sum"
                input "x" f32[\(rows), 5000]
                %0 = input 0 : f32[\(rows), 5000]
                %1 = reduce.sum axes [1] %0 : f32[\(rows)]
                output "y" %1

                """)
        var random = SeededRandom(seed: 4)
        let x = TensorValue(.f32, [rows, 5000], (0..<rows * 5000).map { _ in random.uniform() * 2 - 1 })
            .roundedToElement()
        var oracle = Interpreter(graph, tensors: None(), policy: .exact)
        let truth = try oracle.run([x])
        func error(_ results: [TensorValue]) -> Double {
            zip(results[0].doubles, truth[0].doubles).map { abs($0 - $1) }.max() ?? 0
        }
        var errors: [Int: Double] = [:]
        for lanes in [8, 16, 32, 64] {
            var witness = Interpreter(graph, tensors: None(), policy: .roundAfterEachNode)
            witness.sumLanes = lanes
            errors[lanes] = error(try witness.run([x]))
        }
        #expect(Set(errors.values).count > 1)
        let found = error(
            try Interpreter.witness(graph, tensors: None(), truth: truth) {
                witness throws(InterpreterError) in try witness.run([x])
            })
        #expect(found == (hasSeveral ? errors.values.max() : errors[32]))
    }
}
