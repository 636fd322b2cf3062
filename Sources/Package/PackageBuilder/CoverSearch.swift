import Base
import DeviceAPI
import ElementTypes
import GraphIR
import GraphLowering
import KernelArchive
import KernelIR
import KernelSwarm

/// What came of comparing a package with the champion's, both run whole.
package enum CoverComparison: Sendable {
    /// It does not agree with the truth, or its process ended badly.
    case refused(reason: String)
    /// The machine is at fault, such as a device that is full or lost: nothing is known of the package.
    case notCompared(reason: String)
    /// Seconds of a call of each, and whether it is faster beyond the margin; the first is compared with itself.
    case timed(seconds: Double, championSeconds: Double, isWin: Bool)
}

/// What the search over whole models did.
package struct CoverReport: Sendable {
    /// The decisions that were open.
    package var choices: [Choice]
    /// Those of the winner that differ from the rules, as text; empty when the rules won.
    package var winner: String
    /// The agent that found the winner.
    package var agent: String
    package var trials: Int
    /// Refusals by reason.
    package var refusals: [String: Int]
    /// Seconds of a whole call by the rules and of the winner.
    package var defaultSeconds: Double?
    package var bestSeconds: Double?
}

/// Searches decisions about the whole model: fusion cuts, layouts, merging of siblings, threads. Every candidate is a whole
/// package, checked against the record's truth and timed beside the champion in a process of its own.
package struct CoverSearch: Sendable {
    /// What may be spent.
    package var budget: SearchBudget
    /// Determines the agents' draws.
    package var seed: UInt64
    /// Where trials are remembered.
    package var archive: KernelArchive?
    /// Version of the C compiler, a part of the archive's keys.
    package var toolchain: String
    /// Checks a candidate's package and times it beside the champion's, in a worker process.
    package var compare: @Sendable (_ candidate: String, _ champion: String) async -> CoverComparison

    /// Makes a search.
    package init(
        budget: SearchBudget, seed: UInt64, archive: KernelArchive?, toolchain: String,
        compare: @escaping @Sendable (_ candidate: String, _ champion: String) async -> CoverComparison
    ) {
        self.budget = budget
        self.seed = seed
        self.archive = archive
        self.toolchain = toolchain
        self.compare = compare
    }

    /// Searches from the form by the rules, whose package lies at `path` and whose launches take `seconds`; returns the report
    /// and the winning form. Before anything replaces the rules, it must win against them once more.
    func run(
        _ form: ModelForm, at path: String, model: Pipeline.Model, seconds: [Double], folder: TemporaryFolder,
        device: DeviceLimits,
        report: (SearchProgress) -> Void, make: @escaping @Sendable (ModelForm, String) async throws -> Void
    ) async throws -> (CoverReport, ModelForm) {
        let space = FormSpace(form, seconds: seconds, threads: device.blocks == nil ? device.threads : 1)
        let identity = ArchiveKernel(model: "\(form.graph)", parameterBytes: Self.parameterBytes(form.graph))
        let history = archive.map { KernelHistory($0, on: device) }
        let region = SearchRegion(
            key: identity.key, choices: space.choices, weight: 1,
            suggestions: history?.suggestions(for: identity) ?? [])
        let families = FormSpace.families
        var swarm = Swarm(regions: [region], roster: .covers(families: families), budget: budget, seed: seed)
        let evaluator = CoverEvaluator(
            region: region, model: model, form: form, path: path, folder: folder, search: self,
            machine: device.fingerprint, make: make)
        // One at a time: a candidate's kernels compile beside each other, and it is timed alone.
        _ = await swarm.run(evaluator, batchSize: 1, clock: { monotonicNow() }, report: report)
        let view = swarm.views[0]
        var refusals: [String: Int] = [:]
        for refusal in view.refusals { refusals[String(refusal.reason.prefix { $0 != ":" }), default: 0] += 1 }
        var champion = view.champion?.schedule ?? region.defaultSchedule
        var best = view.champion?.seconds
        if champion != region.defaultSchedule, view.defaultSeconds != nil, await !evaluator.confirm() {
            champion = region.defaultSchedule
            best = view.defaultSeconds
        }
        let changed = region.choices.filter { champion[$0] != $0.values[0] }
        let agent = swarm.trials.last { $0.candidate.schedule == champion }?.candidate.agent ?? "default-first"
        let found = CoverReport(
            choices: region.choices, winner: changed.map { "\($0.name)=\(champion[$0])" }.joined(separator: " "),
            agent: agent, trials: view.trials, refusals: refusals, defaultSeconds: view.defaultSeconds,
            bestSeconds: best)
        return (found, changed.isEmpty ? form : try evaluator.form(champion))
    }
}

extension CoverSearch {
    /// Bytes of a graph's parameters of known size.
    private static func parameterBytes(_ graph: Graph) -> Double {
        graph.nodes.rows.reduce(0) { sum, node in
            guard case .leaf(.parameter(_, let type)) = node.operation else { return sum }
            return sum + Double((elementCount(type.shape).constantValue ?? 0) * type.element.byteCount)
        }
    }
}

/// Builds candidates' packages and has them compared.
actor CoverEvaluator: CandidateEvaluator {
    private let region: SearchRegion
    private let model: Pipeline.Model
    private let start: ModelForm
    /// The package by the rules.
    private let startPath: String
    private let folder: TemporaryFolder
    private let search: CoverSearch
    private let machine: String
    private let make: @Sendable (ModelForm, String) async throws -> Void
    /// The fastest package so far and its time.
    private var champion: (path: String, seconds: Double)?
    /// Today's seconds of the default by those that are remembered; nil when none are.
    private var scale: Double?

    init(
        region: SearchRegion, model: Pipeline.Model, form: ModelForm, path: String, folder: TemporaryFolder,
        search: CoverSearch, machine: String, make: @escaping @Sendable (ModelForm, String) async throws -> Void
    ) {
        self.region = region
        self.model = model
        start = form
        startPath = path
        self.folder = folder
        self.search = search
        self.machine = machine
        self.make = make
    }

    /// The form of a schedule of decisions.
    nonisolated func form(_ schedule: Schedule) throws -> ModelForm {
        let choices = FormSpace.form(region.choices, schedule, from: start.choices)
        let graph =
            choices.mergesSiblings == start.choices.mergesSiblings
            ? start.graph : try ModelForm.rewritten(model.graph, choices)
        return try ModelForm(choices, graph)
    }

    func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
        var verdicts: [TrialVerdict] = []
        for candidate in batch {
            if SearchInterrupt.isRequested {
                verdicts.append(.cancelled)
            } else {
                verdicts.append(await verdict(candidate))
            }
        }
        return verdicts
    }

    private func verdict(_ candidate: Candidate) async -> TrialVerdict {
        let key = ArchiveKey(
            kernel: region.key, machine: machine,
            builder: .init(generator: KernelSearch.generatorVersion, compiler: search.toolchain),
            schedule: candidate.schedule.description)
        if let champion, let known = search.archive?[key]?.outcome {
            // The default is timed in every search; its remembered time says how remembered times compare with today's.
            switch known.recall(besides: champion.seconds, scale: scale ?? .nan) {
            case .refused(let reason): return .refused(reason: reason)
            case .timed(let seconds, false): return .timed(seconds: seconds, isWin: false)
            // What would be the champion must be built again anyway, and then it is compared again too.
            case .timed, .unclear: break
            }
        }
        var path = startPath
        if candidate.schedule != region.defaultSchedule {
            path = folder.newFile("cover.hearth")
            do {
                try await make(try form(candidate.schedule), path)
            } catch {
                return remember(key, candidate, .refused(reason: "not built: \(error)"))
            }
        }
        switch await compared(path, champion?.path ?? path) {
        case .refused(let reason):
            discard(path)
            return remember(key, candidate, .refused(reason: reason))
        case .notCompared(let reason):
            discard(path)
            return .refused(reason: reason)
        case .timed(let seconds, let championSeconds, let isFaster):
            // Times of different minutes are compared by their ratio to the champion of that minute.
            let scaled = champion.map { $0.seconds * seconds / championSeconds } ?? seconds
            let isWin = champion == nil || isFaster
            let before = champion?.seconds ?? scaled
            if champion == nil, case .timed(let remembered, _, _) = search.archive?[key]?.outcome {
                scale = scaled / remembered
            }
            if isWin { replaceChampion(path, scaled) } else { discard(path) }
            return remember(
                key, candidate, .timed(seconds: scaled, championSeconds: before, isWin: isWin))
        }
    }

    private func replaceChampion(_ path: String, _ seconds: Double) {
        if let champion { discard(champion.path) }
        champion = (path, seconds)
    }

    private func discard(_ path: String) { if path != startPath { TemporaryFolder.remove(path) } }

    /// Whether the champion wins against the package by the rules.
    func confirm() async -> Bool {
        guard let champion, case .timed(_, _, true) = await compared(champion.path, startPath) else { return false }
        return true
    }

    /// Compares two packages; a win must happen twice, in two processes.
    private func compared(_ candidate: String, _ champion: String) async -> CoverComparison {
        let first = await search.compare(candidate, champion)
        guard candidate != champion, case .timed(_, _, true) = first else { return first }
        let second = await search.compare(candidate, champion)
        guard case .timed(let seconds, let championSeconds, let isWin) = first,
            case .timed(let again, let championAgain, let winsAgain) = second
        else { return second }
        // The less favourable of the two counts.
        return again / championAgain > seconds / championSeconds
            ? second : .timed(seconds: seconds, championSeconds: championSeconds, isWin: isWin && winsAgain)
    }

    private func remember(
        _ key: ArchiveKey, _ candidate: Candidate, _ outcome: ArchiveRecord.Outcome
    ) -> TrialVerdict {
        // The first champion is timed in every search, and written once: all other times are by its. A full disk costs the memory
        // of this trial, not the search.
        if candidate.schedule != region.defaultSchedule || search.archive?[key] == nil {
            var kept = outcome
            if case .timed(let seconds, let championSeconds, let isWin) = outcome, let scale {
                kept = .timed(seconds: seconds / scale, championSeconds: championSeconds / scale, isWin: isWin)
            }
            try? search.archive?.append(ArchiveRecord(key: key, agent: candidate.agent, outcome: kept))
        }
        return switch outcome {
        case .refused(let reason): .refused(reason: reason)
        case .timed(let seconds, _, let isWin): .timed(seconds: seconds, isWin: isWin)
        }
    }
}
