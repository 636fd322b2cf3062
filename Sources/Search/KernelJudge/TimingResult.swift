package import KernelWorker

/// A candidate's time beside the incumbent's, from interleaved samples.
package struct TimingResult: Hashable, Sendable {
    /// Median seconds of one call.
    package var seconds: Double
    /// Median seconds of one call of the incumbent, from the same minutes.
    package var incumbentSeconds: Double
    /// Median over ABBA groups of incumbent's time / candidate's time: above 1 is faster.
    package var speedup: Double
    /// Ends of an interval that holds the true median with at least 95 % (order statistics).
    package var speedupLow: Double
    package var speedupHigh: Double
    /// Calls of a sample, and groups.
    package var calls: Int
    package var groups: Int
    /// Whether the speed-up is more than the margin and its interval lies above 1.
    package var isWin: Bool
    /// What was counted of further calls of the candidate; nil where nothing can be counted. Says nothing about right or fast.
    package var counters: CounterReport?

    /// Evaluates a report; nil when it holds no complete group.
    package init?(_ report: TimeReport, margin: Double) {
        let groups = report.samples.count / 4
        guard groups > 0, report.calls > 0, report.samples.allSatisfy({ $0 > 0 }) else { return nil }
        var ratios: [Double] = []
        var candidate: [Double] = []
        var incumbent: [Double] = []
        for group in 0..<groups {
            let sample = report.samples[group * 4..<group * 4 + 4].map { Double($0) / Double(report.calls) * 1e-9 }
            candidate += [sample[0], sample[3]]
            incumbent += [sample[1], sample[2]]
            ratios.append((sample[1] + sample[2]) / (sample[0] + sample[3]))
        }
        ratios.sort()
        seconds = Self.median(candidate)
        incumbentSeconds = Self.median(incumbent)
        speedup = Self.median(ratios)
        let skipped = Self.skippedForInterval(groups)
        speedupLow = ratios[skipped]
        speedupHigh = ratios[groups - 1 - skipped]
        calls = report.calls
        self.groups = groups
        counters = report.counters
        isWin = speedup > 1 + margin && speedupLow > 1
    }

    /// The middle value, or the mean of both.
    package static func median(_ values: [Double]) -> Double {
        precondition(!values.isEmpty, "a median needs a value")
        let sorted = values.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }

    /// How many of `count` sorted values may be left out at each end so that the rest still covers the median with 95 %:
    /// the largest k with P(Binomial(count, 1/2) <= k) at most 2.5 %. With fewer than six values nothing is left out, and
    /// the interval covers less.
    static func skippedForInterval(_ count: Int) -> Int {
        var term = 1.0
        for _ in 0..<count { term /= 2 }
        var atMost = 0.0
        var skipped = 0
        for k in 0..<count / 2 {
            atMost += term
            if atMost > 0.025 { break }
            skipped = k
            term *= Double(count - k) / Double(k + 1)
        }
        return skipped
    }
}
