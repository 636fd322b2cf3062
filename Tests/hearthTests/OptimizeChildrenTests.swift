import Foundation
import KernelCodeGen
import Testing

/// The processes that `hearth optimize` starts: generated code that crashes in one of them is a clear error of the command,
/// and none outlives it.
@Suite struct OptimizeChildrenTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "ModelImportTests/Fixtures").path
    private static let arguments = [
        "optimize", "\(fixtures)/f64.middle.pt2", "-i", "\(fixtures)/f64.golden.safetensors", "-o", "m.hearth",
        "--archive", "trials.sqlite",
    ]

    /// Writes a shell script that stands for the compiler; `$REAL` in it is the real one.
    private static func compiler(_ body: String, in folder: String) async throws -> [String: String] {
        let path = folder + "/cc"
        let real = try await CToolchain.find().path
        try "#!/bin/sh\nREAL='\(real)'\n\(body)\n".write(toFile: path + ".sh", atomically: true, encoding: .utf8)
        // Written by another process: a child that a test beside this one starts at that moment would inherit the open file, and
        // what is open for writing cannot be started.
        let copy = Process()
        copy.executableURL = URL(filePath: "/bin/sh")
        copy.arguments = ["-c", "cp \"$0.sh\" \"$0\" && chmod +x \"$0\"", path]
        try copy.run()
        copy.waitUntilExit()
        try #require(copy.terminationStatus == 0)
        return ["HEARTH_CC": path]
    }

    /// A compiler that puts `statement` at the beginning of every function that a package calls; what the judge compiles
    /// alone stays as it is.
    private static func faulty(_ statement: String, in folder: String) async throws -> [String: String] {
        try await compiler(
            """
            for argument; do
                case $argument in
                *.c) sed -i -E 's/^(int32_t k[0-9a-f]{16}\\(.*\\) \\{)$/\\1 \(statement)/' "$argument" ;;
                esac
            done
            exec "$REAL" "$@"
            """, in: folder)
    }

    private static func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-children-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder.path)
    }

    /// Without a search the final check meets the fault; with one, the run that measures the launches.
    @Test(arguments: [
        ("__builtin_trap();", "0", "ended its process by signal 4"),
        ("__builtin_trap();", "2", "ended its process by signal 4"),
        ("return 9;", "0", "failed: "),
    ])
    func codeThatCrashesIsOneClearLine(_ statement: String, _ trials: String, _ said: String) async throws {
        try await Self.withFolder { folder in
            let settings = try await Self.faulty(statement, in: folder)
            let outcome = try HearthProcess.run(
                Self.arguments + ["--trials", trials], in: folder, environment: settings)
            #expect(outcome.code == 3, "\(outcome.errors)")
            let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("hearth: the generated code of ") }
            #expect(lines.count == 1, "\(outcome.errors)")
            #expect(lines.first?.contains(said) == true, "\(outcome.errors)")
            #expect(lines.first?.hasSuffix("; it was left at m.hearth.rejected") == true, "\(outcome.errors)")
            #expect(!FileManager.default.fileExists(atPath: folder + "/m.hearth"))
            #expect(FileManager.default.fileExists(atPath: folder + "/m.hearth.rejected/manifest.json"))
        }
    }

    /// Kernels that are right at every size but those that only the finished package meets: what is recorded agrees, and the package is
    /// refused all the same.
    @Test func sizesThatNobodySawAreChecked() async throws {
        try await Self.withFolder { folder in
            let model = "\(Self.fixtures)/model.dynamic"
            let arguments = [
                "optimize", "\(model).middle.pt2", "-i", "\(model).golden.safetensors", "-o", "m.hearth", "--trials",
                "0",
            ]
            let honest = try HearthProcess.run(arguments, in: folder)
            try #require(honest.code == 0, "\(honest.errors)")
            let manifest = try String(contentsOfFile: folder + "/m.hearth/manifest.json", encoding: .utf8)
            let sizes = try #require(manifest.firstMatch(of: #/drawn by seed 1, s\d+ = (\d+), s\d+ = (\d+)/#))
            let record = try String(contentsOfFile: folder + "/m.hearth/search.jsonl", encoding: .utf8)
            #expect(record.contains("\"unseen."))
            let settings = try await Self.faulty(
                "if (dims[0] == \(sizes.1) || dims[0] == \(sizes.2)) return 0;", in: folder)
            try FileManager.default.removeItem(atPath: folder + "/m.hearth")
            let outcome = try HearthProcess.run(arguments, in: folder, environment: settings)
            #expect(outcome.code == 3, "\(outcome.errors)")
            let wrong = outcome.errors.split(separator: "\n").filter {
                $0.hasPrefix("hearth: ") && $0.contains("output '")
            }
            #expect(!wrong.isEmpty && wrong.allSatisfy { $0.contains("on inputs that nothing before saw") }, "\(wrong)")
            #expect(FileManager.default.fileExists(atPath: folder + "/m.hearth.rejected/manifest.json"))
        }
    }

    /// Whether a process is there and has not ended; what nobody has collected yet has.
    private static func isRunning(_ process: Int32) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
        return !(status.split(separator: ")").last ?? "").hasPrefix(" Z")
    }

    /// A compiler that waits for a process of its own, as those do that call another program for each file.
    @Test(arguments: [SIGKILL, SIGTERM]) func noChildOutlivesTheCommand(_ signal: Int32) async throws {
        try await Self.withFolder { folder in
            let settings = try await Self.compiler(
                """
                case $1 in --version) exec "$REAL" "$@" ;; esac
                sleep 600 &
                echo "$$ $!" > "\(folder)/pids.part"
                mv "\(folder)/pids.part" "\(folder)/pids"
                wait
                """, in: folder)
            let process = Process()
            process.executableURL = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
                .appending(path: "hearth")
            process.arguments = Self.arguments + ["--trials", "0"]
            process.currentDirectoryURL = URL(filePath: folder)
            process.environment = ProcessInfo.processInfo.environment.merging(settings) { $1 }
            let errors = folder + "/errors"
            #expect(FileManager.default.createFile(atPath: errors, contents: nil))
            process.standardError = FileHandle(forWritingAtPath: errors)
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            var numbers: [Int32] = []
            while numbers.isEmpty, process.isRunning {
                usleep(10_000)
                let text = (try? String(contentsOfFile: folder + "/pids", encoding: .utf8)) ?? ""
                numbers = text.split { " \n".contains($0) }.compactMap { Int32($0) }
            }
            let said = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
            try #require(numbers.count == 2, "\(said)")
            #expect(numbers.allSatisfy(Self.isRunning))
            kill(process.processIdentifier, signal)
            if signal == SIGTERM {
                // The first asks the command to end what it is doing, which here never ends; the second insists.
                usleep(100_000)
                kill(process.processIdentifier, signal)
            }
            process.waitUntilExit()
            let deadline = Date(timeIntervalSinceNow: 30)
            while numbers.contains(where: Self.isRunning), Date() < deadline { usleep(10_000) }
            #expect(!numbers.contains(where: Self.isRunning))
            for number in numbers where Self.isRunning(number) { kill(number, SIGKILL) }
        }
    }
}
