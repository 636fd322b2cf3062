import Base
import DeviceAPI
import ElementTypes
import GraphIR
import GraphLowering
import KernelArchive
import KernelIR
import KernelSwarm
import SearchControl
import SearchEvents
import WorkFolders

/// What came of comparing a package with the champion's, both run whole.
package enum CoverComparison: Sendable {
    /// It does not agree with the truth, or its process ended badly.
    case refused(reason: String)
    /// The machine is at fault, such as a device that is full or lost: nothing is known of the package.
    case notCompared(reason: String)
    /// Seconds of a call of each, and whether it is better beyond the margin in what the goal measures (faster, or less energy); the
    /// first is compared with itself.
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
    /// The agents that take part.
    package var roster = AgentRoster.standard
    /// Where trials are remembered.
    package var archive: KernelArchive?
    /// Version of the C compiler, a part of the archive's keys.
    package var toolchain: String
    /// What it is for.
    package var goal = SearchGoal()
    /// Whether a model whose like was searched before is tried by the rules and as the nearest one ended, and no further.
    package var onlyChanged = false
    /// What narrows decisions: hints for `model` and for all regions.
    package var hints: [SearchHint] = []
    /// Bytes of a package's arena and weights; asked only where the goal needs them.
    package var bytes: @Sendable (_ package: String) -> Double? = { _ in nil }
    /// What runs in a package: packages of which this is equal are the same. nil where it cannot be told.
    package var identity: @Sendable (_ package: String) -> CoverIdentity? = { CoverIdentity(package: $0) }
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
        events: @escaping @Sendable (SearchEvent) -> Void,
        make: @escaping @Sendable (ModelForm, String) async throws -> Void
    ) async throws -> (CoverReport, ModelForm) {
        let space = FormSpace(form, seconds: seconds, threads: device.blocks == nil ? device.threads : 1)
        let identity = ArchiveKernel(model: "\(form.graph)", parameterBytes: Self.parameterBytes(form.graph))
        let history = archive.map { KernelHistory($0, on: device) }
        var region = SearchRegion(key: identity.key, choices: try narrowed(space), weight: 1)
        history?.inform(&region, of: identity)
        events(.region(RegionOpening(model: region, form)))
        var budget = budget
        if onlyChanged, !region.suggestions.isEmpty { budget.trials = min(2, budget.trials) }
        var swarm = Swarm(regions: [region], roster: roster, budget: budget, seed: seed)
        let evaluator = CoverEvaluator(
            region: region, rules: space.choices, model: model, form: form, path: path, folder: folder, search: self,
            machine: device.fingerprint, reporter: TrialReporter(send: events), make: make)
        // One at a time: a candidate's kernels compile beside each other, and it is timed alone.
        _ = await swarm.run(evaluator, batchSize: 1, clock: { monotonicNow() }) {
            events(.progress(SearchStanding(.cover, $0)))
        }
        let view = swarm.views[0]
        var refusals: [String: Int] = [:]
        for refusal in view.refusals { refusals[String(refusal.reason.prefix { $0 != ":" }), default: 0] += 1 }
        var champion = view.champion?.schedule ?? region.defaultSchedule
        var best = view.champion?.seconds
        if champion != region.defaultSchedule, view.defaultSeconds != nil, await !evaluator.confirm() {
            champion = region.defaultSchedule
            best = view.defaultSeconds
        }
        let changed = space.choices.filter { champion[$0] != $0.values[0] }
        let agent = swarm.trials.last { $0.candidate.schedule == champion }?.candidate.agent ?? Swarm.defaultAgent
        let found = CoverReport(
            choices: region.choices, winner: changed.map { "\($0.name)=\(champion[$0])" }.joined(separator: " "),
            agent: agent, trials: view.trials, refusals: refusals, defaultSeconds: view.defaultSeconds,
            bestSeconds: best)
        var closing = RegionClosing()
        closing.region = SearchRecord.model
        closing.schedule = champion.description
        closing.agent = agent
        closing.defaultSeconds = view.defaultSeconds
        closing.bestSeconds = best
        closing.verifiedBy = "whole model"
        events(.closed(closing))
        return (found, changed.isEmpty ? form : try evaluator.form(champion))
    }
}

extension CoverSearch {
    /// Decisions that hints leave open.
    func narrowed(_ space: FormSpace) throws(ControlError) -> [Choice] {
        let model = NamedRegion(name: SearchRecord.model, kernel: SearchRecord.model, choices: space.choices)
        let own = hints.filter { $0.region == SearchRecord.model }
        var choices = try HintTable(own, regions: [model]).regions[0].choices
        // What fits no decision here may fit kernels; whoever searches those says so when it does not.
        for hint in fitting(space) {
            let open = NamedRegion(name: SearchRecord.model, kernel: SearchRecord.model, choices: choices)
            choices = try HintTable([hint], regions: [open]).regions[0].choices
        }
        return choices
    }

    /// Hints for all regions that fit decisions about the whole model.
    func fitting(_ space: FormSpace) -> [SearchHint] {
        let model = NamedRegion(name: SearchRecord.model, kernel: SearchRecord.model, choices: space.choices)
        return hints.filter { $0.isForAll && (try? HintTable([$0], regions: [model])) != nil }
    }

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
    /// All decisions, with what the rules say first; hints may have narrowed the region's.
    private let rules: [Choice]
    private let model: Pipeline.Model
    private let start: ModelForm
    /// The package by the rules.
    private let startPath: String
    private let folder: TemporaryFolder
    private let search: CoverSearch
    private let machine: String
    private let reporter: TrialReporter
    private let make: @Sendable (ModelForm, String) async throws -> Void
    /// The fastest package so far and its time.
    private var champion: (path: String, figures: SearchFigures)?
    /// The first champion, which the last one must beat once more: the default by the rules or, where hints narrow them, by hints.
    private var first: (path: String, figures: SearchFigures)?
    /// What came of every package that was built and compared here, by what runs in it.
    private var known: [(identity: CoverIdentity, outcome: ArchiveRecord.Outcome)] = []
    /// Today's seconds of the default by those that are remembered; nil when none are.
    private var scale: Double?

    init(
        region: SearchRegion, rules: [Choice]? = nil, model: Pipeline.Model, form: ModelForm, path: String,
        folder: TemporaryFolder, search: CoverSearch, machine: String,
        reporter: TrialReporter = TrialReporter { _ in },
        make: @escaping @Sendable (ModelForm, String) async throws -> Void
    ) {
        self.region = region
        self.rules = rules ?? region.choices
        self.reporter = reporter
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
        let choices = FormSpace.form(rules, schedule, from: start.choices)
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
                let before = champion?.figures.seconds
                let verdict = await verdict(candidate)
                verdicts.append(verdict)
                reporter.report(candidate, verdict, region: SearchRecord.model, before: before)
            }
        }
        return verdicts
    }

    private func verdict(_ candidate: Candidate) async -> TrialVerdict {
        let key = ArchiveKey(
            kernel: region.key, machine: machine,
            builder: .init(generator: KernelSearch.generatorVersion, compiler: search.toolchain),
            schedule: candidate.schedule.description)
        if let champion, isPlain, let remembered = search.archive?[key]?.outcome {
            // The default is timed in every search; its remembered time says how remembered times compare with today's.
            switch remembered.recall(besides: champion.figures.seconds, scale: scale ?? .nan) {
            case .refused(let reason): return .refused(reason: reason)
            case .timed(let seconds, false): return .timed(seconds: seconds, isWin: false)
            // What would be the champion must be built again anyway, and then it is compared again too.
            case .timed, .unclear: break
            }
        }
        var path = startPath
        if candidate.schedule != rules.canonical(Schedule()) {
            path = folder.newFile("cover.hearth")
            do {
                try await make(try form(candidate.schedule), path)
            } catch {
                return remember(key, candidate, .refused(reason: "not built: \(error)"))
            }
        }
        // Other decisions may become the same package, which is judged once.
        let identity = search.identity(path)
        if let identity, let same = known.first(where: { $0.identity.isSame(as: identity) })?.outcome {
            discard(path)
            // Told to the archive too, which saves the next search the build.
            guard case .timed(let seconds, _) = remember(key, candidate, same) else { return .repeated(seconds: nil) }
            return .repeated(seconds: seconds)
        }
        func keep(_ outcome: ArchiveRecord.Outcome) -> TrialVerdict {
            if let identity { known.append((identity, outcome.withoutWin)) }
            return remember(key, candidate, outcome)
        }
        switch await compared(path, champion?.path ?? path) {
        case .refused(let reason):
            discard(path)
            return keep(.refused(reason: reason))
        case .notCompared(let reason):
            discard(path)
            return .notJudged(reason: reason)
        case .timed(let seconds, let championSeconds, let isFaster):
            // Times of different minutes are compared by their ratio to the champion of that minute.
            let scaled = champion.map { $0.figures.seconds * seconds / championSeconds } ?? seconds
            let figures = figures(path, scaled)
            let isWin =
                champion.map { champion in
                    search.goal.isWin(
                        figures, over: champion.figures, isBetter: isFaster, start: first?.figures ?? champion.figures)
                } ?? true
            let before = champion?.figures.seconds ?? scaled
            if champion == nil { first = (path, figures) }
            if champion == nil, isPlain, case .timed(let remembered, _, _) = search.archive?[key]?.outcome {
                scale = scaled / remembered
            }
            if isWin { replaceChampion(path, figures) } else { discard(path) }
            return keep(.timed(seconds: scaled, championSeconds: before, isWin: isWin))
        }
    }

    /// Whether only the time of a call counts, as in the archive.
    private var isPlain: Bool { search.goal == SearchGoal() }

    private func figures(_ path: String, _ seconds: Double) -> SearchFigures {
        SearchFigures(seconds: seconds, bytes: search.goal.needsMemory ? search.bytes(path) : nil)
    }

    private func replaceChampion(_ path: String, _ figures: SearchFigures) {
        if let champion { discard(champion.path) }
        champion = (path, figures)
    }

    private func discard(_ path: String) {
        if path != startPath, path != first?.path { removeTree(path) }
    }

    /// Whether the champion wins against the first one.
    func confirm() async -> Bool {
        guard let champion, let first,
            case .timed(let seconds, let startSeconds, let isBetter) = await compared(champion.path, first.path)
        else { return false }
        let start = figures(first.path, startSeconds)
        return search.goal.isWin(figures(champion.path, seconds), over: start, isBetter: isBetter, start: start)
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
        if isPlain, candidate.schedule != region.defaultSchedule || search.archive?[key] == nil {
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

extension RegionOpening {
    /// The level of the whole model.
    fileprivate init(model region: SearchRegion, _ form: ModelForm) {
        self.init()
        self.region = SearchRecord.model
        kernel = SearchRecord.model
        key = region.key
        share = 1
        launches = form.program.launches.count { !$0.isConstant }
        choices = region.choices.filter { $0.values.count > 1 }.map { "\($0.name): \($0.allowed)" }
    }
}
