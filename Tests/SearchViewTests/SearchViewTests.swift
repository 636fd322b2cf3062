import SearchEvents
import SearchView
import Testing

/// The live view: state in, lines out.
@Suite struct SearchViewTests {
    private static func record(regions: Int = 2) -> SearchRecord {
        var start = SearchStart()
        (start.model, start.machine, start.threads, start.trials) = ("bert.pt2", "a chip", 4, 30)
        (start.modelTrials, start.budgetSeconds, start.memoryRate) = (10, 60, 1e9)
        start.operationRates = ["f32": 1e10]
        var events: [SearchEvent] = [.start(start)]
        for number in 0..<regions {
            var region = RegionOpening()
            (region.region, region.kernel, region.share) = ("region.\(number)", "contract_\(number)", 0.5)
            (region.operations, region.bytes, region.element) = (5e6, 100, "f32")
            events.append(.region(region))
            for (agent, seconds) in [("default-first", 1e-3), ("evolution", nil), ("evolution", 8e-4)]
                as [(String, Double?)]
            {
                var trial = TrialEnd()
                (trial.region, trial.agent, trial.seconds) = (region.region, agent, seconds)
                events.append(.trial(trial))
                guard let seconds else { continue }
                var win = RegionWin()
                (win.region, win.agent, win.seconds) = (region.region, agent, seconds)
                win.beforeSeconds = agent == "evolution" ? 1e-3 : nil
                events.append(.win(win))
            }
        }
        return SearchRecord(events.map { TimedEvent(at: 12, $0) })
    }

    @Test func stateBecomesLines() {
        #expect(
            SearchScreen(Self.record(), now: 12).lines(width: 100, height: 30) == [
                "bert.pt2 for latency on a chip, 4 threads",
                "6 of 40 trials | 2 refused | 0.5 a second | 48 s left",
                "region    kernel       share  default    best   gain  of roof  trials",
                "region.0  contract_0  50.0 %  1.00 ms  800 µs  1.25x     63 %       3",
                "region.1  contract_1  50.0 %  1.00 ms  800 µs  1.25x     63 %       3",
                "agent          trials  accepted  wins",
                "evolution           4      50 %     2",
                "default-first       2     100 %     0",
            ])
    }

    /// However small the terminal, lines fit it, and the header stays.
    @Test(arguments: [(20, 5), (40, 10), (80, 24), (200, 6), (1, 1)])
    func linesFit(_ width: Int, _ height: Int) {
        let lines = SearchScreen(Self.record(regions: 40), now: 12).lines(width: width, height: height)
        #expect(lines.allSatisfy { $0.count <= max(20, width) })
        #expect(lines.count < max(5, height) && lines[0].hasPrefix("bert.pt2 for la"))
    }

    @Test func whatDoesNotFitIsCounted() {
        let lines = SearchScreen(Self.record(regions: 40), now: 12).lines(width: 80, height: 24)
        #expect(lines.contains { $0.hasPrefix("… and 2") && $0.hasSuffix(" more regions") })
        #expect(lines.contains { $0.hasPrefix("evolution") })
    }

    /// Names that would steer the terminal cannot.
    @Test func namesDoNotSteer() {
        var start = SearchStart()
        start.model = "m\u{1B}[2J\nx"
        let lines = SearchScreen(SearchRecord([TimedEvent(at: 0, .start(start))]), now: 0).lines(width: 80, height: 24)
        #expect(lines[0].hasPrefix("m?[2J?x for latency"))
    }

    /// A frame erases the one before, line for line.
    @Test func framesReplaceEachOther() {
        var painter = ScreenPainter()
        #expect(painter.paint(["a", "b"]) == "a\nb\n")
        #expect(painter.paint(["c"]) == "\u{1B}[2A\r\u{1B}[Jc\n")
        #expect(painter.erase() == "\u{1B}[1A\r\u{1B}[J")
        #expect(painter.erase() == "" && painter.paint(["d"]) == "d\n")
    }
}
