import Foundation
import JSON
import KernelArchive
import Testing

/// `hearth optimize` is killed with SIGKILL and started again: what it told of is kept, there is no package that is not whole, and what it left lying
/// about goes. `dev/sudden-end` does so at random moments, and often.
@Suite struct SuddenEndTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "ModelImportTests/Fixtures").path

    /// Events of a run that is killed as soon as it told of one that `isLast` says; of all of a run that ended by itself.
    private static func run(
        in folder: String, killedAfter isLast: (JSONObject) -> Bool = { _ in false }
    ) throws -> (events: [JSONObject], code: Int32, errors: String) {
        let process = Process()
        process.executableURL = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appending(path: "hearth")
        process.arguments = [
            "optimize", "\(fixtures)/f64.middle.pt2", "-i", "\(fixtures)/f64.golden.safetensors", "-o", "out/m.hearth",
            "--archive", "trials.sqlite", "--trials", "6", "--json",
        ]
        process.currentDirectoryURL = URL(filePath: folder)
        let settings = ["TMPDIR": folder + "/tmp", "HOME": folder]
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("HEARTH_") }
            .merging(settings) { $1 }
        let output = Pipe()
        process.standardOutput = output
        try #require(FileManager.default.createFile(atPath: folder + "/errors", contents: nil))
        process.standardError = FileHandle(forWritingAtPath: folder + "/errors")
        try process.run()
        var events: [JSONObject] = []
        var rest = ""
        while true {
            let piece = output.fileHandleForReading.availableData
            if piece.isEmpty { break }
            rest += String(decoding: piece, as: UTF8.self)
            let lines = rest.split(separator: "\n", omittingEmptySubsequences: false)
            rest = lines.last.map(String.init) ?? ""
            for line in lines.dropLast() {
                guard let event = try JSONReader().read(String(line)).objectValue else { continue }
                events.append(event)
                if isLast(event) { kill(process.processIdentifier, SIGKILL) }
            }
        }
        process.waitUntilExit()
        return (events, process.terminationStatus, try String(contentsOfFile: folder + "/errors", encoding: .utf8))
    }

    private static func names(_ folder: String) throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: folder))
    }

    /// Trials that were told of, which the archive must hold.
    private static func told(_ events: [JSONObject]) -> [(kernel: String, schedule: String)] {
        var keys: [String: String] = [:]
        var found: [(kernel: String, schedule: String)] = []
        for event in events {
            let region = event["region"]?.stringValue ?? ""
            switch event["event"]?.stringValue {
            case "region": keys[region] = event["key"]?.stringValue
            case "trial":
                if let key = keys[region], let schedule = event["schedule"]?.stringValue {
                    found.append((key, schedule))
                }
            default: break
            }
        }
        return found
    }

    @Test func nothingIsLostAndNothingIsBroken() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-sudden-\(UUID().uuidString)").path
        for name in ["/tmp", "/out"] {
            try FileManager.default.createDirectory(atPath: folder + name, withIntermediateDirectories: true)
        }
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let moments: [(JSONObject) -> Bool] = [
            // The package without the search is written.
            { $0["event"]?.stringValue == "region" },
            // A kernel was judged.
            { $0["event"]?.stringValue == "trial" && $0["region"]?.stringValue != "model" },
            // The package is finished but for its report.
            { $0["event"]?.stringValue == "comparison" },
        ]
        var told: [(kernel: String, schedule: String)] = []
        var left: Set<String> = []
        for (number, moment) in moments.enumerated() {
            var run = try Self.run(in: folder, killedAfter: moment)
            // The last moment is a tenth of a second before the end, which a busy machine may miss: then the package is whole, and it is
            // tried again.
            for _ in 0..<20 where try Self.names(folder + "/out").contains("m.hearth") {
                let verified = try HearthProcess.hearth("verify", "out/m.hearth", in: folder)
                #expect(verified.code == 0, "\(verified.errors)")
                try FileManager.default.removeItem(atPath: folder + "/out/m.hearth")
                told += Self.told(run.events)
                run = try Self.run(in: folder, killedAfter: moment)
            }
            #expect(run.code == SIGKILL, "\(run.errors)")
            #expect(!run.errors.contains("damaged"), "\(run.errors)")
            told += Self.told(run.events)
            #expect(told.isEmpty == (number == 0))
            let archive = try KernelArchive(path: folder + "/trials.sqlite")
            let kept = Set(archive.records.map { [$0.key.kernel, $0.key.schedule] })
            archive.close()
            for trial in told { #expect(kept.contains([trial.kernel, trial.schedule])) }
            // What is not finished has no name; what the kill before left is gone.
            let now = try Self.names(folder + "/tmp").union(try Self.names(folder + "/out"))
            #expect(!now.contains("m.hearth"))
            #expect(!now.isEmpty && now.isDisjoint(with: left), "\(now), before \(left)")
            left = now
        }
        let run = try Self.run(in: folder)
        #expect(run.code == 0, "\(run.errors)")
        #expect(try Self.names(folder + "/out") == ["m.hearth"])
        #expect(try Self.names(folder + "/tmp").isEmpty)
        let verified = try HearthProcess.hearth("verify", "out/m.hearth", in: folder)
        #expect(verified.code == 0, "\(verified.errors)")
    }
}
