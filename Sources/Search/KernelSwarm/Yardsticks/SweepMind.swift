package import Base
internal import KernelIR

/// Sweeps, from the champion, all values of the choice whose values differ most in their best observed times; then those of the
/// next one. By itself it is what a person with a list would do.
package struct SweepMind: Mind {
    /// Makes a mind.
    package init() {}

    package mutating func propose(
        _ focus: Focus, _ view: RegionView, island: Int, random: inout SeededRandom
    ) -> Point? {
        guard let champion = view.champion else { return nil }
        let order = view.space.places(focus).map { (place: $0, effect: Self.effect(of: $0, in: view)) }
            .sorted { ($0.effect, -$0.place) > ($1.effect, -$1.place) }
        for (place, _) in order {
            for value in view.space.choices[place].values.indices {
                var point = champion.point
                point[place] = value
                let canonical = view.space.canonical(point)
                if !view.hasTried(canonical) { return canonical }
            }
        }
        return nil
    }

    /// Ratio of the slowest to the fastest among the best times seen for each value; 1 when fewer than two were seen.
    static func effect(of place: Int, in view: RegionView) -> Double {
        var best = [Double](repeating: .infinity, count: view.space.choices[place].values.count)
        for observation in view.observations {
            guard let seconds = observation.seconds else { continue }
            best[observation.point[place]] = min(best[observation.point[place]], seconds)
        }
        let seen = best.filter { $0 < .infinity }
        guard seen.count > 1, let fastest = seen.min(), let slowest = seen.max(), fastest > 0 else { return 1 }
        return slowest / fastest
    }
}
