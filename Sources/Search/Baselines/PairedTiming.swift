import Glibc

/// Times of two sides measured in turn, and what may be said of their ratio.
package struct PairedTiming: Sendable, Equatable {
    /// One round: the median of a batch of each side, in nanoseconds.
    package struct Round: Sendable, Equatable {
        package var ours: Double
        package var theirs: Double

        /// Makes a round.
        package init(ours: Double, theirs: Double) {
            self.ours = ours
            self.theirs = theirs
        }
    }

    /// Rounds in order.
    package var rounds: [Round]

    /// Makes an empty record.
    package init(rounds: [Round] = []) { self.rounds = rounds }

    /// Median of our times in nanoseconds.
    package var ours: Double { median(rounds.map(\.ours)) }
    /// Median of their times in nanoseconds.
    package var theirs: Double { median(rounds.map(\.theirs)) }
    /// Median over rounds of theirs / ours: above 1 we are faster.
    package var ratio: Double { median(rounds.map { $0.theirs / $0.ours }) }

    /// The distribution-free 95 % interval of the median ratio, from order statistics of the rounds (Conover 1999, 3.2).
    package var interval: ClosedRange<Double> {
        let sorted = rounds.map { $0.theirs / $0.ours }.sorted()
        guard let first = sorted.first, let last = sorted.last else { return 0...0 }
        let count = Double(sorted.count)
        let reach = 1.96 * count.squareRoot() / 2
        let low = Int((count / 2 - reach).rounded(.down)) - 1
        let high = Int((count / 2 + reach).rounded(.up))
        return (low >= 0 ? sorted[low] : first)...(high < sorted.count ? sorted[high] : last)
    }
}

/// The median; the mean of the middle two for an even count; 0 for none.
package func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return 0 }
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/// The geometric mean of positive numbers; 0 for none.
package func geometricMean(_ values: [Double]) -> Double {
    guard !values.isEmpty else { return 0 }
    return exp2(values.reduce(0) { $0 + log2($1) } / Double(values.count))
}
