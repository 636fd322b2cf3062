import Testing

@testable import Baselines

/// Which side runs when, and what follows from the times.
@Suite struct InterleavedTimingTests {
    @Test(arguments: 1...9) func everySideTakesEveryPlaceEquallyOften(_ sides: Int) {
        var places = [[Int]](repeating: [Int](repeating: 0, count: sides), count: sides)
        var leads = [[Int]](repeating: [Int](repeating: 0, count: sides), count: sides)
        for round in 0..<2 * sides {
            let order = InterleavedTiming.order(sides: sides, round: round)
            #expect(order.sorted() == Array(0..<sides))
            for (place, side) in order.enumerated() {
                places[side][place] += 1
                for later in order[(place + 1)...] { leads[side][later] += 1 }
            }
        }
        #expect(places.allSatisfy { $0.allSatisfy { $0 == 2 } })
        for one in 0..<sides {
            for other in 0..<sides where one != other { #expect(leads[one][other] == sides) }
        }
    }

    @Test func batchesRunInOrderAndPairWithinTheirRound() {
        var timing = InterleavedTiming(sides: 3)
        var ran: [Int] = []
        for round in 0..<4 {
            timing.measure { side in
                ran.append(side)
                return side == 2 && round >= 2 ? nil : Double((side + 1) * (round + 1))
            }
        }
        #expect(ran == [0, 1, 2, 2, 1, 0, 1, 2, 0, 0, 2, 1])
        #expect(timing.paired(with: 1).rounds.map(\.ours) == [1, 2, 3, 4])
        #expect(timing.paired(with: 1).ratio == 2)
        // The side that dropped out keeps the rounds in which it ran.
        #expect(timing.paired(with: 2).rounds.map(\.theirs) == [3, 6])
    }

    @Test func theIntervalOfTheMedianComesFromOrderStatistics() {
        // 21 rounds with ratios 1, 2, …, 21: Conover's ranks are 6 and 16 of the sorted ratios.
        let timing = PairedTiming(rounds: (1...21).map { .init(ours: 1, theirs: Double($0)) }.reversed())
        #expect(timing.ratio == 11)
        #expect(timing.interval == 6...16 || timing.interval == 7...16)
        #expect(timing.interval.contains(timing.ratio))
        let one = PairedTiming(rounds: [.init(ours: 2, theirs: 3)])
        #expect(one.interval == 1.5...1.5)
        #expect(PairedTiming().ratio == 0)
    }

    @Test func mediansAndMeans() {
        #expect(median([3, 1, 2]) == 2 && median([4, 1, 2, 3]) == 2.5 && median([]) == 0)
        #expect(abs(geometricMean([1, 4, 16]) - 4) < 1e-12 && geometricMean([]) == 0)
    }
}
