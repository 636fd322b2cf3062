import Base
import GraphIR
import KernelCodeGen
import KernelIR
import KernelJudge
import PackageBuilder

/// Whether the judge accepts what is right on a device that is not the host: kernels of every kind as they are generated for it, under
/// many schedules, on all inputs of the full battery; and whether it refuses them with a mistake (`DeviceSelfTest+Mutants`) and what was
/// written by hand to be refused (`DeviceSelfTest+Corpus`).
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
    /// Starts the process that runs candidates on the device.
    let device: WorkerCommand
    /// Starts the process that computes constants.
    let constants: WorkerCommand
    /// A folder that exists, for what is compiled.
    let folder: String
    /// Judges at work side by side, each with a worker of its own: nothing is timed.
    private let lanes: Int

    /// Makes a test.
    package init(
        compiler: CandidateCompiler, device: WorkerCommand, constants: WorkerCommand, folder: String, lanes: Int
    ) {
        self.compiler = compiler
        self.device = device
        self.constants = constants
        self.folder = folder
        self.lanes = lanes
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
        let trials = try trials(kind, count)
        let refusals = try await sideBySide(trials, settings: .onDevice()) { number, trial, judge -> String? in
            switch await compile(trial.emitted, "\(kind)-\(number)") {
            case .failure(let failure): return "\(trial.name): \(failure.reason)"
            case .success(let candidate):
                var checked = await judge.check(candidate, evidence: trial.evidence)
                // The first calls of a library load it, beside others that do.
                if case .failure(.timedOut) = checked {
                    checked = await judge.check(candidate, evidence: trial.evidence)
                }
                if case .failure(let refusal) = checked { return "\(trial.name): \(refusal)" }
                let fault = await hiddenFault(trial.emitted, "\(kind)-\(number)", trial.evidence, judge)
                return fault.map { "\(trial.name): \($0)" }
            }
        }
        return Found(kind: kind, judged: trials.count, refusals: refusals.compactMap { $0 })
    }

    /// What only a build that reveals faults is refused for; nil where there is no such build, or it passes.
    func hiddenFault(
        _ emitted: EmittedKernel, _ name: String, _ evidence: RegionEvidence, _ judge: KernelJudge
    ) async -> Refusal? {
        guard let build = compiler.revealing(emitted),
            case .success(let revealing) = await compile(emitted, name + "-revealing", build),
            case .failure(let refusal) = await judge.check(revealing, evidence: evidence, isBrief: true)
        else { return nil }
        return compiler.hiddenFault(refusal, build)
    }

    /// Does something with every item, its number and a judge of the lane that it is in; results in the items' order.
    func sideBySide<Item: Sendable, Result: Sendable>(
        _ items: [Item], settings: JudgeSettings,
        _ body: @escaping @Sendable (Int, Item, KernelJudge) async throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: [(Int, Result)].self) { group in
            for lane in 0..<min(lanes, items.count) {
                group.addTask { [device, lanes] in
                    let judge = KernelJudge(worker: device, settings: settings)
                    var found: [(Int, Result)] = []
                    for number in stride(from: lane, to: items.count, by: lanes) {
                        found.append((number, try await body(number, items[number], judge)))
                    }
                    return found
                }
            }
            var results: [(Int, Result)] = []
            for try await found in group { results += found }
            return results.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    /// Every case under its default schedule, then under drawn ones, as long as the texts are new.
    func trials(_ kind: KernelCase.Kind, _ count: Int) throws -> [Trial] {
        var cases = KernelCase.all.filter { $0.kind == kind }
        var random = SeededRandom(seed: 3)
        cases.shuffle(using: &random)
        let subjects = try cases.prefix(count).flatMap { one in
            let graph = try Graph(parsing: one.text)
            let kernels = try JudgedKernel.all(
                in: graph, tensors: DrawnTensors(graph), generator: compiler.generator, worker: constants, seed: 11)
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

    /// Compiles a kernel to a file of that name.
    func compile(
        _ kernel: EmittedKernel, _ name: String, _ build: CandidateCompiler.Build = .plain
    ) async -> Result<CandidateKernel, CandidateCompiler.Failure> {
        await compiler.candidate(kernel, at: "\(folder)/\(name).images", build)
    }
}
