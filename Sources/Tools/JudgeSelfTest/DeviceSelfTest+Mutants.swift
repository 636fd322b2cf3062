import Base
import GraphIR
import KernelCodeGen
import KernelIR
import KernelJudge
import PackageBuilder

extension DeviceSelfTest {
    /// A device's kernel with one mistake in its text.
    fileprivate struct Mutant: Sendable {
        var trial: Trial
        var emitted: EmittedKernel
        var mistake: CMutation.Mistake
        var about: String
    }

    /// What became of mutants of a kind.
    package struct Mutants: Sendable {
        /// Outcomes by their names, and mistakes with the outcomes of each.
        package fileprivate(set) var outcomes: [String: Int] = [:]
        package fileprivate(set) var mistakes: [String: [String: Int]] = [:]
        /// Those that were accepted and are wrong on other inputs, with why.
        package fileprivate(set) var falseAccepts: [String] = []

        /// How many there were.
        package var count: Int { outcomes.values.reduce(0, +) }

        /// Such as `12 refused, 4 same bits`.
        package static func text(_ outcomes: [String: Int]) -> String {
            outcomes.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        }

        fileprivate mutating func add(_ mutant: Mutant, _ outcome: MutantOutcome) {
            outcomes[outcome.name, default: 0] += 1
            mistakes["\(mutant.mistake)", default: [:]][outcome.name, default: 0] += 1
            if case .wrong(let why) = outcome { falseAccepts.append("\(mutant.about): \(why)") }
        }
    }

    /// Judges about `count` mutants of a kind, mistakes of every kind in turn; what a judge accepts is compared with its original on six
    /// times as many inputs. Kernels in Triton and calls of libraries have no text of ours.
    package func mutants(_ kind: KernelCase.Kind, count: Int) async throws -> Mutants {
        let mutants = try mutants(kind, count)
        // A mutant that hangs is found out by this limit.
        let strict = JudgeSettings(timeLimit: 10, auditsLibrary: false, restartsWorker: false)
        let outcomes = try await sideBySide(mutants, settings: strict) { number, mutant, judge in
            switch await compile(mutant.emitted, "\(kind)-mutant-\(number)") {
            case .failure: MutantOutcome.stillborn
            case .success(let candidate):
                try await outcome(mutant, candidate, "\(kind)-original-\(number)", judge)
            }
        }
        var found = Mutants()
        for (mutant, outcome) in zip(mutants, outcomes) { found.add(mutant, outcome) }
        return found
    }

    private func outcome(
        _ mutant: Mutant, _ candidate: CandidateKernel, _ name: String, _ judge: KernelJudge
    ) async throws -> MutantOutcome {
        let evidence = mutant.trial.evidence
        if case .failure(let refusal) = await judge.check(candidate, evidence: evidence) {
            return .killed(refusal.kind)
        }
        if let fault = await hiddenFault(mutant.emitted, name + "-mutant", evidence, judge) {
            return .killed(fault.kind)
        }
        guard case .success(let original) = await compile(mutant.trial.emitted, name) else {
            return .wrong("the original does not compile")
        }
        let images = [candidate, original].map { try? LibraryAudit.bytes(of: $0.libraryPath) }
        if images[0] != nil, images[0] == images[1] { return .sameCode }
        var isSame = true
        for seed in 1...6 {
            let graph = try Graph(parsing: mutant.trial.origin.text)
            let evidence = try JudgedKernel.all(
                in: graph, tensors: DrawnTensors(graph), generator: compiler.generator, worker: constants,
                seed: 1000 + UInt64(seed))[mutant.trial.place].evidence
            let ours = await judge.outputs(of: candidate, evidence: evidence)
            let theirs = await judge.outputs(of: original, evidence: evidence)
            if ours == theirs, case .success = ours { continue }
            isSame = false
            guard case .failure(let refusal) = await judge.check(candidate, evidence: evidence) else { continue }
            // Inputs on which the original is refused too say nothing of the mistake.
            if case .success = await judge.check(original, evidence: evidence) { return .wrong("\(refusal)") }
        }
        return isSame ? .sameBits : .sameAccuracy
    }

    private func mutants(_ kind: KernelCase.Kind, _ count: Int) throws -> [Mutant] {
        let trials = try trials(kind, count).filter { !$0.emitted.source.isEmpty && $0.emitted.triton == nil }
        var found: [Mutant] = []
        var seen: Set<ContentHash> = []
        for round in 0..<64 {
            for (number, trial) in trials.enumerated() {
                guard found.count < count else { return found }
                let tokens = CToken.tokens(trial.emitted.source)
                var random = SeededRandom(seed: UInt64(round * 1000 + number))
                let mistakes = CMutation.Mistake.allCases
                let wanted = mistakes[(round * trials.count + number) % mistakes.count]
                // What kernels wait for among each other shows in whole models only, which are judged whole.
                let all = CMutation.all(of: tokens).filter { mutation in
                    !tokens[mutation.range].contains { $0.text.hasPrefix("OVERLAP") }
                }
                let some = all.filter { $0.mistake == wanted }
                guard let mutation = (some.isEmpty ? all : some).randomElement(using: &random) else { continue }
                var emitted = trial.emitted
                emitted.source = mutation.apply(to: tokens)
                guard seen.insert(ContentHash.of("\(trial.name)\(emitted.source)")).inserted else { continue }
                found.append(
                    Mutant(
                        trial: trial, emitted: emitted, mistake: mutation.mistake,
                        about: "\(trial.name): \(mutation.description(tokens))"))
            }
        }
        return found
    }
}
