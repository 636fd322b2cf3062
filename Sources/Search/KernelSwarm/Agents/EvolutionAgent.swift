package import Base
package import KernelIR

/// Crosses two elites decision by decision and mutates the child: each decision with probability 1 / number of choices.
package struct EvolutionAgent: Agent {
    /// Makes an agent.
    package init() {}

    package mutating func propose(_ view: RegionView, random: inout SeededRandom) -> Schedule? {
        guard view.elites.count >= 2 else { return nil }
        let mother = pick(view.elites, &random).schedule
        let father = pick(view.elites, &random).schedule
        var child = Schedule()
        let rate = 1 / Double(max(1, view.region.choices.count))
        for choice in view.region.choices {
            let inherited = random.uniform() < 0.5 ? mother[choice] : father[choice]
            let mutated = choice.values[random.index(below: choice.values.count)]
            child.set(choice.name, random.uniform() < rate ? mutated : inherited)
        }
        return child
    }

    /// Tournament of two.
    private func pick(_ elites: [RegionView.Elite], _ random: inout SeededRandom) -> RegionView.Elite {
        // Elites are sorted, so the lower place is the faster one.
        elites[min(random.index(below: elites.count), random.index(below: elites.count))]
    }
}
