import Base
import KernelIR
import KernelSwarm
import Testing

/// Who takes part.
@Suite struct RosterTests {
    private static let specialities = Speciality.allCases.count

    @Test func everyMindHasEverySpeciality() {
        let roster = AgentRoster.standard
        #expect(roster.rows.count == 32)
        #expect(Set(roster.rows.map(\.name)).count == roster.rows.count)
        for mind in roster.minds.indices {
            let focuses = roster.rows.filter { $0.mind == mind }.map(\.focus.specialities)
            #expect(focuses.count >= 10 && focuses.allSatisfy { $0.count == 1 })
            #expect(focuses.prefix(Self.specialities).flatMap { $0 } == Speciality.allCases)
        }
    }

    /// However few agents there are, together they move everything, each choice by as many minds as there are agents for.
    @Test(arguments: Array(1...AgentRoster.kinds))
    func fewerAgentsDivideTheSpecialities(_ count: Int) {
        let roster = AgentRoster(agents: count)
        #expect(roster.rows.count == count)
        for mind in Set(roster.rows.map(\.mind)) {
            let focuses = roster.rows.filter { $0.mind == mind }.flatMap(\.focus.specialities)
            #expect(focuses.count == Self.specialities && Set(focuses) == Set(Speciality.allCases))
        }
        #expect(Set(roster.rows.map(\.mind)).count == min(count, roster.minds.count))
    }

    /// More agents repeat the kinds: nobody is left out, and kinds differ by one agent at most.
    @Test(arguments: [16, 32, 33, 36, 64, 100, AgentRoster.most])
    func moreAgentsRepeatTheKinds(_ count: Int) {
        let rows = AgentRoster(agents: count).rows
        #expect(rows.count == count && Set(rows.map(\.name)).count == count)
        #expect(Array(rows.prefix(AgentRoster.kinds)) == AgentRoster(agents: AgentRoster.kinds).rows)
        var kinds: [AgentRoster.Row: Int] = [:]
        for var row in rows {
            row.name = ""
            kinds[row, default: 0] += 1
        }
        #expect(kinds.count == AgentRoster.kinds)
        #expect((kinds.values.max() ?? 0) - (kinds.values.min() ?? 0) <= 1)
    }

    @Test func oneAgentIsEvolution() {
        #expect(AgentRoster(agents: 1).rows.map(\.name) == ["all/evolution"])
        #expect(AgentRoster(agents: 3).rows.map(\.name).first == AgentRoster(agents: 3).rows[0].name)
    }

    /// A search with any number of agents finds something, and says who found it.
    @Test(arguments: [1, 2, 3, 5, 8, 15, 45, AgentRoster.most]) func anyNumberSearches(_ count: Int) async {
        let choices = [Choice("rows", [1, 2, 4, 8]), Choice("unroll", [1, 2, 4]), Choice("grain", [1, 2, 3])]
        let region = SearchRegion(key: "k", choices: choices, weight: 1)
        var swarm = Swarm(
            regions: [region], roster: AgentRoster(agents: count), budget: SearchBudget(trials: 36, patience: 36),
            seed: 4)
        _ = await swarm.run(Sums(), batchSize: 3, clock: { 0 })
        #expect(swarm.trials.count > 12)
        #expect((swarm.views[0].elites.first?.seconds ?? 9) <= 0.5)
        let names = Set(AgentRoster(agents: count).rows.map(\.name) + ["default-first"])
        #expect(swarm.trials.allSatisfy { names.contains($0.candidate.agent) })
    }

    /// The larger all values, the faster.
    private struct Sums: CandidateEvaluator {
        func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
            batch.map { candidate in
                .timed(seconds: 5 / Double(candidate.schedule.values.values.reduce(0, +)), isWin: true)
            }
        }
    }
}
