import Base
import ElementTypes
import GraphIR
import GraphRewrites
import ReferenceInterpreter
import Testing

@testable import PackageBuilder

/// Weights in fewer bits: what codes and scales stand for, which weights are coded, and what comes of it.
@Suite struct CodedModelTests {
    /// A row's codes and scales, and what they stand for.
    private static func coded(_ row: [Float], _ format: WeightFormat) -> (
        codes: [UInt8], scales: [UInt8], back: [Float]
    ) {
        let coder = WeightCoder(format: format)
        var codes = [UInt8](repeating: 0xAA, count: coder.codeBytes(row.count))
        var scales = [UInt8](repeating: 0xAA, count: coder.scaleBytes(row.count))
        var back = [Float](repeating: .nan, count: row.count)
        row.withUnsafeBufferPointer { row in
            codes.withUnsafeMutableBytes { codes in
                scales.withUnsafeMutableBytes { coder.encode(row, codes: codes, scales: $0) }
            }
        }
        codes.withUnsafeBytes { codes in
            scales.withUnsafeBytes { scales in
                back.withUnsafeMutableBufferPointer { coder.decode(codes, scales, into: $0) }
            }
        }
        return (codes, scales, back)
    }

    private static func error(_ a: [Float], _ b: [Float]) -> Double {
        zip(a, b).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    }

    @Test func rowsOfBytesHaveTheirGreatestAsTheGreatestCode() {
        let row = numbers(200, seed: 3)
        let greatest = row.map(abs).max() ?? 0
        let int8 = Self.coded(row, .int8)
        for (value, code) in zip(row, int8.codes) {
            #expect(Int8(bitPattern: code) == Int8((value / (greatest / 127)).rounded(.toNearestOrEven)))
        }
        let fp8 = Self.coded(row, .fp8)
        for (value, code) in zip(row, fp8.codes) {
            #expect(code == Float8.e4m3.bits(Double(value / (greatest / 448))))
        }
        #expect(fp8.codes.contains { $0 & 0x7F == 0x7E })
    }

    /// No scale of a fine grid around the usual ones does better by much, and the usual one (the extreme as −8) none better.
    @Test func blocksHaveAScaleOfLittleError() {
        for seed in UInt64(1)...20 {
            let block = numbers(32, seed: seed)
            let found = Self.error(block, Self.coded(block, .int4).back)
            func error(_ scale: Float) -> Double {
                Self.error(block, block.map { max(-8, min(7, ($0 / scale).rounded(.toNearestOrEven))) * scale })
            }
            let extreme = block.max { abs($0) < abs($1) } ?? 0
            #expect(found <= error(extreme / -8) * 1.05)
            let best =
                (0...400).flatMap { part -> [Double] in
                    let share = 0.6 + 0.001 * Float(part)
                    return [error(extreme / -8 * share), error(extreme / 7 * share)]
                }.min() ?? 0
            #expect(found <= best * 1.3)
        }
    }

    @Test(arguments: WeightFormat.allCases) func zerosStayZeros(_ format: WeightFormat) {
        let (_, _, back) = Self.coded([Float](repeating: 0, count: 64), format)
        #expect(back.allSatisfy { $0 == 0 })
        // A block of zeros beside one of numbers.
        let mixed = [Float](repeating: 0, count: 32) + numbers(32, seed: 5)
        #expect(Self.coded(mixed, format).back[..<32].allSatisfy { $0 == 0 })
    }

    /// `x [3, 64]` by a weight `[80, 64]`, by one `[80, 96]` the other way about, and by slices of three axes; the first is read
    /// elsewhere too.
    private static func model() throws -> (Graph, MemoryTensors) {
        var b = GraphBuilder(name: "model")
        let type = TensorType(.f32, [3, 64])
        b.graph.inputs = [GraphPort(name: "x", type: type)]
        let x = try b.leaf(.input(0, type))
        let first = try b.leaf(.parameter("first", TensorType(.f32, [80, 64])))
        let second = try b.leaf(.parameter("second", TensorType(.f32, [80, 96])))
        let third = try b.leaf(.parameter("third", TensorType(.f32, [2, 96, 64])))
        let y = try b.add(.contract(.matrixProduct(batchRank: 0, transposed: true)), [x, first])
        let turned = try b.view(.permute([1, 0]), second)
        let z = try b.add(.contract(.matrixProduct(batchRank: 0, transposed: true)), [y, turned])
        let pair = try b.add(.contract(Contract(left: [0, 1], right: [2, 1, 3], result: [2, 0, 3])), [z, third])
        let row = try b.view(.slice(axis: 0, start: 5, count: 1, step: 1), first)
        b.graph.outputs = [
            GraphOutput(name: "z", value: z), GraphOutput(name: "pair", value: pair),
            GraphOutput(name: "row", value: row),
        ]
        return (
            b.graph,
            MemoryTensors(tensors: [
                "first": numbers(80 * 64, seed: 1), "second": numbers(80 * 96, seed: 2),
                "third": numbers(2 * 96 * 64, seed: 4),
            ])
        )
    }

    /// Decoded where they are used, and restored beforehand, weights are the same numbers, near to what they were.
    @Test(arguments: WeightFormat.allCases) func codedAndRestoredAgree(_ format: WeightFormat) async throws {
        let (graph, tensors) = try Self.model()
        let coded = try await CodedModel(graph, tensors: tensors, format: format)
        // The second is summed over 80 elements, which are no whole blocks.
        #expect(coded.weights.map(\.name) == (format == .int4 ? ["first", "third"] : ["first", "second", "third"]))
        #expect(coded.left == (format == .int4 ? ["second"] : []))
        let input = TensorValue(.f32, [3, 64], numbers(3 * 64, seed: 9).map(Double.init))
        var runs: [[TensorValue]] = []
        for (graph, source) in [
            (graph, tensors as any TensorSource), (coded.graph, coded.tensors), (coded.oracle, coded.tensors),
        ] {
            var interpreter = Interpreter(graph, tensors: source)
            runs.append(try interpreter.run([input]))
        }
        for (output, allowed) in zip(0..<3, [0.2, 0.25, 0]) {
            let deviation = Deviation(runs[1][output].doubles, from: runs[2][output].doubles, width: 1)
            #expect(deviation.largest < 1e-6, "\(format) \(output)")
            let distance = Deviation(runs[1][output].doubles, from: runs[0][output].doubles, width: 1)
            #expect(
                distance.relative <= allowed && (allowed == 0 || distance.relative > 1e-4), "\(format): \(distance)")
        }
    }

    @Test(arguments: WeightFormat.allCases) func packagesComputeWhatIsCoded(_ format: WeightFormat) async throws {
        let (graph, tensors) = try Self.model()
        let coded = try await CodedModel(graph, tensors: tensors, format: format)
        let input = numbers(3 * 64, seed: 9)
        var interpreter = Interpreter(coded.oracle, tensors: coded.tensors)
        let truth = try interpreter.run([TensorValue(.f32, [3, 64], input.map(Double.init))])
        let found = try await buildAndRun(coded.graph, coded.tensors, [input])
        for (values, wanted) in zip(found, truth) {
            let deviation = Deviation(values.map(Double.init), from: wanted.doubles, width: 1)
            #expect(deviation.largest < 1e-5, "\(format): \(deviation)")
        }
    }

    /// Products and a convolution of bytes are near to what they were, and packages compute them as the interpreter does.
    @Test func productsOfBytes() async throws {
        var b = GraphBuilder(name: "bytes")
        let type = TensorType(.f32, [2, 12, 9, 9])
        b.graph.inputs = [GraphPort(name: "x", type: type)]
        let x = try b.leaf(.input(0, type))
        let convolve = Convolve(stride: [2, 1], paddingLow: [1, 0], paddingHigh: [1, 2], dilation: [1, 2])
        let kernels = try b.leaf(.parameter("kernels", TensorType(.f32, [40, 12, 3, 3])))
        let y = try b.map([try b.add(.convolve(convolve), [x, kernels])]) { $0.apply(.maximum, $1[0], $0.real(0)) }
        // [2, 40, 5, 7] by [280, 33], turned, and by weights on the left.
        let rows = try b.reshape(y, [2, 5, 280])
        let z = try b.add(
            .contract(Contract(left: [0, 1, 2], right: [2, 3], result: [0, 3, 1])),
            [rows, try b.leaf(.parameter("table", TensorType(.f32, [280, 33])))])
        let w = try b.add(
            .contract(Contract(left: [4, 3], right: [0, 3, 1], result: [0, 1, 4])),
            [try b.leaf(.parameter("first", TensorType(.f32, [150, 33]))), z])
        b.graph.outputs = [GraphOutput(name: "z", value: z), GraphOutput(name: "w", value: w)]
        let tensors = MemoryTensors(tensors: [
            "kernels": numbers(40 * 12 * 9, seed: 1), "table": numbers(280 * 33, seed: 2),
            "first": numbers(150 * 33, seed: 3),
        ])
        let input = numbers(2 * 12 * 81, seed: 9)
        let value = TensorValue(.f32, [2, 12, 9, 9], input.map(Double.init))
        let coded = try await CodedModel(
            b.graph, tensors: tensors, bits: .products(.int8), samples: ProductSamples(sets: [[value]]))
        #expect(coded.weights.map(\.name) == ["kernels", "table", "first"])
        var model = Interpreter(b.graph, tensors: tensors)
        let original = try model.run([value])
        var quantised = Interpreter(coded.graph, tensors: coded.tensors)
        let truth = try quantised.run([value])
        let found = try await buildAndRun(coded.graph, coded.tensors, [input])
        for output in 0..<2 {
            let distance = Deviation(truth[output].doubles, from: original[output].doubles, width: 1)
            #expect(distance.relative < 0.03 && distance.relative > 1e-4, "\(distance)")
            // A byte may be another where a number lies between two.
            let deviation = Deviation(found[output].map(Double.init), from: truth[output].doubles, width: 1)
            #expect(deviation.relative < 1e-3, "\(deviation)")
        }
        // The witness of the whole is the least accurate of several runs in f32, not the first.
        var record = ReferenceRecord(drawnFor: b.graph, samples: [], sets: 1, seed: 4)
        try record.evaluate(b.graph, tensors: tensors)
        try record.evaluate(coded)
        var plain = Interpreter(coded.graph, tensors: coded.tensors, policy: .roundAfterEachNode)
        let once = try plain.run(record.sets[0].inputs)
        var isDisturbed = false
        for output in 0..<2 {
            let exact = record.sets[0].truth[output].doubles
            let one = Deviation(once[output].doubles, from: exact, width: 1)
            let least = Deviation(record.sets[0].outputs[output].doubles, from: exact, width: 1)
            #expect(least.relative >= one.relative && least.relative < 1e-2, "\(least); one run \(one)")
            isDisturbed = isDisturbed || least.relative > one.relative
        }
        #expect(isDisturbed)
        // Nothing to quantise: too few elements.
        var small = GraphBuilder(name: "small")
        small.graph.inputs = [GraphPort(name: "x", type: TensorType(.f32, [3, 8]))]
        let product = try small.add(
            .contract(.matrixProduct(batchRank: 0)),
            [
                try small.leaf(.input(0, TensorType(.f32, [3, 8]))),
                try small.leaf(.parameter("w", TensorType(.f32, [8, 8]))),
            ])
        small.graph.outputs = [GraphOutput(name: "y", value: product)]
        let graph = small.graph
        await #expect(throws: BuildError.self) {
            _ = try await CodedModel(
                graph, tensors: tensors, bits: .products(.int8), samples: ProductSamples(sets: []))
        }
    }

    /// Products that may round their factors; those beyond the limit stay, and convolutions are none of a product's.
    @Test func factorsMayBeRounded() async throws {
        var b = GraphBuilder(name: "small")
        let type = TensorType(.f32, [3, 8])
        b.graph.inputs = [GraphPort(name: "x", type: type)]
        let weight = try b.leaf(.parameter("w", TensorType(.f32, [8, 8])))
        let y = try b.add(.contract(.matrixProduct(batchRank: 0)), [try b.leaf(.input(0, type)), weight])
        b.graph.outputs = [GraphOutput(name: "y", value: y)]
        let graph = b.graph
        let values = numbers(64, seed: 4)
        let tensors = MemoryTensors(tensors: ["w": values])
        let input = TensorValue(.f32, [3, 8], numbers(24, seed: 5).map(Double.init))
        let samples = ProductSamples(sets: [[input]])
        let model = try await CodedModel(graph, tensors: tensors, bits: .products(.tf32), samples: samples)
        #expect(
            model.products == 1 && model.kept.isEmpty && model.keepsTruth && model.summary.contains("1 of 1 products"))
        #expect(model.graph.description.contains(" tf32 %"))
        await #expect(throws: BuildError.self) {
            _ = try await CodedModel(
                graph, tensors: tensors, bits: .products(.tf32Convolutions), samples: samples)
        }
        await #expect(throws: BuildError.self) {
            _ = try await CodedModel(
                graph, tensors: tensors, bits: .products(.tf32),
                samples: ProductSamples(sets: [[input]], limit: 1e-6))
        }
    }

    @Test func modelsWithoutSuchWeightsAreRefused() async throws {
        var b = GraphBuilder(name: "small")
        let type = TensorType(.f32, [3, 8])
        b.graph.inputs = [GraphPort(name: "x", type: type)]
        let weight = try b.leaf(.parameter("w", TensorType(.f32, [8, 8])))
        let y = try b.add(.contract(.matrixProduct(batchRank: 0)), [try b.leaf(.input(0, type)), weight])
        b.graph.outputs = [GraphOutput(name: "y", value: y)]
        let graph = b.graph
        await #expect(throws: BuildError.self) {
            _ = try await CodedModel(graph, tensors: MemoryTensors(tensors: [:]), format: .fp8)
        }
    }

    @Test func deviationsAreOfWhatIsLarge() {
        let deviation = Deviation([1, 2, 3, 5], from: [1, 2, 3, 4], width: 2)
        #expect(abs(deviation.relative - (1.0 / 30).squareRoot()) < 1e-12)
        #expect(abs(deviation.largest - 1 / (30.0 / 4).squareRoot()) < 1e-12)
        #expect(deviation.sameGreatest == 1)
        #expect(Deviation([2, 1, 3, 4], from: [1, 2, 3, 4], width: 2).sameGreatest == 0.5)
        #expect(Deviation([1, 2], from: [1, 2], width: 1).sameGreatest == nil)
    }
}
