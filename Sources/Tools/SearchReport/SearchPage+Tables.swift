internal import Base
internal import SearchEvents

extension SearchPage {
    /// The package beside others.
    var rivals: String {
        let rows = record.comparisons.map { comparison -> (key: String, cells: [HTML.Cell]) in
            let name = comparison.against == ModelComparison.ownDefault ? "without the search" : comparison.against
            if let failure = comparison.failure {
                let none = HTML.Cell.number(nil) { "\($0)" }
                return (comparison.against, [.text(name), none, none, none, none, .text("not measured: \(failure)")])
            }
            let isMeasured = comparison.rounds > 0
            let interval = "\(TextFormat.fixed(comparison.low, 2)) … \(TextFormat.fixed(comparison.high, 2))"
            return (
                comparison.against,
                [
                    .text(name), .seconds(isMeasured ? comparison.seconds : nil),
                    .seconds(isMeasured ? comparison.theirSeconds : nil), .ratio(comparison.ratio),
                    .count(comparison.rounds),
                    .text(
                        (isMeasured ? "95 % interval \(interval); " : "the same code; ")
                            + (comparison.gain.isGain ? "gain" : "no gain")),
                ]
            )
        }
        let table = HTML.table(
            "A call of this package beside others; above 1 this package is faster",
            ["beside", "this package", "the other", "ratio", "rounds", "finding"], rows)
        return HTML.section("comparisons", "Compared with", table)
    }

    /// What the agents were worth.
    var agents: String {
        let table = HTML.table(
            "Agents: whose candidates were correct, and whose won", ["agent", "trials", "correct", "wins"],
            record.agents.map { agent in
                (
                    agent.name,
                    [
                        .text(agent.name), .count(agent.trials),
                        .percent(Double(agent.accepted) / Double(max(1, agent.trials))), .count(agent.wins),
                    ]
                )
            })
        return HTML.section("agents", "Who searched", table)
    }

    /// Every kernel of the package.
    var kernels: String {
        let table = HTML.table(
            "Every kernel of the package",
            [
                "region", "kernel", "share of time", "default", "best", "trials", "found by", "verified by", "schedule",
                "note",
            ],
            kernelRegions.map { region in
                let closing = region.closing
                return (
                    region.opening.region,
                    [
                        .text(region.opening.region), .text(region.opening.kernel), .percent(region.opening.share),
                        .seconds(region.defaultSeconds), .seconds(region.bestSeconds), .count(region.trials.count),
                        .text(closing?.agent ?? ""), .text(closing?.verifiedBy ?? ""),
                        .code(closing?.schedule ?? ""), .text(closing?.note ?? region.opening.note),
                    ]
                )
            })
        return HTML.section("kernels", "Kernels", table)
    }

    /// What the stages of the build took.
    var stages: String {
        var order: [String] = []
        var seconds: [String: Double] = [:]
        for stage in record.stages {
            if seconds[stage.stage] == nil { order.append(stage.stage) }
            seconds[stage.stage, default: 0] += stage.seconds
        }
        let table = HTML.table(
            "Time that the build took", ["stage", "time"],
            order.map { ($0, [.text($0), .seconds(seconds[$0])]) })
        return HTML.section("stages", "Stages", table)
    }
}
