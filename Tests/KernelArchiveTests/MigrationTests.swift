import Foundation
import Testing

@testable import KernelArchive

/// Archives of earlier versions are brought up to date where they lie.
@Suite struct MigrationTests {
    /// Makes an archive's tables those of version 1.
    private static func makeFirst(_ path: String) throws {
        let connection = try SQLiteConnection(path: path, library: try SQLiteLibrary.shared.get())
        try connection.run("ALTER TABLE trial DROP COLUMN profile")
        try connection.run("DROP TABLE settled")
        try connection.run("PRAGMA user_version = 1")
        connection.close()
    }

    @Test func theFirstVersionIsTakenOver() throws {
        try withFolder { folder in
            let path = folder + "/a.sqlite"
            let old = record(1, .timed(seconds: 0.5, championSeconds: 1, isWin: true))
            do { try KernelArchive(path: path).append(old) }
            try Self.makeFirst(path)
            var new = record(2, .timed(seconds: 0.25, championSeconds: 1, isWin: true))
            new.profile = ["registers": 40]
            for _ in 0..<2 {
                let archive = try KernelArchive(path: path) { Issue.record("\($0)") }
                try archive.append(new)
                #expect(archive.records == [old, new])
                #expect(try archive.damage() == nil)
            }
            // What was known without a profile may get one.
            var again = old
            again.profile = ["code_bytes": 4096]
            let archive = try KernelArchive(path: path)
            try archive.append(again)
            #expect(archive.records == [again, new])
            // Nothing is known of how its searches ended.
            #expect(
                try archive.settled(kernel: old.key.kernel, machine: old.key.machine, builder: old.key.builder) == nil)
        }
    }

    /// What two processes bring up to date at the same time is brought there once.
    @Test func aSecondUserFindsItDone() throws {
        try withFolder { folder in
            let path = folder + "/a.sqlite"
            do { try KernelArchive(path: path).append(record(1, .refused(reason: "slow"))) }
            try Self.makeFirst(path)
            let (one, two) = (try KernelArchive(path: path), try KernelArchive(path: path))
            try one.append(record(2, .refused(reason: "slow")))
            #expect(two.records.count == 2)
        }
    }

    /// Text in the column that no version wrote is passed over.
    @Test(arguments: [
        ("", [:]), ("registers=64 occupancy=0.25", ["registers": 64, "occupancy": 0.25]),
        ("registers= =5 x local_bytes=nan shared_bytes=-1 code_bytes=inf a=b=c occupancy=1", ["occupancy": 1]),
    ])
    func profilesAreRead(_ text: String, _ profile: [String: Double]) {
        #expect(ArchiveRows.profile(text) == profile)
        #expect(ArchiveRows.profile(ArchiveRows.text(profile) ?? "") == profile)
    }

    @Test func whatIsNoProfileIsNotWritten() {
        #expect(ArchiveRows.text([:]) == nil)
        #expect(ArchiveRows.text(["a b": 1, "c=d": 1, "e": .nan, "f": -1, "": 1, "g": 2, "b": 1]) == "b=1.0 g=2.0")
    }
}
