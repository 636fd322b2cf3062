import CPUDevice
import DeviceAPI
import Foundation
import GraphIR
import JudgeSelfTest
import KernelCodeGen
import KernelIR
import KernelJudge
import OpenCLDevice
import PackageBuilder
import Safetensors
import Testing

private let hasOpenCLDevice = (try? OpenCLDevice()) != nil

/// Candidates for a device of blocks of threads, in OpenCL C on whatever runs it (PoCL where there is no GPU): the judge and its
/// worker there find what they find on the processor.
@Suite(.enabled(if: hasOpenCLDevice, "there is no OpenCL device; install pocl-opencl-icd"), .serialized)
struct DeviceCorpusTests {
    @Test(arguments: DeviceCandidate.all.indices) func isJudgedByWhatItDoes(_ number: Int) async throws {
        let entry = DeviceCandidate.all[number]
        guard !entry.isOfGPUs else { return }
        let workshop = try await Workshop()
        defer { workshop.clean() }
        let candidate = try Self.candidate(entry.emitted(.openCL), in: workshop, "candidate")
        // As searches judge on devices.
        let judge = workshop.judge(
            audits: false, arguments: ["opencl"], timeLimit: entry.timeLimit, restarts: false)
        switch await judge.judge(candidate, against: nil, evidence: entry.evidence) {
        case .correct(let timing, _):
            #expect(entry.reasons.isEmpty, "\(entry.name) was accepted")
            #expect(timing.seconds > 0)
        case .refused(let refusal): #expect(entry.reasons.contains(refusal.kind), "\(entry.name): \(refusal)")
        }
    }

    /// A softmax of rows of unknown length that compares one element too many, the next row's first, for its maximum: on a GPU such a
    /// mutant was accepted, as what is subtracted changes nothing unless it is infinite.
    @Test func aMaximumOfOneTooManyIsFound() async throws {
        let workshop = try await Workshop()
        defer { workshop.clean() }
        let one = try #require(KernelCase.all.first { $0.name == "softmax of 5xs0" })
        let graph = try Graph(parsing: one.text)
        let limits = try OpenCLDevice().limits
        let target = try #require(SIMTTarget(limits))
        let generator = CodeGenerator(
            KernelEmitter(CPUTarget(try CPUDevice.shared.get().limits)), device: SIMTEmitter(target))
        let judged = try #require(
            try JudgedKernel.all(
                in: graph, tensors: DrawnTensors(graph), generator: generator,
                worker: workshop.judge(audits: false).command, seed: 11
            ).first)
        let schedule = Schedule(["team": 0, "threads": 512])
        var emitted = try generator.emit(judged.kernel, symbol: "candidate", schedule)
        let judge = workshop.judge(audits: false, arguments: ["opencl"], restarts: false)
        let right = try Self.candidate(emitted, in: workshop, "right")
        _ = try await judge.check(right, evidence: judged.evidence).get()
        let bound = try #require(emitted.source.range(of: "inner < (s0)"))
        emitted.source.replaceSubrange(bound, with: "inner <= (s0)")
        let wrong = try Self.candidate(emitted, in: workshop, "wrong")
        guard case .failure(let refusal) = await judge.check(wrong, evidence: judged.evidence) else {
            Issue.record("it is accepted")
            return
        }
        #expect(refusal.kind == "wrongOutput", "\(refusal)")
    }

    /// OpenCL C as the worker loads it.
    private static func candidate(
        _ emitted: EmittedKernel, in workshop: Workshop, _ name: String
    ) throws -> CandidateKernel {
        let path = "\(workshop.directory)/\(name).images"
        let text = Array((SIMTPrelude(.openCL).text + emitted.source).utf8)
        let layout = try SafetensorsLayout([.init(name: "program", type: .u8, shape: [text.count])])
        let bytes = layout.file(contents: [text])
        let file = try #require(fopen(path, "wb"))
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
        fclose(file)
        return CandidateKernel(emitted, libraryPath: path)
    }
}
