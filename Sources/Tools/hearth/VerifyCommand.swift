import ArgumentParser
import DeviceAPI
import JSON
import KernelJudge
import KernelWorker
import ModelPackage
import PackageRuntime

/// Runs a package on the recorded inputs and compares with the truth, by the judge's rule.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Checks a package against the truth recorded in it.",
        discussion: """
            The truth is the model in double precision; the error may be at most four times that of PyTorch's own results. \
            Where weights were coded in fewer bits (optimize --weights), it is the model with these weights, and how far the \
            results are from the model as it was is printed beside. \
            Every file is checked against its hash first. The package runs in a sandbox: its code writes no file, reaches no \
            network and starts no program, where the system has what that takes. It may read files, as the loader of libraries does.

            Example: hearth verify model.hearth
            """)

    @Argument(help: "The package, a directory NAME.hearth.") var package: String
    @Option(name: [.customShort("g"), .long], help: "Another golden.safetensors with input.I, output.I and truth.I.")
    var golden: String?
    @Option(help: "\(DeviceChoice.help) (default: what the package was made for).") var device: String?
    @Option(help: "Threads to use (default: one per core).") var threads: Int?
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        // Before any code of the package is loaded: it may be a stranger's.
        try PackageDirectory(path: package).verify()
        let sandbox = try DeviceChoice.enterSandbox(for: package, asked: self.device)
        if !sandbox.missing.isEmpty { Failure.complain("sandbox: \(sandbox)") }
        let device = try DeviceChoice.open(for: package, asked: self.device, threads: threads)
        try LoadedPackage(path: package, device: device, verified: true).directory.verify()
        let findings = try PackageAgreement.check(package, device, golden: golden)
        let passes = findings.allSatisfy(\.passes)
        let deviations = try PackageAgreement.deviations(package, device, golden: golden)
        if json {
            let rows: [JSONValue] = findings.map {
                ["output": .string($0.name), "passes": .bool($0.passes), "finding": .string($0.description)]
            }
            let stated = JSONValue.array(deviations.map { .string($0) })
            print((["passes": .bool(passes), "outputs": .array(rows), "weights_deviation": stated] as JSONValue).text)
        } else {
            for finding in findings { print(finding) }
            for deviation in deviations { print("weights in fewer bits: \(deviation) (against the model as it was)") }
            print(passes ? "agrees" : "does not agree")
        }
        if !passes { throw ExitCode(1) }
    }
}
