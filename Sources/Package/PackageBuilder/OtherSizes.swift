import ElementTypes
import GraphIR

/// Values of a model's symbols beside those that it was exported with: what kernels are tried at, and what a finished package meets for the
/// first time.
struct OtherSizes {
    private let graph: Graph
    /// Symbols that may be moved; the others stay.
    private let moving: Set<Int>
    private let usual: [Int]

    /// Sizes around `usual`, by default those of the export; only symbols of `moving` move, by default all.
    init(_ graph: Graph, moving: Set<Int>? = nil, usual: [Int]? = nil) {
        self.graph = graph
        self.moving = moving ?? Set(graph.symbols.indices)
        self.usual = usual ?? graph.symbols.map(\.hint)
    }

    /// The usual sizes first, then odd ones beside them, which short checks have too; then the least, about half and an eighth more, each
    /// symbol in another way, of which only full checks know. Those that the model does not allow are left out.
    var tried: [[Int]] {
        var found = [usual]
        func add(_ sizes: [Int]?) { if let sizes, !found.contains(sizes) { found.append(sizes) } }
        let odd = [-1, 1, -2, 2, -3, 3, -4, 4].lazy.compactMap { step in allowed { _, size in size + step } }
        add(odd.first { $0 != usual })
        add(near { _, _ in 1 })
        add(near { number, size in number % 2 == 0 ? size / 2 | 1 : size - size / 4 })
        add(near { number, size in (number % 2 == 0 ? size + max(2, size / 8) : size + max(4, size / 6)) | 1 })
        return found
    }

    /// Sizes that are not among `tried`; nil where the model allows none.
    var unseen: [Int]? {
        let known = tried
        for sign in [1, -1] {
            for step in 3..<12 {
                let sizes = allowed { number, size in size + sign * (step + number + size / 4) }
                if let sizes, !known.contains(sizes), sizes != usual { return sizes }
            }
        }
        return nil
    }

    /// The wanted sizes, or the first beside them that the model allows.
    private func near(_ wanted: (_ symbol: Int, _ size: Int) -> Int) -> [Int]? {
        for step in [0, 1, -1, 2, -2, 3, -3, 4, 5, 6, 7] {
            if let sizes = allowed({ wanted($0, $1) + step }) { return sizes }
        }
        return nil
    }

    /// The wanted sizes within the symbols' ranges, where all guards of the model hold for them.
    private func allowed(_ wanted: (_ symbol: Int, _ size: Int) -> Int) -> [Int]? {
        let sizes = zip(graph.symbols, usual).enumerated().map { number, pair -> Int in
            let (symbol, size) = pair
            guard moving.contains(number) else { return size }
            return min(max(wanted(number, size), symbol.minimum, 1), symbol.maximum ?? .max)
        }
        let holds = graph.guards.allSatisfy { condition in
            guard let value = condition.expression.evaluate({ sizes[$0.index] }) else { return true }
            return condition.isLowerBound ? value >= 0 : value == 0
        }
        return holds ? sizes : nil
    }
}
