package import Base
internal import Glibc
internal import KernelIR

/// Proposes what was fast before for the nearest kernels on the nearest machines, and what won for siblings in this search: whole
/// schedules first, then what those that proved right say of the focus, then the steps by which this kernel may differ from its
/// neighbours. What proved wrong is not asked again.
package struct HistorianMind: Mind {
    private var next = 0
    /// How likely the best value of each choice lies so many values away from where the neighbours have it; from the first trials on.
    private var drifts: [[Double]] = []
    /// Steps of each choice from the champion, until something is learned.
    private var steps: [Int: [Step]] = [:]

    /// A step from the champion.
    private struct Step: Sendable {
        var point: Point
        /// Doublings of time that it is expected to gain, counting nothing where it loses.
        var gain: Double
        /// How likely it gains more than the margin of a win.
        var chance: Double
    }

    private static let shifts = [-2, -1, 0, 1, 2]
    private static let firstDrift = [0.05, 0.15, 0.6, 0.15, 0.05]
    /// How far single findings lie from what is expected, in doublings.
    private static let deviation = 0.15
    /// What a win gains at least, in doublings.
    private static let margin = 0.03
    /// Steps that promise less than this are no memory's business.
    private static let leastGain = 0.004
    private static let leastBid = 0.2
    /// What turns of minds win without a memory, and the bounds of what a turn of this one may be worth beside them.
    private static let usual = 0.15
    private static let weights = 0.5...4.0

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

    package mutating func learn(_ view: RegionView) {
        steps = [:]
        if drifts.isEmpty { drifts = view.space.choices.map { _ in Self.firstDrift } }
        guard let prior = view.prior, let last = view.observations.last, let seconds = last.seconds,
            let base = last.champion, let before = view.observations.first(where: { $0.point == base })?.seconds
        else { return }
        let moved = base.indices.filter { base[$0] != last.point[$0] }
        guard moved.count == 1, let place = moved.first else { return }
        // How well each drift explains what the step did (Bayes).
        let found = view.relative(seconds) - view.relative(before)
        let line = Self.line(place, from: base, view, prior)
        let (own, new) = (view.space.rank(place, base[place]), view.space.rank(place, last.point[place]))
        for (number, shift) in Self.shifts.enumerated() {
            let miss = (found - (line.at(new - shift) - line.at(own - shift))) / Self.deviation
            drifts[place][number] *= exp(-0.5 * min(miss * miss, 8))
        }
        let sum = drifts[place].reduce(0, +)
        drifts[place] = drifts[place].map { $0 / sum }
    }

    package mutating func weight(_ view: RegionView) -> Double {
        guard view.prior != nil, view.champion != nil else { return 1 }
        let chance = view.space.places(.all).map { best($0, view)?.chance ?? 0 }.max() ?? 0
        return max(Self.weights.lowerBound, min(Self.weights.upperBound, chance / Self.usual))
    }

    package mutating func bid(_ focus: Focus, _ view: RegionView, random: inout SeededRandom) -> Double {
        guard view.prior != nil, view.champion != nil else { return 1 }
        let most = view.space.places(.all).map { best($0, view)?.gain ?? 0 }.max() ?? 0
        guard most > 0 else { return 1 }
        let own = view.space.places(focus).map { best($0, view)?.gain ?? 0 }.max() ?? 0
        return Self.leastBid + (1 - Self.leastBid) * own / most
    }

    package mutating func propose(
        _ focus: Focus, _ view: RegionView, island: Int, random: inout SeededRandom
    ) -> Point? {
        guard let champion = view.champion, !view.suggestions.isEmpty || view.prior != nil else { return nil }
        let places = view.space.places(focus)
        if places.isEmpty { return nil }
        let proven = view.suggestions.filter { view.isProven($0) }
        for suggestion in proven {
            var changed = champion.point
            for place in places { changed[place] = suggestion[place] }
            let canonical = view.space.canonical(changed)
            if !view.hasTried(canonical) { return canonical }
        }
        if let step = places.compactMap({ best($0, view) }).max(by: { $0.gain < $1.gain }), step.gain > Self.leastGain {
            return step.point
        }
        if let point = open(view) { return point }
        // Steps from what was suggested, where it proved right.
        guard !proven.isEmpty, var point = view.elite(of: island, &random) else { return nil }
        EvolutionMind.mutate(places, of: &point, view.space, &random)
        return point
    }

    /// The step of a choice that promises most, where the neighbours' best values may have drifted.
    private mutating func best(_ place: Int, _ view: RegionView) -> Step? {
        if steps[place] == nil { steps[place] = steps(place, view) }
        return steps[place]?.first { !view.hasTried($0.point) }
    }

    /// All steps of a choice from the champion, the most promising first.
    private func steps(_ place: Int, _ view: RegionView) -> [Step] {
        guard let champion = view.champion, let prior = view.prior else { return [] }
        let line = Self.line(place, from: champion.point, view, prior)
        let own = view.space.rank(place, champion.point[place])
        let drift = drifts.isEmpty ? Self.firstDrift : drifts[place]
        return line.expected.indices.filter { $0 != own }.map { rank in
            var point = champion.point
            view.space.set(place, view.space.value(place, rank: rank), in: &point)
            var step = Step(point: view.space.canonical(point), gain: 0, chance: 0)
            for (shift, likelihood) in zip(Self.shifts, drift) {
                let gain = line.at(own - shift) - line.at(rank - shift)
                step.gain += likelihood * max(0, gain)
                if gain > Self.margin { step.chance += likelihood }
            }
            return step
        }.sorted { $0.gain > $1.gain }
    }

    /// What neighbours let one expect of the values of one choice beside a point's others, in ascending order of value.
    private struct Line {
        var expected: [Double]
        func at(_ rank: Int) -> Double { expected[max(0, min(expected.count - 1, rank))] }
    }

    private static func line(_ place: Int, from point: Point, _ view: RegionView, _ prior: NeighbourPrior) -> Line {
        Line(
            expected: view.space.choices[place].values.indices.map { rank in
                var moved = point
                moved[place] = view.space.value(place, rank: rank)
                return prior.expectation(moved)
            })
    }
}

extension RegionView {
    /// Whether a point was tried and is no slower than the default.
    func isProven(_ point: Point) -> Bool {
        guard let first = defaultSeconds, let own = observations.last(where: { $0.point == point })?.seconds else {
            return false
        }
        return own <= first
    }
}
