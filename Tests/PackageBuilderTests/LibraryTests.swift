import Base
import CPUDevice
import DeviceAPI
import ElementTypes
import GraphIR
import GraphLowering
import KernelCodeGen
import KernelIR
import ModelPackage
import PackageRuntime
import ReferenceInterpreter
import Testing

@testable import PackageBuilder

/// Products through oneDNN, with their epilogues, beside the truth.
@Suite struct LibraryTests {
    /// A product to try; `transposed` weights are stored as `torch.nn.Linear` stores them.
    struct Case: CustomTestStringConvertible {
        var rows: Int
        var columns: Int
        var depth: Int
        var element = ElementType.f32
        var transposed = true

        var testDescription: String {
            "\(rows)x\(columns)x\(depth) \(element.rawValue)\(transposed ? " transposed" : "")"
        }
    }

    static let cases = [
        Case(rows: 2, columns: 1, depth: 7), Case(rows: 1, columns: 300, depth: 65),
        Case(rows: 3, columns: 17, depth: 5),
        Case(rows: 130, columns: 1100, depth: 33), Case(rows: 64, columns: 512, depth: 128, transposed: false),
        Case(rows: 65, columns: 257, depth: 31, transposed: false),
        Case(rows: 2, columns: 128, depth: 64, element: .bf16),
        Case(rows: 70, columns: 300, depth: 66, element: .bf16),
        Case(rows: 33, columns: 48, depth: 128, element: .bf16, transposed: false),
    ]

    private static var isThere: Bool { (try? CPUDevice(threads: 1).library(named: "oneDNN")) ?? nil != nil }

    @Test(.enabled(if: isThere, "oneDNN is not installed (Debian: libdnnl-dev)"), arguments: cases, [3, 4])
    func productsAgree(with test: Case, algorithm: Int) async throws {
        var b = GraphBuilder(name: "product")
        let (rows, columns, depth) = (Dimension(test.rows), Dimension(test.columns), Dimension(test.depth))
        let inputType = TensorType(test.element, [rows, depth])
        b.graph.inputs = [GraphPort(name: "x", type: inputType)]
        let x = try b.leaf(.input(0, inputType))
        let w = try b.leaf(
            .parameter("w", TensorType(test.element, test.transposed ? [columns, depth] : [depth, columns])))
        let bias = try b.leaf(.parameter("bias", TensorType(.f32, [columns])))
        let product = try b.add(.contract(.matrixProduct(batchRank: 0, transposed: test.transposed)), [x, w])
        let y = try b.map([try b.map([product]) { $0.cast($1[0], .f32) }, bias]) {
            $0.apply(.hyperbolicTangent, $0.apply(.add, $1[0], $1[1]))
        }
        b.graph.outputs = [GraphOutput(name: "y", value: y)]
        let weights = TensorValue(
            test.element, [test.depth * test.columns],
            numbers(test.depth * test.columns, seed: 1).map { Double($0) / Double(test.depth).squareRoot() })
        let tensors = ByteTensors(tensors: [
            "w": weights.roundedToElement().bytes,
            "bias": TensorValue(.f32, [test.columns], numbers(test.columns, seed: 2).map { Double($0) }).bytes,
        ])
        var record = ReferenceRecord(drawnFor: b.graph, samples: [], sets: 1, seed: 3)
        try record.evaluate(b.graph, tensors: tensors)
        let model = Pipeline.Model(graph: b.graph, tensors: tensors, record: record)
        let device = try CPUDevice(threads: 2)
        let folder = try TemporaryFolder()
        let emitter = KernelEmitter(CPUTarget(device.limits))
        let maker = PackageMaker(
            model: model, limits: device.limits, generator: CodeGenerator(emitter),
            objects: KernelObjects(
                toolchain: try await CToolchain.find(), flags: emitter.compilerFlags, folder: folder), folder: folder,
            constants: try ConstantWorkshop(TestWorker.command))
        let form = try ModelForm(FormChoices(), try ModelForm.rewritten(b.graph, FormChoices()))
        var schedules: [KernelID: Schedule] = [:]
        for id in form.list.kernels.ids {
            if case .contraction = form.list.kernels[id].body { schedules[id] = Schedule(["algorithm": algorithm]) }
        }
        #expect(schedules.count == 1)
        let path = folder.newFile("p.hearth")
        var pipeline = Pipeline(device: device, toolchain: try await CToolchain.find(), worker: TestWorker.command)
        try await maker.make(form, schedules, Pipeline.Findings(), &pipeline, to: path)
        let loaded = try LoadedPackage(path: path, device: device, verified: true)
        // A single column is no matrix product; all others call the library.
        let calls = loaded.plan.buffers.rows.contains { $0.placement == .library("oneDNN") }
        #expect(calls == (test.columns > 1))
        // What calls a library says so: in the plan, from which report, manifest and `inspect` take it.
        #expect((loaded.plan.libraryNote?.contains("oneDNN") ?? false) == calls)
        let set = try #require(record.sets.first)
        let outputs = try Session(loaded).run(
            set.inputs.map { HostTensor(TensorDescription($0.element, $0.shape), bytes: $0.bytes) })
        let value = try #require(TensorValue(.f32, set.truth[0].shape, bytes: outputs[0].bytes))
        // Inputs are exact; sums of at most 128 products of numbers around 1/√depth are in f32. A bf16 product rounds once.
        let allowed = test.element == .bf16 ? 0x1p-8 : 2e-6
        for (a, b) in zip(value.doubles, set.truth[0].doubles) { #expect(abs(a - b) <= allowed) }
    }
}

/// Tensors as bytes in memory.
struct ByteTensors: TensorSource {
    var tensors: [String: [UInt8]]

    func withTensor<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        try (tensors[name] ?? []).withUnsafeBytes { try body($0) }
    }
}
