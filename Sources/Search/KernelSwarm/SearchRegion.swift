internal import Glibc
package import KernelIR

/// What the swarm knows of one region: its choices and what it is worth. It knows neither the graph nor the kernel.
package struct SearchRegion: Hashable, Sendable {
    /// Canonical text: equal regions are searched once.
    package var key: String
    /// The decisions that are open; the default stands first in each.
    package var choices: [Choice]
    /// Part of the model's time that all occurrences of this region take with the default schedule, in 0...1.
    package var weight: Double
    /// Seconds that no kernel can go below on this machine; 0 when unknown.
    package var floorSeconds: Double
    /// What was fast for this kernel or its neighbours before, the most promising first. They are proposals like any other.
    package var suggestions: [Schedule]
    /// What the kernel and the machine are, as binary logarithms (extents, bytes, operations, caches, threads): those of examples
    /// are compared with them.
    package var features: [Double]
    /// Trials of this kernel and its neighbours from before, which the cost model learns from.
    package var examples: [SearchExample]
    /// What an advisor is told of the kernel; nil where none is asked.
    package var brief: RegionBrief?

    /// Makes a region.
    package init(
        key: String, choices: [Choice], weight: Double, floorSeconds: Double = 0, suggestions: [Schedule] = [],
        features: [Double] = [], examples: [SearchExample] = [], brief: RegionBrief? = nil
    ) {
        self.key = key
        self.choices = choices
        self.weight = weight
        self.floorSeconds = floorSeconds
        self.suggestions = suggestions
        self.features = features
        self.examples = examples
        self.brief = brief
    }

    /// Number of schedules that agents may propose, of which some may be the same kernel; the largest `Int` when there are more.
    package var scheduleCount: Int {
        choices.filter { !$0.isAdvised }.reduce(1) { product, choice in
            let (next, overflow) = product.multipliedReportingOverflow(by: choice.values.count)
            return overflow ? Int.max : next
        }
    }

    /// The schedule as `[Choice].canonical` states it: equal kernels have equal text.
    package func canonical(_ schedule: Schedule) -> Schedule { choices.canonical(schedule) }

    /// A schedule of another kernel in this one's choices: a value that is not allowed here becomes the allowed one with the
    /// nearest ratio, and what the schedule does not name stays at its default, as does what was made for that kernel alone.
    package func fitted(_ schedule: Schedule) -> Schedule {
        var fitted = Schedule()
        for choice in choices where !choice.isAdvised {
            guard let wanted = schedule.values[choice.name] else { continue }
            func distance(_ value: Int) -> Double {
                value == wanted ? -1 : abs(log2(Double(max(0, value)) + 1) - log2(Double(max(0, wanted)) + 1))
            }
            // The first of equals is the nearest to the default.
            if let value = choice.values.min(by: { distance($0) < distance($1) }) { fitted.set(choice.name, value) }
        }
        return canonical(fitted)
    }

    /// All defaults.
    package var defaultSchedule: Schedule { canonical(Schedule()) }
}

/// A trial of another search, of the same kernel or one like it.
package struct SearchExample: Hashable, Sendable {
    package var schedule: Schedule
    /// Time by that of the default schedule of its kernel on its machine; nil where it was refused.
    package var relativeSeconds: Double?
    /// What its kernel and machine are, as `SearchRegion.features`.
    package var features: [Double]
    /// How far kernel and machine are from those of the region; 0 for the same.
    package var distance: Double
    /// What else was known of it.
    package var profile: TrialProfile?

    /// Makes an example.
    package init(
        schedule: Schedule, relativeSeconds: Double?, features: [Double], distance: Double,
        profile: TrialProfile? = nil
    ) {
        self.schedule = schedule
        self.relativeSeconds = relativeSeconds
        self.features = features
        self.distance = distance
        self.profile = profile
    }
}

/// A schedule proposed for a region.
package struct Candidate: Hashable, Sendable {
    /// Index of the region in the search.
    package var region: Int
    /// Canonical schedule.
    package var schedule: Schedule
    /// Name of the agent that proposed it.
    package var agent: String

    /// Makes a candidate.
    package init(region: Int, schedule: Schedule, agent: String) {
        self.region = region
        self.schedule = schedule
        self.agent = agent
    }
}

/// What came of a candidate.
package enum TrialVerdict: Hashable, Sendable {
    /// Correct, and this fast: seconds of one call. `isWin` says that the judge found it faster than the champion that it
    /// was timed against, by more than the margin.
    case timed(seconds: Double, isWin: Bool)
    /// Not accepted, with the judge's reason.
    case refused(reason: String)
    /// The machine failed while it was judged, or not all could be judged: nothing is learned of it, but it costs a trial.
    case notJudged(reason: String)
    /// The same code as that of another schedule of the region, which was judged before: its seconds of one call, nil where it was
    /// refused. Nothing was compiled or timed for it, and it costs no trial.
    case repeated(seconds: Double?)
    /// Not judged, because the search was cancelled; nothing is learned from it.
    case cancelled

    /// Whether it makes a champion.
    var isWin: Bool {
        if case .timed(_, true) = self { return true }
        return false
    }
}

/// A candidate with its verdict.
package struct Trial: Hashable, Sendable {
    package var candidate: Candidate
    package var verdict: TrialVerdict
    /// What else is known of it, where it was timed.
    package var profile: TrialProfile?

    /// Makes a trial.
    package init(candidate: Candidate, verdict: TrialVerdict, profile: TrialProfile? = nil) {
        self.candidate = candidate
        self.verdict = verdict
        self.profile = profile
    }
}

/// Compiles, checks and times candidates. Verdicts come back in the order of the candidates.
package protocol CandidateEvaluator: Sendable {
    /// Candidates of a batch may be compiled beside each other; timing must run alone.
    func evaluate(_ batch: [Candidate]) async -> [TrialVerdict]
    /// Begins what can be done for a batch that is evaluated later, and returns at once.
    func prepare(_ batch: [Candidate]) async
    /// Waits for what was begun and was not evaluated.
    func finish() async
    /// What is known of a candidate of the last batch beside its verdict; nil where nothing is.
    func profile(of candidate: Candidate) async -> TrialProfile?
}

extension CandidateEvaluator {
    package func prepare(_ batch: [Candidate]) async {}
    package func finish() async {}
    package func profile(of candidate: Candidate) async -> TrialProfile? { nil }
}
