internal import Base
internal import Glibc
internal import Synchronization

/// What is remembered of all trials: a SQLite database that several processes may use at once, and that a kill at any moment
/// leaves whole. What `append` took is kept when it returns.
///
/// Records that were judged here answer for their key. Records of others (`add`) only suggest what to try: no key finds them.
package final class KernelArchive: Sendable {
    private struct State {
        /// nil once the file was found damaged while others used it.
        var connection: SQLiteConnection?
        var lock: ArchiveLock
    }

    package let path: String
    private let mutex = Mutex(())
    // Safety: read and written only while `mutex` is held.
    private nonisolated(unsafe) var state: State
    private let report: @Sendable (String) -> Void

    /// Opens the archive, or makes an empty one. `report` is told, in one line each, when a damaged file was put aside or an
    /// earlier one was taken over: JSON Lines at the path itself, or in the file `earlier`, which is read once and stays.
    package init(
        path: String, earlier: String? = nil, report: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(ArchiveError) {
        // Before anything is made on the disk.
        _ = try SQLiteLibrary.shared.get()
        let lock = try ArchiveLock(of: path)
        // Only who is alone may replace the file: SQLite does not survive that under an open connection.
        var isAlone = lock.takeAlone()
        if isAlone {
            if case .lines = try ArchiveFile.content(path) { try ArchiveFile.takeOver(path, report) }
        } else {
            lock.share()
        }
        let connection: SQLiteConnection
        do throws(ArchiveError) {
            connection = try ArchiveSchema.open(path)
        } catch .damaged(_, let reason) {
            if !isAlone { isAlone = lock.takeAloneSoon() }
            guard isAlone else { throw .damaged(path: path, reason: reason) }
            if case .lines = try ArchiveFile.content(path) {
                try ArchiveFile.takeOver(path, report)
            } else {
                try ArchiveFile.putAside(path, reason, report)
            }
            connection = try ArchiveSchema.open(path)
        }
        if isAlone { lock.share() }
        if let earlier { try ArchiveFile.read(earlier, into: connection, report) }
        self.path = path
        self.report = report
        state = State(connection: connection, lock: lock)
    }

    /// Runs `body` on the connection; a file that turns out to be damaged is put aside and replaced first, if that may be.
    func use<Result>(
        _ body: (SQLiteConnection) throws(ArchiveError) -> Result
    ) throws(ArchiveError) -> Result {
        // Safety: a result leaves the lock by value; what SQLite holds stays behind.
        nonisolated(unsafe) var result: Result?
        try mutex.withLock { (_) throws(ArchiveError) in
            guard let connection = state.connection else { throw .closed(path: path) }
            do throws(ArchiveError) {
                result = try body(connection)
            } catch .damaged(_, let reason) {
                result = try body(try replace(reason))
            }
        }
        guard let result else { preconditionFailure("a body that did not throw gave a result") }
        return result
    }

    private func replace(_ reason: String) throws(ArchiveError) -> SQLiteConnection {
        state.connection?.close()
        state.connection = nil
        guard state.lock.takeAloneSoon() else {
            state.lock.share()
            report(
                "the archive \(path) is damaged: \(reason); others use it still, so trials are not remembered from here on"
            )
            throw .closed(path: path)
        }
        defer { state.lock.share() }
        try ArchiveFile.putAside(path, reason, report)
        let fresh = try ArchiveSchema.open(path)
        state.connection = fresh
        return fresh
    }
}

extension KernelArchive {
    /// The record of a key that was judged here.
    package subscript(key: ArchiveKey) -> ArchiveRecord? {
        let found = try? use { (connection) throws(ArchiveError) in
            var found: ArchiveRecord?
            try connection.run(
                ArchiveRows.select + """
                     WHERE k.key = ? AND t.schedule_hash = ? AND m.fingerprint = ? AND b.generator = ? AND b.compiler = ?
                    AND t.source = 0
                    """,
                [
                    .text(key.kernel), .integer(ArchiveRows.hash(key.schedule)), .text(key.machine),
                    .text(key.builder.generator), .text(key.builder.compiler),
                ]
            ) { found = ArchiveRows.record($0) }
            return found
        }
        // Another schedule of the same hash is not this one.
        guard let found, found.key == key else { return nil }
        return found
    }

    /// All records that were judged here, in the order in which their keys first came.
    package var records: [ArchiveRecord] {
        (try? use { (connection) throws(ArchiveError) in
            var records: [ArchiveRecord] = []
            try connection.run(ArchiveRows.select + " WHERE t.source = 0 ORDER BY t.id") { row in
                if let record = ArchiveRows.record(row) { records.append(record) }
            }
            return records
        }) ?? []
    }

    /// Keeps a record that was judged here; it survives the end of this process when this returns. It replaces an earlier one
    /// of its key.
    package func append(_ record: ArchiveRecord) throws(ArchiveError) {
        try use { (connection) throws(ArchiveError) in
            try connection.transaction { () throws(ArchiveError) in
                try ArchiveRows.insert(record, source: 0, connection)
            }
        }
    }

    /// Says what a kernel is, so that similar ones find it.
    package func describe(_ kernel: ArchiveKernel) throws(ArchiveError) {
        try use { (connection) throws(ArchiveError) in
            try ArchiveRows.insert(kernel, replaces: true, connection)
        }
    }

    /// Says what a machine is, so that similar ones find it.
    package func describe(_ machine: ArchiveMachine) throws(ArchiveError) {
        try use { (connection) throws(ArchiveError) in
            try ArchiveRows.insert(machine, replaces: true, connection)
        }
    }

    /// Takes records of another, named `signer`, as suggestions; those that came from there before are replaced. What is
    /// known here of kernels and machines stays as it is.
    package func add(
        _ records: [ArchiveRecord], kernels: [ArchiveKernel], machines: [ArchiveMachine], signer: String
    ) throws(ArchiveError) {
        try use { (connection) throws(ArchiveError) in
            try connection.transaction { () throws(ArchiveError) in
                for kernel in kernels { try ArchiveRows.insert(kernel, replaces: false, connection) }
                for machine in machines { try ArchiveRows.insert(machine, replaces: false, connection) }
                try connection.run("INSERT OR IGNORE INTO source(signer) VALUES(?)", [.text(signer)])
                let source = try connection.number("SELECT id FROM source WHERE signer = ?", [.text(signer)])
                for record in records { try ArchiveRows.insert(record, source: source, connection) }
            }
        }
    }

    /// Ends the use of the file; everything that comes after throws.
    package func close() {
        mutex.withLock { _ in
            state.connection?.close()
            state.connection = nil
        }
    }
}

/// What one archive gives to another.
package struct ArchiveContents: Hashable, Sendable {
    package var machines: [ArchiveMachine] = []
    package var kernels: [ArchiveKernel] = []
    package var records: [ArchiveRecord] = []

    /// Makes contents.
    package init(
        machines: [ArchiveMachine] = [], kernels: [ArchiveKernel] = [], records: [ArchiveRecord] = []
    ) {
        self.machines = machines
        self.kernels = kernels
        self.records = records
    }
}

extension KernelArchive {
    /// All that was judged here, with the kernels and machines that it is about; what was imported is another's to give.
    package func contents() throws(ArchiveError) -> ArchiveContents {
        try use { (connection) throws(ArchiveError) in
            // One picture of the file, whatever others write meanwhile.
            try connection.transaction { () throws(ArchiveError) in
                var contents = ArchiveContents()
                try connection.run(
                    """
                    SELECT \(ArchiveRows.machineColumns) FROM machine
                    WHERE id IN (SELECT machine FROM trial WHERE source = 0) ORDER BY id
                    """
                ) { contents.machines.append(ArchiveRows.machine($0)) }
                try connection.run(
                    """
                    SELECT \(ArchiveRows.kernelColumns) FROM kernel
                    WHERE id IN (SELECT kernel FROM trial WHERE source = 0) ORDER BY id
                    """
                ) { contents.kernels.append(ArchiveRows.kernel($0)) }
                try connection.run(ArchiveRows.select + " WHERE t.source = 0 ORDER BY t.id") { row in
                    if let record = ArchiveRows.record(row) { contents.records.append(record) }
                }
                return contents
            }
        }
    }
}
