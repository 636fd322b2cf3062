internal import Glibc

/// A trial of a kernel that is near, and what a cost model must know to learn from it.
package struct ArchiveExample: Hashable, Sendable {
    /// Canonical schedule text.
    package var schedule: String
    /// Time by that of the slowest champion, which as a rule was the default schedule; nil where it was refused.
    package var relativeSeconds: Double?
    /// What the kernel and the machine are, as `KernelArchive.features`.
    package var features: [Double]
    /// Distance of kernels and machines together.
    package var distance: Double
    /// What else was known of it; see `ArchiveRecord.profile`.
    package var profile: [String: Double] = [:]
}

extension KernelArchive {
    /// Most trials that are taken of one kernel on one machine.
    private static let examplesOfOne = 48

    /// What a kernel and a machine are, as binary logarithms: bytes, operations and extents; cores, threads and three caches.
    package static func features(_ kernel: ArchiveKernel, _ machine: ArchiveMachine) -> [Double] {
        ArchiveDistance.Features(kernel).numbers.map(Double.init) + features(machine)
    }

    private static func features(_ machine: ArchiveMachine) -> [Double] {
        let caches = (0..<3).map { machine.caches.indices.contains($0) ? machine.caches[$0] : 0 }
        return ([machine.cores, machine.threads] + caches).map { log2(Double(max(0, $0)) + 1) }
    }

    /// Trials of the nearest kernels on the nearest machines, slow ones and refusals too, the nearest first. Only what was judged
    /// here: others' claims are suggestions, not lessons. Of many trials of a kernel some are taken, the same each time.
    package func examples(
        of kernel: ArchiveKernel, on machine: ArchiveMachine, limit: Int
    ) throws(ArchiveError) -> [ArchiveExample] {
        try use { (connection) throws(ArchiveError) in
            var found: [ArchiveExample] = []
            for pair in try Self.pairs(kernel, machine, connection) where found.count < limit {
                let place: [SQLiteConnection.Value] = [.integer(pair.kernel.id), .integer(pair.machine)]
                var slowest = 0.0
                try connection.run(
                    "SELECT max(champion_seconds) FROM trial WHERE kernel = ? AND machine = ? AND source = 0", place
                ) { row in slowest = row.real(0) ?? 0 }
                guard slowest > 0 else { continue }
                var features: [Double] = []
                try connection.run("SELECT numbers FROM kernel WHERE id = ?", [.integer(pair.kernel.id)]) { row in
                    features = row.withBytes(0) {
                        ArchiveDistance.Features(family: "", elements: "", bytes: $0).numbers.map(Double.init)
                    }
                }
                try connection.run(
                    "SELECT \(ArchiveRows.machineColumns) FROM machine WHERE id = ?", [.integer(pair.machine)]
                ) { row in features += Self.features(ArchiveRows.machine(row)) }
                // The hash orders trials as a draw would.
                try connection.run(
                    """
                    SELECT schedule, seconds, reason, profile FROM trial WHERE kernel = ? AND machine = ? AND source = 0
                    ORDER BY schedule_hash LIMIT ?
                    """,
                    place + [.integer(Int64(min(Self.examplesOfOne, limit - found.count)))]
                ) { row in
                    let seconds = row.isNull(2) ? row.real(1) : nil
                    guard seconds != nil || !row.isNull(2) else { return }
                    found.append(
                        ArchiveExample(
                            schedule: row.text(0), relativeSeconds: seconds.map { $0 / slowest }, features: features,
                            distance: pair.distance, profile: ArchiveRows.profile(row.text(3))))
                }
            }
            return found
        }
    }
}
