import Base
import ElementTypes
import GraphIR
import GraphRewrites

/// What the user allows in fewer bits than the model has.
package enum AllowedBits: Hashable, Sendable {
    /// Weights, which are restored where they are multiplied.
    case weights(WeightFormat)
    /// Products and convolutions by weights: both operands in 8 bits.
    case products
}

/// How products may be computed (`--precision`).
package enum ProductPrecision: String, CaseIterable, Hashable, Sendable {
    /// Products of bytes, summed exactly.
    case int8
}

/// A model whose large weights were coded in fewer bits, because the user allowed it.
package struct CodedModel: Sendable {
    /// With products that read codes and scales.
    package let graph: Graph
    /// The same with the weights restored, for evaluation.
    package let oracle: Graph
    /// The model's tensors with codes, scales and restored weights among them.
    package let tensors: CodedTensors
    package let format: WeightFormat
    /// What was coded.
    package let weights: [CodedWeight]
    /// Weights of products that were left as they are: their rows are no whole number of blocks.
    package let left: [String]
    /// Whether activations become bytes too, while the model runs.
    package let isQuantised: Bool

    /// A model whose products and convolutions by weights multiply bytes: weights and activations of 8 bits
    /// (`quantisingProducts`). Throws `BuildError` where there are none.
    package init(quantising graph: Graph, tensors: any TensorSource) async throws {
        weights = quantisedWeights(graph)
        guard !weights.isEmpty else {
            throw BuildError.unsupported(
                "--precision int8: the model has no product or convolution by a weight that is stored in f32, f16 or bf16"
            )
        }
        format = .int8
        left = []
        isQuantised = true
        self.graph = try quantisingProducts(graph)
        oracle = self.graph
        self.tensors = try await CodedTensors(weights, tensors, format)
    }

    /// The model in the bits that the user allows. Throws `BuildError` where nothing of it can be.
    package init(_ graph: Graph, tensors: any TensorSource, bits: AllowedBits) async throws {
        switch bits {
        case .weights(let format): try await self.init(graph, tensors: tensors, format: format)
        case .products: try await self.init(quantising: graph, tensors: tensors)
        }
    }

    /// Codes the weights that only products sum over. Throws `BuildError` where there are none.
    package init(_ graph: Graph, tensors: any TensorSource, format: WeightFormat) async throws {
        let weights = codedWeights(graph, format)
        guard !weights.isEmpty else {
            throw BuildError.unsupported(
                "--weights \(format.rawValue): the model has no weight that is stored in f32, f16 or bf16 and summed by a product"
            )
        }
        isQuantised = false
        self.format = format
        self.weights = weights
        left = format.block == nil ? [] : codedWeights(graph, .fp8).filter { !weights.contains($0) }.map(\.name)
        self.graph = try decodingWeights(graph, format)
        oracle = try restoringWeights(graph, format)
        self.tensors = try await CodedTensors(weights, tensors, format)
    }

    /// Bytes of the coded weights as the model has them, and as codes and scales.
    package var bytes: (before: Int, after: Int) {
        let coder = WeightCoder(format: format)
        return weights.reduce((0, 0)) {
            (
                $0.0 + $1.rows * $1.depth * $1.type.element.byteCount,
                $0.1 + $1.rows * (coder.codeBytes($1.depth) + coder.scaleBytes($1.depth))
            )
        }
    }

    /// What the package says of it.
    package var summary: String {
        let (before, after) = bytes
        let kept = left.isEmpty ? "" : "; \(left.count) weights without whole blocks were left as they are"
        if isQuantised {
            return
                "int8 (products of bytes: an f32 scale a row of a weight and a row of activations, found as the model runs): "
                + "\(weights.count) weights, \(before) bytes became \(after)"
        }
        return
            "\(format.rawValue) (\(format.summary)): \(weights.count) weights, \(before) bytes became \(after)\(kept)"
    }
}

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
    fileprivate init(_ weights: [CodedWeight], _ tensors: any TensorSource, _ format: WeightFormat) async throws {
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
