import Base
import ElementTypes
import GraphIR
import KernelJudge

/// Weights of a case's graph: normal numbers, and small whole ones for integers, without a sign all that a byte holds; the same for the same name and type.
package struct DrawnTensors: TensorSource {
    private var tensors: [String: [UInt8]] = [:]

    /// Draws the parameters of a graph.
    package init(_ graph: Graph) {
        for id in graph.nodes.ids {
            guard case .leaf(.parameter(let name, let type)) = graph.nodes[id].operation else { continue }
            let count = type.shape.reduce(1) { $0 * ($1.constantValue ?? 1) }
            var random = SeededRandom(seed: 17).split(UInt64(name.utf8.reduce(0) { $0 * 31 + UInt64($1) } % 1009))
            let values = (0..<count).map { _ -> Double in
                let sum = (0..<4).reduce(0.0) { sum, _ in sum + random.uniform() - 0.5 }
                if type.element == .u8 { return (sum * 63 + 127).rounded() }
                return type.element.isFloatingPoint ? sum : (sum * 40).rounded()
            }
            tensors[name] = ElementCoding.encode(values, type.element)
        }
    }

    package func withTensor<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result
    {
        try (tensors[name] ?? []).withUnsafeBytes(body)
    }
}
