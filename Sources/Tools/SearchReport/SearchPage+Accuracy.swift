internal import Base
internal import SearchEvents

extension SearchPage {
    /// Errors of the package beside PyTorch's own.
    var accuracy: String {
        let outputs = record.outputs
        guard !outputs.isEmpty else { return "" }
        let text = HTML.paragraph(
            "No computer calculates exactly; the question is how far from exact a result is. Here the errors of this package (root "
                + "mean square over an output) stand beside those of PyTorch on the same inputs, both measured against the model in "
                + "double precision. The red line is what is allowed: four times PyTorch's error, or a rounding of the output's type where "
                + "that is more.")
        let shown = outputs.filter { max($0.rms, $0.torchRMS) > 0 }.sorted { Self.severity($0) > Self.severity($1) }
            .prefix(16)
        var figure = ""
        if let largest = shown.map({ max($0.rms, $0.torchRMS, $0.allowedRMS) }).max() {
            let least = shown.flatMap { [$0.rms, $0.torchRMS] }.filter { $0 > 0 }.min() ?? largest
            var plot = Plot(width: 480, height: Double(shown.count) * 58 + 26)
            let scale = Scale(least / 4, largest * 1.5, logarithmic: true, from: 0, to: 470)
            let bottom = Double(shown.count) * 58 + 4
            for tick in scale.ticks(5) {
                plot.line(scale.place(tick), 0, scale.place(tick), bottom, "rule")
                plot.text(min(456, max(16, scale.place(tick))), bottom + 16, Self.tickText(tick), .middle, "soft")
            }
            for (index, output) in shown.enumerated() {
                let y = Double(index) * 58
                plot.text(0, y + 14, output.output)
                plot.bar(0, y + 20, scale.place(output.torchRMS), 13, "other")
                plot.bar(0, y + 37, scale.place(output.rms), 13, "ours")
                if output.allowedRMS > 0 {
                    let limit = scale.place(output.allowedRMS)
                    plot.line(limit, y + 17, limit, y + 53, "limit")
                }
            }
            let words = shown.map {
                "\($0.output): \(HTML.scientific($0.rms)) for PyTorch's \(HTML.scientific($0.torchRMS)), allowed \(HTML.scientific($0.allowedRMS))"
            }
            figure = """
                <figure>
                <p class="keys"><span><i class="key other"></i>PyTorch</span><span><i class="key ours"></i>this package</span>\
                <span><i class="key bad"></i>allowed</span></p>
                \(plot.svg("error", title: "Root mean square error of each output, on a logarithmic scale", description: words.joined(separator: "; ")))
                </figure>

                """
        }
        let table = HTML.table(
            "Errors of each output against the model in double precision",
            ["output", "elements", "rms", "PyTorch's", "allowed", "largest", "PyTorch's", "allowed"],
            outputs.map { output in
                (
                    output.output,
                    [
                        .text(output.output), .count(output.elements), .error(output.rms), .error(output.torchRMS),
                        .error(output.allowedRMS), .error(output.maximum), .error(output.torchMaximum),
                        .error(output.allowedMaximum),
                    ]
                )
            })
        return HTML.section("accuracy", "How accurate it is", text + figure + HTML.folded(table))
    }

    private static func severity(_ output: OutputAccuracy) -> Double {
        output.allowedRMS > 0 ? output.rms / output.allowedRMS : 0
    }
}
