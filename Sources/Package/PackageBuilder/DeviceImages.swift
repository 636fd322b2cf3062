import Base
import Glibc
import KernelCodeGen
import Safetensors

/// The programs of a device that runs blocks of threads, made from generated text.
package actor DeviceImages {
    /// How text becomes what the device loads.
    package enum Compiler: Sendable {
        /// CUDA C++ to a cubin a kernel, for an architecture.
        case cuda(NVRTCToolchain, architecture: String)
        /// The driver compiles the text when a package is loaded.
        case atLoad
    }

    /// An image, named by the kernel that it holds, or `program` where it holds all.
    typealias Image = (name: String, bytes: [UInt8])

    /// How text becomes what the device loads.
    package nonisolated let compiler: Compiler
    private var cubins: [ContentHash: Task<Result<[UInt8], ToolchainError>, Never>] = [:]

    /// Makes programs with a compiler.
    package init(_ compiler: Compiler) { self.compiler = compiler }

    /// Name and version of the compiler, a part of the archive's keys.
    package nonisolated var version: String {
        switch compiler {
        case .cuda(let toolchain, let architecture): "\(toolchain.version) for \(architecture)"
        case .atLoad: "the driver's compiler"
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
        switch compiler {
        case .atLoad: return [("program", Array(program.source.utf8))]
        case .cuda(let toolchain, let architecture):
            var tasks: [(String, Task<Result<[UInt8], ToolchainError>, Never>)] = []
            for unit in program.deviceUnits {
                tasks.append((unit.symbol, cubin(unit.text, toolchain, architecture)))
            }
            // All end before an error is thrown: no compiler may be at work when the process exits.
            var results: [(String, Result<[UInt8], ToolchainError>)] = []
            for (symbol, task) in tasks { results.append((symbol, await task.value)) }
            var images: [Image] = []
            for (symbol, result) in results { images.append((symbol, try result.get())) }
            return images
        }
    }

    /// Writes the file of images of one kernel, for the judge's worker.
    func write(_ text: String, symbol: String, to path: String) async throws {
        let image: Image
        switch compiler {
        case .atLoad: image = ("program", Array(text.utf8))
        case .cuda(let toolchain, let architecture):
            image = (symbol, try await toolchain.compile(text, architecture: architecture))
        }
        let layout = try SafetensorsLayout([.init(name: image.name, type: .u8, shape: [image.bytes.count])])
        let bytes = layout.file(contents: [image.bytes])
        guard let file = fopen(path, "wb") else { throw BuildError.unsupported("\(path) cannot be written") }
        let written = fwrite(bytes, 1, bytes.count, file)
        guard fclose(file) == 0, written == bytes.count else {
            throw BuildError.unsupported("\(path) cannot be written")
        }
    }

    private func cubin(
        _ text: String, _ toolchain: NVRTCToolchain, _ architecture: String
    ) -> Task<Result<[UInt8], ToolchainError>, Never> {
        let key = ContentHash.of(text)
        if let known = cubins[key] { return known }
        let task = Task { () -> Result<[UInt8], ToolchainError> in
            do throws(ToolchainError) {
                return .success(try await toolchain.compile(text, architecture: architecture))
            } catch {
                return .failure(error)
            }
        }
        cubins[key] = task
        return task
    }
}
