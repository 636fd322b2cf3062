import CPUDevice
import DeviceAPI
import ElementTypes
import Foundation
import JudgeSelfTest
import KernelCodeGen
import KernelIR
import PackageBuilder
import Processes
import Testing

/// A compiler that makes programs for ThreadSanitizer that run.
private let sanitizingCompiler: String? = ["/usr/bin/clang", "/usr/bin/gcc", "/usr/local/bin/gcc"].first { path in
    (try? RaceTests.build(path, "int main(void) { return 0; }\n", flags: [])) == .exited(code: 0)
}

/// Generated kernels under the runtime's own pool of threads, all of it compiled for ThreadSanitizer: parts of a launch write
/// disjoint memory, and gangs wait for each other.
@Suite(.enabled(if: sanitizingCompiler != nil, "no compiler here links ThreadSanitizer"))
struct RaceTests {
    private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources/Device/CThreadPool").path

    /// Compiles a program and runs it; how it ended. A race ends it with 66.
    static func build(_ compiler: String, _ text: String, flags: [String]) throws -> ChildProcess.End {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-races-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try text.write(toFile: folder + "/main.c", atomically: true, encoding: .utf8)
        let pool = flags.isEmpty ? [] : ["\(sources)/pool.c", "\(sources)/topology.c", "-I", "\(sources)/include"]
        let child = try ChildProcess(
            executable: compiler,
            arguments: ["-std=gnu17", "-g", "-fsanitize=thread", "-w", folder + "/main.c"] + pool + flags
                + ["-lm", "-lpthread", "-o", folder + "/main"])
        let compiled = try child.collect(timeLimit: 300)
        guard compiled.end == .exited(code: 0) else { return .exited(code: 1) }
        // Where addresses are spread more than the sanitizer expects, it cannot begin.
        let run = try ChildProcess(
            executable: "/usr/bin/setarch", arguments: ["-R", folder + "/main"],
            environment: ["TSAN_OPTIONS=exitcode=66"])
        return try run.collect(timeLimit: 120).end
    }

    /// A program that runs kernels three times on four threads.
    private static func program(_ kernels: [(kernel: Kernel, emitted: EmittedKernel)], _ emitter: KernelEmitter)
        -> String
    {
        var text = "#include <CThreadPool.h>\n#include <stdlib.h>\n#include <unistd.h>\n" + emitter.prelude
        var body = ""
        for (kernel, emitted) in kernels {
            // Every part begins late, so that no thread has done all before the others are awake.
            text +=
                emitted.source + """

                    static int32_t slow_\(emitted.symbol)(
                        void *const *buffers, const int64_t *dims, void *workspace, int32_t part, int32_t parts) {
                        usleep(500);
                        return \(emitted.symbol)(buffers, dims, workspace, part, parts);
                    }

                    """
            // Sizes that are known when a model runs are those of the export.
            func known(_ size: IntegerExpression) -> Int { size.evaluate { _ in KernelCase.hint } ?? 0 }
            func memory(_ bytes: Int, isNumbers: Bool) -> String { "filled(\(max(64, bytes)), \(isNumbers ? 1 : 0))" }
            body += "{\nvoid *parameters[] = {"
            body += kernel.parameters.map {
                memory(known($0.count) * $0.element.byteCount, isNumbers: $0.element == .f32)
            }.joined(separator: ", ")
            body +=
                "};\nvoid *packed[\(max(1, emitted.packings.count))];\nint64_t dims[] = {\(KernelCase.hint), \(KernelCase.hint)};\n"
            for (number, packing) in emitted.packings.enumerated() {
                body += "packed[\(number)] = \(memory(packing.count * packing.element.byteCount, isNumbers: false));\n"
                let operands = packing.sources.map { "parameters[\($0)]" } + ["packed[\(number)]"]
                body +=
                    "{ void *b[] = {\(operands.joined(separator: ", "))}; if (\(packing.symbol)(b, dims, 0, 0, 1)) return 1; }\n"
            }
            var operands = emitted.arguments.map { argument in
                switch argument {
                case .parameter(let number): "parameters[\(number)]"
                case .packed(let number): "packed[\(number)]"
                case .library: "0"
                case .shared(let bytes): memory(known(bytes), isNumbers: false)
                }
            }
            var parts = 1
            var isGang = false
            switch emitted.parts {
            case .count(let count): parts = max(1, known(count))
            case .gang:
                isGang = true
                operands.append("area")
            case .grid: continue
            }
            let stride = (known(emitted.workspaceBytes) + 63) / 64 * 64
            body += """
                void *area = filled(HEARTH_GANG_AREA_BYTES, 0); (void)area;
                void *buffers[] = {\(operands.joined(separator: ", "))};
                HearthLaunch launch = {.kernel = slow_\(emitted.symbol), .buffers = buffers, .dims = dims, .parts = \(parts),
                    .flags = \(isGang ? "HEARTH_LAUNCH_GANG" : "0"), .gang_area = area};
                HearthRun run = {.launches = &launch, .count = 1, .workspace = filled(\(stride * 4 + 64), 0),
                    .workspace_stride = \(stride)};
                for (int i = 0; i < 3; i++) if (hearth_pool_run(pool, &run).launch >= 0) return 2;
                }

                """
        }
        return text + """
            static void *filled(size_t bytes, int numbers) {
                char *memory = aligned_alloc(64, (bytes + 127) / 64 * 64);
                memset(memory, 0, (bytes + 127) / 64 * 64);
                for (size_t i = 0; numbers && i < bytes / 4; i++) ((float *)memory)[i] = (float)(i % 17) * 0.125f - 1;
                return memory;
            }
            int main(void) {
            HearthPool *pool = hearth_pool_create(4, 0);
            \(body)
            return 0;
            }

            """
    }

    @Test(arguments: KernelCase.Kind.allCases) func partsDoNotMeet(kind: KernelCase.Kind) async throws {
        let workshop = try await Workshop()
        defer { workshop.clean() }
        let emitter = KernelEmitter(CPUTarget(try CPUDevice.shared.get().limits))
        let kernels = try workshop.bench().emitted(kind, count: 6, emitter)
        #expect(!kernels.isEmpty)
        let compiler = try #require(sanitizingCompiler)
        let end = try Self.build(
            compiler, Self.program(kernels, emitter),
            flags: ["-O1", "-ffp-contract=fast"] + emitter.target.compilerFlags)
        #expect(end == .exited(code: 0), "\(kind): \(end)")
    }

    /// The same where every part does the work of all.
    @Test func partsThatMeetAreFound() async throws {
        let workshop = try await Workshop()
        defer { workshop.clean() }
        let emitter = KernelEmitter(CPUTarget(try CPUDevice.shared.get().limits))
        var kernels = try workshop.bench().emitted(.map, count: 1, emitter)
        kernels[0].emitted.source += """
            static int32_t all(void *const *buffers, const int64_t *dims, void *workspace, int32_t part, int32_t parts) {
                (void)part, (void)parts;
                return \(kernels[0].emitted.symbol)(buffers, dims, workspace, 0, 1);
            }

            """
        kernels[0].emitted.symbol = "all"
        kernels[0].emitted.parts = .count(64)
        let compiler = try #require(sanitizingCompiler)
        let end = try Self.build(
            compiler, Self.program(kernels, emitter), flags: ["-O1"] + emitter.target.compilerFlags)
        #expect(end == .exited(code: 66))
    }
}
