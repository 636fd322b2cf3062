import Base
import GraphIR
import KernelCodeGen
import KernelIR
import KernelJudge
import PackageBuilder

/// Whether the judge accepts what is right on a device that is not the host: kernels of every kind as they are generated for it, under
/// many schedules, on all inputs of the full battery; and whether it refuses them with a mistake (`DeviceSelfTest+Mutants`).
package struct DeviceSelfTest: Sendable {
    /// What was found of a kind.
    package struct Found: Sendable {
        package var kind: KernelCase.Kind
        /// Kernels that differ in their text.
        package var judged: Int
        /// Those that were refused or are no program of the device, each with the reason.
        package var refusals: [String]
    }

    let compiler: CandidateCompiler
    private let judge: KernelJudge
    /// Starts the process that computes constants.
    let worker: WorkerCommand
    /// A folder that exists, for what is compiled.
    let folder: String
    /// Texts that compile at once.
    let parallel: Int

    /// Makes a test.
    package init(
        compiler: CandidateCompiler, judge: KernelJudge, worker: WorkerCommand, folder: String, parallel: Int
    ) {
        self.compiler = compiler
        self.judge = judge
        self.worker = worker
        self.folder = folder
        self.parallel = parallel
    }

    /// A kernel under a schedule.
    struct Trial: Sendable {
        var name: String
        var emitted: EmittedKernel
        var evidence: RegionEvidence
        /// The case, and the kernel's place among those of it.
        var origin: KernelCase
        var place: Int
    }

    /// Judges up to `count` kernels of a kind.
    package func run(_ kind: KernelCase.Kind, count: Int) async throws -> Found {
        var found = Found(kind: kind, judged: 0, refusals: [])
        let trials = try trials(kind, count)
        for start in stride(from: 0, to: trials.count, by: parallel) {
            let batch = Array(trials[start..<min(start + parallel, trials.count)])
            for (trial, compiled) in zip(batch, await compile(batch.map(\.emitted), "\(kind)-\(start)")) {
                found.judged += 1
                switch compiled {
                case .failure(let failure): found.refusals.append("\(trial.name): \(failure.reason)")
                case .success(let candidate):
                    if case .failure(let refusal) = await judge.check(candidate, evidence: trial.evidence) {
                        found.refusals.append("\(trial.name): \(refusal)")
                    }
                }
            }
        }
        return found
    }

    /// Every case under its default schedule, then under drawn ones, as long as the texts are new.
    func trials(_ kind: KernelCase.Kind, _ count: Int) throws -> [Trial] {
        var cases = KernelCase.all.filter { $0.kind == kind }
        var random = SeededRandom(seed: 3)
        cases.shuffle(using: &random)
        let subjects = try cases.prefix(count).flatMap { one in
            let graph = try Graph(parsing: one.text)
            let kernels = try JudgedKernel.all(
                in: graph, tensors: DrawnTensors(graph), generator: compiler.generator, worker: worker, seed: 11)
            return kernels.enumerated().map { place, found in
                (name: "\(kind) \(one.name), \(found.kernel.name)", judged: found, origin: one, place: place)
            }
        }
        var found: [Trial] = []
        var seen: Set<ContentHash> = []
        for drawn in 0..<16 {
            for (name, judged, origin, place) in subjects {
                guard found.count < count else { return found }
                let choices = compiler.generator.choices(judged.kernel)
                var schedule = Schedule()
                for choice in choices where drawn > 0 {
                    schedule.set(choice.name, choice.values[random.index(below: choice.values.count)])
                }
                schedule = choices.canonical(schedule)
                // What the device has no room for is no kernel.
                guard case .success(let emitted) = compiler.emit(judged.kernel, schedule),
                    seen.insert(ContentHash.of("\(name)\(emitted.source)")).inserted
                else { continue }
                found.append(
                    Trial(
                        name: "\(name) under \(schedule)", emitted: emitted, evidence: judged.evidence, origin: origin,
                        place: place))
            }
        }
        return found
    }

    /// Compiles kernels side by side, to files with a name that begins so.
    func compile(
        _ kernels: [EmittedKernel], _ name: String
    ) async -> [Result<CandidateKernel, CandidateCompiler.Failure>] {
        await withTaskGroup(of: (Int, Result<CandidateKernel, CandidateCompiler.Failure>).self) { group in
            for (number, kernel) in kernels.enumerated() {
                let path = "\(folder)/\(name)-\(number).images"
                group.addTask { [compiler] in (number, await compiler.candidate(kernel, at: path)) }
            }
            var results: [Int: Result<CandidateKernel, CandidateCompiler.Failure>] = [:]
            for await (number, result) in group { results[number] = result }
            return kernels.indices.compactMap { results[$0] }
        }
    }
}
