package import Base
internal import Glibc
internal import KernelIR

/// Believes a learned cost model: anneals from elites towards what the model thinks fast, and proposes what it met on the way that
/// promises the greatest expected improvement, now and then anything of it.
package struct ModelMind: Mind {
    private var model: CostModel?
    /// Observations that the model knows, and how many of the region's own must have come before it learns again.
    private var nextTraining = 0

    /// Trials of the region's own before the model says anything, unless neighbours that are believed so far speak for it.
    private static let leastTrials = 6
    private static let leastBelief = 0.3
    /// The model learns again when there are this many times as many trials.
    private static let growth = 1.15
    private static let chains = 4
    private static let steps = 16
    /// How often it proposes at random what it met.
    private static let exploration = 0.1
    /// The chain that leaves the focus, and how often.
    private static let roaming = 1
    private static let outside = 0.3

    /// Makes a mind that has learned nothing.
    package init() {}

    /// The greatest expected improvement of one step from the champion, by that of all choices.
    package mutating func bid(_ focus: Focus, _ view: RegionView, random: inout SeededRandom) -> Double {
        guard let champion = view.champion, let model = trained(view, &random) else { return 1 }
        if gains.isEmpty {
            let best = view.elites.first.map { view.relative($0.seconds) } ?? 0
            gains = view.space.choices.indices.map { place in
                steps(place, from: champion.point, view)
                    .map { model.belief($0).expectedImprovement(on: best) }.max() ?? 0
            }
        }
        let most = gains.max() ?? 0
        guard most > 0 else { return 1 }
        let own = view.space.places(focus).map { gains[$0] }.max() ?? 0
        return Self.leastBid + (1 - Self.leastBid) * own / most
    }

    /// What is gained by a step of each choice at most, until something is learned.
    private var gains: [Double] = []
    private static let leastBid = 0.2

    package mutating func learn(_ view: RegionView) { gains = [] }

    /// Points one choice away that were not tried.
    private func steps(_ place: Int, from point: Point, _ view: RegionView) -> [Point] {
        view.space.choices[place].values.indices.compactMap { value in
            if value == point[place] { return nil }
            var step = point
            view.space.set(place, value, in: &step)
            step = view.space.canonical(step)
            return view.hasTried(step) ? nil : step
        }
    }

    package mutating func propose(
        _ focus: Focus, _ view: RegionView, island: Int, random: inout SeededRandom
    ) -> Point? {
        let places = view.space.places(focus)
        guard !places.isEmpty else { return nil }
        guard view.champion != nil, let model = trained(view, &random) else {
            // Nothing is learned yet: something different of the focus.
            var point = view.champion?.point ?? view.space.origin
            EvolutionMind.mutate(places, of: &point, view.space, &random)
            return view.space.canonical(point)
        }
        let everything = view.space.places(.all)
        let best = view.elites.first.map { view.relative($0.seconds) } ?? 0
        var met: [(point: Point, gain: Double)] = []
        var seen: Set<Point> = []
        // Every step from the champion, then what annealing meets.
        for place in places {
            for step in steps(place, from: view.champion?.point ?? view.space.origin, view)
            where seen.insert(step).inserted {
                met.append((step, model.belief(step).expectedImprovement(on: best)))
            }
        }
        for chain in 0..<Self.chains {
            // From the fastest, from elites, and from anywhere.
            var point = (chain == 0 ? view.champion?.point : view.elite(of: island, &random)) ?? view.space.origin
            if chain == Self.chains - 1 {
                for place in places { point[place] = random.index(below: view.space.choices[place].values.count) }
            }
            var energy = Self.energy(model.belief(point))
            for step in 0..<Self.steps {
                var next = point
                let moved = chain == Self.roaming && random.uniform() < Self.outside ? everything : places
                EvolutionMind.mutate(moved, of: &next, view.space, &random)
                next = view.space.canonical(next)
                let belief = model.belief(next)
                if !view.hasTried(next), seen.insert(next).inserted {
                    met.append((next, belief.expectedImprovement(on: best)))
                }
                // From a temperature of a half to a sixteenth of a doubling.
                let temperature = 0.5 * pow(0.125, Double(step) / Double(Self.steps))
                let nextEnergy = Self.energy(belief)
                if nextEnergy < energy || random.uniform() < exp((energy - nextEnergy) / temperature) {
                    point = next
                    energy = nextEnergy
                }
            }
        }
        guard !met.isEmpty else { return nil }
        if random.uniform() < Self.exploration { return met[random.index(below: met.count)].point }
        return met.indices.max { (met[$0].gain, -$0) < (met[$1].gain, -$1) }.map { met[$0].point }
    }

    /// What annealing lowers: the time that may be hoped for, dearer where a refusal is likely.
    private static func energy(_ belief: CostModel.Belief) -> Double {
        belief.mean - belief.deviation + 2 * belief.refusal
    }

    private mutating func trained(_ view: RegionView, _ random: inout SeededRandom) -> CostModel? {
        let count = view.observations.count
        let isTold = (view.prior?.belief ?? 0) >= Self.leastBelief && count > 0
        guard count >= Self.leastTrials || isTold else { return nil }
        if model == nil || count >= nextTraining {
            // Its own draws, so that how often it learns changes nothing for others.
            var draws = random.split(UInt64(count))
            model = CostModel(view, random: &draws)
            nextTraining = max(count + 1, Int((Double(count) * Self.growth).rounded(.up)))
        }
        return model
    }
}
