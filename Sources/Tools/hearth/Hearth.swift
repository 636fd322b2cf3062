import ArgumentParser
import Glibc
import ServeTool

/// The `hearth` command: parse, call, print; nothing else.
@main
struct Hearth: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hearth", abstract: "Makes PyTorch models fast on the hardware at hand.",
        discussion: """
            Exit codes: 0 done, 1 the input is at fault, 2 usage, 3 our fault (with a report file), \(Failure.notCurrent) the package \
            is not current (optimize --check).
            """,
        version: "0.1.0",
        subcommands: [
            OptimizeCommand.self, DevicesCommand.self, RunCommand.self, BenchCommand.self, VerifyCommand.self,
            InspectCommand.self, ReportCommand.self, ArchiveCommand.self, OperatorsCommand.self, WorkerSubcommand.self,
            CompareSubcommand.self, RehearseSubcommand.self, TrialsSubcommand.self, JudgeCommand.self,
            StudySubcommand.self, ServeCommand.self,
        ])

    /// Runs the command and ends the process with its exit code.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            Glibc.exit(Failure.report(error))
        }
    }
}
