internal import Base
internal import Glibc

/// A network of one hidden layer that says, of a region in some state, how promising each value of each choice is, and learns by the
/// gradient of a reward (REINFORCE; Williams 1992). Small enough that a proposal takes microseconds.
struct PolicyNetwork: Sendable {
    private let inputs: Int
    private let starts: [Int]
    private let counts: [Int]
    /// `[hidden, inputs]`, row by row.
    private var inner: [Double]
    /// `[outputs, hidden]`, row by row, and what is added to each output.
    private var outer: [Double]
    private var offsets: [Double]

    private static let hidden = 16
    private static let rate = 0.25

    /// A network for choices of `counts` values that prefers values by their order: whoever listed them put the most promising first.
    init(inputs: Int, counts: [Int], random: inout SeededRandom) {
        self.inputs = inputs
        self.counts = counts
        var starts: [Int] = []
        var outputs = 0
        for count in counts {
            starts.append(outputs)
            outputs += count
        }
        self.starts = starts
        let spread = 1 / Double(max(1, inputs)).squareRoot()
        inner = (0..<Self.hidden * inputs).map { _ in AgentBandit.normal(&random) * spread }
        outer = [Double](repeating: 0, count: outputs * Self.hidden)
        offsets = counts.flatMap { count in (0..<count).map { -0.25 * Double($0) } }
    }

    /// Chances of the values of a choice.
    func chances(of choice: Int, _ state: [Double]) -> [Double] { chances(of: choice, hidden: hidden(state)) }

    /// Makes what was done in a state more likely where `advantage` is positive, less so where it is negative. `taken` are choices
    /// with the value that each got.
    mutating func learn(_ state: [Double], taken: [(choice: Int, value: Int)], advantage: Double) {
        let hidden = hidden(state)
        var back = [Double](repeating: 0, count: Self.hidden)
        for (choice, value) in taken {
            let chances = chances(of: choice, hidden: hidden)
            for other in chances.indices {
                let slope = advantage * ((other == value ? 1 : 0) - chances[other])
                let output = starts[choice] + other
                offsets[output] += Self.rate * slope
                for unit in 0..<Self.hidden {
                    back[unit] += slope * outer[output * Self.hidden + unit]
                    outer[output * Self.hidden + unit] += Self.rate * slope * hidden[unit]
                }
            }
        }
        for unit in 0..<Self.hidden {
            let slope = Self.rate * back[unit] * (1 - hidden[unit] * hidden[unit])
            for input in 0..<inputs { inner[unit * inputs + input] += slope * state[input] }
        }
    }

    private func hidden(_ state: [Double]) -> [Double] {
        (0..<Self.hidden).map { unit in
            var sum = 0.0
            for input in 0..<inputs { sum += inner[unit * inputs + input] * state[input] }
            return tanh(sum)
        }
    }

    private func chances(of choice: Int, hidden: [Double]) -> [Double] {
        var scores = (0..<counts[choice]).map { value -> Double in
            let output = starts[choice] + value
            var sum = offsets[output]
            for unit in 0..<Self.hidden { sum += outer[output * Self.hidden + unit] * hidden[unit] }
            return sum
        }
        let top = scores.max() ?? 0
        for value in scores.indices { scores[value] = exp(scores[value] - top) }
        let sum = scores.reduce(0, +)
        return scores.map { $0 / sum }
    }
}
