package import Base
package import KernelIR

/// Moves one decision of an elite to a neighbouring value, preferring the fastest elite.
package struct HillClimbAgent: Agent {
    /// Makes an agent.
    package init() {}

    package mutating func propose(_ view: RegionView, random: inout SeededRandom) -> Schedule? {
        // The place falls off geometrically, so that the fastest is taken half of the time.
        var place = 0
        while place + 1 < view.elites.count, random.uniform() < 0.5 { place += 1 }
        let open = view.region.choices.filter { $0.values.count > 1 }
        guard view.elites.indices.contains(place), !open.isEmpty else { return nil }
        var schedule = view.elites[place].schedule
        let choice = open[random.index(below: open.count)]
        let sorted = choice.values.sorted()
        guard let now = sorted.firstIndex(of: schedule[choice]) else { return nil }
        let isUpward = now == 0 || (now + 1 < sorted.count && random.uniform() < 0.5)
        schedule.set(choice.name, sorted[isUpward ? now + 1 : now - 1])
        return schedule
    }
}
