import CPUDevice
import ElementTypes
import Foundation
import GraphIR
import KernelCodeGen
import KernelIR
import KernelJudge
import KernelSwarm
import KernelWorker
import TestSupport
import Testing

@testable import PackageBuilder

/// A judge for which every candidate that is right beats the champion.
struct GenerousJudge: CandidateJudge {
    let judge = KernelJudge(worker: TestWorker.command)

    func judge(
        _ candidate: CandidateKernel, against incumbent: CandidateKernel?, evidence: RegionEvidence,
        floorSeconds: Double, constantCopies: Int
    ) async -> Verdict {
        switch await judge.check(candidate, evidence: evidence) {
        case .failure(let refusal): return .refused(refusal)
        case .success(let errors):
            // Groups of candidate, champion, champion, candidate.
            let report = TimeReport(
                calls: 1, samples: (0..<8).flatMap { _ in [100, 200, 200, 100] }, totalNanoseconds: 4800,
                extraThreads: 0, changedInput: nil)
            guard let timing = TimingResult(report, margin: 0.02) else { preconditionFailure("there are groups") }
            return .correct(timing, errors)
        }
    }

    func check(_ candidate: CandidateKernel, evidence: RegionEvidence) async -> Result<[OutputErrors], Refusal> {
        await judge.check(candidate, evidence: evidence)
    }
}

/// Kernels that do what C leaves undefined do not win, however right and fast they are.
@Suite struct UndefinedBehaviourTests {
    /// Searches the kernel of `exp(x)` with a compiler that lets candidates overflow an integer, without any influence on their results:
    /// all of them, or all but the default.
    private func searched(sparesDefault: Bool) async throws -> [RegionReport] {
        let folder = NSTemporaryDirectory() + "/hearth-test-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let real = try await CToolchain.find().path
        let edit = """
            \(sparesDefault ? "cmp -s \"$argument\" \"\(folder)/default.c\" ||" : "")
            sed -i -E 's/^(int32_t candidate\\(.*\\) \\{)$/\\1 { volatile int most = 2147483647; most = most + 1; }/' "$argument"
            """
        let toolchain = try await CToolchain(path: try MeddlingCompiler.make(in: folder, real: real, edit: edit))
        let graph = try exponentialGraph()
        let device = try CPUDevice(threads: 2)
        let emitter = KernelEmitter(CPUTarget(device.limits))
        let kernels = try JudgedKernel.all(
            in: graph, tensors: MemoryTensors(tensors: [:]), generator: CodeGenerator(emitter),
            worker: TestWorker.command, seed: 1)
        let kernel = try #require(kernels.first).kernel
        let schedule = emitter.choices(kernel).canonical(Schedule())
        let text = emitter.prelude + (try emitter.emit(kernel, symbol: "candidate", schedule)).source
        try text.write(toFile: folder + "/default.c", atomically: true, encoding: .utf8)
        var pipeline = Pipeline(device: device, toolchain: toolchain, worker: TestWorker.command)
        let search = KernelSearch(
            budget: SearchBudget(trials: 4), seed: 1, judge: GenerousJudge(), archive: nil)
        return try await pipeline.build(
            .init(graph: graph, tensors: MemoryTensors(tensors: [:])), to: folder + "/m.hearth", search: search
        ) { _ in [Double](repeating: 1, count: 8) }.regions
    }

    @Test func aWinnerMustBeDefined() async throws {
        let regions = try await searched(sparesDefault: true)
        let region = try #require(regions.first)
        #expect(regions.count == 1 && region.trials > 1)
        #expect(region.agent == "default-first")
        #expect((region.refusals["undefinedBehaviour"] ?? 0) > 0, "\(region)")
    }

    @Test func aDefaultMustBeDefined() async throws {
        let error = await #expect(throws: KernelRefused.self) { _ = try await searched(sparesDefault: false) }
        #expect(error?.refusal == .undefinedBehaviour)
    }
}
