import Glibc
import KernelIR
import KernelSwarm

/// Lets contestants search landscapes, and says how fast they came how far.
package struct Study: Sendable {
    /// Trials of a search.
    package static let budget = 64
    /// Seeds of a search where nothing else is said.
    package static let seeds: [UInt64] = [1, 2, 3, 4, 5]
    /// Candidates that are proposed together, as the builder does on a processor.
    package static let batch = 4

    /// One search.
    package struct Run: Sendable {
        package var contestant: String
        package var kernel: String
        package var isTuned: Bool
        package var seed: UInt64
        /// Best known time by the best so far, in 0...1, after each trial.
        package var curve: [Double]
        /// Seconds that the search itself took a proposal, evaluation left out nowhere: replays cost next to nothing.
        package var secondsOfProposal: Double
        /// Seconds that a search up to each trial would have taken to compile and judge, without proposals; empty where that was not
        /// recorded.
        package var spent: [Double] = []

        /// Best known time by the best so far after some seconds of search, its proposals included; 0 before the first trial.
        package func part(after seconds: Double) -> Double {
            let trials = spent.enumerated().prefix {
                $0.element + Double($0.offset + 1) * secondsOfProposal <= seconds
            }.count
            return trials == 0 ? 0 : curve[min(trials, curve.count) - 1]
        }

        /// Trials until 95 % of the best known; one more than the budget where it was not reached.
        package var trialsToGoal: Int { (curve.firstIndex { $0 >= 0.95 }).map { $0 + 1 } ?? Study.budget + 1 }
    }

    package let landscapes: [Landscape]
    private let seeds: [UInt64]

    /// Makes a study.
    package init(_ landscapes: [Landscape], seeds: [UInt64] = Study.seeds) {
        self.landscapes = landscapes
        self.seeds = seeds
    }

    /// All runs of a contestant.
    package func runs(_ contestant: Contestant, now: @Sendable () -> Double) async -> [Run] {
        var runs: [Run] = []
        for landscape in landscapes {
            for seed in seeds {
                runs.append(await Self.run(contestant, landscape, seed: seed, now: now))
            }
        }
        return runs
    }

    /// One search over a landscape; `inform` tells the region what is known from before.
    package static func run(
        _ contestant: Contestant, _ landscape: Landscape, seed: UInt64, now: @Sendable () -> Double,
        inform: (inout SearchRegion) -> Void = { _ in }
    ) async -> Run {
        var region = SearchRegion(key: landscape.name, choices: landscape.choices, weight: 1)
        inform(&region)
        let evaluator = LandscapeEvaluator(landscape)
        var swarm = Swarm(
            regions: [region], roster: contestant.roster, budget: SearchBudget(trials: budget, patience: budget),
            seed: seed, bandit: contestant.bandit)
        let start = now()
        _ = await swarm.run(evaluator, batchSize: batch, clock: { 0 })
        let seconds = now() - start
        let best = landscape.bestSeconds
        var curve = await evaluator.curve.map { best / $0 }
        // Who has nothing left to say stays where he is.
        while curve.count < budget { curve.append(curve.last ?? 0) }
        return Run(
            contestant: contestant.name, kernel: landscape.name, isTuned: landscape.isTuned, seed: seed, curve: curve,
            secondsOfProposal: seconds / Double(max(1, swarm.trials.count)),
            spent: landscape.costs.isEmpty ? [] : await evaluator.spent)
    }
}
