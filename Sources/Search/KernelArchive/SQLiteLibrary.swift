internal import CSQLite
internal import Glibc

/// SQLite's functions, opened once a process and only where an archive is asked for: what only runs packages needs no SQLite.
struct SQLiteLibrary: @unchecked Sendable {
    // Safety: a table of functions that is written once; the library itself is never closed.
    let call: HearthSQLite

    /// The first version that knows all that the archive asks for (`ON CONFLICT DO UPDATE`).
    private static let oldest = 3_024_000

    /// The library that `HEARTH_SQLITE` names, or the one that the loader finds; or why there is none.
    static let shared: Result<SQLiteLibrary, ArchiveError> = load()

    private static func load() -> Result<SQLiteLibrary, ArchiveError> {
        let named = getenv("HEARTH_SQLITE").map { [String(cString: $0)] }
        var reasons: [String] = []
        for name in named ?? ["libsqlite3.so.0", "libsqlite3.so"] {
            var table = HearthSQLite()
            var error = [CChar](repeating: 0, count: 512)
            if hearth_open_sqlite(&table, name, &error, error.count) == 0 {
                let version = Int(table.sqlite3_libversion_number())
                if version >= oldest { return .success(SQLiteLibrary(call: table)) }
                reasons.append("\(name) is version \(version / 1_000_000).\(version / 1000 % 1000); 3.24 is needed")
            } else {
                reasons.append(String(decoding: error.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
            }
        }
        return .failure(.noLibrary(reason: reasons[0]))
    }
}
