import Base
import ElementTypes
import GraphIR

extension Interpreter {
    /// Results of fewer elements than this say little of how an order of additions errs.
    private static let fewElements = 16

    /// PyTorch's arithmetic, as a witness of what rounding does: `evaluate` runs an interpreter under `roundAfterEachNode` and
    /// returns results beside `truth`. Where a result has few elements, it is the least accurate of those that several orders
    /// of additions give: all are orders in which PyTorch sums, on one processor or another.
    package static func witness(
        _ graph: Graph, tensors: any TensorSource, truth: [TensorValue],
        _ evaluate: (inout Interpreter) throws(InterpreterError) -> [TensorValue]
    ) throws(InterpreterError) -> [TensorValue] {
        var interpreter = Interpreter(graph, tensors: tensors, policy: .roundAfterEachNode)
        var results = try evaluate(&interpreter)
        let few = truth.indices.filter {
            truth[$0].element.isFloatingPoint && (1..<fewElements).contains(truth[$0].doubles.count)
        }
        let sums = graph.nodes.rows.contains {
            if case .reduce(let reduce) = $0.operation { reduce.kind == .sum } else { false }
        }
        guard !few.isEmpty, sums else { return results }
        for lanes in [8, 16, 64] {
            var other = Interpreter(graph, tensors: tensors, policy: .roundAfterEachNode)
            other.sumLanes = lanes
            let found = try evaluate(&other)
            for place in few where found[place].distance(truth[place]) > results[place].distance(truth[place]) {
                results[place] = found[place]
            }
        }
        return results
    }
}

extension TensorValue {
    /// The largest difference between finite elements.
    fileprivate func distance(_ other: TensorValue) -> Double {
        zip(doubles, other.doubles).reduce(0) { largest, pair in
            pair.0.isFinite && pair.1.isFinite ? max(largest, abs(pair.0 - pair.1)) : largest
        }
    }
}
