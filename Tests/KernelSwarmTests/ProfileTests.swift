import Base
import KernelIR
import Testing

@testable import KernelSwarm

/// What profiles do to a search.
@Suite struct ProfileTests {
    private static let choices = [
        Choice("tile", [4, 1, 2, 8]), Choice("unroll", [1, 2, 4]), Choice("stages", [2, 3, 4, 5]),
        Choice("grain", [1, 2, 4]),
    ]

    private static func profile(_ facts: [TrialProfile.Fact: Double]) -> TrialProfile {
        TrialProfile(Dictionary(uniqueKeysWithValues: facts.map { ($0.key.rawValue, $0.value) }))
    }

    @Test(
        arguments: [
            ([:], []), ([.localBytes: 0, .occupancy: 0.5], []),
            ([.localBytes: 16], [.tiling, .vectors, .pipelining]),
            ([.occupancy: 0.125, .sharedOccupancy: 0.125, .registerOccupancy: 0.5], [.pipelining, .tiling]),
            ([.occupancy: 0.125, .sharedOccupancy: 1, .registerOccupancy: 0.125], [.tiling, .pipelining]),
            // Few threads that keep the machine busy are enough.
            ([.occupancy: 0.125, .sharedOccupancy: 0.125, .computeShare: 0.7], []),
        ] as [([TrialProfile.Fact: Double], Set<Speciality>)])
    func profilesSayWhatToTryLessOf(_ facts: [TrialProfile.Fact: Double], _ less: Set<Speciality>) {
        #expect(Self.profile(facts).lessOf == less)
    }

    @Test func onlyNumbersAreKept() {
        var profile = TrialProfile(["registers": 8, "frob": 1, "occupancy": .nan, "local_bytes": -1])
        #expect(profile[.registers] == 8 && profile.named == ["registers": 8])
        profile[.occupancy] = .infinity
        #expect(profile[.occupancy] == nil && !profile.isEmpty && TrialProfile().isEmpty)
    }

    /// Values of what there should be less of mostly go down, others as ever.
    @Test func mutationsLean() {
        let space = SearchSpace(Self.choices)
        func lower(_ less: Set<Speciality>, _ place: Int) -> Int {
            var random = SeededRandom(seed: 5)
            return (0..<400).count { _ in
                // The middle value of each.
                var point = [2, 1, 1, 1]
                let before = space.rank(place, point[place])
                EvolutionMind.mutate([place], of: &point, space, less: less, &random)
                return space.rank(place, point[place]) < before
            }
        }
        #expect(lower([.tiling], 0) > 300 && lower([], 0) < 260)
        #expect(lower([.tiling], 2) == lower([], 2))
        // At the lowest value there is nothing below.
        var random = SeededRandom(seed: 1)
        var point = [1, 0, 0, 0]
        EvolutionMind.mutate([0], of: &point, space, less: [.tiling], &random)
        #expect(point[0] != 1)
    }

    /// Times by a formula; what holds much at once spills.
    private actor Spilling: CandidateEvaluator {
        private var best = Double.infinity
        let tells: Bool
        init(tells: Bool) { self.tells = tells }

        private static func held(_ candidate: Candidate) -> Int {
            candidate.schedule.values["tile", default: 0] * candidate.schedule.values["unroll", default: 0]
        }

        func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
            batch.map { candidate in
                let held = Self.held(candidate)
                let seconds =
                    1 / Double(held) + (held > 8 ? 1 : 0) + 0.01
                    * Double(candidate.schedule.values["stages", default: 0])
                defer { best = min(best, seconds) }
                return .timed(seconds: seconds, isWin: seconds < best)
            }
        }

        func profile(of candidate: Candidate) async -> TrialProfile? {
            let held = Self.held(candidate)
            return tells
                ? ProfileTests.profile([.localBytes: held > 8 ? 64 : 0, .registers: Double(16 * held)]) : nil
        }
    }

    private static func search(tells: Bool) async -> Swarm {
        let region = SearchRegion(key: "k", choices: choices, weight: 1)
        var swarm = Swarm(regions: [region], budget: SearchBudget(trials: 60, patience: 60), seed: 3)
        _ = await swarm.run(Spilling(tells: tells), batchSize: 4, clock: { 0 })
        return swarm
    }

    /// Profiles reach the minds, change what they propose, and the same profiles the same way.
    @Test func searchesAreRepeatable() async {
        let (first, second) = (await Self.search(tells: true), await Self.search(tells: true))
        #expect(first.trials == second.trials)
        #expect(first.trials.map(\.candidate) != (await Self.search(tells: false)).trials.map(\.candidate))
        #expect(first.views[0].observations.allSatisfy { $0.profile?[.registers] != nil })
        #expect(first.views[0].profile(of: first.views[0].space.origin)?[.registers] == 64)
        #expect(first.views[0].profile(of: [-1]) == nil)
    }

    /// A row takes the nearest other schedule's facts, never its own.
    @Test func neighboursSpeak() {
        let region = SearchRegion(key: "k", choices: Self.choices, weight: 1)
        var view = RegionView(region: region, islands: 1)
        #expect(ProfileNeighbours(view).width == 0 && ProfileNeighbours(view).codes(near: [0, 0, 0, 0]).isEmpty)
        func add(_ point: Point, _ registers: Double?) {
            let candidate = Candidate(region: 0, schedule: view.space.schedule(point), agent: "")
            _ = view.record(
                Trial(
                    candidate: candidate, verdict: .timed(seconds: 1, isWin: false),
                    profile: registers.map { Self.profile([.registers: $0]) }), island: 0)
        }
        add([0, 0, 0, 0], 64)
        // Shares are times by another name: no features.
        _ = view.record(
            Trial(
                candidate: Candidate(region: 0, schedule: view.space.schedule([2, 0, 0, 0]), agent: ""),
                verdict: .timed(seconds: 1, isWin: false), profile: Self.profile([.memoryShare: 0.5])), island: 0)
        #expect(ProfileNeighbours(view).width == 1)
        add([3, 0, 0, 0], 128)
        add([1, 2, 3, 2], nil)
        let neighbours = ProfileNeighbours(view)
        #expect(neighbours.width == 1)
        #expect(neighbours.codes(near: [0, 0, 0, 0]) == [17] && neighbours.codes(near: [3, 0, 0, 0]) == [9])
        #expect(neighbours.codes(near: [1, 0, 0, 0]) == [9] && neighbours.codes(near: [3, 1, 0, 0]) == [17])
    }

    /// Trials of the same kernel on the same machine speak too, those of others do not.
    @Test func onlyTheSameKernelSpeaks() {
        func width(_ distance: Double) -> Int {
            let example = SearchExample(
                schedule: Schedule(["tile": 8]), relativeSeconds: 1, features: [], distance: distance,
                profile: Self.profile([.registers: 40]))
            let region = SearchRegion(key: "k", choices: Self.choices, weight: 1, examples: [example])
            return ProfileNeighbours(RegionView(region: region, islands: 1)).width
        }
        #expect(width(0) == 1 && width(0.5) == 0)
    }
}
