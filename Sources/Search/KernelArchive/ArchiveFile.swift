internal import Glibc
package import JSON

/// The archive's file as a whole: taking over what earlier versions wrote, and putting aside what is damaged.
enum ArchiveFile {
    /// What lies at a path.
    enum Content {
        case missing
        /// Something that SQLite may open, or refuse.
        case other
        /// JSON objects, one a line, as earlier versions of Hearth kept trials.
        case lines
    }

    /// What a file begins with. Only for who holds the lock alone: closing a file that SQLite has open would lose its locks.
    static func content(_ path: String) throws(ArchiveError) -> Content {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            if errno == ENOENT { return .missing }
            throw .failed(path: path, operation: "open", reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var first: UInt8 = 0
        let count = Glibc.read(descriptor, &first, 1)
        if count < 0 { throw .failed(path: path, operation: "open", reason: String(cString: strerror(errno))) }
        return count == 1 && first == UInt8(ascii: "{") ? .lines : .other
    }

    /// Makes a database of a file of lines, which then stands beside it.
    static func takeOver(_ path: String, _ report: (String) -> Void) throws(ArchiveError) {
        let draft = path + ".new"
        for suffix in ["", "-wal", "-shm", "-journal"] { unlink(draft + suffix) }
        let connection = try ArchiveSchema.open(draft)
        let (taken, skipped) = try insertLines(path, into: connection)
        // Everything moves into the one file that is renamed.
        try connection.run("PRAGMA journal_mode = DELETE")
        connection.close()
        let kept = try freeName(path, ".old")
        // The path names the one file or the other at every moment.
        guard link(path, kept) == 0, rename(draft, path) == 0 else {
            throw .failed(path: path, operation: "write", reason: String(cString: strerror(errno)))
        }
        report(
            "\(path): \(taken) trials of an earlier version were taken over"
                + (skipped > 0 ? ", \(skipped) lines were none" : "") + "; the earlier file is \(kept)")
    }

    /// Renames a damaged file, with what SQLite keeps beside it.
    static func putAside(_ path: String, _ reason: String, _ report: (String) -> Void) throws(ArchiveError) {
        let aside = try freeName(path, ".damaged")
        guard rename(path, aside) == 0 else {
            throw .failed(path: path, operation: "put aside", reason: String(cString: strerror(errno)))
        }
        for suffix in ["-wal", "-journal"] { rename(path + suffix, aside + suffix) }
        unlink(path + "-shm")
        report("the archive \(path) is damaged (\(reason)); it was put aside as \(aside), and a new one begins")
    }

    /// Takes over the lines of `earlier`, if there is such a file and it was not read before.
    static func read(
        _ earlier: String, into connection: SQLiteConnection, _ report: (String) -> Void
    ) throws(ArchiveError) {
        guard access(earlier, R_OK) == 0 else { return }
        let query = "SELECT count(*) FROM imported WHERE name = ?"
        if try connection.number(query, [.text(earlier)]) != 0 { return }
        let result = try connection.transaction { () throws(ArchiveError) -> (taken: Int, skipped: Int)? in
            // Another process may have been first.
            if try connection.number(query, [.text(earlier)]) != 0 { return nil }
            try connection.run("INSERT INTO imported(name) VALUES(?)", [.text(earlier)])
            return try insert(try lines(earlier), connection)
        }
        if let result, result.taken > 0 { report("\(result.taken) trials of \(earlier) were taken over") }
    }

    private static func insertLines(
        _ path: String, into connection: SQLiteConnection
    ) throws(ArchiveError) -> (taken: Int, skipped: Int) {
        let lines = try lines(path)
        return try connection.transaction { () throws(ArchiveError) in try insert(lines, connection) }
    }

    private static func insert(
        _ lines: (content: [UInt8], time: Int64), _ connection: SQLiteConnection
    ) throws(ArchiveError) -> (taken: Int, skipped: Int) {
        var (taken, skipped) = (0, 0)
        let reader = JSONReader()
        for line in lines.content.split(separator: UInt8(ascii: "\n")) {
            // A line that a crash cut short costs itself alone.
            guard let value = try? reader.read(Array(line)), var record = ArchiveRecord(line: value) else {
                skipped += 1
                continue
            }
            record.time = lines.time
            try ArchiveRows.insert(record, source: 0, connection)
            taken += 1
        }
        return (taken, skipped)
    }

    /// A file's bytes, and when it was written last.
    private static func lines(_ path: String) throws(ArchiveError) -> (content: [UInt8], time: Int64) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .failed(path: path, operation: "read", reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var facts = stat()
        fstat(descriptor, &facts)
        var bytes: [UInt8] = []
        while true {
            let piece = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                count = max(0, Glibc.read(descriptor, buffer.baseAddress, buffer.count))
            }
            if piece.isEmpty { return (bytes, Int64(facts.st_mtim.tv_sec)) }
            bytes += piece
        }
    }

    private static func freeName(_ path: String, _ ending: String) throws(ArchiveError) -> String {
        for suffix in [ending] + (2..<100).map({ "\(ending)-\($0)" }) where access(path + suffix, F_OK) != 0 {
            return path + suffix
        }
        throw .failed(path: path, operation: "put aside", reason: "there are 99 files \(path)\(ending) already")
    }
}

extension ArchiveRecord {
    /// Reads a line of the files in which earlier versions kept trials; nil when a member is missing or of another type.
    package init?(line json: JSONValue) {
        guard let object = json.objectValue, let region = object["region"]?.stringValue,
            let candidate = object["candidate"]?.stringValue, let machine = object["machine"]?.stringValue,
            let schedule = object["schedule"]?.stringValue, let agent = object["agent"]?.stringValue
        else { return nil }
        // The candidate was generator, compiler and schedule in one text.
        let made = candidate.hasSuffix(" " + schedule) ? candidate.dropLast(schedule.utf8.count + 1) : candidate[...]
        let generator = made.prefix { $0 != " " }
        let outcome: Outcome
        if let reason = object["refused"]?.stringValue {
            outcome = .refused(reason: reason)
        } else if let seconds = object["seconds"]?.doubleValue,
            let championSeconds = object["championSeconds"]?.doubleValue, let isWin = object["isWin"]?.boolValue
        {
            outcome = .timed(seconds: seconds, championSeconds: championSeconds, isWin: isWin)
        } else {
            return nil
        }
        self.init(
            key: ArchiveKey(
                kernel: region, machine: machine,
                builder: .init(
                    generator: String(generator), compiler: String(made.dropFirst(generator.count).drop { $0 == " " })),
                schedule: schedule), agent: agent, outcome: outcome)
    }
}
