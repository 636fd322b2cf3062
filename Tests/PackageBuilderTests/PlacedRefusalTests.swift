import CPUDevice
import ElementTypes
import Foundation
import GraphIR
import KernelCodeGen
import KernelJudge
import KernelSwarm
import KernelWorker
import SearchEvents
import Testing

@testable import PackageBuilder

/// A judge for which everything but the first candidate is slow, so that it asks the others little; and which refuses what it is asked to check
/// in full, or not.
private struct HastyJudge: CandidateJudge {
    let refuses: Bool

    func judge(
        _ candidate: CandidateKernel, against incumbent: CandidateKernel?, evidence: RegionEvidence,
        floorSeconds: Double, constantCopies: Int
    ) async -> Verdict {
        // Groups of candidate, champion, champion, candidate.
        let report = TimeReport(
            calls: 1,
            samples: (0..<8).flatMap { _ in incumbent == nil ? [100, 100, 100, 100] : [108, 100, 100, 108] },
            totalNanoseconds: 3328, extraThreads: 0, changedInput: nil)
        guard let timing = TimingResult(report, margin: 0.02) else { preconditionFailure("there are groups") }
        return .correct(timing, [])
    }

    func check(_ candidate: CandidateKernel, evidence: RegionEvidence) async -> Result<[OutputErrors], Refusal> {
        refuses ? .failure(.timedOut(seconds: 1)) : .success([])
    }
}

/// What only trials within the model chose is judged in full before it stands.
@Suite struct PlacedRefusalTests {
    private func built(refuses: Bool) async throws -> RegionReport {
        let folder = NSTemporaryDirectory() + "/hearth-test-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let graph = try exponentialGraph()
        var pipeline = Pipeline(
            device: try CPUDevice(threads: 2), toolchain: try await CToolchain.find(), worker: TestWorker.command)
        let search = KernelSearch(
            budget: SearchBudget(trials: 4), seed: 1, judge: HastyJudge(refuses: refuses), archive: nil)
        // Whatever is tried is faster than what stands.
        let placed = PlacedTrials(trials: 1, seconds: 1e6) { _, _ in
            var comparison = ModelComparison()
            (comparison.ratio, comparison.low, comparison.high) = (1.5, 1.4, 1.6)
            return comparison
        }
        let regions = try await pipeline.build(
            .init(graph: graph, tensors: MemoryTensors(tensors: [:])), to: folder + "/m.hearth", search: search,
            placed: placed
        ) { _ in [Double](repeating: 1, count: 8) }.regions
        return try #require(regions.first)
    }

    @Test func whatIsRightStands() async throws {
        let region = try await built(refuses: false)
        #expect(region.agent != "default-first" && region.note == "within the model faster than what is fastest alone")
    }

    @Test func whatIsWrongDoesNot() async throws {
        let region = try await built(refuses: true)
        #expect(region.agent == "default-first", "\(region)")
        #expect(region.note.contains("what was faster within the model is refused (timedOut)"), "\(region.note)")
        #expect(region.refusals["timedOut"] == 1)
    }
}
