import Foundation
import KernelArchive
import Testing

/// A folder of its own for a test, removed afterwards.
func withFolder(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "/hearth-archive-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
}

let builder = ArchiveKey.Builder(generator: "7", compiler: "clang version 19.1 \"x\"")

func record(
    _ number: Int, _ outcome: ArchiveRecord.Outcome, kernel: String = "k", machine: String = "m", time: Int64 = 1000
) -> ArchiveRecord {
    let key = ArchiveKey(kernel: kernel, machine: machine, builder: builder, schedule: "tile=\(number)")
    return ArchiveRecord(key: key, agent: "random", outcome: outcome, time: time)
}

@Suite struct KernelArchiveTests {
    @Test func keepsRecordsAcrossOpenings() throws {
        try withFolder { folder in
            let path = folder + "/a.sqlite"
            var first = record(1, .timed(seconds: 0.1 + 0.2, championSeconds: 1, isWin: true))
            first.samples = .init(speedup: 1.5, low: 1.4, high: 1.7, calls: 12, groups: 9)
            first.profile = ["registers": 255, "memory_share": 0.1 + 0.2, "local_bytes": 0]
            let second = record(2, .refused(reason: "wrong\noutput 'x' ü"))
            do {
                let archive = try KernelArchive(path: path)
                try archive.append(first)
                try archive.append(second)
                #expect(archive.records == [first, second])
            }
            // Closed: all lies in the one file, beside its lock.
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["a.sqlite", "a.sqlite.lock"])
            let replaced = record(1, .timed(seconds: 0.25, championSeconds: 0.5, isWin: false), time: 2000)
            let archive = try KernelArchive(path: path)
            #expect(archive.records == [first, second])
            try archive.append(replaced)
            #expect(archive.records == [replaced, second])
            #expect(archive[first.key] == replaced)
            var absent = first.key
            absent.builder.generator = "8"
            #expect(archive[absent] == nil)
            #expect(try archive.damage() == nil)
        }
    }

    /// Without a time of its own a record gets that of its writing.
    @Test func recordsAreDated() throws {
        try withFolder { folder in
            let archive = try KernelArchive(path: folder + "/a")
            let before = Int64(Date().timeIntervalSince1970)
            try archive.append(record(1, .refused(reason: "slow"), time: 0))
            #expect(archive.records[0].time >= before)
        }
    }

    @Test func severalUsersSeeEachOther() throws {
        try withFolder { folder in
            let one = try KernelArchive(path: folder + "/a")
            let other = try KernelArchive(path: folder + "/a")
            for number in 0..<20 {
                try (number % 2 == 0 ? one : other).append(record(number, .refused(reason: "no")))
            }
            #expect(one.records == other.records)
            #expect(one.records.count == 20)
        }
    }

    @Test func saysWhatCannotBeOpened() throws {
        #expect(
            throws: ArchiveError.failed(path: "/no/such/x", operation: "open", reason: "No such file or directory")
        ) { _ = try KernelArchive(path: "/no/such/x") }
        try withFolder { folder in
            let error = #expect(throws: ArchiveError.self) { _ = try KernelArchive(path: folder) }
            #expect(error?.description.hasPrefix("cannot open the archive \(folder): ") == true, "\(error!)")
        }
    }

    /// What was seen beside one champion says nothing certain beside another.
    @Test func remembersOnlyWhatHolds() {
        let won = ArchiveRecord.Outcome.timed(seconds: 0.5, championSeconds: 1, isWin: true)
        #expect(won.recall(besides: nil) == .timed(seconds: 0.5, isWin: true))
        #expect(won.recall(besides: 1) == .timed(seconds: 0.5, isWin: true))
        #expect(won.recall(besides: 0.4) == .timed(seconds: 0.5, isWin: false))
        #expect(won.recall(besides: 0.5) == .timed(seconds: 0.5, isWin: false))
        #expect(won.recall(besides: 0.9) == .unclear)
        #expect(won.recall(besides: 2, scale: 2) == .timed(seconds: 1, isWin: true))
        #expect(won.recall(besides: 1, scale: .nan) == .unclear)
        let lost = ArchiveRecord.Outcome.timed(seconds: 0.99, championSeconds: 1, isWin: false)
        #expect(lost.recall(besides: 1) == .timed(seconds: 0.99, isWin: false))
        #expect(lost.recall(besides: 2) == .unclear)
        #expect(ArchiveRecord.Outcome.refused(reason: "r").recall(besides: 1) == .refused(reason: "r"))
    }
}
