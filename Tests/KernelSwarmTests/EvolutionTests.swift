import Base
import KernelIR
import Testing

@testable import KernelSwarm

/// How evolution begins, and in which order it mutates.
@Suite struct EvolutionTests {
    private static let choices = [
        Choice("algorithm", [7, 0, 3]), Choice("rows", [4, 1, 2, 8]), Choice("unroll", [1, 2]),
        Choice("select", [0, 1]).only(where: "algorithm", is: [3]),
        Choice("stages", [2, 3, 4]).only(where: "algorithm", is: [0]),
    ]

    /// A view that knows the default, which is its champion.
    private func view(
        _ suggestions: [Schedule] = [], isTried: Bool = true, profile: TrialProfile? = nil
    ) -> RegionView {
        let region = SearchRegion(key: "k", choices: Self.choices, weight: 1, suggestions: suggestions)
        var view = RegionView(region: region, islands: 1)
        view.markProposed(view.space.origin)
        if isTried {
            let candidate = Candidate(region: 0, schedule: view.space.schedule(view.space.origin), agent: "")
            _ = view.record(
                Trial(candidate: candidate, verdict: .timed(seconds: 1, isWin: true), profile: profile), island: nil)
        }
        return view
    }

    /// Founders are the default in every strategy, whatever hangs on another choice left alone; none where something is known from before.
    @Test(arguments: [
        ([Schedule](), [[1, 0, 0, 0, 0], [2, 0, 0, 0, 0]] as [Point]), ([Schedule(["rows": 8])], []),
    ])
    func foundersAreOfEveryStrategy(_ suggestions: [Schedule], _ founders: [Point]) {
        var view = view(suggestions, isTried: false)
        var mind = EvolutionMind()
        var found: [Point] = []
        while let point = mind.open(view) {
            found.append(point)
            view.markProposed(point)
        }
        #expect(found == founders)
    }

    /// The champion with every value of a choice comes once, in the order of the generator, before anything is crossed; a choice that means
    /// nothing beside the champion does not.
    @Test(
        arguments: [
            ([.tiling], [[0, 1, 0, 0, 0], [0, 2, 0, 0, 0], [0, 3, 0, 0, 0]]), ([.pipelining], [[0, 0, 1, 0, 0]]),
            ([.strategy], [[1, 0, 0, 0, 0], [2, 0, 0, 0, 0]]),
        ] as [([Speciality], [Point])])
    func valuesComeOnceInOrder(_ focus: [Speciality], _ steps: [Point]) throws {
        var view = view()
        var mind = EvolutionMind()
        var random = SeededRandom(seed: 3)
        for step in steps {
            let point = try #require(mind.propose(Focus(focus), view, island: 0, random: &random))
            #expect(view.space.canonical(point) == step)
            view.markProposed(step)
        }
        // Afterwards it mutates freely, and further away too.
        var others: Set<Point> = []
        for _ in 0..<60 {
            if let point = mind.propose(Focus(focus), view, island: 0, random: &random) {
                others.insert(view.space.canonical(point))
            }
        }
        #expect(others.contains { !view.hasTried($0) })
    }

    /// Of several choices of a focus any may come first, and all values of all of them come before a second choice moves.
    @Test func allStepsComeBeforeOthers() throws {
        var orders: Set<[Point]> = []
        for seed in 1...8 {
            var view = view()
            var mind = EvolutionMind()
            var random = SeededRandom(seed: UInt64(seed))
            var found: [Point] = []
            for _ in 0..<6 {
                found.append(try #require(mind.propose(.all, view, island: 0, random: &random)))
                view.markProposed(found[found.count - 1])
            }
            #expect(found.allSatisfy { point in point.count { $0 != 0 } == 1 } && Set(found).count == 6)
            orders.insert(found)
        }
        #expect(orders.count > 1)
    }

    /// Where a profile says what holds the champion back, no list of values comes before it.
    @Test(arguments: [(0.0, true), (64.0, false)]) func profilesComeBeforeSteps(_ spilled: Double, _ areSteps: Bool) {
        let view = view(profile: TrialProfile([TrialProfile.Fact.localBytes.rawValue: spilled]))
        var mind = EvolutionMind()
        var random = SeededRandom(seed: 3)
        let found = (0..<40).compactMap { _ in mind.propose(Focus([.tiling]), view, island: 0, random: &random) }
        #expect((Set(found) == [[0, 1, 0, 0, 0]]) == areSteps)
    }

    /// What a mind would try first is tried where it has an agent, and only there.
    @Test(arguments: [([8, 8, 8], 2), ([1, 0, 0], 2), ([0, 8, 8], 0)])
    func mindsWithoutAgentsOpenNothing(_ counts: [Int], _ founders: Int) {
        let region = SearchRegion(key: "k", choices: Self.choices, weight: 1)
        var swarm = Swarm(
            regions: [region], roster: AgentRoster(minds: AgentRoster.minds, counts: counts),
            budget: SearchBudget(trials: 9), seed: 1)
        let batch = swarm.nextBatch(limit: 4)
        #expect(batch.map(\.agent) == [Swarm.defaultAgent] + Array(repeating: "evolution", count: founders))
        #expect(Set(batch.map(\.schedule)).count == batch.count)
    }
}
