import SearchEvents
import Testing

@testable import SearchReport

/// The page of a search: what stands in it, and that nothing in a model's name gets out of its place.
@Suite struct SearchReportTests {
    private static func page(model: String = "m.pt2", _ more: [SearchEvent] = []) -> String {
        var start = SearchStart()
        (start.model, start.memoryRate, start.operationRates) = (model, 1e10, ["f32": 1e11])
        var region = RegionOpening()
        (region.region, region.kernel, region.share, region.launches) = ("region.0", model, 1, 3)
        (region.operations, region.bytes, region.element) = (1e6, 1e4, "f32")
        var events: [SearchEvent] = [.start(start), .region(region)]
        for (trial, seconds) in [2e-5, 1e-5].enumerated() {
            var end = TrialEnd()
            (end.region, end.agent, end.seconds) = ("region.0", "evolution", seconds)
            var win = RegionWin()
            (win.region, win.agent, win.seconds, win.schedule) = (
                "region.0", "evolution", seconds, "rows=\(trial) unroll=1"
            )
            events += [.trial(end), .win(win)]
        }
        return SearchPage(SearchRecord((events + more).map { TimedEvent(at: 1, $0) })).html
    }

    @Test func everyPartIsThere() {
        var refused = TrialRefusal()
        (refused.region, refused.fault) = ("region.0", "crashed")
        var output = OutputAccuracy()
        (output.output, output.rms, output.torchRMS, output.allowedRMS) = ("output.0", 1e-7, 2e-7, 8e-7)
        let page = Self.page([.refusal(refused), .output(output), .comparison(.sameCode), .stage(StageEnd())])
        for part in [
            "time", "curves", "roofline", "accuracy", "comparisons", "refusals", "lineage", "agents", "kernels",
            "stages",
        ] {
            #expect(page.contains("<section id=\"\(part)\""), "\(part)")
        }
        #expect(page.contains("data-gain=\"no gain\"") && page.contains("No gain: nothing beats"))
        // Three launches of a call, each 20 and 10 µs; the win changed one decision.
        #expect(page.contains("60.0 µs") && page.contains("30.0 µs") && page.contains("rows 0 → 1"))
        #expect(page.contains("it crashed"))
        // The champion of evolution stands at twice the default's speed.
        #expect(page.contains("<title id=\"lineage-t\">Champions of each region</title>"))
        #expect(page.contains("the best is 2.00 times as fast as its default"))
        #expect(page.contains("evolution, 10.0 µs</title></circle>"))
    }

    /// Without a search there is still a page, without empty parts.
    @Test func nothingMakesAPage() {
        let page = SearchPage(SearchRecord()).html
        #expect(page.contains("Not searched and not compared with anything") && !page.contains("<section"))
        #expect(page.hasPrefix("<!DOCTYPE html>") && page.hasSuffix("</html>\n"))
    }

    @Test func namesStayText() {
        let page = Self.page(model: "<script>alert(\"1\")</script>&'")
        #expect(
            !page.contains("<script") && page.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;"))
    }

    /// Whatever numbers a record of somebody else's holds, there is a page.
    @Test(arguments: [-1e308, -1, 0, .leastNonzeroMagnitude, 1e-30, 1e30, 1e308]) func strangeNumbersMakeAPage(
        _ value: Double
    ) {
        var start = SearchStart()
        (start.memoryRate, start.operationRates) = (value, ["f32": value])
        var region = RegionOpening()
        (region.region, region.share, region.operations, region.bytes) = ("region.0", value, abs(value), abs(value))
        var win = RegionWin()
        (win.region, win.seconds) = ("region.0", value)
        var trial = TrialEnd()
        (trial.region, trial.seconds) = ("region.0", value)
        var output = OutputAccuracy()
        (output.rms, output.torchRMS, output.allowedRMS) = (value, value, value)
        var memory = PackageMemory()
        (memory.bytes, memory.defaultBytes) = (value, value)
        var comparison = ModelComparison.sameCode
        (comparison.ratio, comparison.low, comparison.high, comparison.rounds) = (value, value, value, 1)
        let events: [SearchEvent] = [
            .start(start), .region(region), .trial(trial), .win(win), .trial(trial), .win(win), .output(output),
            .memory(memory), .comparison(comparison),
        ]
        let page = SearchPage(SearchRecord(events.map { TimedEvent(at: value, $0) })).html
        #expect(page.hasSuffix("</html>\n"))
    }

    @Test func nothingIsLoaded() {
        let page = Self.page()
        for part in ["http", "//", "src=", "href=", "@import", "url("] { #expect(!page.contains(part), "\(part)") }
    }

    @Test(arguments: [
        (0.0, "0"), (1.07e-7, "1.07e-07"), (12345, "1.23e+04"), (-2e-12, "-2.00e-12"), (1, "1.00e+00"),
    ])
    func errorsReadWell(_ value: Double, _ text: String) { #expect(HTML.scientific(value) == text) }

    @Test(arguments: [
        (0.0, 10.0, false, [0.0, 5, 10]), (0, 1, false, [0, 0.5, 1]), (1, 1e6, true, [1, 10, 100, 1e3, 1e4, 1e5, 1e6]),
        (3, 30, true, [5, 10, 20]),
    ])
    func ticksAreRound(_ low: Double, _ high: Double, _ isLogarithmic: Bool, _ expected: [Double]) {
        let ticks = Scale(low, high, logarithmic: isLogarithmic, from: 0, to: 100).ticks(isLogarithmic ? 6 : 2)
        #expect(ticks.count == expected.count)
        for (tick, wanted) in zip(ticks, expected) { #expect(abs(tick - wanted) < 1e-9 * high) }
    }

    @Test func placesStayOnTheAxis() {
        let scale = Scale(1, 100, logarithmic: true, from: 0, to: 100)
        #expect([0, 1, 10, 100, 1e9].map { scale.place($0).rounded() } == [0, 0, 50, 100, 100])
    }
}
