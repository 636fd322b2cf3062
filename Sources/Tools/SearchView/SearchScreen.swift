internal import Base
package import SearchEvents

/// The live view of a search as lines of text: regions with their best times, agents with what they are worth, and what is left of
/// the budget. Pure: the same record, time and size give the same lines.
package struct SearchScreen: Sendable {
    private let record: SearchRecord
    /// Seconds since the search began.
    private let now: Double

    /// The view of a search at a time.
    package init(_ record: SearchRecord, now: Double) {
        self.record = record
        self.now = max(now, record.seconds)
    }

    /// The lines for a terminal of this size: none is wider than `width`, and there are fewer than `height`.
    package func lines(width: Int, height: Int) -> [String] {
        let (width, room) = (max(20, width), max(4, height - 1))
        var lines = [header, standing]
        // Regions matter more than agents: these get what is left, but no less than a third.
        let agents = self.agents
        let regions = self.regions
        let forAgents = agents.count > 1 ? min(agents.count, max(room / 3, room - lines.count - regions.count)) : 0
        lines += Self.cut(regions, to: room - lines.count - forAgents, "regions")
        if agents.count > 1 { lines += Self.cut(agents, to: room - lines.count, "agents") }
        return lines.map { Self.fitted($0, width) }
    }

    private var header: String {
        let start = record.start
        let limits = start.constraints.isEmpty ? "" : ", \(start.constraints.joined(separator: ", "))"
        return "\(start.model) for \(start.objective)\(limits) on \(start.machine), \(start.threads) threads"
    }

    private var standing: String {
        let start = record.start
        let left = max(0, start.budgetSeconds - now)
        let rate = now > 0 ? Double(record.trials) / now : 0
        var parts = [
            "\(record.trials) of \(start.trials + start.modelTrials) trials", "\(record.refused) refused",
            "\(TextFormat.fixed(rate, 1)) a second", "\(TextFormat.fixed(left, 0)) s left",
        ]
        if record.notJudged > 0 { parts.insert("\(record.notJudged) not judged", at: 2) }
        let sent = record.advice.count { $0.isSent }
        if sent > 0 { parts.append("\(sent) requests SENT to a language model") }
        if let last = record.standings.last { parts.append("time \(TextFormat.fixed(last.relativeTime, 3))") }
        return parts.joined(separator: " | ")
    }

    private var regions: [String] {
        var rows = [["region", "kernel", "share", "default", "best", "gain", "of roof", "trials"]]
        for region in record.regions where region.opening.searched {
            let before = region.defaultSeconds
            let best = region.bestSeconds
            var gain = ""
            if let before, let best, best > 0 { gain = TextFormat.fixed(before / best, 2) + "x" }
            let roof = region.isModel ? nil : Roofline(region.opening, record.start).share(best)
            rows.append([
                region.opening.region, region.isModel ? "" : region.opening.kernel,
                TextFormat.fixed(100 * region.opening.share, 1) + " %", before.map { TextFormat.time($0 * 1e9) } ?? "-",
                best.map { TextFormat.time($0 * 1e9) } ?? "-", gain,
                roof.map { TextFormat.fixed(100 * $0, 0) + " %" } ?? "", "\(region.trials.count)",
            ])
        }
        guard rows.count > 1 else { return [] }
        return TextFormat.table(rows, right: [2, 3, 4, 5, 6, 7]).split(separator: "\n").map(String.init)
    }

    private var agents: [String] {
        var rows = [["agent", "trials", "accepted", "wins"]]
        // The most helpful first.
        for agent in record.agents.sorted(by: { ($1.wins, $1.trials, $0.name) < ($0.wins, $0.trials, $1.name) }) {
            let share = 100 * Double(agent.accepted) / Double(max(1, agent.trials))
            rows.append([agent.name, "\(agent.trials)", TextFormat.fixed(share, 0) + " %", "\(agent.wins)"])
        }
        return TextFormat.table(rows, right: [1, 2, 3]).split(separator: "\n").map(String.init)
    }

    /// The first rows of a table, and how many are left out.
    private static func cut(_ rows: [String], to room: Int, _ what: String) -> [String] {
        if rows.count <= max(0, room) { return rows }
        guard room >= 3 else { return [] }
        return rows.prefix(room - 1) + ["… and \(rows.count - room + 1) more \(what)"]
    }

    /// A line that takes at most `width` columns and cannot steer the terminal.
    private static func fitted(_ line: String, _ width: Int) -> String {
        let plain = String(line.map { $0.unicodeScalars.contains { $0.value < 32 || $0.value == 127 } ? "?" : $0 })
        return plain.count <= width ? plain : plain.prefix(width - 1) + "…"
    }
}

/// Redraws a screen in place: the texts that a terminal gets, one for each frame.
package struct ScreenPainter: Sendable {
    /// Lines that stand on the terminal now.
    private var height = 0

    /// Nothing stands there.
    package init() {}

    /// Goes to the first line that was drawn, and clears from there on.
    package mutating func erase() -> String {
        defer { height = 0 }
        return height == 0 ? "" : "\u{1B}[\(height)A\r\u{1B}[J"
    }

    /// Replaces what was drawn.
    package mutating func paint(_ lines: [String]) -> String {
        let text = erase() + lines.map { $0 + "\n" }.joined()
        height = lines.count
        return text
    }
}
