import ArgumentParser
import DeviceCatalogue
import DeviceWorker
import KernelWorker

/// The judge's worker process; started by `optimize`, never by people.
struct WorkerSubcommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Runs candidates for the judge (internal).", shouldDisplay: false)

    @Option(help: "Threads to use (default: one per core).") var threads: Int?

    @Option(help: "Where candidates run (default: cpu).") var device: String?

    func validate() throws {
        if let threads, threads < 1 { throw ValidationError("--threads should be at least 1") }
    }

    func run() throws {
        guard let device, device != "cpu" else { WorkerLoop.run(threads: threads) }
        WorkerLoop.run(
            caches: try DeviceCatalogue.caches(of: device),
            start: { try DeviceWorker(try DeviceChoice.open(device, threads: threads)) }
        ) {
            worker, request throws(RequestError) in try worker.perform(request)
        }
    }
}
