import Glibc

/// What this process takes of the machine, as Linux tells it in `/proc/self`; zeros where it does not.
package struct ProcessUsage: Sendable, Equatable {
    /// Nanoseconds of processors.
    package var processorTime: UInt64 = 0
    /// Memory that it holds.
    package var residentBytes: UInt64 = 0
    /// When it started, in seconds since 1970.
    package var startSeconds: UInt64 = 0
    /// Files and sockets that are open.
    package var openFiles = 0
    /// Threads.
    package var threads = 0

    /// Usage of these figures.
    package init(
        processorTime: UInt64, residentBytes: UInt64, startSeconds: UInt64, openFiles: Int, threads: Int
    ) {
        (self.processorTime, self.residentBytes, self.startSeconds) = (processorTime, residentBytes, startSeconds)
        (self.openFiles, self.threads) = (openFiles, threads)
    }

    private static let started = WallClock.milliseconds / 1000

    /// Notes when the server started, where it is the first call.
    package static func noteStart() { _ = started }

    /// What it takes now.
    package static var now: ProcessUsage {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        var usage = ProcessUsage(
            processorTime: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec), residentBytes: 0,
            startSeconds: started, openFiles: 0, threads: 0)
        // The second number is resident pages (proc(5)).
        let fields = read("/proc/self/statm").split(separator: " ")
        if fields.count > 1 { usage.residentBytes = (UInt64(fields[1]) ?? 0) * UInt64(sysconf(Int32(_SC_PAGESIZE))) }
        usage.openFiles = max(entries("/proc/self/fd") - 1, 0)
        usage.threads = entries("/proc/self/task")
        return usage
    }

    private static func read(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }

    /// Names in a folder but `.` and `..`.
    private static func entries(_ path: String) -> Int {
        guard let folder = opendir(path) else { return 0 }
        defer { closedir(folder) }
        var count = 0
        while let entry = readdir(folder) {
            // Safety: `readdir` gives a name that ends in zero.
            if entry.pointee.d_name.0 != 46 { count += 1 }
        }
        return count
    }
}
