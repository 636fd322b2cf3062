import ArgumentParser
import FileFuzzing
import Glibc

/// Which iteration runs, for the signal handler.
nonisolated(unsafe) private var current: UInt64 = 0

/// Feeds broken files to one of the readers until it traps, hangs, or the time is over.
@main
struct HearthFuzz: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hearth-fuzz",
        abstract: "Feed mutated files to a reader; a crash or hang names the iteration that repeats it.",
        discussion: "Example: hearth-fuzz json --iterations 100000 --seed 1 Tests/Fuzz/corpus")

    /// The reader.
    @Argument(help: "One of zip, json, pickle, safetensors, expression, pt2, package, trial, archive, search.")
    var reader: FuzzedReader
    /// Folder with one folder of files a reader.
    @Argument(help: "The corpus: a folder with a folder of files for each reader.")
    var corpus: String
    /// Number of inputs.
    @Option(help: "Inputs to try.")
    var iterations: UInt64 = 10_000
    /// Time, if shorter.
    @Option(help: "Stop after this many seconds.")
    var seconds: Int?
    /// Seed of the mutations.
    @Option(help: "Seed; the same seed gives the same inputs.")
    var seed: UInt64 = 1
    /// First input.
    @Option(help: "First iteration, to repeat one.")
    var start: UInt64 = 0
    /// Address space.
    @Option(help: "Most address space in GiB; 0 for no limit, as sanitizers need.")
    var memory: UInt = 4
    /// Where to put the input of the first iteration.
    @Option(help: "Write the input of the first iteration here and stop.")
    var write: String?

    func run() throws {
        let files = try Self.files(in: corpus + "/" + reader.rawValue)
        if let write {
            try Self.save(input(start, files), to: write)
            return
        }
        // More address space than this means that a few bytes made a reader allocate without bound.
        if memory > 0 {
            var limit = rlimit(rlim_cur: rlim_t(memory) << 30, rlim_max: rlim_t(memory) << 30)
            setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
        }
        for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT, SIGALRM, SIGFPE] { signal(number, Self.report) }
        for (index, file) in files.enumerated() {
            if case .refused(let message) = reader.read(file) { print("note: file \(index) is refused: \(message)") }
        }
        var taken: UInt64 = 0
        var slowest = 0.0
        var slowestIteration: UInt64 = 0
        let begin = Self.now()
        var done: UInt64 = 0
        for iteration in start..<start + iterations {
            if let seconds, Self.now() - begin > Double(seconds) { break }
            current = iteration
            let bytes = input(iteration, files)
            alarm(10)
            let before = Self.now()
            switch reader.read(bytes) {
            case .taken: taken += 1
            case .refused: break
            case .broken(let reason):
                print("iteration \(iteration): \(reason)")
                throw ExitCode.failure
            }
            let elapsed = Self.now() - before
            if elapsed > slowest { (slowest, slowestIteration) = (elapsed, iteration) }
            done += 1
        }
        alarm(0)
        let micros = Int(slowest * 1e6)
        print(
            "\(reader.rawValue): \(done) inputs, \(taken) taken, slowest \(micros) µs (iteration \(slowestIteration)), "
                + "\(Self.peakMemory()) MB at most")
    }

    private func input(_ iteration: UInt64, _ files: [[UInt8]]) -> [UInt8] {
        var mutator = Mutator(seed: seed &* 0x9E37_79B9_7F4A_7C15 &+ iteration, corpus: files)
        return mutator.next()
    }

    /// Only calls that a signal handler may make.
    private static let report: @convention(c) (CInt) -> Void = { number in
        var text: [UInt8] = []
        text.reserveCapacity(64)
        text += "crash or hang in iteration ".utf8
        text += String(current).utf8
        text.append(10)
        _ = text.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
        signal(number, SIG_DFL)
        raise(number)
    }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    private static func peakMemory() -> Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss / 1024
    }

    private static func files(in folder: String) throws -> [[UInt8]] {
        guard let directory = opendir(folder) else { throw ValidationError("no folder \(folder)") }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        if names.isEmpty { throw ValidationError("no files in \(folder)") }
        // The order of a directory differs between machines; the inputs must not.
        return try names.sorted().map { try load(folder + "/" + $0) }
    }

    private static func load(_ path: String) throws -> [UInt8] {
        guard let file = fopen(path, "rb") else { throw ValidationError("cannot read \(path)") }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    private static func save(_ bytes: [UInt8], to path: String) throws {
        guard let file = fopen(path, "wb") else { throw ValidationError("cannot write \(path)") }
        defer { fclose(file) }
        if fwrite(bytes, 1, bytes.count, file) != bytes.count { throw ValidationError("cannot write \(path)") }
    }
}

extension FuzzedReader: ExpressibleByArgument {}
