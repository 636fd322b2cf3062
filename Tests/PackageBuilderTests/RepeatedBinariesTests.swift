import Base
import CPUDevice
import Foundation
import KernelCodeGen
import KernelJudge
import KernelSwarm
import KernelWorker
import Synchronization
import TestSupport
import Testing

@testable import PackageBuilder

/// Finds every candidate of a search right and as fast as the champion, and notes its machine code.
private final class NotingJudge: CandidateJudge {
    let seen = Mutex<[String]>([])

    func judge(
        _ candidate: CandidateKernel, against incumbent: CandidateKernel?, evidence: RegionEvidence,
        floorSeconds: Double, constantCopies: Int
    ) async -> Verdict {
        let code = (try? LibraryAudit.bytes(of: candidate.libraryPath)).map { "\(ContentHash.of($0))" } ?? "unread"
        seen.withLock { $0.append(code) }
        // Groups of candidate, champion, champion, candidate: as fast as each other.
        let report = TimeReport(
            calls: 1, samples: [Int](repeating: 100, count: 32), totalNanoseconds: 3200, extraThreads: 0,
            changedInput: nil)
        guard let timing = TimingResult(report, margin: 0.02) else { preconditionFailure("there are groups") }
        return .correct(timing, [])
    }

    func check(_ candidate: CandidateKernel, evidence: RegionEvidence) async -> Result<[OutputErrors], Refusal> {
        .success([])
    }
}

/// Texts of one machine code are judged once.
@Suite struct RepeatedBinariesTests {
    /// A compiler that makes the same machine code of all candidates: that of the first.
    private static func toolchain(in folder: String) async throws -> CToolchain {
        let real = try await CToolchain.find().path
        let edit = """
            if grep -q 'int32_t candidate(' "$argument"; then
                [ -e "\(folder)/first.c" ] || cp "$argument" "\(folder)/first.c"
                cp "\(folder)/first.c" "$argument"
            fi
            """
        return try await CToolchain(path: try MeddlingCompiler.make(in: folder, real: real, edit: edit))
    }

    @Test(arguments: [false, true]) func theSameMachineCodeIsJudgedOnce(_ isOneCode: Bool) async throws {
        let folder = NSTemporaryDirectory() + "/hearth-test-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let judge = NotingJudge()
        var pipeline = Pipeline(
            device: try CPUDevice(threads: 2),
            toolchain: isOneCode ? try await Self.toolchain(in: folder) : try await CToolchain.find(),
            worker: TestWorker.command)
        _ = try await pipeline.build(
            .init(graph: try exponentialGraph(), tensors: MemoryTensors(tensors: [:])), to: folder + "/m.hearth",
            search: KernelSearch(budget: SearchBudget(trials: 4), seed: 1, judge: judge, archive: nil)
        ) { _ in [Double](repeating: 1, count: 64) }
        let seen = judge.seen.withLock { $0 }
        #expect(Set(seen).count == seen.count)
        #expect(isOneCode ? seen.count == 1 : seen.count > 1)
    }
}
