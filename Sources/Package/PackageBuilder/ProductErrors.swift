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
        /// The line of model code that it came from.
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

    /// The relative root mean square error of each of `count` products over all sets, by a `ProductProbe`'s graph.
    func measured(_ probe: Graph, _ count: Int) throws -> [Double] {
        var sums = [(difference: Double, size: Double)](repeating: (0, 0), count: count)
        for inputs in sets {
            var interpreter = Interpreter(probe, tensors: tensors, policy: .roundAfterEachNode)
            let found = try interpreter.run(inputs)
            for place in 0..<count {
                sums[place].difference += found[2 * place].doubles[0]
                sums[place].size += found[2 * place + 1].doubles[0]
            }
        }
        return sums.map { sum in
            if sum.difference == 0 { return 0 }
            // What is no number in the model too says nothing of the precision.
            guard sum.size.isFinite else { return 0 }
            return sum.difference.isFinite && sum.size > 0 ? (sum.difference / sum.size).squareRoot() : .infinity
        }
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
            Kept(product: $0.0, origin: graph.nodes[$0.0].origin, error: $0.1)
        }
    }
}
