internal import Glibc

/// A file's bytes, mapped read-only for as long as this value lives.
///
/// Pages are read on first touch and shared between processes. A file that another process shortens meanwhile ends this
/// process with a bus error, as every mapping does; packages are therefore replaced by renaming, never rewritten in place.
package struct MappedFile: ~Copyable, @unchecked Sendable {
    // Safety of `@unchecked Sendable`: the memory is read-only and lives exactly as long as this value.
    private let base: UnsafeRawPointer
    /// Length in bytes, at least 1.
    package let count: Int
    /// Path it was opened by, for messages.
    package let path: String

    /// Maps a regular file that is not empty.
    package init(path: String) throws(FileError) {
        // Not blocking, so that a named pipe is reported rather than waited for.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        if descriptor < 0 { throw Self.error(errno, path, "open") }
        defer { close(descriptor) }
        var status = stat()
        if fstat(descriptor, &status) != 0 { throw Self.error(errno, path, "inspect") }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw .isDirectory(path: path)
        default: throw .notRegular(path: path)
        }
        let length = Int(status.st_size)
        if length == 0 { throw .empty(path: path) }
        guard let start = mmap(nil, length, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
            throw Self.error(errno, path, "map")
        }
        self.base = UnsafeRawPointer(start)
        self.count = length
        self.path = path
    }

    deinit {
        // Safety: `init` mapped exactly this range, and no span of it outlives a call of `withBytes`.
        munmap(UnsafeMutableRawPointer(mutating: base), count)
    }

    /// Gives the bytes to `body`; they must not leave it.
    package borrowing func withBytes<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // Safety: the mapping covers `count` bytes until `deinit`.
        try body(UnsafeRawBufferPointer(start: base, count: count).bytes)
    }

    /// Gives the bytes as a raw buffer, for callers of C; the buffer must not be used after `body` returns.
    package borrowing func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // Safety: the mapping covers `count` bytes until `deinit`.
        try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    private static func error(_ code: CInt, _ path: String, _ operation: String) -> FileError {
        switch code {
        case ENOENT, ENOTDIR: .notFound(path: path)
        case EACCES, EPERM: .notPermitted(path: path)
        default: .system(path: path, operation: operation, message: String(cString: strerror(code)))
        }
    }
}
