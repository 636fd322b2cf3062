internal import Base
internal import Glibc

/// What the model mind believes of a region's schedules: their time, how sure that is, and the chance that they are refused. Several
/// sets of boosted trees, each on its own part of the trials; where they differ nothing is known.
struct CostModel: Sendable {
    /// Binary logarithm of the time relative to the first schedule measured, its standard deviation, and the chance of a refusal.
    struct Belief: Sendable {
        var mean: Double
        var deviation: Double
        var refusal: Double
    }

    private var times: [BoostedTrees] = []
    private var refusals: BoostedTrees?
    private let encoder: FeatureEncoder
    private let prior: NeighbourPrior?
    private let profiles: ProfileNeighbours

    private static let members = 4
    /// Deviation that remains where all trees agree: timings themselves differ by this.
    private static let leastDeviation = 0.03
    /// Slower than this (eight times) is slow enough.
    private static let slowest = 3.0
    /// Weight of a refusal, or of none, of another kernel at distance 0, which falls by e every two steps of distance, and by half
    /// with so many trials of the region's own: what was seen here is better than what was seen elsewhere.
    private static let neighbourWeight = 0.1
    private static let ownTrials = 6.0

    /// Learns from the trials of a region how they differ from what its neighbours let one expect.
    init(_ view: RegionView, random: inout SeededRandom) {
        encoder = FeatureEncoder(view.space)
        prior = view.prior
        let profiles = ProfileNeighbours(view)
        self.profiles = profiles
        var timed = TrainingRows(width: encoder.width + profiles.width)
        var judged = timed
        let trust = Self.neighbourWeight * Self.ownTrials / (Self.ownTrials + Double(view.observations.count))
        for example in view.examples {
            judged.add(
                encoder.encode(example.point) + profiles.codes(near: example.point),
                target: example.relativeTime == nil ? 1 : 0,
                weight: trust * exp(-example.distance / 2))
        }
        for observation in view.observations {
            let features = encoder.encode(observation.point) + profiles.codes(near: observation.point)
            judged.add(features, target: observation.seconds == nil ? 1 : 0, weight: 1)
            guard let seconds = observation.seconds else { continue }
            let expected = prior?.expectation(observation.point) ?? 0
            timed.add(features, target: min(view.relative(seconds), Self.slowest) - expected, weight: 1)
        }
        times = (0..<Self.members).map { _ in BoostedTrees(timed, random: &random) }
        // Where nothing was refused nothing is to be learned of that.
        if judged.targets.contains(1) {
            refusals = BoostedTrees(judged, .init(trees: 12), random: &random)
        }
    }

    func belief(_ point: Point) -> Belief {
        let features = encoder.encode(point) + profiles.codes(near: point)
        let predictions = times.map { $0.predict(features) }
        let correction = predictions.reduce(0, +) / Double(predictions.count)
        let variance =
            predictions.reduce(0) { $0 + ($1 - correction) * ($1 - correction) } / Double(predictions.count - 1)
        let mean = correction + (prior?.expectation(point) ?? 0)
        let refusal = refusals.map { max(0, min(1, $0.predict(features))) } ?? 0
        return Belief(
            mean: mean, deviation: (variance + Self.leastDeviation * Self.leastDeviation).squareRoot(), refusal: refusal
        )
    }
}

extension CostModel.Belief {
    /// How much faster than `best` a schedule will be on the average, counting nothing where it is slower or refused (expected
    /// improvement; Jones, Schonlau, Welch 1998).
    func expectedImprovement(on best: Double) -> Double {
        let z = (best - mean) / deviation
        let density = exp(-0.5 * z * z) / (2 * Double.pi).squareRoot()
        let chance = 0.5 * erfc(-z / 2.0.squareRoot())
        return max(0, (best - mean) * chance + deviation * density) * (1 - refusal)
    }
}

/// Turns points into rows of small whole numbers: the rank of each choice's value, and the behaviour that they amount to.
struct FeatureEncoder: Sendable {
    private let space: SearchSpace
    private let open: [Int]
    private let groups: [[Int]]

    init(_ space: SearchSpace) {
        self.space = space
        open = space.places(.all)
        // What several choices of one speciality amount to together.
        groups = Speciality.allCases.map { space.places(Focus([$0])) }.filter { $0.count > 1 }
    }

    var width: Int { open.count + groups.count }

    func encode(_ point: Point) -> [UInt8] {
        let point = space.canonical(point)
        var codes: [UInt8] = []
        codes.reserveCapacity(width)
        for place in open { codes.append(UInt8(clamping: space.rank(place, point[place]))) }
        for group in groups {
            let sum = group.reduce(0.0) { $0 + space.scales[$1][point[$1]] }
            codes.append(UInt8(clamping: Int(sum)))
        }
        return codes
    }
}
