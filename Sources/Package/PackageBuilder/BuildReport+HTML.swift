import KernelIR
import ModelPackage

/// `report.html`: the same facts as `report.json`, as one static page that loads nothing.
extension BuildReport {
    /// The page for a model of this name.
    static func html(
        _ model: String, _ timings: [Pipeline.Timing], _ findings: Pipeline.Findings, _ stated: [Manifest.Fact] = []
    ) -> String {
        var page = """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><title>\(escape(model))</title>
            <style>
            body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
            table { border-collapse: collapse; margin: 1rem 0; width: 100%; }
            th, td { border-bottom: 1px solid #ccc; padding: .25rem .6rem; text-align: left; vertical-align: top; }
            td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
            </style></head><body>
            <h1>\(escape(model))</h1>

            """
        if !stated.isEmpty {
            page += table(
                "Weights and libraries", [("what", false), ("stated", false)], stated.map { [$0.name, $0.value] })
        }
        page += table(
            "Stages", [("stage", false), ("seconds", true)],
            timings.map { [$0.stage.rawValue, fixed($0.seconds, 3)] })
        if let cover = findings.cover {
            page += table(
                "Whole model",
                [
                    ("decisions that differ from the rules", false), ("found by", false), ("trials", true),
                    ("refused", true), ("by the rules", true), ("best", true),
                ],
                [
                    [
                        cover.winner.isEmpty ? "none" : cover.winner, cover.agent, "\(cover.trials)",
                        "\(cover.refusals.values.reduce(0, +))", time(cover.defaultSeconds), time(cover.bestSeconds),
                    ]
                ])
        }
        page += table(
            "Kernels",
            [
                ("kernel", false), ("share of time", true), ("default", true), ("best", true), ("found by", false),
                ("schedule", false), ("trials", true), ("refusals", false), ("note", false),
            ],
            findings.regions.map { region in
                [
                    region.kernel, fixed(region.share * 100, 1) + " %", time(region.defaultSeconds),
                    time(region.bestSeconds), region.agent, region.schedule.description, "\(region.trials)",
                    region.refusals.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "),
                    region.note,
                ]
            })
        return page + "</body></html>\n"
    }

    /// A table under a heading; a column is its title and whether it holds numbers. Nothing when there are no rows.
    private static func table(_ title: String, _ columns: [(title: String, isNumber: Bool)], _ rows: [[String]])
        -> String
    {
        guard !rows.isEmpty else { return "" }
        func row(_ tag: String, _ cells: [String]) -> String {
            let cells = zip(columns, cells).map { column, cell in
                "<\(tag)\(column.isNumber ? " class=\"n\"" : "")>\(escape(cell))</\(tag)>"
            }
            return "<tr>\(cells.joined())</tr>\n"
        }
        return "<h2>\(escape(title))</h2>\n<table>\n\(row("th", columns.map(\.title)))"
            + rows.map { row("td", $0) }.joined() + "</table>\n"
    }

    private static func time(_ seconds: Double?) -> String { seconds.map { fixed($0 * 1e6, 1) + " µs" } ?? "" }

    /// A number with that many decimals.
    private static func fixed(_ value: Double, _ decimals: Int) -> String {
        let scale = (0..<decimals).reduce(1.0) { product, _ in product * 10 }
        let scaled = (value * scale).rounded()
        guard scaled.magnitude < 1e15 else { return "\(value)" }
        let digits = String(Int(scaled.magnitude))
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        return (scaled < 0 ? "-" : "") + padded.dropLast(decimals) + "." + padded.suffix(decimals)
    }

    /// A text whose special characters cannot become tags.
    static func escape(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
