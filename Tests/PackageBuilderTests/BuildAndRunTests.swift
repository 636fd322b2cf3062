import Base
import CPUDevice
import DeviceAPI
import ElementTypes
import Foundation
import GraphIR
import KernelCodeGen
import PackageRuntime
import Testing

@testable import PackageBuilder

/// Tensors in memory.
struct MemoryTensors: TensorSource {
    var tensors: [String: [Float]]

    func withTensor<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        try (tensors[name] ?? []).withUnsafeBytes { try body($0) }
    }
}

/// Builds a package from a graph, loads it and runs it once on f32 inputs.
func buildAndRun(
    _ graph: Graph, _ tensors: any TensorSource, _ inputs: [[Float]]
) async throws -> [[Float]] {
    let device = try CPUDevice(threads: 2)
    var pipeline = Pipeline(device: device, toolchain: try await CToolchain.find(), worker: TestWorker.command)
    let path = "\(NSTemporaryDirectory())/hearth-test-\(UInt64.random(in: 0 ... .max)).hearth"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try await pipeline.build(.init(graph: graph, tensors: tensors), to: path)
    let session = try Session(try LoadedPackage(path: path, device: device, verified: true))
    var outputs = session.outputs.map { [Float](repeating: .nan, count: $0.shape.reduce(1, *)) }
    // Safety: the arrays outlive the run, which is inside their scopes.
    let inputPointers = inputs.map { values in
        let copy = UnsafeMutablePointer<Float>.allocate(capacity: values.count)
        copy.initialize(from: values, count: values.count)
        return copy
    }
    defer { for pointer in inputPointers { pointer.deallocate() } }
    let outputPointers = outputs.map { UnsafeMutablePointer<Float>.allocate(capacity: $0.count) }
    defer { for pointer in outputPointers { pointer.deallocate() } }
    try inputPointers.map { UnsafeRawPointer($0) }.withUnsafeBufferPointer { ins in
        try outputPointers.map { UnsafeMutableRawPointer($0) }.withUnsafeBufferPointer { outs in
            try session.run(inputs: ins, outputs: outs)
        }
    }
    for index in outputs.indices {
        outputs[index] = Array(UnsafeBufferPointer(start: outputPointers[index], count: outputs[index].count))
    }
    return outputs
}

/// Deterministic numbers around 0.
func numbers(_ count: Int, seed: UInt64) -> [Float] {
    var random = SeededRandom(seed: seed)
    return (0..<count).map { _ in Float(random.uniform() * 2 - 1) }
}

/// A million terms, summed about as well as PyTorch's cascades do; one chain of additions per lane is five times as far off.
@Test func longSumsRoundLittle() async throws {
    let count = 1 << 20
    var builder = GraphBuilder(name: "sum")
    let type = TensorType(.f32, [Dimension(count)])
    builder.graph.inputs = [GraphPort(name: "x", type: type)]
    let x = try builder.leaf(.input(0, type))
    builder.graph.outputs = [GraphOutput(name: "y", value: try builder.add(.reduce(Reduce(.sum, axes: [0])), [x]))]
    var error = 0.0
    for seed in 1...4 as ClosedRange<UInt64> {
        let values = numbers(count, seed: seed)
        let found = try await buildAndRun(builder.graph, MemoryTensors(tensors: [:]), [values])[0][0]
        error += abs(Double(found) - values.reduce(0.0) { $0 + Double($1) })
    }
    #expect(error <= 1.2e-3)
}

/// Running sums along the last axis and across it: every element within two units in the last place of the largest sum, where
/// plain additions drift off by dozens; infinities go on as such.
@Test(arguments: [(1, 2, 8192), (0, 4096, 16)])
func runningSumsDoNotDrift(axis: Int, rows: Int, columns: Int) async throws {
    let graph = try Graph(
        parsing: """
            graph "running"
            input "x" f32[\(rows), \(columns)]
            %0 = input 0 : f32[\(rows), \(columns)]
            %1 = scan.sum axis \(axis) %0 : f32[\(rows), \(columns)]
            output "y" %1

            """)
    var values = numbers(rows * columns, seed: 3)
    let last = rows * columns - (axis == 1 ? 2 : columns + 1)
    values[last] = .infinity
    let found = try await buildAndRun(graph, MemoryTensors(tensors: [:]), [values])[0]
    let (step, length, lines) = axis == 1 ? (1, columns, rows) : (columns, rows, columns)
    for line in 0..<lines {
        let start = line * (axis == 1 ? columns : 1)
        var (sum, largest, error) = (0.0, 0.0, 0.0)
        for place in 0..<length {
            sum += Double(values[start + place * step])
            let result = Double(found[start + place * step])
            if sum.isFinite {
                largest = max(largest, abs(sum))
                error = max(error, abs(result - sum))
            } else {
                #expect(result == sum)
            }
        }
        #expect(error <= 2 * Double(Float(largest).ulp), "line \(line)")
    }
}

@Test func twoLayersAndSoftmax() async throws {
    let (batch, width, hidden, classes) = (3, 20, 37, 10)
    var builder = GraphBuilder(name: "mlp")
    let inputType = TensorType(.f32, [Dimension(batch), Dimension(width)])
    builder.graph.inputs = [GraphPort(name: "x", type: inputType)]
    let x = try builder.leaf(.input(0, inputType))
    let w1 = try builder.leaf(.parameter("w1", TensorType(.f32, [Dimension(hidden), Dimension(width)])))
    let b1 = try builder.leaf(.parameter("b1", TensorType(.f32, [Dimension(hidden)])))
    let w2 = try builder.leaf(.parameter("w2", TensorType(.f32, [Dimension(classes), Dimension(hidden)])))
    let product = try builder.add(.contract(.matrixProduct(batchRank: 0, transposed: true)), [x, w1])
    let h = try builder.map([product, b1]) { b, a in
        b.apply(.hyperbolicTangent, b.apply(.add, a[0], a[1]))
    }
    let logits = try builder.add(.contract(.matrixProduct(batchRank: 0, transposed: true)), [h, w2])
    let most = try builder.reshape(try builder.add(.reduce(Reduce(.maximum, axes: [1])), [logits]), [3, 1])
    let e = try builder.map([logits, most]) { b, a in b.apply(.exp, b.apply(.subtract, a[0], a[1])) }
    let sum = try builder.reshape(try builder.add(.reduce(Reduce(.sum, axes: [1])), [e]), [3, 1])
    let y = try builder.map([e, sum]) { b, a in b.apply(.divide, a[0], a[1]) }
    builder.graph.outputs = [GraphOutput(name: "y", value: y)]
    let tensors = MemoryTensors(tensors: [
        "w1": numbers(hidden * width, seed: 1), "b1": numbers(hidden, seed: 2),
        "w2": numbers(classes * hidden, seed: 3),
    ])
    let input = numbers(batch * width, seed: 4)
    let found = try await buildAndRun(builder.graph, tensors, [input])[0]
    for row in 0..<batch {
        var hiddenValues: [Double] = []
        for j in 0..<hidden {
            var sum = Double(tensors.tensors["b1"]?[j] ?? 0)
            for k in 0..<width {
                sum += Double(input[row * width + k]) * Double(tensors.tensors["w1"]?[j * width + k] ?? 0)
            }
            hiddenValues.append(tanh(sum))
        }
        let logits = (0..<classes).map { c in
            (0..<hidden).reduce(0.0) { $0 + hiddenValues[$1] * Double(tensors.tensors["w2"]?[c * hidden + $1] ?? 0) }
        }
        let total = logits.reduce(0) { $0 + exp($1) }
        for c in 0..<classes { #expect(abs(Double(found[row * classes + c]) - exp(logits[c]) / total) < 1e-6) }
    }
}
