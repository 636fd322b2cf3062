internal import Glibc
package import KernelIR

/// A schedule of a region as places in the values of its choices: what minds compute with, many times faster than `Schedule`.
package typealias Point = [Int]

/// The choices of a region, prepared for minds.
package struct SearchSpace: Sendable {
    /// The choices, each value once.
    package let choices: [Choice]
    /// What kind of decision each is; names that nobody listed are strategy.
    package let specialities: [Speciality]
    /// Binary logarithms of the values, each plus one: what distances and behaviour are measured in.
    package let scales: [[Double]]
    /// Where a choice means something only beside some values of another: that one's place, and which of its values.
    private let conditions: [(place: Int, allowed: [Bool])?]
    /// Places of values in ascending order of value, and the rank of each place in that order.
    private let ascending: [[Int]]
    private let ranks: [[Int]]
    private let behaviour: Behaviour
    /// Places of choices that no agent moves.
    private let advised: [Int]

    /// Prepares choices.
    package init(_ choices: [Choice]) {
        self.choices = choices.map { choice in
            var once = choice
            once.values = []
            for value in choice.values where !once.values.contains(value) { once.values.append(value) }
            return once
        }
        let unique = self.choices
        specialities = unique.map { Speciality(choice: $0.name) ?? .strategy }
        scales = unique.map { $0.values.map { log2(Double(max(0, $0)) + 1) } }
        conditions = unique.map { choice in
            guard let condition = choice.condition,
                let place = unique.firstIndex(where: { $0.name == condition.name })
            else { return nil }
            return (place, unique[place].values.map { condition.values.contains($0) })
        }
        ascending = unique.map { choice in
            choice.values.indices.sorted { choice.values[$0] < choice.values[$1] }
        }
        ranks = ascending.map { order in
            var ranks = order
            for (rank, place) in order.enumerated() { ranks[place] = rank }
            return ranks
        }
        behaviour = Behaviour(specialities, scales)
        advised = unique.indices.filter { unique[$0].isAdvised }
    }

    /// All defaults.
    package var origin: Point { [Int](repeating: 0, count: choices.count) }

    /// The place of a schedule whose values are all allowed; others count as defaults.
    package func point(_ schedule: Schedule) -> Point {
        canonical(choices.map { $0.values.firstIndex(of: schedule[$0]) ?? 0 })
    }

    /// The schedule at a point, canonical as `[Choice].canonical` states it.
    package func schedule(_ point: Point) -> Schedule {
        let point = canonical(point)
        let stated = point.indices.filter { point[$0] > 0 || !choices[$0].isAdvised }
        return Schedule(
            Dictionary(uniqueKeysWithValues: stated.map { (choices[$0].name, choices[$0].values[point[$0]]) }))
    }

    /// Whether a point holds something that was made for this search.
    package func isAdvised(_ point: Point) -> Bool { advised.contains { point[$0] > 0 } }

    /// The point without what was made for this search.
    package func withoutAdvice(_ point: Point) -> Point {
        var plain = point
        for place in advised { plain[place] = 0 }
        return plain
    }

    /// Whether a choice means something beside the others.
    package func isActive(_ place: Int, _ point: Point) -> Bool {
        guard let condition = conditions[place] else { return true }
        return condition.allowed[point[condition.place]]
    }

    /// The point with what means nothing at its default.
    package func canonical(_ point: Point) -> Point {
        var canonical = point
        for place in point.indices where !isActive(place, point) { canonical[place] = 0 }
        return canonical
    }

    /// Sets a choice, and the choice that it hangs on so that it means something.
    func set(_ place: Int, _ value: Int, in point: inout Point) {
        point[place] = value
        guard let condition = conditions[place], !condition.allowed[point[condition.place]],
            let allowed = condition.allowed.firstIndex(of: true)
        else { return }
        point[condition.place] = allowed
    }

    /// The next values up and down from one, as places.
    func neighbours(_ place: Int, of value: Int) -> [Int] {
        let rank = ranks[place][value]
        return [rank - 1, rank + 1].filter { ascending[place].indices.contains($0) }.map { ascending[place][$0] }
    }

    /// The rank of a value of a choice among its values in ascending order.
    func rank(_ place: Int, _ value: Int) -> Int { ranks[place][value] }

    /// The value of a choice at a rank.
    func value(_ place: Int, rank: Int) -> Int { ascending[place][rank] }

    /// Choices with more than one value that belong to a focus and that agents move.
    func places(_ focus: Focus) -> [Int] {
        choices.indices.filter {
            choices[$0].values.count > 1 && !choices[$0].isAdvised && focus.contains(specialities[$0])
        }
    }

    /// The behaviour cell of a point.
    func cell(_ point: Point) -> Int { behaviour.cell(canonical(point), scales) }
}

/// How schedules behave, coarsely: their strategy, how much they hold at once (footprint), and how many share the work. Kernels of
/// every kind have some of it; what a region lacks takes no cell.
private struct Behaviour: Sendable {
    private static let bins = 4
    private static let strategies = 8
    private var footprint: [Int] = []
    private var parallelism: [Int] = []
    /// Places of strategy choices with the number of values of each.
    private var strategy: [(place: Int, count: Int)] = []
    /// Least and greatest sum of logarithms of each of the two.
    private var footprintRange = (low: 0.0, high: 0.0)
    private var parallelRange = (low: 0.0, high: 0.0)

    init(_ specialities: [Speciality], _ scales: [[Double]]) {
        for (place, speciality) in specialities.enumerated() where scales[place].count > 1 {
            let (low, high) = (scales[place].min() ?? 0, scales[place].max() ?? 0)
            switch speciality {
            case .strategy: strategy.append((place, scales[place].count))
            case .parallelism:
                parallelism.append(place)
                parallelRange = (parallelRange.low + low, parallelRange.high + high)
            case .tiling, .vectors, .pipelining:
                footprint.append(place)
                footprintRange = (footprintRange.low + low, footprintRange.high + high)
            }
        }
    }

    func cell(_ point: Point, _ scales: [[Double]]) -> Int {
        // Products of values are sums of logarithms.
        func bin(_ places: [Int], _ range: (low: Double, high: Double)) -> Int {
            guard range.high > range.low else { return 0 }
            let sum = places.reduce(0) { $0 + scales[$1][point[$1]] }
            return min(Self.bins - 1, Int((sum - range.low) / (range.high - range.low) * Double(Self.bins)))
        }
        let form = strategy.reduce(0) { $0 &* $1.count &+ point[$1.place] } % Self.strategies
        return (form * Self.bins + bin(footprint, footprintRange)) * Self.bins + bin(parallelism, parallelRange)
    }
}
