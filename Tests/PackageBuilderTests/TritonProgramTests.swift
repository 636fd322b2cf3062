import Base
import CPUDevice
import ElementTypes
import GraphIR
import KernelCodeGen
import KernelIR
import Testing

@testable import PackageBuilder

/// Programs some of whose kernels are in Triton.
@Suite struct TritonProgramTests {
    /// Such a kernel is a unit of its own with its own prelude; its launches ask for the shared memory that its compiler says.
    @Test func kernelsKeepTheirLanguages() throws {
        var b = GraphBuilder(name: "product")
        let type = TensorType(.bf16, [64, 128])
        b.graph.inputs = [GraphPort(name: "x", type: type)]
        let x = try b.leaf(.input(0, type))
        let w = try b.leaf(.parameter("w", TensorType(.bf16, [96, 128])))
        let product = try b.add(.contract(.matrixProduct(batchRank: 0, transposed: true)), [x, w])
        b.graph.outputs = [GraphOutput(name: "y", value: product)]
        var target = SIMTTarget(
            dialect: .cuda, architecture: "sm_90a", warp: 32, threads: 1024, sharedBytes: 232_448, multiprocessors: 132,
            l2Bytes: 50 << 20)
        target.hasTriton = true
        let host = try CPUDevice(threads: 1).limits
        let generator = CodeGenerator(KernelEmitter(CPUTarget(host)), device: SIMTEmitter(target))
        let choices = FormChoices()
        let form = try ModelForm(choices, ModelForm.rewritten(b.graph, choices))
        let id = try #require(
            form.list.kernels.ids.first { if case .contraction = form.list.kernels[$0].body { true } else { false } })
        for (algorithm, isTriton) in [(3, false), (4, true)] {
            let schedule = Schedule(["algorithm": algorithm])
            var program = try GeneratedProgram(form.list, schedules: [id: schedule], generator: generator)
            let symbol = program.emitted[id.index].symbol
            let unit = try #require(program.deviceUnits.first { $0.symbol == symbol })
            #expect((unit.triton != nil) == isTriton)
            #expect(unit.text.hasPrefix("import triton") == isTriton)
            #expect(program.source.contains("#if 0 // Triton\n@triton.jit\ndef \(symbol)(") == isTriton)
            let before = program.emitted[id.index].parts
            program.adopt([.init(name: symbol, bytes: [1], sharedBytes: isTriton ? 12_345 : nil)])
            guard case .grid(let grid) = program.emitted[id.index].parts else {
                Issue.record("no grid")
                continue
            }
            if isTriton {
                #expect(grid.sharedBytes == 12_345)
            } else {
                #expect(program.emitted[id.index].parts == before)
            }
        }
    }
}
