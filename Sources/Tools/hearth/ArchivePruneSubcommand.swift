import ArgumentParser
import Base
import Glibc
import KernelArchive

/// Forgets trials.
struct ArchivePruneSubcommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Forgets trials by age, number, size, machine or origin, and makes the file small.",
        discussion: """
            With --keep and --size the oldest trials go first, and the fastest of each kernel on each machine last.

            Example: hearth archive prune --older-than 180 --size 50MB
            """)

    @Option(help: "Forget trials that were judged more than this many days ago.") var olderThan: Double?
    @Option(help: "Keep at most this many trials.") var keep: Int?
    @Option(help: "Keep at most this much on the disk, such as 800kB, 50MB or 1GB.") var size: String?
    @Option(help: "Forget trials of the machines whose fingerprint begins with this, or whose model holds it.")
    var machine: String?
    @Flag(help: "Forget all that was imported.") var imported = false
    @OptionGroup var place: ArchiveOption

    func validate() throws {
        if olderThan == nil, keep == nil, size == nil, machine == nil, !imported {
            throw ValidationError("say what to forget: --older-than, --keep, --size, --machine or --imported")
        }
        if let olderThan, !(olderThan >= 0 && olderThan < 1e6) {
            throw ValidationError("--older-than should be a number of days, 0 or more")
        }
        if let keep, keep < 0 { throw ValidationError("--keep should not be negative") }
        if machine?.isEmpty == true { throw ValidationError("--machine should name one") }
        if let size, Self.bytes(size) == nil { throw ValidationError("--size should be like 800kB, 50MB or 1GB") }
    }

    func run() throws {
        var pruning = ArchivePruning()
        pruning.before = olderThan.map { Int64(time(nil)) - Int64($0 * 86_400) }
        pruning.most = keep
        pruning.bytes = size.flatMap(Self.bytes)
        pruning.machine = machine
        pruning.imported = imported
        let archive = try ArchivePlace.require(place.archive)
        let removed = try archive.prune(pruning)
        let left = try archive.statistics()
        print(
            "forgot \(removed) trials; \(left.records + left.imported) are left in \(TextFormat.bytes(left.bytes))")
        if let limit = pruning.bytes, left.bytes > limit {
            throw BadInput("an empty archive takes \(TextFormat.bytes(left.bytes)): --size cannot be met")
        }
    }

    /// The bytes of a size such as `50MB`; nil for other text.
    static func bytes(_ text: String) -> Int? {
        let units = [("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("KB", 1e3), ("B", 1.0)]
        let unit = units.first { text.hasSuffix($0.0) }
        guard let value = Double(text.dropLast(unit?.0.count ?? 0)), value >= 0 else { return nil }
        let bytes = value * (unit?.1 ?? 1)
        return bytes < 1e15 ? Int(bytes) : nil
    }
}
