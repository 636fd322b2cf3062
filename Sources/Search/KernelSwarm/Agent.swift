package import Base
package import KernelIR

/// One way to look for better schedules of one region. Whatever it remembers is its own; what all agents know is in the
/// view. Adding an agent is one file and one row of `AgentRoster`.
package protocol Agent: Sendable {
    /// A schedule to try, or nil when this agent has nothing to say now. Proposals tried before are dropped by the swarm.
    mutating func propose(_ view: RegionView, random: inout SeededRandom) -> Schedule?
    /// Called for every trial of the region, whoever proposed it.
    mutating func learn(_ trial: Trial, view: RegionView)
}

extension Agent {
    package mutating func learn(_ trial: Trial, view: RegionView) {}
}

/// What all agents of a region share.
package struct RegionView: Sendable {
    /// A correct schedule and its time.
    package struct Elite: Hashable, Sendable {
        package var schedule: Schedule
        /// Seconds of one call.
        package var seconds: Double
    }

    package let region: SearchRegion
    /// The best correct schedules, fastest first, at most `eliteLimit`.
    package private(set) var elites: [Elite] = []
    /// Every correct schedule with its time, in the order of trial.
    package private(set) var measured: [Elite] = []
    /// The schedule that is the answer if the search stops now, and its time. Once there is one, only a win replaces it.
    package private(set) var champion: Elite?
    /// Time of the default schedule, once it is measured.
    package private(set) var defaultSeconds: Double?
    /// Trials since the champion changed.
    package private(set) var trialsSinceWin = 0
    /// Number of trials with a verdict.
    package private(set) var trials = 0
    /// Refusals in the order of trial.
    package private(set) var refusals: [(schedule: Schedule, reason: String)] = []
    private var tried: Set<Schedule> = []

    /// How many elites are kept.
    package static let eliteLimit = 8

    init(region: SearchRegion) { self.region = region }

    /// Whether a canonical schedule was proposed before.
    package func hasTried(_ schedule: Schedule) -> Bool { tried.contains(schedule) }

    /// Whether every schedule was proposed.
    package var isExhausted: Bool { tried.count >= region.scheduleCount }

    /// Fraction of the champion's time above the floor, in 0...1: what could still be gained at most.
    package var distanceFromFloor: Double {
        guard let champion, champion.seconds > 0 else { return 1 }
        return max(0, 1 - region.floorSeconds / champion.seconds)
    }

    mutating func markProposed(_ schedule: Schedule) { tried.insert(schedule) }

    /// Returns how much faster the champion became, as a fraction of its time before; 0 when it did not change.
    mutating func record(_ trial: Trial) -> Double {
        switch trial.verdict {
        case .cancelled: return 0
        case .refused(let reason):
            trials += 1
            trialsSinceWin += 1
            refusals.append((trial.candidate.schedule, reason))
            return 0
        case .timed(let seconds, let isWin):
            trials += 1
            trialsSinceWin += 1
            let elite = Elite(schedule: trial.candidate.schedule, seconds: seconds)
            measured.append(elite)
            let place = elites.firstIndex { $0.seconds > seconds } ?? elites.count
            elites.insert(elite, at: place)
            if elites.count > Self.eliteLimit { elites.removeLast() }
            if elite.schedule == region.defaultSchedule { defaultSeconds = seconds }
            guard let before = champion else {
                champion = elite
                trialsSinceWin = 0
                return 0
            }
            guard isWin else { return 0 }
            champion = elite
            trialsSinceWin = 0
            return max(0, 1 - seconds / before.seconds)
        }
    }
}
