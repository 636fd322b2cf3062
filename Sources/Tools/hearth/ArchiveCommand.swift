import ArgumentParser

/// The archive of trials: what is in it, and how it goes elsewhere.
struct ArchiveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive", abstract: "Shows and exchanges what was remembered of trials.",
        discussion: """
            Every search remembers what it tried, and starts from what was fast for the same or similar kernels. An export may be \
            given to others; what is imported only suggests candidates, which are judged and measured like any other.

            Example: hearth archive export trials.jsonl
            """,
        subcommands: [
            ArchiveStatsSubcommand.self, ArchiveExportSubcommand.self, ArchiveImportSubcommand.self,
            ArchivePruneSubcommand.self,
        ])
}

/// Which archive a command is about.
struct ArchiveOption: ParsableArguments {
    @Option(help: "\(ArchivePlace.help)") var archive: String?
}
