package import Base

/// Proposes what an advisor outside of the search said, such as a language model. It is asked once something is known of the region,
/// and again when all that it said was tried, an agent of this mind came with nothing to say, and others learned something since; the
/// later, the more often nothing came of it.
package struct LanguageMind: Mind {
    /// Trials of the region between two questions at least; twice as many after each that nothing came of.
    static let interval = 8
    private var pause = Self.interval

    /// What was said and not proposed yet, the most promising first.
    private var said: [Point] = []
    /// Trials of the region when it was asked last; nil before.
    private var asked: Int?
    /// Whether an agent was asked and had nothing to say.
    private var isIdle = false
    private var isOver = false

    /// Makes a mind that was told nothing.
    package init() {}

    package var holdsAdvice: Bool { !said.isEmpty }

    package func wantsAdvice(_ view: RegionView) -> Bool {
        guard !isOver, said.isEmpty, !view.observations.isEmpty else { return false }
        guard let asked else { return true }
        return isIdle && view.trials - asked >= pause
    }

    package mutating func take(_ advice: [Point]?, _ view: RegionView) {
        asked = view.trials
        isIdle = false
        isOver = advice == nil
        said = (advice ?? []).filter { !view.hasTried($0) }
        pause = said.isEmpty ? 2 * pause : Self.interval
    }

    package mutating func open(_ view: RegionView) -> Point? {
        while !said.isEmpty {
            let point = said.removeFirst()
            if !view.hasTried(point) { return point }
        }
        return nil
    }

    package mutating func propose(
        _ focus: Focus, _ view: RegionView, island: Int, random: inout SeededRandom
    ) -> Point? {
        let point = open(view)
        isIdle = point == nil
        return point
    }
}
