import Base
import CPUDevice
import ElementTypes
import Foundation
import GraphIR
import KernelArchive
import KernelCodeGen
import KernelIR
import KernelJudge
import KernelSwarm
import KernelWorker
import Synchronization
import Testing

@testable import PackageBuilder

/// Finds every candidate right and as fast as the champion, or refuses all checks; counts what it is asked.
private final class CountingJudge: CandidateJudge {
    let judged = Mutex(0)
    let checked = Mutex(0)
    let refuses: Bool

    init(refuses: Bool = false) { self.refuses = refuses }

    func judge(
        _ candidate: CandidateKernel, against incumbent: CandidateKernel?, evidence: RegionEvidence,
        floorSeconds: Double, constantCopies: Int
    ) async -> Verdict {
        judged.withLock { $0 += 1 }
        let report = TimeReport(
            calls: 1, samples: [Int](repeating: 100, count: 32), totalNanoseconds: 3200, extraThreads: 0,
            changedInput: nil)
        guard let timing = TimingResult(report, margin: 0.02) else { preconditionFailure("there are groups") }
        return .correct(timing, [])
    }

    func check(_ candidate: CandidateKernel, evidence: RegionEvidence) async -> Result<[OutputErrors], Refusal> {
        // Whoever is refused first falls back on the default, which passes.
        let number = checked.withLock { count in
            count += 1
            return count
        }
        return refuses && number == 1 ? .failure(.crashed(signal: 11)) : .success([])
    }
}

/// After a change of a model only what changed is searched: the rest takes what its search ended with, judged again.
@Suite struct SettledKernelTests {
    /// Two products, of which the second has `width` columns: `region.0` and `region.1`.
    private static func search(
        _ width: Int, _ judge: CountingJudge, _ archive: KernelArchive, trials: Int = 3, onlyChanged: Bool = true
    ) async throws -> [String: RegionReport] {
        var builder = GraphBuilder(name: "settled")
        let type = TensorType(.f32, [5, 24])
        builder.graph.inputs = [GraphPort(name: "x", type: type)]
        var value = try builder.leaf(.input(0, type))
        var tensors: [String: [Float]] = [:]
        for (name, shape) in [("w", [40, 24]), ("v", [width, 40])] {
            tensors[name] = numbers(shape.reduce(1, *), seed: UInt64(shape[0]))
            let matrix = try builder.leaf(.parameter(name, TensorType(.f32, shape.map { Dimension($0) })))
            value = try builder.add(.contract(.matrixProduct(batchRank: 0, transposed: true)), [value, matrix])
        }
        builder.graph.outputs = [GraphOutput(name: "y", value: value)]
        var pipeline = Pipeline(
            device: try CPUDevice(threads: 2), toolchain: try await CToolchain.find(), worker: TestWorker.command)
        let path = "\(NSTemporaryDirectory())/hearth-test-\(UInt64.random(in: 0 ... .max)).hearth"
        defer { try? FileManager.default.removeItem(atPath: path) }
        var search = KernelSearch(budget: SearchBudget(trials: trials), seed: 1, judge: judge, archive: archive)
        search.onlyChanged = onlyChanged
        let regions = try await pipeline.build(
            .init(graph: builder.graph, tensors: MemoryTensors(tensors: tensors)), to: path, search: search
        ) { _ in [Double](repeating: 1, count: 64) }.regions
        return Dictionary(uniqueKeysWithValues: regions.map { ($0.name, $0) })
    }

    private static func withArchive(_ body: (KernelArchive) async throws -> Void) async throws {
        let folder = "\(NSTemporaryDirectory())/hearth-test-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(try KernelArchive(path: folder + "/kernels.sqlite"))
    }

    @Test func onlyTheChangedKernelIsSearchedAgain() async throws {
        try await Self.withArchive { archive in
            let first = try await Self.search(16, CountingJudge(), archive)
            #expect(first.values.allSatisfy { $0.trials > 0 && !$0.note.contains(KernelSearch.settledBefore) })

            // Nothing changed: no trial, and every kernel is judged all the same.
            let judge = CountingJudge()
            let same = try await Self.search(16, judge, archive)
            #expect(same.values.allSatisfy { $0.trials == 0 && $0.note.hasPrefix("searched before; as it ended") })
            #expect(same.mapValues(\.schedule) == first.mapValues(\.schedule))
            #expect(judge.judged.withLock { $0 } == 0)
            #expect(judge.checked.withLock { $0 } >= 2)

            let changed = try await Self.search(20, CountingJudge(), archive)
            #expect(changed["region.0"]?.trials == 0)
            #expect(changed["region.0"]?.schedule == first["region.0"]?.schedule)
            #expect((changed["region.1"]?.trials ?? 0) > 0)
            // Now that is known too.
            let again = try await Self.search(20, CountingJudge(), archive)
            #expect(again.values.allSatisfy { $0.trials == 0 })
        }
    }

    /// Who may try more than a search before might, or does not ask for what it ended with, searches.
    @Test(arguments: [(3, true, false), (2, true, false), (4, true, true), (3, false, true)])
    func aSearchOfLessSettlesNothing(_ trials: Int, _ onlyChanged: Bool, _ searches: Bool) async throws {
        try await Self.withArchive { archive in
            _ = try await Self.search(16, CountingJudge(), archive)
            let found = try await Self.search(
                16, CountingJudge(), archive, trials: trials, onlyChanged: onlyChanged)
            #expect(found.values.contains { $0.trials > 0 } == searches)
        }
    }

    @Test func whatTheJudgeRefusesNowIsNotTaken() async throws {
        try await Self.withArchive { archive in
            _ = try await Self.search(16, CountingJudge(), archive)
            let found = try await Self.search(16, CountingJudge(refuses: true), archive)
            let refused = found.values.filter { $0.note.contains("what it ended with is refused now") }
            #expect(refused.count == 1 && refused.allSatisfy { $0.trials == 0 })
        }
    }

    /// The rule of what is settled, beside a search that might spend 100 trials and 10 s with a patience of 8.
    @Test(arguments: [
        (100, 10.0, 8, StopReason.trials, true), (101, 10, 8, .trials, false), (100, 10, 9, .trials, false),
        (100, 99, 8, .nothingLeft, true), (100, 10, 8, .seconds, true), (100, 9, 8, .seconds, true),
        (100, 11, 8, .seconds, false), (1, 1, 1, .cancelled, false),
    ])
    func aBudgetSettlesWhatItCovers(
        _ trials: Int, _ seconds: Double, _ patience: Int, _ reason: StopReason, _ isSettled: Bool
    ) async throws {
        try await Self.withArchive { archive in
            let history = KernelHistory(archive, on: try CPUDevice(threads: 2).limits)
            let kernel = ArchiveKernel(
                key: "k", name: "k", kind: "nest", family: "f", element: "f32", elements: ["f32"], extents: [],
                bytes: 1, operations: 1)
            try archive.describe(kernel)
            let builder = ArchiveKey.Builder(generator: "8", compiler: "c")
            let choices = [Choice("rows", [1, 2])]
            let key = ArchiveKey(
                kernel: "k", machine: history.machine.fingerprint, builder: builder, schedule: "rows=2")
            try archive.append(ArchiveRecord(key: key, agent: "a", outcome: .refused(reason: "slow")))
            history.settle(
                kernel, choices, by: builder, Schedule(["rows": 2]), agent: "a", after: reason,
                of: SearchBudget(trials: 100, seconds: 10, patience: 8))
            let budget = SearchBudget(trials: trials, seconds: seconds, patience: patience)
            let known = history.settled(kernel, choices, by: builder, within: budget)
            #expect(known?.schedule == (isSettled ? Schedule(["rows": 2]) : nil))
            // Where other choices are open, nothing is known.
            #expect(history.settled(kernel, [Choice("rows", [1, 3])], by: builder, within: budget) == nil)
        }
    }
}
