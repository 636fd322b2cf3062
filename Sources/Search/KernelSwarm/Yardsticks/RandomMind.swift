package import Base
internal import KernelIR

/// Draws every choice of the focus uniformly, whatever is known: the yardstick of all others.
package struct RandomMind: Mind {
    /// Makes a mind.
    package init() {}

    package mutating func propose(
        _ focus: Focus, _ view: RegionView, island: Int, random: inout SeededRandom
    ) -> Point? {
        var point = view.space.origin
        for place in view.space.places(focus) {
            point[place] = random.index(below: view.space.choices[place].values.count)
        }
        return point
    }
}
