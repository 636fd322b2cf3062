import CPUDevice
import ElementTypes
import Foundation
import GraphIR
import KernelArchive
import KernelCodeGen
import KernelJudge
import KernelSwarm
import KernelWorker
import TestSupport
import Testing

@testable import PackageBuilder

/// A judge whose processor counts.
private struct CountingJudge: CandidateJudge {
    let judge = KernelJudge(worker: TestWorker.command)

    func judge(
        _ candidate: CandidateKernel, against incumbent: CandidateKernel?, evidence: RegionEvidence,
        floorSeconds: Double, constantCopies: Int
    ) async -> Verdict {
        let verdict = await judge.judge(
            candidate, against: incumbent, evidence: evidence, floorSeconds: floorSeconds,
            constantCopies: constantCopies)
        guard case .correct(var timing, let errors) = verdict else { return verdict }
        timing.counters = CounterReport(
            calls: 10, counts: [.instructions: 20_000, .cycles: 10_000, .l1Misses: 100, .lastLevelMisses: 5])
        return .correct(timing, errors)
    }

    func check(_ candidate: CandidateKernel, evidence: RegionEvidence) async -> Result<[OutputErrors], Refusal> {
        await judge.check(candidate, evidence: evidence)
    }
}

/// From counts to facts, and with them to the archive.
@Suite struct CounterFactsTests {
    @Test(
        arguments: [
            // Two instructions a cycle, five misses for a thousand, half of what the kernel touches.
            (
                10,
                [
                    .instructions: 20_000, .cycles: 10_000, .l1Misses: 100, .branchMisses: 0, .tlbMisses: 10,
                    .lastLevelMisses: 80,
                ], 1024,
                [
                    .instructions: 2000, .instructionsPerCycle: 2, .l1Misses: 5, .branchMisses: 0, .tlbMisses: 0.5,
                    .lastLevelShare: 0.5,
                ]
            ),
            // What was not counted stays unknown, and so does what needs it.
            (1, [.lastLevelMisses: 32], 1024, [.lastLevelShare: 2]),
            (1, [.l1Misses: 5, .cycles: 10], 1024, [:]), (1, [.instructions: 0, .l1Misses: 5], 1024, [:]),
            (1, [.instructions: 500], 1024, [.instructions: 500]),
            (1, [.instructions: 500, .cycles: 0], 1024, [.instructions: 500]),
            (1, [.lastLevelMisses: 32], 0, [:]),
            // No processor does that.
            (1, [.instructions: 1601, .cycles: 100], 1024, [.instructions: 1601]),
            (1, [.instructions: 1600, .cycles: 100], 1024, [.instructions: 1600, .instructionsPerCycle: 16]),
            // What the system counts is no fact of a kernel.
            (1, [.taskClock: 5, .pageFaults: 5], 1024, [:]),
        ] as [(Int, [EventCounter: Int], Double, [TrialProfile.Fact: Double])])
    func countsBecomeFacts(
        _ calls: Int, _ counts: [EventCounter: Int], _ bytes: Double, _ facts: [TrialProfile.Fact: Double]
    ) throws {
        var profile = TrialProfile()
        profile.add(try #require(CounterReport(calls: calls, counts: counts)), bytes: bytes)
        #expect(profile.named == Dictionary(uniqueKeysWithValues: facts.map { ($0.key.rawValue, $0.value) }))
    }

    /// Every fact's name is one that the archive keeps.
    @Test func theArchiveKeepsAllFacts() throws {
        let folder = NSTemporaryDirectory() + "/hearth-test-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var profile = TrialProfile()
        for (number, fact) in TrialProfile.Fact.allCases.enumerated() { profile[fact] = Double(number) + 0.1 }
        let key = ArchiveKey(
            kernel: "k", machine: "m", builder: .init(generator: "1", compiler: "c"), schedule: "tile=1")
        try KernelArchive(path: folder + "/a.sqlite").append(
            ArchiveRecord(
                key: key, agent: "a", outcome: .timed(seconds: 1, championSeconds: 1, isWin: true),
                profile: profile.named))
        #expect(TrialProfile(try KernelArchive(path: folder + "/a.sqlite").records[0].profile) == profile)
    }

    /// What the judge counted of a candidate lies with its time in the archive.
    @Test func aSearchRemembersCounts() async throws {
        let folder = NSTemporaryDirectory() + "/hearth-test-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let graph = try exponentialGraph()
        var pipeline = Pipeline(
            device: try CPUDevice(threads: 2), toolchain: try await CToolchain.find(), worker: TestWorker.command)
        let archive = try KernelArchive(path: folder + "/a.sqlite")
        _ = try await pipeline.build(
            .init(graph: graph, tensors: MemoryTensors(tensors: [:])), to: folder + "/m.hearth",
            search: KernelSearch(budget: SearchBudget(trials: 2), seed: 1, judge: CountingJudge(), archive: archive)
        ) { _ in [Double](repeating: 1, count: 8) }
        let timed = archive.records.filter { if case .timed = $0.outcome { true } else { false } }
        let kernels = timed.filter { $0.profile["instructions"] != nil }
        #expect(!kernels.isEmpty)
        for record in kernels {
            #expect(record.profile["instructions"] == 2000 && record.profile["instructions_per_cycle"] == 2)
            #expect(record.profile["l1_misses_per_1000"] == 5 && record.profile["branch_misses_per_1000"] == nil)
            // Half a line of the 5040 bytes that are read and written.
            #expect(abs((record.profile["last_level_share"] ?? 0) - 32.0 / 5040) < 1e-12)
        }
    }
}
