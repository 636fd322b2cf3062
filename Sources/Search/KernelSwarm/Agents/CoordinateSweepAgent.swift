package import Base
package import KernelIR

/// Sweeps, from the champion, all values of the choice whose values differ most in their best observed times; then the
/// next one.
package struct CoordinateSweepAgent: Agent {
    /// Makes an agent.
    package init() {}

    package mutating func propose(_ view: RegionView, random: inout SeededRandom) -> Schedule? {
        guard let champion = view.champion else { return nil }
        let order = view.region.choices.enumerated()
            .map { (place: $0.offset, choice: $0.element, effect: Self.effect(of: $0.element, in: view.measured)) }
            .sorted { ($0.effect, -$0.place) > ($1.effect, -$1.place) }
        for (_, choice, _) in order {
            for value in choice.values {
                var schedule = champion.schedule
                schedule.set(choice.name, value)
                if !view.hasTried(view.region.canonical(schedule)) { return schedule }
            }
        }
        return nil
    }

    /// Ratio of the slowest to the fastest among the best times seen for each value; 1 when fewer than two were seen.
    static func effect(of choice: Choice, in measured: [RegionView.Elite]) -> Double {
        let best = choice.values.compactMap { value in
            measured.filter { $0.schedule[choice] == value }.map(\.seconds).min()
        }
        guard best.count > 1, let fastest = best.min(), let slowest = best.max(), fastest > 0 else { return 1 }
        return slowest / fastest
    }
}
