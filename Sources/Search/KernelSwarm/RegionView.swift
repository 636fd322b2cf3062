internal import Glibc
package import KernelIR

/// What all agents of a region share.
package struct RegionView: Sendable {
    /// A correct schedule and its time.
    package struct Elite: Hashable, Sendable {
        package var schedule: Schedule
        /// Seconds of one call.
        package var seconds: Double
        /// Where it lies; where somebody outside wrote it, the point that it was written for.
        var point: Point
    }

    /// What is known of a schedule that was tried.
    package struct Observation: Sendable {
        package var point: Point
        /// Seconds of one call; nil where it was refused.
        package var seconds: Double?
        /// The point that was the champion when the verdict came; nil before there was one.
        package var champion: Point?
        /// What else is known of it.
        package var profile: TrialProfile?
    }

    /// An example in the region's choices.
    package struct Example: Sendable {
        package var point: Point
        /// Binary logarithm of the time relative to the default's; nil where it was refused.
        package var relativeTime: Double?
        package var distance: Double
        /// What its kernel and machine are, as `SearchRegion.features`.
        package var features: [Double] = []
        /// What else is known of it.
        package var profile: TrialProfile?
    }

    package let region: SearchRegion
    /// The region's choices, prepared.
    package let space: SearchSpace
    /// The best correct schedules, fastest first, at most `eliteLimit`.
    package private(set) var elites: [Elite] = []
    /// Every verdict in the order of trial, but for those of what somebody outside wrote.
    package private(set) var observations: [Observation] = []
    /// Verdicts of what somebody outside wrote: their times say nothing of the choices beside it.
    package private(set) var advised: [Observation] = []
    /// The schedule that is the answer if the search stops now, and its time. Once there is one, only a win replaces it.
    package private(set) var champion: Elite?
    /// Time of the default schedule, once it is measured.
    package private(set) var defaultSeconds: Double?
    /// Trials since the champion changed.
    package private(set) var trialsSinceWin = 0
    /// Number of trials with a verdict of their own.
    package private(set) var trials = 0
    /// Schedules in a row that became code that was judged before.
    package private(set) var repeatsInARow = 0
    /// Refusals in the order of trial.
    package private(set) var refusals: [(schedule: Schedule, reason: String)] = []
    /// Elites of each mind, in the order of the roster.
    package private(set) var islands: [Island]
    /// What was fast for this kernel or its neighbours before, and what won for its siblings in this search; the most promising
    /// first, each once.
    package private(set) var suggestions: [Point] = []
    /// Trials of this kernel and its neighbours from before.
    package let examples: [Example]
    /// What they let one expect; nil where there are none.
    package private(set) var prior: NeighbourPrior?
    private var tried: Set<Point> = []
    /// How many of those hold nothing from outside.
    private var plainCount = 0

    /// How many elites are kept.
    package static let eliteLimit = 8
    /// After so many trials each island sends its fastest to the next.
    static let migrationInterval = 12

    init(region: SearchRegion, islands: Int) {
        self.region = region
        let space = SearchSpace(region.choices)
        self.space = space
        examples = region.examples.map { example in
            Example(
                point: space.point(region.fitted(example.schedule)),
                relativeTime: example.relativeSeconds.map { $0 > 0 ? log2($0) : 0 },
                distance: example.distance, features: example.features, profile: example.profile)
        }
        prior = NeighbourPrior(examples, space, features: region.features)
        self.islands = [Island](repeating: Island(), count: islands)
        for suggestion in region.suggestions { suggest(suggestion) }
    }

    /// Whether a canonical point was proposed before.
    package func hasTried(_ point: Point) -> Bool { tried.contains(point) }

    /// Whether every schedule was proposed.
    package var isExhausted: Bool { plainCount >= region.scheduleCount }

    /// Fraction of the champion's time above the floor, in 0...1: what could still be gained at most.
    package var distanceFromFloor: Double {
        guard let champion, champion.seconds > 0 else { return 1 }
        return max(0, 1 - region.floorSeconds / champion.seconds)
    }

    /// Binary logarithm of a time relative to the first that was measured here: what minds learn from.
    func relative(_ seconds: Double) -> Double {
        guard let first = observations.first(where: { $0.seconds != nil })?.seconds, first > 0, seconds > 0 else {
            return 0
        }
        return log2(seconds / first)
    }

    /// What is known of a point that was tried beside its time.
    package func profile(of point: Point) -> TrialProfile? {
        (space.isAdvised(point) ? advised : observations).last { $0.point == point }?.profile
    }

    mutating func markProposed(_ point: Point) {
        if tried.insert(point).inserted, !space.isAdvised(point) { plainCount += 1 }
    }

    /// Adds what may be fast here.
    mutating func suggest(_ schedule: Schedule) {
        let point = space.point(region.fitted(schedule))
        if !suggestions.contains(point) { suggestions.append(point) }
    }

    /// Takes the verdict of a schedule that a mind of `island` proposed, nil for none of them. Returns how much faster the champion
    /// became, as a fraction of its time before; 0 when it did not change.
    mutating func record(_ trial: Trial, island: Int?) -> Double {
        let point = space.point(trial.candidate.schedule)
        if space.isAdvised(point) { return recordAdvised(trial, point) }
        switch trial.verdict {
        case .cancelled: return 0
        case .repeated(let seconds):
            repeatsInARow += 1
            observations.append(Observation(point: point, seconds: seconds, champion: champion?.point))
            if let seconds { admit(point, seconds, island) }
            return 0
        case .refused(let reason):
            count()
            observations.append(Observation(point: point, seconds: nil, champion: champion?.point))
            refusals.append((trial.candidate.schedule, reason))
            migrate()
            return 0
        case .notJudged:
            count()
            migrate()
            return 0
        case .timed(let seconds, let isWin):
            count()
            observations.append(
                Observation(point: point, seconds: seconds, champion: champion?.point, profile: trial.profile))
            let found = relative(seconds)
            prior?.compare(point, found: found)
            let elite = Elite(schedule: trial.candidate.schedule, seconds: seconds, point: point)
            let place = elites.firstIndex { $0.seconds > seconds } ?? elites.count
            elites.insert(elite, at: place)
            if elites.count > Self.eliteLimit { elites.removeLast() }
            admit(point, seconds, champion == nil ? nil : island)
            migrate()
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

    /// Takes the verdict of what somebody outside wrote: it may become the champion, and agents learn nothing else of it.
    private mutating func recordAdvised(_ trial: Trial, _ point: Point) -> Double {
        var observation = Observation(point: point, champion: champion?.point, profile: trial.profile)
        switch trial.verdict {
        case .cancelled: return 0
        case .repeated(let seconds):
            repeatsInARow += 1
            observation.seconds = seconds
            advised.append(observation)
            return 0
        case .notJudged:
            count()
            return 0
        case .refused(let reason):
            count()
            advised.append(observation)
            refusals.append((trial.candidate.schedule, reason))
            return 0
        case .timed(let seconds, let isWin):
            count()
            observation.seconds = seconds
            advised.append(observation)
            // There is one to begin from: what is outside of the search is asked once something is known.
            guard isWin, let before = champion else { return 0 }
            champion = Elite(
                schedule: trial.candidate.schedule, seconds: seconds, point: space.withoutAdvice(point))
            trialsSinceWin = 0
            return max(0, 1 - seconds / before.seconds)
        }
    }

    private mutating func count() {
        trials += 1
        trialsSinceWin += 1
        repeatsInARow = 0
    }

    /// To one island, or to all what belongs to nobody, such as the default.
    private mutating func admit(_ point: Point, _ seconds: Double, _ island: Int?) {
        let resident = Island.Resident(cell: space.cell(point), point: point, seconds: seconds)
        for place in islands.indices where island == nil || place == island { islands[place].admit(resident) }
    }

    private mutating func migrate() {
        guard islands.count > 1, trials % Self.migrationInterval == 0 else { return }
        let travellers = islands.map(\.residents.first)
        for (place, traveller) in travellers.enumerated() {
            if let traveller { islands[(place + 1) % islands.count].admit(traveller) }
        }
    }
}
