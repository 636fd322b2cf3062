import Base
import Testing

@testable import KernelSwarm

/// Which agents are given trials.
@Suite struct BanditTests {
    /// How many of `trials` each agent of the roster gets where `reward` says what a trial of it brings.
    private static func shares(
        _ roster: AgentRoster, _ rule: BanditRule, trials: Int, seed: UInt64, reward: (Int) -> Double
    ) -> [Int] {
        var bandit = AgentBandit(roster, rule)
        var random = SeededRandom(seed: seed)
        let bids = [Double](repeating: 1, count: roster.rows.count)
        let weights = [Double](repeating: 1, count: roster.minds.count)
        var shares = [Int](repeating: 0, count: roster.rows.count)
        for _ in 0..<trials {
            let agent = bandit.ranking(bids, weights: weights, &random)[0]
            shares[agent] += 1
            bandit.count(agent)
            bandit.reward(agent, reward(agent))
        }
        return shares
    }

    /// A mind whose trials help gets most of them, whichever it is.
    @Test(arguments: 0..<3)
    func aMindThatHelpsGetsMore(_ mind: Int) {
        let roster = AgentRoster.standard
        let shares = Self.shares(roster, .hierarchy, trials: 400, seed: 5) { roster.rows[$0].mind == mind ? 0.8 : 0 }
        let its = roster.rows.indices.filter { roster.rows[$0].mind == mind }.reduce(0) { $0 + shares[$1] }
        #expect(its > 240)
    }

    /// Among the agents of a mind those of a speciality that helps are asked more than those of the others.
    @Test func aSpecialityThatHelpsGetsMore() {
        let roster = AgentRoster.standard
        let helps = Speciality.tiling
        func isIt(_ agent: Int) -> Bool { roster.rows[agent].focus.specialities == [helps] }
        let shares = Self.shares(roster, .hierarchy, trials: 400, seed: 6) { isIt($0) ? 0.8 : 0.05 }
        let its = roster.rows.indices.filter(isIt).reduce(0) { $0 + shares[$1] }
        // Chance gives them 400 divided by the number of specialities.
        #expect(its > 400 / Speciality.allCases.count * 2)
    }

    /// What helped at first and no longer does is left.
    @Test func thePastIsForgotten() {
        let roster = AgentRoster.standard
        var trial = 0
        var late = 0
        _ = Self.shares(roster, .hierarchy, trials: 800, seed: 7) { agent in
            trial += 1
            let isFirst = roster.rows[agent].mind == 0
            if trial > 600, !isFirst { late += 1 }
            return isFirst == (trial < 300) ? 0.8 : 0
        }
        #expect(late > 120)
    }

    @Test func inTurnIsEven() {
        let roster = AgentRoster.standard
        let shares = Self.shares(roster, .inTurn, trials: 64, seed: 8) { _ in 0.5 }
        #expect((shares.max() ?? 0) - (shares.min() ?? 0) <= 1)
    }
}
