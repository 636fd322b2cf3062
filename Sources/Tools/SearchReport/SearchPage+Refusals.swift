internal import Base
internal import SearchEvents

extension SearchPage {
    /// What was refused, and why.
    var refusals: String {
        let rows = record.refusals
        guard !rows.isEmpty else { return "" }
        let text = HTML.paragraph(
            "A candidate that is wrong in any way is refused, however fast it is. \(record.refused) of \(record.trials) were."
        )
        let shown = rows.prefix(16)
        var plot = Plot(width: 480, height: Double(shown.count) * 40 + 4)
        let scale = Scale(0, Double(shown.map(\.count).max() ?? 1), from: 0, to: 430)
        for (index, row) in shown.enumerated() {
            let y = Double(index) * 40
            plot.text(0, y + 14, Self.meaning(row.fault))
            plot.bar(0, y + 20, scale.place(Double(row.count)), 12, "bad")
            plot.text(scale.place(Double(row.count)) + 6, y + 30, "\(row.count)", .start, "soft")
        }
        let figure =
            "<figure>\n"
            + plot.svg(
                "refusals", title: "Refused candidates by reason",
                description: rows.map { "\(Self.meaning($0.fault)): \($0.count)" }.joined(separator: "; "))
            + "</figure>\n"
        let table = HTML.table(
            "Refused candidates by reason", ["reason", "what it means", "candidates"],
            rows.map { ($0.fault, [.text($0.fault), .text(Self.meaning($0.fault)), .count($0.count)]) })
        return HTML.section("refusals", "What was refused", text + figure + HTML.folded(table))
    }

    /// A reason in plain words; those that are not known stand for themselves.
    private static func meaning(_ fault: String) -> String { meanings[fault] ?? fault }

    private static let meanings = [
        "notCompiled": "the compiler did not take it", "badLibrary": "it was no kernel",
        "forbiddenImport": "it calls what it should not", "writableData": "it keeps data between calls",
        "runsAtLoad": "it runs code when it is loaded", "notLoaded": "it could not be loaded",
        "failed": "it reported a failure", "outOfBounds": "it touched memory outside its buffers",
        "damagedFence": "it wrote outside its buffers", "inputChanged": "it changed its inputs",
        "crashed": "it crashed", "exited": "it ended its process", "timedOut": "it did not end in time",
        "startedThreads": "it left threads behind", "forbiddenCall": "it made a forbidden system call",
        "stateChanged": "it changed the state of its process",
        "undefinedBehaviour": "it does what C leaves undefined",
        "race": "its threads rely on who comes first", "unwritten": "it left results unwritten",
        "wrongOutput": "its results were wrong", "inaccurate": "its results were too inaccurate",
        "unstable": "it gave other results when it was run again",
        "timedOutputWrong": "it gave other results while it was timed",
        "noEvidence": "the inputs told nothing of it", "belowFloor": "it took less time than is possible",
        "clocksDisagree": "two clocks disagreed about its time", "notJudged": "the machine failed while it was judged",
        "disagrees": "the whole model's results were too far off", "process": "the process that ran it ended badly",
        "machine": "the machine failed while it was compared", "not": "the package could not be built",
    ]
}
