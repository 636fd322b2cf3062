import Base
import KernelCodeGen

/// Compiled kernels by their text, so that a program which differs in a few kernels compiles only those. All of a program's
/// new kernels compile beside each other.
actor KernelObjects {
    let toolchain: CToolchain
    private let flags: [String]
    private let folder: TemporaryFolder
    private var objects: [ContentHash: Task<Result<String, ToolchainError>, Never>] = [:]

    init(toolchain: CToolchain, flags: [String], folder: TemporaryFolder) {
        self.toolchain = toolchain
        self.flags = flags
        self.folder = folder
    }

    /// Links a program's kernels into a new shared object and returns its path.
    func library(_ program: GeneratedProgram) async throws(ToolchainError) -> String {
        var tasks: [Task<Result<String, ToolchainError>, Never>] = []
        for unit in program.units { tasks.append(object(unit)) }
        var paths: [String] = []
        for task in tasks { paths.append(try await task.value.get()) }
        let path = folder.newFile("plan.so")
        try await toolchain.link(paths, to: path)
        return path
    }

    private func object(_ unit: String) -> Task<Result<String, ToolchainError>, Never> {
        let key = ContentHash.of(unit)
        if let known = objects[key] { return known }
        let (toolchain, flags, path) = (self.toolchain, self.flags, folder.newFile("kernel.o"))
        DebugChannel.shared.say(
            .sources, stage: Pipeline.Stage.compile.rawValue, toolchain.objectCommand(flags: flags, to: path))
        let task = Task { () -> Result<String, ToolchainError> in
            do throws(ToolchainError) {
                try await toolchain.compileObject(unit, flags: flags, to: path, timeLimit: 600)
                return .success(path)
            } catch {
                return .failure(error)
            }
        }
        objects[key] = task
        return task
    }
}
