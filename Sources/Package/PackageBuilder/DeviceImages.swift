import Base
import Glibc
import KernelCodeGen
import Safetensors

/// The programs of a device that runs blocks of threads, made from generated text.
package actor DeviceImages {
    /// How text becomes what the device loads.
    package enum Compiler: Sendable {
        /// CUDA C++ to a cubin a kernel, for an architecture; kernels in Triton too, where that is there.
        case cuda(NVRTCToolchain, architecture: String, triton: TritonToolchain? = nil)
        /// The driver compiles the text when a package is loaded.
        case atLoad
    }

    /// What a device loads.
    struct Image: Sendable {
        /// The kernel that it holds, or `program` where it holds all.
        var name: String
        var bytes: [UInt8]
        /// Bytes of shared memory that launches ask for, where only the compiler knows.
        var sharedBytes: Int?
    }

    /// How text becomes what the device loads.
    package nonisolated let compiler: Compiler
    private var cubins: [GeneratedProgram.DeviceUnit: Task<Result<Image, ToolchainError>, Never>] = [:]

    /// Makes programs with a compiler.
    package init(_ compiler: Compiler) { self.compiler = compiler }

    /// Name and version of the compiler, a part of the archive's keys.
    package nonisolated var version: String {
        switch compiler {
        case .cuda(let toolchain, let architecture, let triton):
            "\(toolchain.version)\(triton.map { " and \($0.version)" } ?? "") for \(architecture)"
        case .atLoad: "the driver's compiler"
        }
    }

    /// Whether kernels may be written in Triton.
    package nonisolated var hasTriton: Bool {
        switch compiler {
        case .cuda(_, _, let triton): triton != nil
        case .atLoad: false
        }
    }

    /// Paths in a package of the text and of the images.
    nonisolated var files: (source: String, images: String) {
        switch compiler {
        case .cuda: ("kernels/plan.cu", "kernels/plan.cubins")
        case .atLoad: ("kernels/plan.cl", "kernels/plan.programs")
        }
    }

    /// The images of a program. Kernels compile beside each other, and those whose text was compiled before do not.
    func images(_ program: GeneratedProgram) async throws(ToolchainError) -> [Image] {
        if case .atLoad = compiler { return [Image(name: "program", bytes: Array(program.source.utf8))] }
        let tasks = program.deviceUnits.map(task)
        // All end before an error is thrown: no compiler may be at work when the process exits.
        var results: [Result<Image, ToolchainError>] = []
        for task in tasks { results.append(await task.value) }
        var images: [Image] = []
        for result in results { images.append(try result.get()) }
        return images
    }

    /// What the device loads for one text of CUDA C++, or of the driver's language.
    package nonisolated func image(of text: String) async throws(ToolchainError) -> [UInt8] {
        switch compiler {
        case .atLoad: Array(text.utf8)
        case .cuda(let toolchain, let architecture, _): try await toolchain.compile(text, architecture: architecture)
        }
    }

    /// Writes the file of images of one kernel, for the judge's worker. Returns the bytes of shared memory that its launches
    /// ask for, where only the compiler knows, and what the cubin says of itself, where it is one.
    func write(
        _ unit: GeneratedProgram.DeviceUnit, to path: String
    ) async throws -> (sharedBytes: Int?, facts: CubinFacts?) {
        let image = try await compile(unit)
        let layout = try SafetensorsLayout([.init(name: image.name, type: .u8, shape: [image.bytes.count])])
        let bytes = layout.file(contents: [image.bytes])
        guard let file = fopen(path, "wb") else { throw BuildError.unsupported("\(path) cannot be written") }
        let written = fwrite(bytes, 1, bytes.count, file)
        guard fclose(file) == 0, written == bytes.count else {
            throw BuildError.unsupported("\(path) cannot be written")
        }
        if case .atLoad = compiler { return (image.sharedBytes, nil) }
        return (image.sharedBytes, CubinFacts(image.bytes))
    }

    /// Compiles one kernel.
    nonisolated func compile(_ unit: GeneratedProgram.DeviceUnit) async throws(ToolchainError) -> Image {
        switch compiler {
        case .atLoad: return Image(name: "program", bytes: Array(unit.text.utf8))
        case .cuda(let toolchain, let architecture, let triton):
            guard let source = unit.triton else {
                return Image(
                    name: unit.symbol, bytes: try await toolchain.compile(unit.text, architecture: architecture))
            }
            guard let triton else { throw .noTriton(reason: "a kernel is written in it") }
            let compiled = try await triton.compile(
                unit.text, symbol: unit.symbol, source, architecture: architecture)
            return Image(name: unit.symbol, bytes: compiled.cubin, sharedBytes: compiled.sharedBytes)
        }
    }

    private func task(_ unit: GeneratedProgram.DeviceUnit) -> Task<Result<Image, ToolchainError>, Never> {
        if let known = cubins[unit] { return known }
        let task = Task { () -> Result<Image, ToolchainError> in
            do throws(ToolchainError) { return .success(try await compile(unit)) } catch { return .failure(error) }
        }
        cubins[unit] = task
        return task
    }
}
