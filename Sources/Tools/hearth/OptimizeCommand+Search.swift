import DeviceAPI
import ElementTypes
import KernelArchive
import KernelCodeGen
import KernelJudge
import KernelSwarm
import PackageBuilder
import SearchControl
import SearchEvents

extension OptimizeCommand {
    /// What is wished for, understood.
    struct Wanted {
        var goal: SearchGoal
        var hints: [SearchHint]
        /// Who is asked what to try beside the minds of our own; nil unless the user named somebody.
        var language: LanguageOptions.Source?
        let reached = ReachedFigures()
    }

    /// Who judges kernels: a worker on the device.
    var judge: KernelJudge {
        if isOnHost { return KernelJudge(worker: worker) }
        return KernelJudge(
            worker: WorkerCommand(executable: "/proc/self/exe", arguments: ["worker"] + runOptions),
            settings: .onDevice())
    }

    /// The levels of the search: three tenths of the budget go to decisions about the whole model, half to kernels alone, and the rest to
    /// what was found for them, within the model.
    func search(
        _ toolchain: CToolchain, _ wanted: Wanted, _ advisor: (any ScheduleAdvisor)?
    ) throws -> (covers: CoverSearch, kernels: KernelSearch, placed: PlacedTrials?)? {
        if trials == 0 { return nil }
        let archive = try ArchivePlace.open(archive)
        let options = runOptions + ["--measure", wanted.goal.objective.rawValue]
        let reached = wanted.reached
        var covers = CoverSearch(
            budget: SearchBudget(trials: modelTrials(wanted.hints), seconds: budget * 0.3, patience: 24), seed: seed,
            archive: archive, toolchain: toolchain.version
        ) { candidate, champion in
            let comparison = await PackageComparison.inProcess(candidate, champion, options: options)
            if case .timed(let seconds, _, _) = comparison { reached.take(.latency, seconds) }
            return comparison
        }
        let roster = AgentRoster(agents: agents)
        covers.roster = roster
        covers.goal = wanted.goal
        covers.hints = wanted.hints
        covers.onlyChanged = onlyChanged
        covers.bytes = { path in
            let bytes = FinishedPackage.bytes(path)
            if let bytes { reached.take(.memory, bytes) }
            return bytes
        }
        var kernels = KernelSearch(
            budget: SearchBudget(trials: trials, seconds: budget * 0.5, patience: patience), seed: seed,
            judge: judge, archive: archive)
        kernels.only = wishes.only
        kernels.onlyChanged = onlyChanged
        kernels.hints = wanted.hints
        kernels.roster = roster
        kernels.advisor = advisor
        // Another objective, or a limit, is not a matter of time alone.
        let isTime = wanted.goal.constraints.isEmpty && [.latency, .throughput].contains(wanted.goal.objective)
        let placed = PlacedTrials(trials: max(1, trials / 4), seconds: budget * 0.2) {
            await PackageComparison.finished($0, $1, options: options, rounds: 15)
        }
        return (covers, kernels, isTime ? placed : nil)
    }

    /// Trials of decisions about the whole model. Where kernels are named, decisions that make others of them are not searched: only
    /// the default's and what the archive knows as best are tried.
    func modelTrials(_ hints: [SearchHint]) -> Int {
        let usual = max(1, trials / 4)
        return wishes.namesKernels(hints) ? min(2, usual) : usual
    }

    /// What the record of the search begins with.
    func start(_ model: String, _ limits: DeviceLimits) -> SearchStart {
        var start = SearchStart()
        start.model = model.split(separator: "/").last.map(String.init) ?? model
        start.device = limits.kind.rawValue
        start.machine = limits.model
        start.threads = limits.threads
        start.objective = wishes.objective.rawValue
        (start.constraints, start.hints, start.only) = (wishes.constraints, wishes.hints, wishes.only)
        start.trials = trials
        start.modelTrials = trials == 0 ? 0 : modelTrials((try? wishes.parsedHints()) ?? [])
        start.budgetSeconds = budget
        start.seed = Int(clamping: seed)
        start.batch = KernelSearch.batch(threads: CToolchain.machineThreads, onHost: limits.blocks == nil)
        guard let rates = limits.rates else { return start }
        start.memoryRate = rates.memoryRead.allThreads
        let known: [(ElementType, DeviceLimits.Rate?)] = [
            (.f32, rates.fp32), (.bf16, rates.bf16), (.f16, rates.f16), (.i8, rates.int8),
        ]
        for (element, rate) in known {
            if let rate { start.operationRates[element.rawValue] = rate.allThreads }
        }
        return start
    }
}
