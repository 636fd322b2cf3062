import Glibc
import KernelIR
import KernelSwarm

/// Whether a search of one kernel helps the search of another of the same family: trials from nothing, and with what the first left.
package struct Transfer: Sendable {
    /// Names of the two kernels.
    package var from: String
    package var to: String
    /// Trials to 95 % of the best known, by seed.
    package var fromNothing: [Int]
    package var afterwards: [Int]

    /// Most suggestions and examples, as the builder hands them over.
    private static let suggestions = 2
    private static let examples = 48
    /// What a kernel's name says of its sizes, as binary logarithms.
    private static func features(_ landscape: Landscape) -> [Double] {
        landscape.name.split { !$0.isNumber }.compactMap { Double($0) }.map(log2)
    }

    /// Every kernel that may be tuned on with every held-out one of its kind: what stands before the first space of the names.
    package static func pairs(_ landscapes: [Landscape]) -> [(Landscape, Landscape)] {
        func kind(_ landscape: Landscape) -> Substring { landscape.name.prefix { $0 != " " } }
        return landscapes.filter(\.isTuned).flatMap { first in
            landscapes.filter { !$0.isTuned && kind($0) == kind(first) }.map { (first, $0) }
        }
    }

    /// What is done to what the first search left, to see what a memory costs that is wrong.
    package enum Twist: Sendable {
        case none
        /// Times are turned over: the slowest are told as winners, by others of the same kernel (suggestions alone).
        case lies
        /// Times are turned over, and were measured here.
        case inverted
    }

    /// Measures a pair.
    package init(
        _ contestant: Contestant, from first: Landscape, to second: Landscape, seeds: [UInt64] = Study.seeds,
        twist: Twist = .none, now: @Sendable () -> Double
    ) async {
        from = first.name
        to = second.name
        fromNothing = []
        afterwards = []
        for seed in seeds {
            fromNothing.append(await Study.run(contestant, second, seed: seed + 100, now: now).trialsToGoal)
            let evaluator = LandscapeEvaluator(first)
            var swarm = Swarm(
                regions: [SearchRegion(key: first.name, choices: first.choices, weight: 1)],
                roster: contestant.roster, budget: SearchBudget(trials: Study.budget, patience: Study.budget),
                seed: seed)
            _ = await swarm.run(evaluator, batchSize: Study.batch, clock: { 0 })
            let trials = swarm.trials
            let again = await Study.run(contestant, second, seed: seed + 100, now: now) { region in
                Self.tell(&region, trials, Self.features(first), Self.features(second), twist)
            }
            afterwards.append(again.trialsToGoal)
        }
    }

    /// What the archive would say of the trials of another kernel.
    private static func tell(
        _ region: inout SearchRegion, _ trials: [Trial], _ theirs: [Double], _ own: [Double], _ twist: Twist
    ) {
        // As `ArchiveDistance` has it.
        let squares = zip(theirs, own).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let distance = squares.squareRoot() + 0.5
        var winners: [(seconds: Double, schedule: Schedule)] = []
        var first: Double?
        func told(_ seconds: Double) -> Double { twist == .none ? seconds : 1e-8 / seconds }
        for trial in trials {
            guard case .timed(let seconds, let isWin) = trial.verdict else { continue }
            first = first ?? told(seconds)
            if isWin || twist != .none { winners.append((told(seconds), trial.candidate.schedule)) }
        }
        guard let first else { return }
        winners.sort { $0.seconds < $1.seconds }
        region.suggestions = winners.prefix(suggestions).map(\.schedule)
        region.features = own
        if twist == .lies { return }
        region.examples = trials.prefix(examples).map { trial in
            var relative: Double?
            switch trial.verdict {
            case .timed(let seconds, _): relative = told(seconds) / first
            case .repeated(let seconds): relative = seconds.map { told($0) / first }
            case .refused, .notJudged, .cancelled: break
            }
            return SearchExample(
                schedule: trial.candidate.schedule, relativeSeconds: relative, features: theirs, distance: distance)
        }
    }
}
