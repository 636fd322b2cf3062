internal import Glibc

/// What to forget.
package struct ArchivePruning: Hashable, Sendable {
    /// Trials judged before this moment, seconds since 1970.
    package var before: Int64?
    /// Trials on machines whose fingerprint begins with this text, or whose model holds it.
    package var machine: String?
    /// All that was imported.
    package var imported = false
    /// Trials beyond this number: of the rest, the oldest go first, and the fastest of each kernel on each machine last.
    package var most: Int?
    /// Bytes that the file may have; trials go as with `most` until it has no more.
    package var bytes: Int?

    /// Forgets nothing until told.
    package init() {}
}

extension KernelArchive {
    /// Forgets trials, with the kernels and machines that only they named, and makes the file small; returns how many went.
    package func prune(_ pruning: ArchivePruning) throws(ArchiveError) -> Int {
        var removed = try use { (connection) throws(ArchiveError) in
            try connection.transaction { () throws(ArchiveError) in
                var removed = 0
                if let before = pruning.before {
                    try connection.run("DELETE FROM trial WHERE time < ?", [.integer(before)])
                    removed += connection.changes
                }
                if let machine = pruning.machine {
                    try connection.run(
                        """
                        DELETE FROM trial WHERE machine IN (SELECT id FROM machine
                        WHERE substr(fingerprint, 1, length(?1)) = ?1 OR instr(lower(model), lower(?1)) > 0)
                        """, [.text(machine)])
                    removed += connection.changes
                }
                if pruning.imported {
                    try connection.run("DELETE FROM trial WHERE source > 0")
                    removed += connection.changes
                }
                if let most = pruning.most { removed += try Self.keep(most, connection) }
                try Self.removeOrphans(connection)
                return removed
            }
        }
        try vacuum()
        guard let limit = pruning.bytes else { return removed }
        while size > limit {
            let before = size
            let gone = try use { (connection) throws(ArchiveError) in
                try connection.transaction { () throws(ArchiveError) in
                    let count = Int(try connection.number("SELECT count(*) FROM trial"))
                    // What an empty archive takes can never be met; then all trials go.
                    let kept = Int(Double(count) * 0.95 * Double(limit) / Double(before))
                    let gone = try Self.keep(min(kept, count - 1), connection)
                    try Self.removeOrphans(connection)
                    return gone
                }
            }
            if gone == 0 { break }
            removed += gone
            try vacuum()
        }
        return removed
    }

    private static func keep(_ most: Int, _ connection: SQLiteConnection) throws(ArchiveError) -> Int {
        let surplus = try connection.number("SELECT count(*) FROM trial") - Int64(max(0, most))
        if surplus <= 0 { return 0 }
        // Beside `min`, SQLite gives the other columns of the row that has it.
        try connection.run(
            """
            DELETE FROM trial WHERE id IN (SELECT id FROM trial ORDER BY id IN (SELECT id FROM (
            SELECT id, min(seconds) FROM trial WHERE seconds IS NOT NULL AND source = 0 GROUP BY kernel, machine)),
            time, id LIMIT ?)
            """, [.integer(surplus)])
        return connection.changes
    }

    private static func removeOrphans(_ connection: SQLiteConnection) throws(ArchiveError) {
        // Before rows go whose numbers others may get.
        try removeUnfounded(connection)
        for table in ["kernel", "machine", "builder", "agent", "source"] {
            try connection.run("DELETE FROM \(table) WHERE id NOT IN (SELECT \(table) FROM trial)")
        }
    }

    private func vacuum() throws(ArchiveError) {
        try use { (connection) throws(ArchiveError) in
            try connection.run("VACUUM")
            try connection.run("PRAGMA wal_checkpoint(TRUNCATE)")
        }
    }
}
