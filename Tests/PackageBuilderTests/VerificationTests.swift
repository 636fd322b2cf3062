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
import SearchEvents
import Synchronization
import Testing

@testable import PackageBuilder

/// A judge that says of the first candidates what it is told, and accepts all others unseen.
private final class ScriptedJudge: CandidateJudge {
    private let script: Mutex<[Refusal]>
    private let verdict: Refusal

    init(_ refusals: [Refusal], judging verdict: Refusal = .notJudged(reason: "not asked for")) {
        script = Mutex(refusals)
        self.verdict = verdict
    }

    func judge(
        _ candidate: CandidateKernel, against incumbent: CandidateKernel?, evidence: RegionEvidence,
        floorSeconds: Double, constantCopies: Int
    ) async -> Verdict { .refused(verdict) }

    func check(_ candidate: CandidateKernel, evidence: RegionEvidence) async -> Result<[OutputErrors], Refusal> {
        script.withLock { $0.isEmpty ? .success([]) : .failure($0.removeFirst()) }
    }
}

/// Builds with a search that has no trials, so that every kernel is only verified.
private func verified(
    _ graph: Graph, _ tensors: MemoryTensors, judge: any CandidateJudge, trials: Int = 0, archive: KernelArchive? = nil,
    events: @escaping @Sendable (SearchEvent) -> Void = { _ in }
) async throws -> [RegionReport] {
    var pipeline = Pipeline(
        device: try CPUDevice(threads: 2), toolchain: try await CToolchain.find(), worker: TestWorker.command)
    let path = "\(NSTemporaryDirectory())/hearth-test-\(UInt64.random(in: 0 ... .max)).hearth"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let search = KernelSearch(budget: SearchBudget(trials: trials), seed: 1, judge: judge, archive: archive)
    pipeline.events = events
    return try await pipeline.build(.init(graph: graph, tensors: tensors), to: path, search: search) { _ in
        [Double](repeating: 1, count: 64)
    }.regions
}

/// A judge whose worker is built beside the tests.
private func realJudge() -> KernelJudge { KernelJudge(worker: TestWorker.command) }

/// Graphs with what is hard to judge alone.
private enum Hard: String, CaseIterable {
    case product, dynamicSize, positions, stateInPlace, lstm, gru

    func build() throws -> (Graph, MemoryTensors) {
        var builder = GraphBuilder(name: rawValue)
        var tensors: [String: [Float]] = [:]
        func parameter(_ name: String, _ shape: [Int]) throws -> Value {
            tensors[name] = numbers(shape.reduce(1, *), seed: UInt64(tensors.count + 1))
            return try builder.leaf(.parameter(name, TensorType(.f32, shape.map { Dimension($0) })))
        }
        func input(_ name: String, _ type: TensorType) throws -> Value {
            builder.graph.inputs.append(GraphPort(name: name, type: type))
            return try builder.leaf(.input(builder.graph.inputs.count - 1, type))
        }
        var outputs: [Value] = []
        switch self {
        case .product:
            let x = try input("x", TensorType(.f32, [5, 24]))
            outputs = [
                try builder.add(
                    .contract(.matrixProduct(batchRank: 0, transposed: true)), [x, try parameter("w", [40, 24])])
            ]
        case .dynamicSize:
            builder.graph.symbols = [Symbol(name: "n", minimum: 2, maximum: 64, hint: 9)]
            let n = Dimension(Variable(.symbol, 0))
            let x = try input("x", TensorType(.f32, [n, 6]))
            // The concatenation's extent is 2 n + 1.
            let one = try parameter("row", [1, 6])
            let long = try builder.add(.concatenate(axis: 0), [x, x, one])
            outputs = [try builder.map([long]) { map, terms in map.apply(.exp, terms[0]) }]
        case .positions:
            let index = try input("index", TensorType(.i64, [7]))
            let table = try parameter("table", [50, 8])
            outputs = [try builder.add(.gather(Gather(axes: [0], at: 0)), [table, index])]
        case .stateInPlace:
            let type = TensorType(.f32, [12, 4])
            builder.graph.states = [GraphPort(name: "cache", type: type)]
            tensors["cache"] = numbers(48, seed: 9)
            let cache = try builder.leaf(.state(0, type))
            let x = try input("x", TensorType(.f32, [1, 4]))
            let index = try input("index", TensorType(.i64, [1]))
            let updated = try builder.add(.scatter(Scatter(.set, axes: [0], at: 0)), [cache, x, index])
            builder.graph.updates = [Graph.StateUpdate(state: 0, value: updated)]
            outputs = [try builder.add(.reduce(Reduce(.sum, axes: [0])), [updated])]
        case .lstm, .gru:
            let (gates, hidden) = (self == .lstm ? 4 : 3, 5)
            let x = try input("x", TensorType(.f32, [6, 2, 7]))
            var operands = [x, try input("h", TensorType(.f32, [2, Dimension(hidden)]))]
            if self == .lstm { operands.append(try input("c", TensorType(.f32, [2, Dimension(hidden)]))) }
            operands += [try parameter("w", [gates * hidden, 7]), try parameter("r", [gates * hidden, hidden])]
            operands += [try parameter("b", [gates * hidden]), try parameter("d", [gates * hidden])]
            let layer = try builder.node(
                .recur(Recur(self == .lstm ? .lstm : .gru, hasBias: true, isReverse: self == .gru)), operands)
            outputs = (0..<(self == .lstm ? 3 : 2)).map { Value(layer, $0) }
        }
        builder.graph.outputs = outputs.enumerated().map { GraphOutput(name: "y\($0.offset)", value: $0.element) }
        return (builder.graph, MemoryTensors(tensors: tensors))
    }
}

@Suite struct VerificationTests {
    /// The judge itself vouches for every kernel of graphs with symbols, positions, state and recurrent cells.
    @Test(arguments: Hard.allCases) private func everyKernelIsJudgedAlone(_ hard: Hard) async throws {
        let (graph, tensors) = try hard.build()
        let reports = try await verified(graph, tensors, judge: realJudge())
        #expect(!reports.isEmpty)
        for report in reports {
            #expect(report.verification == .judge, "\(report.kernel): \(report.note)")
            #expect(report.refusals.isEmpty, "\(report.kernel): \(report.refusals)")
        }
    }

    @Test func refusedDefaultFallsBack() async throws {
        let (graph, tensors) = try Hard.product.build()
        let reports = try await verified(
            graph, tensors, judge: ScriptedJudge([.crashed(signal: 11), .failed(code: 3)]))
        #expect(reports.count == 1)
        #expect(reports[0].verification == .judge)
        #expect(reports[0].refusals == ["crashed": 1, "failed": 1])
        #expect(!reports[0].schedule.values.isEmpty)
        #expect(reports[0].note.contains("crashed with signal 11"), "\(reports[0].note)")
    }

    @Test func nothingPassesIsAnError() async throws {
        let (graph, tensors) = try Hard.product.build()
        let refusals = [Refusal](repeating: .crashed(signal: 11), count: 100)
        let error = await #expect(throws: KernelRefused.self) {
            _ = try await verified(graph, tensors, judge: ScriptedJudge(refusals))
        }
        #expect(error?.refusal == .crashed(signal: 11))
        #expect(error?.description.contains("crashed with signal 11") == true)
    }

    /// A GPU that was lost, or memory that was full, says nothing of the candidates that met it: they are not remembered, and nobody is told
    /// that they were refused.
    @Test(arguments: [
        (Refusal.notJudged(reason: "no device 'cuda': the GPU was lost"), false), (.timedOut(seconds: 1), true),
        (.clocksDisagree(workerSeconds: 1, parentSeconds: 2), false),
    ])
    func faultsOfTheMachineAreNotRemembered(_ refusal: Refusal, _ isRemembered: Bool) async throws {
        let (graph, tensors) = try Hard.product.build()
        let path = "\(NSTemporaryDirectory())/hearth-test-\(UInt64.random(in: 0 ... .max)).sqlite"
        defer { for name in [path, path + ".lock"] { try? FileManager.default.removeItem(atPath: name) } }
        let archive = try KernelArchive(path: path)
        let told = Mutex<[TimedEvent]>([])
        let reports = try await verified(
            graph, tensors, judge: ScriptedJudge([], judging: refusal), trials: 3, archive: archive
        ) { event in told.withLock { $0.append(TimedEvent(at: 0, event)) } }
        #expect(reports[0].trials > 0)
        let record = SearchRecord(told.withLock { $0 })
        #expect(record.trials == reports[0].trials)
        #expect(record.refused == (isRemembered ? record.trials : 0))
        #expect(record.notJudged == record.trials - record.refused && record.refusals.isEmpty != isRemembered)
        #expect(archive.records.isEmpty != isRemembered, "\(archive.records)")
        archive.close()
        #expect(try KernelArchive(path: path).records.isEmpty != isRemembered)
    }

    /// As many candidates are compiled at a time as the machine has threads.
    @Test(arguments: [(1, 4, 12), (4, 4, 12), (8, 8, 12), (14, 14, 14), (192, 16, 16)])
    func batchesGrowWithTheMachine(_ threads: Int, _ onHost: Int, _ elsewhere: Int) {
        #expect(KernelSearch.batch(threads: threads, onHost: true) == onHost)
        #expect(KernelSearch.batch(threads: threads, onHost: false) == elsewhere)
    }

    /// That nothing can be told is no reason to change a schedule.
    @Test func missingEvidenceIsNoRefusal() async throws {
        let (graph, tensors) = try Hard.product.build()
        let reports = try await verified(graph, tensors, judge: ScriptedJudge([.noEvidence(parameter: 2)]))
        #expect(reports[0].verification == .wholeModel)
        #expect(reports[0].schedule.values.isEmpty)
    }
}

@Suite struct SaferSchedulesTests {
    /// Every safer schedule of a product is right by itself: emitted, compiled and judged.
    @Test func everyRungIsCorrect() async throws {
        let (graph, tensors) = try Hard.product.build()
        // Each round refuses one rung more.
        for rung in 0..<2 {
            let judge = FirstRefused(count: rung + 1, then: realJudge())
            let reports = try await verified(graph, tensors, judge: judge)
            #expect(reports[0].verification == .judge)
            #expect(reports[0].refusals == ["failed": rung + 1])
        }
    }
}

/// Refuses some candidates, then judges.
private final class FirstRefused: CandidateJudge {
    private let left: Mutex<Int>
    private let next: KernelJudge

    init(count: Int, then next: KernelJudge) {
        left = Mutex(count)
        self.next = next
    }

    func judge(
        _ candidate: CandidateKernel, against incumbent: CandidateKernel?, evidence: RegionEvidence,
        floorSeconds: Double, constantCopies: Int
    ) async -> Verdict { .refused(.notJudged(reason: "not asked for")) }

    func check(_ candidate: CandidateKernel, evidence: RegionEvidence) async -> Result<[OutputErrors], Refusal> {
        let refuses = left.withLock { count in
            defer { count = max(0, count - 1) }
            return count > 0
        }
        return refuses ? .failure(.failed(code: 1)) : await next.check(candidate, evidence: evidence)
    }
}

/// A judge that counts whom it was asked about.
private final class CountingJudge: CandidateJudge {
    private let asked = Mutex(0)
    private let next: any CandidateJudge
    var count: Int { asked.withLock { $0 } }

    init(_ next: any CandidateJudge) { self.next = next }

    func judge(
        _ candidate: CandidateKernel, against incumbent: CandidateKernel?, evidence: RegionEvidence,
        floorSeconds: Double, constantCopies: Int
    ) async -> Verdict {
        asked.withLock { $0 += 1 }
        return await next.judge(
            candidate, against: incumbent, evidence: evidence, floorSeconds: floorSeconds,
            constantCopies: constantCopies)
    }

    func check(_ candidate: CandidateKernel, evidence: RegionEvidence) async -> Result<[OutputErrors], Refusal> {
        await next.check(candidate, evidence: evidence)
    }
}

/// What a stranger's records may do to a search.
@Suite struct ImportedRecordTests {
    private static func withArchives(_ body: (KernelArchive, KernelArchive) async throws -> Void) async throws {
        let folder = "\(NSTemporaryDirectory())/hearth-test-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(try KernelArchive(path: folder + "/honest"), try KernelArchive(path: folder + "/misled"))
    }

    /// Gives `misled` what `honest` found, with other outcomes.
    private static func lie(_ outcome: ArchiveRecord.Outcome, from honest: KernelArchive, to misled: KernelArchive)
        throws
    {
        var contents = try honest.contents()
        for place in contents.records.indices { contents.records[place].outcome = outcome }
        #expect(!contents.records.isEmpty)
        try misled.add(
            contents.records, kernels: contents.kernels, machines: contents.machines, signer: "a stranger")
    }

    /// Candidates of which a stranger claims that they won are judged all the same, and refused when they are wrong.
    @Test func aLieAboutSpeedIsJudged() async throws {
        let (graph, tensors) = try Hard.product.build()
        try await Self.withArchives { honest, misled in
            let refusing = ScriptedJudge([], judging: .timedOut(seconds: 1))
            _ = try await verified(graph, tensors, judge: refusing, trials: 4, archive: honest)
            try Self.lie(
                .timed(seconds: 1e-12, championSeconds: 1, isWin: true), from: honest, to: misled)
            let judge = CountingJudge(refusing)
            let reports = try await verified(graph, tensors, judge: judge, trials: 4, archive: misled)
            #expect(reports[0].trials == 4 && judge.count == 4)
            #expect(reports[0].bestSeconds == nil)
            #expect(misled.records.count == 4)
            for record in misled.records {
                if case .timed = record.outcome { Issue.record("\(record)") }
            }
            // Claims were tried first, as any suggestion is.
            #expect(misled.records.contains { $0.agent == "historian" })
        }
    }

    /// Candidates that a stranger says were refused are judged, timed and may win.
    @Test func aLieAboutAVerdictIsJudged() async throws {
        let (graph, tensors) = try Hard.product.build()
        try await Self.withArchives { honest, misled in
            _ = try await verified(graph, tensors, judge: realJudge(), trials: 3, archive: honest)
            try Self.lie(.refused(reason: "wrong output"), from: honest, to: misled)
            let judge = CountingJudge(realJudge())
            let reports = try await verified(graph, tensors, judge: judge, trials: 3, archive: misled)
            #expect(judge.count == 3)
            #expect(reports[0].refusals.isEmpty && reports[0].bestSeconds != nil)
            #expect(misled.records.map(\.key) == honest.records.map(\.key))
        }
    }

    /// A claim of a time that nothing reaches is replaced by what is measured here.
    @Test func aClaimedTimeIsMeasured() async throws {
        let (graph, tensors) = try Hard.product.build()
        try await Self.withArchives { honest, misled in
            _ = try await verified(graph, tensors, judge: realJudge(), trials: 3, archive: honest)
            try Self.lie(.timed(seconds: 1e-12, championSeconds: 1, isWin: true), from: honest, to: misled)
            let reports = try await verified(graph, tensors, judge: realJudge(), trials: 3, archive: misled)
            #expect((reports[0].bestSeconds ?? 0) > 1e-9)
            for record in misled.records {
                guard case .timed(let seconds, _, _) = record.outcome else {
                    Issue.record("\(record)")
                    continue
                }
                #expect(seconds > 1e-9)
            }
        }
    }
}
