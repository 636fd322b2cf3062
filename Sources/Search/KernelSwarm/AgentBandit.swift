internal import Glibc

/// Chooses which agent speaks next: UCB1 (Auer, Cesa-Bianchi, Fischer 2002) on discounted rewards, so that an agent that
/// helped early gives way when it no longer does. A reward is in 0...1.
struct AgentBandit: Sendable {
    private var pulls: [Double]
    private var rewards: [Double]
    /// How much of the past each new trial keeps.
    private let discount = 0.98
    private let exploration = 0.5

    init(agents: Int) {
        pulls = [Double](repeating: 0, count: agents)
        rewards = [Double](repeating: 0, count: agents)
    }

    /// Agents from the most to the least promising; ties by place.
    func ranking() -> [Int] {
        let total = pulls.reduce(0, +)
        let scores = pulls.indices.map { agent in
            pulls[agent] == 0
                ? Double.infinity
                : rewards[agent] / pulls[agent] + exploration * (log(max(total, 1)) / pulls[agent]).squareRoot()
        }
        return pulls.indices.sorted { (scores[$0], -$0) > (scores[$1], -$1) }
    }

    /// Counts a proposal at once, so that a batch is spread over agents before its verdicts are known.
    mutating func count(_ agent: Int) {
        for index in pulls.indices {
            pulls[index] *= discount
            rewards[index] *= discount
        }
        pulls[agent] += 1
    }

    /// Adds the reward of a proposal counted before.
    mutating func reward(_ agent: Int, _ reward: Double) { rewards[agent] += reward }
}
