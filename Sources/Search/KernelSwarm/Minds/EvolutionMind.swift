package import Base
internal import KernelIR

/// Begins with founders, the default in every strategy, then mutates the champion by every value of a choice once, then crosses and
/// mutates the elites of its island.
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

    /// The next founder. None where something is known from before: that says better where to begin.
    package mutating func open(_ view: RegionView) -> Point? {
        guard view.suggestions.isEmpty, view.prior == nil else { return nil }
        // A strategy beside one value of another is a detail of that one.
        let places = view.space.places(Focus([.strategy])).filter { view.space.choices[$0].condition == nil }
        return Self.untried(places, beside: view.space.origin, view)
    }

    package mutating func propose(
        _ focus: Focus, _ view: RegionView, island: Int, random: inout SeededRandom
    ) -> Point? {
        let places = view.space.places(focus)
        guard !places.isEmpty else { return nil }
        // Where a profile says what holds the champion back, that is tried instead.
        if let champion = view.champion?.point, view.profile(of: champion)?.isSilent ?? true {
            var active = places.filter { view.space.isActive($0, champion) }
            for first in active.indices.dropLast() {
                active.swapAt(first, first + random.index(below: active.count - first))
            }
            if let child = Self.untried(active, beside: champion, view) { return child }
        }
        let parent = view.elite(of: island, &random) ?? view.space.origin
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

    /// The first point that differs from another by one value of one of the choices and was not tried; values in the order in which the
    /// generator names them, the likeliest first.
    private static func untried(_ places: [Int], beside point: Point, _ view: RegionView) -> Point? {
        for place in places {
            for value in view.space.choices[place].values.indices {
                var child = point
                view.space.set(place, value, in: &child)
                child = view.space.canonical(child)
                if !view.hasTried(child) { return child }
            }
        }
        return nil
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
