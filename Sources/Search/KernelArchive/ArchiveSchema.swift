internal import CSQLite

/// The tables, and what makes a file one of ours.
enum ArchiveSchema {
    /// Stands in the file's header: "HRTH".
    static let application: Int64 = 0x4852_5448
    /// Changes with the tables.
    static let version: Int64 = 3

    /// `trial.source` is 0 for what was judged here, else whose export it came from. `schedule_hash` stands for the schedule in
    /// the index, which would be as large as the table otherwise.
    private static let tables = [
        "CREATE TABLE imported(name TEXT PRIMARY KEY) WITHOUT ROWID",
        """
        CREATE TABLE machine(
            id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, kind TEXT NOT NULL DEFAULT '',
            model TEXT NOT NULL DEFAULT '', features TEXT NOT NULL DEFAULT '', cores INTEGER NOT NULL DEFAULT 0,
            threads INTEGER NOT NULL DEFAULT 0, caches TEXT NOT NULL DEFAULT '', memory INTEGER NOT NULL DEFAULT 0)
        """,
        """
        CREATE TABLE kernel(
            id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL DEFAULT '',
            kind TEXT NOT NULL DEFAULT '', family TEXT NOT NULL DEFAULT '', element TEXT NOT NULL DEFAULT '',
            elements TEXT NOT NULL DEFAULT '', extents TEXT NOT NULL DEFAULT '', bytes REAL NOT NULL DEFAULT 0,
            operations REAL NOT NULL DEFAULT 0, work REAL NOT NULL DEFAULT 0, numbers BLOB NOT NULL DEFAULT x'')
        """,
        "CREATE INDEX kernel_by_work ON kernel(kind, element, work)",
        """
        CREATE TABLE builder(
            id INTEGER PRIMARY KEY, generator TEXT NOT NULL, compiler TEXT NOT NULL, UNIQUE(generator, compiler))
        """,
        "CREATE TABLE agent(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
        "CREATE TABLE source(id INTEGER PRIMARY KEY, signer TEXT NOT NULL UNIQUE)",
        """
        CREATE TABLE trial(
            id INTEGER PRIMARY KEY, kernel INTEGER NOT NULL, machine INTEGER NOT NULL, builder INTEGER NOT NULL,
            source INTEGER NOT NULL, agent INTEGER NOT NULL, schedule_hash INTEGER NOT NULL, schedule TEXT NOT NULL,
            won INTEGER NOT NULL, reason TEXT, seconds REAL, champion_seconds REAL, speedup REAL, low REAL, high REAL,
            calls INTEGER, groups INTEGER, time INTEGER NOT NULL, profile TEXT)
        """,
        "CREATE UNIQUE INDEX trial_by_key ON trial(kernel, schedule_hash, machine, builder, source)",
        "CREATE INDEX trial_by_speed ON trial(kernel, machine, source, seconds) WHERE won = 1", settled,
    ]

    /// How searches ended. It names rows of trials, so that these must not go without it.
    private static let settled = """
        CREATE TABLE IF NOT EXISTS settled(
            kernel INTEGER NOT NULL, machine INTEGER NOT NULL, builder INTEGER NOT NULL, schedule TEXT NOT NULL,
            choices TEXT NOT NULL, agent TEXT NOT NULL, trials INTEGER NOT NULL, seconds REAL, patience INTEGER NOT NULL,
            PRIMARY KEY(kernel, machine, builder)) WITHOUT ROWID
        """

    /// What makes tables of each version those of the next, from version 1 on.
    private static let steps = [["ALTER TABLE trial ADD COLUMN profile TEXT"], [settled]]

    /// Brings the tables of an earlier version up to this one, all of it or nothing.
    private static func migrate(_ connection: SQLiteConnection, _ path: String) throws(ArchiveError) {
        try connection.transaction { () throws(ArchiveError) in
            // Another process may have been first.
            let version = try connection.number("PRAGMA user_version")
            guard version >= 1 else { throw .damaged(path: path, reason: "it has no version") }
            guard version < Self.version else { return }
            do throws(ArchiveError) {
                for step in steps[Int(version - 1)...] { for statement in step { try connection.run(statement) } }
            } catch .failed(_, _, let reason) where reason.hasPrefix("no such table") {
                throw .damaged(path: path, reason: reason)
            }
            try connection.run("PRAGMA user_version = \(Self.version)")
        }
    }

    /// Opens a database as an archive: makes the tables in an empty one.
    static func open(_ path: String) throws(ArchiveError) -> SQLiteConnection {
        let connection = try SQLiteConnection(path: path, library: try SQLiteLibrary.shared.get())
        var version = try connection.number("PRAGMA user_version")
        // Writers beside readers, and no wait for the disk at each commit: what was committed survives the end of the process,
        // whatever ends it. Over a network, processes share no memory, and the log that needs it is left out.
        let isRemote = hearth_is_remote(path) != 0
        try connection.run("PRAGMA journal_mode = \(isRemote ? "DELETE" : "WAL")")
        try connection.run("PRAGMA synchronous = \(isRemote ? "FULL" : "NORMAL")")
        if version == 0 {
            version = try connection.transaction { () throws(ArchiveError) in
                // Another process may have been first.
                let version = try connection.number("PRAGMA user_version")
                if version != 0 { return version }
                guard try connection.number("SELECT count(*) FROM sqlite_master") == 0 else {
                    throw .damaged(path: path, reason: "it is a database of another program")
                }
                for table in tables { try connection.run(table) }
                try connection.run("PRAGMA application_id = \(application)")
                try connection.run("PRAGMA user_version = \(Self.version)")
                return Self.version
            }
        }
        let found = try connection.number("PRAGMA application_id")
        guard found == application else { throw .damaged(path: path, reason: "it is a database of another program") }
        guard version <= Self.version else { throw .newer(path: path, version: version) }
        if version < Self.version { try migrate(connection, path) }
        // Touches the tables, so that a broken file shows now.
        for table in ["imported", "machine", "kernel", "builder", "agent", "source", "trial", "settled"] {
            do throws(ArchiveError) {
                _ = try connection.number("SELECT count(*) FROM (SELECT * FROM \(table) LIMIT 1)")
            } catch .failed(_, _, let reason) where reason.hasPrefix("no such table") {
                throw .damaged(path: path, reason: reason)
            }
        }
        return connection
    }
}
