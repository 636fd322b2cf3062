internal import Glibc

/// A trial that says what may be fast for another kernel or machine.
package struct ArchiveNeighbour: Hashable, Sendable {
    /// The trial, of the kernel that is near.
    package var record: ArchiveRecord
    /// Name of that kernel.
    package var kernelName: String
    /// Distance of kernels and machines together; 0 for the same kernel on the same machine.
    package var distance: Double
    /// Whether somebody else's export said so: nothing of it was seen here.
    package var isImported: Bool
}

extension KernelArchive {
    /// Most kernels of less, and of more work that a lookup compares, and most that it takes trials of.
    private static let window = 500
    private static let nearestKernels = 48
    /// Most winners that one kernel on one machine gives, of those judged here and of those by others. Of what was judged here for
    /// the same kernel the best is enough: it won against the rest.
    private static func winners(_ distance: Double, isImported: Bool) -> Int64 {
        distance == 0 && !isImported ? 1 : 2
    }

    /// What was judged here of one kernel on one machine, correct candidates from the fastest on, then refusals.
    package func records(kernel: String, machine: String) throws(ArchiveError) -> [ArchiveRecord] {
        try use { (connection) throws(ArchiveError) in
            var records: [ArchiveRecord] = []
            try connection.run(
                ArchiveRows.select
                    + " WHERE k.key = ? AND m.fingerprint = ? AND t.source = 0 ORDER BY t.seconds IS NULL, t.seconds, t.id",
                [.text(kernel), .text(machine)]
            ) { row in
                if let record = ArchiveRows.record(row) { records.append(record) }
            }
            return records
        }
    }

    /// The fastest winners of the nearest kernels on the nearest machines, the nearest first, each schedule once. Time is bounded
    /// whatever the archive holds: kernels of about as much work are compared, those of far more or less are not.
    package func neighbours(
        of kernel: ArchiveKernel, on machine: ArchiveMachine, limit: Int
    ) throws(ArchiveError) -> [ArchiveNeighbour] {
        try use { (connection) throws(ArchiveError) in
            var found: [ArchiveNeighbour] = []
            var seen: Set<String> = []
            for pair in try Self.pairs(kernel, machine, connection) where found.count < limit {
                for isImported in [false, true] {
                    try connection.run(
                        ArchiveRows.select
                            + """
                             WHERE t.kernel = ? AND t.machine = ? AND t.source \(isImported ? "> 0" : "= 0")
                            AND t.won = 1 ORDER BY t.seconds, t.id LIMIT ?
                            """,
                        [
                            .integer(pair.kernel.id), .integer(pair.machine),
                            .integer(Self.winners(pair.distance, isImported: isImported)),
                        ]
                    ) { row in
                        guard found.count < limit, let record = ArchiveRows.record(row),
                            seen.insert(record.key.schedule).inserted
                        else { return }
                        found.append(
                            ArchiveNeighbour(
                                record: record, kernelName: pair.kernel.name, distance: pair.distance,
                                isImported: isImported))
                    }
                }
            }
            return found
        }
    }

    /// A kernel that is near.
    struct Near {
        var id: Int64
        var name: String
        var distance: Double
    }

    /// Kernels with machines on which they were tried, the nearest first.
    static func pairs(
        _ kernel: ArchiveKernel, _ machine: ArchiveMachine, _ connection: SQLiteConnection
    ) throws(ArchiveError) -> [(kernel: Near, machine: Int64, distance: Double)] {
        let machines = try Self.machines(near: machine, connection)
        var pairs: [(kernel: Near, machine: Int64, distance: Double)] = []
        for near in try Self.kernels(near: kernel, connection) {
            try connection.run("SELECT DISTINCT machine FROM trial WHERE kernel = ?", [.integer(near.id)]) { row in
                guard let away = machines[row.integer(0)] else { return }
                pairs.append((near, row.integer(0), near.distance + away))
            }
        }
        pairs.removeAll { $0.distance > ArchiveDistance.limit }
        pairs.sort { ($0.distance, $0.kernel.id, $0.machine) < ($1.distance, $1.kernel.id, $1.machine) }
        return pairs
    }

    /// Machines by their rows, with their distances.
    private static func machines(
        near machine: ArchiveMachine, _ connection: SQLiteConnection
    ) throws(ArchiveError) -> [Int64: Double] {
        var distances: [Int64: Double] = [:]
        try connection.run("SELECT \(ArchiveRows.machineColumns), id FROM machine") { row in
            distances[row.integer(8)] = ArchiveDistance.between(machine, ArchiveRows.machine(row))
        }
        return distances
    }

    private static func kernels(
        near kernel: ArchiveKernel, _ connection: SQLiteConnection
    ) throws(ArchiveError) -> [Near] {
        let features = ArchiveDistance.Features(kernel)
        var near: [Near] = []
        try connection.run("SELECT id, name FROM kernel WHERE key = ?", [.text(kernel.key)]) { row in
            near.append(Near(id: row.integer(0), name: row.text(1), distance: 0))
        }
        let same = near.first?.id ?? -1
        for (comparison, order) in [(">=", "ASC"), ("<", "DESC")] {
            try connection.run(
                """
                SELECT id, name, family, elements, numbers FROM kernel
                WHERE kind = ? AND element = ? AND work \(comparison) ? ORDER BY work \(order) LIMIT ?
                """,
                [.text(kernel.kind), .text(kernel.element), .real(features.work), .integer(Int64(window))]
            ) { row in
                let (id, family) = (row.integer(0), row.text(2))
                if id == same { return }
                if kernel.kind == ArchiveKernel.modelKind, family != kernel.family { return }
                let other = row.withBytes(4) {
                    ArchiveDistance.Features(family: family, elements: row.text(3), bytes: $0)
                }
                guard let distance = features.distance(other), distance <= ArchiveDistance.limit else { return }
                near.append(Near(id: id, name: row.text(1), distance: distance))
            }
        }
        near.sort { ($0.distance, $0.id) < ($1.distance, $1.id) }
        return Array(near.prefix(nearestKernels))
    }
}
