internal import CSQLite

/// One connection to a database, with its prepared statements. It belongs to one thread at a time.
final class SQLiteConnection {
    /// What a statement takes.
    enum Value {
        case integer(Int64)
        case real(Double)
        case text(String)
        case blob([UInt8])
        case null

        /// Null where there is none.
        init(_ value: Int64?) { self = value.map { .integer($0) } ?? .null }
        /// Null where there is none.
        init(_ value: Double?) { self = value.map { .real($0) } ?? .null }
        /// Null where there is none.
        init(_ value: String?) { self = value.map { .text($0) } ?? .null }
    }

    /// A row of a result; valid only while it is handed out.
    struct Row {
        fileprivate let call: HearthSQLite
        fileprivate let statement: HearthSQLiteStatement?

        /// Whether the column holds nothing.
        func isNull(_ column: Int32) -> Bool {
            call.sqlite3_column_type(statement, column) == Int32(HEARTH_SQLITE_NULL)
        }
        /// The column as an integer.
        func integer(_ column: Int32) -> Int64 { call.sqlite3_column_int64(statement, column) }
        /// The column as a number; nil where it holds nothing.
        func real(_ column: Int32) -> Double? {
            isNull(column) ? nil : call.sqlite3_column_double(statement, column)
        }
        /// The column's bytes as text; a damaged file may hold any.
        func text(_ column: Int32) -> String { withBytes(column) { String(decoding: $0, as: UTF8.self) } }
        /// The column's bytes.
        func withBytes<Result>(_ column: Int32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
            let bytes = call.sqlite3_column_blob(statement, column)
            let count = Int(call.sqlite3_column_bytes(statement, column))
            // Safety: SQLite keeps these bytes until the statement's next step, which comes after `body`.
            return body(UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count))
        }
    }

    private let call: HearthSQLite
    private var database: HearthSQLiteDatabase?
    private var statements: [String: HearthSQLiteStatement] = [:]
    private let path: String

    /// Opens or makes the database of a path.
    init(path: String, library: SQLiteLibrary) throws(ArchiveError) {
        call = library.call
        self.path = path
        let code = call.sqlite3_open_v2(path, &database, Int32(HEARTH_SQLITE_OPEN_FLAGS), nil)
        guard code == Int32(HEARTH_SQLITE_OK) else {
            let reason = Self.message(call, database)
            _ = call.sqlite3_close_v2(database)
            throw .failed(path: path, operation: "open", reason: reason)
        }
        // Others write for microseconds; one that vacuums, for seconds.
        _ = call.sqlite3_busy_timeout(database, 20_000)
    }

    deinit { close() }

    /// Ends the connection; what was committed is in the file.
    func close() {
        for statement in statements.values { _ = call.sqlite3_finalize(statement) }
        statements = [:]
        if let database { _ = call.sqlite3_close_v2(database) }
        database = nil
    }

    /// Rows that the last statement changed.
    var changes: Int { Int(call.sqlite3_changes(database)) }

    /// Runs one statement and gives each row of its result to `row`.
    func run(
        _ text: String, _ values: [Value] = [], row: (Row) -> Void = { _ in }
    ) throws(ArchiveError) {
        let statement = try prepared(text)
        defer {
            _ = call.sqlite3_reset(statement)
            _ = call.sqlite3_clear_bindings(statement)
        }
        for (place, value) in zip(Int32(1)..., values) {
            let code =
                switch value {
                case .integer(let number): call.sqlite3_bind_int64(statement, place, number)
                case .real(let number): call.sqlite3_bind_double(statement, place, number)
                case .text(let text): bind(statement, place, text)
                case .blob(let bytes): bind(statement, place, bytes)
                case .null: Int32(HEARTH_SQLITE_OK)
                }
            try check(code, text)
        }
        while true {
            let code = call.sqlite3_step(statement)
            if code == Int32(HEARTH_SQLITE_DONE) { return }
            guard code == Int32(HEARTH_SQLITE_ROW) else { throw error(code, text) }
            row(Row(call: call, statement: statement))
        }
    }

    /// Runs `body` as one change of the file: all of it is kept, or nothing.
    func transaction<Result>(_ body: () throws(ArchiveError) -> Result) throws(ArchiveError) -> Result {
        try run("BEGIN IMMEDIATE")
        do throws(ArchiveError) {
            let result = try body()
            try run("COMMIT")
            return result
        } catch {
            try? run("ROLLBACK")
            throw error
        }
    }

    /// The single number that a query gives; 0 where it gives none.
    func number(_ text: String, _ values: [Value] = []) throws(ArchiveError) -> Int64 {
        var result: Int64 = 0
        try run(text, values) { result = $0.integer(0) }
        return result
    }

    private func prepared(_ text: String) throws(ArchiveError) -> HearthSQLiteStatement? {
        if let known = statements[text] { return known }
        var statement: HearthSQLiteStatement?
        try check(call.sqlite3_prepare_v2(database, text, -1, &statement, nil), text)
        statements[text] = statement
        return statement
    }

    private func bind(_ statement: HearthSQLiteStatement?, _ place: Int32, _ text: String) -> Int32 {
        var text = text
        return text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                withUnsafePointer(to: call) { table in
                    // An empty text is no null.
                    hearth_sqlite_bind_text(
                        table, statement, place, characters.baseAddress ?? Self.empty, Int32(characters.count))
                }
            }
        }
    }

    private func bind(_ statement: HearthSQLiteStatement?, _ place: Int32, _ bytes: [UInt8]) -> Int32 {
        withUnsafePointer(to: call) { table in
            bytes.withUnsafeBytes {
                hearth_sqlite_bind_blob(table, statement, place, $0.baseAddress, Int32($0.count))
            }
        }
    }

    // Safety: one byte of zero that is never written or freed.
    private nonisolated(unsafe) static let empty: UnsafePointer<CChar> = {
        let byte = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
        byte.initialize(to: 0)
        return UnsafePointer(byte)
    }()

    /// What went wrong last; of no database at all SQLite says that memory is short.
    private static func message(_ call: HearthSQLite, _ database: HearthSQLiteDatabase?) -> String {
        call.sqlite3_errmsg(database).map { String(cString: $0) } ?? "unknown error"
    }

    private func check(_ code: Int32, _ text: String) throws(ArchiveError) {
        if code != Int32(HEARTH_SQLITE_OK) { throw error(code, text) }
    }

    private func error(_ code: Int32, _ text: String) -> ArchiveError {
        let reason = Self.message(call, database)
        // The low byte is the kind of error, the rest says more.
        let kind = code & 0xFF
        if kind == Int32(HEARTH_SQLITE_CORRUPT) || kind == Int32(HEARTH_SQLITE_NOTADB) {
            return .damaged(path: path, reason: reason)
        }
        let verb = text.prefix { $0 != " " }
        let isReading = verb == "SELECT" || verb == "PRAGMA"
        return .failed(path: path, operation: isReading ? "read" : "write", reason: reason)
    }
}
