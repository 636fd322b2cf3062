import JudgeSelfTest
import KernelJudge
import KernelWorker
import Testing

/// What a measurement says of luck and of overhead.
@Suite struct TimingResultTests {
    /// Groups in which the candidate takes `candidate` of the incumbent's time, but for the first, where it takes `first`.
    private static func result(candidate: Double, first: Double, groups: Int = 15) throws -> TimingResult {
        var samples: [Int] = []
        for group in 0..<groups {
            // Every machine is a little uneven.
            let incumbent = 1_000_000 + 7919 * (group % 5)
            let ours = Int(Double(incumbent) * (group == 0 ? first : candidate))
            samples += [ours, incumbent, incumbent, ours]
        }
        let report = TimeReport(calls: 10, samples: samples, totalNanoseconds: 1, extraThreads: 0, changedInput: nil)
        return try #require(TimingResult(report, margin: 0.02))
    }

    @Test func luckIsNoWin() throws {
        #expect(try !Self.result(candidate: 1, first: 0.5).isWin)
        #expect(try !Self.result(candidate: 0.99, first: 0.1).isWin)
        #expect(try Self.result(candidate: 0.9, first: 0.9).isWin)
        // A bad moment takes no win away either.
        #expect(try Self.result(candidate: 0.9, first: 3).isWin)
        // Nor is a win what does not repeat in most groups.
        #expect(try !Self.result(candidate: 1.01, first: 0.2, groups: 6).isWin)
    }

    /// A kernel of microseconds is called again and again within a sample, so that a launch's overhead and the clock's weigh
    /// what they weigh in a run.
    @Test func shortKernelsAreTimedInRuns() async throws {
        let workshop = try await Workshop()
        defer { workshop.clean() }
        let candidate = try await workshop.candidate("square", region: .square)
        let evidence = RegionEvidence(oracle: CorpusRegion.square.oracle, seed: 1)
        var timing: TimingResult?
        for _ in 0..<5 where timing == nil {
            let verdict = await workshop.judge(audits: true).judge(candidate, against: nil, evidence: evidence)
            if case .correct(let found, _) = verdict { timing = found }
        }
        // 4096 squares take far less than the 500 µs of a sample.
        #expect(try #require(timing).calls > 8)
    }
}
