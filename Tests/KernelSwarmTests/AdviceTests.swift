import Base
import KernelIR
import Testing

@testable import KernelSwarm

/// What the fifth mind does with what it is told, and when it asks.
@Suite struct AdviceTests {
    private static let region = SearchRegion(
        key: "k", choices: [Choice("rows", [1, 2, 4, 8]), Choice("unroll", [1, 2, 4]), Choice("grain", [1, 2, 3])],
        weight: 1)

    /// The larger all values, the faster.
    private actor Sums: CandidateEvaluator {
        private var best = Double.infinity

        func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
            batch.map { candidate in
                let seconds = 5 / Double(candidate.schedule.values.values.reduce(0, +))
                defer { best = min(best, seconds) }
                return .timed(seconds: seconds, isWin: seconds < best)
            }
        }
    }

    /// Says what it was made with, one answer after the other, and what it was asked.
    private actor Script: ScheduleAdvisor {
        private var answers: [[Point]?]
        private(set) var observations: [Int] = []
        init(_ answers: [[Point]?]) { self.answers = answers }

        func advise(_ question: AdviceQuestion) async -> [Point]? {
            observations.append(question.view.observations.count)
            return answers.isEmpty ? nil : answers.removeFirst()
        }
    }

    private static func search(_ answers: [[Point]?], trials: Int = 30) async -> (swarm: Swarm, asked: [Int]) {
        let script = Script(answers)
        var swarm = Swarm(
            regions: [region], roster: AgentRoster.standard.withLanguage,
            budget: SearchBudget(trials: trials, patience: 36), seed: 4)
        _ = await swarm.run(Sums(), batchSize: 3, clock: { 0 }, advisor: script)
        return (swarm, await script.observations)
    }

    @Test func isTheThirtyThirdAgent() {
        let roster = AgentRoster.standard.withLanguage
        #expect(roster.rows.count == AgentRoster.usual + 1 && roster.rows.last?.name == "all/language")
        #expect(Array(roster.rows.dropLast()) == AgentRoster.standard.rows)
    }

    /// The first answer is tried right after it came, as many of it as open a region; it is asked when something is known, and not at once
    /// again.
    @Test func whatIsSaidIsTried() async {
        let said: [Point] = [[3, 2, 2], [3, 2, 1], [2, 2, 2], [1, 1, 1], [0, 2, 2]]
        let (swarm, asked) = await Self.search([said, [], nil])
        #expect(asked.first == 1)
        let names = swarm.trials.map(\.candidate.agent)
        #expect(names.count { $0 == "language" } == 4)
        let points = swarm.trials.filter { $0.candidate.agent.hasSuffix("language") }
            .map { swarm.views[0].space.point($0.candidate.schedule) }
        #expect(points.prefix(4) == said.prefix(4))
        #expect(zip(asked, asked.dropFirst()).allSatisfy { $1 - $0 >= LanguageMind.interval })
        // After an answer that nothing came of, later.
        let (_, useless) = await Self.search([[], [], [], [], []], trials: 36)
        #expect(useless.count == 2 && useless[0] == 1 && useless[1] >= 1 + 2 * LanguageMind.interval, "\(useless)")
        #expect(swarm.views[0].champion?.schedule == Schedule(["rows": 8, "unroll": 4, "grain": 3]))
    }

    /// Where nothing comes of asking, it is not asked again, and the others search on.
    @Test func silenceEndsNothing() async {
        let (swarm, asked) = await Self.search([nil])
        #expect(asked == [1] && swarm.trials.count > 12)
        #expect(!swarm.trials.contains { $0.candidate.agent.hasSuffix("language") })
    }

    @Test func theSameAnswersGiveTheSameSearch() async {
        let answers: [[Point]?] = [[[3, 2, 2], [2, 2, 2]], [[1, 2, 2]], []]
        let (first, second) = (await Self.search(answers), await Self.search(answers))
        #expect(first.swarm.trials == second.swarm.trials && first.asked == second.asked)
    }

    /// What was tried is not proposed again, whoever says it.
    @Test func nothingIsTriedTwice() async {
        let (swarm, _) = await Self.search(
            [[[0, 0, 0], [3, 2, 2], [3, 2, 2]], [[3, 2, 2]], [[3, 2, 2]]], trials: 36)
        let schedules = swarm.trials.map(\.candidate.schedule)
        #expect(Set(schedules).count == schedules.count)
    }

    /// Without an advisor a swarm is what it was, also with the mind in it.
    @Test func withoutAnAdvisorNothingIsAsked() async {
        var swarm = Swarm(
            regions: [Self.region], roster: AgentRoster.standard.withLanguage,
            budget: SearchBudget(trials: 20, patience: 36), seed: 4)
        _ = await swarm.run(Sums(), batchSize: 3, clock: { 0 })
        #expect(swarm.spent == 20 && !swarm.trials.contains { $0.candidate.agent.hasSuffix("language") })
    }

    /// A choice whose values were made for this search.
    private static var advisedRegion: SearchRegion {
        var region = region
        var text = Choice("text", [0, 1, 2, 3])
        text.isAdvised = true
        region.choices.append(text)
        return region
    }

    /// Nobody moves what is only advised but who was advised; others go on from what it was written for, and learn nothing of it.
    @Test func agentsLeaveWhatIsAdvisedAlone() async throws {
        let script = Script([[[3, 2, 2, 1], [0, 0, 0, 2]], []])
        var swarm = Swarm(
            regions: [Self.advisedRegion], roster: AgentRoster.standard.withLanguage,
            budget: SearchBudget(trials: 60, patience: 60), seed: 4)
        _ = await swarm.run(Sums(), batchSize: 3, clock: { 0 }, advisor: script)
        let written = swarm.trials.filter { $0.candidate.schedule.values["text"] != nil }
        #expect(written.map(\.candidate.schedule.values["text"]) == [1, 2])
        #expect(written.allSatisfy { $0.candidate.agent.hasSuffix("language") })
        let view = swarm.views[0]
        #expect(view.champion?.schedule == Schedule(["rows": 8, "unroll": 4, "grain": 3, "text": 1]))
        #expect(view.champion?.point == [3, 2, 2, 0])
        #expect(view.advised.count == 2 && view.observations.allSatisfy { $0.point[3] == 0 })
        #expect(view.elites.allSatisfy { $0.schedule.values["text"] == nil })
        // What was made for this search is none of the region's 36 schedules.
        let plain = Set(swarm.trials.map(\.candidate.schedule).filter { $0.values["text"] == nil }).count
        #expect(plain > 12 && view.isExhausted == (plain == 36))
    }

    @Test func whatIsAdvisedStaysWithItsKernel() {
        let region = Self.advisedRegion
        let (schedule, space) = (Schedule(["rows": 2, "text": 2]), SearchSpace(region.choices))
        #expect(region.fitted(schedule) == Schedule(["rows": 2, "unroll": 1, "grain": 1]))
        #expect(region.canonical(schedule) == Schedule(["rows": 2, "unroll": 1, "grain": 1, "text": 2]))
        #expect(region.defaultSchedule == Self.region.defaultSchedule && region.scheduleCount == 36)
        #expect(space.point(schedule) == [1, 0, 0, 2] && space.schedule([1, 0, 0, 2]) == region.canonical(schedule))
        #expect(space.isAdvised([1, 0, 0, 2]) && space.withoutAdvice([1, 0, 0, 2]) == [1, 0, 0, 0])
    }
}
