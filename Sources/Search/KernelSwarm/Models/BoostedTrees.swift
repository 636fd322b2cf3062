internal import Base

/// Rows of small whole numbers with a target and a weight each: what trees are grown from.
struct TrainingRows: Sendable {
    /// Number of features of a row.
    let width: Int
    /// Features row by row, each below `codeLimit`.
    private(set) var codes: [UInt8] = []
    private(set) var targets: [Double] = []
    private(set) var weights: [Double] = []

    /// Codes from here on count as the one before.
    static let codeLimit = 32

    init(width: Int) { self.width = width }

    var count: Int { targets.count }

    mutating func add(_ features: [UInt8], target: Double, weight: Double) {
        precondition(features.count == width, "rows have the features of their table")
        codes += features.map { min($0, UInt8(Self.codeLimit - 1)) }
        targets.append(target)
        weights.append(weight)
    }
}

/// Gradient-boosted regression trees for squared loss (Friedman 2001), on histograms of small whole numbers: made for a few hundred
/// rows and a few dozen features, deterministic for a seed. Growing takes O(trees · depth · rows · features).
struct BoostedTrees: Sendable {
    /// How trees are grown.
    struct Settings: Sendable {
        var trees = 24
        var depth = 3
        /// What part of a tree's correction is taken.
        var rate = 0.25
        /// What part of the rows each tree sees.
        var sample = 0.75
        /// Added to the weight of a leaf: draws leaves of few rows to 0.
        var smoothing = 0.5
    }

    private struct Node: Sendable {
        /// Feature that decides, or -1 at a leaf.
        var feature: Int32
        /// Codes up to this one go to the next node, greater ones to `other`.
        var threshold: UInt8
        var other: Int32
        var value: Double
    }

    private var nodes: [Node] = []
    private var roots: [Int] = []
    private var base = 0.0

    /// Grows trees; without rows every prediction is 0.
    init(_ rows: TrainingRows, _ settings: Settings = Settings(), random: inout SeededRandom) {
        let weight = rows.weights.reduce(0, +)
        guard weight > 0 else { return }
        base = zip(rows.targets, rows.weights).reduce(0) { $0 + $1.0 * $1.1 } / weight
        var residuals = rows.targets.map { $0 - base }
        for _ in 0..<settings.trees {
            var chosen: [Int] = []
            for row in 0..<rows.count where rows.count < 6 || random.uniform() < settings.sample { chosen.append(row) }
            if chosen.isEmpty { continue }
            roots.append(nodes.count)
            var grower = Grower(rows: rows, residuals: residuals, settings: settings)
            grower.grow(chosen, depth: 0)
            let start = Int32(nodes.count)
            nodes += grower.nodes.map { node in
                var node = node
                node.other += start
                node.value *= settings.rate
                return node
            }
            for row in 0..<rows.count {
                residuals[row] -= value(of: roots[roots.count - 1], rows.codes, at: row * rows.width)
            }
        }
    }

    /// The prediction for a row of features.
    func predict(_ features: [UInt8]) -> Double {
        var sum = base
        for root in roots { sum += value(of: root, features, at: 0) }
        return sum
    }

    private func value(of root: Int, _ codes: [UInt8], at start: Int) -> Double {
        var place = root
        while true {
            let node = nodes[place]
            if node.feature < 0 { return node.value }
            place = codes[start + Int(node.feature)] <= node.threshold ? place + 1 : Int(node.other)
        }
    }

    /// Grows one tree, node after node.
    private struct Grower {
        let rows: TrainingRows
        let residuals: [Double]
        let settings: Settings
        var nodes: [Node] = []

        mutating func grow(_ members: [Int], depth: Int) {
            var weight = 0.0
            var sum = 0.0
            for row in members {
                weight += rows.weights[row]
                sum += rows.weights[row] * residuals[row]
            }
            let leaf = Node(feature: -1, threshold: 0, other: 0, value: sum / (weight + settings.smoothing))
            guard depth < settings.depth, members.count >= 4,
                let (feature, threshold) = split(members, weight, sum)
            else { return nodes.append(leaf) }
            let place = nodes.count
            nodes.append(Node(feature: Int32(feature), threshold: threshold, other: 0, value: 0))
            var (low, high): ([Int], [Int]) = ([], [])
            for row in members {
                if rows.codes[row * rows.width + feature] <= threshold { low.append(row) } else { high.append(row) }
            }
            grow(low, depth: depth + 1)
            nodes[place].other = Int32(nodes.count)
            grow(high, depth: depth + 1)
        }

        /// The feature and threshold that lower the squared error most; nil where none does.
        private func split(_ members: [Int], _ weight: Double, _ sum: Double) -> (Int, UInt8)? {
            let smoothing = settings.smoothing
            var best: (Int, UInt8)?
            var bestGain = 1e-9 + sum * sum / (weight + smoothing)
            var weights = [Double](repeating: 0, count: TrainingRows.codeLimit)
            var sums = weights
            for feature in 0..<rows.width {
                for code in 0..<TrainingRows.codeLimit {
                    weights[code] = 0
                    sums[code] = 0
                }
                var top = 0
                for row in members {
                    let code = Int(rows.codes[row * rows.width + feature])
                    weights[code] += rows.weights[row]
                    sums[code] += rows.weights[row] * residuals[row]
                    top = max(top, code)
                }
                var (lowWeight, lowSum) = (0.0, 0.0)
                for code in 0..<top where weights[code] > 0 {
                    lowWeight += weights[code]
                    lowSum += sums[code]
                    let highWeight = weight - lowWeight
                    if highWeight < 1e-9 { break }
                    let highSum = sum - lowSum
                    let gain =
                        lowSum * lowSum / (lowWeight + smoothing) + highSum * highSum / (highWeight + smoothing)
                    if gain > bestGain {
                        bestGain = gain
                        best = (feature, UInt8(code))
                    }
                }
            }
            return best
        }
    }
}
