import CPUDevice
import ElementTypes
import GraphIR
import ModelPackage
import Testing

@testable import PackageBuilder

/// What a package says of the program that it was built from.
@Suite struct ProgramDigestTests {
    private struct Version {
        var name = "m"
        var line = "model.py:7"
        var weight: Float = 1
        var width = 16

        func graph() throws -> (Graph, MemoryTensors) {
            var builder = GraphBuilder(name: name)
            let type = TensorType(.f32, [5, 24])
            builder.graph.inputs = [GraphPort(name: "x", type: type)]
            builder.origin = line
            let value = try builder.leaf(.input(0, type))
            let matrix = try builder.leaf(.parameter("w", TensorType(.f32, [Dimension(width), 24])))
            let product = try builder.add(
                .contract(.matrixProduct(batchRank: 0, transposed: true)), [value, matrix])
            builder.graph.outputs = [GraphOutput(name: "y", value: product)]
            return (builder.graph, MemoryTensors(tensors: ["w": [Float](repeating: weight, count: width * 24)]))
        }

        func digest() throws -> ProgramDigest {
            let (graph, tensors) = try graph()
            return try ProgramDigest(graph, tensors: tensors)
        }
    }

    @Test func aNameAndALineOfModelCodeAreNoPartOfIt() throws {
        #expect(try Version(name: "other", line: "elsewhere.py:9").digest() == Version().digest())
    }

    @Test func graphAndWeightsAreToldApart() throws {
        let first = try Version().digest()
        let weights = try Version(weight: 2).digest()
        #expect(weights.graph == first.graph && weights.weights != first.weights)
        let graph = try Version(width: 20).digest()
        #expect(graph.graph != first.graph)
    }

    @Test func aPackageSaysIt() throws {
        let digest = try Version().digest()
        #expect(ProgramDigest([.init(name: "model", value: "m.pt2")] + digest.facts) == digest)
        #expect(ProgramDigest([digest.facts[0]]) == nil)
        let limits = try CPUDevice(threads: 2).limits
        let kernels = try RuleKernels(Version().graph().0, on: limits)
        #expect(RuleKernels([kernels.fact]) == kernels && kernels.keys.count == 1)
        #expect(try RuleKernels(Version(width: 20).graph().0, on: limits).keys.isDisjoint(with: kernels.keys))
        #expect(RuleKernels([Manifest.Fact(name: "model", value: "m.pt2")]) == nil)
    }
}
