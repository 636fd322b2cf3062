import KernelSwarm

/// Somebody who searches, in the study.
package struct Contestant: Sendable {
    /// Name in tables.
    package var name: String
    package var roster: AgentRoster
    /// How agents are chosen.
    package var bandit = BanditRule.hierarchy

    /// Everybody.
    package static let all: [Contestant] = {
        let minds = AgentRoster.minds
        var all = [Contestant(name: "\(AgentRoster.usual) agents", roster: .standard)]
        for count in [1, 4, 8, 16] {
            all.append(Contestant(name: "--agents \(count)", roster: AgentRoster(agents: count)))
        }
        for (name, rule) in [("UCB1", BanditRule.upperBound), ("in turn", .inTurn)] {
            all.append(Contestant(name: "\(AgentRoster.usual) agents, \(name)", roster: .standard, bandit: rule))
        }
        let standard = AgentRoster.standard
        for (place, mind) in minds.enumerated() {
            all.append(Contestant(name: "\(mind.name) alone", roster: standard.only { $0.mind == place }))
        }
        all.append(Contestant(name: "policy alone", roster: AgentRoster(minds: [AgentRoster.policy], counts: [8])))
        for (place, mind) in minds.enumerated() {
            all.append(Contestant(name: "without \(mind.name)", roster: standard.only { $0.mind != place }))
        }
        all.append(
            Contestant(
                name: "with policy",
                roster: AgentRoster(
                    minds: minds + [AgentRoster.policy], counts: [Int](repeating: 8, count: minds.count + 1))))
        for speciality in Speciality.allCases {
            all.append(
                Contestant(
                    name: "without \(speciality.rawValue)",
                    roster: standard.only { $0.focus.specialities != [speciality] }))
        }
        all.append(Contestant(name: "one hill climber", roster: .single("hill-climb") { _ in HillClimbMind() }))
        all.append(Contestant(name: "one sweeper", roster: .single("sweep") { _ in SweepMind() }))
        all.append(Contestant(name: "random", roster: .single("random") { _ in RandomMind() }))
        return all
    }()
}
