import ElementTypes
import Foundation
import KernelCodeGen
import JudgeSelfTest
import KernelJudge
import KernelWorker
import Testing

/// What the corpus itself shows is the last step of the test command, `hearth judge --self-test`.
@Suite struct CorpusTests {
    /// Every row of the list of failures is covered: by candidates, or by tests that exist.
    @Test func coversTheListOfFailures() throws {
        #expect(FailureRow.all.map(\.number) == Array(1...31))
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter {
            $0.hasSuffix("Tests.swift")
        }
        let texts = try files.map { try String(contentsOf: folder.appending(path: $0), encoding: .utf8) }
        for row in FailureRow.all {
            let candidates = CorpusCandidate.all.filter { $0.rows.contains(row.number) && !$0.reasons.isEmpty }
            #expect(!candidates.isEmpty || !row.tests.isEmpty, "row \(row.number) is not covered")
            for test in row.tests {
                #expect(texts.contains { $0.contains("func \(test)(") }, "row \(row.number): there is no test \(test)")
            }
        }
        for candidate in CorpusCandidate.all where !candidate.reasons.isEmpty {
            #expect(!candidate.rows.isEmpty, "\(candidate.name) belongs to no row")
        }
    }

    /// What tells two kernels apart shows what hangs on bytes that are not theirs: an element that is not written holds the poison, of which
    /// there are two.
    @Test(arguments: [("softmax", true), ("only-round-shapes", false)])
    func outputsShowBothPoisons(name: String, isWhole: Bool) async throws {
        let workshop = try await Workshop()
        defer { workshop.clean() }
        let evidence = RegionEvidence(oracle: CorpusRegion.softmax.oracle, seed: 1)
        let candidate = try await workshop.candidate(name, region: .softmax)
        let outputs = try await workshop.judge(audits: true).outputs(of: candidate, evidence: evidence).get()
        // Six sets of inputs of the full shape and two of each other, at two places over two poisons.
        #expect(outputs.count == 4 * (6 + 2 * 3))
        // The last shape, 130 columns: one output for each of two sets of inputs, and as many for each poison where two columns hold that.
        #expect(Set(outputs[40..<48]).count == (isWhole ? 2 : 4))
    }

    /// A time below what the machine can do is a failed measurement.
    @Test func refusesATimeBelowTheFloor() async throws {
        let workshop = try await Workshop()
        defer { workshop.clean() }
        let candidate = try await workshop.candidate("square", region: .square)
        let evidence = RegionEvidence(oracle: CorpusRegion.square.oracle, seed: 1)
        let judge = workshop.judge(audits: true)
        var verdict = await judge.judge(candidate, against: nil, evidence: evidence, floorSeconds: 100)
        // On a loaded machine the clocks may disagree first, which says nothing of the floor.
        for _ in 0..<5 where verdict.refusal?.kind == "clocksDisagree" {
            verdict = await judge.judge(candidate, against: nil, evidence: evidence, floorSeconds: 100)
        }
        #expect(verdict.refusal?.kind == "belowFloor")
    }

    /// An output that never varies proves nothing.
    @Test func refusesToJudgeByConstants() async throws {
        let workshop = try await Workshop()
        defer { workshop.clean() }
        var oracle = CorpusRegion.square.oracle
        oracle.domains[0] = .fixed(ElementCoding.encode([Double](repeating: 3, count: 4096), .f32))
        oracle.shapes = [[4096]]
        let candidate = try await workshop.candidate("square", region: .square)
        let evidence = RegionEvidence(oracle: oracle, seed: 1)
        let verdict = await workshop.judge(audits: true).judge(candidate, against: nil, evidence: evidence)
        #expect(verdict.refusal == .noEvidence(parameter: 1))
    }

    /// Where truth covers chosen elements only, the others are held to the first candidate that passed.
    @Test func comparesCompletelyWhereTruthIsSampled() async throws {
        let workshop = try await Workshop()
        defer { workshop.clean() }
        var oracle = CorpusRegion.product.oracle
        let formula = oracle.formula
        oracle.formula = { inputs, dimensions in
            formula(inputs, dimensions).map { output in
                let positions = Array(stride(from: 0, to: 7 * 48, by: 5))
                return OracleOutput(
                    positions: positions, truth: positions.map { output.truth[$0] },
                    witness: positions.map { output.witness[$0] }, summedTerms: output.summedTerms)
            }
        }
        let evidence = RegionEvidence(oracle: oracle, seed: 1)
        let judge = workshop.judge(audits: true)
        let honest = try await workshop.candidate("product", region: .product)
        #expect(await judge.judge(honest, against: nil, evidence: evidence).refusal == nil)
        // Wrong in the last row only, where no element is sampled.
        let partial = try await workshop.candidate("product-skips-a-term", region: .product)
        #expect(await judge.judge(partial, against: honest, evidence: evidence).refusal?.kind == "wrongOutput")
    }

    /// Thirty times the work is no win, and a thirtieth is one.
    @Test func tellsFasterFromSlower() async throws {
        let workshop = try await Workshop()
        defer { workshop.clean() }
        let evidence = RegionEvidence(oracle: CorpusRegion.softmax.oracle, seed: 1)
        let plain = try await workshop.candidate("softmax", region: .softmax)
        let slow = try await workshop.candidate("softmax-thirty-times", region: .softmax)
        let judge = workshop.judge(audits: true)
        guard case .correct(let worse, _) = await judge.judge(slow, against: plain, evidence: evidence) else {
            Issue.record("an honest candidate was refused")
            return
        }
        #expect(!worse.isWin)
        // What is no win on a loaded machine may be one a moment later; what never is one fails.
        var wins = false
        for _ in 0..<5 where !wins {
            guard case .correct(let better, _) = await judge.judge(plain, against: slow, evidence: evidence) else {
                continue
            }
            wins = better.isWin
        }
        #expect(wins)
    }
}
