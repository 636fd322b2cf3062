import Base
import ElementTypes

/// A value whose extents make no sense on this machine.
package struct ImpossibleSize: Error, Hashable, CustomStringConvertible {
    /// The input, state or line of model code.
    package var place: String
    /// Its declared type.
    package var type: TensorType
    /// Bytes that it takes in double precision; nil where an extent is negative or the product leaves 64 bits.
    package var byteCount: Int?
    /// Bytes that there are.
    package var limit: Int

    /// One line: which value, its type, and what is wrong with it.
    package var description: String {
        guard let byteCount else {
            return "\(place): \(type) has an extent below 0 or more elements than can be counted"
        }
        return
            "\(place): \(type) takes \(byteCount >> 30) GiB in double precision, and this machine has \(limit >> 30) GiB"
    }
}

extension Graph {
    /// The first value with a negative extent, or that alone takes more than `limit` bytes in double precision, in which
    /// models are evaluated. Symbols take the values that they had at export; extents that these leave undefined pass.
    package func impossibleSize(limit: Int) -> ImpossibleSize? {
        for (kind, ports) in [("input", inputs), ("state", states)] {
            for port in ports {
                if let size = impossibleSize(port.type, "\(kind) '\(port.name)'", limit) { return size }
            }
        }
        for id in nodes.ids {
            for type in nodes[id].results {
                let origin = nodes[id].origin
                if let size = impossibleSize(type, origin.isEmpty ? "node %\(id.index)" : origin, limit) { return size }
            }
        }
        return nil
    }

    private func impossibleSize(_ type: TensorType, _ place: String, _ limit: Int) -> ImpossibleSize? {
        let hints = symbols.map(\.hint)
        let extents = type.shape.compactMap { $0.evaluate { hints[$0.index] } }
        func fault(_ byteCount: Int?) -> ImpossibleSize {
            ImpossibleSize(place: place, type: type, byteCount: byteCount, limit: limit)
        }
        if extents.contains(where: { $0 < 0 }) { return fault(nil) }
        if extents.contains(0) { return nil }
        var byteCount = 8
        for extent in extents {
            let (product, overflow) = byteCount.multipliedReportingOverflow(by: extent)
            if overflow { return fault(nil) }
            byteCount = product
        }
        return byteCount > limit ? fault(byteCount) : nil
    }
}
