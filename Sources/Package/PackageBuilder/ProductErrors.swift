import Base
import ElementTypes
import GraphIR
import GraphRewrites
import ReferenceInterpreter

/// What lower precision does to each product of a model by itself: both are given the operands that the model as it was gives them.
package struct ProductErrors {
    /// A product that stays as it is.
    package struct Kept: Hashable, Sendable, CustomStringConvertible {
        /// The product in the graph that was measured.
        package var product: NodeID
        /// The name of its weight, or the line of model code that it came from.
        package var origin: String
        /// Root mean square error, as a part of the results'; infinite where numbers became none.
        package var error: Double

        /// Such as `layer4.0.conv1 (6.1 %)`.
        package var description: String {
            let place = origin.isEmpty ? "a product" : origin
            return error.isFinite ? "\(place) (\((error * 1000).rounded() / 10) %)" : "\(place) (no numbers)"
        }
    }

    /// The model's tensors, and those that lower precision adds.
    let tensors: any TensorSource
    /// Inputs of calls.
    let sets: [[TensorValue]]

    /// The relative root mean square error of each of `count` products by a `ProductProbe`'s graph: the worst of all sets.
    func measured(_ probe: Graph, _ count: Int) throws -> [Double] {
        var worst = [Double](repeating: 0, count: count)
        for inputs in sets {
            var interpreter = Interpreter(probe, tensors: tensors, policy: .roundAfterEachNode)
            let found = try interpreter.run(inputs).map { $0.doubles[0] }
            for place in 0..<count {
                let (difference, size) = (found[2 * place], found[2 * place + 1])
                // What is no number in the model too says nothing of the precision.
                guard size.isFinite, difference != 0 else { continue }
                let error = difference.isFinite && size > 0 ? (difference / size).squareRoot() : .infinity
                worst[place] = max(worst[place], error)
            }
        }
        return worst
    }

    /// The greatest magnitude of each product's activations over samples; empty without any.
    func ranges(_ graph: Graph, _ products: [NodeID], _ samples: [[TensorValue]]) throws -> [NodeID: Double] {
        guard !samples.isEmpty else { return [:] }
        let probe = try ProductProbe.ranges(graph, products)
        var ranges: [NodeID: Double] = [:]
        for inputs in samples {
            var interpreter = Interpreter(probe, tensors: tensors, policy: .roundAfterEachNode)
            for (product, value) in zip(products, try interpreter.run(inputs)) {
                ranges[product] = max(ranges[product] ?? 0, value.doubles[0])
            }
        }
        return ranges.filter { $0.value.isFinite }
    }

    /// The products whose error is beyond `limit`.
    static func kept(_ graph: Graph, _ products: [NodeID], _ errors: [Double], limit: Double) -> [Kept] {
        zip(products, errors).filter { !($0.1 <= limit) }.map {
            Kept(product: $0.0, origin: weight(graph, $0.0) ?? graph.nodes[$0.0].origin, error: $0.1)
        }
    }

    /// The name of the weight that a product reads, as it is stored or after what is done to it alone.
    private static func weight(_ graph: Graph, _ product: NodeID) -> String? {
        for operand in graph.nodes[product].operands.reversed() {
            if let name = name(graph, operand) { return name }
            // Scales that moved into a weight are parameters too.
            guard case .map = graph.nodes[operand.node].operation else { continue }
            let names = graph.nodes[operand.node].operands.map { name(graph, $0) }
            if let first = names.first, !names.contains(nil) { return first }
        }
        return nil
    }

    /// The name of the parameter that a value is a view of.
    private static func name(_ graph: Graph, _ value: Value) -> String? {
        var node = graph.nodes[value.node]
        while case .view = node.operation { node = graph.nodes[node.operands[0].node] }
        guard case .leaf(.parameter(let name, _)) = node.operation else { return nil }
        return name
    }
}
