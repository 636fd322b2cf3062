import ElementTypes
import Glibc
import KernelArchive
import KernelCodeGen
import KernelIR
import KernelJudge
import KernelSwarm
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
        var floorSeconds: Double
        var constantCopies: Int
    }

    private let regions: [Region]
    private let generator: CodeGenerator
    private let toolchain: CToolchain
    private let images: DeviceImages?
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
    /// Complete schedules of which the judge said, here, that the kernel is to blame.
    private var blamed: [Int: [Schedule: Refusal]] = [:]

    init(
        _ regions: [Region], generator: CodeGenerator, toolchain: CToolchain, images: DeviceImages?,
        judge: any CandidateJudge, archive: KernelArchive?,
        machine: String, folder: String, memory: KernelMemory = .free,
        reporter: TrialReporter = TrialReporter { _ in }
    ) {
        self.regions = regions
        self.generator = generator
        self.toolchain = toolchain
        self.images = images
        self.judge = judge
        self.archive = archive
        self.machine = machine
        self.folder = folder
        self.memory = memory
        self.reporter = reporter
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
                group.addTask { [self] in
                    (position, await compile(kernel, candidate.schedule, path))
                }
            }
            for await (position, result) in group { compiled[position] = result }
        }
        var verdicts: [TrialVerdict] = []
        for (position, candidate) in batch.enumerated() {
            if SearchInterrupt.isRequested {
                verdicts.append(.cancelled)
            } else {
                let before = champions[candidate.region]?.seconds
                verdicts.append(await verdict(candidate, compiled[position]))
                reporter.report(
                    candidate, verdicts[position], region: regions[candidate.region].name, before: before)
                Pipeline.trace(candidate, regions[candidate.region].kernel.name, verdicts[position])
            }
        }
        return verdicts
    }

    private func verdict(
        _ candidate: Candidate, _ compiled: Result<CandidateKernel, ToolchainOrEmission>?
    ) async -> TrialVerdict {
        let region = regions[candidate.region]
        var compiled = compiled
        if compiled == nil {
            if let verdict = await remembered(candidate) { return verdict }
            made += 1
            compiled = await compile(region.kernel, candidate.schedule, "\(folder)/c\(made).so")
        }
        guard let compiled else { return .cancelled }
        let outcome: ArchiveRecord.Outcome
        var samples: ArchiveRecord.Samples?
        let result: TrialVerdict
        switch compiled {
        case .failure(let failure):
            outcome = .refused(reason: "notCompiled")
            result = .refused(reason: "notCompiled: \(failure.reason)")
        case .success(let kernel):
            let champion = champions[candidate.region]
            let verdict = await judge.judge(
                kernel, against: champion?.candidate, evidence: region.evidence, floorSeconds: region.floorSeconds,
                constantCopies: region.constantCopies)
            switch verdict {
            case .refused(let refusal):
                if refusal.blamesKernel {
                    blamed[candidate.region, default: [:]][complete(candidate.schedule, region.kernel)] = refusal
                }
                // A machine's fault (a GPU that is full or lost) says nothing that would hold another time.
                if case .notJudged = refusal { return .refused(reason: refusal.counted) }
                outcome = .refused(reason: refusal.counted)
                result = .refused(reason: refusal.counted)
            case .correct(let timing, _):
                // Times of different minutes are compared by their ratio to the champion of that minute.
                let seconds = champion.map { $0.seconds / timing.speedup } ?? timing.seconds
                let isFaster = champion == nil || timing.isWin
                let isWin = champion == nil || wins(candidate.region, kernel, seconds, isFaster: timing.isWin)
                // What is slower has not met all inputs yet.
                if isWin, !isFaster, let refusal = await refusal(kernel, region.evidence) {
                    return .refused(reason: refusal.counted)
                }
                if isWin { champions[candidate.region] = (kernel, seconds) }
                if champion == nil {
                    timedAnew.insert(candidate.region)
                    starts[candidate.region] = SearchFigures(
                        seconds: seconds, bytes: KernelMemory.bytes(kernel, region.kernel))
                }
                // The archive remembers what is fast, whatever this search is for.
                outcome = .timed(seconds: seconds, championSeconds: champion?.seconds ?? seconds, isWin: isFaster)
                samples = .init(
                    speedup: timing.speedup, low: timing.speedupLow, high: timing.speedupHigh, calls: timing.calls,
                    groups: timing.groups)
                result = .timed(seconds: seconds, isWin: isWin)
            }
        }
        if let archive {
            let record = ArchiveRecord(
                key: key(candidate), agent: candidate.agent, outcome: outcome, samples: samples)
            // A full disk costs the memory of this trial, not the search.
            try? archive.append(record)
        }
        return result
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
        switch record.outcome.recall(besides: champions[region]?.seconds) {
        case .refused(let reason): return .refused(reason: reason)
        case .unclear: return nil
        case .timed(let seconds, let isWin):
            if timedAnew.contains(region) { return nil }
            if isWin {
                // A remembered winner must be compiled again before it can be an incumbent.
                made += 1
                let path = "\(folder)/c\(made).so"
                if case .success(let kernel) = await compile(regions[region].kernel, candidate.schedule, path) {
                    champions[region] = (kernel, seconds)
                }
            }
            return .timed(seconds: seconds, isWin: isWin)
        }
    }

    /// Checks a schedule of a region with all inputs and shapes, without timing; nil when it passes.
    func refusal(_ region: Int, _ schedule: Schedule) async -> Refusal? {
        if let known = blamed[region]?[complete(schedule, regions[region].kernel)] { return known }
        made += 1
        let path = "\(folder)/c\(made).so"
        switch await compile(regions[region].kernel, schedule, path) {
        case .failure(let failure): return .notCompiled(reason: failure.reason)
        case .success(let candidate):
            switch await judge.check(candidate, evidence: regions[region].evidence) {
            case .success: return nil
            case .failure(let refusal): return refusal
            }
        }
    }

    /// Whether C that goes into a package does what C leaves undefined, on the judge's inputs: runs it with traps there. False on a
    /// device that runs no C of ours.
    func doesUndefined(_ region: Int, _ schedule: Schedule) async -> Bool {
        guard images == nil else { return false }
        made += 1
        let path = "\(folder)/c\(made).so"
        let traps = toolchain.undefinedBehaviourTraps
        guard case .success(let candidate) = await compile(regions[region].kernel, schedule, path, traps: traps),
            case .failure(.crashed(signal: Int(SIGILL))) = await judge.check(
                candidate, evidence: regions[region].evidence)
        else { return false }
        return true
    }

    private func key(_ candidate: Candidate) -> ArchiveKey {
        ArchiveKey(
            kernel: regions[candidate.region].identity.key, machine: machine,
            builder: .init(
                generator: KernelSearch.generatorVersion, compiler: images?.version ?? toolchain.version),
            schedule: candidate.schedule.description)
    }

    /// What was said of a candidate before. That a default was refused is not believed without seeing it again: what it
    /// falls back on hangs on why.
    private func known(_ candidate: Candidate) -> ArchiveRecord? {
        guard let record = archive?[key(candidate)] else { return nil }
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
        for choice in generator.choices(kernel) { complete.set(choice.name, schedule[choice]) }
        return complete
    }

    /// Why a candidate has no code.
    struct ToolchainOrEmission: Error { var reason: String }

    /// Compiles side by side with others. With `traps`, most of the compiler's work is left out: the code is run a few times only.
    private nonisolated func compile(
        _ kernel: Kernel, _ schedule: Schedule, _ path: String, traps: [String] = []
    ) async -> Result<CandidateKernel, ToolchainOrEmission> {
        do {
            var emitted = try generator.emit(kernel, symbol: "candidate", schedule)
            var flags = generator.host.compilerFlags
            if !traps.isEmpty { flags = flags.map { $0 == "-O3" ? "-O1" : $0 } + traps }
            if let images {
                let sharedBytes = try await images.write(.init(emitted, generator), to: path)
                emitted = emitted.asking(sharedBytes: sharedBytes)
                if !emitted.packings.isEmpty {
                    let text = generator.host.prelude + emitted.packingSource
                    try await toolchain.compile(text, flags: flags, to: path + ".host.so")
                }
            } else {
                try await toolchain.compile(generator.prelude + emitted.source, flags: flags, to: path)
            }
            return .success(CandidateKernel(emitted, libraryPath: path))
        } catch {
            return .failure(ToolchainOrEmission(reason: "\(error)"))
        }
    }
}

extension CandidateKernel {
    /// An emitted kernel that was compiled to a library.
    package init(_ emitted: EmittedKernel, libraryPath: String) {
        var arguments: [Argument] = []
        for argument in emitted.arguments {
            switch argument {
            case .parameter(let number): arguments.append(.parameter(number))
            case .packed(let number): arguments.append(.packed(number))
            case .library: arguments.append(.library)
            case .shared(let bytes): arguments.append(.shared(bytes: bytes))
            }
        }
        let parts: Parts =
            switch emitted.parts {
            case .count(let count): .count(count)
            case .gang: .gang
            case .grid(let grid):
                .grid(
                    blocks: grid.blocks, threads: grid.threads, sharedBytes: grid.sharedBytes, overlaps: grid.overlaps,
                    counters: grid.counters, call: grid.call)
            }
        self.init(
            libraryPath: libraryPath, symbol: emitted.symbol, arguments: arguments,
            packings: emitted.packings.map {
                Packing(
                    symbol: $0.symbol, sources: $0.sources, byteCount: $0.count * $0.element.byteCount,
                    usesLibrary: $0.usesLibrary)
            }, workspaceBytes: emitted.workspaceBytes, parts: parts)
    }
}
