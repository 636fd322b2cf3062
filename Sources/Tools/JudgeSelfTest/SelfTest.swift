import Base
import KernelCodeGen
import KernelIR
import KernelJudge
import PackageBuilder

/// Whether the judge refuses what is wrong and accepts what is right: the corpus written by hand, generated kernels as they are,
/// and generated kernels with mistakes.
package struct SelfTest: Sendable {
    /// How much is judged.
    package struct Size: Hashable, Sendable {
        /// Generated kernels of each kind, and mutants of each kind.
        package var honest: Int
        package var mutants: Int

        /// What continuous integration has time for, and all.
        package static let short = Size(honest: 16, mutants: 12)
        package static let full = Size(honest: 210, mutants: 130)

        /// Makes a size.
        package init(honest: Int, mutants: Int) {
            self.honest = honest
            self.mutants = mutants
        }
    }

    /// What is said of a kernel that only fails with traps.
    private static let trapping = ", with traps at undefined behaviour"

    private let bench: SelfTestBench
    /// Judges at work side by side; what is timed is judged alone.
    private let lanes: Int
    private let progress: @Sendable (String) -> Void

    /// Makes a test. `progress` takes a line now and then.
    package init(_ bench: SelfTestBench, lanes: Int, progress: @escaping @Sendable (String) -> Void = { _ in }) {
        self.bench = bench
        self.lanes = lanes
        self.progress = progress
    }

    /// Judges everything.
    package func run(
        _ size: Size, kinds: [KernelCase.Kind] = KernelCase.Kind.allCases
    ) async throws -> SelfTestReport {
        var report = SelfTestReport()
        progress("candidates written by hand: \(CorpusCandidate.all.count)")
        report.corpus = try await corpus()
        for kind in kinds {
            let trials = try HonestTrial.all(kind, count: size.honest, bench)
            let refusals = await honest(kind, trials)
            report.honest[kind] = .init(judged: trials.count, refusals: refusals)
            let mutants = try MutantTrial.all(kind, count: size.mutants, bench)
            report.mutants[kind] = await judged(kind, mutants)
            progress("\(kind): \(trials.count) kernels, \(refusals.count) refused; \(mutants.count) mutants")
        }
        return report
    }

    /// The corpus, one after another: its verdicts hang on time.
    package func corpus() async throws -> [SelfTestReport.CorpusLine] {
        let evidence = Dictionary(
            uniqueKeysWithValues: CorpusRegion.allCases.map { ($0, RegionEvidence(oracle: $0.oracle, seed: 11)) })
        var lines: [SelfTestReport.CorpusLine] = []
        for (number, one) in CorpusCandidate.all.enumerated() {
            guard let evidence = evidence[one.region] else { continue }
            let candidate = try await one.compiled(bench.toolchain, to: "\(bench.folder)/corpus\(number).so")
            var refusal: Refusal?
            for _ in 0..<5 {
                let judge = bench.judge(audits: one.audits, timeLimit: one.reasons.contains("timedOut") ? 4 : 60)
                let verdict = await judge.judge(candidate, against: nil, evidence: evidence)
                refusal = verdict.refusal
                // On a loaded machine clocks may disagree, and a short kernel may seem long enough for a sample of one call, in which nothing
                // can be handed out twice. Neither says anything of the candidate.
                if case .correct(let timing, _) = verdict, timing.calls == 1 { continue }
                if refusal?.kind != "clocksDisagree" { break }
            }
            lines.append(.init(candidate: one, refusal: refusal))
        }
        return lines
    }

    /// Generated kernels that were refused, as they are or with traps at undefined behaviour, with the reason.
    private func honest(_ kind: KernelCase.Kind, _ trials: [HonestTrial]) async -> [String] {
        await inLanes(batches(trials) { $0.target }) { number, batch, judge in
            let texts = batch.map(\.emitted.source)
            let name = "honest-\(kind)-\(number)"
            // Once as it is and once with traps at undefined behaviour.
            let libraries = await bench.compile(texts, batch[0].target, name: name)
            let trapping = await bench.compile(texts, batch[0].target, name: name + "-traps", traps: true)
            var refused: [String] = []
            for (number, trial) in batch.enumerated() {
                let builds = [(libraries[number], ""), (trapping[number], Self.trapping)]
                for (library, about) in builds {
                    guard let library else {
                        refused.append("\(trial.description)\(about): is no C")
                        break
                    }
                    let candidate = CandidateKernel(trial.emitted, libraryPath: library)
                    var checked = await judge.check(candidate, evidence: trial.subject.evidence)
                    if case .failure(.timedOut) = checked {
                        checked = await bench.patientJudge().check(candidate, evidence: trial.subject.evidence)
                    }
                    if case .failure(let refusal) = checked {
                        refused.append("\(trial.description)\(about): \(refusal)")
                        break
                    }
                }
            }
            return refused
        }
    }

    private func judged(_ kind: KernelCase.Kind, _ trials: [MutantTrial]) async -> [SelfTestReport.MutantLine] {
        await inLanes(batches(trials) { $0.honest.target }) { number, batch, judge in
            let name = "mutants-\(kind)-\(number)"
            let libraries = await bench.compile(batch.map(\.text), batch[0].honest.target, name: name)
            var lines: [SelfTestReport.MutantLine] = []
            for (trial, library) in zip(batch, libraries) {
                let outcome = await trial.judged(in: library, bench, judge)
                lines.append(.init(mistake: "\(trial.mutation.mistake)", about: trial.about, outcome: outcome))
            }
            return lines
        }
    }

    /// Trials of one target each, few enough for a compiler.
    private func batches<Trial>(_ trials: [Trial], _ target: (Trial) -> CPUTarget) -> [[Trial]] {
        var batches: [[Trial]] = []
        for wanted in bench.targets {
            let some = trials.filter { target($0) == wanted }
            for start in stride(from: 0, to: some.count, by: 12) {
                batches.append(Array(some[start..<min(start + 12, some.count)]))
            }
        }
        return batches
    }

    /// Works on batches side by side, each lane with a judge of its own; results in the order of the batches.
    private func inLanes<Trial: Sendable, Line: Sendable>(
        _ batches: [[Trial]], _ body: @escaping @Sendable (Int, [Trial], KernelJudge) async -> [Line]
    ) async -> [Line] {
        var results = [[Line]](repeating: [], count: batches.count)
        await withTaskGroup(of: [(Int, [Line])].self) { group in
            for lane in 0..<lanes {
                group.addTask { [bench, lanes] in
                    let judge = bench.judge()
                    var found: [(Int, [Line])] = []
                    for number in stride(from: lane, to: batches.count, by: lanes) {
                        found.append((number, await body(number, batches[number], judge)))
                    }
                    return found
                }
            }
            for await found in group {
                for (number, lines) in found { results[number] = lines }
            }
        }
        return results.flatMap { $0 }
    }
}

extension CorpusCandidate {
    /// The candidate as the judge takes it, in a library at a path of its own.
    package func compiled(_ toolchain: CToolchain, to path: String) async throws -> CandidateKernel {
        let text = Self.prelude + "\n#line 1 \"\(name).c\"\n" + source + "\n"
        try await toolchain.compile(text, flags: ["-ffp-contract=off"] + flags, to: path)
        return region.candidate(at: path, isGang: isGang, isPacked: isPacked, hasShared: hasShared)
    }
}
