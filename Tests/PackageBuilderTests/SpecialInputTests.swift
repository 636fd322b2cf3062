import Base
import CPUDevice
import ElementTypes
import Foundation
import GraphIR
import KernelCodeGen
import KernelIR
import ReferenceInterpreter
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
            let made = try evidence.makeCase(.init(0, .special, number))
            let values = try #require(made.inputs.first { !$0.isEmpty }).withUnsafeBytes {
                ElementCoding.decode($0, .f32)
            }
            subnormal += values.count { $0 != 0 && abs($0) < Double(Float.leastNormalMagnitude) }
            infinite += values.count { $0.isInfinite }
        }
        #expect((subnormal > 0) == expected)
        #expect(infinite > 0)
    }

    /// The kernels of a graph with what they are judged by.
    private static func kernels(_ text: String, _ tensors: [String: [Float]] = [:]) throws -> [JudgedKernel] {
        try JudgedKernel.all(
            in: try Graph(parsing: "graph \"g\"\n" + text), tensors: MemoryTensors(tensors: tensors),
            generator: CodeGenerator(KernelEmitter(CPUTarget(try CPUDevice(threads: 2).limits))),
            worker: TestWorker.command, seed: 3)
    }

    private static let product = """
        input "x" f32[5, 24]
        input "z" f32[24, 7]
        %0 = input 0 : f32[5, 24]
        %1 = input 1 : f32[24, 7]
        %2 = contract [0, 1] [1, 2] [0, 2] %0, %1 : f32[5, 7]
        output "y" %2

        """
    private static let attention = """
        input "q" f32[1, 2, 5, 8]
        input "k" f32[1, 2, 9, 8]
        input "m" f32[1, 2, 5, 9]
        %0 = input 0 : f32[1, 2, 5, 8]
        %1 = input 1 : f32[1, 2, 9, 8]
        %2 = input 2 : f32[1, 2, 5, 9]
        %3 = attend mask scale 0.5 %0, %1, %1, %2 : f32[1, 2, 5, 8]
        output "y" %3

        """
    private static let sort = """
        input "x" f32[4, 9]
        %0 = input 0 : f32[4, 9]
        %1 = sort axis 1 %0 : f32[4, 9], i64[4, 9]
        output "values" %1
        output "positions" %1.1

        """

    /// Every kind meets infinities and NaN; what nearly overflows only products as they stand, whose errors truth can measure.
    @Test(arguments: [
        (product, [InputDistribution.special, .infinite, .greatest, .subnormal], true, false),
        (product.replacing("f32", with: "f64"), [.special, .infinite], true, false),
        (attention, [.special, .infinite], true, false), (sort, [.special], false, true),
    ]) func everyKindMeetsSpecialNumbers(
        text: String, expected: [InputDistribution], mixes: Bool, subnormals: Bool
    ) throws {
        let oracle = try #require(try Self.kernels(text).first).evidence.oracle
        #expect(oracle.distributions == InputDistribution.plain + expected)
        #expect(oracle.mixesElements == mixes)
        #expect(oracle.allowsSubnormals == subnormals)
    }

    /// One infinity of either sign a tensor in what is drawn for small products; the largest number in one tensor, in the next draw in another.
    @Test func extremesStandAlone() throws {
        let evidence = try #require(try Self.kernels(Self.product).first).evidence
        func counts(_ distribution: InputDistribution, _ number: Int) throws -> [Int] {
            let made = try evidence.makeCase(.init(0, distribution, number))
            return made.inputs.filter { !$0.isEmpty }.map { input in
                input.withUnsafeBytes { ElementCoding.decode($0, .f32) }.count {
                    abs($0) >= Double(Float.greatestFiniteMagnitude)
                }
            }
        }
        let infinite = try counts(.infinite, 0)
        #expect(infinite.count > 1 && infinite.allSatisfy { $0 == 2 })
        let tensors = evidence.mayOverflow.count
        #expect(tensors > 1)
        let draws = try (0..<tensors).map { try counts(.greatest, $0) }
        #expect(draws.allSatisfy { $0.reduce(0, +) == 1 })
        #expect(Set(draws).count == tensors)
        // Most of one tensor is subnormal, each of them once, and nothing of the others.
        let vanishing = try evidence.mayVanish.indices.map { number in
            try evidence.makeCase(.init(0, .subnormal, number)).inputs.filter { !$0.isEmpty }.map { input in
                let values = input.withUnsafeBytes { ElementCoding.decode($0, .f32) }
                return 2 * values.count { abs($0) < Double(Float.leastNormalMagnitude) && $0 != 0 } > values.count
            }
        }
        #expect(vanishing.allSatisfy { $0.count(where: { $0 }) == 1 } && Set(vanishing).count == tensors)
    }

    /// Masks hide whole rows, parts of them and nothing.
    @Test func masksHideKeys() throws {
        let evidence = try #require(try Self.kernels(Self.attention).first).evidence
        var hidden: Set<Int> = []
        for number in 0..<8 {
            let made = try evidence.makeCase(.init(0, .special, number))
            let mask = made.inputs[2].withUnsafeBytes { ElementCoding.decode($0, .f32) }
            #expect(mask.allSatisfy { $0 == 0 || $0 == -.infinity })
            for row in 0..<10 { hidden.insert(mask[row * 9..<(row + 1) * 9].count { $0 != 0 }) }
        }
        #expect(hidden.contains(0) && hidden.contains(9) && hidden.count > 2)
    }

    /// Kernels skip blocks of keys that nobody sees, so that what those hold tells nothing.
    @Test func hiddenKeysTellNothing() throws {
        let graph = try Graph(parsing: "graph \"g\"\n" + Self.attention)
        var keys = [Double](repeating: 1, count: 2 * 9 * 8)
        // The last key of each head.
        for head in 0..<2 { keys[head * 72 + 64] = .nan }
        var mask = [Double](repeating: 0, count: 2 * 5 * 9)
        for row in 1..<10 { mask[row * 9 + 8] = -.infinity }
        let inputs = [
            TensorValue(.f32, [1, 2, 5, 8], [Double](repeating: 1, count: 80)), TensorValue(.f32, [1, 2, 9, 8], keys),
            TensorValue(.f32, [1, 2, 5, 9], mask),
        ]
        for (skips, expected) in [(false, 10), (true, 1)] {
            var interpreter = Interpreter(graph, tensors: MemoryTensors(tensors: [:]))
            interpreter.skipsHidden = skips
            let result = try interpreter.run(inputs)[0].doubles
            let rows = (0..<10).count { row in result[row * 8..<(row + 1) * 8].contains(where: \.isNaN) }
            #expect(rows == expected)
        }
    }

    /// Winograd's transform subtracts elements of a window: it passes by its name, and would not without.
    @Test func windowsThatMixAreNamed() async throws {
        let text = """
            input "x" f32[1, 16, 12, 12]
            %0 = input 0 : f32[1, 16, 12, 12]
            %1 = parameter "v" : f32[64, 16, 1, 1]
            %2 = convolve stride [1, 1] low [0, 0] high [0, 0] dilation [1, 1] groups 1 %0, %1 : f32[1, 64, 12, 12]
            %3 = parameter "w" : f32[64, 64, 3, 3]
            %4 = convolve stride [1, 1] low [1, 1] high [1, 1] dilation [1, 1] groups 1 %2, %3 : f32[1, 64, 12, 12]
            output "y" %4

            """
        let kernels = try Self.kernels(text, ["v": numbers(64 * 16, seed: 3), "w": numbers(64 * 64 * 9, seed: 4)])
        let emitter = KernelEmitter(CPUTarget(try CPUDevice(threads: 2).limits))
        let judged = try #require(
            kernels.first { one in
                emitter.choices(one.kernel).contains { $0.name == "algorithm" && $0.values.contains(1) }
            })
        let emitted = try emitter.emit(judged.kernel, symbol: "k", Schedule(["algorithm": 1]))
        let path = "\(NSTemporaryDirectory())/hearth-winograd-\(UInt64.random(in: 0 ... .max)).so"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await CToolchain.find().compile(
            emitter.prelude + emitted.source, flags: emitter.compilerFlags, to: path)
        var candidate = CandidateKernel(emitted, libraryPath: path)
        #expect(candidate.spreading == "Winograd's transform")
        let judge = KernelJudge(worker: TestWorker.command)
        if case .failure(let refusal) = await judge.check(candidate, evidence: judged.evidence) {
            Issue.record("\(refusal)")
        }
        candidate.spreading = nil
        guard case .failure(let refusal) = await judge.check(candidate, evidence: judged.evidence) else {
            Issue.record("it passes without its name")
            return
        }
        #expect(refusal.kind == "wrongOutput")
    }
}
