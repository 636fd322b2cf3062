import Glibc
import KernelCodeGen
import Testing

@Suite struct CToolchainTests {
    private func temporaryDirectory() throws -> String {
        var template = Array("/tmp/hearth-test-XXXXXX".utf8CString)
        _ = try #require(mkdtemp(&template))
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    @Test func compilesALibraryThatLoads() async throws {
        let directory = try temporaryDirectory()
        defer { rmdir(directory) }
        let path = "\(directory)/two.so"
        let toolchain = try await CToolchain.find()
        #expect(!toolchain.version.isEmpty)
        try await toolchain.compile("int two(void) { return 2; }", flags: [], to: path)
        let library = try #require(dlopen(path, RTLD_NOW))
        let symbol = try #require(dlsym(library, "two"))
        #expect(unsafeBitCast(symbol, to: (@convention(c) () -> Int32).self)() == 2)
        dlclose(library)
        unlink(path)
        // Nothing else was left behind, or the directory could not be removed.
        #expect(rmdir(directory) == 0)
    }

    /// In the build that must show what is undefined, a variable that is not set is not zero by luck.
    @Test func variablesThatAreNotSetHoldAPattern() async throws {
        let directory = try temporaryDirectory()
        let path = "\(directory)/unset.so"
        let toolchain = try await CToolchain.find()
        let source =
            "int unset(void) { volatile int values[64]; int sum = 0; for (int i = 0; i < 64; i++) sum += values[i] == 0; return sum; }"
        try await toolchain.compile(source, flags: ["-w"] + toolchain.undefinedBehaviourTraps, to: path)
        let library = try #require(dlopen(path, RTLD_NOW))
        let symbol = try #require(dlsym(library, "unset"))
        #expect(unsafeBitCast(symbol, to: (@convention(c) () -> Int32).self)() == 0)
        dlclose(library)
        unlink(path)
        #expect(rmdir(directory) == 0)
    }

    @Test func quotesTheFirstError() async throws {
        let directory = try temporaryDirectory()
        let toolchain = try await CToolchain.find()
        do {
            try await toolchain.compile("int f(void) {\n return missing;\n}", flags: [], to: "\(directory)/x.so")
            Issue.record("compiled")
        } catch {
            guard case .failed(_, let line) = error else { throw error }
            #expect(line.hasPrefix("line 2:"))
            #expect(line.contains("missing"))
        }
        #expect(rmdir(directory) == 0)
    }

    @Test func endsACompilerThatTakesTooLong() async throws {
        let directory = try temporaryDirectory()
        let toolchain = try await CToolchain.find()
        await #expect(throws: ToolchainError.timedOut(seconds: 0.0)) {
            try await toolchain.compile("int x;", flags: [], to: "\(directory)/x.so", timeLimit: 0)
        }
        #expect(rmdir(directory) == 0)
    }

    /// As many compilers run at a time as the machine has threads, where nothing else is asked for.
    @Test func allThreadsCompile() async throws {
        #expect(try await CToolchain.find().parallel == sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        #expect(try await CToolchain.find(parallel: 3).parallel == 3)
    }

    @Test func saysWhichCompilerIsMissing() async {
        await #expect(throws: ToolchainError.self) { try await CToolchain(path: "/no/such/cc") }
    }
}
