import Base
import KernelIR
import KernelSwarm
import SearchEvents
import Synchronization
import Testing

@testable import PackageBuilder

/// Kernels tried within the model, over made-up models whose time is the sum of their kernels'.
@Suite struct PlacedTrialsTests {
    /// Packages that exist, by their path, and what was compared.
    private final class Shelf: Sendable {
        let packages = Mutex<[String: [KernelID: Schedule]]>([:])
        let most = Mutex(0)
        let compared = Mutex<[String]>([])
    }

    /// Two kernels with three schedules each: `a=0` by the rules, `a=1` won alone.
    private static let finalists = (0..<2).map { number in
        Finalist(
            kernel: KernelID(number), rule: Schedule(["a": 0]), winner: Schedule(["a": 1]), others: [Schedule(["a": 2])]
        )
    }

    /// What stands in the end where kernel `k` under `a=v` takes `seconds[k][v]` within the model, as its values of `a`.
    private static func run(
        _ seconds: [[Double]], _ finalists: [Finalist] = finalists, trials: Int = 100, time: Double = 100,
        fixed: [KernelID: Schedule] = [:], luck: Double = 1, makeSeconds: Double = 0,
        fails: @escaping @Sendable ([KernelID: Schedule]) -> Bool = { _ in false }
    ) async -> (values: [Int], trials: Int, moves: Int, shelf: Shelf) {
        let shelf = Shelf()
        @Sendable func total(_ schedules: [KernelID: Schedule]) -> Double {
            schedules.reduce(0) { $0 + seconds[$1.key.index][$1.value.values["a"] ?? 0] }
        }
        let placed = PlacedTrials(trials: trials, seconds: time) { candidate, champion in
            var comparison = ModelComparison()
            let (ours, theirs) = shelf.packages.withLock { ($0[candidate], $0[champion]) }
            guard let ours, let theirs, !fails(ours) else {
                comparison.failure = "it does not agree"
                return comparison
            }
            let isFirst = shelf.compared.withLock { !$0.contains(candidate) }
            comparison.ratio = total(theirs) / total(ours) * (isFirst ? luck : 1)
            (comparison.low, comparison.high) = (comparison.ratio * 0.99, comparison.ratio * 1.01)
            shelf.compared.withLock { $0.append(candidate) }
            return comparison
        }
        var now = 0.0
        var made = 0
        shelf.packages.withLock { packages in
            packages["base"] = Dictionary(uniqueKeysWithValues: finalists.map { ($0.kernel, $0.rule ?? $0.winner) })
        }
        let outcome = await placed.run(finalists, fixed: fixed, base: "base", baseSeconds: makeSeconds) {
            now += 1
            return now
        } make: { schedules in
            made += 1
            let path = "\(made)"
            let count = shelf.packages.withLock {
                $0[path] = schedules
                return $0.count
            }
            shelf.most.withLock { $0 = max($0, count) }
            return path
        } discard: { path in
            shelf.packages.withLock { $0[path] = nil }
        }
        let values = outcome.schedules.sorted { $0.key < $1.key }.map { $0.value.values["a"] ?? -1 }
        return (values, outcome.trials, outcome.moves, shelf)
    }

    @Test(
        arguments: [
            // Both winners are faster in their places too.
            ([[2.0, 1, 1.5], [2, 1, 1.5]], [1, 1]),
            // The second is slower there, though both together are faster than the rules.
            ([[4, 1, 1.5], [2, 2.5, 2.2]], [1, 0]),
            // Both together are slower; the first alone pays.
            ([[2, 1.5, 1.8], [2, 4, 4]], [1, 0]),
            // What was second alone is first there.
            ([[2, 1.5, 1], [2, 2.5, 1]], [2, 2]),
            // Nothing beats the rules there.
            ([[2, 3, 3], [2, 3, 3]], [0, 0]),
            // Less than what can be told apart.
            ([[2, 1.999, 1.999], [2, 2, 2]], [0, 0]),
        ] as [([[Double]], [Int])])
    func whatIsFasterInItsPlaceStands(_ given: (seconds: [[Double]], values: [Int])) async {
        let found = await Self.run(given.seconds)
        #expect(found.values == given.values)
        #expect(found.moves <= found.trials)
        // Beside the first, a champion and its rival lie there at a time, and nothing in the end.
        #expect(found.shelf.most.withLock { $0 } <= 3)
        #expect(found.shelf.packages.withLock { Array($0.keys) } == ["base"])
    }

    /// Two kernels whose gains are too small to be seen one by one, beside two that lose.
    @Test func whatPaysTogetherStands() async {
        let finalists = (0..<4).map {
            Finalist(kernel: KernelID($0), rule: Schedule(["a": 0]), winner: Schedule(["a": 1]), others: [])
        }
        let gains = [[2, 1.93], [2, 1.93], [2, 2.1], [2, 2.1]]
        #expect(await Self.run(gains, finalists).values == [1, 1, 0, 0])
        #expect(await Self.run(gains.reversed(), finalists).values == [0, 0, 1, 1])
        #expect(await Self.run([[2, 1.93], [2, 2.1], [2, 1.93], [2, 2.1]], finalists).values == [0, 0, 0, 0])
    }

    @Test func noPackageIsComparedTwice() async {
        let found = await Self.run([[2, 1, 1.5], [2, 1, 1.5]])
        // All winners, then the rule's and the other of each kernel.
        #expect(found.trials == 5)
    }

    /// Without time or trials, and where the winners do not agree, what won alone stands: whoever made the package will say so.
    @Test func winnersStandWhereNothingIsKnown() async {
        #expect(await Self.run([[1, 2, 2], [1, 2, 2]], trials: 0).values == [1, 1])
        #expect(await Self.run([[1, 2, 2], [1, 2, 2]], time: 0).values == [1, 1])
        // A package that takes longer to make than there is time is not made.
        #expect(await Self.run([[1, 2, 2], [1, 2, 2]], makeSeconds: 200).trials == 0)
        #expect(await Self.run([[1, 2, 2], [1, 2, 2]], fails: { _ in true }).values == [1, 1])
    }

    @Test func aBudgetEndsTheTrials() async {
        // All winners, both rules, and one other.
        let found = await Self.run([[2, 1, 0.5], [2, 1, 0.5]], trials: 4)
        #expect(found.trials == 4)
        #expect(found.values == [2, 1])
    }

    /// What is faster in one process only is not.
    @Test func luckDoesNotMove() async {
        let found = await Self.run([[2, 2.1, 2.1], [2, 1.5, 2]], luck: 1.2)
        #expect(found.values == [0, 1])
    }

    /// A candidate that does not agree is passed over.
    @Test func failuresDoNotMove() async {
        let found = await Self.run([[2, 1, 0.5], [2, 1, 1.5]]) { $0[KernelID(0)]?.values["a"] == 2 }
        #expect(found.values == [1, 1])
    }

    @Test func whatIsFixedStaysAndRefusedRulesDoNotReturn() async {
        let refused = Finalist(
            kernel: KernelID(0), rule: nil, winner: Schedule(["a": 1]), others: [Schedule(["a": 2])])
        let found = await Self.run(
            [[0.1, 2, 1], [5, 3, 1]], [refused], fixed: [KernelID(1): Schedule(["a": 0])])
        #expect(found.values == [2, 0])
    }

    /// What a swarm found: its winner, the fastest of each other algorithm, then the rest, and nothing much slower than the rule's.
    @Test func finalistsAreOfEveryAlgorithm() throws {
        let choices = [Choice("algorithm", [0, 1, 2]), Choice("rows", [1, 2, 4])]
        let seconds = [
            "algorithm=0 rows=1": 1.0, "algorithm=1 rows=1": 0.8, "algorithm=1 rows=2": 0.9, "algorithm=2 rows=4": 1.05,
        ]
        var swarm = Swarm(
            regions: [SearchRegion(key: "k", choices: choices, weight: 1)], budget: SearchBudget(trials: 40), seed: 1)
        #expect(Finalist(KernelID(0), swarm, 0) == nil)
        var best = Double.infinity
        while case let batch = swarm.nextBatch(limit: 1), !batch.isEmpty {
            // What is not in the table is too slow to be tried.
            let taken = seconds[batch[0].schedule.description] ?? 1.2
            swarm.record([Trial(candidate: batch[0], verdict: .timed(seconds: taken, isWin: taken < best))])
            best = min(best, taken)
        }
        let finalist = try #require(Finalist(KernelID(0), swarm, 0))
        #expect(finalist.rule?.description == "algorithm=0 rows=1")
        #expect(finalist.winner.description == "algorithm=1 rows=1")
        #expect(finalist.others.map(\.description) == ["algorithm=2 rows=4", "algorithm=1 rows=2"])
        #expect(finalist.choices.count == 4 && finalist.canMove)
    }
}
