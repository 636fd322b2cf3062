/// How the search of one kernel on one machine ended, and what it might have spent.
package struct SettledKernel: Hashable, Sendable {
    /// Canonical text of the schedule that stood at its end.
    package var schedule: String
    /// Names the choices that were open.
    package var choices: String
    /// The agent that found it.
    package var agent: String
    /// Most trials that the search had, all kernels together.
    package var trials: Int
    /// Seconds after which its clock ended it; nil where it came to its end before.
    package var seconds: Double?
    /// Trials without a win after which a kernel was done.
    package var patience: Int

    /// Makes a description.
    package init(
        schedule: String, choices: String, agent: String, trials: Int, seconds: Double?, patience: Int
    ) {
        self.schedule = schedule
        self.choices = choices
        self.agent = agent
        self.trials = trials
        self.seconds = seconds
        self.patience = patience
    }
}

extension KernelArchive {
    /// Remembers how a search ended, in place of what was known. A kernel, machine or builder of which no trial is known is passed over.
    package func settle(
        _ settled: SettledKernel, kernel: String, machine: String, builder: ArchiveKey.Builder
    ) throws(ArchiveError) {
        try use { (connection) throws(ArchiveError) in
            try connection.run(
                """
                INSERT OR REPLACE INTO settled(kernel, machine, builder, schedule, choices, agent, trials, seconds,
                patience) SELECT k.id, m.id, b.id, ?, ?, ?, ?, ?, ? FROM kernel k, machine m, builder b
                WHERE k.key = ? AND m.fingerprint = ? AND b.generator = ? AND b.compiler = ?
                """,
                [
                    .text(settled.schedule), .text(settled.choices), .text(settled.agent),
                    .integer(Int64(settled.trials)),
                    .init(settled.seconds), .integer(Int64(settled.patience)), .text(kernel), .text(machine),
                    .text(builder.generator), .text(builder.compiler),
                ])
        }
    }

    /// How the last search of a kernel ended here; nil where none came to an end.
    package func settled(
        kernel: String, machine: String, builder: ArchiveKey.Builder
    ) throws(ArchiveError) -> SettledKernel? {
        try use { (connection) throws(ArchiveError) in
            var found: SettledKernel?
            try connection.run(
                """
                SELECT s.schedule, s.agent, s.trials, s.seconds, s.patience, s.choices FROM settled s
                JOIN kernel k ON k.id = s.kernel JOIN machine m ON m.id = s.machine JOIN builder b ON b.id = s.builder
                WHERE k.key = ? AND m.fingerprint = ? AND b.generator = ? AND b.compiler = ?
                """,
                [.text(kernel), .text(machine), .text(builder.generator), .text(builder.compiler)]
            ) { row in
                found = SettledKernel(
                    schedule: row.text(0), choices: row.text(5), agent: row.text(1), trials: Int(row.integer(2)),
                    seconds: row.real(3),
                    patience: Int(row.integer(4)))
            }
            return found
        }
    }

    /// Forgets how searches ended whose trials are forgotten; part of a transaction.
    static func removeUnfounded(_ connection: SQLiteConnection) throws(ArchiveError) {
        try connection.run(
            """
            DELETE FROM settled WHERE NOT EXISTS (SELECT 1 FROM trial t WHERE t.kernel = settled.kernel
            AND t.machine = settled.machine AND t.builder = settled.builder AND t.source = 0)
            """)
    }
}
