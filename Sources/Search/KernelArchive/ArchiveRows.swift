internal import Base
internal import Glibc

/// Rows of the tables as values, and back.
enum ArchiveRows {
    /// Records with all that their columns stand for; a `WHERE` follows.
    static let select = """
        SELECT k.key, m.fingerprint, b.generator, b.compiler, t.schedule, a.name, t.won, t.reason, t.seconds,
        t.champion_seconds, t.speedup, t.low, t.high, t.calls, t.groups, t.time, t.profile
        FROM trial t JOIN kernel k ON k.id = t.kernel JOIN machine m ON m.id = t.machine
        JOIN builder b ON b.id = t.builder JOIN agent a ON a.id = t.agent
        """

    /// What stands for a schedule in the index.
    static func hash(_ schedule: String) -> Int64 { Int64(bitPattern: ContentHash.of(schedule).rawValue) }

    /// The record of a row of `select`; nil where it holds neither a time nor a refusal.
    static func record(_ row: SQLiteConnection.Row) -> ArchiveRecord? {
        let outcome: ArchiveRecord.Outcome
        var samples: ArchiveRecord.Samples?
        if !row.isNull(7) {
            outcome = .refused(reason: row.text(7))
        } else if let seconds = row.real(8), let championSeconds = row.real(9) {
            outcome = .timed(seconds: seconds, championSeconds: championSeconds, isWin: row.integer(6) == 1)
            if let speedup = row.real(10), let low = row.real(11), let high = row.real(12) {
                samples = .init(
                    speedup: speedup, low: low, high: high, calls: Int(row.integer(13)), groups: Int(row.integer(14)))
            }
        } else {
            return nil
        }
        let key = ArchiveKey(
            kernel: row.text(0), machine: row.text(1),
            builder: .init(generator: row.text(2), compiler: row.text(3)), schedule: row.text(4))
        return ArchiveRecord(
            key: key, agent: row.text(5), outcome: outcome, samples: samples, profile: profile(row.text(16)),
            time: row.integer(15))
    }

    /// A profile as it lies in the database: `name=number`, sorted, separated by spaces; nil for an empty one.
    static func text(_ profile: [String: Double]) -> String? {
        let parts = profile.filter { $0.value.isFinite && $0.value >= 0 && isName($0.key) }
            .map { "\($0.key)=\($0.value)" }.sorted()
        return parts.isEmpty ? nil : parts.joined(separator: " ")
    }

    /// Reads a profile; what is no number of a name is passed over.
    static func profile(_ text: String) -> [String: Double] {
        var profile: [String: Double] = [:]
        for part in text.split(separator: " ") {
            let sides = part.split(separator: "=")
            guard sides.count == 2, let number = Double(sides[1]), number.isFinite, number >= 0 else { continue }
            profile[String(sides[0])] = number
        }
        return profile
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && !text.utf8.contains { $0 <= 32 || $0 == UInt8(ascii: "=") }
    }

    /// Writes a record, in place of an earlier one of its key and source; part of a transaction.
    static func insert(
        _ record: ArchiveRecord, source: Int64, _ connection: SQLiteConnection
    ) throws(ArchiveError) {
        let key = record.key
        try connection.run("INSERT OR IGNORE INTO kernel(key) VALUES(?)", [.text(key.kernel)])
        try connection.run("INSERT OR IGNORE INTO machine(fingerprint) VALUES(?)", [.text(key.machine)])
        try connection.run(
            "INSERT OR IGNORE INTO builder(generator, compiler) VALUES(?, ?)",
            [.text(key.builder.generator), .text(key.builder.compiler)])
        try connection.run("INSERT OR IGNORE INTO agent(name) VALUES(?)", [.text(record.agent)])
        var reason: String?
        var times: (seconds: Double, champion: Double)?
        var won = false
        switch record.outcome {
        case .refused(let why): reason = why
        case .timed(let seconds, let championSeconds, let isWin):
            times = (seconds, championSeconds)
            won = isWin
        }
        let samples = record.samples
        let time = record.time == 0 ? Int64(Glibc.time(nil)) : record.time
        try connection.run(
            """
            INSERT INTO trial(kernel, machine, builder, agent, source, schedule_hash, schedule, won, reason, seconds,
            champion_seconds, speedup, low, high, calls, groups, time, profile)
            VALUES((SELECT id FROM kernel WHERE key = ?), (SELECT id FROM machine WHERE fingerprint = ?),
            (SELECT id FROM builder WHERE generator = ? AND compiler = ?), (SELECT id FROM agent WHERE name = ?),
            ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT(kernel, schedule_hash, machine, builder, source) DO UPDATE SET agent = excluded.agent,
            schedule = excluded.schedule, won = excluded.won, reason = excluded.reason, seconds = excluded.seconds,
            champion_seconds = excluded.champion_seconds, speedup = excluded.speedup, low = excluded.low,
            high = excluded.high, calls = excluded.calls, groups = excluded.groups, time = excluded.time,
            profile = excluded.profile
            """,
            [
                .text(key.kernel), .text(key.machine), .text(key.builder.generator), .text(key.builder.compiler),
                .text(record.agent), .integer(source), .integer(hash(key.schedule)), .text(key.schedule),
                .integer(won ? 1 : 0), .init(reason), .init(times?.seconds), .init(times?.champion),
                .init(samples?.speedup), .init(samples?.low), .init(samples?.high),
                .init(samples.map { Int64($0.calls) }), .init(samples.map { Int64($0.groups) }), .integer(time),
                .init(text(record.profile)),
            ])
    }

    /// Writes what is known of a kernel; where something is known already, only if it `replaces` that.
    static func insert(
        _ kernel: ArchiveKernel, replaces: Bool, _ connection: SQLiteConnection
    ) throws(ArchiveError) {
        let features = ArchiveDistance.Features(kernel)
        try connection.run(
            """
            INSERT INTO kernel(key, name, kind, family, element, elements, extents, bytes, operations, work, numbers)
            VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(key) DO UPDATE SET name = excluded.name,
            kind = excluded.kind, family = excluded.family, element = excluded.element, elements = excluded.elements,
            extents = excluded.extents, bytes = excluded.bytes, operations = excluded.operations, work = excluded.work,
            numbers = excluded.numbers\(replaces ? "" : " WHERE kind = ''")
            """,
            [
                .text(kernel.key), .text(kernel.name), .text(kernel.kind), .text(kernel.family), .text(kernel.element),
                .text(features.elements),
                .text(kernel.extents.map { "\($0.name)=\($0.value)" }.joined(separator: " ")), .real(kernel.bytes),
                .real(kernel.operations), .real(features.work), .blob(features.blob),
            ])
    }

    /// The kernel of a row of `kernelColumns`.
    static func kernel(_ row: SQLiteConnection.Row) -> ArchiveKernel {
        let extents = row.text(6).split(separator: " ").compactMap { part -> ArchiveKernel.Extent? in
            let sides = part.split(separator: "=")
            guard sides.count == 2, let value = Int(sides[1]) else { return nil }
            return .init(String(sides[0]), value)
        }
        return ArchiveKernel(
            key: row.text(0), name: row.text(1), kind: row.text(2), family: row.text(3), element: row.text(4),
            elements: row.text(5).split(separator: " ").map(String.init), extents: extents, bytes: row.real(7) ?? 0,
            operations: row.real(8) ?? 0)
    }

    /// The columns that `kernel` reads.
    static let kernelColumns = "key, name, kind, family, element, elements, extents, bytes, operations"

    /// Writes what is known of a machine; where something is known already, only if it `replaces` that.
    static func insert(
        _ machine: ArchiveMachine, replaces: Bool, _ connection: SQLiteConnection
    ) throws(ArchiveError) {
        try connection.run(
            """
            INSERT INTO machine(fingerprint, kind, model, features, cores, threads, caches, memory)
            VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(fingerprint) DO UPDATE SET kind = excluded.kind,
            model = excluded.model, features = excluded.features, cores = excluded.cores, threads = excluded.threads,
            caches = excluded.caches, memory = excluded.memory\(replaces ? "" : " WHERE kind = ''")
            """,
            [
                .text(machine.fingerprint), .text(machine.kind), .text(machine.model),
                .text(machine.features.joined(separator: " ")), .integer(Int64(machine.cores)),
                .integer(Int64(machine.threads)),
                .text(machine.caches.map { "\($0)" }.joined(separator: " ")), .integer(Int64(machine.memory)),
            ])
    }

    /// The machine of a row of `machineColumns`.
    static func machine(_ row: SQLiteConnection.Row) -> ArchiveMachine {
        ArchiveMachine(
            fingerprint: row.text(0), kind: row.text(1), model: row.text(2),
            features: row.text(3).split(separator: " ").map(String.init), cores: Int(row.integer(4)),
            threads: Int(row.integer(5)), caches: row.text(6).split(separator: " ").compactMap { Int($0) },
            memory: Int(row.integer(7)))
    }

    /// The columns that `machine` reads.
    static let machineColumns = "fingerprint, kind, model, features, cores, threads, caches, memory"
}
