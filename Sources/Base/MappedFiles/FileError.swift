/// Why a file cannot be opened for reading.
package enum FileError: Error, Equatable, CustomStringConvertible {
    /// No file of that name.
    case notFound(path: String)
    /// A directory where a file should be.
    case isDirectory(path: String)
    /// A pipe, a device or a socket.
    case notRegular(path: String)
    /// Without a single byte.
    case empty(path: String)
    /// No permission.
    case notPermitted(path: String)
    /// Anything else that the system says.
    case system(path: String, operation: String, message: String)

    /// The file that was asked for.
    package var path: String {
        switch self {
        case .notFound(let path), .isDirectory(let path), .notRegular(let path), .empty(let path),
            .notPermitted(let path), .system(let path, _, _):
            path
        }
    }

    /// One line: what, where, what to do.
    package var description: String {
        switch self {
        case .notFound(let path): "no such file: \(path)"
        case .isDirectory(let path): "\(path) is a directory; give the path of a file"
        case .notRegular(let path): "\(path) is not a regular file; copy its contents to a file first"
        case .empty(let path): "\(path) is empty (0 bytes); write or copy it again"
        case .notPermitted(let path): "\(path) may not be read; check its permissions"
        case .system(let path, let operation, let message): "cannot \(operation) \(path): \(message)"
        }
    }
}
