internal import CSandbox
internal import Glibc

/// What keeps a process that runs generated code from the rest of the machine, as far as this kernel has it.
package struct Sandbox: Hashable, Sendable, CustomStringConvertible {
    /// A way of keeping it away. Which are had is found out by asking for them.
    package enum Part: Int, Hashable, Sendable, CaseIterable {
        /// Landlock: files are not changed, TCP is not used, signals reach nobody else.
        case files = 1
        /// Seccomp: system calls that reach the network, start programs or look into other processes fail; where code
        /// runs on the host, threads that call it can do nothing but compute.
        case calls = 2
        /// A network namespace in which nothing is up.
        case network = 4
        /// A limit of memory.
        case memory = 8
    }

    /// What runs in it.
    package enum Profile: Hashable, Sendable {
        /// Generated code for the host.
        case host
        /// Generated code for a device, whose driver opens device files, starts threads and writes these folders.
        case device(caches: [String])

        /// The parts that it asks for. A device's driver maps far more address space than memory, and may speak with services
        /// through a network namespace's own sockets.
        package var parts: Set<Part> {
            switch self {
            case .host: Set(Part.allCases)
            case .device: [.files, .calls]
            }
        }
    }

    /// Parts that are had.
    package var parts: Set<Part>
    /// Parts that were asked for.
    package var asked: Set<Part>
    /// Version of Landlock's interface; 0 without it.
    package var landlock: Int
    /// Bytes of address space; 0 without a limit.
    package var memoryBytes: Int

    /// What was asked for and is not there.
    package var missing: [Part] { Part.allCases.filter { asked.contains($0) && !parts.contains($0) } }

    /// Puts this process into it; before the second thread starts.
    package static func enter(_ profile: Profile, without: [Part] = []) -> Sandbox {
        var writable: [String] = []
        var kind = Int32(HEARTH_SANDBOX_HOST)
        if case .device(let caches) = profile {
            kind = Int32(HEARTH_SANDBOX_DEVICE)
            // Drivers write what their devices are, names of threads, and temporary files.
            let temporary = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
            writable = ["/dev", "/proc/self", temporary] + caches
        }
        var paths: [UnsafePointer<CChar>?] = writable.map { UnsafePointer(strdup($0)) }
        defer { for path in paths { free(UnsafeMutablePointer(mutating: path)) } }
        let skipped = Set(Part.allCases).subtracting(profile.parts).union(without).reduce(0) { $0 | $1.rawValue }
        let had = hearth_sandbox_enter(kind, &paths, Int32(paths.count), Int32(skipped))
        return Sandbox(
            parts: Set(Part.allCases.filter { Int(had.parts) & $0.rawValue != 0 }), asked: profile.parts,
            landlock: Int(had.landlock), memoryBytes: Int(had.memory_bytes))
    }

    /// Lets a worker's address space grow by so many bytes at most from what it is now, or as far as its own limit goes. A later call may set
    /// more. Does nothing where the system does not say how large it is.
    package static func limitGrowth(of process: Int32, to bytes: Int) {
        hearth_sandbox_limit_growth(process, Int64(bytes))
    }

    /// Name of a system call that was refused.
    package static func call(_ number: Int) -> String {
        hearth_sandbox_call_name(Int64(number)).map { String(cString: $0) } ?? "system call \(number)"
    }

    /// One line: what keeps generated code away, and what this kernel does not give.
    package var description: String {
        var had: [String] = []
        for part in Part.allCases where parts.contains(part) {
            switch part {
            case .files:
                // A device's driver keeps its folders; no host's code asks for as little.
                let others =
                    asked == Profile.device(caches: []).parts
                    ? "no file but temporary ones and the driver's" : "no file"
                had.append("\(others) is written (Landlock \(landlock))")
            case .calls: had.append("system calls are filtered (seccomp)")
            case .network: had.append("no network (namespace)")
            case .memory: had.append("at most \(memoryBytes >> 20) MiB")
            }
        }
        let lacking = missing.map { part in
            switch part {
            case .files: "Landlock (files could be written)"
            case .calls: "seccomp (network and other processes could be reached)"
            case .network: "user and network namespaces"
            case .memory: "a limit of memory"
            }
        }
        let first = had.isEmpty ? "no sandbox" : had.joined(separator: ", ")
        return lacking.isEmpty ? first : "\(first); this kernel does not give \(lacking.joined(separator: ", "))"
    }

    func write(to writer: inout WireWriter) {
        writer.put(parts.reduce(0) { $0 | $1.rawValue })
        writer.put(asked.reduce(0) { $0 | $1.rawValue })
        writer.put(landlock)
        writer.put(memoryBytes)
    }

    init(from reader: inout WireReader) throws(WireError) {
        func parts(_ bits: Int) -> Set<Part> { Set(Part.allCases.filter { bits & $0.rawValue != 0 }) }
        self.init(
            parts: parts(try reader.integer()), asked: parts(try reader.integer()), landlock: try reader.integer(),
            memoryBytes: try reader.integer())
    }

    /// Makes a report of it.
    package init(parts: Set<Part>, asked: Set<Part>, landlock: Int, memoryBytes: Int) {
        self.parts = parts
        self.asked = asked
        self.landlock = landlock
        self.memoryBytes = memoryBytes
    }
}
