import Glibc
import KernelCodeGen
import KernelJudge

/// Libraries of the host that pack the weights of a device's kernels. Schedules of one kernel mostly pack alike: each text is compiled once.
actor PackingLibraries {
    private var made: [String: Task<[UInt8], any Error>] = [:]

    /// Writes the library of a text to `path`. Throws what the compiler does.
    func write(_ text: String, _ flags: [String], _ toolchain: CToolchain, to path: String) async throws {
        if let task = made[text] {
            let bytes = try await task.value
            guard let file = fopen(path, "wb") else { throw BuildError.unsupported("\(path) cannot be written") }
            let written = fwrite(bytes, 1, bytes.count, file)
            guard fclose(file) == 0, written == bytes.count else {
                throw BuildError.unsupported("\(path) cannot be written")
            }
            return
        }
        let task = Task { () throws -> [UInt8] in
            try await toolchain.compile(text, flags: flags, to: path)
            return try LibraryAudit.bytes(of: path)
        }
        made[text] = task
        _ = try await task.value
    }
}
