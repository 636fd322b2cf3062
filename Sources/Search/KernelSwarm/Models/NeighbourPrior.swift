internal import Base
internal import Glibc

/// What the trials of other kernels let one expect here, and how far that is believed. The expectation is grown once from the examples;
/// the belief is measured against the region's own trials, so that a memory that misleads loses its say after a few of them.
package struct NeighbourPrior: Sendable {
    private let trees: BoostedTrees
    private let encoder: FeatureEncoder
    private let kernels: KernelDifferences
    private let atDefault: Double
    /// What is believed before anything was tried here: 1 for the same kernel on the same machine.
    private let first: Double
    /// Sums over the region's own trials: of expectation × finding, and of squared expectations.
    private var together = 0.0
    private var expected = 0.0

    /// How much the belief of before weighs: as much as this sum of squared expectations, that of so many trials like the examples.
    private var firstWeight: Double
    private static let firstTrials = 1.0
    /// Belief of before falls by e over this distance.
    private static let reach = 8.0
    /// Slower or faster than this, in doublings, says no more.
    private static let clip = 2.0

    /// Grows the expectation for a kernel and a machine of these features; nil where no example was timed.
    init?(_ examples: [RegionView.Example], _ space: SearchSpace, features: [Double] = []) {
        guard let nearest = examples.filter({ $0.relativeTime != nil }).map(\.distance).min() else { return nil }
        encoder = FeatureEncoder(space)
        kernels = KernelDifferences(examples.map(\.features), from: features)
        var rows = TrainingRows(width: encoder.width + kernels.width)
        for example in examples {
            guard let time = example.relativeTime else { continue }
            rows.add(
                encoder.encode(example.point) + kernels.codes(example.features), target: min(time, Self.clip),
                weight: exp(-example.distance / 2))
        }
        var random = SeededRandom(seed: 0x51ED)
        trees = BoostedTrees(rows, .init(trees: 32, sample: 1, smoothing: 1), random: &random)
        atDefault = trees.predict(encoder.encode(space.origin) + kernels.own)
        first = exp(-nearest / Self.reach)
        firstWeight = 0
        let squares = examples.reduce(0.0) { $0 + raw($1.point) * raw($1.point) }
        firstWeight = max(1e-6, Self.firstTrials * squares / Double(examples.count))
    }

    /// Binary logarithm of the time by the default's that neighbours let one expect.
    func raw(_ point: Point) -> Double { trees.predict(encoder.encode(point) + kernels.own) - atDefault }

    /// The same, as far as it is believed.
    func expectation(_ point: Point) -> Double { belief * raw(point) }

    /// How far expectations are believed, in 0...1: the slope of findings over expectations.
    var belief: Double {
        let slope = (together + firstWeight * first) / (expected + firstWeight)
        return max(0, min(1, slope))
    }

    /// Compares a trial of the region's own: its time by the default's, as a binary logarithm.
    mutating func compare(_ point: Point, found: Double) {
        let raw = raw(point)
        together += raw * max(-Self.clip, min(Self.clip, found))
        expected += raw * raw
    }
}

/// How kernels and machines differ from the region's, as small whole numbers: with trials of several, trees tell what holds for large kernels
/// from what holds for small ones. Features in which nothing differs take no room.
struct KernelDifferences: Sendable {
    private let features: [Double]
    private let places: [Int]

    /// Codes of a feature: steps of half a doubling, up to four doublings either way.
    private static let middle = 8

    init(_ others: [[Double]], from features: [Double]) {
        self.features = features
        places = features.indices.filter { place in
            others.contains {
                $0.count == features.count && Self.code($0[place] - features[place]) != UInt8(Self.middle)
            }
        }
    }

    var width: Int { places.count }

    /// The codes of the region itself.
    var own: [UInt8] { places.map { _ in UInt8(Self.middle) } }

    /// The codes of a kernel on a machine; those of the region where its features are not known.
    func codes(_ other: [Double]) -> [UInt8] {
        guard other.count == features.count else { return own }
        return places.map { Self.code(other[$0] - features[$0]) }
    }

    private static func code(_ difference: Double) -> UInt8 {
        guard difference.isFinite else { return UInt8(middle) }
        return UInt8(middle + Int(max(-Double(middle), min(Double(middle), (2 * difference).rounded()))))
    }
}
