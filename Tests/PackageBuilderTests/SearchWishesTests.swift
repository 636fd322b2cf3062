import Base
import CPUDevice
import DeviceAPI
import ElementTypes
import Foundation
import GraphIR
import KernelArchive
import KernelCodeGen
import KernelIR
import KernelJudge
import KernelSwarm
import SearchControl
import SearchEvents
import Testing

@testable import PackageBuilder

/// A judge whose machine fails at timing, and that checks as it is told.
private struct CheckingJudge: CandidateJudge {
    var refusal: Refusal?

    func judge(
        _ candidate: CandidateKernel, against incumbent: CandidateKernel?, evidence: RegionEvidence,
        floorSeconds: Double, constantCopies: Int
    ) async -> Verdict { .refused(.notJudged(reason: "no clock")) }

    func check(_ candidate: CandidateKernel, evidence: RegionEvidence) async -> Result<[OutputErrors], Refusal> {
        refusal.map { .failure($0) } ?? .success([])
    }
}

/// Wishes about kernels: they are in the package or an error, and never nothing.
@Suite struct SearchWishesTests {
    /// Two products of different sizes: `region.0` and `region.1`.
    private static func search(
        hints: [String] = [], only: String? = nil, judge: CheckingJudge = CheckingJudge(), archive: KernelArchive? = nil
    ) async throws -> [String: RegionReport] {
        var builder = GraphBuilder(name: "wishes")
        let type = TensorType(.f32, [5, 24])
        builder.graph.inputs = [GraphPort(name: "x", type: type)]
        var value = try builder.leaf(.input(0, type))
        var tensors: [String: [Float]] = [:]
        for (name, shape) in [("w", [40, 24]), ("v", [16, 40])] {
            tensors[name] = numbers(shape.reduce(1, *), seed: UInt64(shape[0]))
            let matrix = try builder.leaf(.parameter(name, TensorType(.f32, shape.map { Dimension($0) })))
            value = try builder.add(.contract(.matrixProduct(batchRank: 0, transposed: true)), [value, matrix])
        }
        builder.graph.outputs = [GraphOutput(name: "y", value: value)]
        var pipeline = Pipeline(
            device: try CPUDevice(threads: 2), toolchain: try await CToolchain.find(), worker: TestWorker.command)
        let path = "\(NSTemporaryDirectory())/hearth-test-\(UInt64.random(in: 0 ... .max)).hearth"
        defer { try? FileManager.default.removeItem(atPath: path) }
        var search = KernelSearch(budget: SearchBudget(trials: 3), seed: 1, judge: judge, archive: archive)
        search.hints = try hints.map { try SearchHint(parsing: $0) }
        search.only = only
        let regions = try await pipeline.build(
            .init(graph: builder.graph, tensors: MemoryTensors(tensors: tensors)), to: path, search: search
        ) { _ in [Double](repeating: 1, count: 64) }.regions
        return Dictionary(uniqueKeysWithValues: regions.map { ($0.name, $0) })
    }

    @Test func regionsAreNumberedByTheirFirstLaunches() async throws {
        let found = try await Self.search()
        #expect(Set(found.keys) == ["region.0", "region.1"])
        #expect(found["region.0"]?.kernel != found["region.1"]?.kernel)
    }

    /// Also where the search had no time to measure it.
    @Test func aHintIsInThePackage() async throws {
        let found = try await Self.search(hints: ["region.1: unroll=4"])
        #expect(found["region.1"]?.schedule.values["unroll"] == 4)
        #expect(found["region.0"]?.schedule.values["unroll"] != 4)
        let both = try await Self.search(hints: ["*: unroll=4"])
        #expect(both.values.allSatisfy { $0.schedule.values["unroll"] == 4 })
    }

    @Test func aHintThatTheJudgeRefusesIsAnError() async throws {
        let error = await #expect(throws: ControlError.self) {
            _ = try await Self.search(
                hints: ["*: unroll=4"], judge: CheckingJudge(refusal: .crashed(signal: 11)))
        }
        let said = error?.description ?? ""
        #expect(said.hasPrefix("the judge refuses what the hints leave of region."), "\(said)")
        #expect(said.hasSuffix("crashed with signal 11"), "\(said)")
    }

    /// What the archive knows as fastest stands where nothing is searched, but only what this generator and compiler made here.
    @Test func regionsThatAreNotAskedForTakeTheArchives() async throws {
        let folder = "\(NSTemporaryDirectory())/hearth-test-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let archive = try KernelArchive(path: folder + "/kernels.sqlite")
        let history = KernelHistory(archive, on: try CPUDevice(threads: 2).limits)
        let kernel = ArchiveKernel(
            key: "k", name: "k", kind: "nest", family: "f", element: "f32", elements: ["f32"], extents: [], bytes: 1,
            operations: 1)
        try archive.describe(kernel)
        let builder = ArchiveKey.Builder(generator: "8", compiler: "c")
        func append(_ schedule: String, _ seconds: Double, _ isWin: Bool, _ builder: ArchiveKey.Builder) throws {
            let key = ArchiveKey(
                kernel: "k", machine: history.machine.fingerprint, builder: builder, schedule: schedule)
            try archive.append(
                ArchiveRecord(
                    key: key, agent: "a", outcome: .timed(seconds: seconds, championSeconds: 1, isWin: isWin)))
        }
        #expect(history.champion(of: kernel, by: builder) == nil)
        try append("rows=1", 0.9, true, builder)
        try append("rows=2", 0.7, true, builder)
        try append("rows=3", 0.1, false, builder)
        try append("rows=4", 0.2, true, .init(generator: "7", compiler: "c"))
        #expect(history.champion(of: kernel, by: builder)?.schedule == Schedule(["rows": 2]))
    }

    @Test func onlyWhatIsAskedForIsSearched() async throws {
        let found = try await Self.search(only: "region.1")
        #expect(found["region.0"]?.note == "not asked for" && found["region.0"]?.trials == 0)
        #expect((found["region.1"]?.trials ?? 0) > 0)
        let error = await #expect(throws: ControlError.self) { _ = try await Self.search(only: "region.2") }
        #expect(error?.description.contains("; the regions are region.0 (contract_") == true)
    }

    /// What memory allows: a candidate of so many seconds and bytes beside a default of 1 s and 100 bytes.
    @Test(arguments: [
        ("", 0.5, 500.0, true, true), ("", 0.5, 500, false, false), ("memory<1kB", 0.5, 500, true, false),
        ("memory<1kB", 0.5, 100, true, true), ("memory<1kB", 0.9, 50, false, false),
        ("memory<10B", 1.05, 50, false, true),
        ("memory<10B", 1.2, 50, false, false), ("latency<1ns", 0.5, 500, true, true),
    ])
    func kernelsKeepToMemory(
        _ limit: String, _ seconds: Double, _ bytes: Double, _ isFaster: Bool, _ isWin: Bool
    ) throws {
        let goal = SearchGoal(.latency, limit.isEmpty ? [] : [try SearchConstraint(parsing: limit)])
        let rule = KernelMemory(goal, SearchFigures(seconds: 1, bytes: 100))
        let start = SearchFigures(seconds: 1, bytes: 100)
        let candidate = SearchFigures(seconds: seconds, bytes: bytes)
        #expect(rule.isWin(candidate, over: start, isFaster: isFaster, start: start) == isWin)
    }

    /// Constants count as they are held, rearranged or not, and scratch memory beside them.
    @Test func kernelsAreWeighed() throws {
        let parameters = [
            KernelParameter(element: .f32, count: 10, access: .read, isConstant: true),
            KernelParameter(element: .f32, count: 7, access: .write, isConstant: false),
        ]
        let kernel = Kernel(
            name: "k", parameters: parameters, symbols: [], ranges: VariableRanges(),
            body: .nest(NestKernel(axes: [], steps: [])))
        func bytes(_ arguments: [CandidateKernel.Argument], _ packed: Int? = nil) -> Double {
            let packings = packed.map { [CandidateKernel.Packing(symbol: "p", sources: [0], byteCount: $0)] } ?? []
            return KernelMemory.bytes(
                CandidateKernel(libraryPath: "", symbol: "k", arguments: arguments, packings: packings), kernel)
        }
        #expect(bytes([.parameter(0), .parameter(1)]) == 40)
        #expect(bytes([.packed(0), .parameter(1)], 64) == 64)
        #expect(bytes([.packed(0), .parameter(0), .shared(bytes: 8)], 64) == 112)
    }
}
