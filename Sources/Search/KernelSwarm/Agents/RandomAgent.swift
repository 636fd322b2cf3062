package import Base
package import KernelIR

/// Draws every decision uniformly: the yardstick, and what keeps the others from narrowing too early.
package struct RandomAgent: Agent {
    /// Makes an agent.
    package init() {}

    package mutating func propose(_ view: RegionView, random: inout SeededRandom) -> Schedule? {
        var schedule = Schedule()
        for choice in view.region.choices {
            schedule.set(choice.name, choice.values[random.index(below: choice.values.count)])
        }
        return schedule
    }
}
