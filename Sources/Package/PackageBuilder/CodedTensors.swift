import ElementTypes
import GraphIR
import GraphRewrites

/// Tensors of a model, and the codes and scales of its weights, in memory.
package final class CodedTensors: TensorSource {
    private struct Coded: Sendable {
        let weight: CodedWeight
        let codes: [UInt8]
        let scales: [UInt8]
    }

    private let tensors: any TensorSource
    private let coder: WeightCoder
    private let coded: [Coded]
    private let places: [String: Int]

    /// Codes the weights, side by side.
    init(_ weights: [CodedWeight], _ tensors: any TensorSource, _ format: WeightFormat) async throws {
        let coder = WeightCoder(format: format)
        self.tensors = tensors
        self.coder = coder
        coded = try await withThrowingTaskGroup(of: (Int, Coded).self) { group in
            for (number, weight) in weights.enumerated() {
                group.addTask { (number, try Self.encode(weight, tensors, coder)) }
            }
            var found: [Coded?] = Array(repeating: nil, count: weights.count)
            for try await (number, result) in group { found[number] = result }
            return found.compactMap { $0 }
        }
        var places: [String: Int] = [:]
        for (number, weight) in weights.enumerated() {
            for name in [weight.codesName, weight.scalesName, weight.restoredName] { places[name] = number }
        }
        self.places = places
    }

    package func withTensor<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result
    {
        guard let place = places[name] else { return try tensors.withTensor(name, body) }
        let entry = coded[place]
        if name == entry.weight.codesName { return try entry.codes.withUnsafeBytes(body) }
        if name == entry.weight.scalesName { return try entry.scales.withUnsafeBytes(body) }
        let (rows, depth) = (entry.weight.rows, entry.weight.depth)
        let (codeBytes, scaleBytes) = (coder.codeBytes(depth), coder.scaleBytes(depth))
        let restored = [Float](unsafeUninitializedCapacity: rows * depth) { values, count in
            entry.codes.withUnsafeBytes { codes in
                entry.scales.withUnsafeBytes { scales in
                    for row in 0..<rows {
                        coder.decode(
                            UnsafeRawBufferPointer(rebasing: codes[row * codeBytes..<(row + 1) * codeBytes]),
                            UnsafeRawBufferPointer(rebasing: scales[row * scaleBytes..<(row + 1) * scaleBytes]),
                            into: UnsafeMutableBufferPointer(rebasing: values[row * depth..<(row + 1) * depth]))
                    }
                }
            }
            count = rows * depth
        }
        return try restored.withUnsafeBytes(body)
    }

    private static func encode(
        _ weight: CodedWeight, _ tensors: any TensorSource, _ coder: WeightCoder
    ) throws -> Coded {
        let (rows, depth) = (weight.rows, weight.depth)
        let (codeBytes, scaleBytes) = (coder.codeBytes(depth), coder.scaleBytes(depth))
        var codes = [UInt8](repeating: 0, count: rows * codeBytes)
        var scales = [UInt8](repeating: 0, count: rows * scaleBytes)
        // Elements after the summed axis lie between its elements.
        let apart = weight.shape[(weight.axis + 1)...].reduce(1, *)
        try tensors.withTensor(weight.name) { bytes in
            var values = [Float](repeating: 0, count: depth)
            codes.withUnsafeMutableBytes { codes in
                scales.withUnsafeMutableBytes { scales in
                    for row in 0..<rows {
                        let start = row / apart * apart * depth + row % apart
                        read(bytes, start, apart, weight.type.element, &values)
                        values.withUnsafeBufferPointer {
                            coder.encode(
                                $0,
                                codes: UnsafeMutableRawBufferPointer(
                                    rebasing: codes[row * codeBytes..<(row + 1) * codeBytes]),
                                scales: UnsafeMutableRawBufferPointer(
                                    rebasing: scales[row * scaleBytes..<(row + 1) * scaleBytes]))
                        }
                    }
                }
            }
        }
        return Coded(weight: weight, codes: codes, scales: scales)
    }

    /// Elements from `start` on, `apart` from each other.
    private static func read(
        _ bytes: UnsafeRawBufferPointer, _ start: Int, _ apart: Int, _ element: ElementType, _ values: inout [Float]
    ) {
        for index in values.indices {
            let place = start + index * apart
            switch element {
            case .f32: values[index] = bytes.loadUnaligned(fromByteOffset: place * 4, as: Float.self)
            case .bf16:
                let bits = bytes.loadUnaligned(fromByteOffset: place * 2, as: UInt16.self)
                values[index] = Float(bitPattern: UInt32(bits) << 16)
            case .f16: values[index] = Float(bytes.loadUnaligned(fromByteOffset: place * 2, as: Float16.self))
            case .f64, .f8e4m3, .f8e5m2, .i64, .i32, .i16, .i8, .u8, .bool:
                preconditionFailure("only weights in f32, f16 and bf16 are coded")
            }
        }
    }
}
