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
extension BuildError: UserFault {}

/// Reads a model, fuses it, searches kernels, judges them and writes a package.
struct OptimizeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "optimize", abstract: "Turns a PyTorch program into a fast package.",
        discussion: """
            The model is FILE.pt2 as torch.export.save writes it, or FILE.py:FUNCTION, where the function returns (module, \
            example_inputs) and optionally dynamic dimensions.

            Example: hearth optimize model.pt2 --inputs golden.safetensors -o model.hearth
            """)

    @Argument(help: "The model: FILE.pt2 or FILE.py:FUNCTION.") var model: String
    @Option(name: [.customShort("o"), .long], help: "The package to write (default: the model's name with .hearth).")
    var output: String?
    @Option(
        name: [.customShort("i"), .long],
        help: "A safetensors file with inputs (input.0, …) and, if known, PyTorch's outputs (output.0, …).")
    var inputs: String?
    @Option(help: "Sets of inputs to record and verify with.") var sets = 2
    @Option(help: "Python that has torch, for FILE.py:FUNCTION (default: HEARTH_PYTHON, .venv/bin/python, python3).")
    var python: String?
    @Option(help: "Threads to use (default: one per core).") var threads: Int?

    func validate() throws {
        if sets < 1 { throw ValidationError("--sets should be at least 1") }
    }

    func run() async throws {
        let device = try CPUDevice(threads: threads)
        var facts = [Manifest.Fact(name: "model", value: PythonFiles.absolute(model))]
        if ModelCapture.isFunction(model) {
            let capture = try ModelCapture(model, python: python, inputs: inputs, sets: max(0, sets - 1))
            try await build(capture.program, golden: capture.golden, device, &facts)
        } else {
            if let inputs { facts.append(.init(name: "inputs", value: PythonFiles.absolute(inputs))) }
            try await build(model, golden: inputs, device, &facts)
        }
    }

    private func build(
        _ program: String, golden: String?, _ device: CPUDevice, _ facts: inout [Manifest.Fact]
    ) async throws {
        let archive = try ExportedProgramArchive(path: program)
        let imported = try ImportedModel(archive.contents)
        let tensors = ArchiveTensors(archive: archive, stored: imported.tensors)
        var record: ReferenceRecord?
        if let golden {
            var read = try ReferenceRecord(path: golden, graph: imported.graph, limit: sets)
            Failure.complain("evaluating \(read.sets.count) sets of inputs in double precision")
            try read.evaluate(imported.graph, tensors: tensors)
            record = read
        }
        let toolchain = try await CToolchain.find()
        var pipeline = Pipeline(device: device, toolchain: toolchain)
        facts.append(.init(name: "torch", value: imported.torchVersion))
        facts.append(.init(name: "compiler", value: toolchain.version))
        let path = output ?? defaultOutput
        try await pipeline.build(imported.graph, tensors: tensors, record: record, provenance: facts, to: path)
        for timing in pipeline.timings {
            Failure.complain("\(timing.stage.rawValue): \(TextFormat.time(timing.seconds * 1e9))")
        }
        print("wrote \(path)")
    }

    private var defaultOutput: String {
        var stem = model.split(separator: "/").last.map(String.init) ?? model
        if ModelCapture.isFunction(model), let colon = stem.lastIndex(of: ":") {
            stem = String(stem[stem.index(after: colon)...])
        }
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
