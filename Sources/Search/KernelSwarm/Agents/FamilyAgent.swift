package import Base
package import KernelIR

/// Turns single decisions of one family over, starting from the champion, in the order of the choices: the specialist of the
/// search over whole models. A decision's family is what stands before the first dot of its name.
package struct FamilyAgent: Agent {
    private let family: String

    /// Makes the specialist of a family.
    package init(family: String) { self.family = family }

    package mutating func propose(_ view: RegionView, random: inout SeededRandom) -> Schedule? {
        guard let champion = view.champion else { return nil }
        for choice in view.region.choices where choice.name.prefix(while: { $0 != "." }) == family {
            for value in choice.values where value != champion.schedule[choice] {
                var schedule = champion.schedule
                schedule.set(choice.name, value)
                if !view.hasTried(view.region.canonical(schedule)) { return schedule }
            }
        }
        return nil
    }
}
