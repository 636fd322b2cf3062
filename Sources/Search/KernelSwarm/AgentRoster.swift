internal import Base
internal import KernelIR

/// The agents that take part: minds, and rows that give each agent its mind and its specialities. Adding a mind is one file and one
/// row here.
package struct AgentRoster: Sendable {
    /// One way to look for better schedules.
    package struct MindRow: Sendable {
        /// Name in reports.
        package var name: String
        /// How many whole schedules it may propose for a region before all agents, right after the default.
        package var opening: Int
        /// What part of its proposals is expected to win before anything was seen, in 0...1; see `AgentBandit`.
        package var prior: Double
        /// Makes the mind of one region.
        package var make: @Sendable (SearchRegion) -> any Mind

        /// Makes a row.
        package init(
            name: String, opening: Int = 0, prior: Double = 0.15, make: @escaping @Sendable (SearchRegion) -> any Mind
        ) {
            self.name = name
            self.opening = opening
            self.prior = prior
            self.make = make
        }
    }

    /// An agent: a mind at work on some specialities.
    package struct Row: Hashable, Sendable {
        /// Index of the mind.
        package var mind: Int
        package var focus: Focus
        /// Name in reports: `speciality/mind`, from the second agent of the same kind on with its number, such as `tiling/policy 2`.
        package var name: String
    }

    package let minds: [MindRow]
    package private(set) var rows: [Row]

    /// Agents of minds, `counts` of each, which share the specialities among them. What is more than one for each speciality starts again
    /// with the first: an agent of the same kind, with draws of its own.
    package init(minds: [MindRow], counts: [Int]) {
        precondition(minds.count == counts.count && counts.contains { $0 > 0 }, "a swarm needs an agent")
        self.minds = minds
        // One agent of every mind after the other, so that ties go to different minds.
        let single = Focus.groups(Speciality.allCases.count)
        let groups = counts.map { $0 == 0 ? [] : $0 < single.count ? Focus.groups($0) : single }
        rows = (0..<(counts.max() ?? 0)).flatMap { rank in
            minds.indices.filter { rank < counts[$0] }.map { mind in
                let (turn, place) = rank.quotientAndRemainder(dividingBy: groups[mind].count)
                let focus = groups[mind][place]
                let number = turn == 0 ? "" : " \(turn + 1)"
                return Row(mind: mind, focus: focus, name: "\(focus.name)/\(minds[mind].name)\(number)")
            }
        }
    }

    /// All minds, in the order in which fewer agents than minds take part.
    package static let minds = [
        MindRow(name: "evolution", opening: 8) { _ in EvolutionMind() },
        MindRow(name: "model", prior: 0.25) { _ in ModelMind() },
        MindRow(name: "historian", opening: 4) { _ in HistorianMind() },
    ]

    /// A mind that nothing missed: for comparison.
    package static let policy = MindRow(name: "policy") { _ in PolicyMind() }

    /// Agents of the standard swarm.
    package static let usual = 32

    /// Agents from which on all are of different kinds no longer: every mind with every speciality.
    package static let kinds = minds.count * Speciality.allCases.count

    /// Most agents: more than any budget of trials hears.
    package static let most = 8 * usual

    /// The swarm that takes part where nothing else is said.
    package static let standard = AgentRoster(agents: usual)

    /// The standard swarm with fewer or more agents, from 1 to `most`: agents are dealt to the minds in their order, as evenly as possible,
    /// and the agents of a mind divide the specialities into groups of neighbours, or repeat them. One agent is evolution over
    /// everything.
    package init(agents: Int) {
        precondition((1...Self.most).contains(agents), "a swarm has 1 to \(Self.most) agents")
        let minds = Self.minds
        self.init(
            minds: minds,
            counts: minds.indices.map { agents / minds.count + ($0 < agents % minds.count ? 1 : 0) })
    }

    /// The fifth mind, which a user switches on: one agent over everything, because an answer moves choices of all specialities.
    package static let language = MindRow(name: "language", opening: 4) { _ in LanguageMind() }

    /// The roster with an agent of the fifth mind beside those that it has.
    package var withLanguage: AgentRoster {
        AgentRoster(self, adding: Self.language)
    }

    private init(_ roster: AgentRoster, adding mind: MindRow) {
        minds = roster.minds + [mind]
        rows = roster.rows + [Row(mind: roster.minds.count, focus: .all, name: "\(Focus.all.name)/\(mind.name)")]
    }

    /// The roster with those of its agents that are wanted: for comparison.
    package func only(_ isWanted: (Row) -> Bool) -> AgentRoster {
        var rest = self
        rest.rows = rows.filter(isWanted)
        return rest
    }

    /// One agent that moves everything: for comparison.
    package static func single(_ name: String, make: @escaping @Sendable (SearchRegion) -> any Mind) -> AgentRoster {
        AgentRoster(minds: [MindRow(name: name, make: make)], counts: [1])
    }
}
