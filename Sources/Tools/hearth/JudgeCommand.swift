import ArgumentParser
import CPUDevice
import DeviceAPI
import DeviceCatalogue
import Glibc
import JudgeSelfTest
import KernelCodeGen
import KernelIR
import KernelJudge
import PackageBuilder

extension KernelCase.Kind: ExpressibleByArgument {}

/// What is to be known of the judge.
struct JudgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "judge",
        abstract: "Judges the judge: how many wrong kernels it accepts, how many right ones it refuses.",
        discussion: """
            Example: hearth judge --self-test

            Candidates written by hand for every row of the list of known failures, generated kernels of every kind under many \
            schedules, and such kernels with a mistake are judged. Ends with 1 when a wrong one is accepted or more than one right \
            one in a hundred is refused.
            """)

    @Flag(help: "Judge the candidates of the self-test.") var selfTest = false
    @Flag(
        help:
            "All of them: 200 right kernels of each kind, as far as there are so many, and over 1000 mutants; half an hour on two cores."
    )
    var full = false
    @Flag(help: "List the mutants that were accepted because they are no worse than their original.") var equivalents =
        false
    @Option(
        help:
            "Generated kernels of this kind only: \(KernelCase.Kind.allCases.map(\.rawValue).joined(separator: ", ")).")
    var kind: KernelCase.Kind?
    @Option(help: "Judges at work side by side (default: one per core).") var jobs: Int?
    @Option(help: "Mutants of each kind on another device than the processor (default: 130 with --full, else none).")
    var mutants: Int?
    @Option(
        help:
            "\(DeviceChoice.help) (default: cpu). On another device than the processor kernels are judged as they are generated for it, and with mistakes; candidates written by hand are fewer, and left out with --kind."
    )
    var device = "cpu"

    func validate() throws {
        guard selfTest else { throw ValidationError("hearth judge needs --self-test") }
        if device != "cpu", equivalents {
            throw ValidationError("--equivalents is of the processor's self-test; leave it out with --device")
        }
        if device == "cpu", mutants != nil {
            throw ValidationError("--mutants is of a device's self-test; leave it out without --device")
        }
        if let mutants, mutants < 0 { throw ValidationError("--mutants should be at least 0") }
        if let jobs, jobs < 1 { throw ValidationError("--jobs should be at least 1") }
    }

    func run() async throws {
        let folder = try TemporaryFolder()
        let limits = try CPUDevice.shared.get().limits
        let worker = WorkerCommand(executable: "/proc/self/exe", arguments: ["worker", "--threads", "2"])
        let toolchain = try await CToolchain.find()
        guard try DeviceCatalogue.isHost(device) else { return try await judgeDevice(toolchain, folder.path) }
        Failure.complain("sandbox: \(try KernelJudge.sandbox(of: worker))")
        let bench = SelfTestBench(
            toolchain: toolchain, target: CPUTarget(limits), worker: worker, folder: folder.path)
        let test = SelfTest(bench, lanes: jobs ?? max(1, limits.threads)) { Failure.complain($0) }
        let report = try await test.run(full ? .full : .short, kinds: kind.map { [$0] } ?? KernelCase.Kind.allCases)
        print(report.text)
        if equivalents { print((["accepted mutants:"] + report.equivalents).joined(separator: "\n  ")) }
        if !report.passes { throw ExitCode(1) }
    }

    /// Judges right kernels on a device, and mutants of such.
    private func judgeDevice(_ toolchain: CToolchain, _ folder: String) async throws {
        let parts = try await DeviceChoice.judged(device, toolchain)
        guard parts.isHere else { throw BadInput("nothing is judged: '\(device)' is not here") }
        let test = DeviceSelfTest(
            compiler: parts.compiler, device: parts.worker, constants: parts.constants, folder: folder,
            lanes: try jobs ?? max(1, min(CPUDevice.shared.get().limits.threads, 4)))
        var (judged, refusals, tried, wrong) = (0, [String](), 0, [String]())
        var mistakes: [String: [String: Int]] = [:]
        if kind == nil {
            let corpus = await test.corpus()
            print("\(corpus.judged) candidates written by hand, \(corpus.wrong.count) judged wrongly")
            for line in corpus.wrong { print("  \(line)") }
            fflush(nil)
            wrong += corpus.wrong
        }
        for kind in kind.map({ [$0] }) ?? KernelCase.Kind.allCases {
            let size: SelfTest.Size = full ? .full : .short
            let found = try await test.run(kind, count: size.honest)
            Failure.complain("\(kind): \(found.judged) judged, \(found.refusals.count) refused")
            let made = try await test.mutants(kind, count: mutants ?? (full ? size.mutants : 0))
            let outcomes = DeviceSelfTest.Mutants.text(made.outcomes)
            let about = made.count == 0 ? "" : "; \(made.count) mutants: \(outcomes)"
            print("\(kind): \(found.judged) judged, \(found.refusals.count) refused\(about)")
            for line in found.refusals + made.falseAccepts { print("  \(line)") }
            fflush(nil)
            tried += made.count
            wrong += made.falseAccepts
            for (mistake, outcomes) in made.mistakes {
                mistakes[mistake, default: [:]].merge(outcomes, uniquingKeysWith: +)
            }
            judged += found.judged
            refusals += found.refusals
        }
        if tried > 0 { print("mutants by mistake:") }
        for (mistake, outcomes) in mistakes.sorted(by: { $0.key < $1.key }) {
            print("  \(mistake): \(DeviceSelfTest.Mutants.text(outcomes))")
        }
        let about = tried == 0 ? "" : "; \(tried) mutants, false accepts \(wrong.count)"
        print("\(judged) right kernels on \(parts.limits.model), false rejects \(refusals.count)\(about)")
        if refusals.count * 100 > judged || !wrong.isEmpty { throw ExitCode(1) }
    }
}
