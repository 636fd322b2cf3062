internal import Glibc
internal import Processes
internal import Synchronization

/// A C compiler and how it is called. Calls run beside each other up to a limit; each has a time limit.
package struct CToolchain: Sendable {
    /// Which family of compilers, as far as flags differ.
    package enum Family: String, Hashable, Sendable {
        case clang, gcc
    }

    /// Path of the compiler.
    package let path: String
    package let family: Family
    /// First line of `--version`; a part of the keys of compiled kernels.
    package let version: String
    /// Flags of every compilation that makes a kernel library: no start files, so that an honest library has no writable
    /// data of its own.
    package static let libraryFlags = sourceFlags + ["-shared", "-nostartfiles"]
    /// Flags of every compilation.
    private static let sourceFlags = ["-x", "c", "-std=gnu11", "-O3", "-fPIC"]

    /// Compilations that run at a time.
    package let parallel: Int

    private let gate: Gate

    /// Threads of this machine, as far as the system says: as many compilations keep it busy, since each takes one.
    package static var machineThreads: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Finds a compiler: `HEARTH_CC` if set, else clang on the path or beside `swift`, else gcc, else cc.
    /// `parallel` is how many run at a time.
    package static func find(parallel: Int = CToolchain.machineThreads) async throws(ToolchainError) -> CToolchain {
        if let named = variable("HEARTH_CC"), !named.isEmpty { return try await find(named, parallel: parallel) }
        var tried: [String] = []
        for name in ["clang", "gcc", "cc"] {
            var places = [search(name)]
            if name == "clang", let swift = search("swift") { places.append(beside(swift, name)) }
            for case let path? in places {
                do throws(ToolchainError) { return try await CToolchain(path: path, parallel: parallel) } catch {
                    tried.append("\(path) (\(error))")
                }
            }
            tried.append(name)
        }
        throw .notFound(tried: tried)
    }

    /// The compiler of that name on the path, or at that path.
    package static func find(
        _ name: String, parallel: Int = CToolchain.machineThreads
    ) async throws(ToolchainError) -> CToolchain {
        guard let path = name.contains("/") ? name : search(name) else { throw .notFound(tried: [name]) }
        return try await CToolchain(path: path, parallel: parallel)
    }

    /// Asks the compiler at `path` for its version.
    package init(path: String, parallel: Int = CToolchain.machineThreads) async throws(ToolchainError) {
        let answer = try await Self.call(path, ["--version"], timeLimit: 30)
        guard let line = answer.output.split(separator: "\n").first, answer.end == .exited(code: 0) else {
            throw .unusable(path: path, reason: "--version gave \(answer.end)")
        }
        self.path = path
        version = String(line)
        family = line.contains("clang") ? .clang : .gcc
        self.parallel = max(1, parallel)
        gate = Gate(limit: self.parallel)
    }

    /// Compiles C text into a shared object at `destination`, which appears complete or not at all. Cancelling the task
    /// ends the compiler.
    package func compile(
        _ source: String, flags: [String], to destination: String, timeLimit: Double = 60
    ) async throws(ToolchainError) {
        try await run(source, Self.libraryFlags + flags, destination, timeLimit)
    }

    /// Compiles C text into an object file for `link`; as `compile` otherwise.
    package func compileObject(
        _ source: String, flags: [String], to destination: String, timeLimit: Double = 60
    ) async throws(ToolchainError) {
        try await run(source, Self.sourceFlags + ["-c"] + flags, destination, timeLimit)
    }

    /// Flags under which undefined behaviour (signed overflow, shifts, addresses that are not aligned or leave their object, casts
    /// that do not fit) raises SIGILL where it happens, and under which local variables hold absurd values before they are set. Nothing of
    /// the compiler's is needed to run such code.
    package var undefinedBehaviourTraps: [String] {
        let pattern = "-ftrivial-auto-var-init=pattern"
        return switch family {
        case .clang: ["-fsanitize=undefined", "-fsanitize-trap=undefined", pattern]
        case .gcc: ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"] + (gccRelease >= 12 ? [pattern] : [])
        }
    }

    /// The first number of what ends gcc's version line; 0 where there is none.
    private var gccRelease: Int {
        version.split(separator: " ").last?.split(separator: ".").first.flatMap { Int($0) } ?? 0
    }

    /// The call that `compileObject` makes of the C text in `destination.c`, for people.
    package func objectCommand(flags: [String], to destination: String) -> String {
        ([path] + Self.sourceFlags + ["-c"] + flags + ["\(destination).c", "-o", destination]).joined(separator: " ")
    }

    /// Links object files into a shared object at `destination`.
    package func link(_ objects: [String], to destination: String) async throws(ToolchainError) {
        let output = "\(destination).\(getpid())-\(UInt64.random(in: 0...UInt64.max)).so"
        defer { unlink(output) }
        let arguments = ["-shared", "-nostartfiles"] + objects + ["-o", output]
        try await finish(
            try await Self.call(path, arguments, beside: output, timeLimit: 60), source: "", output, destination)
    }

    /// Runs one compilation when there is room for it.
    private func run(
        _ source: String, _ flags: [String], _ destination: String, _ timeLimit: Double
    ) async throws(ToolchainError) {
        await gate.enter()
        let result: Result<Void, ToolchainError>
        do throws(ToolchainError) {
            result = .success(try await runNow(source, flags, destination, timeLimit))
        } catch {
            result = .failure(error)
        }
        await gate.leave()
        try result.get()
    }

    private func runNow(
        _ source: String, _ flags: [String], _ destination: String, _ timeLimit: Double
    ) async throws(ToolchainError) {
        let suffix = "\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        let input = "\(destination).\(suffix).c"
        let output = "\(destination).\(suffix).out"
        defer {
            unlink(input)
            unlink(output)
        }
        guard Self.write(source, to: input) else {
            throw .notWritten(path: input, reason: String(cString: strerror(errno)))
        }
        let answer = try await Self.call(path, flags + [input, "-o", output], beside: output, timeLimit: timeLimit)
        try await finish(answer, source: input, output, destination)
    }

    /// Moves what the compiler made to its place, or says why it made nothing.
    private func finish(
        _ answer: (end: ChildProcess.End, output: String, errors: String), source: String, _ output: String,
        _ destination: String
    ) async throws(ToolchainError) {
        guard answer.end == .exited(code: 0) else {
            throw .failed(end: answer.end.description, firstError: Self.firstError(answer.errors, source: source))
        }
        guard rename(output, destination) == 0 else {
            throw .notWritten(path: destination, reason: String(cString: strerror(errno)))
        }
    }

    /// Calls the compiler. What it keeps in files meanwhile lies in the folder of `output`, whose owner removes it: a compiler that is killed
    /// leaves such files.
    private static func call(
        _ path: String, _ arguments: [String], beside output: String? = nil, timeLimit: Double
    ) async throws(ToolchainError) -> (end: ChildProcess.End, output: String, errors: String) {
        let cancelled = Cancellation()
        return try await withTaskCancellationHandler {
            await onOwnThread { () -> Result<(end: ChildProcess.End, output: String, errors: String), ToolchainError> in
                do throws(ProcessError) {
                    let child = try ChildProcess(
                        executable: path, arguments: arguments, environment: output.map(environment))
                    let result = try child.collect(timeLimit: timeLimit, isCancelled: { cancelled.isSet })
                    return .success(
                        (
                            result.end, String(decoding: result.output, as: UTF8.self),
                            String(decoding: result.errors, as: UTF8.self)
                        ))
                } catch {
                    if case .timedOut = error {
                        return .failure(cancelled.isSet ? .cancelled : .timedOut(seconds: timeLimit))
                    }
                    return .failure(.unusable(path: path, reason: error.description))
                }
            }
        } onCancel: {
            cancelled.set()
        }.get()
    }

    /// This process's environment, with the folder of `output` for temporary files.
    private static func environment(beside output: String) -> [String] {
        var lines: [String] = []
        var next = environ
        while let line = next.pointee {
            let text = String(cString: line)
            if !text.hasPrefix("TMPDIR=") { lines.append(text) }
            next += 1
        }
        let folder = output.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(output[..<$0]) } ?? "."
        return lines + ["TMPDIR=\(folder.isEmpty ? "/" : folder)"]
    }

    /// The first line that states an error, without the path of the temporary file.
    private static func firstError(_ text: String, source: String) -> String {
        let lines = text.split(separator: "\n")
        let line = lines.first { $0.contains("error") || $0.contains("undefined") } ?? lines.first ?? "no message"
        guard !source.isEmpty, line.hasPrefix(source) else { return String(line) }
        return "line " + line.dropFirst(source.utf8.count + 1)
    }

    private static func write(_ text: String, to path: String) -> Bool {
        guard let file = fopen(path, "we") else { return false }
        var text = text
        let written = text.withUTF8 { fwrite($0.baseAddress, 1, $0.count, file) }
        return fclose(file) == 0 && written == text.utf8.count
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// The first executable of that name on `PATH`.
    private static func search(_ name: String) -> String? {
        for directory in (variable("PATH") ?? "/usr/bin:/bin").split(separator: ":") {
            let path = "\(directory)/\(name)"
            if access(path, X_OK) == 0 { return path }
        }
        return nil
    }

    private static func beside(_ program: String, _ name: String) -> String? {
        guard let resolved = realpath(program, nil) else { return nil }
        defer { free(resolved) }
        let path = String(cString: resolved).split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/\(name)"
        return access(path, X_OK) == 0 ? path : nil
    }
}

/// A flag that a task's cancellation sets and a thread reads.
private final class Cancellation: Sendable {
    private let flag = Atomic(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
}

/// Why C text did not become a shared object.
package enum ToolchainError: Error, Hashable, CustomStringConvertible {
    /// There is no compiler; install clang or gcc, or name one in `HEARTH_CC`.
    case notFound(tried: [String])
    /// There is no compiler for NVIDIA's GPUs.
    case noCompilerForGPUs(tried: [String])
    /// Triton is not there.
    case noTriton(reason: String)
    /// The compiler cannot be run.
    case unusable(path: String, reason: String)
    /// The compiler refused the text.
    case failed(end: String, firstError: String)
    /// It took too long and was ended.
    case timedOut(seconds: Double)
    /// The calling task was cancelled.
    case cancelled
    /// A file could not be written.
    case notWritten(path: String, reason: String)

    /// One line: what, why, what to do.
    package var description: String {
        switch self {
        case .notFound(let tried):
            "no C compiler found (tried \(tried.joined(separator: ", "))); install clang or gcc, or set HEARTH_CC"
        case .noCompilerForGPUs(let tried):
            "no compiler for NVIDIA's GPUs found (tried \(tried.joined(separator: ", "))); pip install nvidia-cuda-nvrtc, or "
                + "set HEARTH_NVRTC to libnvrtc.so"
        case .noTriton(let reason): "Triton is not there (\(reason)); pip install triton==3.6.* where HEARTH_PYTHON is"
        case .unusable(let path, let reason): "the compiler \(path) cannot be used: \(reason)"
        case .failed(let end, let firstError): "the compiler failed (\(end)): \(firstError)"
        case .timedOut(let seconds): "the compiler took longer than \(seconds) s"
        case .cancelled: "compilation was cancelled"
        case .notWritten(let path, let reason): "cannot write \(path): \(reason)"
        }
    }
}
