internal import Base
internal import Glibc

/// How agents are chosen.
package enum BanditRule: Hashable, Sendable {
    /// Thompson sampling, minds and specialities first: what searches use.
    case hierarchy
    /// UCB1 (Auer, Cesa-Bianchi, Fischer 2002) over agents as if they had nothing in common: for comparison.
    case upperBound
    /// One after the other: for comparison.
    case inTurn
}

/// Chooses which agent speaks next. Of 32 agents most are never heard in a search of a few dozen trials, so what is known of
/// one tells of the others: an agent's chance is that of its mind times how its specialities do beside others, corrected
/// by what was seen of itself (Thompson sampling over a hierarchy; Thompson 1933). Rewards are in 0...1.
struct AgentBandit: Sendable {
    private let rule: BanditRule
    private let minds: [Int]
    private let focuses: [Int]
    /// What is expected of each mind before anything was seen.
    private let priors: [Double]
    private var pulls: [Double]
    private var rewards: [Double]
    /// How much of the past each new trial keeps.
    private static let discount = 0.985
    /// How many trials the expectation of a mind, of a speciality and of an agent weighs.
    private static let mindWeight = 6.0
    private static let focusWeight = 6.0
    private static let agentWeight = 6.0

    init(_ roster: AgentRoster, _ rule: BanditRule) {
        self.rule = rule
        var names: [Focus] = []
        for row in roster.rows where !names.contains(row.focus) { names.append(row.focus) }
        minds = roster.rows.map(\.mind)
        focuses = roster.rows.map { names.firstIndex(of: $0.focus) ?? 0 }
        priors = roster.minds.map(\.prior)
        pulls = [Double](repeating: 0, count: roster.rows.count)
        rewards = pulls
    }

    /// Agents from the most to the least promising by a draw; `bids` say what each promises here beside others of its mind, `weights` what
    /// minds promise beside each other.
    func ranking(_ bids: [Double], weights: [Double], _ random: inout SeededRandom) -> [Int] {
        switch rule {
        case .hierarchy: break
        case .inTurn: return pulls.indices.sorted { (pulls[$0], $0) < (pulls[$1], $1) }
        case .upperBound:
            let total = max(pulls.reduce(0, +), 1)
            let bounds = pulls.indices.map { agent in
                pulls[agent] == 0
                    ? Double.infinity : rewards[agent] / pulls[agent] + 0.5 * (log(total) / pulls[agent]).squareRoot()
            }
            return pulls.indices.sorted { (bounds[$0], -$0) > (bounds[$1], -$1) }
        }
        // First a mind by a draw of its rate, then its agents by theirs; the next mind's come after them.
        let minds = groups(self.minds, weight: Self.mindWeight) { priors[$0] }
        let average = groups([Int](repeating: 0, count: pulls.count), weight: Self.mindWeight) { _ in 0.15 }[0].rate
        let focuses = groups(self.focuses, weight: Self.focusWeight) { _ in average }
        let drawn = minds.indices.map { weights[$0] * Self.draw(minds[$0].rate, minds[$0].weight, &random) }
        let scores = pulls.indices.map { agent in
            let mind = minds[self.minds[agent]].rate
            let expected = min(0.95, mind * focuses[self.focuses[agent]].rate / max(average, 1e-6))
            let weight = pulls[agent] + Self.agentWeight
            let mean = (rewards[agent] + expected * Self.agentWeight) / weight
            return bids[agent] * Self.draw(mean, weight, &random)
        }
        return pulls.indices.sorted { a, b in
            let (first, second) = (self.minds[a], self.minds[b])
            if first != second { return (drawn[first], -first) > (drawn[second], -second) }
            return (scores[a], -a) > (scores[b], -b)
        }
    }

    /// A normal draw with the mean and the spread of a beta distribution, at least 0.
    private static func draw(_ mean: Double, _ weight: Double, _ random: inout SeededRandom) -> Double {
        max(0, mean + (max(mean * (1 - mean), 1e-4) / (weight + 1)).squareRoot() * normal(&random))
    }

    /// What a pull of each group brings, drawn to what is expected of it, and how many pulls say so.
    private func groups(
        _ groups: [Int], weight: Double, _ expected: (Int) -> Double
    ) -> [(rate: Double, weight: Double)] {
        let count = (groups.max() ?? 0) + 1
        var pulled = [Double](repeating: weight, count: count)
        var rewarded = (0..<count).map { weight * expected($0) }
        for agent in groups.indices {
            pulled[groups[agent]] += pulls[agent]
            rewarded[groups[agent]] += rewards[agent]
        }
        return zip(rewarded, pulled).map { ($0 / $1, $1) }
    }

    /// A draw with mean 0 and variance 1 (Box and Muller 1958).
    static func normal(_ random: inout SeededRandom) -> Double {
        let radius = (-2 * log(max(random.uniform(), 1e-300))).squareRoot()
        return radius * cos(2 * Double.pi * random.uniform())
    }

    /// Counts a proposal at once, so that a batch is spread over agents before its verdicts are known.
    mutating func count(_ agent: Int) {
        for index in pulls.indices {
            pulls[index] *= Self.discount
            rewards[index] *= Self.discount
        }
        pulls[agent] += 1
    }

    /// Adds the reward of a proposal counted before.
    mutating func reward(_ agent: Int, _ reward: Double) { rewards[agent] += reward }
}
