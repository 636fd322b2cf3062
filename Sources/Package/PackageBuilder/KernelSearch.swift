import Base
import DeviceAPI
import ElementTypes
import Glibc
import GraphIR
import GraphLowering
import KernelArchive
import KernelCodeGen
import KernelIR
import KernelJudge
import KernelSwarm
import Synchronization

/// What the search did to one kernel.
package struct RegionReport: Sendable {
    package var kernel: String
    /// Share of the model's time under default schedules.
    package var share: Double
    package var trials: Int
    /// Refusals by the judge's reason.
    package var refusals: [String: Int]
    /// Seconds of the default and of the winner; nil when the region was not judged.
    package var defaultSeconds: Double?
    package var bestSeconds: Double?
    package var schedule: Schedule
    /// The agent that found the winner.
    package var agent: String
    /// Why the region was left alone, or empty.
    package var note: String
}

/// Whether the user asked the search to stop (Ctrl-C): what was found so far is kept.
package enum SearchInterrupt {
    private static let flag = Atomic<Bool>(false)
    /// Asks the search to stop.
    package static func request() { flag.store(true, ordering: .relaxed) }
    /// Whether it was asked.
    package static var isRequested: Bool { flag.load(ordering: .relaxed) }
}

/// Compiles candidates, has them judged, and remembers the champion of each region.
actor KernelEvaluator: CandidateEvaluator {
    /// A kernel under search.
    struct Region: Sendable {
        var kernel: Kernel
        var key: String
        var evidence: RegionEvidence
        var floorSeconds: Double
    }

    private let regions: [Region]
    private let emitter: KernelEmitter
    private let toolchain: CToolchain
    private let judge: KernelJudge
    private let archive: KernelArchive?
    private let machine: String
    private let folder: String
    private var champions: [Int: (candidate: CandidateKernel, seconds: Double)] = [:]
    private var made = 0

    init(
        _ regions: [Region], emitter: KernelEmitter, toolchain: CToolchain, judge: KernelJudge, archive: KernelArchive?,
        machine: String, folder: String
    ) {
        self.regions = regions
        self.emitter = emitter
        self.toolchain = toolchain
        self.judge = judge
        self.archive = archive
        self.machine = machine
        self.folder = folder
    }

    func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
        // Everything compiles side by side; then one candidate at a time is judged.
        var compiled: [Result<CandidateKernel, ToolchainOrEmission>?] = []
        await withTaskGroup(of: (Int, Result<CandidateKernel, ToolchainOrEmission>).self) { group in
            compiled = Array(repeating: nil, count: batch.count)
            for (position, candidate) in batch.enumerated() where known(candidate) == nil {
                made += 1
                let path = "\(folder)/c\(made).so"
                let kernel = regions[candidate.region].kernel
                group.addTask { [emitter, toolchain] in
                    (position, await Self.compile(kernel, candidate.schedule, emitter, toolchain, path))
                }
            }
            for await (position, result) in group { compiled[position] = result }
        }
        var verdicts: [TrialVerdict] = []
        for (position, candidate) in batch.enumerated() {
            if SearchInterrupt.isRequested {
                verdicts.append(.cancelled)
            } else {
                verdicts.append(await verdict(candidate, compiled[position]))
            }
        }
        return verdicts
    }

    private func verdict(
        _ candidate: Candidate, _ compiled: Result<CandidateKernel, ToolchainOrEmission>?
    ) async -> TrialVerdict {
        let region = regions[candidate.region]
        guard let compiled else {
            guard let record = known(candidate) else { return .cancelled }
            switch record.outcome {
            case .timed(let seconds, _, let isWin):
                // A remembered winner must be compiled again before it can be an incumbent.
                if isWin || champions[candidate.region] == nil {
                    made += 1
                    let path = "\(folder)/c\(made).so"
                    if case .success(let kernel) = await Self.compile(
                        region.kernel, candidate.schedule, emitter, toolchain, path)
                    {
                        champions[candidate.region] = (kernel, seconds)
                    }
                }
                return .timed(seconds: seconds, isWin: isWin)
            case .refused(let reason): return .refused(reason: reason)
            }
        }
        let outcome: ArchiveRecord.Outcome
        let result: TrialVerdict
        switch compiled {
        case .failure(let failure):
            outcome = .refused(reason: "notCompiled")
            result = .refused(reason: "notCompiled: \(failure.reason)")
        case .success(let kernel):
            let champion = champions[candidate.region]
            let verdict = await judge.judge(
                kernel, against: champion?.candidate, evidence: region.evidence, floorSeconds: region.floorSeconds)
            switch verdict {
            case .refused(let refusal):
                outcome = .refused(reason: "\(refusal)")
                result = .refused(reason: "\(refusal)")
            case .correct(let timing, _):
                // Times of different minutes are compared by their ratio to the champion of that minute.
                let seconds = champion.map { $0.seconds / timing.speedup } ?? timing.seconds
                let isWin = champion == nil || timing.isWin
                if isWin { champions[candidate.region] = (kernel, seconds) }
                outcome = .timed(seconds: seconds, championSeconds: champion?.seconds ?? seconds, isWin: isWin)
                result = .timed(seconds: seconds, isWin: isWin)
            }
        }
        if let archive {
            let record = ArchiveRecord(
                key: key(candidate), schedule: candidate.schedule.description, agent: candidate.agent, outcome: outcome)
            // A full disk costs the memory of this trial, not the search.
            try? archive.append(record)
        }
        return result
    }

    private func key(_ candidate: Candidate) -> ArchiveKey {
        ArchiveKey(
            region: regions[candidate.region].key,
            candidate: "\(KernelSearch.generatorVersion) \(toolchain.version) \(candidate.schedule.description)",
            machine: machine)
    }

    private func known(_ candidate: Candidate) -> ArchiveRecord? { archive?[key(candidate)] }

    /// Why a candidate has no code.
    struct ToolchainOrEmission: Error { var reason: String }

    private static func compile(
        _ kernel: Kernel, _ schedule: Schedule, _ emitter: KernelEmitter, _ toolchain: CToolchain, _ path: String
    ) async -> Result<CandidateKernel, ToolchainOrEmission> {
        do {
            let emitted = try emitter.emit(kernel, symbol: "candidate", schedule)
            try await toolchain.compile(emitter.prelude + emitted.source, flags: emitter.compilerFlags, to: path)
            return .success(CandidateKernel(emitted, libraryPath: path))
        } catch {
            return .failure(ToolchainOrEmission(reason: "\(error)"))
        }
    }
}

extension CandidateKernel {
    /// An emitted kernel that was compiled to a library.
    init(_ emitted: EmittedKernel, libraryPath: String) {
        var arguments: [Argument] = []
        for argument in emitted.arguments {
            switch argument {
            case .parameter(let number): arguments.append(.parameter(number))
            case .packed(let number): arguments.append(.packed(number))
            case .shared(let bytes): arguments.append(.shared(bytes: bytes))
            }
        }
        let parts: Parts =
            switch emitted.parts {
            case .count(let count): .count(count)
            case .gang: .gang
            }
        self.init(
            libraryPath: libraryPath, symbol: emitted.symbol, arguments: arguments,
            packings: emitted.packings.map {
                Packing(symbol: $0.symbol, sources: $0.sources, byteCount: $0.count * $0.element.byteCount)
            }, workspaceBytes: emitted.workspaceBytes, parts: parts)
    }
}

/// Searches schedules for the kernels of a program.
package struct KernelSearch {
    /// Changes whenever emitters change what a schedule means, so that old verdicts are not taken for new code.
    package static let generatorVersion = "1"

    /// What may be spent.
    package var budget: SearchBudget
    /// Determines the agents' draws and the judge's inputs.
    package var seed: UInt64
    /// How the judge's worker process is started.
    package var worker: WorkerCommand
    /// Where trials are remembered.
    package var archive: KernelArchive?

    /// Makes a search.
    package init(budget: SearchBudget, seed: UInt64, worker: WorkerCommand, archive: KernelArchive?) {
        self.budget = budget
        self.seed = seed
        self.worker = worker
        self.archive = archive
    }

    /// Searches and returns the winning schedules with a report. `seconds` holds the measured time of every running launch
    /// under default schedules.
    func run(
        _ program: LoweredProgram, _ list: KernelList, graph: Graph, tensors: any TensorSource,
        folder constants: ConstantFolder, record: ReferenceRecord?, seconds: [Int: Double], emitter: KernelEmitter,
        toolchain: CToolchain, limits: DeviceLimits, directory: String,
        report: @escaping (SearchProgress) -> Void
    ) async throws -> (schedules: [KernelID: Schedule], regions: [RegionReport]) {
        var time: [KernelID: Double] = [:]
        for (launch, value) in seconds { time[list.ofLaunch[launch], default: 0] += value }
        let total = max(time.values.reduce(0, +), 1e-12)
        var regions: [KernelEvaluator.Region] = []
        var searched: [SearchRegion] = []
        var ids: [KernelID] = []
        var reports: [KernelID: RegionReport] = [:]
        for id in list.kernels.ids.sorted(by: { (time[$0] ?? 0, $1) > (time[$1] ?? 0, $0) }) {
            guard let share = time[id].map({ $0 / total }) else { continue }
            let kernel = list.kernels[id]
            let choices = emitter.choices(kernel)
            var note = ""
            if share < 0.01 {
                note = "below 1 % of the time"
            } else if choices.allSatisfy({ $0.values.count < 2 }) {
                note = "no choices"
            }
            if note.isEmpty, let launch = list.ofLaunch.firstIndex(of: id) {
                if let truth = try RegionTruth(
                    program, launch: launch, graph: graph, tensors: tensors, folder: constants, record: record)
                {
                    let key = ContentHash.of("\(kernel.parameters) \(kernel.body)").description
                    regions.append(
                        .init(
                            kernel: kernel, key: key, evidence: RegionEvidence(oracle: truth, seed: seed),
                            floorSeconds: 0))
                    searched.append(SearchRegion(key: key, choices: choices, weight: share))
                    ids.append(id)
                } else {
                    note = "judged with the whole model only"
                }
            }
            reports[id] = RegionReport(
                kernel: kernel.name, share: share, trials: 0, refusals: [:], schedule: Schedule(), agent: "default",
                note: note)
        }
        guard !searched.isEmpty else { return ([:], Array(reports.values)) }
        var swarm = Swarm(regions: searched, budget: budget, seed: seed)
        let evaluator = KernelEvaluator(
            regions, emitter: emitter, toolchain: toolchain, judge: KernelJudge(worker: worker), archive: archive,
            machine: limits.fingerprint, folder: directory)
        _ = await swarm.run(evaluator, batchSize: 4, clock: { monotonicNow() }, report: report)
        var schedules: [KernelID: Schedule] = [:]
        for (index, id) in ids.enumerated() {
            let view = swarm.views[index]
            guard var entry = reports[id] else { continue }
            entry.trials = view.trials
            for refusal in view.refusals {
                entry.refusals[String(refusal.reason.prefix { $0 != ":" && $0 != " " }), default: 0] += 1
            }
            entry.defaultSeconds = view.defaultSeconds
            entry.bestSeconds = view.champion?.seconds
            if let champion = view.champion {
                entry.schedule = champion.schedule
                schedules[id] = champion.schedule
                entry.agent =
                    swarm.trials.last { $0.candidate.region == index && $0.candidate.schedule == champion.schedule }?
                    .candidate.agent ?? "default"
            } else if !view.refusals.isEmpty {
                entry.note = "no candidate was accepted: \(view.refusals.first?.reason ?? "")"
            }
            reports[id] = entry
        }
        return (schedules, reports.values.sorted { $0.share > $1.share })
    }
}

/// Seconds on the monotonic clock.
func monotonicNow() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
