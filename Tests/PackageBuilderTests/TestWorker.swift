import Glibc
import KernelJudge

/// The worker that is built beside the tests.
enum TestWorker {
    static let command: WorkerCommand = {
        var buffer = [CChar](repeating: 0, count: 4096)
        readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let executable = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let folder = executable.split(separator: "/").dropLast().map { "/" + $0 }.joined()
        return WorkerCommand(executable: folder + "/worker-for-tests", arguments: [])
    }()
}
