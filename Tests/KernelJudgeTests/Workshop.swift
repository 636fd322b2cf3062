import ElementTypes
import Glibc
import KernelCodeGen
import KernelIR
import KernelJudge
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

    func judge(audits: Bool, arguments: [String] = [], timeLimit: Double = 4) -> KernelJudge {
        // The worker is built beside the tests.
        var buffer = [CChar](repeating: 0, count: 4096)
        readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let parts = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }.split(separator: UInt8(ascii: "/"))
            .dropLast()
        let folder = parts.map { "/" + String(decoding: $0, as: UTF8.self) }.joined()
        return KernelJudge(
            worker: WorkerCommand(executable: folder + "/worker-for-tests", arguments: arguments),
            settings: JudgeSettings(
                seed: 5, timeLimit: timeLimit, groups: 6, sampleNanoseconds: 500_000, auditsLibrary: audits))
    }

    func candidate(
        _ name: String, region: TestRegion, number: Int = 0, flags: [String] = [], isGang: Bool = false,
        isPacked: Bool = false, hasShared: Bool = false
    ) async throws -> CandidateKernel {
        let corpus = #filePath.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/Corpus/"
        let source = try read(corpus + "candidate.h") + "\n#line 1 \"\(name).c\"\n" + read(corpus + name + ".c")
        let path = "\(directory)/\(name.split(separator: "/").joined(separator: "-"))-\(number).so"
        try await toolchain.compile(source, flags: ["-ffp-contract=off"] + flags, to: path)
        var arguments = region.oracle.parameters.indices.map { CandidateKernel.Argument.parameter($0) }
        if isPacked { arguments[1] = .packed(0) }
        if hasShared {
            let count = IntegerExpression(Variable(.symbol, 0)) * IntegerExpression(Variable(.symbol, 1))
            arguments.append(.shared(bytes: count * 4))
        }
        let packing = CandidateKernel.Packing(symbol: "pack", sources: [1], byteCount: 96 * 48 * 4)
        return CandidateKernel(
            libraryPath: path, symbol: "kernel", arguments: arguments, packings: isPacked ? [packing] : [],
            workspaceBytes: region == .softmax ? IntegerExpression(Variable(.symbol, 1)) * 4 : 0,
            parts: isGang ? .gang : .count(4))
    }

    private func read(_ path: String) throws -> String {
        let file = try #require(fopen(path, "r"), "\(path)")
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
