/// What a search is for: what is to become less, and limits that come before it.
package struct SearchGoal: Hashable, Sendable {
    /// What is to become less.
    package enum Objective: String, CaseIterable, Sendable {
        /// Seconds of one call.
        case latency
        /// Seconds a call when as many sessions run beside each other as the device has threads (see `sessions`).
        case throughput
        /// Bytes of arena and weights.
        case memory
        /// Joules of a call, where the device measures them.
        case energy
    }

    /// How much slower than the default a package may be that takes less memory or energy.
    package static let slowdown = 1.10

    package var objective: Objective
    package var constraints: [SearchConstraint]

    /// Makes a goal.
    package init(_ objective: Objective = .latency, _ constraints: [SearchConstraint] = []) {
        self.objective = objective
        self.constraints = constraints
    }

    /// Whether memory of candidates has to be known.
    package var needsMemory: Bool {
        objective == .memory || constraints.contains { $0.quantity == .memory }
    }

    /// How far figures are above all limits together, as parts of them; 0 where they keep all.
    package func violation(_ figures: SearchFigures) -> Double {
        constraints.reduce(0) { $0 + $1.violation(figures) }
    }

    /// Whether a correct candidate takes the champion's place. `isBetter` says whether it was measured to be better by the margin in
    /// what is timed (or, for energy, metered); `start` is the default's figures.
    ///
    /// Limits come first: nearer to them wins whatever it costs, and what keeps them never gives way to what does not. Then the
    /// objective decides.
    package func isWin(
        _ candidate: SearchFigures, over champion: SearchFigures, isBetter: Bool, start: SearchFigures
    ) -> Bool {
        let (ours, theirs) = (violation(candidate), violation(champion))
        if theirs > 0 {
            // A nearer time must be measured to be shorter; memory is counted, not measured.
            let isNearer = ours < theirs
            let isShorter = candidate.seconds < champion.seconds
            if isNearer { return isShorter && !isMemoryNearer(candidate, champion) ? isBetter : true }
            return false
        }
        if ours > 0 { return false }
        let isQuickEnough = candidate.seconds <= Self.slowdown * start.seconds
        switch objective {
        case .latency, .throughput: return isBetter
        case .energy: return isBetter && isQuickEnough
        case .memory:
            guard let less = candidate.bytes, let more = champion.bytes else { return false }
            if less == more { return isBetter }
            return less < more && isQuickEnough
        }
    }

    private func isMemoryNearer(_ candidate: SearchFigures, _ champion: SearchFigures) -> Bool {
        constraints.contains { $0.quantity == .memory && $0.violation(candidate) < $0.violation(champion) }
    }

    /// Sessions that call at the same time where calls a second count: one for each thread of a processor, because a call on one
    /// thread waits for nobody there; four on another device, enough to hide the host's part of a call.
    package static func sessions(threads: Int, isHost: Bool) -> Int { isHost ? max(1, threads) : 4 }

    /// What to say of a finished package that breaks limits: the line names each with the best that was reached. nil when it
    /// breaks none.
    package func complaint(_ figures: SearchFigures, best: (SearchConstraint.Quantity) -> Double?) -> String? {
        let broken = constraints.filter { $0.violation(figures) > 0 }
        guard !broken.isEmpty else { return nil }
        return broken.map { constraint in
            let reached = best(constraint.quantity) ?? figures[constraint.quantity] ?? 0
            return "--constraint '\(constraint)' is not met: the least that the search reached is "
                + Self.amount(reached, constraint.quantity)
        }.joined(separator: "; ")
    }

    /// An amount for people: `612 MB`, `3.14 ms`.
    package static func amount(_ value: Double, _ quantity: SearchConstraint.Quantity) -> String {
        let units: [(name: String, size: Double)] =
            switch quantity {
            case .memory: [("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("bytes", 1)]
            case .latency: [("s", 1), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)]
            }
        let unit = units.first { value >= $0.size } ?? units[units.count - 1]
        let scaled = (value / unit.size * 1000).rounded() / 1000
        return scaled == scaled.rounded() ? "\(Int(scaled)) \(unit.name)" : "\(scaled) \(unit.name)"
    }
}
