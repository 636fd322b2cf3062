import Glibc
import KernelArchive
import Testing

@Suite struct KernelArchiveTests {
    private func record(_ number: Int, _ outcome: ArchiveRecord.Outcome) -> ArchiveRecord {
        ArchiveRecord(
            key: ArchiveKey(region: "matmul \"128\"", candidate: "c\(number)", machine: "m"),
            schedule: "tile=\(number)",
            agent: "random", outcome: outcome)
    }

    @Test func keepsRecordsAcrossOpeningsAndATornLine() throws {
        var template = Array("/tmp/hearth-archive-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        #expect(descriptor >= 0)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { unlink(path) }
        let first = record(1, .timed(seconds: 0.1 + 0.2, championSeconds: 1, isWin: true))
        let second = record(2, .refused(reason: "wrong\noutput"))
        do {
            let archive = try KernelArchive(path: path)
            try archive.append(first)
            try archive.append(second)
            #expect(archive.records == [first, second])
        }
        // What a crash in the middle of a write leaves.
        let torn = Array(#"{"region":"matm"#.utf8)
        lseek(descriptor, 0, SEEK_END)
        #expect(write(descriptor, torn, torn.count) == torn.count)
        close(descriptor)
        let replaced = record(1, .timed(seconds: 0.25, championSeconds: 0.5, isWin: false))
        do {
            let archive = try KernelArchive(path: path)
            #expect(archive.skippedLines == 1)
            #expect(archive.records == [first, second])
            try archive.append(replaced)
        }
        let archive = try KernelArchive(path: path)
        #expect(archive.records == [replaced, second])
        #expect(archive[first.key] == replaced)
        #expect(archive.skippedLines == 1)
    }

    @Test func saysWhatCannotBeOpened() {
        #expect(throws: ArchiveError(path: "/no/such/x", operation: "open", reason: "No such file or directory")) {
            _ = try KernelArchive(path: "/no/such/x")
        }
    }
}
