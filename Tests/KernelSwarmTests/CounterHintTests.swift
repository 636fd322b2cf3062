import Base
import KernelIR
import Testing

@testable import KernelSwarm

/// What counters of the processor make a search try.
@Suite struct CounterHintTests {
    private static func profile(_ facts: [TrialProfile.Fact: Double]) -> TrialProfile {
        TrialProfile(Dictionary(uniqueKeysWithValues: facts.map { ($0.key.rawValue, $0.value) }))
    }

    private static let slow: [TrialProfile.Fact: Double] = [.instructionsPerCycle: 0.5, .l1Misses: 1, .branchMisses: 0]

    @Test(
        arguments: [
            // Nothing counted says nothing, and neither does a good kernel.
            ([:], [], []),
            ([.instructionsPerCycle: 3, .l1Misses: 5, .branchMisses: 0.1, .lastLevelShare: 1, .tlbMisses: 0], [], []),
            ([.lastLevelShare: 2], [.tiling], []),
            ([.l1Misses: 100], [.tiling, .pipelining], []),
            // What streams as fast as memory goes misses, and is right to.
            ([.l1Misses: 100, .memoryShare: 0.8], [], []),
            ([.tlbMisses: 10], [.tiling], []), ([.branchMisses: 10], [.tiling, .pipelining], []),
            (slow, [.pipelining, .vectors], [.pipelining, .vectors]),
            // What spills does not want more of it; what memory or arithmetic holds up is not slow for itself.
            (slow.merging([.localBytes: 8]) { $1 }, [.pipelining, .vectors], []),
            (slow.merging([.computeShare: 0.6]) { $1 }, [], []),
            (slow.merging([.lastLevelShare: 3]) { $1 }, [.tiling], []),
            // Few misses are those that were counted.
            ([.instructionsPerCycle: 0.5, .branchMisses: 0], [], []),
            ([.instructionsPerCycle: 0.5, .l1Misses: 1], [], []),
        ] as [([TrialProfile.Fact: Double], Set<Speciality>, Set<Speciality>)])
    func countersPointAtSpecialities(
        _ facts: [TrialProfile.Fact: Double], _ matters: Set<Speciality>, _ more: Set<Speciality>
    ) {
        let profile = Self.profile(facts)
        #expect(profile.matters == matters && profile.moreOf == more)
        #expect(profile.hints.isEmpty == matters.isEmpty)
    }

    /// Every row fires, and says so in words of its own.
    @Test func everyRowFires() {
        let facts: [[TrialProfile.Fact: Double]] = [
            [.lastLevelShare: 2], [.l1Misses: 100], [.tlbMisses: 10], [.branchMisses: 10], Self.slow,
        ]
        #expect(facts.map { Self.profile($0).hints.map(\.words) } == CounterHint.table.map { [$0.words] })
        #expect(Set(CounterHint.table.map(\.words)).count == CounterHint.table.count)
        #expect(CounterHint.table.allSatisfy { $0.more.isSubset(of: $0.matters) && !$0.matters.isEmpty })
    }

    private static let choices = [
        Choice("tile", [4, 1, 2, 8]), Choice("unroll", [1, 2, 4]), Choice("grain", [1, 2, 4]),
    ]

    /// Values of what there should be more of mostly go up, others as ever.
    @Test func mutationsLeanUp() {
        let space = SearchSpace(Self.choices)
        func higher(_ more: Set<Speciality>, _ place: Int) -> Int {
            var random = SeededRandom(seed: 5)
            return (0..<400).count { _ in
                // The middle value of each.
                var point = [2, 1, 1]
                let before = space.rank(place, point[place])
                EvolutionMind.mutate([place], of: &point, space, more: more, &random)
                return space.rank(place, point[place]) > before
            }
        }
        #expect(higher([.pipelining], 1) > 300 && higher([], 1) < 260)
        #expect(higher([.pipelining], 2) == higher([], 2))
        // At the highest value there is nothing above.
        var random = SeededRandom(seed: 1)
        var point = [0, 2, 0]
        EvolutionMind.mutate([1], of: &point, space, more: [.pipelining], &random)
        #expect(point[1] != 2)
    }

    /// An agent of another speciality often moves what counters point at too.
    @Test func agentsMoveWhatMatters() {
        func moved(_ profile: TrialProfile?) -> Int {
            let region = SearchRegion(key: "k", choices: Self.choices, weight: 1)
            var view = RegionView(region: region, islands: 1)
            _ = view.record(
                Trial(
                    candidate: Candidate(region: 0, schedule: view.space.schedule([0, 0, 0]), agent: ""),
                    verdict: .timed(seconds: 1, isWin: true), profile: profile), island: 0)
            // What evolution visits first in any case.
            for point in [[0, 0, 0], [0, 0, 1], [0, 0, 2]] { view.markProposed(point) }
            var (mind, random) = (EvolutionMind(), SeededRandom(seed: 3))
            return (0..<400).count { _ in
                mind.propose(Focus([.parallelism]), view, island: 0, random: &random)?[1] != 0
            }
        }
        let (pointed, other) = (moved(Self.profile(Self.slow)), moved(nil))
        #expect(pointed > 2 * other, "\(pointed) \(other)")
        #expect(moved(Self.profile([.instructionsPerCycle: 4])) == other)
    }

    /// What processors count are features of the cost model; every fact's code stays within the trees' table.
    @Test func countsAreFeatures() {
        let region = SearchRegion(key: "k", choices: Self.choices, weight: 1)
        var view = RegionView(region: region, islands: 1)
        func add(_ point: Point, _ value: Double) {
            let facts = Dictionary(uniqueKeysWithValues: TrialProfile.Fact.allCases.map { ($0, value) })
            _ = view.record(
                Trial(
                    candidate: Candidate(region: 0, schedule: view.space.schedule(point), agent: ""),
                    verdict: .timed(seconds: 1, isWin: false), profile: Self.profile(facts)), island: 0)
        }
        add([0, 0, 0], 0.5)
        add([3, 0, 0], 1e12)
        let neighbours = ProfileNeighbours(view)
        // All but the shares of what the machine gives.
        #expect(neighbours.width == TrialProfile.Fact.allCases.count - 2)
        let (few, many) = (neighbours.codes(near: [3, 0, 0]), neighbours.codes(near: [0, 0, 0]))
        #expect(zip(few, many).allSatisfy { 0 < $0 && $0 < $1 && Int($1) < TrainingRows.codeLimit })
    }
}
