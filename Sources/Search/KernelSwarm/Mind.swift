package import Base

/// A way to look for better schedules of one region. Whatever it remembers is its own; what all know is in the view. All
/// agents of a mind share one value of it a region. Adding a mind is one file and one row of `AgentRoster`.
package protocol Mind: Sendable {
    /// What it would try before anything else is known but the default, whatever the focus; nil when nothing comes to it.
    mutating func open(_ view: RegionView) -> Point?
    /// A point to try that differs mostly in choices of the focus, or nil when this mind has nothing to say now. `island` is the
    /// mind's. Points tried before are dropped by the swarm.
    mutating func propose(_ focus: Focus, _ view: RegionView, island: Int, random: inout SeededRandom) -> Point?
    /// What a focus promises beside the others, in 0...1: 1 where the mind cannot say.
    mutating func bid(_ focus: Focus, _ view: RegionView, random: inout SeededRandom) -> Double
    /// What a turn of this mind is worth here beside those of other minds, as far as it knows: 1 where it knows nothing.
    mutating func weight(_ view: RegionView) -> Double
    /// Called after every verdict of the region, whoever proposed it; it is the view's last observation.
    mutating func learn(_ view: RegionView)
    /// Whether somebody outside of the search should be asked what to try here; see `ScheduleAdvisor`.
    func wantsAdvice(_ view: RegionView) -> Bool
    /// Whether it was told what it has not proposed yet.
    var holdsAdvice: Bool { get }
    /// Takes what the advisor said: canonical points, or nil where there will be nothing more.
    mutating func take(_ advice: [Point]?, _ view: RegionView)
}

extension Mind {
    package mutating func open(_ view: RegionView) -> Point? { nil }
    package mutating func bid(_ focus: Focus, _ view: RegionView, random: inout SeededRandom) -> Double { 1 }
    package mutating func weight(_ view: RegionView) -> Double { 1 }
    package mutating func learn(_ view: RegionView) {}
    package func wantsAdvice(_ view: RegionView) -> Bool { false }
    package var holdsAdvice: Bool { false }
    package mutating func take(_ advice: [Point]?, _ view: RegionView) {}
}

extension RegionView {
    /// An elite of an island: of two drawn the faster one; the champion's point where the island is empty.
    func elite(of island: Int, _ random: inout SeededRandom) -> Point? {
        let residents = islands[island].residents
        if residents.isEmpty { return champion?.point }
        // Residents are sorted by time.
        return residents[min(random.index(below: residents.count), random.index(below: residents.count))].point
    }
}
