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
import SearchControl
import SearchEvents
import Synchronization

/// What the search did to one kernel.
package struct RegionReport: Sendable {
    /// `region.0`, `region.1`, … in the order of the first launches.
    package var name: String
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
    /// Why the region was left alone or fell back, or empty.
    package var note: String
    /// Who vouches for it.
    package var verification = Verification.judge

    /// What a kernel in a package is known to be right by.
    package enum Verification: String, Sendable {
        /// The judge, on inputs of many kinds, by itself.
        case judge
        /// The agreement of the whole model on the recorded inputs only.
        case wholeModel
    }
}

/// Whether the user asked the search to stop (Ctrl-C): what was found so far is kept.
package enum SearchInterrupt {
    private static let flag = Atomic<Bool>(false)
    /// Asks the search to stop.
    package static func request() { flag.store(true, ordering: .relaxed) }
    /// Whether it was asked.
    package static var isRequested: Bool { flag.load(ordering: .relaxed) }
}

/// Searches schedules for the kernels of a program, and lets no kernel pass that the judge refuses.
package struct KernelSearch {
    /// Changes whenever emitters change what a schedule means or the judge what it asks, so that old verdicts are not taken
    /// for new ones.
    package static let generatorVersion = "19"

    /// What may be spent.
    package var budget: SearchBudget
    /// Determines the agents' draws and the judge's inputs.
    package var seed: UInt64
    /// Who says what is right.
    package var judge: any CandidateJudge
    /// Where trials are remembered.
    package var archive: KernelArchive?
    /// The agents that take part.
    package var roster = AgentRoster.standard
    /// Whom the fifth mind asks what to try; nil leaves that mind out.
    package var advisor: (any ScheduleAdvisor)?
    /// When not nil, only the region of this name, or kernels whose name holds this text, are searched; the others take what the
    /// archive knows as fastest.
    package var only: String?
    /// Whether kernels whose search ended before, with at least this budget, take what it ended with, judged again, and no trials.
    package var onlyChanged = false
    /// What narrows choices.
    package var hints: [SearchHint] = []
    /// Hints for all regions that fitted decisions about the whole model.
    package var fittedElsewhere: Set<SearchHint> = []
    /// What may be done with memory.
    var memory = KernelMemory.free

    /// Candidates of a batch on a machine of so many threads: enough for each to compile one, but no more than 16, as the agents learn
    /// nothing within a batch. Where kernels run on another device, the host's cores have nothing else to do, so that it is 12 at least. A
    /// search repeats itself only with the same batch.
    package static func batch(threads: Int, onHost: Bool) -> Int { min(16, max(onHost ? 4 : 12, threads)) }

    /// Makes a search whose judge runs candidates in a process that `worker` starts.
    package init(budget: SearchBudget, seed: UInt64, worker: WorkerCommand, archive: KernelArchive?) {
        self.init(budget: budget, seed: seed, judge: KernelJudge(worker: worker), archive: archive)
    }

    /// Makes a search.
    package init(budget: SearchBudget, seed: UInt64, judge: any CandidateJudge, archive: KernelArchive?) {
        self.budget = budget
        self.seed = seed
        self.judge = judge
        self.archive = archive
    }

    /// What is searched: a program and what the judge must know of it.
    struct Subject {
        var program: LoweredProgram
        var list: KernelList
        var graph: Graph
        var tensors: any TensorSource
        var folder: ConstantFolder
        var record: ReferenceRecord?
        /// Measured seconds of every running launch under default schedules.
        var seconds: [Int: Double]
        var limits: DeviceLimits

        /// Bytes of all constants that running launches read.
        var weightBytes: Int {
            var buffers: Set<BufferID> = []
            for launch in program.launches where !launch.isConstant {
                buffers.formUnion(launch.buffers.filter { program.buffers[$0].isConstant })
            }
            return buffers.reduce(0) { sum, buffer in
                let type = program.buffers[buffer].type
                return sum + (elementCount(type.shape).constantValue ?? 0) * type.element.byteCount
            }
        }

        /// The region of a kernel at one of its launches, for the judge. Throws `RegionGraph.Obstacle`.
        func region(_ id: KernelID, launch: Int, seed: UInt64) throws -> KernelEvaluator.Region {
            let kernel = list.kernels[id]
            let truth = try RegionTruth(
                program, launch: launch, graph: graph, tensors: tensors, folder: folder, record: record)
            let identity = ArchiveKernel(kernel, dimensions: truth.shapes[0])
            return KernelEvaluator.Region(
                kernel: kernel, identity: identity,
                evidence: RegionEvidence(oracle: truth, seed: seed),
                profiles: ProfileMaker(kernel, identity: identity, dimensions: truth.shapes[0], limits),
                floorSeconds: KernelLimits.floorSeconds(kernel, dimensions: truth.shapes[0], limits),
                constantCopies: KernelLimits.constantCopies(kernel, weightBytes: weightBytes, limits))
        }
    }

    /// What reports say of a kernel that `onlyChanged` leaves alone.
    static let settledBefore = "searched before"

    /// Whether time alone decided, over all choices of all kernels: what such a search ends with holds for others like it.
    private var isPlain: Bool {
        guard case .free = memory else { return false }
        return hints.isEmpty && only == nil && advisor == nil
    }

    /// The running kernels as hints and `--only` know them.
    static func named(_ list: KernelList, _ generator: CodeGenerator) -> [NamedRegion] {
        list.regions.enumerated().map { number, id in
            NamedRegion(
                name: "region.\(number)", kernel: list.kernels[id].name,
                key: ContentHash.of(list.kernels[id].canonicalText).description,
                choices: generator.choices(list.kernels[id]))
        }
    }

    /// What is open for each kernel: choices as hints narrow them, and whether it was asked for.
    private struct Wishes {
        var choices: [KernelID: [Choice]] = [:]
        var hinted: Set<KernelID> = []
        var asked: Set<KernelID> = []

        init(_ search: KernelSearch, _ list: KernelList, _ generator: CodeGenerator) throws {
            let named = KernelSearch.named(list, generator)
            let table = try HintTable(
                search.hints, regions: named, others: { $0 == SearchRecord.model }, elsewhere: search.fittedElsewhere)
            var selected = named.map { _ in true }
            if let only = search.only {
                selected =
                    only == SearchRecord.model
                    ? named.map { _ in false } : try NamedRegion.selected(only, of: named)
            }
            for (place, id) in list.regions.enumerated() {
                choices[id] = table.regions[place].choices
                if table.isHinted[place] { hinted.insert(id) }
                if selected[place] { asked.insert(id) }
            }
        }
    }

    /// Searches, and returns schedules that the judge found correct with a report. A kernel whose default is refused, and
    /// for which the search found nothing else, falls back on safer schedules; throws `KernelRefused` when all are refused.
    /// Kernels that cannot be judged alone keep their defaults, and the report says so. `place` tries what was found within the
    /// model, beside schedules that are not to be moved, and says what is to stand. Throws `ControlError` where a hint or
    /// `only` fits nothing, or where the judge refuses all that a hint allows.
    func run(
        _ subject: Subject, compiler: CandidateCompiler, directory: String,
        events: @escaping @Sendable (SearchEvent) -> Void,
        place: (([Finalist], _ fixed: [KernelID: Schedule]) async -> [KernelID: Schedule])? = nil
    ) async throws -> (schedules: [KernelID: Schedule], regions: [RegionReport]) {
        let (list, generator) = (subject.list, compiler.generator)
        let wishes = try Wishes(self, list, generator)
        let names = list.regionNames
        var time: [KernelID: Double] = [:]
        var launches: [KernelID: Int] = [:]
        for (launch, value) in subject.seconds {
            time[list.ofLaunch[launch], default: 0] += value
            launches[list.ofLaunch[launch], default: 0] += 1
        }
        let total = max(time.values.reduce(0, +), 1e-12)
        var regions: [KernelEvaluator.Region] = []
        var searched: [SearchRegion] = []
        var ids: [KernelID] = []
        var reports: [KernelID: RegionReport] = [:]
        var remembered: [KernelID: (schedule: Schedule, agent: String)] = [:]
        let history = archive.map { KernelHistory($0, on: subject.limits) }
        let builder = ArchiveKey.Builder(
            generator: Self.generatorVersion, compiler: compiler.version)
        let order = list.kernels.ids.filter { time[$0] != nil }
            .sorted { (time[$0] ?? 0, $1) > (time[$1] ?? 0, $0) }
        for id in order {
            let share = (time[id] ?? 0) / total
            let kernel = list.kernels[id]
            var entry = RegionReport(
                name: names[id] ?? "", kernel: kernel.name, share: share, trials: 0, refusals: [:],
                schedule: Schedule(), agent: "default", note: "")
            var opening = RegionOpening()
            do {
                let launch = list.ofLaunch.firstIndex(of: id) ?? 0
                var region = try subject.region(id, launch: launch, seed: seed)
                region.name = entry.name
                regions.append(region)
                ids.append(id)
                let choices = wishes.choices[id] ?? []
                if !wishes.asked.contains(id), !wishes.hinted.contains(id) {
                    entry.note = "not asked for"
                    remembered[id] = history?.champion(of: region.identity, by: builder)
                } else if onlyChanged, !wishes.hinted.contains(id),
                    let known = history?.settled(region.identity, choices, by: builder, within: budget)
                {
                    entry.note = Self.settledBefore
                    remembered[id] = known
                } else if only == nil, share < 0.01, !wishes.hinted.contains(id) {
                    entry.note = "below 1 % of the time"
                } else if choices.allSatisfy({ $0.values.count < 2 }), !wishes.hinted.contains(id) {
                    entry.note = "no choices"
                }
                // What is not searched is checked all the same: a region without weight and choices.
                let isOpen = entry.note.isEmpty
                // Hints and reports know nothing of texts; a search has none before it asks for them.
                let texts = isOpen && advisor != nil ? generator.texts : nil
                texts?.open(region.identity.key, kernel, generator)
                var place = SearchRegion(
                    key: region.identity.key,
                    choices: isOpen ? choices + (texts == nil ? [] : [WrittenTexts.choice]) : [], weight: share,
                    floorSeconds: region.floorSeconds)
                if isOpen { history?.inform(&place, of: region.identity) }
                if isOpen, advisor != nil {
                    place.brief = RegionBrief(
                        kernel, region: entry.name, key: region.identity.key, on: subject.limits)
                }
                searched.append(place)
                opening.describe(region, isOpen ? choices : [])
            } catch let obstacle as RegionGraph.Obstacle {
                entry.note = "\(obstacle)"
                entry.verification = .wholeModel
                opening.searched = false
            }
            opening.region = entry.name
            opening.kernel = kernel.name
            opening.share = share
            opening.launches = launches[id] ?? 1
            opening.note = entry.note
            events(.region(opening))
            reports[id] = entry
        }
        let evaluator = KernelEvaluator(
            regions, compiler: compiler, judge: judge, archive: archive,
            machine: subject.limits.fingerprint, folder: directory, memory: memory,
            reporter: TrialReporter(send: events))
        let open = searched.indices.filter { !searched[$0].choices.isEmpty }
        var swarm = Swarm(
            regions: open.map { searched[$0] }, roster: advisor == nil ? roster : roster.withLanguage, budget: budget,
            seed: seed)
        var ended: StopReason?
        if !open.isEmpty {
            let places = Places(evaluator: evaluator, regions: open)
            let batch = Self.batch(threads: CToolchain.machineThreads, onHost: compiler.isForHost)
            ended = await swarm.run(
                places, batchSize: batch, looksAhead: !subject.limits.sharesHostCores, clock: { monotonicNow() },
                advisor: advisor
            ) {
                events(.progress(SearchStanding(.search, $0)))
            }
        }
        var placed: [KernelID: Schedule] = [:]
        if let place {
            var finalists: [Finalist] = []
            var fixed: [KernelID: Schedule] = [:]
            for (number, index) in open.enumerated() {
                guard let finalist = Finalist(ids[index], swarm, number) else { continue }
                if wishes.hinted.contains(finalist.kernel) {
                    fixed[finalist.kernel] = finalist.winner
                } else if finalist.canMove {
                    finalists.append(finalist)
                } else if finalist.rule == nil {
                    // The rule's schedule was refused; a package by the rules would hold it.
                    fixed[finalist.kernel] = finalist.winner
                }
            }
            for (id, known) in remembered where fixed[id] == nil { fixed[id] = known.schedule }
            placed = await place(finalists, fixed)
        }
        var schedules: [KernelID: Schedule] = [:]
        for (index, id) in ids.enumerated() {
            guard var entry = reports[id] else { continue }
            if let place = open.firstIndex(of: index) {
                entry.take(swarm, place)
                if let schedule = placed[id], schedule != entry.schedule {
                    // What was slower alone has met a part of the judge's inputs only.
                    if let refusal = await evaluator.refusal(index, schedule) {
                        entry.refusals[refusal.kind, default: 0] += 1
                        entry.add("what was faster within the model is refused (\(refusal.kind))")
                    } else {
                        entry.move(to: schedule, swarm, place)
                    }
                }
            } else if let known = remembered[id] {
                let isSettled = entry.note == Self.settledBefore
                if await evaluator.refusal(index, known.schedule, deeply: isSettled) == nil {
                    entry.schedule = known.schedule
                    entry.agent = known.agent
                    entry.add(isSettled ? "as it ended" : "as fastest in the archive")
                } else if isSettled {
                    entry.add("what it ended with is refused now")
                }
            }
            if entry.bestSeconds == nil, wishes.hinted.contains(id) {
                // The search may have ended before it came here.
                entry.schedule = searched[index].defaultSchedule
                if let refusal = await evaluator.refusal(index, entry.schedule) {
                    guard refusal.blamesKernel else {
                        (entry.verification, entry.note) = (.wholeModel, "\(refusal)")
                        reports[id] = entry
                        continue
                    }
                    throw ControlError(
                        "the judge refuses what the hints leave of \(entry.name) (\(entry.kernel)): \(refusal)")
                }
            } else if entry.bestSeconds == nil, entry.schedule.values.isEmpty {
                try await verify(index, id, &entry, subject, evaluator, generator)
            }
            // What won without beating anything, or long ago, has not been asked yet.
            if entry.bestSeconds != nil, let refusal = await evaluator.hiddenFault(index, entry.schedule) {
                if wishes.hinted.contains(id) {
                    throw ControlError(
                        "the judge refuses what the hints leave of \(entry.name) (\(entry.kernel)): \(refusal)")
                }
                (entry.schedule, entry.agent, entry.bestSeconds) = (Schedule(), "default", nil)
                try await verify(index, id, &entry, subject, evaluator, generator, deeply: true)
            }
            if let ended, let place = open.firstIndex(of: index), isPlain, swarm.views[place].trials > 0 {
                history?.settle(
                    regions[index].identity, wishes.choices[id] ?? [], by: builder, entry.schedule, agent: entry.agent,
                    after: ended, of: budget)
            }
            if !entry.schedule.values.isEmpty { schedules[id] = entry.schedule }
            if let author = generator.texts?.author(list.kernels[id], entry.schedule) {
                entry.add("its text was written by \(author)")
            }
            if entry.verification == .judge, let note = await evaluator.specialNote(index, entry.schedule) {
                entry.add(note)
            }
            reports[id] = entry
        }
        let sorted = reports.values.sorted { ($0.share, $1.kernel) > ($1.share, $0.kernel) }
        for report in sorted { events(.closed(RegionClosing(report))) }
        return (schedules, sorted)
    }

    /// Walks from the default schedule down to the plainest until one passes the judge, `deeply` also with what shows hidden
    /// faults.
    private func verify(
        _ index: Int, _ id: KernelID, _ entry: inout RegionReport, _ subject: Subject, _ evaluator: KernelEvaluator,
        _ generator: CodeGenerator, deeply: Bool = false
    ) async throws {
        let kernel = subject.list.kernels[id]
        var first: Refusal?
        for schedule in [Schedule()] + generator.saferSchedules(kernel) {
            guard let refusal = await evaluator.refusal(index, schedule, deeply: deeply) else {
                entry.schedule = schedule
                if let first { entry.note = "the default schedule was refused (\(first)); this is a safer one" }
                return
            }
            if !refusal.blamesKernel {
                // Nothing can be told of this kernel alone, under whatever schedule.
                entry.verification = .wholeModel
                entry.note = "\(refusal)"
                return
            }
            entry.refusals[refusal.kind, default: 0] += 1
            first = first ?? refusal
        }
        guard let first else { return }
        let launch = subject.list.ofLaunch.firstIndex(of: id) ?? 0
        throw KernelRefused(kernel: kernel.name, origin: subject.program.origin(launch, subject.graph), refusal: first)
    }
}

extension RegionReport {
    /// Says one thing more.
    fileprivate mutating func add(_ note: String) { self.note += self.note.isEmpty ? note : "; \(note)" }

    /// Takes what a swarm found in one of its regions.
    fileprivate mutating func take(_ swarm: Swarm, _ place: Int) {
        let view = swarm.views[place]
        trials = view.trials
        for refusal in view.refusals { refusals[TrialReporter.fault(refusal.reason), default: 0] += 1 }
        defaultSeconds = view.defaultSeconds
        bestSeconds = view.champion?.seconds
        guard let champion = view.champion else { return }
        schedule = champion.schedule
        let winner = swarm.trials.last {
            $0.candidate.region == place && $0.candidate.schedule == champion.schedule
        }
        agent = winner?.candidate.agent ?? "default"
    }

    /// Takes the schedule that stands after trials within the model.
    fileprivate mutating func move(to schedule: Schedule, _ swarm: Swarm, _ place: Int) {
        guard schedule != self.schedule else { return }
        let trial = swarm.trials.last { $0.candidate.region == place && $0.candidate.schedule == schedule }
        guard let trial, case .timed(let seconds, _) = trial.verdict else { return }
        self.schedule = schedule
        (agent, bestSeconds) = (trial.candidate.agent, seconds)
        note =
            schedule == swarm.views[place].region.defaultSchedule
            ? "what is faster alone is not within the model" : "within the model faster than what is fastest alone"
    }
}

extension RegionOpening {
    /// Takes what is known of a kernel before its search.
    fileprivate mutating func describe(_ region: KernelEvaluator.Region, _ choices: [Choice]) {
        key = region.identity.key
        operations = region.identity.operations
        bytes = region.identity.bytes
        element = region.identity.element
        floorSeconds = region.floorSeconds
        self.choices = choices.filter { $0.values.count > 1 }.map { "\($0.name): \($0.allowed)" }
        searched = !choices.isEmpty
    }
}

extension RegionClosing {
    /// The end of a region.
    fileprivate init(_ report: RegionReport) {
        self.init()
        region = report.name
        schedule = report.schedule.description
        agent = report.agent
        defaultSeconds = report.defaultSeconds
        bestSeconds = report.bestSeconds
        verifiedBy = report.verification == .judge ? "judge" : "whole model"
        note = report.note
    }
}

/// Regions of a swarm that are some of an evaluator's.
private struct Places: CandidateEvaluator {
    let evaluator: KernelEvaluator
    let regions: [Int]

    func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
        await evaluator.evaluate(
            batch.map { Candidate(region: regions[$0.region], schedule: $0.schedule, agent: $0.agent) })
    }

    func prepare(_ batch: [Candidate]) async {
        await evaluator.prepare(
            batch.map { Candidate(region: regions[$0.region], schedule: $0.schedule, agent: $0.agent) })
    }

    func finish() async { await evaluator.finish() }

    func profile(of candidate: Candidate) async -> TrialProfile? {
        await evaluator.profile(
            of: Candidate(region: regions[candidate.region], schedule: candidate.schedule, agent: candidate.agent))
    }
}

/// Seconds on the monotonic clock.
func monotonicNow() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

extension LoweredProgram {
    /// Where a launch comes from, for messages: the lines of model code behind its nodes.
    func origin(_ launch: Int, _ graph: Graph) -> String {
        var lines: [String] = []
        for node in launches[launch].nodes {
            let line = graph.nodes[node].origin
            if !lines.contains(line) { lines.append(line) }
        }
        return lines.isEmpty ? "a part of a node" : lines.joined(separator: ", ")
    }
}
