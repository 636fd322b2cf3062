import CPUDevice
import DeviceAPI
import ElementTypes
import Glibc
import KernelCodeGen
import KernelIR
import JudgeSelfTest
import KernelJudge
import PackageBuilder
import Testing

/// Compiles candidates and starts judges.
struct Workshop {
    let directory: String
    let toolchain: CToolchain

    init() async throws {
        var template = Array("/tmp/hearth-judge-XXXXXX".utf8CString)
        _ = try #require(mkdtemp(&template))
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        toolchain = try await CToolchain.find()
    }

    func clean() {
        guard let handle = opendir(directory) else { return }
        while let entry = readdir(handle) {
            withUnsafeBytes(of: &entry.pointee.d_name) { name in
                _ = unlink(directory + "/" + String(decoding: name.prefix { $0 != 0 }, as: UTF8.self))
            }
        }
        closedir(handle)
        rmdir(directory)
    }

    func judge(
        audits: Bool, arguments: [String] = [], timeLimit: Double = 60, restarts: Bool = true
    ) -> KernelJudge {
        // The worker is built beside the tests.
        var buffer = [CChar](repeating: 0, count: 4096)
        readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let parts = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }.split(separator: UInt8(ascii: "/"))
            .dropLast()
        let folder = parts.map { "/" + String(decoding: $0, as: UTF8.self) }.joined()
        return KernelJudge(
            worker: WorkerCommand(executable: folder + "/worker-for-tests", arguments: arguments),
            settings: JudgeSettings(
                seed: 5, timeLimit: timeLimit, groups: 6, sampleNanoseconds: 500_000, auditsLibrary: audits,
                restartsWorker: restarts))
    }

    /// Where the self-test works.
    func bench() throws -> SelfTestBench {
        SelfTestBench(
            toolchain: toolchain, target: CPUTarget(try CPUDevice.shared.get().limits),
            worker: judge(audits: false).command, folder: directory)
    }

    /// A candidate of the corpus by its name, as it is for `region`.
    func candidate(_ name: String, region: CorpusRegion) async throws -> CandidateKernel {
        let one = try #require(CorpusCandidate.all.first { $0.name == name && $0.region == region })
        return try await one.compiled(toolchain, to: "\(directory)/\(name).so")
    }
}
