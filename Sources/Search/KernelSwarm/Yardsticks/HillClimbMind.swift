package import Base
internal import KernelIR

/// Moves one choice of an elite to the next value up or down, mostly of the fastest: one agent by itself.
package struct HillClimbMind: Mind {
    /// Makes a mind.
    package init() {}

    package mutating func propose(
        _ focus: Focus, _ view: RegionView, island: Int, random: inout SeededRandom
    ) -> Point? {
        // The place falls off geometrically, so that the fastest is taken half of the time.
        var place = 0
        while place + 1 < view.elites.count, random.uniform() < 0.5 { place += 1 }
        let open = view.space.places(focus)
        guard view.elites.indices.contains(place), !open.isEmpty else { return nil }
        var point = view.elites[place].point
        let choice = open[random.index(below: open.count)]
        let neighbours = view.space.neighbours(choice, of: point[choice])
        guard !neighbours.isEmpty else { return nil }
        view.space.set(choice, neighbours[random.index(below: neighbours.count)], in: &point)
        return point
    }
}
