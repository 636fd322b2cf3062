import Base
import Glibc
import KernelIR

extension Landscape {
    /// Landscapes that are made up: choices as kernels have them, a best value of each with penalties for each step away from it,
    /// interactions of pairs, strategies with bests of their own, refused corners, and choices that change no code. Six to tune on
    /// and six held out, of twelve seeds.
    package static let synthetic: [Landscape] = (0..<12).map { synthetic($0) }

    private static let product = [
        Choice("algorithm", [2, 0]), Choice("rows", [6, 14, 12, 8, 4, 2, 1]), Choice("vectors", [2, 1, 3, 4]),
        Choice("left", [0, 1]), Choice("blockBytes", [1 << 20, 1 << 18, 1 << 19]),
        Choice("grain", [1 << 18, 1 << 16, 1 << 20]), Choice("unroll", [2, 1, 4]),
        Choice("prefetch", [0, 1]).only(where: "algorithm", is: [2]),
    ]
    private static let device = [
        Choice("algorithm", [3, 2, 10]), Choice("tile", [4, 0, 1, 2, 3]).only(where: "algorithm", is: [3]),
        Choice("stages", [3, 4, 2]).only(where: "algorithm", is: [3]),
        Choice("parts", [1, 2, 4]).only(where: "algorithm", is: [3]),
        Choice("across", [8, 4, 2]).only(where: "algorithm", is: [2]),
        Choice("ahead", [2, 1]).only(where: "algorithm", is: [2]), Choice("warps", [8, 4]),
        Choice("ring", [8, 4, 6]).only(where: "algorithm", is: [10]),
        Choice("together", [2, 4]).only(where: "algorithm", is: [10]),
    ]
    private static let attention = [
        Choice("form", [0, 1]), Choice("queryVectors", [4, 2, 3, 1]), Choice("rows", [4, 6, 8]),
        Choice("keyBlock", [128, 64, 256, 512]), Choice("threads", [128, 256, 512]), Choice("ahead", [0, 1, 2, 4]),
    ]
    private static let nest = [
        Choice("lanes", [1, 0]), Choice("unroll", [4, 2, 1, 8]), Choice("grain", [16384, 4096, 65536]),
        Choice("team", [1, 0, 2]), Choice("run", [4, 1, 2]),
    ]

    /// The made-up landscape of a number; even ones may be tuned on. One that is `drifted` is a relative of it, as a kernel of other
    /// sizes would be: of each number the same one.
    package static func synthetic(_ number: Int, drifted: Bool = false) -> Landscape {
        let kinds = [("product", product), ("device product", device), ("attention", attention), ("nest", nest)]
        let (kind, choices) = kinds[[0, 1, 0, 1, 2, 2, 3, 3, 0, 1, 0, 1][number]]
        var random = SeededRandom(seed: UInt64(1000 + number))
        var terms = Terms(choices, &random)
        if drifted { terms.drift(&random) }
        var codes: [Int] = []
        var found: [Found] = []
        var known: [String: Int] = [:]
        for schedule in Landscape.schedules(choices) {
            var heard = schedule
            // What changes no code.
            if let silent = terms.silent { heard.set(silent, 0) }
            if let code = known[heard.description] {
                codes.append(code)
                continue
            }
            known[heard.description] = found.count
            codes.append(found.count)
            found.append(terms.found(schedule))
        }
        return Landscape(
            name: "\(kind) \(number)\(drifted ? " drifted" : "")", isTuned: number % 2 == 0, origin: "made up",
            choices: choices, codes: codes,
            found: found
        )
    }

    /// The parts of a made-up time, in binary logarithms.
    private struct Terms {
        let choices: [Choice]
        /// Best rank of each choice under each value of the first, and what each step away from it costs.
        var best: [[Int]] = []
        var slope: [Double] = []
        /// Pairs of choices whose distances from their bests count together.
        var pairs: [(Int, Int, Double)] = []
        /// What each value of the first choice costs.
        var forms: [Double] = []
        /// Two choices whose largest values are refused together.
        var corner: (Int, Int)
        var silent: String?

        init(_ choices: [Choice], _ random: inout SeededRandom) {
            self.choices = choices
            for choice in choices {
                best.append(choices[0].values.map { _ in random.index(below: choice.values.count) })
                slope.append(0.35 * random.uniform() * random.uniform())
            }
            for _ in choices.indices {
                let (a, b) = (random.index(below: choices.count), random.index(below: choices.count))
                pairs.append((a, b, 0.25 * (random.uniform() - 0.35)))
            }
            forms = choices[0].values.map { _ in 0.8 * random.uniform() }
            corner = (1 + random.index(below: choices.count - 1), 1 + random.index(below: choices.count - 1))
            if random.uniform() < 0.5 { silent = choices.last?.name }
        }

        /// Moves a quarter of the bests by a rank, and makes what a step costs up to half as much or twice as much.
        mutating func drift(_ random: inout SeededRandom) {
            for place in choices.indices {
                slope[place] *= exp2(2 * random.uniform() - 1)
                let step = random.uniform() < 0.5 ? -1 : 1
                if random.uniform() < 0.25 {
                    best[place] = best[place].map { max(0, min(choices[place].values.count - 1, $0 + step)) }
                }
            }
            for place in forms.indices { forms[place] += 0.2 * (random.uniform() - 0.5) }
        }

        func found(_ schedule: Schedule) -> Found {
            let form = choices[0].values.firstIndex(of: schedule[choices[0]]) ?? 0
            var time = forms[form]
            let ranks = choices.map { choice in choice.values.count { $0 < schedule[choice] } }
            if corner.0 != corner.1, ranks[corner.0] + 1 == choices[corner.0].values.count,
                ranks[corner.1] + 1 == choices[corner.1].values.count
            {
                return .refused(reason: "wrong output")
            }
            let distances = choices.indices.map { place in
                let isSilent = choices[place].name == silent && place > 0
                return isSilent ? 0 : Double(abs(ranks[place] - best[place][form]))
            }
            for place in choices.indices.dropFirst() { time += slope[place] * distances[place] }
            for (a, b, cost) in pairs where a != b { time += cost * min(2, distances[a]) * min(2, distances[b]) / 2 }
            // Some roughness, the same for the same code.
            var dust = SeededRandom(seed: UInt64(ranks.reduce(form) { $0 &* 11 &+ $1 }))
            time += 0.04 * dust.uniform()
            return .timed(seconds: 1e-4 * exp2(time))
        }
    }
}
