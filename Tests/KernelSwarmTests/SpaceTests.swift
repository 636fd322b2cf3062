import KernelIR
import Testing

@testable import KernelSwarm

/// Points, cells and islands.
@Suite struct SpaceTests {
    private static let choices = [
        Choice("algorithm", [2, 4, 1]), Choice("rows", [8, 1, 4, 2, 4]).only(where: "algorithm", is: [4, 1]),
        Choice("grain", [1024, 65536, 256]), Choice("unroll", [4, 1]), Choice("strange", [0, 5]),
    ]

    /// A point and its schedule say the same, and agree with the choices about what is canonical.
    @Test func pointsAreSchedules() {
        let space = SearchSpace(Self.choices)
        #expect(space.choices[1].values == [8, 1, 4, 2])
        #expect(space.specialities == [.strategy, .tiling, .parallelism, .pipelining, .strategy])
        for algorithm in 0..<3 {
            for rows in 0..<4 {
                let point = [algorithm, rows, 1, 1, 0]
                let schedule = space.schedule(point)
                #expect(schedule == Self.choices.canonical(schedule))
                #expect(space.point(schedule) == space.canonical(point))
                #expect(space.canonical(point)[1] == (algorithm == 0 ? 0 : rows))
            }
        }
        #expect(space.schedule(space.origin) == Self.choices.canonical(Schedule()))
    }

    /// What means nothing is moved together with what it hangs on.
    @Test func settingMakesActive() {
        let space = SearchSpace(Self.choices)
        var point = space.origin
        space.set(1, 2, in: &point)
        #expect(point == [1, 2, 0, 0, 0])
        #expect(space.neighbours(1, of: 2).map { space.choices[1].values[$0] } == [2, 8])
    }

    /// Strategies, footprints and degrees of parallelism have cells of their own; neighbours share them.
    @Test func cellsTellBehaviourApart() {
        let space = SearchSpace([
            Choice("algorithm", [0, 1]), Choice("rows", [1, 2, 64, 128]), Choice("threads", [1, 2, 128, 256]),
        ])
        #expect(space.cell([0, 0, 0]) == space.cell([0, 1, 1]))
        #expect(Set([[0, 0, 0], [1, 0, 0], [0, 3, 0], [0, 0, 3], [0, 3, 3]].map { space.cell($0) }).count == 5)
    }

    @Test func anIslandKeepsTheFastestOfACell() {
        var island = Island()
        for (cell, seconds) in [(1, 3.0), (2, 2), (1, 4), (1, 1), (3, 2.5)] {
            island.admit(.init(cell: cell, point: [cell], seconds: seconds))
        }
        #expect(island.residents.map(\.cell) == [1, 2, 3])
        #expect(island.residents.map(\.seconds) == [1, 2, 2.5])
    }

    /// What one island found comes to the next after some trials, and to those beyond it later.
    @Test func elitesMigrate() {
        let choices = [Choice("rows", Array(1...99))]
        var view = RegionView(region: SearchRegion(key: "k", choices: choices, weight: 1), islands: 3)
        func record(_ rows: Int, _ seconds: Double, _ island: Int?) {
            let candidate = Candidate(region: 0, schedule: Schedule(["rows": rows]), agent: "")
            _ = view.record(
                Trial(candidate: candidate, verdict: .timed(seconds: seconds, isWin: false)), island: island)
        }
        record(1, 10, nil)
        #expect(view.islands.map { $0.residents.map(\.seconds) } == [[10], [10], [10]])
        record(2, 5, 0)
        #expect(view.islands.map { $0.residents[0].seconds } == [5, 10, 10])
        for trial in 2..<RegionView.migrationInterval { record(2 + trial, 20, 2) }
        #expect(view.islands.map { $0.residents[0].seconds } == [5, 5, 10])
        for trial in 0..<RegionView.migrationInterval { record(50 + trial, 20, 2) }
        #expect(view.islands.map { $0.residents[0].seconds } == [5, 5, 5])
    }
}
