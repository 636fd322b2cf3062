import Base
import CPUDevice
import DeviceAPI
import ElementTypes
import Foundation
import GraphIR
import GraphLowering
import KernelCodeGen
import KernelIR
import ModelPackage
import ReferenceInterpreter
import Testing

@testable import PackageBuilder

/// A package whose f32 products are six products of bf16 says so wherever it is listed.
@Suite struct SplitProductPackageTests {
    private static let hasAVX512 = (try? CPUDevice(threads: 1))?.limits.supports([.avx512bw, .avx512bf16]) ?? false

    /// The code is compiled for AMX whether it is there or not; only what packs weights runs, which has no tile instruction.
    @Test(.enabled(if: hasAVX512, "needs AVX-512"), arguments: [true, false])
    func saysSo(_ splits: Bool) async throws {
        var b = GraphBuilder(name: "product")
        let type = TensorType(.f32, [32, 64])
        b.graph.inputs = [GraphPort(name: "x", type: type)]
        let x = try b.leaf(.input(0, type))
        let w = try b.leaf(.parameter("w", TensorType(.f32, [64, 64])))
        let y = try b.add(.contract(.matrixProduct(batchRank: 0, transposed: true)), [x, w])
        b.graph.outputs = [GraphOutput(name: "y", value: y)]
        let numbers = (0..<64 * 64).map { Double($0 % 17) - 8 }
        let tensors = ByteTensors(tensors: ["w": TensorValue(.f32, [64, 64], numbers).bytes])
        let device = try CPUDevice(threads: 2)
        var target = CPUTarget(device.limits)
        target.hasAMXBF16 = true
        let flags = ["-mamx-tile", "-mamx-bf16"]
        target.compilerFlags = target.compilerFlags.filter { !flags.contains($0) } + flags
        let emitter = KernelEmitter(target)
        let folder = try TemporaryFolder()
        let maker = PackageMaker(
            model: Pipeline.Model(graph: b.graph, tensors: tensors, record: nil), limits: device.limits,
            generator: CodeGenerator(emitter),
            objects: KernelObjects(
                toolchain: try await CToolchain.find(), flags: emitter.compilerFlags, folder: folder), folder: folder,
            constants: try ConstantWorkshop(TestWorker.command))
        let form = try ModelForm(FormChoices(), try ModelForm.rewritten(b.graph, FormChoices()))
        var schedules: [KernelID: Schedule] = [:]
        for id in form.list.kernels.ids {
            guard case .contraction = form.list.kernels[id].body else { continue }
            schedules[id] = Schedule(["algorithm": 0, "instruction": splits ? 5 : 0])
        }
        #expect(schedules.count == 1)
        let path = folder.newFile("p.hearth")
        var pipeline = Pipeline(device: device, toolchain: try await CToolchain.find(), worker: TestWorker.command)
        try await maker.make(form, schedules, Pipeline.Findings(), &pipeline, to: path)
        let package = try PackageDirectory(path: path)
        let note = "fp32 by six bf16 products (AMX)"
        let fact = package.manifest.provenance.first { $0.name == BuildReport.arithmetic }
        #expect(fact?.value == (splits ? "\(note) in 1 of 1 launches" : nil))
        let plan = try package.plan(package.manifest.plans[0])
        #expect(plan.launches.map { $0.label.hasSuffix(" (\(note))") } == [splits])
        for file in ["kernels/plan.txt", "kernels/plan.c", "report.json"] {
            let text = try String(contentsOfFile: "\(path)/\(file)", encoding: .utf8)
            #expect(text.contains(note) == splits, "\(file)")
        }
    }
}
