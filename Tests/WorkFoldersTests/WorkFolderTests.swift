import Foundation
import Glibc
import Testing
import WorkFolders

/// Folders for unfinished work: what a killed process left goes, what another uses stays, and nothing else is touched.
@Suite struct WorkFolderTests {
    private static func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-tests-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    private static func names(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    @Test func removesOnlyWhatNobodyHolds() throws {
        try Self.withFolder { folder in
            // As a killed process leaves it: nobody holds it.
            let left = "\(folder)/a-0123456789abcdef"
            try FileManager.default.createDirectory(atPath: left + "/deep/er", withIntermediateDirectories: true)
            try "x".write(toFile: left + "/deep/file", atomically: false, encoding: .utf8)
            symlink(folder, left + "/deep/link")
            // Names that a person may have given, other prefixes, and a file.
            let others = [
                "a-0123456789abcde", "a-0123456789abcdeF", "a-0123456789abcdef0", "b-0123456789abcdef", "a-models",
            ]
            for other in others {
                try FileManager.default.createDirectory(atPath: "\(folder)/\(other)", withIntermediateDirectories: true)
            }
            try "x".write(toFile: "\(folder)/a-0000000000000000", atomically: false, encoding: .utf8)
            let held = try WorkFolder("\(folder)/a-")
            #expect(!FileManager.default.fileExists(atPath: left))
            let second = try WorkFolder("\(folder)/a-")
            #expect(second.path != held.path)
            for path in [held.path, second.path] { #expect(FileManager.default.fileExists(atPath: path)) }
            second.remove()
            second.remove()
            let kept = [String(held.path.dropFirst(folder.count + 1)), "a-0000000000000000"] + others
            #expect(try Self.names(folder) == kept.sorted())
            held.remove()
            #expect(try Self.names(folder) == (others + ["a-0000000000000000"]).sorted())
        }
    }

    @Test func goesWithItsOwner() throws {
        try Self.withFolder { folder in
            do {
                let work = try WorkFolder(folder + "/.model.work-")
                try "x".write(toFile: work.path + "/file", atomically: false, encoding: .utf8)
                #expect(try Self.names(folder).count == 1)
            }
            #expect(try Self.names(folder).isEmpty)
        }
    }

    /// Another process that is killed with a folder in its hands.
    @Test func whatAKilledProcessHeldIsRemoved() throws {
        try Self.withFolder { folder in
            let path = folder + "/a-00000000000000ff"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            let holder = Process()
            holder.executableURL = URL(filePath: "/usr/bin/flock")
            holder.arguments = ["--no-fork", path, "sh", "-c", "echo held; exec sleep 600"]
            let output = Pipe()
            holder.standardOutput = output
            try holder.run()
            #expect(output.fileHandleForReading.availableData == Data("held\n".utf8))
            WorkFolder.sweep(folder + "/a-")
            #expect(FileManager.default.fileExists(atPath: path))
            kill(holder.processIdentifier, SIGKILL)
            holder.waitUntilExit()
            WorkFolder.sweep(folder + "/a-")
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test func saysWhyThereIsNone() {
        #expect(throws: WorkFolder.NotMade(reason: "No such file or directory")) {
            _ = try WorkFolder("/nowhere/a-")
        }
    }
}
