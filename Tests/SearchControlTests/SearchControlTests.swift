import KernelIR
import SearchControl
import Testing

/// What people may wish of a search, text by text, and what is said of wishes that cannot be met.
@Suite struct SearchControlTests {
    @Test(arguments: [
        ("memory<500MB", 500e6, true), ("memory<=1.5GiB", 1.5 * 1_073_741_824, false), ("latency<5ms", 5e-3, true),
        ("latency < 250us", 250e-6, true), ("latency<1e3ns", 1e-6, true), ("memory<64kB", 64e3, true),
    ])
    func constraintsHaveUnits(_ text: String, _ limit: Double, _ isStrict: Bool) throws {
        let constraint = try SearchConstraint(parsing: text)
        #expect(abs(constraint.limit - limit) <= 1e-12 * limit && constraint.isStrict == isStrict)
        #expect(constraint.description == text)
    }

    @Test(arguments: [
        ("memory>5MB", "--constraint 'memory>5MB': write it as memory<500MB or latency<5ms"),
        ("speed<5ms", "--constraint 'speed<5ms': 'speed' cannot be limited; these can be: memory, latency"),
        (
            "memory<500",
            "--constraint 'memory<500': a unit is missing of memory; the units are KiB, MiB, GiB, kB, KB, MB, GB, B"
        ),
        ("latency<5MB", "--constraint 'latency<5MB': 'MB' is no unit of latency; the units are ns, us, µs, ms, s"),
        ("latency<-5ms", "--constraint 'latency<-5ms': '-5ms' is no amount above 0 such as 500MB or 5ms"),
        ("latency<0ms", "--constraint 'latency<0ms': '0ms' is no amount above 0 such as 500MB or 5ms"),
        ("latency<ms", "--constraint 'latency<ms': 'ms' is no amount above 0 such as 500MB or 5ms"),
    ])
    func otherConstraintsAreNamed(_ text: String, _ message: String) {
        #expect(throws: ControlError(message)) { try SearchConstraint(parsing: text) }
    }

    /// A candidate of so many seconds and bytes against a champion; whether it was measured to be better; who wins.
    @Test(arguments: [
        (SearchGoal.Objective.latency, 0.9, 200.0, true, true), (.latency, 0.99, 100, false, false),
        (.throughput, 0.9, 100, true, true), (.memory, 1.0, 90, false, true), (.memory, 1.09, 99, false, true),
        // Less memory at more than 1.1 times the default's time is no win, and more memory never is.
        (.memory, 1.11, 50, false, false), (.memory, 0.5, 101, true, false), (.memory, 0.9, 100, true, true),
        (.memory, 1.0, 100, false, false), (.energy, 1.05, 100, true, true), (.energy, 1.2, 100, true, false),
        (.energy, 0.9, 100, false, false),
    ])
    func objectivesDecide(
        _ objective: SearchGoal.Objective, _ seconds: Double, _ bytes: Double, _ isBetter: Bool, _ isWin: Bool
    ) {
        let start = SearchFigures(seconds: 1, bytes: 100)
        let found = SearchGoal(objective).isWin(
            SearchFigures(seconds: seconds, bytes: bytes), over: start, isBetter: isBetter, start: start)
        #expect(found == isWin)
    }

    /// Limits come before the objective: nearer wins, and what keeps them never gives way.
    @Test(arguments: [
        // Champion above the limit: nearer wins though it is slower, farther loses though it is faster.
        (1.0, 100.0, 3.0, 90.0, false, true), (1.0, 100.0, 0.5, 110.0, true, false),
        // Champion within: above the limit loses, within the objective decides.
        (1.0, 79.0, 0.5, 81.0, true, false), (1.0, 79.0, 0.9, 79.5, true, true), (1.0, 79.0, 0.99, 70.0, false, false),
    ])
    func limitsComeFirst(
        _ seconds: Double, _ bytes: Double, _ newSeconds: Double, _ newBytes: Double, _ isBetter: Bool, _ isWin: Bool
    ) throws {
        let goal = SearchGoal(.latency, [try SearchConstraint(parsing: "memory<80B")])
        let champion = SearchFigures(seconds: seconds, bytes: bytes)
        let found = goal.isWin(
            SearchFigures(seconds: newSeconds, bytes: newBytes), over: champion, isBetter: isBetter, start: champion)
        #expect(found == isWin)
    }

    /// A time nearer to its limit must have been measured to be shorter: noise meets no limit.
    @Test func timesNearerToLimitsAreMeasured() throws {
        let goal = SearchGoal(.memory, [try SearchConstraint(parsing: "latency<500ms")])
        let champion = SearchFigures(seconds: 1, bytes: 100)
        for isBetter in [true, false] {
            let nearer = SearchFigures(seconds: 0.99, bytes: 100)
            #expect(goal.isWin(nearer, over: champion, isBetter: isBetter, start: champion) == isBetter)
        }
    }

    @Test func brokenLimitsAreSaidWithTheBestReached() throws {
        let goal = SearchGoal(
            .latency, [try SearchConstraint(parsing: "memory<500MB"), try SearchConstraint(parsing: "latency<5ms")])
        #expect(goal.complaint(SearchFigures(seconds: 4e-3, bytes: 4e8), best: { _ in nil }) == nil)
        let said = goal.complaint(SearchFigures(seconds: 4e-3, bytes: 7e8)) { $0 == .memory ? 612.4e6 : 1 }
        #expect(said == "--constraint 'memory<500MB' is not met: the least that the search reached is 612.4 MB")
        let late = goal.complaint(SearchFigures(seconds: 5e-3, bytes: 4e8), best: { _ in nil })
        #expect(late == "--constraint 'latency<5ms' is not met: the least that the search reached is 5 ms")
    }

    private static let regions = [
        NamedRegion(
            name: "region.0", kernel: "contract_3",
            choices: [
                Choice("algorithm", [2, 0]).named([0: "generated", 2: "window"]), Choice("rows", [6, 4, 8]),
                Choice("left", [0]),
            ]),
        NamedRegion(name: "region.1", kernel: "rows_7", choices: [Choice("unroll", [2, 1]), Choice("rows", [1, 2])]),
        NamedRegion(name: "region.10", kernel: "map_9", choices: [Choice("left", [0])]),
    ]

    /// Hints and the values that they leave, by region and choice.
    @Test(arguments: [
        ("region.0: rows=4", "0 rows 4"), ("contract_3: algorithm=generated, rows=8", "0 algorithm 0; 0 rows 8"),
        ("region.0:strategy=window", "0 algorithm 2"), ("*: rows=2", "1 rows 2"),
        ("*: unroll=1 rows=4", "0 rows 4; 1 unroll 1"),
        ("region.1: rows=2", "1 rows 2"),
    ])
    func hintsNarrow(_ text: String, _ expected: String) throws {
        let table = try HintTable([SearchHint(parsing: text)], regions: Self.regions)
        var changed: [String] = []
        for (index, (now, before)) in zip(table.regions, Self.regions).enumerated() {
            for (choice, old) in zip(now.choices, before.choices) where choice != old {
                changed.append("\(index) \(choice.name) \(choice.values.map(String.init).joined(separator: ","))")
            }
            #expect(table.isHinted[index] == (now != before))
        }
        #expect(changed.joined(separator: "; ") == expected)
    }

    /// The first digits of a key name a region, six at least, wherever it stands and whatever its kernel is called.
    @Test func keysAreNames() throws {
        var regions = Self.regions
        regions[0].key = "1f09ab77c0ffee00"
        regions[1].key = "1f09ab00c0ffee00"
        func hinted(_ region: String) throws -> [Bool] {
            try HintTable([SearchHint(parsing: "\(region): rows=4")], regions: regions).isHinted
        }
        for text in ["1f09ab77", "1f09ab7", "1f09ab77c0ffee00"] { #expect(try hinted(text) == [true, false, false]) }
        regions.swapAt(0, 2)
        #expect(try hinted("1f09ab77") == [false, false, true])
        #expect(try NamedRegion.selected("1f09ab00", of: regions) == [false, true, false])
        // Both begin so.
        #expect(try NamedRegion.selected("1f09ab", of: regions) == [false, true, true])
        let fault = #expect(throws: ControlError.self) { try hinted("1f09a") }
        #expect(fault?.description.hasSuffix("region.1 (rows_7, 1f09ab00), region.0 (contract_3, 1f09ab77)") == true)
    }

    @Test(arguments: [
        (
            "region.2: rows=4",
            "no region 'region.2'; the regions are region.0 (contract_3), region.1 (rows_7), region.10 (map_9)"
        ),
        ("region.0: tile=4", "region.0 (contract_3) has no choice 'tile'; its choices are algorithm, rows"),
        ("region.10: tile=4", "region.10 (map_9) has no choice 'tile'; it has none at all"),
        ("region.0: rows=5", "'rows' of region.0 (contract_3) takes 6, 4, 8, not 5"),
        (
            "region.0: strategy=template",
            "'algorithm' of region.0 (contract_3) takes 2 (window), 0 (generated), not template"
        ),
        ("*: rows=7", "'rows' takes 6, 4, 8; or 1, 2, not 7"),
        ("*: tile=7", "no region has a choice 'tile'; the choices are algorithm, rows, unroll"),
    ])
    func wrongHintsNameWhatIsAllowed(_ text: String, _ message: String) throws {
        let hint = try SearchHint(parsing: text)
        #expect(throws: ControlError("--hint '\(text)': \(message)")) {
            try HintTable([hint], regions: Self.regions)
        }
    }

    /// A hint for all that fits decisions about the whole model need not fit a kernel.
    @Test func hintsMayFitElsewhere() throws {
        let hint = try SearchHint(parsing: "*: threads=2")
        #expect(throws: ControlError.self) { try HintTable([hint], regions: Self.regions) }
        let table = try HintTable([hint], regions: Self.regions, elsewhere: [hint])
        #expect(!table.isHinted.contains(true))
        let model = NamedRegion(name: "model", kernel: "model", choices: [Choice("threads.count", [2, 1])])
        #expect(try HintTable([hint], regions: [model]).regions[0].choices[0].values == [2])
    }

    @Test(arguments: [
        ("rows=4", "--hint 'rows=4': write it as 'region.3: rows=4' or '*: unroll=2'"),
        (": rows=4", "--hint ': rows=4' names no region; write it as 'region.3: rows=4' or '*: unroll=2'"),
        ("*:", "--hint '*:' decides nothing; write it as 'region.3: rows=4' or '*: unroll=2'"),
        ("*: rows", "--hint '*: rows': 'rows' is no decision; write it as 'region.3: rows=4' or '*: unroll=2'"),
        (
            "*: rows==4",
            "--hint '*: rows==4': 'rows==4' is no decision; write it as 'region.3: rows=4' or '*: unroll=2'"
        ),
    ])
    func hintsThatSayNothingAreNamed(_ text: String, _ message: String) {
        #expect(throws: ControlError(message)) { try SearchHint(parsing: text) }
    }

    /// `--only` takes a region's name, a kernel's name, or a part of one; a name goes before parts.
    @Test(arguments: [
        ("region.1", [false, true, false]), ("contract_3", [true, false, false]), ("_", [true, true, true]),
    ])
    func onlySelects(_ text: String, _ expected: [Bool]) throws {
        #expect(try NamedRegion.selected(text, of: Self.regions) == expected)
    }

    @Test func onlyNamesWhatThereIs() {
        #expect(
            throws: ControlError(
                "--only frob: no region has that name, nor a kernel with that in its name; the regions are "
                    + "region.0 (contract_3), region.1 (rows_7), region.10 (map_9)")
        ) { try NamedRegion.selected("frob", of: Self.regions) }
    }
}
