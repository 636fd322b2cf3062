import ElementTypes
import Glibc
import KernelCodeGen
import KernelJudge
import KernelWorker
import Testing

/// One candidate of the corpus and what must become of it.
private struct Entry {
    var file: String
    var region = TestRegion.softmax
    /// Kinds of refusal that name the reason; none for an honest candidate.
    var reasons: [String] = []
    /// Row of the list of failure modes.
    var row = ""
    /// Whether the library is looked at before; without it the runs alone must find out.
    var audits = false
    var flags: [String] = []
    var isGang = false
    var isPacked = false
    var hasShared = false
}

@Suite struct CorpusTests {
    private static let honest: [Entry] = [
        Entry(file: "softmax", audits: true), Entry(file: "softmax-in-double", audits: true),
        Entry(file: "softmax-with-polynomial", audits: true, flags: ["-mfma"]),
        Entry(file: "softmax-through-workspace", audits: true), Entry(file: "softmax-gang", audits: true, isGang: true),
        Entry(file: "softmax-through-shared", audits: true, hasShared: true), Entry(file: "softmax-that-prints"),
        Entry(file: "product", region: .product, audits: true),
        Entry(file: "product-packed", region: .product, audits: true, flags: ["-mfma"], isPacked: true),
        Entry(file: "square", region: .square, audits: true),
        Entry(file: "argmax-last-of-ties", region: .argmax, audits: true),
        Entry(file: "accumulate", region: .accumulate, audits: true),
        Entry(file: "normalization", region: .normalization, audits: true),
    ]

    private static let dishonest: [Entry] = [
        Entry(file: "does-nothing", reasons: ["unwritten"], row: "1, 15, 18"),
        Entry(file: "first-row-only", reasons: ["unwritten"], row: "2"),
        Entry(file: "fewer-columns", reasons: ["unwritten"], row: "14"),
        Entry(file: "one-missing", reasons: ["unwritten"], row: "2"),
        Entry(file: "zeros", reasons: ["inaccurate"], row: "3"),
        Entry(file: "mean-answer", reasons: ["inaccurate"], row: "4"),
        Entry(file: "changes-its-input", reasons: ["inputChanged"], row: "5"),
        Entry(file: "background-thread", reasons: ["forbiddenCall"], row: "6, 7"),
        Entry(file: "background-thread", reasons: ["writableData", "forbiddenImport"], row: "7", audits: true),
        Entry(file: "background-process", reasons: ["forbiddenCall"], row: "7"),
        Entry(file: "opens-a-socket", reasons: ["forbiddenCall"], row: "30"),
        Entry(file: "reads-a-file", reasons: ["forbiddenCall"], row: "30"),
        Entry(file: "writes-a-file", reasons: ["forbiddenCall"], row: "30"),
        Entry(file: "starts-a-program", reasons: ["forbiddenCall"], row: "30"),
        Entry(file: "signals-its-parent", reasons: ["forbiddenCall"], row: "30"),
        Entry(file: "sets-an-alarm", reasons: ["forbiddenCall"], row: "30"),
        Entry(file: "installs-a-handler", reasons: ["forbiddenCall"], row: "30"),
        Entry(file: "changes-the-environment", reasons: ["stateChanged"], row: "30"),
        Entry(file: "leaves-flush-to-zero", reasons: ["stateChanged"], row: "13"),
        Entry(file: "leaves-rounding-up", reasons: ["stateChanged"], row: "13"),
        Entry(file: "caches-by-address", reasons: ["unstable", "inaccurate", "wrongOutput"], row: "10"),
        Entry(file: "caches-by-address", reasons: ["writableData"], row: "10", audits: true),
        Entry(file: "remembers-a-sample", reasons: ["timedOutputWrong"], row: "11"),
        Entry(file: "works-only-at-first", reasons: ["timedOutputWrong"], row: "21, 28"),
        Entry(file: "counts-its-calls", reasons: ["unstable"], row: "28"),
        Entry(file: "product-in-bf16", region: .product, reasons: ["inaccurate"], row: "12"),
        Entry(file: "product-in-tf32", region: .product, reasons: ["inaccurate"], row: "12"),
        Entry(file: "product-skips-a-term", region: .product, reasons: ["inaccurate"], row: "2"),
        Entry(file: "product-changes-weights", region: .product, reasons: ["inputChanged"], row: "5"),
        Entry(file: "packing-overruns", region: .product, reasons: ["outOfBounds"], row: "17", isPacked: true),
        Entry(file: "coarse-exponential", reasons: ["inaccurate"], row: "12"),
        Entry(file: "without-maximum", reasons: ["wrongOutput"], row: "13"),
        Entry(file: "ignores-nan", reasons: ["wrongOutput"], row: "13"),
        Entry(file: "flushes-subnormals", region: .square, reasons: ["inaccurate"], row: "13"),
        Entry(file: "only-round-shapes", reasons: ["unwritten"], row: "25"),
        Entry(file: "branch-for-tested-shape", reasons: ["inaccurate"], row: "20, 25"),
        Entry(file: "reads-past-the-end", reasons: ["outOfBounds"], row: "17"),
        Entry(file: "reads-before-the-start", reasons: ["outOfBounds"], row: "17"),
        Entry(file: "writes-past-the-end", reasons: ["outOfBounds"], row: "17"),
        Entry(file: "writes-into-the-fence", reasons: ["damagedFence"], row: "17"),
        Entry(file: "overruns-its-workspace", reasons: ["outOfBounds"], row: "17"),
        Entry(file: "uninitialised-workspace", reasons: ["unstable"], row: "17"),
        Entry(file: "remembers-in-shared", reasons: ["unstable"], row: "17, 28", hasShared: true),
        Entry(file: "adds-to-its-output", reasons: ["unwritten"], row: "1"),
        Entry(file: "noisy", reasons: ["unstable"], row: "29"),
        Entry(file: "returns-an-error", reasons: ["failed"], row: "18"),
        Entry(file: "hangs", reasons: ["timedOut"], row: "29"),
        Entry(file: "crashes", reasons: ["crashed"], row: "30"),
        Entry(file: "traps", reasons: ["crashed"], row: "30"),
        Entry(file: "overflows-the-stack", reasons: ["crashed"], row: "30", flags: ["-O0"]),
        Entry(file: "ends-the-process", reasons: ["exited"], row: "30"),
        Entry(file: "ends-the-process", reasons: ["forbiddenImport"], row: "9, 30", audits: true),
        Entry(file: "runs-at-load", reasons: ["runsAtLoad"], row: "9", audits: true),
        Entry(file: "has-no-kernel", reasons: ["notLoaded"], row: "18"),
        Entry(file: "argmax-off-by-one", region: .argmax, reasons: ["wrongOutput"], row: "2"),
        Entry(file: "forgets-its-state", region: .accumulate, reasons: ["inaccurate"], row: "28"),
        Entry(file: "leaves-its-state", region: .accumulate, reasons: ["inaccurate"], row: "1"),
    ]

    /// The corpus in one table: every dishonest candidate is refused for its reason, every honest one accepted.
    @Test func judgesTheCorpus() async throws {
        let workshop = try await Workshop()
        defer { workshop.clean() }
        let evidence = Dictionary(
            uniqueKeysWithValues: TestRegion.allCases.map { ($0, RegionEvidence(oracle: $0.oracle, seed: 11)) })
        var table: [String] = []
        var falseAccepts = 0
        var falseRejects = 0
        var wrongReasons = 0
        for (entries, directory) in [(Self.honest, "Honest"), (Self.dishonest, "Dishonest")] {
            for (number, entry) in entries.enumerated() {
                let candidate = try await workshop.candidate(
                    "\(directory)/\(entry.file)", region: entry.region, number: number, flags: entry.flags,
                    isGang: entry.isGang, isPacked: entry.isPacked, hasShared: entry.hasShared)
                let verdict = await workshop.judge(audits: entry.audits).judge(
                    candidate, against: nil, evidence: evidence[entry.region]!)
                let found = verdict.refusal?.kind ?? "accepted"
                let expected = entry.reasons.isEmpty ? ["accepted"] : entry.reasons
                if entry.reasons.isEmpty, verdict.refusal != nil { falseRejects += 1 }
                if !entry.reasons.isEmpty, verdict.refusal == nil { falseAccepts += 1 }
                let isRight = expected.contains(found)
                if !isRight { wrongReasons += 1 }
                let detail = verdict.refusal?.description ?? ""
                table.append("\(isRight ? "ok " : "BAD") \(entry.file) [\(entry.row)] \(found): \(detail)")
                #expect(isRight, "\(entry.file): expected \(expected), found \(found): \(detail)")
            }
        }
        print(table.joined(separator: "\n"))
        print(
            "corpus: \(Self.honest.count) honest, \(Self.dishonest.count) dishonest; false accepts \(falseAccepts), "
                + "false rejects \(falseRejects), refused for another reason \(wrongReasons - falseAccepts - falseRejects)"
        )
        #expect(falseAccepts == 0)
        #expect(falseRejects == 0)
    }

    /// A time below what the machine can do is a failed measurement.
    @Test func refusesATimeBelowTheFloor() async throws {
        let workshop = try await Workshop()
        defer { workshop.clean() }
        let candidate = try await workshop.candidate("Honest/square", region: .square)
        let evidence = RegionEvidence(oracle: TestRegion.square.oracle, seed: 1)
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
        var oracle = TestRegion.square.oracle
        oracle.domains[0] = .fixed(ElementCoding.encode([Double](repeating: 3, count: 4096), .f32))
        oracle.shapes = [[4096]]
        let candidate = try await workshop.candidate("Honest/square", region: .square)
        let evidence = RegionEvidence(oracle: oracle, seed: 1)
        let verdict = await workshop.judge(audits: true).judge(candidate, against: nil, evidence: evidence)
        #expect(verdict.refusal == .noEvidence(parameter: 1))
    }

    /// Where truth covers chosen elements only, the others are held to the first candidate that passed.
    @Test func comparesCompletelyWhereTruthIsSampled() async throws {
        let workshop = try await Workshop()
        defer { workshop.clean() }
        var oracle = TestRegion.product.oracle
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
        let honest = try await workshop.candidate("Honest/product", region: .product)
        #expect(await judge.judge(honest, against: nil, evidence: evidence).refusal == nil)
        // Wrong in the last row only, where no element is sampled.
        let partial = try await workshop.candidate("Dishonest/product-skips-a-term", region: .product)
        #expect(await judge.judge(partial, against: honest, evidence: evidence).refusal?.kind == "wrongOutput")
    }

    /// Thirty times the work is no win, and a thirtieth is one.
    @Test func tellsFasterFromSlower() async throws {
        let workshop = try await Workshop()
        defer { workshop.clean() }
        let evidence = RegionEvidence(oracle: TestRegion.softmax.oracle, seed: 1)
        let plain = try await workshop.candidate("Honest/softmax", region: .softmax)
        let slow = try await workshop.candidate("Honest/softmax-thirty-times", region: .softmax)
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
