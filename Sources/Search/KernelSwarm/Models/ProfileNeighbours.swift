internal import Glibc

/// What profiles say near a point: those of schedules not measured yet are not known, but those of schedules a step away mostly are.
/// Rows of the cost model take them from the nearest other schedule, their own profile left out, so that they are what a new
/// schedule's row is.
struct ProfileNeighbours: Sendable {
    private let space: SearchSpace
    private let known: [(point: Point, codes: [UInt8])]
    private let facts: [TrialProfile.Fact]

    /// What compilers say and processors count. Shares of what the machine gives are times by another name, and did not help (`Benchmarks/swarm-study.md`).
    private static let told: [TrialProfile.Fact] = [
        .registers, .localBytes, .sharedBytes, .occupancy, .registerOccupancy, .sharedOccupancy, .codeBytes,
        .instructions, .instructionsPerCycle, .l1Misses, .branchMisses, .tlbMisses, .lastLevelShare,
    ]

    /// Profiles of the region, and of the same kernel on the same machine from before. Facts that are never known take no room.
    init(_ view: RegionView) {
        space = view.space
        var profiles = view.observations.compactMap { observation in
            observation.profile.map { (observation.point, $0) }
        }
        for example in view.examples where example.distance == 0 {
            if let profile = example.profile { profiles.append((example.point, profile)) }
        }
        let facts = Self.told.filter { fact in profiles.contains { $0.1[fact] != nil } }
        self.facts = facts
        known = profiles.filter { _, profile in facts.contains { profile[$0] != nil } }
            .map { point, profile in (point, facts.map { Self.code($0, profile[$0]) }) }
    }

    /// Number of features.
    var width: Int { facts.count }

    /// The nearest other schedule's facts; 0 where there is none. Ties go to what was measured first.
    func codes(near point: Point) -> [UInt8] {
        var best: (distance: Double, codes: [UInt8])?
        for (other, codes) in known where other != point {
            var distance = 0.0
            for place in point.indices {
                distance += abs(space.scales[place][point[place]] - space.scales[place][other[place]])
                // Names of algorithms have no order, but another one is another one.
                if point[place] != other[place] { distance += 0.5 }
            }
            if distance < best?.distance ?? .infinity { best = (distance, codes) }
        }
        return best?.codes ?? [UInt8](repeating: 0, count: width)
    }

    /// A fact as a small whole number: 0 is not known, and the steps are what makes a difference.
    private static func code(_ fact: TrialProfile.Fact, _ value: Double?) -> UInt8 {
        guard let value else { return 0 }
        let step: Double
        switch fact {
        case .registers: step = value / 8
        case .localBytes, .sharedBytes, .codeBytes: step = 1.5 * log2(value + 1)
        case .occupancy, .registerOccupancy, .sharedOccupancy, .memoryShare, .computeShare: step = value * 16
        case .instructions: step = 0.75 * log2(value + 1)
        case .instructionsPerCycle: step = value * 6
        case .l1Misses, .branchMisses, .tlbMisses: step = 3 * log2(value + 1)
        case .lastLevelShare: step = 6 * log2(value + 1)
        }
        return UInt8(max(1, min(Double(TrainingRows.codeLimit - 1), step.rounded() + 1)))
    }
}
