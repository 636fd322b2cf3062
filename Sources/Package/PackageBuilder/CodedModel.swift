import Base
import ElementTypes
import GraphIR
import GraphRewrites
import ReferenceInterpreter

/// What the user allows in fewer bits than the model has.
package enum AllowedBits: Hashable, Sendable {
    /// Weights, which are restored where they are multiplied.
    case weights(WeightFormat)
    /// Products: both operands in fewer bits.
    case products(ProductPrecision)

    /// Whether it only allows what devices may leave.
    package var isPermission: Bool { if case .products(let precision) = self { precision.isPermission } else { false } }
}

/// How products may be computed (`--precision`).
package enum ProductPrecision: String, CaseIterable, Hashable, Sendable {
    /// Products and convolutions by weights as products of bytes, summed exactly (`quantisingProducts`).
    case int8
    /// Products of narrow floats, summed in f32 (`narrowing`).
    case bf16, fp16
    /// Products of f32 whose factors may be rounded to 11 bits, where a device gains by it (`relaxing`): all, or convolutions alone.
    case tf32
    case tf32Convolutions = "tf32-convolutions"

    /// Whether it only allows what devices may leave: by how much results change follows from the type, and a model need not be evaluated.
    package var isPermission: Bool { self == .tf32 || self == .tf32Convolutions }

    /// The float that products read; nil where that is another question.
    var element: ElementType? {
        switch self {
        case .int8, .tf32, .tf32Convolutions: nil
        case .bf16: .bf16
        case .fp16: .f16
        }
    }
}

/// Samples that say which products bear fewer bits.
package struct ProductSamples {
    /// Inputs of calls, in the graph's order; a product whose own error on them is too large stays as it is.
    package var sets: [[TensorValue]]
    /// Inputs from which the ranges of activations follow; without any, ranges are found while the model runs.
    package var calibration: [[TensorValue]] = []
    /// The largest error of one product, root mean square, as a part of its results'.
    package var limit: Double

    /// Makes samples.
    package init(sets: [[TensorValue]], calibration: [[TensorValue]] = [], limit: Double = 0.05) {
        self.sets = sets
        self.calibration = calibration
        self.limit = limit
    }
}

/// A model of which parts are in fewer bits, because the user allowed it.
package struct CodedModel: Sendable {
    /// What is compiled: with products that read codes and scales, or narrow floats.
    package let graph: Graph
    /// The same with the weights restored, for evaluation.
    package let oracle: Graph
    /// The model's tensors with codes, scales and restored weights among them.
    package let tensors: any TensorSource
    /// What of the model has how many bits.
    package let bits: AllowedBits
    /// What was coded; empty where products read narrow floats.
    package let weights: [CodedWeight]
    /// Weights of products that were left as they are: their rows are no whole number of blocks.
    package let left: [String]
    /// Products that were lowered.
    package let products: Int
    /// Products that stay as they are: their own error is too large.
    package let kept: [ProductErrors.Kept]
    /// Products whose activations have a range that samples gave.
    package let calibrated: Int

    /// Whether activations become bytes too, while the model runs.
    package var isQuantised: Bool { bits == .products(.int8) }
    /// Whether the truth is that of the model as it was: rounding to a narrower float is an error, not another model.
    package var keepsTruth: Bool { if case .products(let precision) = bits { precision != .int8 } else { false } }
    /// The name of the format, as options give it.
    package var name: String {
        switch bits {
        case .weights(let format): format.rawValue
        case .products(let precision): precision.rawValue
        }
    }

    /// The model in the bits that the user allows. Throws `BuildError` where nothing of it can be.
    package init(
        _ graph: Graph, tensors: any TensorSource, bits: AllowedBits, samples: ProductSamples
    ) async throws {
        switch bits {
        case .weights(let format): try await self.init(graph, tensors: tensors, format: format)
        case .products(.int8): try await self.init(quantising: graph, tensors: tensors, samples)
        case .products(let precision):
            if let element = precision.element {
                try self.init(narrowing: graph, to: element, bits, tensors: tensors, samples)
            } else {
                try self.init(relaxing: graph, precision, tensors: tensors, samples)
            }
        }
    }

    /// A model whose products and convolutions by weights multiply bytes: weights and activations of 8 bits. Throws `BuildError` where
    /// there are none.
    private init(quantising graph: Graph, tensors: any TensorSource, _ samples: ProductSamples) async throws {
        let all = byteProducts(graph)
        guard !all.isEmpty else {
            throw BuildError.unsupported(
                "--precision int8: the model has no product or convolution by a weight that is stored in f32, f16 or bf16"
            )
        }
        bits = .products(.int8)
        left = []
        // Codes and scales of all are at hand while errors are measured.
        let everything = try await CodedTensors(quantisedWeights(graph, of: all), tensors, .int8)
        let errors = ProductErrors(tensors: everything, sets: samples.sets)
        var ranges = try errors.ranges(graph, all, samples.calibration)
        if !ranges.isEmpty {
            // Where a range that holds for all samples is too coarse, each row has its own again.
            let found = try errors.measured(try ProductProbe.bytes(graph, all, ranges: ranges), all.count)
            for (place, error) in found.enumerated() where !(error <= samples.limit) { ranges[all[place]] = nil }
        }
        let found = try errors.measured(try ProductProbe.bytes(graph, all, ranges: ranges), all.count)
        let kept = ProductErrors.kept(graph, all, found, limit: samples.limit)
        let lowered = try Self.lowered(all, kept)
        self.kept = kept
        products = lowered.count
        calibrated = lowered.count { ranges[$0] != nil }
        weights = quantisedWeights(graph, of: lowered)
        self.graph = try quantisingProducts(graph, lowered, ranges: ranges)
        oracle = self.graph
        self.tensors = everything
    }

    /// A model whose products read f16 or bf16. Throws `BuildError` where it has none in f32.
    private init(
        narrowing graph: Graph, to element: ElementType, _ bits: AllowedBits, tensors: any TensorSource,
        _ samples: ProductSamples
    ) throws {
        self.bits = bits
        self.tensors = tensors
        (weights, left, calibrated) = ([], [], 0)
        // Scales that move into weights do so before these are rounded.
        let graph = try rewrite(graph)
        let all = narrowProducts(graph)
        guard !all.isEmpty else {
            throw BuildError.unsupported(
                "--precision \(element.rawValue): the model has no product, convolution or attention in f32")
        }
        let errors = ProductErrors(tensors: tensors, sets: samples.sets)
        let found = try errors.measured(try ProductProbe.narrow(graph, all, to: element), all.count)
        let kept = ProductErrors.kept(graph, all, found, limit: samples.limit)
        products = try Self.lowered(all, kept).count
        self.kept = kept
        self.graph = try GraphRewrites.narrowing(graph, to: element, keeping: Set(kept.map(\.product)))
        oracle = self.graph
    }

    /// A model whose products of f32 may round their factors. Throws `BuildError` where it has none.
    private init(
        relaxing graph: Graph, _ precision: ProductPrecision, tensors: any TensorSource, _ samples: ProductSamples
    ) throws {
        bits = .products(precision)
        self.tensors = tensors
        (weights, left, calibrated) = ([], [], 0)
        let graph = try rewrite(graph)
        let isPart = precision == .tf32Convolutions
        let all = relaxableProducts(graph, convolutionsOnly: isPart)
        guard !all.isEmpty else {
            throw BuildError.unsupported(
                "--precision \(precision.rawValue): the model has no \(isPart ? "" : "product or ")convolution in f32")
        }
        let errors = ProductErrors(tensors: tensors, sets: samples.sets)
        let found = try errors.measured(try ProductProbe.relaxed(graph, all, to: .tf32), all.count)
        kept = ProductErrors.kept(graph, all, found, limit: samples.limit)
        let lowered = try Self.lowered(all, kept)
        products = lowered.count
        self.graph = GraphRewrites.relaxing(graph, lowered)
        oracle = self.graph
    }

    /// The products that are not kept; throws `BuildError` where there are none.
    private static func lowered(_ all: [NodeID], _ kept: [ProductErrors.Kept]) throws -> [NodeID] {
        let lowered = all.filter { id in !kept.contains { $0.product == id } }
        guard lowered.isEmpty, let least = kept.min(by: { $0.error < $1.error }) else { return lowered }
        throw BuildError.unsupported(
            "--precision: every product's own error is beyond --layer-error; the least is that of \(least)")
    }

    /// Codes the weights that only products sum over. Throws `BuildError` where there are none.
    package init(_ graph: Graph, tensors: any TensorSource, format: WeightFormat) async throws {
        let weights = codedWeights(graph, format)
        guard !weights.isEmpty else {
            throw BuildError.unsupported(
                "--weights \(format.rawValue): the model has no weight that is stored in f32, f16 or bf16 and summed by a product"
            )
        }
        bits = .weights(format)
        self.weights = weights
        left = format.block == nil ? [] : codedWeights(graph, .fp8).filter { !weights.contains($0) }.map(\.name)
        (products, kept, calibrated) = (0, [], 0)
        self.graph = try decodingWeights(graph, format)
        oracle = try restoringWeights(graph, format)
        self.tensors = try await CodedTensors(weights, tensors, format)
    }

    /// Bytes of the coded weights as the model has them, and as codes and scales.
    package var bytes: (before: Int, after: Int) {
        let format = if case .weights(let format) = bits { format } else { WeightFormat.int8 }
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
        switch bits {
        case .weights(let format):
            let rest = left.isEmpty ? "" : "; \(left.count) weights without whole blocks were left as they are"
            return
                "\(format.rawValue) (\(format.summary)): \(weights.count) weights, \(before) bytes became \(after)\(rest)"
        case .products(.int8):
            let ranges =
                calibrated == 0
                ? "found as the model runs" : "found as the model runs, but for \(calibrated) by the samples' range"
            return
                "int8 (products of bytes: an f32 scale a row of a weight and a row of activations, \(ranges)): "
                + "\(weights.count) weights, \(before) bytes became \(after)\(keptSummary)"
        case .products(.tf32), .products(.tf32Convolutions):
            return
                "\(name) (factors of f32 may be rounded to TF32, sums in f32): \(products) of "
                + "\(products + kept.count) \(name == "tf32" ? "products" : "convolutions")\(keptSummary)"
        case .products(let precision):
            return
                "\(precision.rawValue) (products of \(precision.rawValue), summed in f32): \(products) of "
                + "\(products + kept.count) products\(keptSummary)"
        }
    }

    private var keptSummary: String {
        guard !kept.isEmpty else { return "" }
        let worst = kept.sorted { $0.error > $1.error }
        let others = worst.count > 3 ? " and \(worst.count - 3) others" : ""
        return
            "; left as they are for their error: \(worst.prefix(3).map(\.description).joined(separator: ", "))\(others)"
    }
}
