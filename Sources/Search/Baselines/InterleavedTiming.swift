/// Times of several sides measured in turn: in every round a batch of each. Side 0 is ours, the others are rivals.
package struct InterleavedTiming: Sendable, Equatable {
    /// How many sides take part.
    package let sides: Int
    /// Rounds in order: the median nanoseconds of each side's batch; nil where a side did not run.
    package private(set) var rounds: [[Double?]] = []

    /// Makes an empty record.
    package init(sides: Int) {
        precondition(sides > 0, "nobody to time")
        self.sides = sides
    }

    /// The order in which the sides run in round `round`: it turns by one side every second round and is walked backwards
    /// in the odd ones, so that over `2 * sides` rounds each side takes each place twice and precedes each other side as
    /// often as it follows it.
    package static func order(sides: Int, round: Int) -> [Int] {
        let turned = (0..<sides).map { (round / 2 + $0) % sides }
        return round % 2 == 0 ? turned : turned.reversed()
    }

    /// Runs one round: `batch` is called for each side in turn and returns its median nanoseconds, or nil when the side
    /// has dropped out.
    package mutating func measure(_ batch: (Int) throws -> Double?) rethrows {
        var times = [Double?](repeating: nil, count: sides)
        for side in Self.order(sides: sides, round: rounds.count) { times[side] = try batch(side) }
        rounds.append(times)
    }

    /// Our times beside those of `side`, over the rounds in which both ran.
    package func paired(with side: Int) -> PairedTiming {
        PairedTiming(
            rounds: rounds.compactMap { times in
                guard let ours = times[0], let theirs = times[side] else { return nil }
                return .init(ours: ours, theirs: theirs)
            })
    }
}
