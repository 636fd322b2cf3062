import Glibc
import JudgeSelfTest
import KernelCodeGen
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
        let path = workshop.directory + "/candidate.images"
        let emitted = entry.emitted(.openCL)
        let text = Array((SIMTPrelude(.openCL).text + emitted.source).utf8)
        let layout = try SafetensorsLayout([.init(name: "program", type: .u8, shape: [text.count])])
        let bytes = layout.file(contents: [text])
        let file = try #require(fopen(path, "wb"))
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
        fclose(file)
        let candidate = CandidateKernel(emitted, libraryPath: path)
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
}
