import Base
import Glibc
import KernelIR
import Testing

@testable import KernelSwarm

/// What the minds learn with.
@Suite struct MindTests {
    /// Trees find a sum with an interaction, and say the mean where rows say nothing.
    @Test func treesLearn() {
        var random = SeededRandom(seed: 1)
        var rows = TrainingRows(width: 3)
        func target(_ a: Int, _ b: Int) -> Double { Double(a) * 0.5 + (a > 2 && b > 2 ? -3 : 0) }
        for _ in 0..<200 {
            let (a, b, c) = (random.index(below: 6), random.index(below: 6), random.index(below: 6))
            rows.add([UInt8(a), UInt8(b), UInt8(c)], target: target(a, b), weight: 1)
        }
        let trees = BoostedTrees(rows, .init(trees: 60), random: &random)
        for a in 0..<6 {
            for b in 0..<6 {
                #expect(abs(trees.predict([UInt8(a), UInt8(b), 3]) - target(a, b)) < 0.5, "\(a) \(b)")
            }
        }
        #expect(BoostedTrees(TrainingRows(width: 2), random: &random).predict([0, 0]) == 0)
        var one = TrainingRows(width: 1)
        one.add([3], target: 7, weight: 0.5)
        #expect(abs(BoostedTrees(one, random: &random).predict([9]) - 7) < 1e-9)
    }

    /// What weighs more is believed more.
    @Test func weightsCount() {
        var random = SeededRandom(seed: 1)
        var rows = TrainingRows(width: 1)
        for _ in 0..<10 {
            rows.add([1], target: 1, weight: 9)
            rows.add([1], target: 0, weight: 1)
        }
        #expect(abs(BoostedTrees(rows, random: &random).predict([1]) - 0.9) < 0.05)
    }

    /// What was fast for large kernels is expected of a large one, and what was fast for small ones of a small one, at equal distance.
    @Test(arguments: [(20.0, 2), (12.0, 0), (Double.nan, -1)])
    func neighboursOfOnesOwnSizeAreBelieved(_ size: Double, _ fastest: Int) throws {
        let choice = Choice("tile", [1, 2, 4])
        var region = SearchRegion(key: "k", choices: [choice], weight: 1, features: [size, 3])
        for (theirs, best) in [(20.0, 4), (19.0, 4), (12.0, 1), (11.0, 1)] {
            for value in choice.values {
                region.examples.append(
                    SearchExample(
                        schedule: Schedule(["tile": value]), relativeSeconds: value == best ? 0.5 : 1,
                        features: [theirs, 3], distance: 2))
            }
        }
        let view = RegionView(region: region, islands: 1)
        let prior = try #require(view.prior)
        let times = choice.values.map { prior.raw(view.space.point(Schedule(["tile": $0]))) }
        if fastest >= 0 {
            let others = times.indices.filter { $0 != fastest }.map { times[$0] }
            #expect(others.allSatisfy { $0 > times[fastest] + 0.3 }, "\(times)")
        } else {
            #expect(times.allSatisfy { $0.isFinite })
        }
    }

    /// Rewarded values become likelier, punished ones less so, and only where they were taken.
    @Test func theNetworkLearns() {
        var random = SeededRandom(seed: 1)
        var network = PolicyNetwork(inputs: 2, counts: [3, 2], random: &random)
        let before = (network.chances(of: 0, [1, 0]), network.chances(of: 1, [1, 0]))
        #expect(before.0[0] > before.0[1] && before.0[1] > before.0[2])
        for _ in 0..<20 {
            network.learn([1, 0], taken: [(0, 2)], advantage: 0.5)
            network.learn([1, 0], taken: [(0, 1)], advantage: -0.5)
        }
        let after = network.chances(of: 0, [1, 0])
        #expect(after[2] > 0.7 && after[1] < 0.1)
        #expect(abs(after.reduce(0, +) - 1) < 1e-9)
        #expect(network.chances(of: 1, [1, 0]) == before.1)
    }

    /// What a network is rewarded for in one state need not hold in another.
    @Test func theNetworkTellsStatesApart() {
        var random = SeededRandom(seed: 2)
        var network = PolicyNetwork(inputs: 2, counts: [2], random: &random)
        for _ in 0..<200 {
            network.learn([1, 0], taken: [(0, 0)], advantage: 0.3)
            network.learn([1, 0], taken: [(0, 1)], advantage: -0.3)
            network.learn([1, 1], taken: [(0, 1)], advantage: 0.3)
            network.learn([1, 1], taken: [(0, 0)], advantage: -0.3)
        }
        #expect(network.chances(of: 0, [1, 0])[0] > 0.8 && network.chances(of: 0, [1, 1])[1] > 0.8)
    }

    private static let choices = [
        Choice("rows", [1, 2, 4, 8, 16]), Choice("unroll", [1, 2, 4, 8]), Choice("grain", [1, 2, 4, 8]),
        Choice("prefetch", [0, 1]),
    ]

    /// A view with `count` drawn trials whose time is `seconds`.
    private func view(
        _ count: Int, examples: [SearchExample] = [], seconds: (Point) -> Double?
    ) -> RegionView {
        let region = SearchRegion(key: "k", choices: Self.choices, weight: 1, features: [3], examples: examples)
        var view = RegionView(region: region, islands: 1)
        var random = SeededRandom(seed: 9)
        var best = Double.infinity
        for trial in 0..<count {
            let point =
                trial == 0
                ? view.space.origin : Self.choices.map { random.index(below: $0.values.count) }
            if view.hasTried(point) { continue }
            view.markProposed(point)
            let candidate = Candidate(region: 0, schedule: view.space.schedule(point), agent: "")
            var verdict = TrialVerdict.refused(reason: "wrong")
            if let time = seconds(point) {
                verdict = .timed(seconds: time, isWin: time < best)
                best = min(best, time)
            }
            _ = view.record(Trial(candidate: candidate, verdict: verdict), island: 0)
        }
        return view
    }

    /// The model ranks what it has not seen, and expects refusals where they were.
    @Test func theModelBelieves() {
        let view = view(60) { point in point[3] == 1 ? nil : 1 + Double(point[0]) + 0.1 * Double(point[1]) }
        var random = SeededRandom(seed: 4)
        let model = CostModel(view, random: &random)
        #expect(model.belief([0, 0, 3, 0]).mean + 0.5 < model.belief([4, 3, 0, 0]).mean)
        #expect(model.belief([0, 2, 1, 1]).refusal > 0.5 && model.belief([0, 2, 1, 0]).refusal < 0.3)
        let best = 0.0
        #expect(
            model.belief([0, 1, 1, 0]).expectedImprovement(on: best)
                > model.belief([4, 1, 1, 0]).expectedImprovement(on: best))
    }

    /// Trials of a neighbour stand in for own ones, until there are own ones that say otherwise.
    @Test func examplesTeach() {
        let space = SearchSpace(Self.choices)
        var examples: [SearchExample] = []
        for rows in 0..<5 {
            for unroll in 0..<4 {
                examples.append(
                    SearchExample(
                        schedule: space.schedule([rows, unroll, 0, 0]), relativeSeconds: 4 / Double(rows + 1),
                        features: [4], distance: 1))
            }
        }
        var random = SeededRandom(seed: 4)
        func gap(_ trials: Int) -> Double {
            // Here it is the other way round.
            let view = view(trials, examples: examples) { 1 + Double($0[0]) }
            let model = CostModel(view, random: &random)
            return model.belief([4, 0, 0, 0]).mean - model.belief([0, 0, 0, 0]).mean
        }
        #expect(gap(1) < -0.3)
        #expect(gap(60) > 0.5)
    }

    /// What neighbours let one expect is believed as far as the region's own trials bear it out: a memory that misleads is not.
    @Test func beliefIsMeasured() throws {
        let space = SearchSpace(Self.choices)
        let examples = (0..<20).map { number in
            SearchExample(
                schedule: space.schedule([number % 5, number / 5, 0, 0]),
                relativeSeconds: exp2(0.5 * Double(number % 5)), features: [4], distance: 0.5)
        }
        func belief(_ trials: Int, _ seconds: @escaping (Point) -> Double) throws -> Double {
            try #require(view(trials, examples: examples) { seconds($0) }.prior).belief
        }
        let first = try belief(1) { _ in 1 }
        #expect(first > 0.9 && first < 1)
        #expect(try belief(12) { exp2(0.5 * Double($0[0])) } > 0.9)
        // Half of it is true.
        let half = try belief(30) { exp2(0.25 * Double($0[0])) }
        #expect(half > 0.4 && half < 0.7, "\(half)")
        // The other way round.
        #expect(try belief(6) { exp2(-0.5 * Double($0[0])) } == 0)
        #expect(view(4) { _ in 1 }.prior == nil)
        // Refusals alone say nothing of times.
        let refused = SearchExample(
            schedule: space.schedule([1, 0, 0, 0]), relativeSeconds: nil, features: [4], distance: 0)
        #expect(view(4, examples: [refused]) { _ in 1 }.prior == nil)
    }

    /// The historian asks first for the step that its neighbours' slopes make worth most, no longer once it was tried, and does not
    /// go on from a suggestion that proved slow.
    @Test func theHistorianFollowsWhatHolds() throws {
        let space = SearchSpace(Self.choices)
        // Rows matter, nothing else does; their best is 8 (rank 3).
        let examples = (0..<20).map { number in
            SearchExample(
                schedule: space.schedule([number % 5, number / 5, 0, 0]),
                relativeSeconds: exp2(0.5 * Double(abs(number % 5 - 3))), features: [4], distance: 0.5)
        }
        func region(_ suggestions: [Schedule], _ examples: [SearchExample]) -> SearchRegion {
            SearchRegion(
                key: "k", choices: Self.choices, weight: 1, suggestions: suggestions, features: [3], examples: examples)
        }
        func take(_ view: inout RegionView, _ point: Point, _ seconds: Double, isWin: Bool) {
            view.markProposed(point)
            let candidate = Candidate(region: 0, schedule: view.space.schedule(point), agent: "")
            _ = view.record(
                Trial(candidate: candidate, verdict: .timed(seconds: seconds, isWin: isWin)), island: 0)
        }
        var random = SeededRandom(seed: 5)
        var view = RegionView(region: region([], examples), islands: 1)
        var mind = HistorianMind()
        take(&view, space.origin, 1, isWin: true)
        mind.learn(view)
        let first = try #require(mind.propose(.all, view, island: 0, random: &random))
        #expect(first == [3, 0, 0, 0])
        let (rows, grain) = (Focus([.tiling]), Focus([.parallelism]))
        #expect(mind.bid(rows, view, random: &random) > 4 * mind.bid(grain, view, random: &random))
        #expect(mind.weight(view) > 1)
        // Where that did what was expected nothing is left to say; where it disappoints, the best may lie beside.
        for (seconds, next) in [(0.37, nil), (0.75, [4, 0, 0, 0] as Point?)] {
            var (view, mind) = (view, mind)
            take(&view, first, seconds, isWin: true)
            mind.learn(view)
            #expect(mind.propose(.all, view, island: 0, random: &random) == next, "\(seconds)")
        }

        // A suggestion that is slower than the default is not asked what it says of other choices; one that is faster is.
        for (seconds, isAsked) in [(3.0, false), (0.5, true)] {
            var view = RegionView(region: region([Schedule(["rows": 4, "grain": 8])], []), islands: 1)
            take(&view, space.origin, 1, isWin: true)
            take(&view, view.suggestions[0], seconds, isWin: false)
            var mind = HistorianMind()
            mind.learn(view)
            #expect((mind.propose(grain, view, island: 0, random: &random) != nil) == isAsked, "\(seconds)")
        }
    }

    /// Every mind says the same again when it is asked the same, and never what was tried.
    private static let minds = AgentRoster.minds + [AgentRoster.policy]

    @Test(arguments: minds.map(\.name)) func mindsAreDeterministic(_ name: String) {
        let row = Self.minds.first { $0.name == name }!
        func proposals() -> [Point] {
            func seconds(_ point: Point) -> Double { 1 + Double(abs(point[0] - 2) + abs(point[1] - 1)) }
            let space = SearchSpace(Self.choices)
            let examples = (0..<20).map { number in
                let point = [number % 5, number / 5, 0, 0]
                return SearchExample(
                    schedule: space.schedule(point), relativeSeconds: seconds(point), features: [4], distance: 1)
            }
            var view = view(20, examples: examples, seconds: seconds)
            view.suggest(Schedule(["rows": 8, "unroll": 4]))
            var mind = row.make(view.region)
            var random = SeededRandom(seed: 5)
            var found: [Point] = []
            for focus in Focus.groups(8) + [.all] {
                for _ in 0..<4 {
                    if let point = mind.propose(focus, view, island: 0, random: &random) { found.append(point) }
                }
            }
            return found
        }
        let found = proposals()
        #expect(found.count >= 8 && found == proposals())
        #expect(found.allSatisfy { point in zip(point, Self.choices).allSatisfy { $1.values.indices.contains($0) } })
    }

    /// An agent mostly moves what it is for.
    @Test(arguments: ["evolution", "model", "policy"]) func agentsKeepToTheirSpeciality(_ name: String) {
        let row = Self.minds.first { $0.name == name }!
        let view = view(30) { 1 + Double($0[0] + $0[1] + $0[2]) }
        var mind = row.make(view.region)
        var random = SeededRandom(seed: 5)
        let places = view.space.places(Focus([.tiling]))
        let elites = view.islands[0].residents.map(\.point) + [view.champion?.point ?? []]
        var kept = 0
        for _ in 0..<60 {
            guard let point = mind.propose(Focus([.tiling]), view, island: 0, random: &random) else { continue }
            // Of some elite nothing but the speciality changed.
            let isKept = elites.contains { elite in
                point.indices.allSatisfy { places.contains($0) || point[$0] == elite[$0] }
            }
            if isKept { kept += 1 }
        }
        #expect(kept >= 30, "\(kept) of 60")
    }
}
