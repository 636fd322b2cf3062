internal import Glibc

/// What an archive holds.
package struct ArchiveStatistics: Hashable, Sendable {
    /// What came of an agent's proposals.
    package struct Agent: Hashable, Sendable {
        package var name: String
        package var records: Int
        /// Of them, found correct, and faster than the champion of their time.
        package var accepted: Int
        package var won: Int

        /// Makes a row.
        package init(name: String, records: Int, accepted: Int, won: Int) {
            self.name = name
            self.records = records
            self.accepted = accepted
            self.won = won
        }
    }

    /// Trials of one machine.
    package struct Machine: Hashable, Sendable {
        package var machine: ArchiveMachine
        package var records: Int

        /// Makes a row.
        package init(machine: ArchiveMachine, records: Int) {
            self.machine = machine
            self.records = records
        }
    }

    /// Trials that one export said of.
    package struct Signer: Hashable, Sendable {
        package var name: String
        package var records: Int

        /// Makes a row.
        package init(name: String, records: Int) {
            self.name = name
            self.records = records
        }
    }

    /// Trials judged here, and imported.
    package var records = 0
    package var imported = 0
    package var kernels = 0
    package var families = 0
    package var machines: [Machine] = []
    package var signers: [Signer] = []
    /// Agents by their number of records; of trials judged here.
    package var agents: [Agent] = []
    /// Times of the first and last trial, seconds since 1970.
    package var oldest: Int64 = 0
    package var newest: Int64 = 0
    /// Bytes of the file and of what SQLite keeps beside it.
    package var bytes = 0
}

extension KernelArchive {
    /// Counts what is there. Linear in the number of records.
    package func statistics() throws(ArchiveError) -> ArchiveStatistics {
        var statistics = try use { (connection) throws(ArchiveError) in
            var result = ArchiveStatistics()
            let totals =
                "SELECT count(*), coalesce(sum(source > 0), 0), coalesce(min(time), 0), coalesce(max(time), 0) FROM trial"
            try connection.run(totals) { row in
                result.imported = Int(row.integer(1))
                result.records = Int(row.integer(0)) - result.imported
                result.oldest = row.integer(2)
                result.newest = row.integer(3)
            }
            result.kernels = Int(try connection.number("SELECT count(*) FROM kernel"))
            result.families = Int(
                try connection.number("SELECT count(DISTINCT family) FROM kernel WHERE family != ''"))
            try connection.run(
                """
                SELECT \(ArchiveRows.machineColumns), (SELECT count(*) FROM trial WHERE trial.machine = m.id) AS records
                FROM machine m ORDER BY records DESC, id
                """
            ) { row in
                result.machines.append(.init(machine: ArchiveRows.machine(row), records: Int(row.integer(8))))
            }
            try connection.run(
                """
                SELECT signer, (SELECT count(*) FROM trial WHERE trial.source = s.id) AS records FROM source s
                ORDER BY records DESC, id
                """
            ) { row in result.signers.append(.init(name: row.text(0), records: Int(row.integer(1)))) }
            try connection.run(
                """
                SELECT a.name, count(*) AS records, sum(t.reason IS NULL), sum(t.won) FROM trial t
                JOIN agent a ON a.id = t.agent WHERE t.source = 0 GROUP BY t.agent ORDER BY records DESC, a.id
                """
            ) { row in
                result.agents.append(
                    .init(
                        name: row.text(0), records: Int(row.integer(1)), accepted: Int(row.integer(2)),
                        won: Int(row.integer(3))))
            }
            return result
        }
        statistics.bytes = size
        return statistics
    }

    /// What is wrong with the file, in one line; nil when all of it is whole. Reads the whole file.
    package func damage() throws(ArchiveError) -> String? {
        try use { (connection) throws(ArchiveError) in
            var lines: [String] = []
            try connection.run("PRAGMA quick_check(1)") { lines.append($0.text(0)) }
            let line = lines.joined(separator: "; ").split(separator: "\n").joined(separator: "; ")
            return line == "ok" ? nil : line
        }
    }

    /// Bytes on the disk.
    var size: Int {
        ["", "-wal"].reduce(0) { sum, suffix in
            var facts = stat()
            return stat(path + suffix, &facts) == 0 ? sum + Int(facts.st_size) : sum
        }
    }
}
