import ArgumentParser
import CPUDevice
import DeviceAPI
import Glibc
import KernelCodeGen
import KernelTrials
import PackageBuilder

/// Tries every way to run kernels on a device that runs blocks of threads: all must agree with the plainest, and the layers of
/// models among them can be timed. For people who work on generators.
///
/// A machine with a GPU may have no compiler: `--compile` writes the images elsewhere, `--images` takes them.
struct TrialsSubcommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trials", abstract: "Tries ways to run kernels (internal).", shouldDisplay: false)

    @Option(help: "\(DeviceChoice.help), or cuda:sm_90a with --compile.") var device = "cuda"
    @Option(help: "Write the images of all kernels (of few also their texts) into this folder instead of running them.")
    var compile: String?
    @Option(help: "Take images from this folder.") var images: String?
    @Option(help: "Only trials whose name contains this.") var only: String?
    @Option(help: "Only every n-th trial from the k-th on, as k/n.") var shard: String?
    @Flag(help: "Time the layers of models.") var time = false
    @Flag(help: "With --compile, leave images that are there already.") var keep = false

    private func chosen() throws -> [(number: Int, trial: KernelTrial)] {
        let parts = (shard ?? "0/1").split(separator: "/").compactMap { Int($0) }
        guard parts.count == 2, parts[1] > 0 else { throw BadInput("--shard takes k/n, such as 0/4") }
        return KernelTrial.all.enumerated().map { ($0.offset, $0.element) }.filter { number, trial in
            number % parts[1] == parts[0] && (only.map { trial.name.contains($0) } ?? true)
        }
    }

    func run() async throws {
        if let compile { return try await write(to: compile) }
        let device = try DeviceChoice.open(self.device, threads: nil)
        guard var target = SIMTTarget(device.limits) else { throw BadInput("\(self.device) runs no blocks of threads") }
        let folder = images
        target.hasTriton = target.hasTriton && folder != nil
        let libraries = device.libraries.map(\.name)
        target.hasProductLibrary = libraries.contains("cuBLASLt")
        target.hasConvolutionLibrary = libraries.contains("cuDNN")
        let runner = try TrialRunner(device: device, target: target) { unit in
            guard let folder else { return .init(bytes: Array(unit.text.utf8)) }
            var image = TrialRunner.Image(bytes: try Self.read("\(folder)/\(unit.name).cubin"))
            if unit.triton != nil {
                let text = String(decoding: try Self.read("\(folder)/\(unit.name).shared"), as: UTF8.self)
                guard let bytes = Int(text) else { throw BadInput("\(folder)/\(unit.name).shared holds no number") }
                image.sharedBytes = bytes
            }
            return image
        }
        var faults = 0
        let packers = TrialPackers(emitter: SIMTEmitter(target), host: try CPUDevice.shared.get().limits)
        for (number, trial) in try chosen() {
            let packer = try await packers.packer(trial)
            let work = TrialRunner.work(trial)
            print("\(trial.name)")
            let outcomes: [TrialRunner.Outcome]
            do {
                outcomes = try runner.run(trial, number: number, isTimed: time && trial.isTimed, packer: packer)
            } catch {
                print("  WRONG plain: \(error)")
                faults += 1
                continue
            }
            for outcome in outcomes {
                var line = "  \(outcome.fault == nil ? "right" : "WRONG") \(outcome.schedule)"
                if let time = outcome.microseconds {
                    line += " \((time * 100).rounded() / 100) us"
                    line += ", \((work.bytes / time / 1e4).rounded() / 100) TB/s"
                    if work.operations > 0 { line += ", \((work.operations / time / 1e5).rounded() / 10) TFLOP/s" }
                }
                if let fault = outcome.fault { line += ": \(fault)" }
                print(line)
                if outcome.fault != nil { faults += 1 }
            }
            fflush(nil)
        }
        print(faults == 0 ? "all agree" : "\(faults) do not agree")
        if faults > 0 { throw ExitCode(1) }
    }

    private func write(to folder: String) async throws {
        let (limits, _) = try DeviceChoice.target(device, threads: nil, measured: false)
        guard var target = SIMTTarget(limits), target.dialect == .cuda else {
            throw BadInput("images are for CUDA; others are built where they run")
        }
        let processors = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let python = PythonFiles.interpreter(nil)
        let toolchain = try await NVRTCToolchain.find(python: python, parallel: processors)
        var triton: TritonToolchain?
        do {
            triton = try await TritonToolchain.find(
                python: python, script: try PythonFiles.script("triton_worker.py"), parallel: processors)
        } catch {
            Failure.complain("hearth: note: without kernels in Triton: \(error)")
        }
        target.hasTriton = target.hasTriton && triton != nil
        target.hasProductLibrary = true
        target.hasConvolutionLibrary = true
        let emitter = SIMTEmitter(target)
        mkdir(folder, 0o755)
        let units = try chosen().flatMap { TrialRunner.units($0.trial, number: $0.number, emitter) }
            .filter { !keep || access("\(folder)/\($0.name).cubin", F_OK) != 0 }
        let architecture = target.architecture
        try await withThrowingTaskGroup(of: Void.self) { [triton] group in
            for unit in units {
                group.addTask {
                    guard let source = unit.triton, let triton else {
                        let image = try await toolchain.compile(unit.text, architecture: architecture)
                        if units.count < 50 {
                            try Self.write(Array(unit.text.utf8), to: "\(folder)/\(unit.name).cu")
                        }
                        return try Self.write(image, to: "\(folder)/\(unit.name).cubin")
                    }
                    let made = try await triton.compile(
                        unit.text, symbol: "trial", source, architecture: architecture)
                    try Self.write(made.cubin, to: "\(folder)/\(unit.name).cubin")
                    try Self.write(Array("\(made.sharedBytes)".utf8), to: "\(folder)/\(unit.name).shared")
                }
            }
            try await group.waitForAll()
        }
        let compilers = [toolchain.version] + (triton.map { [$0.version] } ?? [])
        print("\(units.count) images for \(architecture) by \(compilers.joined(separator: " and "))")
    }

    private static func read(_ path: String) throws -> [UInt8] {
        guard let file = fopen(path, "rb") else { throw BadInput("\(path): \(String(cString: strerror(errno)))") }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        guard let file = fopen(path, "wb") else { throw BadInput("\(path): \(String(cString: strerror(errno)))") }
        defer { fclose(file) }
        guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw BadInput("\(path): cannot be written") }
    }
}
