import ArgumentParser
import KernelWorker

/// The judge's worker process; started by `optimize`, never by people.
struct WorkerSubcommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Runs candidates for the judge (internal).", shouldDisplay: false)

    @Option(help: "Threads to use (default: one per core).") var threads: Int?

    func validate() throws {
        if let threads, threads < 1 { throw ValidationError("--threads should be at least 1") }
    }

    func run() throws { WorkerLoop.run(threads: threads) }
}
