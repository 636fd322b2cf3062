import Base
import CPUDevice
import DeviceAPI
import ElementTypes
import GraphIR
import GraphLowering
import KernelCodeGen
import KernelIR
import PackageRuntime
import ReferenceInterpreter
import TestSupport
import Testing
import WorkFolders

@testable import PackageBuilder

/// What fusion makes of the rows of `FusionCase`, by the rules and with every decision against them, computes what the
/// interpreter computes.
@Suite struct FusedProgramTests {
    /// Tensors by name.
    private struct NamedTensors: TensorSource {
        var tensors: [String: TensorValue] = [:]

        func withTensor<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
            try (tensors[name]?.bytes ?? []).withUnsafeBytes(body)
        }
    }

    private static func random(_ type: TensorType, _ random: inout SeededRandom) -> TensorValue {
        let shape = type.shape.map { $0.constantValue ?? 0 }
        let count = shape.reduce(1, *)
        return type.element.isInteger
            ? TensorValue(type.element, shape, integers: (0..<count).map { _ in Int64(random.index(below: 4)) })
            : TensorValue(type.element, shape, (0..<count).map { _ in random.uniform() * 2 - 1 }).roundedToElement()
    }

    /// The graph is lowered as it stands, without rewrites; two runs follow one another so that states count.
    @Test(arguments: FusionCase.all, ["clang", "gcc"])
    func computesWhatTheInterpreterDoes(_ row: FusionCase, compiler: String) async throws {
        let toolchain = compiler == "gcc" ? try await CToolchain.find("gcc") : try await CToolchain.find()
        let graph = try Graph(parsing: row.text)
        var random = SeededRandom(seed: 3)
        var source = NamedTensors()
        for node in graph.nodes.rows {
            if case .leaf(.parameter(let name, let type)) = node.operation {
                source.tensors[name] = Self.random(type, &random)
            }
        }
        for state in graph.states { source.tensors[state.name] = Self.random(state.type, &random) }
        let device = try CPUDevice(threads: 2)
        let folder = try TemporaryFolder()
        let emitter = KernelEmitter(CPUTarget(device.limits))
        let objects = KernelObjects(
            toolchain: toolchain, flags: emitter.compilerFlags, folder: folder)
        let maker = PackageMaker(
            model: Pipeline.Model(graph: graph, tensors: source), limits: device.limits,
            generator: CodeGenerator(emitter), objects: objects,
            folder: folder, constants: try ConstantWorkshop(TestWorker.command))
        let rules = Cover(fewRows: row.fewRows)
        let decisions = rules.decisions(graph)
        var choices = [FormChoices()]
        choices[0].cover = rules
        if !decisions.isEmpty {
            let against = decisions.map { ($0.name, !$0.usual) }
            choices.append(FormChoices())
            choices[1].cover = rules.deciding(Dictionary(uniqueKeysWithValues: against))
        }
        // All against the rules lie alike again.
        for decision in decisions where decision.name.hasPrefix("layout.convolve") {
            choices.append(FormChoices())
            choices[choices.count - 1].cover = rules.deciding([decision.name: false])
        }
        for choice in choices {
            let path = folder.newFile("fused.hearth")
            defer { removeTree(path) }
            try await maker.make(try ModelForm(choice, graph), to: path)
            let session = try Session(try LoadedPackage(path: path, device: device, verified: true))
            var interpreter = Interpreter(graph, tensors: source)
            for _ in 0..<2 {
                let inputs = graph.inputs.map { Self.random($0.type, &random) }
                let expected = try interpreter.run(inputs)
                let found = try session.run(
                    inputs.map { HostTensor(TensorDescription($0.element, $0.shape), bytes: $0.bytes) })
                #expect(found.map(\.type) == expected.map { TensorDescription($0.element, $0.shape) })
                for (found, expected) in zip(found, expected) {
                    let scale = expected.doubles.reduce(1) { max($0, $1.magnitude) }
                    let error = zip(found.elements(as: Float.self), expected.doubles).map { abs(Double($0) - $1) }.max()
                    #expect((error ?? 0) <= 2e-6 * scale, "\(choice.cover)")
                }
            }
        }
    }
}
