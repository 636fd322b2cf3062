import Base
import Glibc
import GraphIR
import JudgeSelfTest
import KernelCodeGen
import KernelIR
import KernelJudge
import PackageBuilder

/// Judges and times all schedules of a kernel over as many values of its choices as can be afforded, on any device. Equal texts are
/// judged once. Every code is timed in turns with the default, so that the pace of the minute cancels.
package struct LandscapeRecorder: Sendable {
    private let compiler: CandidateCompiler
    private let judge: KernelJudge
    /// Starts the process that computes constants.
    private let worker: WorkerCommand
    /// A folder that exists, for what is compiled.
    private let folder: String
    /// Most codes of a kernel.
    private let most: Int
    /// Texts that compile at once.
    private let parallel: Int
    /// Copies of a kernel's constants that timed calls take in turn.
    private let copies: @Sendable (Kernel) -> Int

    /// Most schedules whose text is looked at.
    private static let mostSchedules = 24_000

    /// Makes a recorder. Without `copies`, constants stay in whatever cache holds them.
    package init(
        compiler: CandidateCompiler, judge: KernelJudge, worker: WorkerCommand, folder: String, most: Int,
        parallel: Int,
        copies: @escaping @Sendable (Kernel) -> Int = { _ in 1 }
    ) {
        self.copies = copies
        self.compiler = compiler
        self.judge = judge
        self.worker = worker
        self.folder = folder
        self.most = most
        self.parallel = parallel
    }

    /// The landscape of a kernel; `origin` says where and when. `progress` gets lines.
    package func record(
        _ kernel: StudyKernel, origin: String, progress: (String) -> Void
    ) async throws -> Landscape {
        let found = try judged(kernel)
        let (choices, codes, texts) = space(found.kernel)
        progress("\(kernel.name): \(codes.count) schedules, \(texts.count) texts")
        var verdicts: [Landscape.Found] = []
        var costs: [Double] = []
        var incumbent: (kernel: CandidateKernel, seconds: Double)?
        while verdicts.count < texts.count {
            // As many at once as there are cores; then one after another is timed.
            let batch = Array(texts[verdicts.count..<min(texts.count, verdicts.count + parallel)])
            let start = LandscapeFolder.now()
            let compiled = await compile(batch, verdicts.count)
            let share = (LandscapeFolder.now() - start) / Double(batch.count)
            for candidate in compiled {
                let start = LandscapeFolder.now()
                defer { costs.append(share + LandscapeFolder.now() - start) }
                guard let candidate else {
                    verdicts.append(.refused(reason: "notCompiled"))
                    continue
                }
                let verdict = await judge.judge(
                    candidate, against: incumbent?.kernel, evidence: found.evidence,
                    constantCopies: copies(found.kernel))
                switch verdict {
                case .refused(let refusal): verdicts.append(.refused(reason: refusal.kind))
                case .correct(let timing, _):
                    let seconds = incumbent.map { $0.seconds / timing.speedup } ?? timing.seconds
                    if incumbent == nil { incumbent = (candidate, seconds) }
                    verdicts.append(.timed(seconds: seconds))
                }
                if candidate.libraryPath != incumbent?.kernel.libraryPath {
                    unlink(candidate.libraryPath)
                    unlink(candidate.libraryPath + ".host.so")
                }
            }
            if verdicts.count % 50 < batch.count { progress("\(kernel.name): \(verdicts.count) of \(texts.count)") }
        }
        return Landscape(
            name: kernel.name, isTuned: kernel.isTuned, origin: origin, choices: choices, codes: codes, found: verdicts,
            costs: costs)
    }

    /// How many schedules and texts a recording would have, and the choices, with the number of their values.
    package func size(_ kernel: StudyKernel) throws -> (
        schedules: Int, texts: Int, choices: [(name: String, values: Int)]
    ) {
        let (choices, codes, texts) = space(try judged(kernel).kernel)
        return (codes.count, texts.count, choices.map { ($0.name, $0.values.count) })
    }

    /// The kernel that a graph of the study becomes, with its inputs and their truth.
    private func judged(_ kernel: StudyKernel) throws -> JudgedKernel {
        let graph = try Graph(parsing: kernel.text)
        let found = try JudgedKernel.all(
            in: graph, tensors: DrawnTensors(graph), generator: compiler.generator, worker: worker, seed: 1)
        guard found.count == 1 else {
            throw LandscapeFolder.Fault(description: "\(kernel.name) becomes \(found.count) kernels, not one")
        }
        return found[0]
    }

    /// The choices with as many values as can be afforded, which text every schedule becomes, and the texts; nil for those that the
    /// generator refuses. The default is the first.
    private func space(_ kernel: Kernel) -> ([Choice], [Int], [EmittedKernel?]) {
        var choices = compiler.generator.choices(kernel).filter { $0.values.count > 1 }
        for place in choices.indices {
            var once: [Int] = []
            for value in choices[place].values where !once.contains(value) { once.append(value) }
            choices[place].values = once
        }
        let all = choices
        // What other choices hang on is another algorithm, and stays as long as anything else can go.
        let anchors = Set(all.compactMap { $0.condition?.name })
        // The last value of the choice with the most goes first, down to two: authors put the most promising in front. Then the last
        // choice goes.
        func shrink() {
            let places = choices.indices.filter { !anchors.contains(choices[$0].name) }
            let most = (places.isEmpty ? Array(choices.indices) : places).max {
                (choices[$0].values.count, -$0) < (choices[$1].values.count, -$1)
            }
            guard let most else { return }
            if choices[most].values.count > 2 {
                choices[most].values.removeLast()
            } else {
                choices.remove(at: places.last ?? choices.count - 1)
            }
            choices = Self.open(choices, of: all)
        }
        while Landscape.schedules(choices, most: Self.mostSchedules).isEmpty { shrink() }
        var emitted: [Schedule: EmittedKernel?] = [:]
        while true {
            var codes: [Int] = []
            var texts: [EmittedKernel?] = []
            var known: [EmittedKernel?: Int] = [:]
            for schedule in Landscape.schedules(choices) {
                // A choice that is gone has its default.
                let complete = all.canonical(schedule)
                let text = emitted[complete] ?? (try? compiler.emit(kernel, schedule).get())
                emitted[complete] = text
                if known[text] == nil {
                    known[text] = texts.count
                    texts.append(text)
                }
                codes.append(known[text] ?? 0)
            }
            if texts.count <= most || choices.isEmpty { return (choices, codes, texts) }
            shrink()
        }
    }

    /// Choices that still mean something where of all only these are left: the others have their defaults.
    private static func open(_ choices: [Choice], of all: [Choice]) -> [Choice] {
        var open = choices
        while true {
            let names = Set(open.map(\.name))
            let next = open.filter { choice in
                guard let condition = choice.condition, !names.contains(condition.name),
                    let other = all.first(where: { $0.name == condition.name })
                else { return true }
                return condition.values.contains(other.values[0])
            }
            if next.count == open.count { return open }
            open = next
        }
    }

    /// What becomes of texts, compiled side by side; nil for those that do not compile.
    private func compile(_ texts: [EmittedKernel?], _ start: Int) async -> [CandidateKernel?] {
        await withTaskGroup(of: (Int, CandidateKernel?).self) { group in
            for (place, text) in texts.enumerated() {
                group.addTask {
                    guard let text else { return (place, nil) }
                    let path = "\(folder)/l\(ContentHash.of(text.source))-\(start + place).so"
                    return (place, try? await compiler.candidate(text, at: path).get())
                }
            }
            var compiled = [CandidateKernel?](repeating: nil, count: texts.count)
            for await (place, kernel) in group { compiled[place] = kernel }
            return compiled
        }
    }
}
