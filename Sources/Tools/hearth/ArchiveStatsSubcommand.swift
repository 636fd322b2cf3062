import ArgumentParser
import Base
import Glibc
import JSON
import KernelArchive

/// Counts what an archive holds.
struct ArchiveStatsSubcommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Counts records, kernels, machines, and what came of each agent's proposals.",
        discussion: "Example: hearth archive stats --check")

    @OptionGroup var place: ArchiveOption
    @Flag(help: "Read the whole file and say whether it is whole.") var check = false
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let archive = try ArchivePlace.require(place.archive)
        let damage = check ? try archive.damage() : nil
        let statistics = try archive.statistics()
        if json {
            print(Self.json(statistics, archive.path, damage, checked: check).text)
        } else {
            print(Self.text(statistics, archive.path))
            if check { print("\n" + (damage.map { "damaged: \($0)" } ?? "the file is whole")) }
        }
        if damage != nil { throw ExitCode(1) }
    }

    private static func text(_ statistics: ArchiveStatistics, _ path: String) -> String {
        let records = statistics.records + statistics.imported
        let perRecord = records > 0 ? ", \(statistics.bytes / records) bytes a record" : ""
        var rows = [
            ["archive", path], ["records", "\(statistics.records) judged here, \(statistics.imported) imported"],
            ["kernels", "\(statistics.kernels), of \(statistics.families) structures"],
            ["size", TextFormat.bytes(statistics.bytes) + perRecord],
        ]
        if records > 0 { rows.append(["judged", "\(day(statistics.oldest)) to \(day(statistics.newest))"]) }
        for row in statistics.machines {
            let machine = row.machine
            let name = machine.kind.isEmpty ? "" : ", \(machine.kind) \(machine.model), \(machine.threads) threads"
            rows.append(["machine", "\(machine.fingerprint): \(row.records) records\(name)"])
        }
        for signer in statistics.signers { rows.append(["imported", "\(signer.records) records, \(signer.name)"]) }
        var text = TextFormat.table(rows)
        if !statistics.agents.isEmpty {
            var table = [["agent", "proposed", "accepted", "share", "won"]]
            for agent in statistics.agents {
                let share = 100 * Double(agent.accepted) / Double(max(agent.records, 1))
                table.append([
                    agent.name, "\(agent.records)", "\(agent.accepted)", TextFormat.fixed(share, 1) + " %",
                    "\(agent.won)",
                ])
            }
            text += "\n\n" + TextFormat.table(table, right: [1, 2, 3, 4])
        }
        return text
    }

    private static func json(
        _ statistics: ArchiveStatistics, _ path: String, _ damage: String?, checked: Bool
    ) -> JSONValue {
        func count(_ value: Int) -> JSONValue { .integer(Int64(value)) }
        return [
            "archive": .string(path), "records": count(statistics.records), "imported": count(statistics.imported),
            "kernels": count(statistics.kernels), "structures": count(statistics.families),
            "bytes": count(statistics.bytes), "oldest": .integer(statistics.oldest),
            "newest": .integer(statistics.newest),
            "machines": .array(
                statistics.machines.map {
                    [
                        "fingerprint": .string($0.machine.fingerprint), "kind": .string($0.machine.kind),
                        "model": .string($0.machine.model), "records": count($0.records),
                    ]
                }),
            "signers": .array(
                statistics.signers.map { ["name": .string($0.name), "records": count($0.records)] }),
            "agents": .array(
                statistics.agents.map {
                    [
                        "name": .string($0.name), "records": count($0.records), "accepted": count($0.accepted),
                        "won": count($0.won),
                    ]
                }),
            "whole": checked ? .bool(damage == nil) : .null,
        ]
    }

    /// The day of a time, in UTC.
    private static func day(_ seconds: Int64) -> String {
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    }
}
