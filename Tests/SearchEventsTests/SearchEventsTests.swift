import Foundation
import JSON
import SearchEvents
import Testing

/// Events as JSON and back, what they add up to, and that the documentation says the same.
@Suite struct SearchEventsTests {
    /// A search of one region: the default, a refusal, and a win.
    static let events: [TimedEvent] = {
        var start = SearchStart()
        (start.model, start.machine, start.threads, start.memoryRate) = ("m", "a \"chip\"", 2, 1e9)
        start.operationRates = ["f32": 1e10]
        var region = RegionOpening()
        (region.region, region.kernel, region.share, region.operations, region.bytes) = (
            "region.0", "contract_3", 0.7, 4000, 100
        )
        region.element = "f32"
        func trial(_ agent: String, _ schedule: String, _ seconds: Double?) -> SearchEvent {
            var trial = TrialEnd()
            (trial.region, trial.agent, trial.schedule, trial.seconds) = ("region.0", agent, schedule, seconds)
            trial.verdict = seconds == nil ? "refused" : "correct"
            return .trial(trial)
        }
        func win(_ agent: String, _ schedule: String, _ seconds: Double, _ before: Double?) -> SearchEvent {
            var win = RegionWin()
            (win.region, win.agent, win.schedule, win.seconds, win.beforeSeconds) = (
                "region.0", agent, schedule, seconds, before
            )
            return .win(win)
        }
        var refusal = TrialRefusal()
        (refusal.region, refusal.agent, refusal.fault, refusal.reason) = (
            "region.0", "random", "crashed", "crashed: with signal 11"
        )
        var closing = RegionClosing()
        (closing.region, closing.schedule, closing.agent, closing.verifiedBy) = (
            "region.0", "rows=4", "evolution", "judge"
        )
        (closing.defaultSeconds, closing.bestSeconds) = (2e-6, 1e-6)
        let listed: [SearchEvent] = [
            .start(start), .region(region), trial("default-first", "rows=6", 2e-6),
            win("default-first", "rows=6", 2e-6, nil),
            trial("random", "rows=8", nil), .refusal(refusal), trial("evolution", "rows=4", 1e-6),
            win("evolution", "rows=4", 1e-6, 2e-6), trial("evolution", "rows=2", 3e-6), .closed(closing),
        ]
        return listed.enumerated().map { TimedEvent(at: Double($0.offset), $0.element) }
    }()

    private static func comparison(_ against: String, _ ratio: Double, _ low: Double, rounds: Int = 9) -> SearchEvent {
        var comparison = ModelComparison()
        (comparison.against, comparison.ratio, comparison.low, comparison.high) = (against, ratio, low, ratio * 2 - low)
        comparison.rounds = rounds
        return .comparison(comparison)
    }

    @Test func whatIsWrittenIsRead() throws {
        var all = Self.events
        for event in [
            SearchEvent.stage(StageEnd()), .progress(SearchStanding()), .output(OutputAccuracy()),
            .memory(PackageMemory()),
            Self.comparison("eager", 1.5, 1.2), .advice(AdviceEnd()), .note(SearchNote()), .done(SearchDone()),
        ] { all.append(TimedEvent(at: 12.25, event)) }
        let text = TimedEvent.text(all)
        #expect(text.split(separator: "\n").count == all.count)
        #expect(try TimedEvent.parse(text) == all)
        // Every kind is among them.
        let kinds = Set(all.compactMap { $0.json.objectValue?["event"]?.stringValue })
        #expect(kinds == Set(SearchEvent.documentation.map(\.kind)))
    }

    @Test(arguments: [
        ("{}", "line 1: a line is no event: it has no member 'event'"),
        (#"{"event":"stage"}"#, "line 1: an event 'stage' lacks 'at'"),
        (#"{"event":"frob","at":1}"#, "line 1: there is no event 'frob'"),
        (#"{"event":"stage","at":1,"seconds":2}"#, "line 1: an event 'stage' lacks 'stage'"),
        (#"{"event":"stage","at":1,"stage":"x","seconds":"2"}"#, "line 1: an event 'stage' has a string as 'seconds'"),
        ("\n{", "line 1: JSON ends where "),
    ])
    func otherTextsAreNamed(_ text: String, _ message: String) {
        let error = #expect(throws: EventError.self) { try TimedEvent.parse(text) }
        #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "")")
    }

    /// What cannot be known is left out, as JSON has no infinity.
    @Test func numbersThatAreNotFiniteAreLeftOut() throws {
        var start = SearchStart()
        start.memoryRate = .infinity
        let json = TimedEvent(at: 0, .start(start)).json
        #expect(json.objectValue?["memory_rate"] == nil)
        #expect(try TimedEvent(json).json == json)
    }

    /// `Documentation/search-events.md` has one row a kind, with the names of all members in their order.
    @Test func theDocumentationListsEveryMember() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Documentation/search-events.md")
        // The first table is that of the events.
        let table = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").prefix { !$0.hasPrefix("##") }
        let rows = table.filter { $0.hasPrefix("| `") && !$0.hasPrefix("| `event`") }
        var documented: [String: [String]] = [:]
        for row in rows {
            let cells = row.split(separator: "|").map(String.init)
            func names(_ cell: String) -> [String] {
                cell.split(separator: "`").enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
            }
            documented[try #require(names(cells[0]).first)] = names(cells[1])
        }
        #expect(rows.count == SearchEvent.documentation.count)
        for (kind, members) in SearchEvent.documentation { #expect(documented[kind] == members, "\(kind)") }
    }

    @Test func eventsAddUp() throws {
        let record = SearchRecord(Self.events)
        #expect(record.trials == 4 && record.refused == 1 && record.seconds == 9)
        let region = try #require(record.regions.first)
        #expect(region.refusals == ["crashed": 1] && record.refusals.map(\.fault) == ["crashed"])
        #expect(region.curve.map(\.trial) == [1, 3, 4] && region.curve.map(\.seconds) == [2e-6, 1e-6, 1e-6])
        #expect(region.lineage.map(\.agent) == ["default-first", "evolution"])
        #expect(record.agents.map(\.name) == ["default-first", "evolution", "random"])
        #expect(record.agents.map(\.wins) == [0, 1, 0] && record.agents.map(\.accepted) == [1, 2, 0])
        let roof = Roofline(region.opening, record.start)
        #expect(roof.intensity == 40 && roof.seconds == 4e-7 && !roof.isMemoryBound)
        #expect(abs((roof.share(region.bestSeconds) ?? 0) - 0.4) < 1e-12)
    }

    /// What could not be judged is counted by itself, and is nobody's success.
    @Test func whatWasNotJudgedIsNoRefusal() throws {
        var trial = TrialEnd()
        (trial.region, trial.agent, trial.verdict) = ("region.0", "random", TrialEnd.notJudged)
        trial.reason = "notJudged: no device"
        let record = SearchRecord(Self.events + [TimedEvent(at: 20, .trial(trial))])
        #expect(record.trials == 5 && record.refused == 1 && record.notJudged == 1)
        #expect(record.refusals.map(\.fault) == ["crashed"] && record.agents.last?.accepted == 0)
        #expect(try TimedEvent(TimedEvent(at: 1, .trial(trial)).json).event == .trial(trial))
    }

    /// A champion that is not in the package is no part of its winner's line.
    @Test func theLineEndsAtWhatIsKept() throws {
        var closing = RegionClosing()
        (closing.region, closing.schedule) = ("region.0", "rows=6")
        let record = SearchRecord(Self.events + [TimedEvent(at: 20, .closed(closing))])
        #expect(record.regions[0].lineage.map(\.schedule) == ["rows=6"])
    }

    /// A gain is more than 2 % and surely more than nothing; all else is called "no gain".
    @Test(arguments: [
        (1.5, 1.4, true), (1.021, 1.001, true), (1.02, 1.01, false), (1.5, 1.0, false), (1.0, 0.9, false),
        (0.5, 0.4, false),
    ])
    func gainsAreMoreThanTheMargin(_ ratio: Double, _ low: Double, _ isGain: Bool) {
        #expect(Gain(ratio: ratio, low: low).isGain == isGain)
        let record = SearchRecord([TimedEvent(at: 0, Self.comparison("default", ratio, low))])
        #expect(record.gain?.isGain == isGain)
        #expect(
            record.summary.hasPrefix("no gain: nothing beats the package without the search by more than 2 %") != isGain
        )
    }

    /// Against rivals the fastest counts, and the package without the search no longer does.
    @Test func theBestRivalCounts() {
        var failed = ModelComparison()
        (failed.against, failed.failure) = ("onnxruntime", "not installed")
        let record = SearchRecord(
            [
                Self.comparison("default", 2, 1.9), Self.comparison("eager", 3, 2.9),
                Self.comparison("compile", 1.01, 0.99), .comparison(failed),
            ]
            .map { TimedEvent(at: 0, $0) })
        #expect(record.bestRival?.against == "compile" && record.gain?.isGain == false)
        #expect(
            record.summary
                == "no gain: nothing beats the best rival measured (compile) by more than 2 % (ratio 1.01, 95 % interval 0.99 … 1.03)"
        )
    }

    /// Where memory was searched for, memory decides.
    @Test(arguments: [
        (50.0, true, "0.50 of the memory of the package without the search, in 1.02 of its time"),
        (100, false, "no gain: nothing takes less memory than the package without the search"),
    ])
    func memoryCountsWhereItWasAskedFor(_ bytes: Double, _ isGain: Bool, _ summary: String) {
        var start = SearchStart()
        start.objective = "memory"
        var memory = PackageMemory()
        (memory.bytes, memory.defaultBytes) = (bytes, 100)
        let record = SearchRecord(
            [.start(start), .memory(memory), Self.comparison("default", 0.98, 0.97)].map { TimedEvent(at: 0, $0) })
        #expect(record.gain?.isGain == isGain && record.summary == summary)
    }

    /// A gain is said in the words of what was compared.
    @Test(arguments: [
        ("latency", "1.25 times as fast as the package without the search (95 % interval 1.20 … 1.30)"),
        (
            "throughput",
            "1.25 times as many calls a second as the package without the search (95 % interval 1.20 … 1.30)"
        ),
        ("energy", "0.80 of the energy of the package without the search (ratio 95 % interval 1.20 … 1.30)"),
    ])
    func objectivesHaveTheirWords(_ objective: String, _ summary: String) {
        var start = SearchStart()
        start.objective = objective
        let record = SearchRecord(
            [.start(start), Self.comparison("default", 1.25, 1.2)].map { TimedEvent(at: 0, $0) })
        #expect(record.summary == summary)
        // Rivals are compared by time alone.
        let raced = SearchRecord(
            [.start(start), Self.comparison("eager", 1.25, 1.2)].map { TimedEvent(at: 0, $0) })
        #expect(raced.summary == "1.25 times as fast as the best rival measured (eager) (95 % interval 1.20 … 1.30)")
    }

    @Test func nothingMeasuredIsSaid() {
        #expect(SearchRecord().gain == nil && SearchRecord().summary == "not searched and not compared with anything")
        let same = SearchRecord([TimedEvent(at: 0, .comparison(.sameCode))])
        #expect(same.gain?.isGain == false && same.summary.hasSuffix("by more than 2 % (the package is the same)"))
    }
}
