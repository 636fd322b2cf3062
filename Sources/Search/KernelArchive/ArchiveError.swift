/// Why the archive cannot be used.
package enum ArchiveError: Error, Hashable, CustomStringConvertible {
    /// SQLite is not on this machine.
    case noLibrary(reason: String)
    /// What the system or SQLite said to an operation: `open`, `read`, `write`.
    case failed(path: String, operation: String, reason: String)
    /// The file's content is no archive, or not any more.
    case damaged(path: String, reason: String)
    /// A later version of Hearth made it.
    case newer(path: String, version: Int64)
    /// It was damaged while it was used, and given up.
    case closed(path: String)

    /// One line: what, where, why, what to do.
    package var description: String {
        switch self {
        case .noLibrary(let reason):
            "there is no SQLite here (\(reason)); install libsqlite3-0, or name the library in HEARTH_SQLITE"
        case .failed(let path, let operation, let reason): "cannot \(operation) the archive \(path): \(reason)"
        case .damaged(let path, let reason): "the archive \(path) is damaged: \(reason)"
        case .newer(let path, let version):
            "the archive \(path) was made by a later version of hearth (format \(version)); choose another file"
        case .closed(let path): "the archive \(path) was damaged and is not used any more"
        }
    }
}
