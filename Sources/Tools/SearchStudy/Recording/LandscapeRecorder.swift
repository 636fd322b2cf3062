import Base
import Glibc
import GraphIR
import JudgeSelfTest
import KernelCodeGen
import KernelIR
import KernelJudge
import PackageBuilder

/// Judges and times all schedules of a kernel over as many values of its choices as can be afforded. Equal texts are
/// judged once.
package struct LandscapeRecorder: Sendable {
    private let toolchain: CToolchain
    private let target: CPUTarget
    private let worker: WorkerCommand
    /// A folder that exists, for libraries.
    private let folder: String
    /// Most codes of a kernel.
    private let most: Int

    /// Most schedules whose text is looked at.
    private static let mostSchedules = 24_000

    /// Makes a recorder.
    package init(toolchain: CToolchain, target: CPUTarget, worker: WorkerCommand, folder: String, most: Int) {
        self.toolchain = toolchain
        self.target = target
        self.worker = worker
        self.folder = folder
        self.most = most
    }

    /// The landscape of a kernel; `origin` says where and when. `progress` gets lines.
    package func record(
        _ kernel: StudyKernel, origin: String, progress: (String) -> Void
    ) async throws -> Landscape {
        let emitter = KernelEmitter(target)
        let graph = try Graph(parsing: kernel.text)
        let found = try JudgedKernel.all(
            in: graph, tensors: DrawnTensors(graph), generator: CodeGenerator(emitter), worker: worker, seed: 1)
        guard found.count == 1 else {
            throw LandscapeFolder.Fault(description: "\(kernel.name) becomes \(found.count) kernels, not one")
        }
        let (choices, codes, texts) = space(found[0].kernel, emitter)
        progress("\(kernel.name): \(codes.count) schedules, \(texts.count) texts")
        var judged: [Landscape.Found] = []
        let judge = KernelJudge(worker: worker)
        var incumbent: (kernel: CandidateKernel, seconds: Double)?
        var start = 0
        while start < texts.count {
            // As many at once as there are cores; then one after another is timed.
            let batch = Array(texts[start..<min(texts.count, start + target.threads)])
            let compiled = await compile(batch, start, emitter)
            for candidate in compiled {
                guard let candidate else {
                    judged.append(.refused(reason: "notCompiled"))
                    continue
                }
                switch await judge.judge(candidate, against: incumbent?.kernel, evidence: found[0].evidence) {
                case .refused(let refusal): judged.append(.refused(reason: refusal.kind))
                case .correct(let timing, _):
                    // All times by that of the first, which is the default: minutes differ.
                    let seconds = incumbent.map { $0.seconds / timing.speedup } ?? timing.seconds
                    if incumbent == nil { incumbent = (candidate, seconds) }
                    judged.append(.timed(seconds: seconds))
                }
                if candidate.libraryPath != incumbent?.kernel.libraryPath { unlink(candidate.libraryPath) }
            }
            start += batch.count
            if start % 50 < batch.count { progress("\(kernel.name): \(start) of \(texts.count)") }
        }
        return Landscape(
            name: kernel.name, isTuned: kernel.isTuned, origin: origin, choices: choices, codes: codes, found: judged)
    }

    /// The choices with as many values as can be afforded, which text every schedule becomes, and the texts; nil for those that the
    /// generator refuses. The default is the first.
    private func space(_ kernel: Kernel, _ emitter: KernelEmitter) -> ([Choice], [Int], [EmittedKernel?]) {
        var choices = emitter.choices(kernel).filter { $0.values.count > 1 }
        for place in choices.indices {
            var once: [Int] = []
            for value in choices[place].values where !once.contains(value) { once.append(value) }
            choices[place].values = once
        }
        func count() -> Int { choices.reduce(1) { $0 * $1.values.count } }
        // The last value of the choice with the most goes first: authors put the most promising in front.
        func shrink() {
            let place = choices.indices.max { (choices[$0].values.count, -$0) < (choices[$1].values.count, -$1) }
            if let place { choices[place].values.removeLast() }
        }
        while count() > Self.mostSchedules { shrink() }
        while true {
            var codes: [Int] = []
            var texts: [EmittedKernel?] = []
            var known: [EmittedKernel?: Int] = [:]
            for place in 0..<count() {
                let text = try? emitter.emit(kernel, symbol: "candidate", Landscape.schedule(place, choices))
                if known[text] == nil {
                    known[text] = texts.count
                    texts.append(text)
                }
                codes.append(known[text] ?? 0)
            }
            if texts.count <= most || choices.allSatisfy({ $0.values.count <= 2 }) { return (choices, codes, texts) }
            shrink()
        }
    }

    private func compile(_ texts: [EmittedKernel?], _ start: Int, _ emitter: KernelEmitter) async -> [CandidateKernel?]
    {
        await withTaskGroup(of: (Int, CandidateKernel?).self) { group in
            for (place, text) in texts.enumerated() {
                group.addTask {
                    guard let text else { return (place, nil) }
                    let path = "\(folder)/l\(ContentHash.of(text.source))-\(start + place).so"
                    do {
                        try await toolchain.compile(
                            emitter.prelude + text.source, flags: emitter.compilerFlags, to: path)
                        return (place, CandidateKernel(text, libraryPath: path))
                    } catch {
                        return (place, nil)
                    }
                }
            }
            var compiled = [CandidateKernel?](repeating: nil, count: texts.count)
            for await (place, kernel) in group { compiled[place] = kernel }
            return compiled
        }
    }
}
