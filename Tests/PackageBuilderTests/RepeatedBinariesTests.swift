import Base
import CPUDevice
import Foundation
import KernelCodeGen
import KernelJudge
import SearchEvents
import Synchronization
import Testing

@testable import PackageBuilder

/// Accepts kernels unseen while packages are built, refuses all candidates of a search, and notes their machine code.
private final class NotingJudge: CandidateJudge {
    let seen = Mutex<[String]>([])

    func judge(
        _ candidate: CandidateKernel, against incumbent: CandidateKernel?, evidence: RegionEvidence,
        floorSeconds: Double, constantCopies: Int
    ) async -> Verdict {
        let code = (try? LibraryAudit.bytes(of: candidate.libraryPath)).map { "\(ContentHash.of($0))" } ?? "unread"
        seen.withLock { $0.append(code) }
        return .refused(.failed(code: 7))
    }

    func check(_ candidate: CandidateKernel, evidence: RegionEvidence) async -> Result<[OutputErrors], Refusal> {
        .success([])
    }
}

/// Candidates that are the same are judged once: schedules of one text, and texts of one machine code.
@Suite struct RepeatedBinariesTests {
    @Test func theSameMachineCodeIsJudgedOnce() async throws {
        let graph = try exponentialGraph()
        let judge = NotingJudge()
        let trials = Mutex(0)
        var pipeline = Pipeline(
            device: try CPUDevice(threads: 2), toolchain: try await CToolchain.find(), worker: TestWorker.command)
        pipeline.events = { event in
            if case .trial = event { trials.withLock { $0 += 1 } }
        }
        let path = "\(NSTemporaryDirectory())/hearth-test-\(UInt64.random(in: 0 ... .max)).hearth"
        defer { try? FileManager.default.removeItem(atPath: path) }
        _ = try await pipeline.build(
            .init(graph: graph, tensors: MemoryTensors(tensors: [:])), to: path,
            search: KernelSearch(budget: SearchBudget(trials: 24), seed: 1, judge: judge, archive: nil)
        ) { _ in [Double](repeating: 1, count: 64) }
        let seen = judge.seen.withLock { $0 }
        #expect(!seen.isEmpty && Set(seen).count == seen.count)
        // There is so little to choose in so small a kernel that many schedules are the same code.
        #expect(trials.withLock { $0 } > seen.count)
    }
}
