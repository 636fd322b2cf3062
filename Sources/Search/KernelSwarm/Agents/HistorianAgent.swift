package import Base
package import KernelIR

/// Proposes what was fast before: the region's suggestions in their order, then single decisions of them in place of the
/// champion's.
package struct HistorianAgent: Agent {
    private var next = 0

    /// Makes an agent that has proposed nothing.
    package init() {}

    package mutating func propose(_ view: RegionView, random: inout SeededRandom) -> Schedule? {
        let suggestions = view.region.suggestions
        while next < suggestions.count {
            let schedule = view.region.fitted(suggestions[next])
            next += 1
            if !view.hasTried(schedule) { return schedule }
        }
        guard let champion = view.champion else { return nil }
        for suggestion in suggestions {
            let schedule = view.region.fitted(suggestion)
            for choice in view.region.choices where schedule[choice] != champion.schedule[choice] {
                var changed = champion.schedule
                changed.set(choice.name, schedule[choice])
                if !view.hasTried(view.region.canonical(changed)) { return changed }
            }
        }
        return nil
    }
}
