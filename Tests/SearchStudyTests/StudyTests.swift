import KernelIR
import KernelSwarm

import Testing

@testable import SearchStudy

/// What the study searches, and how it counts.
@Suite struct StudyTests {
    /// Two choices, of which the second changes no code where the first is 1; one schedule is refused.
    private static let small = Landscape(
        name: "small 1", isTuned: true, origin: "by hand",
        choices: [Choice("algorithm", [0, 1]), Choice("unroll", [1, 2, 4]).only(where: "algorithm", is: [0])],
        codes: [0, 1, 2, 3],
        found: [.timed(seconds: 4), .timed(seconds: 2), .refused(reason: "wrong output"), .timed(seconds: 3)])

    @Test func landscapesReadBack() throws {
        let again = try #require(Landscape(parsing: Self.small.text))
        #expect(again.choices == Self.small.choices && again.codes == Self.small.codes)
        #expect(again.found == Self.small.found && again.name == "small 1" && again.isTuned)
        #expect(again.origin == "by hand")
    }

    @Test(arguments: [
        "", "{}", "[1]", #"{"kernel":"k","tuned":true,"origin":"","choices":[],"codes":[5],"found":[1.0]}"#,
        #"{"kernel":"k","tuned":true,"origin":"","choices":[{"name":"a","values":[1,2]}],"codes":[0],"found":[1.0]}"#,
    ])
    func otherTextsAreNoLandscapes(_ text: String) { #expect(Landscape(parsing: text) == nil) }

    /// Schedules are counted with the last choice fastest, those that mean the same once, and each finds its code.
    @Test func schedulesFindTheirCodes() {
        let schedules = Landscape.schedules(Self.small.choices)
        #expect(
            schedules.map(\.description) == [
                "algorithm=0 unroll=1", "algorithm=0 unroll=2", "algorithm=0 unroll=4", "algorithm=1 unroll=1",
            ])
        #expect(schedules.map(Self.small.code) == Self.small.codes)
        #expect(Self.small.code(Schedule(["algorithm": 1, "unroll": 4])) == 3)
        #expect(Self.small.bestSeconds == 2)
        #expect(Landscape.schedules(Self.small.choices, most: 3).isEmpty)
        // What a choice hangs on may come after it.
        #expect(Landscape.schedules(Self.small.choices.reversed()).count == 4)
    }

    @Test func verdictsAreThoseOfTheJudge() async {
        let evaluator = LandscapeEvaluator(Self.small)
        func candidate(_ algorithm: Int, _ unroll: Int) -> Candidate {
            Candidate(region: 0, schedule: Schedule(["algorithm": algorithm, "unroll": unroll]), agent: "")
        }
        let verdicts = await evaluator.evaluate([
            candidate(0, 1), candidate(1, 1), candidate(1, 4), candidate(0, 4), candidate(0, 4), candidate(0, 2),
        ])
        #expect(
            verdicts == [
                .timed(seconds: 4, isWin: true), .timed(seconds: 3, isWin: true), .repeated(seconds: 3),
                .refused(reason: "wrong output"), .repeated(seconds: nil), .timed(seconds: 2, isWin: true),
            ])
        // Repeats are no trials.
        #expect(await evaluator.curve == [4, 3, 3, 2])
    }

    /// A search of the study is the same every time, whoever searches.
    @Test(arguments: ["32 agents", "random", "one sweeper", "model alone"])
    func runsAreDeterministic(_ name: String) async throws {
        let contestant = try #require(Contestant.all.first { $0.name == name })
        let landscape = Landscape.synthetic(4)
        let first = await Study.run(contestant, landscape, seed: 3, now: { 0 })
        let second = await Study.run(contestant, landscape, seed: 3, now: { 0 })
        #expect(first.curve == second.curve && first.curve.count == Study.budget)
        #expect(zip(first.curve, first.curve.dropFirst()).allSatisfy { $0 <= $1 } && first.curve.last ?? 2 <= 1)
    }

    /// Half of the kernels are held out, of both kinds of landscapes, and no two have the same name.
    @Test func halfIsHeldOut() {
        let synthetic = Landscape.synthetic
        #expect(synthetic.count { $0.isTuned } == 6 && synthetic.count { !$0.isTuned } == 6)
        #expect(Set(synthetic.map(\.name)).count == 12)
        for selection in StudyKernel.Selection.allCases {
            let kernels = StudyKernel.all(selection)
            #expect(kernels.count { $0.isTuned } == 6 && kernels.count { !$0.isTuned } == 6)
            #expect(Set(kernels.map(\.name)).count == 12)
        }
    }

    /// Sums of runs are geometric means and medians.
    @Test func rowsSumUp() {
        func run(_ part: Double, goal: Int) -> Study.Run {
            let curve = (1...Study.budget).map { $0 >= goal ? 1 : part }
            return Study.Run(contestant: "x", kernel: "k", isTuned: true, seed: 1, curve: curve, secondsOfProposal: 0)
        }
        let row = Study.Row("x", [run(0.25, goal: 10), run(0.25, goal: 20), run(0.04, goal: 100)])
        #expect(abs(row.means[0] - 0.13572) < 1e-4)
        #expect(row.medianTrials == 20 && abs(row.reached - 2.0 / 3) < 1e-9)
        #expect(row.line.hasPrefix("| x | 0.136 |"))
    }

    /// After some seconds a search is where its last trial that was done by then was, proposals included.
    @Test(arguments: [(0.5, 0), (1.2, 0.4), (2.1, 0.4), (2.3, 0.8), (9, 1)])
    func equalTimeCountsProposals(_ seconds: Double, _ part: Double) {
        var run = Study.Run(
            contestant: "x", kernel: "k", isTuned: true, seed: 1, curve: [0.4, 0.8, 1], secondsOfProposal: 0.1)
        #expect(run.part(after: seconds) == 0)
        run.spent = [1, 2, 3]
        #expect(run.part(after: seconds) == part)
    }

    /// What trials cost is read back, and a search adds up those that it made; without it there is no table of equal time.
    @Test func costsAreRecorded() async throws {
        var landscape = Self.small
        landscape.costs = [1, 2, 3, 4]
        let again = try #require(Landscape(parsing: landscape.text))
        #expect(again.costs == landscape.costs)
        let contestant = try #require(Contestant.all.last)
        let run = await Study.run(contestant, again, seed: 1, now: { 0 })
        #expect(run.spent.last == 10 && run.spent.count == 4)
        #expect(Study.Row("x", [run]).timed != nil)
        let other = await Study.run(contestant, Self.small, seed: 1, now: { 0 })
        #expect(Study.Row("x", [run, other]).timed == nil)
        #expect(Landscape(parsing: landscape.text.replacing("[1.0,2.0,3.0,4.0]", with: "[1.0]")) == nil)
    }

    /// 32 agents beat chance on what is held out, at every number of trials that the table shows.
    @Test func theSwarmBeatsChance() async throws {
        let study = Study([5, 7].map { Landscape.synthetic($0) })
        func row(_ name: String) async throws -> Study.Row {
            let contestant = try #require(Contestant.all.first { $0.name == name })
            return Study.Row(name, await study.runs(contestant, now: { 0 }))
        }
        let (swarm, chance) = (try await row("32 agents"), try await row("random"))
        for (ours, theirs) in zip(swarm.means, chance.means).dropFirst(2) { #expect(ours > theirs) }
        #expect(swarm.reached > chance.reached)
    }

    /// After a search of a relative the goal is reached in a third of the trials or fewer.
    @Test func memoryHelps() async throws {
        let swarm = try #require(Contestant.all.first)
        let transfer = await Transfer(
            swarm, from: .synthetic(4), to: .synthetic(4, drifted: true), seeds: [1, 2], now: { 0 })
        let (nothing, after) = (transfer.fromNothing.reduce(0, +), transfer.afterwards.reduce(0, +))
        #expect(after * 3 <= nothing, "\(after) of \(nothing)")
    }
}
