import ArgumentParser
import CPUDevice
import DeviceAPI
import ElementTypes
import Glibc
import KernelCodeGen
import ModelFiles
import ModelImport
import ModelPackage
import PackageBuilder

extension ModelFileError: UserFault {}
extension ImportError: UserFault {}
extension ToolchainError: UserFault {}

/// Reads a model, fuses it, searches kernels, judges them and writes a package.
struct OptimizeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "optimize", abstract: "Turns a PyTorch program into a fast package.",
        discussion: "Example: hearth optimize model.pt2 -o model.hearth")

    @Argument(help: "The model: FILE.pt2 as torch.export.save writes it.") var model: String
    @Option(name: [.customShort("o"), .long], help: "The package to write (default: the model's name with .hearth).")
    var output: String?
    @Option(
        name: [.customShort("i"), .long],
        help: "A safetensors file with example inputs (input.0, …); recorded for bench.")
    var inputs: String?
    @Option(help: "Threads to use (default: one per core).") var threads: Int?

    func run() async throws {
        let device = try CPUDevice(threads: threads)
        let archive = try ExportedProgramArchive(path: model)
        let imported = try ImportedModel(archive.contents)
        let toolchain = try await CToolchain.find()
        var pipeline = Pipeline(device: device, toolchain: toolchain)
        var facts = [
            Manifest.Fact(name: "model", value: PythonFiles.absolute(model)),
            Manifest.Fact(name: "torch", value: imported.torchVersion),
            Manifest.Fact(name: "compiler", value: toolchain.version),
        ]
        if let inputs { facts.append(.init(name: "inputs", value: PythonFiles.absolute(inputs))) }
        let path = output ?? defaultOutput
        let tensors = ArchiveTensors(archive: archive, stored: imported.tensors)
        try await pipeline.build(imported.graph, tensors: tensors, provenance: facts, to: path)
        for timing in pipeline.timings {
            Failure.complain("\(timing.stage.rawValue): \(TextFormat.time(timing.seconds * 1e9))")
        }
        print("wrote \(path)")
    }

    private var defaultOutput: String {
        let stem = model.split(separator: "/").last.map(String.init) ?? model
        return (stem.hasSuffix(".pt2") ? String(stem.dropLast(4)) : stem) + ".hearth"
    }
}

/// Weights where they lie in a model's archive.
final class ArchiveTensors: TensorSource {
    private let archive: ExportedProgramArchive
    private let stored: [String: StoredTensor]

    init(archive: consuming ExportedProgramArchive, stored: [String: StoredTensor]) {
        self.archive = archive
        self.stored = stored
    }

    func withTensor<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        guard let tensor = stored[name] else { throw BadInput("the model holds no tensor '\(name)'") }
        let bytes = archive.elements(of: tensor)
        return try bytes.withUnsafeBytes { try body($0) }
    }
}
