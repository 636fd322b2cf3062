import Base
import KernelIR
import KernelSwarm
import SearchEvents

/// What a search found for one kernel, to be tried in its place.
struct Finalist: Sendable {
    let kernel: KernelID
    /// What the rules say; nil where the judge refused it.
    let rule: Schedule?
    /// What won alone; the rule's where nothing beat it.
    let winner: Schedule
    /// What else the judge found correct, the most promising first.
    let others: [Schedule]

    /// Others that take more than so many times what the rule's schedule takes alone are not tried. Not the fastest's time: a lucky
    /// measurement is what trials within the model are to find out.
    private static let mostTimes = 1.1

    /// All that it may be, each once.
    var choices: [Schedule] { (rule.map { $0 == winner ? [] : [$0] } ?? []) + [winner] + others }

    /// Whether there is anything to choose between.
    var canMove: Bool { choices.count > 1 }

    /// Makes one.
    init(kernel: KernelID, rule: Schedule?, winner: Schedule, others: [Schedule]) {
        self.kernel = kernel
        self.rule = rule
        self.winner = winner
        self.others = others
    }

    /// What a swarm found in one of its regions: the fastest of each algorithm, then the rest, by their time alone. Nil where nothing was
    /// found correct.
    init?(_ kernel: KernelID, _ swarm: Swarm, _ region: Int) {
        let view = swarm.views[region]
        guard let champion = view.champion else { return nil }
        let rule = view.defaultSeconds == nil ? nil : view.region.defaultSchedule
        var found: [(schedule: Schedule, seconds: Double)] = []
        for trial in swarm.trials where trial.candidate.region == region {
            if case .timed(let seconds, _) = trial.verdict { found.append((trial.candidate.schedule, seconds)) }
        }
        let most = Self.mostTimes * (view.defaultSeconds ?? found.map(\.seconds).max() ?? 0)
        found.removeAll { $0.schedule == rule || $0.schedule == champion.schedule || $0.seconds > most }
        found.sort { $0.seconds < $1.seconds }
        var algorithms: Set<Int?> = [champion.schedule.values["algorithm"]]
        var (first, rest): ([Schedule], [Schedule]) = ([], [])
        for (schedule, _) in found {
            if algorithms.insert(schedule.values["algorithm"]).inserted {
                first.append(schedule)
            } else {
                rest.append(schedule)
            }
        }
        self.init(kernel: kernel, rule: rule, winner: champion.schedule, others: first + rest)
    }
}

/// Trials of kernels where they have to run: in the whole model.
///
/// Alone, a kernel meets caches as the judge leaves them, and nothing before or behind it. In the model its launch begins while the one before ends,
/// and caches hold what that one left, so that what is fastest alone need not be fastest there: on an H200 two products 11 % faster alone made a
/// chain of six 1 % slower. So all winners together are compared with the rules, where they lose each half of them and so on, and then kernel by
/// kernel, the heaviest first, what else the judge found correct is compared with what stands: both packages whole, in turns, in a process of their own. A kernel moves
/// where the 95 % interval of the ratio lies above 1 in two processes: where memory lies, and on which cores threads run, differs from
/// one to the next.
package struct PlacedTrials: Sendable {
    /// Most comparisons.
    package var trials: Int
    /// Most seconds.
    package var seconds: Double
    /// Checks a candidate's package and times it beside the champion's.
    package var compare: @Sendable (_ candidate: String, _ champion: String) async -> ModelComparison

    /// Makes trials.
    package init(
        trials: Int, seconds: Double,
        compare: @escaping @Sendable (_ candidate: String, _ champion: String) async -> ModelComparison
    ) {
        self.trials = trials
        self.seconds = seconds
        self.compare = compare
    }

    /// What came of them.
    struct Outcome {
        /// Schedules of all kernels that had any.
        var schedules: [KernelID: Schedule]
        /// Comparisons, and how many of them moved something.
        var trials = 0
        var moves = 0
    }

    /// Most schedules of a kernel that are tried in its place.
    static let most = 8

    /// Tries `finalists`, the heaviest first, beside `fixed`, the schedules of kernels that nobody may move. `base` is where a package by
    /// the rules lies, which took `baseSeconds` to make. `make` builds a package and returns where it lies, nil where that fails;
    /// `discard` removes one. Where there was no time to compare, or the first comparison failed, what won alone stands.
    func run(
        _ finalists: [Finalist], fixed: [KernelID: Schedule], base: String, baseSeconds: Double, clock: () -> Double,
        make: ([KernelID: Schedule]) async -> String?, discard: (String) -> Void
    ) async -> Outcome {
        var rules = fixed
        var winners = fixed
        for finalist in finalists {
            rules[finalist.kernel] = finalist.rule ?? finalist.winner
            winners[finalist.kernel] = finalist.winner
        }
        let end = clock() + seconds
        // What has gigabytes of weights takes long to write; no trial begins that would end too late.
        var longest = baseSeconds
        var outcome = Outcome(schedules: winners)
        func mayGoOn() -> Bool { outcome.trials < trials && clock() + longest < end && !SearchInterrupt.isRequested }
        guard mayGoOn() else { return outcome }
        let isBase = fixed.isEmpty && finalists.allSatisfy { $0.rule != nil }
        guard let start = isBase ? base : await make(rules) else { return outcome }
        var champion = start
        var tried: Set<[KernelID: Schedule]> = [rules]
        func remove(_ path: String) { if path != base { discard(path) } }
        defer { remove(champion) }

        /// Compares schedules with what stands; nil where they were not compared.
        func move(_ schedules: [KernelID: Schedule]) async -> Bool? {
            let began = clock()
            defer { longest = max(longest, clock() - began) }
            guard tried.insert(schedules).inserted, let path = await make(schedules) else { return nil }
            outcome.trials += 1
            let comparison = await compare(path, champion)
            var isFaster = comparison.failure == nil && comparison.low > 1
            if isFaster {
                let again = await compare(path, champion)
                isFaster = again.failure == nil && again.low > 1
            }
            if isFaster {
                outcome.schedules = schedules
                outcome.moves += 1
            }
            remove(isFaster ? champion : path)
            if isFaster { champion = path }
            return comparison.failure == nil ? isFaster : nil
        }

        if winners != rules {
            guard let isFaster = await move(winners) else { return outcome }
            if !isFaster {
                outcome.schedules = rules
                // What one kernel of fifty gains is less than can be measured, what several gain together is not: halves, then quarters.
                var groups = Self.halves(finalists.filter { $0.rule != $0.winner })
                while !groups.isEmpty, mayGoOn() {
                    let group = groups.removeFirst()
                    var schedules = outcome.schedules
                    for finalist in group { schedules[finalist.kernel] = finalist.winner }
                    if await move(schedules) != true { groups += Self.halves(group) }
                }
            }
        }
        // The first choice of every kernel, then the second of every kernel.
        for place in 0..<Self.most {
            for finalist in finalists where mayGoOn() {
                let choices = finalist.choices
                guard place < choices.count, choices[place] != outcome.schedules[finalist.kernel] else { continue }
                var schedules = outcome.schedules
                schedules[finalist.kernel] = choices[place]
                _ = await move(schedules)
            }
        }
        return outcome
    }

    /// The heavier half and the rest; nothing of what is one.
    private static func halves(_ finalists: [Finalist]) -> [[Finalist]] {
        guard finalists.count > 1 else { return [] }
        let middle = (finalists.count + 1) / 2
        return [Array(finalists[..<middle]), Array(finalists[middle...])]
    }
}

extension SearchNote {
    /// What trials within the model came to.
    init(_ outcome: PlacedTrials.Outcome, seconds: Double) {
        self.init()
        let moved = outcome.moves == 0 ? "nothing moved" : "\(outcome.moves) moved something"
        text = "kernels within the model: \(outcome.trials) comparisons in \(TextFormat.fixed(seconds, 1)) s, \(moved)"
    }
}
