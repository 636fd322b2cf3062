internal import Base
internal import SearchEvents

extension SearchPage {
    /// What was found, in plain words, and how it was checked.
    var summary: String {
        let text = record.done?.summary ?? record.summary
        let isGain = record.gain?.isGain ?? false
        let headline = text.prefix(1).uppercased() + text.dropFirst()
        var html =
            "<p class=\"headline\(isGain ? " gain" : "")\" data-gain=\"\(record.gain.map { $0.isGain ? "gain" : "no gain" } ?? "not measured")\">"
        html += "\(HTML.escape(headline)).</p>\n"
        html += HTML.paragraph(times)
        html += HTML.paragraph(rivalry)
        html += HTML.paragraph(checks)
        html +=
            "<dl>\n" + facts.map { "<dt>\(HTML.escape($0.0))</dt><dd>\(HTML.escape($0.1))</dd>\n" }.joined() + "</dl>\n"
        return html
    }

    private var times: String {
        guard let own = record.againstDefault, own.failure == nil else {
            return "The package was not timed beside one that was built without a search."
        }
        guard own.rounds > 0 else {
            return "The search changed nothing: code, plan and weights are those that the default choices give."
        }
        let isCrowded = record.start.objective == "throughput"
        return (isCrowded ? "With several sessions calling at the same time, a call takes " : "A call takes ")
            + "\(TextFormat.time(own.seconds * 1e9)); built without the search it takes "
            + "\(TextFormat.time(own.theirSeconds * 1e9)). Both were timed in turn, in \(own.rounds) rounds, so that what the "
            + "machine does meanwhile hits both alike. Only what is more than 2 % faster counts as a gain."
    }

    /// Whether anybody else was measured.
    private var rivalry: String {
        let others = record.comparisons.filter { $0.against != ModelComparison.ownDefault }
        if others.contains(where: { $0.failure == nil }) {
            return "It was compared with others on this machine: see “Compared with”."
        }
        return others.isEmpty
            ? "It was not compared with PyTorch on this machine; hearth optimize --against all and hearth bench do that."
            : "It was not compared with PyTorch on this machine: no rival that was asked for could be measured."
    }

    private var checks: String {
        let judged = kernelRegions.filter { $0.closing?.verifiedBy == "judge" }.count
        var text = ""
        if record.trials > 0 {
            text = "\(record.trials) candidates were tried and \(record.refused) of them refused. "
            if record.notJudged > 0 {
                text += "\(record.notJudged) more could not be judged, because the machine failed meanwhile. "
            }
        }
        if judged > 0 {
            text +=
                "\(judged) of \(kernelRegions.count) kernels were judged by themselves: their results, on inputs of many kinds, "
                + "may be at most four times as far from the exact results as PyTorch's own are. "
        }
        if !record.outputs.isEmpty {
            text +=
                "The finished package was held to the same rule on \(record.outputs.count) recorded "
                + "output\(record.outputs.count == 1 ? "" : "s"), and passed. "
        }
        return text + "Exact means: the model as PyTorch exported it, evaluated in double precision."
    }

    private var facts: [(String, String)] {
        let start = record.start
        var facts = [
            ("Machine", "\(start.machine), \(start.threads) threads (\(start.device))"),
            ("Searched for", start.objective),
        ]
        if !start.constraints.isEmpty { facts.append(("Limits", start.constraints.joined(separator: ", "))) }
        if !start.hints.isEmpty { facts.append(("Hints", start.hints.joined(separator: "; "))) }
        if let only = start.only { facts.append(("Searched only", only)) }
        if let memory = record.memory {
            let before = memory.defaultBytes.map { " (without the search \(HTML.bytes($0)))" } ?? ""
            facts.append(("Memory", "\(HTML.bytes(memory.bytes)) of arena and weights\(before)"))
        }
        if let advice = record.adviceSentence { facts.append(("Language model", advice)) }
        facts.append(("Took", "\(TextFormat.time(record.seconds * 1e9)), seed \(start.seed)"))
        return facts + record.notes.map { ("Note", $0) }
    }
}
