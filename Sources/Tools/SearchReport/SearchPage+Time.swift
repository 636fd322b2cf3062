internal import Base
internal import SearchEvents

extension SearchPage {
    /// Where the time of a call goes, before and after the search.
    var time: String {
        let rows = kernelRegions.compactMap { region -> (region: SearchRecord.Region, before: Double, after: Double)? in
            guard let before = region.defaultSeconds, let after = region.bestSeconds else { return nil }
            let launches = Double(region.opening.launches)
            return (region, before * launches, after * launches)
        }
        guard !rows.isEmpty else { return "" }
        let largest = rows.map { max($0.before, $0.after) }.max() ?? 1
        let shown = rows.sorted { $0.before > $1.before }.prefix(20)
        var plot = Plot(width: 480, height: Double(shown.count) * 58 + 6)
        let scale = Scale(0, largest, from: 0, to: 390)
        for (index, row) in shown.enumerated() {
            let y = Double(index) * 58
            let times = row.region.opening.launches > 1 ? " × \(row.region.opening.launches)" : ""
            plot.text(0, y + 14, Self.name(row.region) + times)
            for (place, value, style) in [(20.0, row.before, "before"), (37.0, row.after, "ours")] {
                plot.bar(0, y + place, scale.place(value), 13, style)
                plot.text(scale.place(value) + 6, y + place + 12, TextFormat.time(value * 1e9), .start, "soft")
            }
        }
        let figure = """
            <figure>
            <p class="keys"><span><i class="key before"></i>default schedule</span><span><i class="key ours"></i>after the search</span></p>
            \(plot.svg("time", title: "Time of each kernel in a call, before and after the search", description: Self.description(Array(shown))))
            </figure>

            """
        let table = HTML.table(
            "Time of each kernel in one call", ["region", "kernel", "launches", "default", "after", "faster"],
            rows.map { row in
                (
                    row.region.opening.region,
                    [
                        .text(row.region.opening.region), .text(row.region.opening.kernel),
                        .count(row.region.opening.launches), .seconds(row.before), .seconds(row.after),
                        .ratio(row.after > 0 ? row.before / row.after : nil),
                    ]
                )
            })
        let text = HTML.paragraph(
            "Every kernel was timed by itself; the launches of one call are added up. Kernels that take next to no time were not "
                + "searched and are not shown.")
        return HTML.section("time", "Where the time goes", text + figure + HTML.folded(table))
    }

    private static func description(
        _ rows: [(region: SearchRecord.Region, before: Double, after: Double)]
    ) -> String {
        rows.map { row in
            "\(name(row.region)): \(TextFormat.time(row.before * 1e9)) before, \(TextFormat.time(row.after * 1e9)) after"
        }.joined(separator: "; ")
    }
}
