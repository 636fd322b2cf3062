import Glibc
import Synchronization

/// A folder for generated code that is removed with everything in it when it is no longer used.
package final class TemporaryFolder: Sendable {
    /// Its path.
    package let path: String
    private let made = Atomic(0)

    /// Makes a new folder under TMPDIR or /tmp that only this user can read.
    package init() throws(BuildError) {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/hearth-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw .unsupported("cannot make a folder under \(base): \(String(cString: strerror(errno)))")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path) }

    /// Removes a folder with everything in it.
    static func remove(_ path: String) {
        if let folder = opendir(path) {
            while let entry = readdir(folder) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name == "." || name == ".." { continue }
                if unlink("\(path)/\(name)") != 0, errno == EISDIR { remove("\(path)/\(name)") }
            }
            closedir(folder)
        }
        rmdir(path)
    }

    /// A path that was not handed out before: loaders keep code by path.
    func newFile(_ name: String) -> String {
        "\(path)/\(made.add(1, ordering: .relaxed).newValue)-\(name)"
    }

    /// The bytes of a file in it.
    func read(_ file: String) throws(BuildError) -> [UInt8] {
        guard let stream = fopen(file, "rb") else { throw .unsupported("cannot read back \(file)") }
        defer { fclose(stream) }
        fseek(stream, 0, SEEK_END)
        var bytes = [UInt8](repeating: 0, count: max(0, ftell(stream)))
        rewind(stream)
        guard fread(&bytes, 1, bytes.count, stream) == bytes.count else {
            throw .unsupported("cannot read back \(file)")
        }
        return bytes
    }
}
