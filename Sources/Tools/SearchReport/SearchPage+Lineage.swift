internal import Base
internal import SearchEvents

extension SearchPage {
    /// The champions of each region, from the default to what is in the package.
    var lineage: String {
        let shown = record.regions.filter { $0.opening.searched && !$0.champions.isEmpty }
        guard !shown.isEmpty else { return "" }
        let text = HTML.paragraph(
            "Each region begins with its default. Whenever a candidate beat the champion by more than the margin, it took its place; "
                + "what it decided otherwise than the champion before it stands beside the agent that proposed it.")
        let table = HTML.table(
            "Champions in their order", ["region", "trial", "agent", "time", "faster than before", "what it changed"],
            shown.flatMap { region in
                region.lineage.enumerated().map { index, champion in
                    let before = index > 0 ? region.lineage[index - 1] : nil
                    return (
                        "\(region.opening.region)/\(index)",
                        [
                            .text(index == 0 ? Self.name(region) : "↳"), .count(champion.trial), .text(champion.agent),
                            .seconds(champion.seconds), .ratio(before.map { $0.seconds / champion.seconds }),
                            before.map { .code(Self.changes($0.schedule, champion.schedule)) } ?? .text("the first"),
                        ]
                    )
                }
            })
        let key =
            "<p class=\"keys\"><span><i class=\"key before\"></i>default schedule</span><span><i class=\"key ours\"></i>evolution</span>"
            + "<span><i class=\"key other\"></i>another mind</span></p>\n"
        let plot = "<figure>\n\(ladder(shown))</figure>\n"
        return HTML.section("lineage", "Where the winners come from", text + key + plot + table)
    }

    /// A line for each region, from its default to its winner: how many times as fast as the default each champion was, and whose it is.
    private func ladder(_ regions: [SearchRecord.Region]) -> String {
        let ratios = regions.map { region -> [Double] in
            let first = region.lineage.first?.seconds ?? 0
            return region.lineage.map { $0.seconds > 0 && first > 0 ? first / $0.seconds : 1 }
        }
        let row = 30.0
        let (left, right, bottom) = (210.0, 740.0, Double(regions.count) * row + 14)
        var plot = Plot(width: 760, height: bottom + 40)
        let greatest = ratios.joined().max() ?? 1
        let x = Scale(min(1, ratios.joined().min() ?? 1), max(1.1, greatest), from: left, to: right)
        for tick in x.ticks(6) {
            plot.line(x.place(tick), 10, x.place(tick), bottom, "rule")
            plot.text(x.place(tick), bottom + 17, Self.tickText(tick), .middle, "soft")
        }
        plot.text(right, bottom + 34, "times as fast as the default", .end, "soft")
        for (index, region) in regions.enumerated() {
            let y = 10 + row * (Double(index) + 0.5)
            let name = Self.name(region)
            plot.text(left - 12, y + 4, name.count > 26 ? "\(name.prefix(25))…" : name, .end)
            plot.path(ratios[index].map { (x: x.place($0), y: y) }, "ours")
            for (place, champion) in region.lineage.enumerated() {
                plot.dot(
                    x.place(ratios[index][place]), y, 5, Self.colour(champion.agent, isFirst: place == 0),
                    label: "trial \(champion.trial): \(champion.agent), \(TextFormat.time(champion.seconds * 1e9))")
            }
        }
        return plot.svg(
            "lineage", title: "Champions of each region",
            description:
                "\(regions.count) regions; the best is \(TextFormat.fixed(greatest, 2)) times as fast as its default.")
    }

    /// The colour of a champion by the mind that proposed it.
    private static func colour(_ agent: String, isFirst: Bool) -> String {
        isFirst ? "before" : agent.contains("evolution") ? "ours" : "other"
    }

    /// What two schedules decide differently: `rows 4 → 6, unroll 2 → 1`.
    static func changes(_ before: String, _ after: String) -> String {
        func decisions(_ text: String) -> [(name: String, value: String)] {
            text.split(separator: " ").compactMap { part in
                guard let equals = part.lastIndex(of: "=") else { return nil }
                return (name: String(part[..<equals]), value: String(part[equals...].dropFirst()))
            }
        }
        let old = decisions(before)
        return decisions(after).compactMap { decision in
            let value = old.first { $0.name == decision.name }?.value
            return value == decision.value ? nil : "\(decision.name) \(value ?? "default") → \(decision.value)"
        }.joined(separator: ", ")
    }
}
