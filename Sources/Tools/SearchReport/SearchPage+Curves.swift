internal import Base
internal import SearchEvents

extension SearchPage {
    /// The best time of each region against its trials.
    var curves: String {
        let shown = record.regions.filter { $0.opening.searched && $0.trials.count > 1 && !$0.champions.isEmpty }
        guard !shown.isEmpty else { return "" }
        let text = HTML.paragraph(
            "Each line is the best correct time so far, against the number of candidates tried in that region. It falls where a "
                + "candidate won; a long flat end says that more trials would hardly help. The dashed line is the default."
        )
        let plots = shown.enumerated().map { index, region in
            "<figure data-region=\"\(HTML.escape(region.opening.region))\">\n<h3>\(HTML.escape(Self.name(region)))</h3>\n"
                + Self.curve(region, "curve\(index)") + "</figure>\n"
        }
        let table = HTML.table(
            "Best time after each win", ["region", "trials", "default", "best", "won at trial"],
            shown.map { region in
                (
                    region.opening.region,
                    [
                        .text(Self.name(region)), .count(region.trials.count),
                        .seconds(region.champions.first?.seconds),
                        .seconds(region.champions.last?.seconds),
                        .text(region.champions.map { "\($0.trial)" }.joined(separator: ", ")),
                    ]
                )
            })
        return HTML.section(
            "curves", "How the search went",
            text + "<div class=\"grid\">\n\(plots.joined())</div>\n" + HTML.folded(table))
    }

    private static func curve(_ region: SearchRecord.Region, _ id: String) -> String {
        let points = region.curve
        let times = points.map(\.seconds)
        let (first, best) = (times[0], times.min() ?? times[0])
        let unit = unit(of: times.max() ?? first)
        var plot = Plot(width: 340, height: 200)
        let x = Scale(0, Double(region.trials.count), from: 52, to: 330)
        let y = Scale(0, (times.max() ?? 1) * 1.08 / unit.size, from: 168, to: 10)
        for tick in y.ticks(4) {
            plot.line(52, y.place(tick), 330, y.place(tick), "rule")
            plot.text(46, y.place(tick) + 4, tickText(tick), .end, "soft")
        }
        for tick in x.ticks(4) where tick == tick.rounded() {
            plot.text(x.place(tick), 184, tickText(tick), .middle, "soft")
        }
        plot.line(52, 168, 330, 168, "axis")
        plot.text(330, 198, "trials", .end, "soft")
        plot.text(4, 198, unit.name, .start, "soft")
        plot.line(52, y.place(first / unit.size), 330, y.place(first / unit.size), "dash")
        var steps: [(x: Double, y: Double)] = []
        for point in points {
            let place = (x: x.place(Double(point.trial)), y: y.place(point.seconds / unit.size))
            if let last = steps.last { steps.append((x: place.x, y: last.y)) }
            steps.append(place)
        }
        plot.path(steps, "ours")
        for champion in region.champions {
            plot.dot(
                x.place(Double(champion.trial)), y.place(champion.seconds / unit.size), 3.5, "ours",
                label: "trial \(champion.trial): \(TextFormat.time(champion.seconds * 1e9)) by \(champion.agent)")
        }
        return plot.svg(
            id, title: "Best time of \(name(region)) against trials",
            description:
                "From \(TextFormat.time(first * 1e9)) to \(TextFormat.time(best * 1e9)) in \(region.trials.count) trials, "
                + "with \(max(0, region.champions.count - 1)) wins.")
    }

    /// The unit in which times up to this one read well.
    static func unit(of seconds: Double) -> (name: String, size: Double) {
        for unit in [("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)] where seconds >= unit.1 { return unit }
        return ("ns", 1e-9)
    }

    /// A round number as short as it is.
    static func tickText(_ value: Double) -> String {
        if value != 0, abs(value) < 1e-3 || abs(value) >= 1e6 {
            let text = HTML.scientific(value)
            return text.replacing(".00e", "e").replacing("e+0", "e").replacing("e-0", "e-").replacing("e+", "e")
        }
        var text = TextFormat.fixed(value, 3)
        while text.hasSuffix("0") { text.removeLast() }
        return text.hasSuffix(".") ? String(text.dropLast()) : text
    }
}

extension String {
    /// The text with every occurrence of a part replaced.
    fileprivate func replacing(_ part: String, _ other: String) -> String {
        var (result, rest) = ("", self[...])
        while let range = rest.firstRange(of: part) {
            result += rest[..<range.lowerBound] + other
            rest = rest[range.upperBound...]
        }
        return result + rest
    }
}
