import Base
import Glibc
import KernelIR
import Testing

@testable import KernelSwarm

/// Times made up by a formula with an interaction, so that single steps do not suffice; some schedules are refused.
private struct FormulaEvaluator: CandidateEvaluator {
    let regions: [SearchRegion]

    static func seconds(_ schedule: Schedule, _ choices: [Choice]) -> Double {
        var time = 1.0
        for (place, choice) in choices.enumerated() {
            let best = choice.values[(place * 5 + 2) % choice.values.count]
            let distance = choice.values.firstIndex(of: schedule[choice])! - choice.values.firstIndex(of: best)!
            time += Double(distance * distance) * 0.1 * Double(place + 1)
        }
        return time
    }

    func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
        batch.map { candidate in
            let choices = regions[candidate.region].choices
            if let first = choices.first, candidate.schedule[first] == 7 { return .refused(reason: "wrong output") }
            let seconds = Self.seconds(candidate.schedule, choices)
            return .timed(seconds: seconds, isWin: seconds < Self.seconds(Schedule(), choices) * 0.98)
        }
    }
}

/// As the formula, but a win is measured against the best so far, as the judge does.
private actor ChampionEvaluator: CandidateEvaluator {
    let formula: FormulaEvaluator
    var best: [Int: Double] = [:]
    init(_ regions: [SearchRegion]) { formula = FormulaEvaluator(regions: regions) }

    func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
        let verdicts = await formula.evaluate(batch)
        return zip(batch, verdicts).map { candidate, verdict in
            guard case .timed(let seconds, _) = verdict else { return verdict }
            let champion = best[candidate.region] ?? .infinity
            let isWin = seconds < champion * 0.98
            if isWin { best[candidate.region] = seconds }
            return .timed(seconds: seconds, isWin: isWin)
        }
    }
}

/// Verdicts as recorded; a candidate that differs from the recording gets none.
private struct ReplayEvaluator: CandidateEvaluator {
    let recorded: [Trial]
    func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
        batch.map { candidate in
            recorded.first { $0.candidate == candidate }?.verdict ?? .refused(reason: "not recorded")
        }
    }
}

/// As the formula; notes in which order batches are begun and evaluated.
private actor OrderEvaluator: CandidateEvaluator {
    private(set) var events: [Int] = []
    private var numbers: [Candidate: Int] = [:]
    private var begun = 0
    private let formula: FormulaEvaluator
    init(_ regions: [SearchRegion]) { formula = FormulaEvaluator(regions: regions) }

    func prepare(_ batch: [Candidate]) async {
        guard batch.contains(where: { numbers[$0] == nil }) else { return }
        begun += 1
        for candidate in batch { numbers[candidate] = begun }
        events.append(begun)
    }

    func finish() async { events.append(0) }

    func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
        events.append(-(numbers[batch[0]] ?? 0))
        return await formula.evaluate(batch)
    }
}

@Suite struct SwarmTests {
    /// Decisions that mean nothing beside the others make no other kernel, and are not tried.
    @Test func whatMeansNothingIsNotTried() async {
        let choices = [
            Choice("algorithm", [2, 4]), Choice("tile", [8, 1, 3, 5]).only(where: "algorithm", is: [4]),
            Choice("threads", [1, 2]), Choice("ahead", [1, 2, 3]).only(where: "algorithm", is: [2]),
        ]
        #expect(choices.canonical(Schedule(["tile": 5, "other": 9])) == choices.canonical(Schedule()))
        #expect(choices.canonical(Schedule(["tile": 5, "algorithm": 4])).values["tile"] == 5)
        let region = SearchRegion(key: "one", choices: choices, weight: 1)
        var swarm = Swarm(regions: [region], budget: SearchBudget(trials: 1000, patience: 1000), seed: 3)
        _ = await swarm.run(FormulaEvaluator(regions: [region]), batchSize: 4, clock: { 0 })
        // Two by three schedules of one algorithm, four by two of the other.
        #expect(swarm.trials.count == 14)
        #expect(Set(swarm.trials.map(\.candidate.schedule)).count == 14)
    }

    static let choices = [
        Choice("rows", [1, 7, 2, 4, 8, 16]), Choice("columns", [16, 32, 48, 64, 96, 128]),
        Choice("unroll", [1, 2, 4, 8]), Choice("threads", [2, 1]), Choice("packing", [0, 1]),
    ]
    static let regions = [
        SearchRegion(key: "heavy", choices: choices, weight: 0.7, floorSeconds: 0.2),
        SearchRegion(key: "light", choices: Array(choices.prefix(3)), weight: 0.2),
        SearchRegion(key: "none", choices: [], weight: 0.1),
    ]

    private func search(
        seed: UInt64, trials: Int, roster: AgentRoster = .standard, batch: Int = 4
    ) async -> Swarm {
        var swarm = Swarm(
            regions: Self.regions, roster: roster, budget: SearchBudget(trials: trials, patience: 1000), seed: seed)
        _ = await swarm.run(ChampionEvaluator(Self.regions), batchSize: batch, clock: { 0 })
        return swarm
    }

    @Test func opensWithDefaultsHeaviestFirst() {
        var swarm = Swarm(regions: Self.regions, budget: SearchBudget(trials: 100), seed: 1)
        let batch = swarm.nextBatch(limit: 3)
        #expect(batch.map(\.region) == [0, 1, 2])
        #expect(batch.map(\.schedule) == Self.regions.map(\.defaultSchedule))
    }

    @Test(arguments: [UInt64(1), 2, 3, 4]) func findsTheOptimum(seed: UInt64) async {
        let swarm = await search(seed: seed, trials: 200)
        for (region, view) in zip(Self.regions, swarm.views) {
            let champion = try! #require(view.champion)
            // The formula's least time is 1; the last 2 % are within the margin.
            #expect(champion.seconds < 1.021, "\(region.key): \(champion)")
        }
        // None works on what no region has. What a mind opens with bears its name.
        let agents = Set(swarm.trials.map(\.candidate.agent))
        let names = AgentRoster.standard.rows.map(\.name) + AgentRoster.minds.map(\.name) + ["default-first"]
        #expect(agents.isSubset(of: names))
        #expect(agents.count >= 6, "\(agents)")
        #expect(!agents.contains { $0.hasPrefix("vectors") })
    }

    @Test func neverTriesTheSameScheduleTwice() async {
        let swarm = await search(seed: 9, trials: 250)
        let pairs = swarm.trials.map { "\($0.candidate.region): \($0.candidate.schedule)" }
        #expect(Set(pairs).count == pairs.count)
    }

    @Test func givesMoreTrialsToWhatHasMoreToGain() async {
        let swarm = await search(seed: 5, trials: 60)
        #expect(swarm.views[0].trials > swarm.views[1].trials)
        #expect(swarm.views[2].trials == 1)
    }

    @Test(arguments: [UInt64(1), 77], [4, 16]) func isReproducible(seed: UInt64, batch: Int) async {
        let first = await search(seed: seed, trials: 120, batch: batch)
        let second = await search(seed: seed, trials: 120, batch: batch)
        #expect(first.trials == second.trials)
        var replay = Swarm(
            regions: Self.regions, budget: SearchBudget(trials: 120, patience: 1000), seed: seed)
        _ = await replay.run(ReplayEvaluator(recorded: first.trials), batchSize: batch, clock: { 0 })
        #expect(replay.trials == first.trials)
        let other = await search(seed: seed + 1, trials: 120, batch: batch)
        #expect(other.trials != first.trials)
        // The batch is part of what repeats a search.
        let wider = await search(seed: seed, trials: 120, batch: batch + 1)
        #expect(wider.trials != first.trials)
    }

    /// The next batch is prepared before the one before it has its verdicts, what is left in the end is no trial, and a search repeats
    /// itself all the same.
    @Test(arguments: [4, 16]) func looksAhead(batch: Int) async {
        let evaluator = OrderEvaluator(Self.regions)
        func searched(_ evaluator: some CandidateEvaluator) async -> Swarm {
            var swarm = Swarm(
                regions: Self.regions, budget: SearchBudget(trials: 1000, seconds: 20, patience: 1000), seed: 3)
            let clock = TickingClock()
            #expect(
                await swarm.run(evaluator, batchSize: batch, looksAhead: true, clock: { clock.next() }) == .seconds)
            return swarm
        }
        let first = await searched(evaluator)
        let second = await searched(FormulaEvaluator(regions: Self.regions))
        let replay = await searched(ReplayEvaluator(recorded: first.trials))
        #expect(first.trials == second.trials && first.trials == replay.trials)
        let events = await evaluator.events
        // Numbers of batches as they are begun, and negative where they are evaluated; 0 at the end. Nothing is known beside the defaults, which
        // are the first.
        #expect(events.prefix(5) == [1, -1, 2, 3, -2])
        #expect(events.last == 0 && events.filter { $0 == 0 }.count == 1)
        let evaluated = events.filter { $0 < 0 }.count
        #expect(events.filter { $0 > 0 }.count == evaluated + 1)
        #expect(first.trials.count <= evaluated * batch)
    }

    @Test func stopsAtTheRoofline() async {
        let region = SearchRegion(key: "r", choices: Self.choices, weight: 1, floorSeconds: 100)
        var swarm = Swarm(regions: [region], budget: SearchBudget(trials: 50), seed: 1)
        let reason = await swarm.run(FormulaEvaluator(regions: [region]), batchSize: 1, clock: { 0 })
        #expect(reason == .nothingLeft)
        #expect(swarm.trials.count == 1)
    }

    @Test func stopsWhenEverythingWasTried() async {
        let region = SearchRegion(key: "r", choices: [Choice("a", [1, 2, 3]), Choice("b", [0, 1])], weight: 1)
        var swarm = Swarm(regions: [region], budget: SearchBudget(trials: 500), seed: 1)
        let reason = await swarm.run(FormulaEvaluator(regions: [region]), batchSize: 4, clock: { 0 })
        #expect(reason == .nothingLeft)
        #expect(swarm.trials.count == 6)
    }

    @Test func stopsByTheClock() async {
        var swarm = Swarm(
            regions: Self.regions, budget: SearchBudget(trials: 500, seconds: 5), seed: 1)
        let clock = TickingClock()
        let reason = await swarm.run(FormulaEvaluator(regions: Self.regions), batchSize: 4, clock: { clock.next() })
        #expect(reason == .seconds)
        #expect(swarm.trials.count < 500)
    }

    /// What could not be judged costs a trial, is no refusal, and teaches nothing: also where it is the default.
    @Test func whatIsNotJudgedTeachesNothing() async {
        struct Failing: CandidateEvaluator {
            func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
                batch.map { _ in .notJudged(reason: "notJudged: no device") }
            }
        }
        var swarm = Swarm(regions: Self.regions, budget: SearchBudget(trials: 40, patience: 10), seed: 1)
        let reason = await swarm.run(Failing(), batchSize: 4, clock: { 0 })
        #expect(reason == .nothingLeft)
        #expect(swarm.views.map(\.trials).allSatisfy { $0 >= 1 } && swarm.views[0].trials > 1)
        #expect(swarm.spent == swarm.trials.count && swarm.progress.refused == 0)
        #expect(swarm.views.allSatisfy { $0.observations.isEmpty && $0.refusals.isEmpty && $0.champion == nil })
    }

    @Test func aRegionWithoutACorrectKernelHasNoChampion() async {
        struct Refuser: CandidateEvaluator {
            func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
                batch.map { _ in .refused(reason: "crashed") }
            }
        }
        var swarm = Swarm(regions: Self.regions, budget: SearchBudget(trials: 40, patience: 10), seed: 1)
        let reason = await swarm.run(Refuser(), batchSize: 4, clock: { 0 })
        #expect(reason == .nothingLeft)
        #expect(swarm.views.allSatisfy { $0.champion == nil })
        #expect(swarm.progress.refused == swarm.trials.count)
    }

    @Test func cancelledCandidatesAreNoTrials() async {
        struct Canceller: CandidateEvaluator {
            func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] { batch.map { _ in .cancelled } }
        }
        var swarm = Swarm(regions: Self.regions, budget: SearchBudget(trials: 40), seed: 1)
        #expect(await swarm.run(Canceller(), batchSize: 4, clock: { 0 }) == .cancelled)
        #expect(swarm.trials.isEmpty)
    }
}

private final class TickingClock: Sendable {
    private let ticks = Ticks()
    func next() -> Double { ticks.next() }
    private final class Ticks: @unchecked Sendable {
        // Safety: used by one task only.
        var now = 0.0
        func next() -> Double {
            now += 1
            return now
        }
    }
}

/// What was fast before, and what the swarm makes of it.
@Suite struct HistorianTests {
    private static let choices = [
        Choice("rows", [1, 2, 4, 8]), Choice("columns", [16, 32, 64]), Choice("threads", [2, 1]),
    ]

    /// A schedule of another kernel, in these choices.
    @Test(arguments: [
        (["rows": 8, "columns": 32], ["rows": 8, "columns": 32, "threads": 2]),
        (["rows": 7, "columns": 4096], ["rows": 8, "columns": 64, "threads": 2]),
        (["rows": -3, "columns": 0, "unknown": 5, "threads": 1], ["rows": 1, "columns": 16, "threads": 1]),
        ([:], ["rows": 1, "columns": 16, "threads": 2]),
    ])
    func schedulesAreFitted(_ other: [String: Int], _ fitted: [String: Int]) {
        let region = SearchRegion(key: "k", choices: Self.choices, weight: 1)
        #expect(region.fitted(Schedule(other)) == Schedule(fitted))
    }

    /// Suggestions come right after the default, each once and at most four, whatever else agents would say.
    @Test func suggestionsComeFirst() {
        let suggestions =
            [8, 4, 4, 8, 2].map { Schedule(["rows": $0, "columns": 64]) } + [
                Schedule(["rows": 2, "columns": 32]), Schedule(["rows": 4, "columns": 32]),
            ]
        let region = SearchRegion(key: "k", choices: Self.choices, weight: 1, suggestions: suggestions)
        var swarm = Swarm(regions: [region], budget: SearchBudget(trials: 20), seed: 1)
        let batch = swarm.nextBatch(limit: 6)
        #expect(batch[0].schedule == region.defaultSchedule)
        let proposed = batch[1...4].map { [$0.schedule.values["rows"], $0.schedule.values["columns"]] }
        #expect(proposed == [[8, 64], [4, 64], [2, 64], [2, 32]])
        #expect(batch[1...4].allSatisfy { $0.agent == "historian" })
    }

    /// Whatever a memory claims that is wrong costs its suggestions and a few trials more: others' claims alone, and times that are turned
    /// over.
    @Test(arguments: [false, true]) func whatMisleadsFallsSilent(_ isTaught: Bool) async {
        actor Slope: CandidateEvaluator {
            private var champion = Double.infinity
            func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
                batch.map { candidate in
                    let seconds = Slope.seconds(candidate.schedule)
                    let isWin = seconds * 1.02 < champion
                    if isWin { champion = seconds }
                    return .timed(seconds: seconds, isWin: isWin)
                }
            }
            static func seconds(_ schedule: Schedule) -> Double {
                // In the order of names: a dictionary's changes with each process, and with it the last bit of a product.
                schedule.values.sorted { $0.key < $1.key }.reduce(1.0) { $0 * (1 + 0.2 * log2(Double($1.value))) }
            }
        }
        let choices = ["rows", "columns", "unroll", "grain"].map { Choice($0, [8, 1, 2, 4, 16, 32]) }
        let worst = [32, 16].map { value in
            Schedule(Dictionary(uniqueKeysWithValues: choices.map { ($0.name, value) }))
        }
        var region = SearchRegion(key: "k", choices: choices, weight: 1, suggestions: worst)
        if isTaught {
            let space = SearchSpace(choices)
            region.examples = (0..<40).map { number in
                let schedule = space.schedule([number % 6, number * 5 % 6, number * 7 / 6 % 6, number / 7 % 6])
                return SearchExample(
                    schedule: schedule, relativeSeconds: 1 / Slope.seconds(schedule), features: [], distance: 0.5)
            }
        }
        var own: [Int] = []
        for seed in 1...16 as ClosedRange<UInt64> {
            var swarm = Swarm(regions: [region], budget: SearchBudget(trials: 64), seed: seed)
            _ = await swarm.run(Slope(), batchSize: 4, clock: { 0 })
            own.append(swarm.trials.count { $0.candidate.agent.hasSuffix("historian") })
        }
        // Two suggestions, what was proposed before their verdicts were in, and now and then a turn by luck: a mind that is as good
        // as others has a quarter of 64.
        #expect(own.allSatisfy { $0 >= 2 && $0 <= 10 } && own.reduce(0, +) <= 6 * own.count, "\(own) of 64")
    }

    @Test(arguments: [
        ("a=1 b.c=-2", ["a": 1, "b.c": -2]), ("", [:]), ("x=y=3", ["x=y": 3]), ("a", nil), ("=1", nil), ("a=", nil),
        ("a=1 a=2", nil), ("a=99999999999999999999", nil),
    ])
    func schedulesReadBack(_ text: String, _ values: [String: Int]?) {
        #expect(Schedule(parsing: text)?.values == values)
    }
}

/// What becomes code that was judged before.
@Suite struct RepeatTests {
    /// Only one choice means anything.
    private struct Blind: CandidateEvaluator {
        let first: Choice
        func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
            batch.map { candidate in
                let isFirst = candidate.schedule.values.allSatisfy { $0.key == first.name || $0.value == 0 }
                let seconds = 1 / Double(1 + candidate.schedule[first])
                return isFirst ? .timed(seconds: seconds, isWin: true) : .repeated(seconds: seconds)
            }
        }
    }

    /// Repeated code costs no trial; a region where nothing else comes up is done.
    @Test func repeatsCostNothing() async {
        let choices = [Choice("rows", [0, 1, 2, 3]), Choice("unroll", [0, 1, 2]), Choice("grain", [0, 1, 2])]
        let region = SearchRegion(key: "k", choices: choices, weight: 1)
        var swarm = Swarm(regions: [region], budget: SearchBudget(trials: 4, patience: 30), seed: 1)
        let reason = await swarm.run(Blind(first: choices[0]), batchSize: 2, clock: { 0 })
        #expect(reason == .trials || reason == .nothingLeft)
        #expect(swarm.spent <= 4 && swarm.trials.count > swarm.spent)
        #expect(swarm.progress.trials == swarm.spent && swarm.views[0].trials == swarm.spent)
        #expect(swarm.views[0].champion?.seconds ?? 1 < 1)
    }

    /// Batches never leave room that repeats gave back unused.
    @Test func repeatsLeaveRoom() async {
        let choices = [Choice("rows", Array(0..<8)), Choice("unroll", Array(0..<8))]
        let region = SearchRegion(key: "k", choices: choices, weight: 1)
        var swarm = Swarm(regions: [region], budget: SearchBudget(trials: 8, patience: 64), seed: 1)
        _ = await swarm.run(Blind(first: choices[0]), batchSize: 64, clock: { 0 })
        #expect(swarm.spent == 8)
    }
}

/// What wins in one kernel is said to those with the same choices.
@Suite struct SiblingTests {
    @Test func winnersAreSuggestedToSiblings() {
        let choices = [Choice("rows", [1, 2, 4]), Choice("grain", [1, 2])]
        let others = [Choice("rows", [1, 2, 4]), Choice("unroll", [1, 2])]
        let regions = [choices, choices, others].map { SearchRegion(key: "k", choices: $0, weight: 1) }
        var swarm = Swarm(regions: regions, budget: SearchBudget(trials: 40), seed: 1)
        let first = swarm.nextBatch(limit: 3)
        swarm.record(first.map { Trial(candidate: $0, verdict: .timed(seconds: 1, isWin: true)) })
        var batch = swarm.nextBatch(limit: 1)
        let winner = batch[0]
        swarm.record([Trial(candidate: winner, verdict: .timed(seconds: 0.5, isWin: true))])
        for _ in 0..<20 where batch[0].agent != "historian" {
            batch = swarm.nextBatch(limit: 1)
            if batch[0].agent == "historian" { break }
            swarm.record([Trial(candidate: batch[0], verdict: .refused(reason: "slow"))])
        }
        #expect(batch[0].agent == "historian" && batch[0].schedule == winner.schedule)
        #expect(batch[0].region != winner.region && batch[0].region != 2)
    }
}
