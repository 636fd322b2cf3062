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
    /// Every verdict in order, those of repeated code among them.
    package private(set) var trials: [Trial] = []
    /// How many of the trials count against the budget: all but those of repeated code.
    package private(set) var spent = 0
    package let budget: SearchBudget

    private let roster: AgentRoster
    /// Minds by region, then in the order of the roster.
    var minds: [[any Mind]]
    /// Whole schedules that minds may still propose before all agents, by region, then by mind.
    private var openings: [[Int]]
    /// Agents whose specialities a region has, by region.
    private let present: [[Bool]]
    private var bandit: AgentBandit
    private var random: SeededRandom
    /// Candidates of each region that are under way.
    private var pending: [Int]
    /// Regions in which no agent found a new schedule; until something is learned there.
    private var isSilent: [Bool]
    /// Regions of which nothing is known yet, so that agents wait for the default's verdict; until the end of the batch.
    private var isWaiting: [Bool]

    /// Who proposes the default schedule of every region.
    package static let defaultAgent = "default-first"
    /// How often an agent is asked again when what it proposed was tried before.
    private static let attempts = 8

    /// Makes a search.
    package init(
        regions: [SearchRegion], roster: AgentRoster = .standard, budget: SearchBudget, seed: UInt64,
        bandit rule: BanditRule = .hierarchy
    ) {
        views = regions.map { RegionView(region: $0, islands: roster.minds.count) }
        minds = regions.map { region in roster.minds.map { $0.make(region) } }
        // A mind without an agent takes no part.
        let opening = roster.minds.indices.map { mind in
            roster.rows.contains { $0.mind == mind } ? roster.minds[mind].opening : 0
        }
        openings = regions.map { _ in opening }
        present = views.map { view in roster.rows.map { !view.space.places($0.focus).isEmpty } }
        bandit = AgentBandit(roster, rule)
        random = SeededRandom(seed: seed)
        pending = [Int](repeating: 0, count: regions.count)
        isSilent = [Bool](repeating: false, count: regions.count)
        isWaiting = isSilent
        self.roster = roster
        self.budget = budget
    }

    /// Why nothing more is to be tried after `seconds`, or nil.
    package func stopReason(seconds: Double) -> StopReason? {
        if spent >= budget.trials { return .trials }
        if let limit = budget.seconds, seconds >= limit { return .seconds }
        return views.indices.allSatisfy { isDone($0) } && pending.allSatisfy { $0 == 0 } ? .nothingLeft : nil
    }

    /// The next candidates, at most `limit` and what the trial budget leaves; empty when there is nothing to try. First
    /// comes the default schedule of every region, the heaviest first; then the region with most to gain.
    package mutating func nextBatch(limit: Int) -> [Candidate] {
        var batch: [Candidate] = []
        let room = budget.trials - spent - pending.reduce(0, +)
        while batch.count < min(limit, room), let region = mostPromising(), let candidate = propose(region) {
            batch.append(candidate)
            pending[candidate.region] += 1
        }
        isWaiting = [Bool](repeating: false, count: views.count)
        return batch
    }

    /// Takes verdicts, in the order of the candidates.
    package mutating func record(_ finished: [Trial]) {
        for trial in finished {
            let region = trial.candidate.region
            pending[region] -= 1
            if case .cancelled = trial.verdict { continue }
            trials.append(trial)
            let agent = roster.rows.firstIndex { $0.name == trial.candidate.agent }
            var mind = agent.map { roster.rows[$0].mind }
            // What opened a search and won belongs to nobody, as the default: all minds go on from there.
            if mind == nil, !trial.verdict.isWin {
                mind = roster.minds.firstIndex { $0.name == trial.candidate.agent }
            }
            let gain = views[region].record(trial, island: mind)
            isSilent[region] = false
            if case .repeated = trial.verdict {} else { spent += 1 }
            if let agent, gain > 0 {
                // A 2 % win already counts for something; anything from 50 % counts fully.
                bandit.reward(agent, min(1, 0.2 + 1.6 * gain))
            }
            if case .notJudged = trial.verdict { continue }
            if views[region].space.isAdvised(views[region].space.point(trial.candidate.schedule)) { continue }
            for mind in minds[region].indices { minds[region][mind].learn(views[region]) }
            if gain > 0 { tellSiblings(of: region) }
        }
    }

    /// What won in a region is suggested to those that have the same choices.
    private mutating func tellSiblings(of region: Int) {
        guard let champion = views[region].champion else { return }
        let names = views[region].region.choices.map(\.name)
        for other in views.indices where other != region && views[other].region.choices.map(\.name) == names {
            views[other].suggest(champion.schedule)
            isSilent[other] = false
        }
    }

    /// Lets agents speak of a region again, because something was learned of it.
    mutating func hear(_ region: Int) { isSilent[region] = false }

    private func isDone(_ region: Int) -> Bool {
        let view = views[region]
        let isToHear = minds[region].contains { $0.holdsAdvice || $0.wantsAdvice(view) }
        if view.isExhausted && !isToHear || isSilent[region] || view.trialsSinceWin >= budget.patience { return true }
        if view.repeatsInARow >= budget.patience { return true }
        guard let champion = view.champion, view.region.floorSeconds > 0 else { return false }
        return champion.seconds <= view.region.floorSeconds * budget.rooflineFactor
    }

    /// The region with the largest part of the model's time above its floor, less so the longer it has gained nothing.
    func mostPromising() -> Int? {
        let open = views.indices.filter { !isDone($0) && !isWaiting[$0] }
        if let unopened = open.filter({ !views[$0].hasTried(views[$0].space.origin) })
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
        let origin = views[region].space.origin
        if !views[region].hasTried(origin) { return accept(origin, region, Self.defaultAgent) }
        for mind in roster.minds.indices {
            while openings[region][mind] > 0 {
                guard let point = minds[region][mind].open(views[region]) else { break }
                let canonical = views[region].space.canonical(point)
                if views[region].hasTried(canonical) { continue }
                openings[region][mind] -= 1
                return accept(canonical, region, roster.minds[mind].name)
            }
        }
        if views[region].observations.isEmpty, views[region].trials == 0 {
            isWaiting[region] = true
            return mostPromising().flatMap { propose($0) }
        }
        var bids = [Double](repeating: 0, count: roster.rows.count)
        for (agent, row) in roster.rows.enumerated() where present[region][agent] {
            bids[agent] = minds[region][row.mind].bid(row.focus, views[region], random: &random)
        }
        var weights: [Double] = []
        for mind in minds[region].indices { weights.append(minds[region][mind].weight(views[region])) }
        for agent in bandit.ranking(bids, weights: weights, &random) where present[region][agent] {
            if let point = newPoint(of: agent, region: region) {
                bandit.count(agent)
                return accept(point, region, roster.rows[agent].name)
            }
        }
        // Nobody knows anything new here: leave it until a pending verdict tells more, and look elsewhere.
        isSilent[region] = true
        return mostPromising().flatMap { propose($0) }
    }

    /// What an agent proposes that was not tried; nil when nothing new comes to it.
    private mutating func newPoint(of agent: Int, region: Int) -> Point? {
        let row = roster.rows[agent]
        for _ in 0..<Self.attempts {
            guard
                let proposal = minds[region][row.mind].propose(
                    row.focus, views[region], island: row.mind, random: &random)
            else { return nil }
            let point = views[region].space.canonical(proposal)
            if !views[region].hasTried(point) { return point }
        }
        return nil
    }

    private mutating func accept(_ point: Point, _ region: Int, _ agent: String) -> Candidate {
        views[region].markProposed(point)
        return Candidate(region: region, schedule: views[region].space.schedule(point), agent: agent)
    }
}
