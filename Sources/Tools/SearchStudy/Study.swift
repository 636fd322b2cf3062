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
            secondsOfProposal: seconds / Double(max(1, swarm.trials.count)))
    }
}

extension Study {
    /// A row of the table: geometric means of the best known by the best so far after some trials, over kernels and seeds, and the
    /// median of trials to 95 %.
    package struct Row: Sendable {
        package var contestant: String
        package var means: [Double]
        package var medianTrials: Double
        /// Part of the searches that came to 95 % within the budget.
        package var reached: Double
        package var millisecondsOfProposal: Double

        /// Trials after which means are taken.
        package static let places = [8, 16, 24, 32, 48, 64]

        /// Sums up runs.
        package init(_ contestant: String, _ runs: [Run]) {
            self.contestant = contestant
            means = Self.places.map { place in
                exp(runs.reduce(0) { $0 + log(max($1.curve[place - 1], 1e-9)) } / Double(max(1, runs.count)))
            }
            let trials = runs.map(\.trialsToGoal).sorted()
            medianTrials = trials.isEmpty ? 0 : Double(trials[(trials.count - 1) / 2] + trials[trials.count / 2]) / 2
            reached = Double(trials.count { $0 <= Study.budget }) / Double(max(1, trials.count))
            millisecondsOfProposal =
                runs.reduce(0) { $0 + $1.secondsOfProposal } / Double(max(1, runs.count)) * 1e3
        }

        /// A line of a Markdown table.
        package var line: String {
            func fixed(_ value: Double, _ digits: Int) -> String {
                let scale = pow(10, Double(digits))
                var text = "\((value * scale).rounded() / scale)"
                let point = text.firstIndex(of: ".") ?? text.endIndex
                while text.distance(from: point, to: text.endIndex) <= digits { text += "0" }
                return text
            }
            let cells =
                [contestant] + means.map { fixed($0, 3) } + [
                    medianTrials > Double(Study.budget) ? "> \(Study.budget)" : fixed(medianTrials, 1),
                    "\(Int((reached * 100).rounded())) %", fixed(millisecondsOfProposal, 2),
                ]
            return "| " + cells.joined(separator: " | ") + " |"
        }

        /// The head of that table.
        package static var head: String {
            let names = ["who"] + places.map { "\($0)" } + ["trials to 95 %", "reached", "ms a proposal"]
            return "| " + names.joined(separator: " | ") + " |\n|" + names.map { _ in "---|" }.joined()
        }
    }
}
