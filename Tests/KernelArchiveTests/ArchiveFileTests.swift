import Foundation
import KernelArchive
import Synchronization
import Testing

/// Lines that an archive said.
private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    @Sendable func add(_ line: String) { lines.withLock { $0.append(line) } }
}

/// The file as a whole: earlier formats, damage, sudden ends.
@Suite struct ArchiveFileTests {
    private static let line =
        #"{"region":"5f","candidate":"6 clang 19 tile=2 x=1","machine":"m","schedule":"tile=2 x=1","agent":"random","#
    private static let lines = """
        \(line)"seconds":2.5,"championSeconds":3,"isWin":true}
        \(line.replacingOccurrences(of: "x=1", with: "x=2"))"refused":"wrong output"}
        {"region":"torn
        """

    private static func expectTaken(_ archive: KernelArchive) {
        let records = archive.records
        #expect(records.count == 2)
        guard records.count == 2 else { return }
        #expect(
            records[0].key
                == ArchiveKey(
                    kernel: "5f", machine: "m", builder: .init(generator: "6", compiler: "clang 19"),
                    schedule: "tile=2 x=1"))
        #expect(records[0].outcome == .timed(seconds: 2.5, championSeconds: 3, isWin: true))
        #expect(records[1].outcome == .refused(reason: "wrong output"))
        #expect(records[0].time > 1_600_000_000)
    }

    @Test func linesAtThePathAreTakenOver() throws {
        try withFolder { folder in
            let path = folder + "/trials.jsonl"
            try Self.lines.write(toFile: path, atomically: true, encoding: .utf8)
            let said = Lines()
            for _ in 0..<2 { Self.expectTaken(try KernelArchive(path: path, report: said.add)) }
            #expect(
                said.all == [
                    "\(path): 2 trials of an earlier version were taken over, 1 lines were none; the earlier file is \(path).old"
                ])
            #expect(try String(contentsOfFile: path + ".old", encoding: .utf8) == Self.lines)
        }
    }

    @Test func anEarlierFileIsReadOnce() throws {
        try withFolder { folder in
            let (path, earlier) = (folder + "/kernels.sqlite", folder + "/kernels.jsonl")
            try Self.lines.write(toFile: earlier, atomically: true, encoding: .utf8)
            let said = Lines()
            do {
                let archive = try KernelArchive(path: path, earlier: earlier, report: said.add)
                Self.expectTaken(archive)
                var pruning = ArchivePruning()
                pruning.most = 0
                #expect(try archive.prune(pruning) == 2)
            }
            let again = try KernelArchive(path: path, earlier: earlier, report: said.add)
            #expect(again.records.isEmpty)
            #expect(said.all == ["2 trials of \(earlier) were taken over"])
            #expect(try String(contentsOfFile: earlier, encoding: .utf8) == Self.lines)
        }
    }

    /// What may lie where an archive should be.
    enum Wrong: String, CaseIterable {
        case text, truncatedHeader, brokenTables, anotherProgram

        func write(_ path: String) throws {
            switch self {
            case .text: try Data("hello\nworld\n".utf8).write(to: URL(filePath: path))
            case .truncatedHeader: try Data("SQLite format 3\0 and then nothing".utf8).write(to: URL(filePath: path))
            case .brokenTables:
                do {
                    let archive = try KernelArchive(path: path)
                    for number in 0..<50 { try archive.append(record(number, .refused(reason: "no"))) }
                }
                var bytes = try Data(contentsOf: URL(filePath: path))
                for place in 100..<bytes.count { bytes[place] = UInt8(truncatingIfNeeded: place &* 31) }
                try bytes.write(to: URL(filePath: path))
            case .anotherProgram:
                _ = try KernelArchive(path: path)
                var bytes = try Data(contentsOf: URL(filePath: path))
                // The header's application, at byte 68.
                bytes[68] ^= 0xFF
                try bytes.write(to: URL(filePath: path))
            }
        }
    }

    @Test(arguments: Wrong.allCases) func whatIsDamagedIsPutAside(_ wrong: Wrong) throws {
        try withFolder { folder in
            let path = folder + "/a.sqlite"
            try wrong.write(path)
            let content = try Data(contentsOf: URL(filePath: path))
            let said = Lines()
            let archive = try KernelArchive(path: path, report: said.add)
            try archive.append(record(1, .refused(reason: "no")))
            #expect(archive.records.count == 1)
            #expect(said.all.count == 1)
            #expect(said.all[0].hasPrefix("the archive \(path) is damaged ("), "\(said.all)")
            #expect(said.all[0].hasSuffix("it was put aside as \(path).damaged, and a new one begins"))
            #expect(!said.all[0].contains("\n"))
            #expect(try Data(contentsOf: URL(filePath: path + ".damaged")) == content)
        }
    }

    /// Pages that break while the archive is open, as a failing disk would.
    @Test func damageDuringASearchCostsWhatWasRememberedOnly() throws {
        try withFolder { folder in
            let path = folder + "/a.sqlite"
            do {
                let archive = try KernelArchive(path: path)
                for number in 0..<2000 { try archive.append(record(number, .refused(reason: "no \(number)"))) }
            }
            // The first page, by which it is opened, stays.
            var bytes = try Data(contentsOf: URL(filePath: path))
            for place in 4096..<bytes.count { bytes[place] = 0xA5 }
            try bytes.write(to: URL(filePath: path))
            let said = Lines()
            let archive = try KernelArchive(path: path, report: said.add)
            for number in 0..<10 { try archive.append(record(number, .refused(reason: "again"))) }
            #expect(archive.records.count == 10)
            #expect(said.all.count == 1, "\(said.all)")
        }
    }

    /// Nobody's file is pulled away from under them.
    @Test func aDamagedFileThatOthersUseStays() throws {
        try withFolder { folder in
            let path = folder + "/a.sqlite"
            do { try KernelArchive(path: path).append(record(1, .refused(reason: "no"))) }
            let user = try KernelArchive(path: path)
            let bytes = [UInt8](repeating: 7, count: 40)
            let descriptor = open(path, O_WRONLY)
            #expect(pwrite(descriptor, bytes, bytes.count, 0) == 40)
            close(descriptor)
            let error = #expect(throws: ArchiveError.self) { _ = try KernelArchive(path: path) }
            guard case .damaged = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(!FileManager.default.fileExists(atPath: path + ".damaged"))
            user.close()
        }
    }

    /// A process that was just started holds what its parent had open, until it becomes another program.
    @Test(arguments: [Wrong.text, .anotherProgram]) func whoHoldsItForAMomentIsWaitedFor(_ wrong: Wrong) throws {
        try withFolder { folder in
            let path = folder + "/a.sqlite"
            try wrong.write(path)
            let held = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
            #expect(flock(held, LOCK_SH) == 0)
            Thread.detachNewThread {
                usleep(50_000)
                close(held)
            }
            let said = Lines()
            let archive = try KernelArchive(path: path, report: said.add)
            #expect(archive.records.isEmpty && said.all.count == 1)
            #expect(FileManager.default.fileExists(atPath: path + ".damaged"))
        }
    }

    @Test func aLaterFormatIsLeftAlone() throws {
        try withFolder { folder in
            let path = folder + "/a.sqlite"
            _ = try KernelArchive(path: path)
            var bytes = try Data(contentsOf: URL(filePath: path))
            // The header's user version, at byte 60.
            bytes[63] = 99
            try bytes.write(to: URL(filePath: path))
            #expect(throws: ArchiveError.newer(path: path, version: 99)) { _ = try KernelArchive(path: path) }
            #expect(try Data(contentsOf: URL(filePath: path)) == bytes)
        }
    }
}
