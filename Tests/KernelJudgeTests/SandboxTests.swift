import Glibc
import JudgeSelfTest
import KernelJudge
import KernelWorker
import Testing

/// What a worker gives up, and what becomes of the judge where a kernel lacks a part of it.
@Suite struct SandboxTests {
    private static func number(_ part: Sandbox.Part) -> String { "\(part.rawValue)" }

    @Test(arguments: Sandbox.Part.allCases) func saysWhatIsMissing(part: Sandbox.Part) async throws {
        let workshop = try await Workshop()
        defer { workshop.clean() }
        let whole = try KernelJudge.sandbox(of: workshop.judge(audits: false).command)
        let without = try KernelJudge.sandbox(
            of: workshop.judge(audits: false, arguments: ["--without", Self.number(part)]).command)
        #expect(whole.asked == Set(Sandbox.Part.allCases))
        #expect(without.missing.contains(part))
        #expect(without.parts == whole.parts.subtracting([part]))
        #expect(without.description.contains("this kernel does not give"))
        #expect(whole.missing.isEmpty == !whole.description.contains("this kernel does not give"))
    }

    /// Without filters of system calls, what was done is seen afterwards, and Landlock keeps files as they are.
    @Test(arguments: [
        ("background-process", "startedThreads"), ("background-thread", "startedThreads"),
        ("installs-a-handler", "stateChanged"), ("changes-the-environment", "stateChanged"),
        ("leaves-flush-to-zero", "stateChanged"),
    ]) func seesWithoutFilters(file: String, reason: String) async throws {
        let workshop = try await Workshop()
        defer { workshop.clean() }
        let candidate = try await workshop.candidate("\(file)", region: .softmax)
        let evidence = RegionEvidence(oracle: CorpusRegion.softmax.oracle, seed: 1)
        let judge = workshop.judge(audits: false, arguments: ["--without", Self.number(.calls)])
        #expect(await judge.judge(candidate, against: nil, evidence: evidence).refusal?.kind == reason)
    }

    @Test(arguments: [[], [Sandbox.Part.calls]]) func leavesNoFile(without: [Sandbox.Part]) async throws {
        let workshop = try await Workshop()
        defer { workshop.clean() }
        let judge = workshop.judge(audits: false, arguments: ["--without"] + without.map(Self.number))
        let sandbox = try KernelJudge.sandbox(of: judge.command)
        guard sandbox.parts.contains(.files) || sandbox.parts.contains(.calls) else { return }
        let trace = "/tmp/hearth-candidate-was-here"
        unlink(trace)
        let candidate = try await workshop.candidate("writes-a-file", region: .softmax)
        _ = await judge.judge(
            candidate, against: nil, evidence: RegionEvidence(oracle: CorpusRegion.softmax.oracle, seed: 1))
        #expect(access(trace, F_OK) != 0)
    }
}
