internal import Base
internal import KernelIR

/// The agents that take part: a table of names and makers. Every region gets one of each.
package struct AgentRoster: Sendable {
    /// One kind of agent.
    package struct Row: Sendable {
        /// Name in reports: `speciality/mind` once both exist, else what the agent does.
        package var name: String
        /// Makes the agent of one region.
        package var make: @Sendable (SearchRegion) -> any Agent
        /// How many proposals for a region it may make before all others, right after the default.
        package var opening: Int

        /// Makes a row.
        package init(name: String, opening: Int = 0, make: @escaping @Sendable (SearchRegion) -> any Agent) {
            self.name = name
            self.make = make
            self.opening = opening
        }
    }

    /// The first row's agent opens each region with the default schedule.
    package var rows: [Row]

    /// Makes a roster.
    package init(rows: [Row]) {
        precondition(!rows.isEmpty, "a swarm needs an agent")
        self.rows = rows
    }

    /// All agents that exist.
    package static let standard = AgentRoster(rows: [
        Row(name: "default-first") { _ in DefaultFirstAgent() },
        historian,
        Row(name: "coordinate-sweep") { _ in CoordinateSweepAgent() },
        Row(name: "hill-climb") { _ in HillClimbAgent() },
        Row(name: "evolution") { _ in EvolutionAgent() },
        Row(name: "random") { _ in RandomAgent() },
    ])

    /// What was fast before is tried before anything is guessed.
    private static let historian = Row(name: "historian", opening: 4) { _ in HistorianAgent() }

    /// The agents of the search over whole models: a specialist for each family of decisions, then those that combine.
    package static func covers(families: [String]) -> AgentRoster {
        AgentRoster(
            rows: [Row(name: "default-first") { _ in DefaultAgent() }, historian]
                + families.map { family in Row(name: family) { _ in FamilyAgent(family: family) } } + [
                    Row(name: "evolution") { _ in EvolutionAgent() }
                ])
    }
}

/// Proposes the default and nothing else.
private struct DefaultAgent: Agent {
    mutating func propose(_ view: RegionView, random: inout SeededRandom) -> Schedule? { view.region.defaultSchedule }
}
