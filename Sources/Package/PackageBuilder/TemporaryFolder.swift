import Glibc
import Synchronization
import WorkFolders

/// A folder for generated code that is removed with everything in it when it is no longer used, or by the next command where this
/// process is killed.
package final class TemporaryFolder: Sendable {
    /// Its path.
    package var path: String { folder.path }
    private let folder: WorkFolder
    private let made = Atomic(0)

    /// Makes a new folder under TMPDIR or /tmp that only this user can read.
    package init() throws(BuildError) {
        do throws(WorkFolder.NotMade) {
            folder = try WorkFolder(temporary: "hearth")
        } catch {
            throw .unsupported(error.reason)
        }
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
