import KernelJudge

/// What the self-test found.
package struct SelfTestReport: Sendable {
    /// A candidate of the corpus and its fate.
    package struct CorpusLine: Sendable {
        package var candidate: CorpusCandidate
        /// Nil when it was accepted.
        package var refusal: Refusal?

        /// Whether it met the fate that it deserves, for its reason.
        package var isRight: Bool {
            guard let refusal else { return candidate.reasons.isEmpty }
            return candidate.reasons.contains(refusal.kind)
        }
    }

    /// Generated kernels of a kind.
    struct Honest: Sendable {
        var judged: Int
        /// Those that were refused, as they are or because they do what C leaves undefined.
        var refusals: [String]
    }

    /// A mutant and its fate.
    struct MutantLine: Sendable {
        var mistake: String
        var about: String
        var outcome: MutantOutcome
    }

    var corpus: [CorpusLine] = []
    var honest: [KernelCase.Kind: Honest] = [:]
    var mutants: [KernelCase.Kind: [MutantLine]] = [:]

    private var allMutants: [MutantLine] { KernelCase.Kind.allCases.flatMap { mutants[$0] ?? [] } }

    /// Wrong kernels that were accepted.
    package var falseAccepts: [String] {
        corpus.filter { $0.refusal == nil && !$0.candidate.reasons.isEmpty }.map(\.candidate.name)
            + allMutants.compactMap { line in
                if case .wrong(let why) = line.outcome { "\(line.about): \(why)" } else { nil }
            }
    }

    /// Right kernels that were refused.
    package var falseRejects: [String] {
        corpus.filter { $0.refusal != nil && $0.candidate.reasons.isEmpty }
            .map { "\($0.candidate.name): \($0.refusal.map { "\($0)" } ?? "")" }
            + KernelCase.Kind.allCases.flatMap { honest[$0]?.refusals ?? [] }
    }

    /// Candidates refused for another reason than theirs.
    package var wrongReasons: [String] {
        corpus.filter { !$0.isRight && $0.refusal != nil && !$0.candidate.reasons.isEmpty }
            .map { "\($0.candidate.name): \($0.refusal.map { "\($0)" } ?? "")" }
    }

    /// Right kernels that were judged.
    package var honestCount: Int {
        corpus.filter(\.candidate.reasons.isEmpty).count + honest.values.reduce(0) { $0 + $1.judged }
    }

    /// Whether the judge is as good as it must be: no wrong kernel accepted, for its reason refused, and at most one right one in a
    /// hundred refused.
    package var passes: Bool {
        falseAccepts.isEmpty && wrongReasons.isEmpty && falseRejects.count * 100 <= honestCount
    }

    /// The tables for people.
    package var text: String {
        var lines = ["rows of the list of failures:"]
        for row in FailureRow.all {
            let found = corpus.filter { $0.candidate.rows.contains(row.number) }
            let accepted = found.filter { $0.refusal == nil && !$0.candidate.reasons.isEmpty }.count
            let tests = row.tests.isEmpty ? "" : "; by tests: \(row.tests.joined(separator: ", "))"
            lines.append(
                "  \(row.number < 10 ? " " : "")\(row.number) \(row.failure): \(found.count) candidates, \(accepted) accepted\(tests)"
            )
        }
        lines.append("generated kernels, right as they are, and mutants of such:")
        for kind in KernelCase.Kind.allCases {
            let honest = honest[kind] ?? Honest(judged: 0, refusals: [])
            let mutants = mutants[kind] ?? []
            let counts = Dictionary(grouping: mutants, by: \.outcome.name).mapValues(\.count)
            let outcomes = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
            lines.append(
                "  \(kind): \(honest.judged) judged, \(honest.refusals.count) refused; \(mutants.count) mutants: \(outcomes)"
            )
        }
        let mistakes = Dictionary(grouping: allMutants, by: \.mistake)
        lines.append("mutants by mistake:")
        for (mistake, some) in mistakes.sorted(by: { $0.key < $1.key }) {
            let counts = Dictionary(grouping: some, by: \.outcome.name).mapValues(\.count)
            lines.append(
                "  \(mistake): "
                    + counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", "))
        }
        func list(_ title: String, _ items: [String]) {
            if !items.isEmpty { lines.append(title + ":") }
            for item in items { lines.append("  \(item)") }
        }
        list("false accepts", falseAccepts)
        list("false rejects", falseRejects)
        list("refused for another reason", wrongReasons)
        lines.append(
            "\(honestCount) right kernels, false rejects \(falseRejects.count); "
                + "\(corpus.count - corpus.filter(\.candidate.reasons.isEmpty).count) wrong candidates and \(allMutants.count) mutants, "
                + "false accepts \(falseAccepts.count); refused for another reason \(wrongReasons.count)")
        return lines.joined(separator: "\n")
    }

    /// Mutants that were accepted, each with what shows that it is no worse than its original.
    package var equivalents: [String] {
        allMutants.compactMap { line in
            switch line.outcome {
            case .sameCode, .sameBits, .sameAccuracy: "\(line.outcome.name): \(line.about)"
            case .stillborn, .killed, .wrong: nil
            }
        }
    }
}
