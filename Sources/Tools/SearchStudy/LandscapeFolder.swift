import Glibc

/// Landscapes on disk, one file each.
package enum LandscapeFolder {
    /// A file that cannot be used.
    package struct Fault: Error, CustomStringConvertible {
        package var description: String
    }

    /// All landscapes of a folder, by name of file. Throws `Fault`.
    package static func read(_ folder: String) throws -> [Landscape] {
        guard let directory = opendir(folder) else {
            throw Fault(description: "\(folder): \(String(cString: strerror(errno)))")
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                // Safety: the system ends the name with a zero within the field.
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".json") { names.append(name) }
        }
        if names.isEmpty { throw Fault(description: "\(folder) holds no landscapes; hearth study --record makes some") }
        return try names.sorted().map { name in
            guard let text = text("\(folder)/\(name)"), let landscape = Landscape(parsing: text) else {
                throw Fault(description: "\(folder)/\(name) is no landscape")
            }
            return landscape
        }
    }

    private static func text(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }

    /// Writes a text in one piece. Throws `Fault`.
    package static func write(_ text: String, to path: String) throws {
        let new = path + ".new"
        guard let file = fopen(new, "w") else {
            throw Fault(description: "\(path): \(String(cString: strerror(errno)))")
        }
        let bytes = Array(text.utf8)
        let isWritten = fwrite(bytes, 1, bytes.count, file) == bytes.count
        guard fclose(file) == 0, isWritten, rename(new, path) == 0 else {
            throw Fault(description: "\(path) cannot be written")
        }
    }

    /// Seconds on the monotonic clock.
    package static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
