package import Base
package import KernelIR

/// Proposes the default schedule, then the default with one decision changed, choice by choice: the neighbours that whoever
/// ordered the choices thought of first.
package struct DefaultFirstAgent: Agent {
    private var next = 0

    /// Makes an agent that has proposed nothing.
    package init() {}

    package mutating func propose(_ view: RegionView, random: inout SeededRandom) -> Schedule? {
        var place = next
        next += 1
        if place == 0 { return view.region.defaultSchedule }
        place -= 1
        // The second value of every choice, then the third of every choice, and so on.
        var rank = 1
        while true {
            let open = view.region.choices.filter { $0.values.count > rank }
            if open.isEmpty { return nil }
            if place < open.count {
                var schedule = view.region.defaultSchedule
                schedule.set(open[place].name, open[place].values[rank])
                return schedule
            }
            place -= open.count
            rank += 1
        }
    }
}
