import Base
import ElementTypes
import Glibc
import KernelArchive
import KernelCodeGen
import KernelIR
import KernelJudge
import KernelSwarm
import MappedFiles
import SearchControl

/// Compiles candidates, has them judged, and remembers the champion of each region.
actor KernelEvaluator: CandidateEvaluator {
    /// A kernel under search.
    struct Region: Sendable {
        /// Name in reports.
        var name = ""
        var kernel: Kernel
        /// What the archive knows it by.
        var identity: ArchiveKernel
        var evidence: RegionEvidence
        var profiles = ProfileMaker()
        var floorSeconds: Double
        var constantCopies: Int
    }

    private let regions: [Region]
    private let compiler: CandidateCompiler
    private let judge: any CandidateJudge
    private let archive: KernelArchive?
    private let machine: String
    private let folder: String
    private let memory: KernelMemory
    private let reporter: TrialReporter
    private var champions: [Int: (candidate: CandidateKernel, seconds: Double)] = [:]
    /// The first champion's figures of each region.
    private var starts: [Int: SearchFigures] = [:]
    /// Regions whose first champion was timed here, so that remembered times are of other minutes than theirs.
    private var timedAnew: Set<Int> = []
    private var made = 0
    /// What candidates of this batch and the next become, until they are judged.
    private var emissions: [Candidate: Emission] = [:]
    /// Texts of this batch and the next that compile, or did, by region.
    private var underWay: [Int: [EmittedKernel: Task<Compilation, Never>]] = [:]
    /// Inputs and truth, made before a region's first candidate is judged.
    private var evidence: [Int: Task<Void, Never>] = [:]
    /// The last of those for a kernel that moves more than `largeBytes`.
    private var large: Task<Void, Never>?
    private static let largeBytes = 32e6
    /// What was found here of every text and of every binary, by region.
    private var judgedTexts: [Int: [EmittedKernel: Judgement]] = [:]
    private var judgedBinaries: [Int: [CandidateKernel: Judgement]] = [:]
    /// What else is known of what was timed or remembered here, by region.
    private var profiles: [Int: [Schedule: TrialProfile]] = [:]
    /// What compilers said of images that lie at a path.
    private var cubins: [String: CubinFacts] = [:]
    /// Why nothing is to be learned of the last candidate.
    private var unlearned = ""
    /// Complete schedules of which the judge said, here, that the kernel is to blame.
    private var blamed: [Int: [Schedule: Refusal]] = [:]
    /// Complete schedules that showed no hidden fault here.
    private var sound: [Int: Set<Schedule>] = [:]

    init(
        _ regions: [Region], compiler: CandidateCompiler, judge: any CandidateJudge, archive: KernelArchive?,
        machine: String, folder: String, memory: KernelMemory = .free,
        reporter: TrialReporter = TrialReporter { _ in }
    ) {
        self.regions = regions
        self.compiler = compiler
        self.judge = judge
        self.archive = archive
        self.machine = machine
        self.folder = folder
        self.memory = memory
        self.reporter = reporter
    }

    func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
        // Everything compiles side by side, each text once, beside what makes inputs and their truth; then one candidate at a time is
        // judged.
        begin(batch)
        for candidate in batch {
            if case .success(let text)? = emissions[candidate] { _ = await underWay[candidate.region]?[text]?.value }
            await evidence[candidate.region]?.value
        }
        var verdicts: [TrialVerdict] = []
        for candidate in batch {
            if SearchInterrupt.isRequested {
                verdicts.append(.cancelled)
                continue
            }
            let before = champions[candidate.region]?.seconds
            let verdict = await verdict(candidate, emissions.removeValue(forKey: candidate))
            verdicts.append(verdict)
            reporter.report(candidate, verdict, region: regions[candidate.region].name, before: before)
            Pipeline.trace(candidate, regions[candidate.region].kernel.name, verdict)
        }
        return verdicts
    }

    func prepare(_ batch: [Candidate]) async { begin(batch) }

    /// Compiles what nobody judged yet and makes its inputs and truth, in tasks of their own.
    private func begin(_ batch: [Candidate]) {
        for candidate in batch where emissions[candidate] == nil && known(candidate) == nil {
            let region = candidate.region
            if evidence[region] == nil { evidence[region] = gather(region) }
            let emission = emit(candidate)
            emissions[candidate] = emission
            guard case .success(let text) = emission, judgedTexts[region]?[text] == nil,
                underWay[region]?[text] == nil
            else { continue }
            made += 1
            let path = "\(folder)/c\(made).so"
            underWay[region, default: [:]][text] = Task { await compile(text, path) }
        }
    }

    /// Begins to make a region's inputs and truth, which takes memory many times the kernel's: of large ones, one at a time.
    private func gather(_ region: Int) -> Task<Void, Never> {
        let (given, before) = (regions[region].evidence, large)
        guard regions[region].identity.bytes > Self.largeBytes else { return Task { await given.prepare() } }
        let task = Task {
            await before?.value
            await given.prepare()
        }
        large = task
        return task
    }

    func finish() async {
        for compilations in underWay.values { for task in compilations.values { _ = await task.value } }
        for task in evidence.values { await task.value }
        (underWay, emissions) = ([:], [:])
    }

    func profile(of candidate: Candidate) -> TrialProfile? { profiles[candidate.region]?[candidate.schedule] }

    private func emit(_ candidate: Candidate) -> Emission {
        compiler.emit(regions[candidate.region].kernel, candidate.schedule)
    }

    /// Judges what was emitted; what was not, because the archive knows it, is asked of the archive first.
    private func verdict(_ candidate: Candidate, _ emission: Emission?) async -> TrialVerdict {
        let region = regions[candidate.region]
        if emission == nil, let verdict = await remembered(candidate) { return verdict }
        var found: Judgement
        switch emission ?? emit(candidate) {
        case .failure(let failure): found = .refused("notCompiled", detail: "notCompiled: \(failure.reason)")
        case .success(let text):
            if let same = judgedTexts[candidate.region]?[text] { return again(same) }
            let result: Compilation
            if let task = underWay[candidate.region]?.removeValue(forKey: text) {
                result = await task.value
            } else {
                made += 1
                result = await compile(text, "\(folder)/c\(made).so")
            }
            switch result {
            case .failure(let failure): found = .refused("notCompiled", detail: "notCompiled: \(failure.reason)")
            case .success(let kernel):
                // Other texts may become the same machine code.
                let binary = Self.binary(kernel)
                if let binary, let same = judgedBinaries[candidate.region]?[binary] {
                    judgedTexts[candidate.region, default: [:]][text] = same
                    return again(same)
                }
                guard let judged = await judged(candidate, kernel, region) else {
                    return Self.saysNothing(unlearned)
                        ? .notJudged(reason: unlearned) : .refused(reason: unlearned)
                }
                found = judged
                if let binary { judgedBinaries[candidate.region, default: [:]][binary] = found }
            }
            judgedTexts[candidate.region, default: [:]][text] = found
        }
        remember(candidate, found)
        return found.verdict
    }

    /// Whether a line of the judge blames no kernel, by its first word: there was no truth, no measurement or no machine.
    private static func saysNothing(_ reason: String) -> Bool {
        ["notJudged", "noEvidence", "belowFloor", "clocksDisagree"].contains(TrialReporter.fault(reason))
    }

    /// The verdict of code that was judged or remembered here before. The archive is not told: it has it under the first schedule.
    private func again(_ judgement: Judgement) -> TrialVerdict {
        switch judgement.outcome {
        case .refused: return .repeated(seconds: nil)
        case .timed(let seconds, _, _): return .repeated(seconds: seconds)
        }
    }

    /// Asks the judge; nil, with `unlearned`, where the machine is at fault (a GPU that is full or lost) or not all was judged, which says nothing that
    /// would hold another time.
    private func judged(_ candidate: Candidate, _ kernel: CandidateKernel, _ region: Region) async -> Judgement? {
        let champion = champions[candidate.region]
        let verdict = await judge.judge(
            kernel, against: champion?.candidate, evidence: region.evidence, floorSeconds: region.floorSeconds,
            constantCopies: region.constantCopies)
        switch verdict {
        case .refused(let refusal):
            if refusal.blamesKernel {
                blamed[candidate.region, default: [:]][complete(candidate.schedule, region.kernel)] = refusal
            }
            switch refusal {
            case .notJudged, .clocksDisagree:
                unlearned = refusal.counted
                return nil
            default: break
            }
            return .refused(refusal.counted, detail: refusal.counted)
        case .correct(let timing, _):
            // Times of different minutes are compared by their ratio to the champion of that minute.
            let seconds = champion.map { $0.seconds / timing.speedup } ?? timing.seconds
            let isFaster = champion == nil || timing.isWin
            let isWin = champion == nil || wins(candidate.region, kernel, seconds, isFaster: timing.isWin)
            // What is slower has not met all inputs yet.
            if isWin, !isFaster, let refusal = await refusal(kernel, region.evidence) {
                unlearned = refusal.counted
                return nil
            }
            // Whether what wins is C that means something costs a compilation; the default is asked when it has won at the end.
            if isWin, champion != nil, let refusal = await hiddenFault(candidate.region, candidate.schedule) {
                return .refused(refusal.counted, detail: refusal.counted)
            }
            if isWin { champions[candidate.region] = (kernel, seconds) }
            if champion == nil {
                timedAnew.insert(candidate.region)
                starts[candidate.region] = SearchFigures(
                    seconds: seconds, bytes: KernelMemory.bytes(kernel, region.kernel))
            }
            let profile = region.profiles.profile(
                kernel, cubin: cubins[kernel.libraryPath], seconds: seconds, counters: timing.counters)
            profiles[candidate.region, default: [:]][candidate.schedule] = profile
            // The archive remembers what is fast, whatever this search is for.
            return Judgement(
                outcome: .timed(seconds: seconds, championSeconds: champion?.seconds ?? seconds, isWin: isFaster),
                samples: .init(
                    speedup: timing.speedup, low: timing.speedupLow, high: timing.speedupHigh, calls: timing.calls,
                    groups: timing.groups),
                verdict: .timed(seconds: seconds, isWin: isWin))
        }
    }

    private func remember(_ candidate: Candidate, _ judgement: Judgement) {
        // The archive keeps no texts: their numbers say nothing in another search.
        guard WrittenTexts.number(candidate.schedule) == nil else { return }
        // A full disk costs the memory of this trial, not the search.
        try? archive?.append(
            ArchiveRecord(
                key: key(candidate), agent: candidate.agent, outcome: judgement.outcome, samples: judgement.samples,
                profile: profile(of: candidate)?.named ?? [:]))
    }

    /// What a compiled kernel is apart from where it lies: its bytes and how it is called; nil where it cannot be read.
    private static func binary(_ kernel: CandidateKernel) -> CandidateKernel? {
        func hash(_ path: String) -> String? {
            guard let file = try? MappedFile(path: path) else { return nil }
            return file.withBytes { bytes in
                // Safety: the bytes are read inside the closure, while the span lives.
                unsafe bytes.withUnsafeBytes { ContentHash.of($0).description }
            }
        }
        guard let library = hash(kernel.libraryPath) else { return nil }
        var binary = kernel
        binary.libraryPath = library + (hash(kernel.libraryPath + ".host.so") ?? "")
        return binary
    }

    /// Whether a correct candidate takes the champion's place.
    private func wins(_ region: Int, _ kernel: CandidateKernel, _ seconds: Double, isFaster: Bool) -> Bool {
        guard let champion = champions[region], let start = starts[region] else { return isFaster }
        func figures(_ kernel: CandidateKernel, _ seconds: Double) -> SearchFigures {
            SearchFigures(seconds: seconds, bytes: KernelMemory.bytes(kernel, regions[region].kernel))
        }
        return memory.isWin(
            figures(kernel, seconds), over: figures(champion.candidate, champion.seconds), isFaster: isFaster,
            start: start)
    }

    private func refusal(_ kernel: CandidateKernel, _ evidence: RegionEvidence) async -> Refusal? {
        switch await judge.check(kernel, evidence: evidence) {
        case .success: nil
        case .failure(let refusal): refusal
        }
    }

    /// The verdict that was remembered, where it holds beside today's champion; nil where the candidate must be judged again.
    private func remembered(_ candidate: Candidate) async -> TrialVerdict? {
        guard let record = known(candidate) else { return nil }
        let region = candidate.region
        if !record.profile.isEmpty {
            profiles[region, default: [:]][candidate.schedule] = TrialProfile(record.profile)
        }
        let verdict = await recalled(record, region, candidate)
        if let verdict, case .success(let text) = emit(candidate) {
            // What becomes the same code has been judged too.
            judgedTexts[region, default: [:]][text] = Judgement(
                outcome: record.outcome, samples: record.samples, verdict: verdict)
        }
        return verdict
    }

    private func recalled(_ record: ArchiveRecord, _ region: Int, _ candidate: Candidate) async -> TrialVerdict? {
        switch record.outcome.recall(besides: champions[region]?.seconds) {
        case .refused(let reason): return .refused(reason: reason)
        case .unclear: return nil
        case .timed(let seconds, let isWin):
            if timedAnew.contains(region) { return nil }
            if isWin {
                // A remembered winner must be compiled again before it can be an incumbent.
                if case .success(let kernel) = await make(region, candidate.schedule) {
                    champions[region] = (kernel, seconds)
                }
            }
            return .timed(seconds: seconds, isWin: isWin)
        }
    }

    /// Checks a schedule of a region with all inputs and shapes, without timing; nil when it passes. `deeply` also looks for faults
    /// that hide (`hiddenFault`).
    func refusal(_ region: Int, _ schedule: Schedule, deeply: Bool = false) async -> Refusal? {
        if let known = blamed[region]?[complete(schedule, regions[region].kernel)] { return known }
        switch await make(region, schedule) {
        case .failure(let failure): return .notCompiled(reason: failure.reason)
        case .success(let candidate):
            switch await judge.check(candidate, evidence: regions[region].evidence) {
            case .success: return deeply ? await hiddenFault(region, schedule) : nil
            case .failure(let refusal): return refusal
            }
        }
    }

    /// What is to be said of a schedule's algorithm where the judge asks it less beside infinite or nearly overflowing inputs.
    func specialNote(_ region: Int, _ schedule: Schedule) -> String? {
        guard case .success(let emitted) = compiler.emit(regions[region].kernel, schedule) else { return nil }
        if let name = emitted.spreadsAs { return "judged as \(name), which may give NaN beside infinite inputs" }
        return emitted.overflowing.map { "judged as \($0), which may overflow beside the largest numbers" }
    }

    /// The refusal of a kernel whose right results are luck, on the judge's inputs: C that does what C leaves undefined, threads of a
    /// device that rely on who comes first. nil where it is none, and where nothing can tell. What does not compile so, or fails otherwise
    /// with traps, is not said to be undefined.
    func hiddenFault(_ region: Int, _ schedule: Schedule) async -> Refusal? {
        let complete = complete(schedule, regions[region].kernel)
        guard sound[region]?.contains(complete) != true else { return nil }
        guard let fault = await revealed(region, schedule) else {
            sound[region, default: []].insert(complete)
            return nil
        }
        blamed[region, default: [:]][complete] = fault
        return fault
    }

    private func revealed(_ region: Int, _ schedule: Schedule) async -> Refusal? {
        guard case .success(let emitted) = compiler.emit(regions[region].kernel, schedule),
            let build = compiler.revealing(emitted),
            case .success(let candidate) = await make(region, schedule, build),
            case .failure(let refusal) = await judge.check(candidate, evidence: regions[region].evidence)
        else { return nil }
        return compiler.hiddenFault(refusal, build)
    }

    /// Emits and compiles.
    private func make(_ region: Int, _ schedule: Schedule, _ build: CandidateCompiler.Build = .plain) async
        -> Compilation
    {
        switch compiler.emit(regions[region].kernel, schedule) {
        case .failure(let failure): return .failure(failure)
        case .success(let text):
            made += 1
            return await compile(text, "\(folder)/c\(made).so", build)
        }
    }

    private func key(_ candidate: Candidate) -> ArchiveKey {
        ArchiveKey(
            kernel: regions[candidate.region].identity.key, machine: machine,
            builder: .init(generator: KernelSearch.generatorVersion, compiler: compiler.version),
            schedule: candidate.schedule.description)
    }

    /// What was said of a candidate before. That a default was refused is not believed without seeing it again: what it
    /// falls back on hangs on why.
    private func known(_ candidate: Candidate) -> ArchiveRecord? {
        guard WrittenTexts.number(candidate.schedule) == nil, let record = archive?[key(candidate)] else { return nil }
        let kernel = regions[candidate.region].kernel
        switch record.outcome {
        case .refused: return complete(candidate.schedule, kernel) == complete(Schedule(), kernel) ? nil : record
        // Where memory decides, a time says too little, and its code is not at hand.
        case .timed:
            if case .free = memory { return record }
            return nil
        }
    }

    /// The schedule with every decision of the kernel stated.
    private func complete(_ schedule: Schedule, _ kernel: Kernel) -> Schedule {
        var complete = schedule
        for choice in compiler.generator.choices(kernel) { complete.set(choice.name, schedule[choice]) }
        return complete
    }

    private typealias Emission = Result<EmittedKernel, CandidateCompiler.Failure>
    private typealias Compilation = Result<CandidateKernel, CandidateCompiler.Failure>

    /// What was found of code: for the archive, and for the swarm.
    private struct Judgement {
        var outcome: ArchiveRecord.Outcome
        var samples: ArchiveRecord.Samples?
        var verdict: TrialVerdict

        /// A refusal: its reason in the archive, and with more of it for the swarm.
        static func refused(_ reason: String, detail: String) -> Judgement {
            Judgement(outcome: .refused(reason: reason), samples: nil, verdict: .refused(reason: detail))
        }
    }

    /// Compiles side by side with others.
    private nonisolated func compile(
        _ emitted: EmittedKernel, _ path: String, _ build: CandidateCompiler.Build = .plain
    ) async -> Compilation {
        switch await compiler.compile(emitted, path, build) {
        case .failure(let failure): return .failure(failure)
        case .success(let (kernel, facts)):
            if let facts { await keep(facts, of: path) }
            return .success(kernel)
        }
    }

    private func keep(_ facts: CubinFacts, of path: String) { cubins[path] = facts }
}
