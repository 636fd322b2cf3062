internal import Base
internal import KernelIR

/// When a search stops.
package struct SearchBudget: Hashable, Sendable {
    /// Most verdicts, all regions together.
    package var trials: Int
    /// Most seconds by the clock that the caller reads; nil for no limit.
    package var seconds: Double?
    /// A region is done when its champion is within this factor of the floor.
    package var rooflineFactor: Double
    /// A region is done after this many trials without a win.
    package var patience: Int

    /// Makes a budget.
    package init(trials: Int, seconds: Double? = nil, rooflineFactor: Double = 1.05, patience: Int = 64) {
        self.trials = trials
        self.seconds = seconds
        self.rooflineFactor = rooflineFactor
        self.patience = patience
    }
}

/// Why a search stopped.
package enum StopReason: String, Hashable, Sendable {
    case trials, seconds
    /// Every region is at its floor, fully explored, or out of patience.
    case nothingLeft
    case cancelled
}

/// The search as a value: it is asked for batches and told verdicts, and does nothing else. The same seed and the same
/// verdicts give the same candidates.
package struct Swarm: Sendable {
    /// What is known of each region, in the order given.
    package private(set) var views: [RegionView]
    /// Every trial in order.
    package private(set) var trials: [Trial] = []
    package let budget: SearchBudget

    private let roster: AgentRoster
    /// Agents by region, then by row of the roster.
    private var agents: [[any Agent]]
    /// Proposals that agents may still make before all others, by region, then by row of the roster.
    private var openings: [[Int]]
    private var bandit: AgentBandit
    private var random: SeededRandom
    /// Candidates of each region that are under way.
    private var pending: [Int]
    /// Regions in which no agent found a new schedule; until something is learned there.
    private var isSilent: [Bool]

    /// Makes a search.
    package init(
        regions: [SearchRegion], roster: AgentRoster = .standard, budget: SearchBudget, seed: UInt64
    ) {
        views = regions.map { RegionView(region: $0) }
        agents = regions.map { region in roster.rows.map { $0.make(region) } }
        openings = regions.map { _ in roster.rows.map(\.opening) }
        bandit = AgentBandit(agents: roster.rows.count)
        random = SeededRandom(seed: seed)
        pending = [Int](repeating: 0, count: regions.count)
        isSilent = [Bool](repeating: false, count: regions.count)
        self.roster = roster
        self.budget = budget
    }

    /// Why nothing more is to be tried after `seconds`, or nil.
    package func stopReason(seconds: Double) -> StopReason? {
        if trials.count >= budget.trials { return .trials }
        if let limit = budget.seconds, seconds >= limit { return .seconds }
        return views.indices.allSatisfy { isDone($0) } && pending.allSatisfy { $0 == 0 } ? .nothingLeft : nil
    }

    /// The next candidates, at most `limit` and what the trial budget leaves; empty when there is nothing to try. First
    /// comes the default schedule of every region, the heaviest first; then the region with most to gain.
    package mutating func nextBatch(limit: Int) -> [Candidate] {
        var batch: [Candidate] = []
        let room = budget.trials - trials.count - pending.reduce(0, +)
        while batch.count < min(limit, room), let region = mostPromising(), let candidate = propose(region) {
            batch.append(candidate)
            pending[region] += 1
        }
        return batch
    }

    /// Takes verdicts, in the order of the candidates.
    package mutating func record(_ finished: [Trial]) {
        for trial in finished {
            let region = trial.candidate.region
            pending[region] -= 1
            if case .cancelled = trial.verdict { continue }
            trials.append(trial)
            let gain = views[region].record(trial)
            isSilent[region] = false
            if let agent = roster.rows.firstIndex(where: { $0.name == trial.candidate.agent }), gain > 0 {
                // A 2 % win already counts for something; anything from 50 % counts fully.
                bandit.reward(agent, min(1, 0.2 + 1.6 * gain))
            }
            for agent in agents[region].indices { agents[region][agent].learn(trial, view: views[region]) }
        }
    }

    private func isDone(_ region: Int) -> Bool {
        let view = views[region]
        if view.isExhausted || isSilent[region] || view.trialsSinceWin >= budget.patience { return true }
        guard let champion = view.champion, view.region.floorSeconds > 0 else { return false }
        return champion.seconds <= view.region.floorSeconds * budget.rooflineFactor
    }

    /// The region with the largest part of the model's time above its floor, less so the longer it has gained nothing.
    private func mostPromising() -> Int? {
        let open = views.indices.filter { !isDone($0) }
        if let unopened = open.filter({ !views[$0].hasTried(views[$0].region.defaultSchedule) })
            .max(by: { (views[$0].region.weight, -$0) < (views[$1].region.weight, -$1) })
        {
            return unopened
        }
        let priorities = open.map { region in
            let view = views[region]
            var shrunk = 1.0
            if let first = view.defaultSeconds, let now = view.champion?.seconds, first > 0 { shrunk = now / first }
            let gain = view.region.weight * shrunk * view.distanceFromFloor
            return gain / (1 + Double(view.trialsSinceWin + pending[region]) / 8)
        }
        return open.indices.max { (priorities[$0], -$0) < (priorities[$1], -$1) }.map { open[$0] }
    }

    private mutating func propose(_ region: Int) -> Candidate? {
        let base = views[region].region.defaultSchedule
        if !views[region].hasTried(base) { return accept(base, region: region, agent: 0) }
        for agent in roster.rows.indices where openings[region][agent] > 0 {
            if let schedule = newSchedule(of: agent, region: region) {
                openings[region][agent] -= 1
                return accept(schedule, region: region, agent: agent)
            }
            openings[region][agent] = 0
        }
        for agent in bandit.ranking() {
            if let schedule = newSchedule(of: agent, region: region) {
                return accept(schedule, region: region, agent: agent)
            }
        }
        // Nobody knows anything new here: leave it until a pending verdict tells more, and look elsewhere.
        isSilent[region] = true
        return mostPromising().flatMap { propose($0) }
    }

    /// What an agent proposes that was not tried; nil when nothing new comes to it.
    private mutating func newSchedule(of agent: Int, region: Int) -> Schedule? {
        for _ in 0..<16 {
            guard let proposal = agents[region][agent].propose(views[region], random: &random) else { return nil }
            let schedule = views[region].region.canonical(proposal)
            if isAllowed(schedule, in: region), !views[region].hasTried(schedule) { return schedule }
        }
        return nil
    }

    private mutating func accept(_ schedule: Schedule, region: Int, agent: Int) -> Candidate {
        views[region].markProposed(schedule)
        bandit.count(agent)
        return Candidate(region: region, schedule: schedule, agent: roster.rows[agent].name)
    }

    private func isAllowed(_ schedule: Schedule, in region: Int) -> Bool {
        views[region].region.choices.allSatisfy { $0.values.contains(schedule[$0]) }
    }
}
