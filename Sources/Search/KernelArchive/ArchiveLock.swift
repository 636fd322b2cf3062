internal import Glibc

/// Says who uses an archive: a file beside it, which every user holds together with the others, and whoever replaces the archive's
/// file holds alone. The system lets go of it when a process ends, however it ends.
final class ArchiveLock {
    private let descriptor: Int32

    /// Opens the lock of an archive, held by nobody yet.
    init(of path: String) throws(ArchiveError) {
        descriptor = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw .failed(path: path, operation: "open", reason: String(cString: strerror(errno)))
        }
    }

    deinit { close(descriptor) }

    /// Takes it alone if nobody else holds it.
    func takeAlone() -> Bool { take(LOCK_EX | LOCK_NB) }

    /// Takes it alone if nobody else holds it within half a second. A process that was started a moment ago holds all that its parent had
    /// open, until it becomes the program that it is to run.
    func takeAloneSoon() -> Bool {
        for _ in 0..<50 {
            if takeAlone() { return true }
            usleep(10_000)
        }
        return takeAlone()
    }

    /// Holds it with others; waits for who has it alone.
    func share() { _ = take(LOCK_SH) }

    private func take(_ operation: Int32) -> Bool {
        while flock(descriptor, operation) != 0 {
            if errno != EINTR { return false }
        }
        return true
    }
}
