import Base
import KernelCodeGen
import KernelIR
import KernelJudge
import PackageBuilder

/// A generated kernel with one mistake in its text.
struct MutantTrial: Sendable {
    var honest: HonestTrial
    var mutation: CMutation
    /// The whole text; its functions have the symbol `emitted.symbol`.
    var text: String
    var emitted: EmittedKernel
    var about: String

    /// About `count` mutants of a kind: of every case under its default schedule and a drawn one, mistakes of every kind in turn.
    static func all(_ kind: KernelCase.Kind, count: Int, _ bench: SelfTestBench) throws -> [MutantTrial] {
        let subjects = try bench.subjects(kind, atMost: count)
        var found: [MutantTrial] = []
        var seen: Set<ContentHash> = []
        var round = 0
        while found.count < count, round < 64 {
            for (number, subject) in subjects.enumerated() where found.count < count {
                let target = bench.targets[(round + number) % bench.targets.count]
                let emitter = KernelEmitter(target)
                let schedules = bench.schedules(subject.kernel, target, count: 3, seed: UInt64(number))
                let schedule = schedules[round / 2 % schedules.count]
                let symbol = "m\(found.count)"
                guard let emitted = try? emitter.emit(subject.kernel, symbol: symbol, schedule) else { continue }
                let tokens = CToken.tokens(emitted.source)
                var random = SeededRandom(seed: UInt64(round * 1000 + number))
                let mistakes = CMutation.Mistake.allCases
                // A rare kind of mistake gets its turn as a frequent one does.
                let wanted = mistakes[(round * subjects.count + number) % mistakes.count]
                let all = CMutation.all(of: tokens)
                let some = all.filter { $0.mistake == wanted }
                guard let mutation = (some.isEmpty ? all : some).randomElement(using: &random) else { continue }
                let text = mutation.apply(to: tokens)
                let key = text.replacing(symbol, with: "")
                guard seen.insert(ContentHash.of("\(subject.name)\(key)")).inserted else { continue }
                let honest = HonestTrial(subject: subject, target: target, schedule: schedule, emitted: emitted)
                found.append(
                    MutantTrial(
                        honest: honest, mutation: mutation, text: text, emitted: emitted,
                        about: "\(honest.description): \(mutation.description(tokens))"))
            }
            round += 1
        }
        return found
    }
}

/// What became of a mutant.
enum MutantOutcome: Hashable, Sendable {
    /// It is no C.
    case stillborn
    /// Refused, by this kind of refusal.
    case killed(String)
    /// The compiler makes the same code of it.
    case sameCode
    /// It gives the same bits on six times as many inputs.
    case sameBits
    /// It gives other bits, and is as near to the truth as is asked, on six times as many inputs: another way to round.
    case sameAccuracy
    /// It was accepted, and is wrong on other inputs: the judge is at fault.
    case wrong(String)

    /// The name of the case.
    var name: String {
        switch self {
        case .stillborn: "no C"
        case .killed: "refused"
        case .sameCode: "same code"
        case .sameBits: "same bits"
        case .sameAccuracy: "as accurate"
        case .wrong: "false accept"
        }
    }
}

extension MutantTrial {
    /// Judges it in its library, and looks closer at what was accepted.
    func judged(in library: String?, _ bench: SelfTestBench, _ judge: KernelJudge) async -> MutantOutcome {
        guard let library else { return .stillborn }
        let candidate = CandidateKernel(emitted, libraryPath: library)
        if case .failure(let refusal) = await judge.check(candidate, evidence: honest.subject.evidence) {
            return .killed(refusal.kind)
        }
        if await hasSameCode(bench) { return .sameCode }
        let name = "\(honest.subject.kind)-\(emitted.symbol)-original"
        guard let plain = await bench.compile([emitted.source], honest.target, name: name)[0] else {
            return .wrong("the original does not compile")
        }
        let originalKernel = CandidateKernel(emitted, libraryPath: plain)
        var isSame = true
        guard let wider = try? bench.wider(honest.subject) else { return .wrong("there are no other inputs") }
        // A busy machine must make no mistake of what is only slow.
        let judge = bench.patientJudge()
        for evidence in wider {
            let ours = await judge.outputs(of: candidate, evidence: evidence)
            let theirs = await judge.outputs(of: originalKernel, evidence: evidence)
            if ours == theirs, case .success = ours { continue }
            isSame = false
            guard case .failure(let refusal) = await judge.check(candidate, evidence: evidence) else { continue }
            // Inputs on which the original is refused too say nothing of the mistake.
            if case .success = await judge.check(originalKernel, evidence: evidence) { return .wrong("\(refusal)") }
        }
        return isSame ? .sameBits : .sameAccuracy
    }

    /// Whether it is the same library as its original, compiled as packages are, without names of files.
    private func hasSameCode(_ bench: SelfTestBench) async -> Bool {
        let emitter = KernelEmitter(honest.target)
        var libraries: [ContentHash] = []
        for (number, text) in [emitted.source, text].enumerated() {
            let path = "\(bench.folder)/\(honest.subject.kind)-\(emitted.symbol)-same\(number).so"
            let flags = emitter.compilerFlags + ["-Wl,--strip-all", "-Wl,--build-id=none"]
            guard (try? await bench.toolchain.compile(emitter.prelude + text, flags: flags, to: path)) != nil,
                let bytes = try? LibraryAudit.bytes(of: path)
            else { return false }
            libraries.append(ContentHash.of(bytes))
        }
        return libraries[0] == libraries[1]
    }
}
