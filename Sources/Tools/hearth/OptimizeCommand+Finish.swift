import ArgumentParser
import ModelPackage
import PackageBuilder
import SearchControl
import SearchEvents

extension OptimizeCommand {
    /// Compares the package with what it was and with rivals, holds it to the limits, and gives it its report. Where it breaks a
    /// limit, nothing is left of it.
    func finish(
        _ package: FinishedPackage, _ wanted: Wanted, _ unseen: UnseenInputs?, for path: String
    ) async throws {
        do {
            let beforeBytes = package.before.flatMap { FinishedPackage.bytes($0) }
            // What is asked for by hints and limits is not taken back for its time.
            let mayReturn =
                wanted.hints.isEmpty && wanted.goal.constraints.isEmpty
                && [.latency, .throughput].contains(wanted.goal.objective)
            if try await package.compare(mayReturn: mayReturn) {
                try agree(package.place, path, package.console, unseen)
            }
            package.weigh(beforeBytes: beforeBytes)
            try await package.check()
            if let against = wishes.against { try race(package, against) }
            try package.seal(as: path, report: wishes.report)
        } catch {
            // What stood under the name before still does.
            PackageWriter.remove(package.place)
            throw error
        }
    }

    /// Measures the package beside rivals, as `bench` does.
    func race(_ package: FinishedPackage, _ against: String) throws {
        guard package.options != nil else {
            package.console.note("not compared with \(against): the device is not here")
            return
        }
        if SearchInterrupt.isRequested { return }
        Failure.complain("comparing with \(against)")
        var arguments = [package.place, "--against", against, "--energy", "0", "--device", place] + threadOptions
        if let python { arguments += ["--python", python] }
        do {
            for comparison in try BenchCommand.parse(arguments).measure().comparisons {
                package.console.take(.comparison(comparison))
            }
        } catch let fault as any UserFault {
            // The package is as good as it is without rivals.
            package.console.note("not compared with \(against): \(fault)")
        }
    }
}
