import ArgumentParser
import Base
import CPUDevice
import DeviceAPI
import Glibc
import KernelCodeGen
import KernelIR
import KernelJudge
import PackageBuilder
import SearchStudy

/// Lets the swarm and others search recorded or made-up kernels, for `Benchmarks/swarm-study.md`. For people who work on the swarm.
struct StudySubcommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "study", abstract: "Compares ways to search over recorded kernels (internal).",
        shouldDisplay: false)

    @Option(help: "A folder of recorded landscapes; without it made-up ones are searched.") var landscapes: String?
    @Flag(
        help: "Record those of the study's kernels that the folder lacks, before anything else. Wants a quiet machine.")
    var record = false
    @Option(help: "Which kernels are recorded: first, types (for processors) or blocks (for GPUs).")
    var kernels = StudyKernel.Selection.first
    @Option(help: "\(DeviceChoice.help).") var device = "cpu"
    @Option(help: "Most codes of a kernel that are recorded.") var most = 600
    @Option(help: "Record only every nth kernel from the kth on, as k/n: for several devices at once.")
    var share: String?
    @Option(help: "What is to be said of the recording, such as the state of the machine.") var note = ""
    @Option(help: "Only contestants whose name contains this; several, separated by commas.") var only: String?
    @Option(help: "Write every curve to this file as CSV.") var csv: String?
    @Option(
        help: "Searches of each contestant on each kernel; the study's tables have 5, more tell smaller differences.")
    var seeds = Study.seeds.count
    @Flag(help: "Only kernels that may be tuned on.") var tuned = false

    func validate() throws {
        if record, landscapes == nil { throw ValidationError("--record needs --landscapes FOLDER") }
        _ = try part()
        if seeds < 1 { throw ValidationError("--seeds should be at least 1") }
        if most < 2 { throw ValidationError("--most should be at least 2") }
    }

    /// Of so many parts the one that is recorded, from 0.
    private func part() throws -> (number: Int, of: Int) {
        guard let share else { return (0, 1) }
        let words = share.split(separator: "/").compactMap { Int($0) }
        guard words.count == 2, words[0] >= 1, words[0] <= words[1] else {
            throw ValidationError("--share should be k/n with 1 <= k <= n, not '\(share)'")
        }
        return (words[0] - 1, words[1])
    }

    func run() async throws {
        if record, let landscapes {
            try await write(to: landscapes)
            if only == nil, csv == nil { return }
        }
        var known = try landscapes.map(LandscapeFolder.read) ?? Landscape.synthetic
        if tuned { known = known.filter(\.isTuned) }
        let study = Study(known, seeds: (1...seeds).map { UInt64($0) })
        let names = only?.split(separator: ",").map(String.init)
        let contestants = Contestant.all.filter { one in names?.contains { one.name.contains($0) } ?? true }
        var lines = ["contestant,kernel,tuned,seed,trial,part_of_best"]
        var runs: [(contestant: String, runs: [Study.Run])] = []
        for contestant in contestants {
            let found = await study.runs(contestant, now: LandscapeFolder.now)
            runs.append((contestant.name, found))
            for run in found {
                for (trial, part) in run.curve.enumerated() {
                    lines.append("\(run.contestant),\(run.kernel),\(run.isTuned),\(run.seed),\(trial + 1),\(part)")
                }
            }
        }
        for (title, isTuned) in [("tuned on", true), ("held out", false)] where !tuned || isTuned {
            print("\n\(title):\n\n\(Study.Row.head)")
            let rows = runs.map { name, found in Study.Row(name, found.filter { $0.isTuned == isTuned }) }
            for row in rows { print(row.line) }
            guard rows.allSatisfy({ $0.timed != nil }) else { continue }
            print("\n\(title), at equal time:\n\n\(Study.Row.timedHead)")
            for line in rows.compactMap(\.timedLine) { print(line) }
        }
        if !tuned { try await printTransfers(known) }
        if let csv { try LandscapeFolder.write(lines.joined(separator: "\n") + "\n", to: csv) }
    }

    /// What a search of one kernel does for that of another of its kind.
    private func printTransfers(_ known: [Landscape]) async throws {
        guard let swarm = Contestant.all.first,
            let forgetful = Contestant.all.first(where: { $0.name == "without historian" })
        else { return }
        print("\nafter a search of another kernel, trials to 95 %, median (mean):\n")
        print("| of | then | from nothing | afterwards | without the historian |")
        print("|---|---|---|---|---|")
        let seeds = (1...seeds).map { UInt64($0) }
        func text(_ trials: [Int]) -> String {
            let mean = Double(trials.reduce(0, +)) / Double(trials.count)
            return "\(trials.sorted()[trials.count / 2]) (\(TextFormat.fixed(mean, 1)))"
        }
        for (first, second) in Transfer.pairs(known) {
            let all = await Transfer(swarm, from: first, to: second, seeds: seeds, now: LandscapeFolder.now)
            let rest = await Transfer(forgetful, from: first, to: second, seeds: seeds, now: LandscapeFolder.now)
            print(
                "| \(first.name) | \(second.name) | \(text(all.fromNothing)) | \(text(all.afterwards)) | \(text(rest.afterwards)) |"
            )
        }
    }

    /// Records what the folder lacks; an interrupted recording goes on with the next kernel that is missing.
    private func write(to folder: String) async throws {
        let temporary = try TemporaryFolder()
        mkdir(folder, 0o755)
        let part = try part()
        let (limits, recorder, isHere) = try await recorder(temporary.path)
        guard isHere else {
            for kernel in StudyKernel.all(kernels) {
                let size = try recorder.size(kernel)
                let choices = size.choices.map { "\($0.name) \($0.values)" }.joined(separator: ", ")
                print("\(kernel.name): \(size.schedules) schedules, \(size.texts) texts; \(choices)")
            }
            throw BadInput("nothing is timed: '\(device)' is not here")
        }
        for (number, kernel) in StudyKernel.all(kernels).enumerated() {
            guard number % part.of == part.number else { continue }
            let path = "\(folder)/\(number < 10 ? "0" : "")\(number).json"
            if access(path, F_OK) == 0 { continue }
            let start = LandscapeFolder.now()
            let landscape = try await recorder.record(
                kernel,
                origin:
                    "\(limits.model)\(limits.blocks == nil ? ", \(limits.threads) threads" : "")\(note.isEmpty ? "" : "; \(note)")"
            ) { Failure.complain($0) }
            try LandscapeFolder.write(landscape.text, to: path)
            Failure.complain("\(kernel.name): \(Int(LandscapeFolder.now() - start)) s")
        }
    }

    /// What records on the device, and what the device is. Timings are three times as long as a search's.
    private func recorder(_ folder: String) async throws -> (DeviceLimits, LandscapeRecorder, isHere: Bool) {
        let parts = try await DeviceChoice.judged(device, try await CToolchain.find())
        let limits = parts.limits
        let isHost = limits.blocks == nil
        let recorder = LandscapeRecorder(
            compiler: parts.compiler,
            judge: KernelJudge(
                worker: parts.worker, settings: isHost ? JudgeSettings(groups: 45) : .onDevice(groups: 45)),
            worker: parts.constants, folder: folder, most: most, parallel: try CPUDevice.shared.get().limits.threads,
            // Layers of models that no cache of a GPU holds.
            copies: { isHost ? 1 : KernelLimits.constantCopies($0, weightBytes: 1 << 30, limits) })
        return (limits, recorder, parts.isHere)
    }
}

extension StudyKernel.Selection: ExpressibleByArgument {}
