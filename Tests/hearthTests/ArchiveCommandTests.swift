import Foundation
import JSON
import KernelArchive
import Testing

/// `hearth archive` on an archive of made-up trials, and the search beside what a stranger claims.
@Suite struct ArchiveCommandTests {
    private static let key = ArchiveKey(
        kernel: "k", machine: "here", builder: .init(generator: "7", compiler: "clang"), schedule: "tile=1")

    /// Makes an archive of six trials, two of them refused.
    private static func fill(_ path: String) throws {
        let archive = try KernelArchive(path: path)
        try archive.describe(ArchiveMachine(fingerprint: "here", kind: "cpu", model: "Some CPU", threads: 2))
        for number in 0..<6 {
            var key = key
            key.schedule = "tile=\(number)"
            try archive.append(
                ArchiveRecord(
                    key: key, agent: number % 3 == 0 ? "random" : "evolution",
                    outcome: number % 3 == 0
                        ? .refused(reason: "wrong output")
                        : .timed(seconds: 1e-3, championSeconds: 2e-3, isWin: number == 1), time: 1_700_000_000))
        }
    }

    private static func archive(
        _ arguments: [String], in folder: String, archive: String = "a.sqlite"
    ) throws -> HearthProcess.Outcome {
        try HearthProcess.run(
            ["archive"] + arguments, in: folder,
            environment: ["HEARTH_ARCHIVE": archive, "HEARTH_SIGNING_KEY": folder + "/keys/signing.key"])
    }

    @Test func statsCount() throws {
        try HearthProcess.withFolder { folder in
            try Self.fill(folder + "/a.sqlite")
            let shown = try Self.archive(["stats", "--check"], in: folder)
            #expect(shown.code == 0, "\(shown.errors)")
            for part in [
                "6 judged here, 0 imported", "1, of 0 structures", "here: 6 records, cpu Some CPU, 2 threads",
                "2023-11-14", "the file is whole",
            ] {
                #expect(shown.output.contains(part), "\(part): \(shown.output)")
            }
            let rows = shown.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            #expect(rows.contains(["evolution", "4", "4", "100.0", "%", "1"]), "\(shown.output)")
            #expect(rows.contains(["random", "2", "0", "0.0", "%", "0"]), "\(shown.output)")
            let json = try Self.archive(["stats", "--json"], in: folder)
            let object = try #require(try JSONReader().read(json.output).objectValue)
            #expect(object["records"]?.integerValue == 6)
            #expect(object["agents"]?.arrayValue?.count == 2)
        }
    }

    @Test func exportsAreSignedAndOnlySuggest() throws {
        try HearthProcess.withFolder { folder in
            try Self.fill(folder + "/a.sqlite")
            let exported = try Self.archive(["export", "out.jsonl"], in: folder)
            #expect(exported.code == 0, "\(exported.errors)")
            #expect(exported.output.hasPrefix("wrote 6 trials of 1 kernels to out.jsonl, signed by "))
            let signer = exported.output.split(separator: " ").last.map { String($0.dropLast()) } ?? ""
            let imported = try Self.archive(["import", "out.jsonl"], in: folder, archive: "b.sqlite")
            #expect(imported.code == 0, "\(imported.errors)")
            #expect(
                imported.output == """
                    signed by ed25519 \(signer) (your own key); the signature holds
                    imported 6 trials of 1 kernels, as suggestions

                    """)
            let other = try KernelArchive(path: folder + "/b.sqlite")
            #expect(other.records.isEmpty && other[Self.key] == nil)
            #expect(try other.statistics().signers == [.init(name: "ed25519 " + signer, records: 6)])
        }
    }

    /// What is done to an export, and why it is refused then.
    @Test(arguments: [
        ("wrong output", "right output", "out.jsonl was changed after it was signed by ed25519 "),
        ("{\"signature\"", "{\"none\"", "out.jsonl: line 10 cannot be read: nothing is known of 'none'"),
        ("hearth-archive", "other", "out.jsonl: it is no export of an archive"),
    ])
    func changedExportsAreRefused(_ old: String, _ new: String, _ message: String) throws {
        try HearthProcess.withFolder { folder in
            try Self.fill(folder + "/a.sqlite")
            #expect(try Self.archive(["export", "out.jsonl"], in: folder).code == 0)
            let path = folder + "/out.jsonl"
            let text = try String(contentsOfFile: path, encoding: .utf8)
            try text.replacingOccurrences(of: old, with: new).write(toFile: path, atomically: true, encoding: .utf8)
            let refused = try Self.archive(["import", "out.jsonl"], in: folder, archive: "b.sqlite")
            #expect(refused.code == 1)
            #expect(refused.errors.hasPrefix("hearth: " + message), "\(refused.errors)")
            #expect(refused.errors.split(separator: "\n").count == 1)
            #expect(!FileManager.default.fileExists(atPath: folder + "/b.sqlite"))
        }
    }

    /// Only who says so takes what nobody vouches for.
    @Test func unsignedFilesAreTakenOnRequestOnly() throws {
        try HearthProcess.withFolder { folder in
            try Self.fill(folder + "/a.sqlite")
            #expect(try Self.archive(["export", "out.jsonl"], in: folder).code == 0)
            let lines = try String(contentsOfFile: folder + "/out.jsonl", encoding: .utf8).split(separator: "\n")
            try lines.dropLast().joined(separator: "\n")
                .write(toFile: folder + "/cut.jsonl", atomically: true, encoding: .utf8)
            let refused = try Self.archive(["import", "cut.jsonl"], in: folder, archive: "b.sqlite")
            #expect(refused.code == 1 && refused.errors.contains("cut.jsonl ends without a signature"))
            let taken = try Self.archive(["import", "cut.jsonl", "--unsigned"], in: folder, archive: "b.sqlite")
            #expect(taken.code == 0 && taken.output.contains("imported 6 trials"), "\(taken.errors)")
            let statistics = try KernelArchive(path: folder + "/b.sqlite").statistics()
            #expect(statistics.signers == [.init(name: "unsigned", records: 6)])
        }
    }

    @Test(arguments: [
        (["--keep", "2"], "forgot 4 trials; 2 are left in "),
        (["--older-than", "30"], "forgot 6 trials; 0 are left in "),
        (["--machine", "some cpu"], "forgot 6 trials; 0"), (["--machine", "elsewhere"], "forgot 0 trials; 6"),
        (["--size", "1GB"], "forgot 0 trials; 6"),
    ])
    func pruneForgets(_ options: [String], _ message: String) throws {
        try HearthProcess.withFolder { folder in
            try Self.fill(folder + "/a.sqlite")
            let pruned = try Self.archive(["prune"] + options, in: folder)
            #expect(pruned.code == 0 && pruned.output.hasPrefix(message), "\(pruned.output) \(pruned.errors)")
        }
    }

    @Test(arguments: [[], ["--size", "big"], ["--keep", "-1"], ["--older-than", "nan"]])
    func pruneAsksForWhatItUnderstands(_ options: [String]) throws {
        try HearthProcess.withFolder { folder in
            let outcome = try Self.archive(["prune"] + options, in: folder)
            #expect(outcome.code == 2)
        }
    }

    @Test func anEmptyArchiveIsNotExported() throws {
        try HearthProcess.withFolder { folder in
            let refused = try Self.archive(["export", "out.jsonl"], in: folder)
            #expect(refused.code == 1 && refused.errors.contains("holds nothing that was judged here"))
            #expect(!FileManager.default.fileExists(atPath: folder + "/keys"))
        }
    }
}
