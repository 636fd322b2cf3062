package import Base

/// Proposes what was fast before for the nearest kernels on the nearest machines, and what won for siblings in this search: whole
/// schedules first, then what they say of the focus in place of the champion's, then steps from there.
package struct HistorianMind: Mind {
    private var next = 0

    /// Makes a mind that has proposed nothing.
    package init() {}

    package mutating func open(_ view: RegionView) -> Point? {
        while next < view.suggestions.count {
            let point = view.suggestions[next]
            next += 1
            if !view.hasTried(point) { return point }
        }
        return nil
    }

    package mutating func propose(
        _ focus: Focus, _ view: RegionView, island: Int, random: inout SeededRandom
    ) -> Point? {
        guard let champion = view.champion, !view.suggestions.isEmpty else { return nil }
        let places = view.space.places(focus)
        if places.isEmpty { return nil }
        for suggestion in view.suggestions {
            var changed = champion.point
            for place in places { changed[place] = suggestion[place] }
            let canonical = view.space.canonical(changed)
            if !view.hasTried(canonical) { return canonical }
            for place in places where suggestion[place] != champion.point[place] {
                var single = champion.point
                view.space.set(place, suggestion[place], in: &single)
                let canonical = view.space.canonical(single)
                if !view.hasTried(canonical) { return canonical }
            }
        }
        if let point = open(view) { return point }
        // Steps from what was suggested, where it proved right.
        guard var point = view.elite(of: island, &random) else { return nil }
        EvolutionMind.mutate(places, of: &point, view.space, &random)
        return point
    }
}
