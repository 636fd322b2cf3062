import Base
import Glibc
import GraphIR
import KernelCodeGen
import KernelIR
import KernelJudge
import PackageBuilder

/// Where candidates of the self-test are compiled and judged.
package struct SelfTestBench: Sendable {
    /// Compiles them.
    let toolchain: CToolchain
    /// What code is generated for: this processor, and what it has in common with lesser ones.
    let targets: [CPUTarget]
    /// Starts the process that runs them.
    let worker: WorkerCommand
    /// A folder that exists, for libraries.
    let folder: String

    /// Makes a bench.
    package init(toolchain: CToolchain, target: CPUTarget, worker: WorkerCommand, folder: String) {
        self.toolchain = toolchain
        var targets = [target]
        if target.vectorBytes > 32 { targets.append(target.narrowed(to: 32)) }
        if target.vectorBytes > 16 { targets.append(target.narrowed(to: 16)) }
        self.targets = targets
        self.worker = worker
        self.folder = folder
    }

    /// A judge with a worker of its own. Two seconds are much for a small kernel and little for a busy machine: who is refused for his time
    /// is asked again by a patient judge.
    func judge(audits: Bool = true, timeLimit: Double = 2) -> KernelJudge {
        KernelJudge(
            worker: worker,
            settings: JudgeSettings(
                seed: 5, timeLimit: timeLimit, groups: 6, sampleNanoseconds: 500_000, auditsLibrary: audits))
    }

    /// A judge for those that may have been refused because the machine was busy.
    func patientJudge() -> KernelJudge { judge(timeLimit: 60) }

    /// A kernel of a case.
    struct Subject: Sendable {
        var kind: KernelCase.Kind
        var name: String
        var kernel: Kernel
        var evidence: RegionEvidence
        /// The case, and the kernel's place among those of it.
        fileprivate var origin: KernelCase
        fileprivate var place: Int
    }

    /// Kernels of a kind, from at most `count` cases, evenly drawn from all.
    func subjects(_ kind: KernelCase.Kind, atMost count: Int) throws -> [Subject] {
        var cases = KernelCase.all.filter { $0.kind == kind }
        var random = SeededRandom(seed: 3)
        cases.shuffle(using: &random)
        return try cases.prefix(count).flatMap { try subjects($0) }
    }

    /// The kernels of a case's graph, the same whatever they are generated for.
    func subjects(_ one: KernelCase) throws -> [Subject] {
        try kernels(one, seed: 11).enumerated().map { place, found in
            Subject(
                kind: one.kind, name: "\(one.name), \(found.kernel.name)", kernel: found.kernel,
                evidence: found.evidence, origin: one, place: place)
        }
    }

    /// The kernel of a subject on other inputs, six times as many.
    func wider(_ subject: Subject) throws -> [RegionEvidence] {
        try (1...6).map { try kernels(subject.origin, seed: 1000 + $0)[subject.place].evidence }
    }

    private func kernels(_ one: KernelCase, seed: UInt64) throws -> [JudgedKernel] {
        let graph = try Graph(parsing: one.text)
        return try JudgedKernel.all(
            in: graph, tensors: DrawnTensors(graph), generator: CodeGenerator(KernelEmitter(targets[0])),
            worker: worker,
            seed: seed)
    }

    /// The schedules of a kernel on a target that are tried first: the default, then `count` others drawn by `seed`, no two alike.
    func schedules(_ kernel: Kernel, _ target: CPUTarget, count: Int, seed: UInt64) -> [Schedule] {
        let choices = KernelEmitter(target).choices(kernel)
        var random = SeededRandom(seed: seed)
        var found = [choices.canonical(Schedule())]
        for _ in 0..<count * 4 where found.count <= count {
            var drawn = Schedule()
            for choice in choices { drawn.set(choice.name, choice.values[random.index(below: choice.values.count)]) }
            let schedule = choices.canonical(drawn)
            if !found.contains(schedule) { found.append(schedule) }
        }
        return found
    }

    /// Compiles texts for one target into one library; where that fails, each by itself. Returns the library of each, nil for text
    /// that is no C. Most of the compiler's work is left out, which changes no meaning; `traps` has undefined behaviour raise
    /// SIGILL.
    func compile(_ texts: [String], _ target: CPUTarget, name: String, traps: Bool = false) async -> [String?] {
        let emitter = KernelEmitter(target)
        let flags =
            emitter.compilerFlags.map { $0 == "-O3" ? "-O1" : $0 } + (traps ? toolchain.undefinedBehaviourTraps : [])
        let path = "\(folder)/\(name).so"
        if (try? await toolchain.compile(
            emitter.prelude + texts.joined(separator: "\n"), flags: flags, to: path, timeLimit: 300)) != nil
        {
            return texts.map { _ in path }
        }
        guard texts.count > 1 else { return [nil] }
        // Halves rather than one by one: few of many are no C.
        let half = texts.count / 2
        return await compile(Array(texts[..<half]), target, name: name + "a", traps: traps)
            + compile(Array(texts[half...]), target, name: name + "b", traps: traps)
    }
}

extension CPUTarget {
    /// The target with shorter vectors and what belongs to those.
    func narrowed(to bytes: Int) -> CPUTarget {
        var target = self
        target.vectorBytes = bytes
        target.vectorRegisters = 16
        target.hasBF16Dot = false
        target.hasAMXBF16 = false
        target.hasAMXInt8 = false
        target.hasInt8Dot = false
        target.hasOneDNN = false
        let isWide: (String) -> Bool = { ["avx512", "amx", "prefer"].contains(where: $0.contains) }
        target.compilerFlags = compilerFlags.filter { !isWide($0) }
        if bytes == 16 {
            target.hasFMA = false
            target.hasF16Conversion = false
            target.compilerFlags = target.compilerFlags.filter { $0 == "-msse4.2" }
        }
        return target
    }
}
