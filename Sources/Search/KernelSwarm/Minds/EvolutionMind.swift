package import Base
internal import KernelIR

/// Crosses and mutates the elites of its island.
package struct EvolutionMind: Mind {
    /// How often the choices of a focus come from another elite rather than from a mutation.
    private static let crossover = 0.25
    /// How often a second choice of the focus moves too, and one outside.
    private static let second = 0.3
    private static let outside = 0.15
    /// How often one moves that counters point at, in place of one outside.
    private static let pointed = 0.4
    /// How often a value moves to the next one up or down rather than anywhere.
    private static let near = 0.6

    /// Makes a mind.
    package init() {}

    package mutating func propose(
        _ focus: Focus, _ view: RegionView, island: Int, random: inout SeededRandom
    ) -> Point? {
        let parent = view.elite(of: island, &random) ?? view.space.origin
        let places = view.space.places(focus)
        guard !places.isEmpty else { return nil }
        var child = parent
        if random.uniform() < Self.crossover, let mate = view.elite(of: island, &random), mate != parent {
            for place in places { child[place] = mate[place] }
        }
        let profile = view.profile(of: parent)
        let (less, more) = (profile?.lessOf ?? [], profile?.moreOf ?? [])
        // Places of what counters say that holds the parent back.
        let pointed = view.space.places(Focus(Array(profile?.matters ?? [])))
        if child == parent {
            Self.mutate(places, of: &child, view.space, less: less, more: more, &random)
            if random.uniform() < Self.second { Self.mutate(places, of: &child, view.space, &random) }
        }
        // Where nothing was right so far, farther away.
        if view.champion == nil { Self.mutate(view.space.places(.all), of: &child, view.space, &random) }
        if pointed.isEmpty {
            if random.uniform() < Self.outside { Self.mutate(view.space.places(.all), of: &child, view.space, &random) }
        } else if random.uniform() < Self.pointed {
            Self.mutate(pointed, of: &child, view.space, less: less, more: more, &random)
        }
        return child
    }

    /// How often a value goes down, or up, where the parent's profile says that there should be less, or more, of it.
    private static let leaning = 0.75

    /// Moves one of the choices, one that means something where there is one. Values of kinds of `less` mostly go down, of
    /// kinds of `more` up.
    static func mutate(
        _ places: [Int], of point: inout Point, _ space: SearchSpace, less: Set<Speciality> = [],
        more: Set<Speciality> = [], _ random: inout SeededRandom
    ) {
        let active = places.filter { space.isActive($0, point) }
        let open = active.isEmpty ? places : active
        let place = open[random.index(below: open.count)]
        let neighbours = space.neighbours(place, of: point[place])
        if less.contains(space.specialities[place]), space.rank(place, point[place]) > 0,
            random.uniform() < leaning
        {
            // The next lower one stands first.
            return space.set(place, neighbours[0], in: &point)
        }
        if more.contains(space.specialities[place]),
            space.rank(place, point[place]) < space.choices[place].values.count - 1, random.uniform() < leaning
        {
            // And the next higher one last.
            return space.set(place, neighbours[neighbours.count - 1], in: &point)
        }
        if random.uniform() < near, !neighbours.isEmpty {
            space.set(place, neighbours[random.index(below: neighbours.count)], in: &point)
        } else {
            // Any value but the one that stands there.
            let other = random.index(below: space.choices[place].values.count - 1)
            space.set(place, other < point[place] ? other : other + 1, in: &point)
        }
    }
}
