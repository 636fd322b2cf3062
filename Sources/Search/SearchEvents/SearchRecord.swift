/// What is known of a search after some of its events: what the view draws and the report tells.
package struct SearchRecord: Sendable {
    /// One region and what happened there.
    package struct Region: Sendable {
        /// One trial: who proposed it, and its seconds, or nil when it was refused or not judged.
        package struct Trial: Hashable, Sendable {
            package var agent: String
            package var seconds: Double?
        }

        /// A champion: after which of the region's trials, counted from 1, it took its place.
        package struct Champion: Hashable, Sendable {
            package var trial: Int
            package var agent: String
            package var schedule: String
            package var seconds: Double
        }

        package var opening: RegionOpening
        package var closing: RegionClosing?
        package var trials: [Trial] = []
        /// In their order; the first is the first correct candidate, usually the default.
        package var champions: [Champion] = []
        /// Refusals by fault.
        package var refusals: [String: Int] = [:]

        /// Seconds of a launch under the default schedule; nil before it is known.
        package var defaultSeconds: Double? { closing?.defaultSeconds ?? champions.first?.seconds }
        /// Seconds of a launch now.
        package var bestSeconds: Double? { closing?.bestSeconds ?? champions.last?.seconds }
        /// Whether this is the level of the whole model.
        package var isModel: Bool { opening.region == SearchRecord.model }

        /// The champion's seconds after each trial, from the first champion on: the curve of the search.
        package var curve: [(trial: Int, seconds: Double)] {
            var points = champions.map { (trial: $0.trial, seconds: $0.seconds) }
            if let last = points.last, last.trial < trials.count {
                points.append((trial: trials.count, seconds: last.seconds))
            }
            return points
        }

        /// The champions up to the one that is in the package.
        package var lineage: [Champion] {
            guard let closing, let place = champions.lastIndex(where: { $0.schedule == closing.schedule }) else {
                return champions
            }
            return Array(champions[...place])
        }
    }

    /// How an agent fared.
    package struct Agent: Hashable, Sendable {
        package var name: String
        package var trials = 0
        /// Correct ones among them.
        package var accepted = 0
        /// Champions among these, the first of a region left out.
        package var wins = 0
    }

    /// Name of the region of decisions about the whole model.
    package static let model = "model"

    package private(set) var start = SearchStart()
    package private(set) var stages: [StageEnd] = []
    /// In the order in which they opened.
    package private(set) var regions: [Region] = []
    /// By name.
    package private(set) var agents: [Agent] = []
    package private(set) var outputs: [OutputAccuracy] = []
    package private(set) var memory: PackageMemory?
    package private(set) var comparisons: [ModelComparison] = []
    package private(set) var advice: [AdviceEnd] = []
    package private(set) var notes: [String] = []
    package private(set) var done: SearchDone?
    /// The last standing of each level.
    package private(set) var standings: [SearchStanding] = []
    /// Seconds of the last event.
    package private(set) var seconds = 0.0
    /// Trials of both levels, and among them those that were refused and those of which nothing could be told.
    package private(set) var trials = 0
    package private(set) var refused = 0
    package private(set) var notJudged = 0

    /// Nothing has happened.
    package init() {}

    /// What is known after these events.
    package init(_ events: [TimedEvent]) {
        for event in events { take(event) }
    }

    /// Takes the next event.
    package mutating func take(_ timed: TimedEvent) {
        seconds = max(seconds, timed.at)
        switch timed.event {
        case .start(let start): self.start = start
        case .stage(let stage): stages.append(stage)
        case .region(let opening):
            // What is built again opens its regions again.
            regions.removeAll { $0.opening.region == opening.region }
            regions.append(Region(opening: opening))
        case .trial(let trial):
            trials += 1
            if trial.verdict == TrialEnd.notJudged {
                notJudged += 1
            } else if trial.seconds == nil {
                refused += 1
            }
            with(trial.region) { $0.trials.append(.init(agent: trial.agent, seconds: trial.seconds)) }
            with(agent: trial.agent) {
                $0.trials += 1
                if trial.seconds != nil { $0.accepted += 1 }
            }
        case .win(let win):
            with(win.region) {
                $0.champions.append(
                    .init(trial: $0.trials.count, agent: win.agent, schedule: win.schedule, seconds: win.seconds))
            }
            if win.beforeSeconds != nil { with(agent: win.agent) { $0.wins += 1 } }
        case .refusal(let refusal): with(refusal.region) { $0.refusals[refusal.fault, default: 0] += 1 }
        case .progress(let standing):
            standings.removeAll { $0.stage == standing.stage }
            standings.append(standing)
        case .closed(let closing): with(closing.region) { $0.closing = closing }
        case .output(let output):
            // What was checked again counts once.
            outputs.removeAll { $0.output == output.output }
            outputs.append(output)
        case .memory(let memory): self.memory = memory
        case .comparison(let comparison): comparisons.append(comparison)
        case .advice(let advice): self.advice.append(advice)
        case .note(let note): notes.append(note.text)
        case .done(let done): self.done = done
        }
    }

    private mutating func with(_ region: String, _ body: (inout Region) -> Void) {
        if let place = regions.firstIndex(where: { $0.opening.region == region }) { body(&regions[place]) }
    }

    private mutating func with(agent name: String, _ body: (inout Agent) -> Void) {
        let place = agents.firstIndex { $0.name >= name } ?? agents.count
        if place == agents.count || agents[place].name != name { agents.insert(Agent(name: name), at: place) }
        body(&agents[place])
    }
}

extension SearchRecord {
    /// Refusals of both levels by fault, the most frequent first.
    package var refusals: [(fault: String, count: Int)] {
        var counts: [String: Int] = [:]
        for region in regions { counts.merge(region.refusals) { $0 + $1 } }
        return counts.map { (fault: $0.key, count: $0.value) }
            .sorted { ($1.count, $0.fault) < ($0.count, $1.fault) }
    }

    /// What was asked of language models, in one sentence for people; nil where none was asked.
    package var adviceSentence: String? {
        guard let source = advice.last?.source else { return nil }
        let sent = advice.count { $0.isSent }
        var text =
            sent == 0
            ? "\(source) answered \(advice.count) questions; nothing was sent anywhere"
            : "\(source) was sent \(sent) request\(sent == 1 ? "" : "s") with kernels, times and refusals of this search"
        let schedules = advice.reduce(0) { $0 + $1.schedules }
        text += "; \(schedules) schedule\(schedules == 1 ? "" : "s") came of it"
        if advice.contains(where: { $0.texts != nil }) {
            text += ", \(advice.reduce(0) { $0 + ($1.texts ?? 0) }) of them source text"
        }
        if let failure = advice.last(where: { $0.failure != nil })?.failure { text += "; it fell silent: \(failure)" }
        return text
    }

    /// The package beside itself without the search.
    package var againstDefault: ModelComparison? { comparisons.last { $0.against == ModelComparison.ownDefault } }

    /// The fastest of the others that it was measured beside, by the smallest ratio.
    package var bestRival: ModelComparison? {
        comparisons.filter { $0.against != ModelComparison.ownDefault && $0.failure == nil }
            .min { $0.ratio < $1.ratio }
    }
}

extension ModelComparison {
    /// The name of the package without the search.
    package static let ownDefault = "default"

    /// Both sides are the same code: nothing was found, and there is nothing to measure.
    package static var sameCode: ModelComparison {
        var comparison = ModelComparison()
        comparison.against = ownDefault
        (comparison.ratio, comparison.low, comparison.high) = (1, 1, 1)
        return comparison
    }
}
