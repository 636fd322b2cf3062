package import Base
internal import KernelIR

/// Draws values from a small network that is rewarded for verdicts and times: what made schedules faster than the champion of the
/// moment becomes likelier, what made them slower or refused less so. It learns from all agents' trials, half as much from others'.
package struct PolicyMind: Mind {
    private var network: PolicyNetwork?
    /// Mean reward so far: only what is better than that counts as good.
    private var baseline = 0.0
    private var rewards = 0
    private var proposed: Set<Point> = []

    /// Reward of a refusal; that of a time is the doublings that it is faster, in -1...1.
    private static let refusal = -0.7
    private static let others = 0.5
    /// How often a choice gets any value.
    private static let exploration = 0.08
    private static let attempts = 8

    /// Makes a mind that prefers nothing but the order of values.
    package init() {}

    package mutating func propose(
        _ focus: Focus, _ view: RegionView, island: Int, random: inout SeededRandom
    ) -> Point? {
        let places = view.space.places(focus)
        guard !places.isEmpty else { return nil }
        let network = prepared(view)
        let base = view.champion?.point ?? view.space.origin
        let state = Self.state(base, view)
        for attempt in 0..<Self.attempts {
            // One choice of the focus always moves; the others may. The more of this was tried, the freer the draw.
            let exploration = Self.exploration + Double(attempt) / Double(Self.attempts)
            let moved = places[random.index(below: places.count)]
            var point = base
            for place in places where place == moved || random.uniform() < 0.4 {
                var chances = network.chances(of: place, state)
                if place == moved { chances[base[place]] = 0 }
                view.space.set(place, Self.draw(chances, exploration, &random), in: &point)
            }
            if attempt * 2 >= Self.attempts {
                EvolutionMind.mutate(view.space.places(.all), of: &point, view.space, &random)
            }
            point = view.space.canonical(point)
            if view.hasTried(point) { continue }
            proposed.insert(point)
            return point
        }
        return nil
    }

    package mutating func learn(_ view: RegionView) {
        guard let observation = view.observations.last, let base = observation.champion else { return }
        let taken = view.space.places(.all).filter { observation.point[$0] != base[$0] }
            .map { (choice: $0, value: observation.point[$0]) }
        guard !taken.isEmpty else { return }
        var reward = Self.refusal
        if let seconds = observation.seconds {
            let champion = view.observations.first { $0.point == base }?.seconds ?? seconds
            reward = max(-1, min(1, view.relative(champion) - view.relative(seconds)))
        }
        rewards += 1
        let advantage = reward - baseline
        baseline += (reward - baseline) / Double(min(rewards, 20))
        var network = prepared(view)
        let weight = proposed.contains(observation.point) ? 1 : Self.others
        network.learn(Self.state(base, view), taken: taken, advantage: weight * advantage)
        self.network = network
    }

    /// What the network sees: the schedule that it starts from, as ranks in 0...1, and what the kernel and machine are.
    private static func state(_ point: Point, _ view: RegionView) -> [Double] {
        let ranks = point.indices.map { place in
            Double(view.space.rank(place, point[place])) / Double(max(1, view.space.choices[place].values.count - 1))
        }
        return [1] + ranks + view.region.features.map { max(-4, min(4, $0 / 10)) }
    }

    private mutating func prepared(_ view: RegionView) -> PolicyNetwork {
        if let network { return network }
        // The same start everywhere: what differs are the verdicts.
        var random = SeededRandom(seed: 0x9E37)
        let made = PolicyNetwork(
            inputs: 1 + view.space.choices.count + view.region.features.count,
            counts: view.space.choices.map(\.values.count), random: &random)
        network = made
        return made
    }

    private static func draw(_ chances: [Double], _ exploration: Double, _ random: inout SeededRandom) -> Int {
        let open = chances.indices.filter { chances[$0] > 0 }
        if open.isEmpty { return 0 }
        if random.uniform() < exploration { return open[random.index(below: open.count)] }
        var rest = random.uniform() * chances.reduce(0, +)
        for value in open {
            rest -= chances[value]
            if rest <= 0 { return value }
        }
        return open[open.count - 1]
    }
}
