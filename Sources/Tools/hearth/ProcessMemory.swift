import Glibc

/// What the kernel says of this process's memory.
enum ProcessMemory {
    /// The most memory that was resident at any time since the program started, in bytes, mapped files included; nil
    /// where the kernel does not say. Read from `/proc/self/status`, because `getrusage` starts from the parent's peak.
    static var peakBytes: Int? {
        guard let file = fopen("/proc/self/status", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.hasPrefix("VmHWM:") else { continue }
            return text.split { !("0"..."9").contains($0) }.first.flatMap { Int($0) }.map { $0 * 1024 }
        }
        return nil
    }
}
