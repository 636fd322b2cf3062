import KernelIR
import KernelSwarm
import SearchEvents

/// Tells of trials as they happen.
struct TrialReporter: Sendable {
    let send: @Sendable (SearchEvent) -> Void

    /// Tells of a candidate's verdict in a region of this name, whose champion took `before` seconds.
    func report(_ candidate: Candidate, _ verdict: TrialVerdict, region: String, before: Double?) {
        var trial = TrialEnd()
        trial.region = region
        trial.agent = candidate.agent
        trial.schedule = candidate.schedule.description
        switch verdict {
        // Repeated code was told of under its first schedule.
        case .cancelled, .repeated: return
        case .notJudged(let reason):
            (trial.verdict, trial.reason) = (TrialEnd.notJudged, reason)
            send(.trial(trial))
        case .refused(let reason):
            trial.verdict = "refused"
            send(.trial(trial))
            var refusal = TrialRefusal()
            refusal.region = region
            refusal.agent = candidate.agent
            refusal.schedule = trial.schedule
            refusal.fault = Self.fault(reason)
            refusal.reason = reason
            send(.refusal(refusal))
        case .timed(let seconds, let isWin):
            trial.verdict = "correct"
            trial.seconds = seconds
            send(.trial(trial))
            guard isWin || before == nil else { return }
            var win = RegionWin()
            win.region = region
            win.agent = candidate.agent
            win.schedule = trial.schedule
            win.seconds = seconds
            win.beforeSeconds = before
            send(.win(win))
        }
    }

    /// What kind of fault a reason is: its first word.
    static func fault(_ reason: String) -> String { String(reason.prefix { $0 != ":" && $0 != " " }) }
}

extension SearchStanding {
    /// The standing of a level of the search.
    init(_ stage: Pipeline.Stage, _ progress: SearchProgress) {
        self.init()
        self.stage = stage.rawValue
        trials = progress.trials
        refused = progress.refused
        relativeTime = progress.relativeTime
    }
}
