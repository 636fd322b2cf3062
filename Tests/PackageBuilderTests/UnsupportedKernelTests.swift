import CPUDevice
import DeviceAPI
import ElementTypes
import Foundation
import GraphIR
import KernelCodeGen
import Testing

@testable import PackageBuilder

/// Kernels that a device's generator does not write are the model's border, not a bug: the error says what and where.
@Suite struct UnsupportedKernelTests {
    @Test func deepAttentionOnBlocksOfThreads() async throws {
        var b = GraphBuilder(name: "deep")
        let type = TensorType(.f16, [1, 1, 4, 16384])
        b.graph.inputs = [GraphPort(name: "q", type: type)]
        let q = try b.leaf(.input(0, type))
        let y = try b.add(.attend(.init(hasMask: false, isCausal: false, scale: 1)), [q, q, q])
        b.graph.outputs = [GraphOutput(name: "y", value: y)]
        let limits = DeviceLimits(
            name: "opencl", kind: .openCL, vendor: "", model: "", features: [], cores: 4, threads: 4,
            blocks: .init(architecture: "opencl", warp: 32, threads: 256, sharedBytes: 1 << 15),
            caches: .init(l1Data: 0, l2: 1 << 20, l3: 0, l3SharedBy: 0), memoryBytes: 1 << 30, vectorBytes: 16,
            elementTypes: ElementType.allCases, dialects: [.openCLC], readsHostMemory: false, capturesGraphs: false)
        var pipeline = try #require(
            Pipeline(
                limits: limits, images: DeviceImages(.atLoad), host: try CPUDevice(threads: 1).limits,
                toolchain: try await CToolchain.find(), worker: TestWorker.command))
        let path = "\(NSTemporaryDirectory())/hearth-test-\(UInt64.random(in: 0 ... .max)).hearth"
        let graph = b.graph
        let error = await #expect(throws: BuildError.self) {
            try await pipeline.build(.init(graph: graph, tensors: MemoryTensors(tensors: [:])), to: path)
        }
        let line = "not supported on opencl yet: cannot generate kernel attend_"
        #expect(error?.description.hasPrefix(line) == true, "\(error.map { "\($0)" } ?? "")")
        #expect(!FileManager.default.fileExists(atPath: path))
    }
}
