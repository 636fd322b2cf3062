import Foundation
import JSON
import Testing

/// `hearth optimize` with wishes about its search, and what it tells machines.
@Suite struct SearchControlCommandTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "ModelImportTests/Fixtures").path

    private static func optimize(_ arguments: [String], in folder: String) throws -> HearthProcess.Outcome {
        try HearthProcess.run(
            [
                "optimize", "\(fixtures)/f64.middle.pt2", "-i", "\(fixtures)/f64.golden.safetensors", "-o", "m.hearth",
                "--archive", "trials.sqlite",
            ] + arguments, in: folder)
    }

    /// What cannot be done is one line, and leaves no package.
    @Test(arguments: [
        (["--constraint", "memory<5"], "--constraint 'memory<5': a unit is missing of memory; the units are "),
        (["--hint", "rows=4"], "--hint 'rows=4': write it as 'region.3: rows=4'"),
        (["--objective", "energy"], "--objective energy: "),
        (
            ["--trials", "2", "--hint", "region.99: rows=4"],
            "--hint 'region.99: rows=4': no region 'region.99'; the regions are region.0 ("
        ),
        (["--trials", "2", "--hint", "region.0: frob=4"], "--hint 'region.0: frob=4': region.0 (contract_"),
        (
            ["--trials", "2", "--hint", "*: frob=4"],
            "--hint '*: frob=4': no region has a choice 'frob'; the choices are "
        ),
        (
            ["--trials", "2", "--constraint", "memory<1B"],
            "--constraint 'memory<1B' is not met: the least that the search reached is "
        ),
        (
            ["--trials", "0", "--constraint", "latency<1ns"],
            "--constraint 'latency<1ns' is not met: the least that the search reached is "
        ),
    ])
    func whatCannotBeMetIsOneLine(_ arguments: [String], _ message: String) throws {
        try HearthProcess.withFolder { folder in
            let outcome = try Self.optimize(arguments, in: folder)
            #expect(outcome.code == 1, "\(outcome.errors)")
            let faults = outcome.errors.split(separator: "\n").filter {
                $0.hasPrefix("hearth: ") && !$0.hasPrefix("hearth: note")
            }
            #expect(faults.count == 1 && faults[0].hasPrefix("hearth: \(message)"), "\(outcome.errors)")
            let left = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.contains("m.hearth") }
            #expect(left.isEmpty, "\(left)")
        }
    }

    @Test(arguments: [["--hint", "*: rows=4"], ["--only", "region.0"], ["--objective", "memory"]])
    func wishesWithoutASearchAreRefused(_ arguments: [String]) throws {
        try HearthProcess.withFolder { folder in
            let outcome = try Self.optimize(arguments + ["--trials", "0"], in: folder)
            #expect(outcome.code == 2 && outcome.errors.contains("give --trials 1 or more"), "\(outcome.errors)")
        }
    }

    /// Events on standard output, one object a line, the rest on standard error; the package keeps them with the page, and a hint
    /// is in the package.
    @Test func eventsAreOnStandardOutput() throws {
        try HearthProcess.withFolder { folder in
            let outcome = try Self.optimize(
                ["--trials", "6", "--json", "--hint", "region.0: unroll=1", "--report", "r.html"], in: folder)
            try #require(outcome.code == 0, "\(outcome.errors)")
            #expect(outcome.errors.contains("wrote m.hearth\n"))
            let lines = outcome.output.split(separator: "\n").map(String.init)
            let events = try lines.map { try #require(try JSONReader().read($0).objectValue) }
            let kinds = events.compactMap { $0["event"]?.stringValue }
            #expect(kinds.first == "start" && kinds.last == "done" && kinds.count == events.count)
            for kind in ["stage", "region", "trial", "win", "progress", "closed", "output", "comparison", "memory"] {
                #expect(kinds.contains(kind), "\(kind)")
            }
            let hinted = events.filter {
                $0["event"]?.stringValue == "trial" && $0["region"]?.stringValue == "region.0"
            }
            #expect(!hinted.isEmpty)
            for trial in hinted { #expect(trial["schedule"]?.stringValue?.contains("unroll=1") == true) }
            let times = events.compactMap { $0["at"]?.doubleValue }
            #expect(times == times.sorted())

            let kept = try String(contentsOfFile: folder + "/m.hearth/search.jsonl", encoding: .utf8)
            #expect(
                kept.split(separator: "\n").map(String.init)
                    == lines.filter { !$0.hasPrefix("{\"event\":\"progress\"") })
            let page = try String(contentsOfFile: folder + "/m.hearth/report.html", encoding: .utf8)
            #expect(try page == String(contentsOfFile: folder + "/r.html", encoding: .utf8))
            let again = try HearthProcess.hearth("report", "m.hearth", "-o", "again.html", in: folder)
            #expect(again.code == 0 && again.output == "wrote again.html\n", "\(again.errors)")
            #expect(try page == String(contentsOfFile: folder + "/again.html", encoding: .utf8))
            // The changed package is whole.
            let verified = try HearthProcess.hearth("verify", "m.hearth", in: folder)
            #expect(verified.code == 0, "\(verified.output)\(verified.errors)")
            let shown = try HearthProcess.hearth("inspect", "m.hearth", "--launches", in: folder)
            #expect(shown.output.contains("region.0") && shown.output.contains("gain"), "\(shown.output)")
            let kernel = try HearthProcess.hearth("inspect", "m.hearth", "--kernel", "region.0", in: folder)
            #expect(kernel.output.contains("unroll=1"), "\(kernel.output)")
        }
    }

    /// Sessions that call at the same time, and memory: the record says what was compared and what is taken.
    @Test(arguments: ["throughput", "memory"]) func otherObjectivesAreCompared(_ objective: String) throws {
        try HearthProcess.withFolder { folder in
            let outcome = try Self.optimize(
                ["--trials", "8", "--json", "--objective", objective, "--constraint", "latency<10s"], in: folder)
            try #require(outcome.code == 0, "\(outcome.errors)")
            let events = try outcome.output.split(separator: "\n").map {
                try #require(try JSONReader().read(String($0)).objectValue)
            }
            func last(_ kind: String) -> JSONObject? { events.last { $0["event"]?.stringValue == kind } }
            #expect(last("start")?["objective"]?.stringValue == objective)
            #expect(last("start")?["constraints"]?.arrayValue == ["latency<10s"])
            #expect(last("comparison")?["failure"] == nil && last("comparison")?["against"] == "default")
            let memory = try #require(last("memory"))
            let (before, after) = (memory["default_bytes"]?.doubleValue ?? 0, memory["bytes"]?.doubleValue ?? 0)
            #expect(after > 0 && (objective == "throughput" || after <= before))
        }
    }

    /// Regions that are not asked for take what the archive knows.
    @Test func oneRegionIsSearchedAlone() throws {
        try HearthProcess.withFolder { folder in
            let outcome = try Self.optimize(["--trials", "6", "--json", "--only", "region.0"], in: folder)
            try #require(outcome.code == 0, "\(outcome.errors)")
            let regions = Set(
                try outcome.output.split(separator: "\n").compactMap { line -> String? in
                    let event = try JSONReader().read(String(line)).objectValue
                    return event?["event"]?.stringValue == "trial" ? event?["region"]?.stringValue : nil
                })
            #expect(regions == ["region.0", "model"])
        }
    }

    @Test(arguments: [("nothing.hearth", "nothing.hearth"), ("m.jsonl", "m.jsonl: line 1: a line is no event")])
    func recordsThatAreNoneAreNamed(_ source: String, _ message: String) throws {
        try HearthProcess.withFolder { folder in
            try "{}\n".write(toFile: folder + "/m.jsonl", atomically: true, encoding: .utf8)
            let outcome = try HearthProcess.hearth("report", source, in: folder)
            #expect(outcome.code == 1 && outcome.errors.contains(message), "\(outcome.errors)")
        }
    }
}
