import Base
import CPUDevice
import ElementTypes
import GraphIR
import KernelCodeGen
import KernelIR
import Testing

@testable import KernelJudge
@testable import PackageBuilder

/// Which special numbers a kernel is judged with.
@Suite struct SpecialInputTests {
    /// Whether a product vanishes before it meets an infinity depends on its order, which is the kernel's to choose: the product of the least
    /// number twice and an infinity is infinite in one order and no number in another.
    @Test(arguments: [("product", false), ("sum", true), ("maximum", true)])
    func productsMeetNoSubnormals(_ kind: String, _ expected: Bool) throws {
        let graph = try Graph(
            parsing: """
                graph "reduced"
                input "x" f32[4, 300]
                %0 = input 0 : f32[4, 300]
                %1 = reduce.\(kind) axes [1] %0 : f32[4]
                output "y" %1

                """)
        let emitter = KernelEmitter(CPUTarget(try CPUDevice(threads: 2).limits))
        let kernels = try JudgedKernel.all(
            in: graph, tensors: MemoryTensors(tensors: [:]), generator: CodeGenerator(emitter),
            worker: TestWorker.command, seed: 3)
        let evidence = try #require(kernels.first).evidence
        var subnormal = 0
        var infinite = 0
        for number in 0..<4 {
            let made = try evidence.makeCase(.init(shape: 0, distribution: .special, number: number))
            let values = try #require(made.inputs.first { !$0.isEmpty }).withUnsafeBytes {
                ElementCoding.decode($0, .f32)
            }
            subnormal += values.count { $0 != 0 && abs($0) < Double(Float.leastNormalMagnitude) }
            infinite += values.count { $0.isInfinite }
        }
        #expect((subnormal > 0) == expected)
        #expect(infinite > 0)
    }
}
