import Foundation
import JSON
import KernelArchive
import Safetensors
import Testing

/// `hearth optimize` on a model of one product, from its file to a package: what it shows, keeps and refuses.
@Suite struct OptimizeTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "ModelImportTests/Fixtures").path
    private static let model = "\(fixtures)/f64.middle.pt2"
    private static let golden = "\(fixtures)/f64.golden.safetensors"

    /// Runs the command with no settings from outside; `interruptAt` sends an interrupt when a line of standard error holds it.
    private static func hearth(
        _ arguments: [String], in folder: String, _ settings: [String: String] = [:], interruptAt: String? = nil,
        with number: Int32 = SIGINT
    ) throws -> (code: Int32, output: String, errors: String) {
        let process = Process()
        process.executableURL = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appending(path: "hearth")
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: folder)
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("HEARTH_") }
        for (name, value) in settings { environment[name] = value }
        process.environment = environment
        let errors = Pipe()
        // Standard output is short: it waits in its pipe until the process has ended.
        let output = Pipe()
        process.standardError = errors
        process.standardOutput = output
        try process.run()
        var text = ""
        var isInterrupted = false
        while true {
            let piece = errors.fileHandleForReading.availableData
            if piece.isEmpty { break }
            text += String(decoding: piece, as: UTF8.self)
            if let interruptAt, !isInterrupted, text.contains(interruptAt) {
                isInterrupted = true
                kill(process.processIdentifier, number)
            }
        }
        let result = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, result, text)
    }

    private static func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-optimize-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }

    private static func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    @Test func everyStageIsShownAndKept() throws {
        try Self.withFolder { folder in
            let built = try Self.hearth(
                [
                    "optimize", Self.model, "-i", Self.golden, "-o", "m.hearth", "--trials", "3", "--archive",
                    "trials.sqlite",
                ], in: folder, ["HEARTH_DEBUG": "5", "HEARTH_DEBUG_DIR": folder + "/stages"])
            try #require(built.code == 0, "\(built.errors)")
            for (stage, expected) in [
                ("rewrite", ["rewrite: ", "// before the rewrites\ngraph \"", "// after the rewrites\ngraph \""]),
                ("lower", ["// launch 0 on b", "kernel \"", "parameter read f64["]),
                ("generate", ["// kernel k", "static"]), ("compile", [" -O3 ", " -c "]),
                ("search", ["] by default-first: "]), ("write", ["write: "]),
            ] {
                let shown = try Self.text("\(folder)/stages/\(stage).txt")
                for part in expected { #expect(shown.contains(part), "\(stage): \(part)") }
            }
            let quiet = try Self.hearth(
                ["optimize", Self.model, "-i", Self.golden, "-o", "q.hearth", "--trials", "0"], in: folder,
                ["HEARTH_DEBUG": "3,lower"])
            #expect(quiet.errors.contains("[lower] kernel \"") && !quiet.errors.contains("[rewrite]"))

            let page = try Self.text("\(folder)/m.hearth/report.html")
            #expect(page.hasPrefix("<!DOCTYPE html>") && page.hasSuffix("</html>\n"))
            #expect(page.contains(">Stages</h2>") && page.contains(">Kernels</h2>"))
            #expect(!page.contains("http") && !page.contains("<script"))

            // A kernel is found by its name: its text, its schedule and its C.
            let listing = try Self.text("\(folder)/m.hearth/kernels/plan.txt")
            let line = try #require(listing.split(separator: "\n").first { $0.hasPrefix("kernel \"") })
            let name = String(line.dropFirst(8).dropLast())
            let shown = try Self.hearth(["inspect", "m.hearth", "--kernel", name], in: folder)
            for part in [" under ", "kernel \"\(name)\"\n", "parameter write f64[", "int32_t k"] {
                #expect(shown.output.contains(part), "\(part)")
            }
            let unknown = try Self.hearth(["inspect", "m.hearth", "--kernel", "frob"], in: folder)
            #expect(unknown.code == 1 && unknown.errors.hasPrefix("hearth: no kernel 'frob'; the kernels are "))
        }
    }

    @Test func interruptedSearchesKeepWhatTheyFoundAndGoOn() throws {
        // The product has 36 different schedules: an interrupt that came too late would show.
        try Self.withFolder { folder in
            let archive = folder + "/trials.sqlite"
            let arguments = [
                "optimize", Self.model, "-i", Self.golden, "-o", "m.hearth", "--archive", archive, "--budget", "600",
                "--trials",
            ]
            let first = try Self.hearth(arguments + ["400"], in: folder, interruptAt: "search: 4 trials")
            #expect(first.code == 0 && first.output == "wrote m.hearth\n", "\(first.errors)")
            let verified = try Self.hearth(["verify", "m.hearth"], in: folder)
            #expect(verified.code == 0, "\(verified.errors)")
            let kept = try KernelArchive(path: archive).records
            #expect(kept.count >= 4 && kept.count < 36)

            // What was tried is known: at most what may win beside today's champion is judged again.
            let second = try Self.hearth(arguments + ["8"], in: folder)
            #expect(second.code == 0, "\(second.errors)")
            let all = try KernelArchive(path: archive).records
            #expect(all.prefix(kept.count).map(\.key) == kept.map(\.key))
            #expect(zip(all, kept).count { $0.0 != $0.1 } <= 4)

            // A file that was damaged is put aside, and the search goes on.
            try String(repeating: "no database ", count: 1000).write(toFile: archive, atomically: true, encoding: .utf8)
            let third = try Self.hearth(arguments + ["8"], in: folder)
            #expect(third.code == 0, "\(third.errors)")
            #expect(third.errors.contains("hearth: note: the archive \(archive) is damaged ("), "\(third.errors)")
            #expect(try KernelArchive(path: archive).records.count > 0)
        }
    }

    /// Without SQLite the search goes on, and says so.
    @Test(arguments: [[], ["--archive", "trials.sqlite"]]) func withoutSQLiteNothingIsRemembered(
        _ options: [String]
    ) throws {
        try Self.withFolder { folder in
            let built = try Self.hearth(
                ["optimize", Self.model, "-i", Self.golden, "-o", "m.hearth", "--trials", "2"] + options, in: folder,
                ["HEARTH_SQLITE": "/no/such/libsqlite3.so"])
            #expect(built.code == 0 && built.output == "wrote m.hearth\n", "\(built.errors)")
            #expect(
                built.errors.contains("hearth: note: trials will not be remembered: there is no SQLite here ("),
                "\(built.errors)")
            #expect(!FileManager.default.fileExists(atPath: folder + "/trials.sqlite"))
        }
    }

    @Test func packagesAreBuiltAgainFromWhereTheyCame() throws {
        try Self.withFolder { folder in
            try FileManager.default.copyItem(atPath: Self.model, toPath: folder + "/m.pt2")
            let built = try Self.hearth(
                ["optimize", "m.pt2", "-i", Self.golden, "-o", "m.hearth", "--trials", "0"], in: folder)
            try #require(built.code == 0, "\(built.errors)")
            let again = try Self.hearth(["optimize", "--from-package", "m.hearth", "--trials", "0"], in: folder)
            #expect(again.code == 0 && again.output == "wrote m.hearth\n", "\(again.errors)")
            try FileManager.default.removeItem(atPath: folder + "/m.pt2")
            let lost = try Self.hearth(["optimize", "--from-package", "m.hearth", "--trials", "0"], in: folder)
            #expect(lost.code == 1 && lost.errors.hasPrefix("hearth: 'm.hearth' was built from '"))
            #expect(lost.errors.hasSuffix("which is not there any more; run hearth optimize MODEL instead\n"))
            let both = try Self.hearth(["optimize", "m.pt2", "--from-package", "m.hearth"], in: folder)
            #expect(both.code == 2)
        }
    }

    @Test func onlySomeKernelsAreSearched() throws {
        try Self.withFolder { folder in
            let arguments = [
                "optimize", Self.model, "-i", Self.golden, "-o", "m.hearth", "--trials", "3", "--archive",
                "trials.sqlite",
                "--only",
            ]
            let none = try Self.hearth(arguments + ["frob"], in: folder)
            #expect(none.code == 1, "\(none.errors)")
            #expect(
                none.errors.contains(
                    "hearth: --only frob: no region has that name, nor a kernel with that in its name; the regions are region.0 ("
                ))
            #expect(!FileManager.default.fileExists(atPath: folder + "/m.hearth"))
            let built = try Self.hearth(arguments + ["contract"], in: folder)
            #expect(built.code == 0, "\(built.errors)")
            let report = try JSONReader().read(try Self.text(folder + "/m.hearth/report.json")).objectValue
            let kernels = try #require(report?["kernels"]?.arrayValue)
            #expect(kernels.contains { ($0.objectValue?["trials"]?.doubleValue ?? 0) > 0 })
        }
    }

    @Test func settingsThatAreNotUnderstoodAreNamed() throws {
        try Self.withFolder { folder in
            for (setting, said) in [
                ("frob", "HEARTH_DEBUG: 'frob' is no level; give 1 to 5, and perhaps stages after commas"),
                ("3,frob", "HEARTH_DEBUG: no stage 'frob'; the stages are "),
            ] {
                let refused = try Self.hearth(["optimize", Self.model], in: folder, ["HEARTH_DEBUG": setting])
                #expect(refused.code == 1 && refused.errors.hasPrefix("hearth: \(said)"), "\(refused.errors)")
            }
        }
    }

    /// What a call leaves in the model's states is verified like its outputs.
    @Test func statesAreVerified() throws {
        try Self.withFolder { folder in
            let counter = "\(Self.fixtures)/model.counter"
            let built = try Self.hearth(
                [
                    "optimize", "\(counter).middle.pt2", "-i", "\(counter).golden.safetensors", "-o", "m.hearth",
                    "--trials", "0",
                ], in: folder)
            try #require(built.code == 0, "\(built.errors)")
            let golden = folder + "/m.hearth/golden.safetensors"
            var bytes = [UInt8](try Data(contentsOf: URL(filePath: golden)))
            let header = try SafetensorsFile(bytes.span.bytes)
            let truth = try #require(
                header.tensors.first { $0.name.hasPrefix("truth.state.") && $0.type.rawValue == "F64" })
            let state = truth.name.dropFirst("truth.".count)
            let right = try Self.hearth(["verify", "m.hearth"], in: folder)
            #expect(right.code == 0 && right.output.contains("'\(state)' agrees"), "\(right.output)")
            // What PyTorch gave moves with the truth, else its error would excuse every other.
            let output = try #require(
                header.tensors.first { $0.name == "output.\(state)" && $0.type.rawValue == "F32" })
            withUnsafeBytes(of: 1e6) {
                bytes.replaceSubrange(truth.range.lowerBound..<truth.range.lowerBound + 8, with: $0)
            }
            withUnsafeBytes(of: Float(1e6)) {
                bytes.replaceSubrange(output.range.lowerBound..<output.range.lowerBound + 4, with: $0)
            }
            try Data(bytes).write(to: URL(filePath: folder + "/other.safetensors"))
            let wrong = try Self.hearth(["verify", "m.hearth", "--golden", "other.safetensors"], in: folder)
            #expect(wrong.code != 0 && (wrong.output + wrong.errors).contains("'\(state)'"), "\(wrong.output)")
        }
    }

    @Test func inputsThatTheModelDoesNotHaveAreNamed() throws {
        try Self.withFolder { folder in
            // A safetensors file of one tensor with no elements.
            let header = Data("{\"inptu.0\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}} ".utf8)
            var file = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
            file += header
            try file.write(to: URL(filePath: folder + "/in.safetensors"))
            let refused = try Self.hearth(["optimize", Self.model, "-i", "in.safetensors"], in: folder)
            #expect(refused.code == 1)
            #expect(
                refused.errors.contains("tensor 'inptu.0' is no input of the model; the inputs are "),
                "\(refused.errors)")
        }
    }

    @Test func aHomeThatCannotBeWrittenCostsTheMemoryOfTrialsOnly() throws {
        try Self.withFolder { folder in
            let built = try Self.hearth(
                ["optimize", Self.model, "-i", Self.golden, "-o", "m.hearth", "--trials", "2"], in: folder,
                ["HOME": "/dev/null"])
            #expect(built.code == 0 && built.output == "wrote m.hearth\n", "\(built.errors)")
            #expect(built.errors.contains("hearth: note: trials will not be remembered: cannot open the archive "))
        }
    }

    /// A request to end is like an interrupt: what was found is kept, and nothing is left beside the package, which replaces
    /// an earlier one only now.
    @Test func requestsToEndKeepWhatWasFound() throws {
        try Self.withFolder { folder in
            let arguments = [
                "optimize", Self.model, "-i", Self.golden, "-o", "m.hearth", "--archive", folder + "/trials.sqlite",
                "--budget", "600", "--trials", "400",
            ]
            for _ in 0..<2 {
                let ended = try Self.hearth(arguments, in: folder, interruptAt: "search: 4 trials", with: SIGTERM)
                #expect(ended.code == 0 && ended.output == "wrote m.hearth\n", "\(ended.errors)")
                let left = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
                #expect(left == ["m.hearth", "trials.sqlite", "trials.sqlite.lock"])
            }
        }
    }

    @Test(arguments: ["nan", "soon"]) func budgetsAreNumbersOfSeconds(_ budget: String) throws {
        try Self.withFolder { folder in
            let outcome = try Self.hearth(["optimize", Self.model, "--budget", budget], in: folder)
            #expect(outcome.code == 2 && outcome.errors.contains("--budget"), "\(outcome.errors)")
        }
    }

    /// Where the package or the archive goes, and the line that says why it cannot.
    @Test(arguments: [
        (["-o", "file", "--trials", "0"], "hearth: 'file' exists"),
        (["-o", "absent/m.hearth", "--trials", "0"], "hearth: package 'absent/m.hearth' could not be written: "),
        (["-o", "m.hearth", "--archive", "folder"], "hearth: cannot open the archive folder: "),
    ])
    func placesThatCannotBeWrittenAreOneClearLine(_ arguments: [String], _ message: String) throws {
        try Self.withFolder { folder in
            try "text".write(toFile: folder + "/file", atomically: true, encoding: .utf8)
            try FileManager.default.createDirectory(atPath: folder + "/folder", withIntermediateDirectories: true)
            let outcome = try Self.hearth(["optimize", Self.model, "-i", Self.golden] + arguments, in: folder)
            #expect(outcome.code == 1)
            let faults = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("hearth: ") }
            #expect(faults.count == 1 && faults[0].hasPrefix(message), "\(outcome.errors)")
            #expect(try Self.text(folder + "/file") == "text")
        }
    }
}
