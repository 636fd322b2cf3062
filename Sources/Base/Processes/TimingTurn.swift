internal import Glibc

/// The right to time on a device, which processes of one user take in turn: a search that runs beside another one would otherwise measure
/// that one's kernels too. The system ends a turn with its process. Compilers, which a search runs on all cores between its
/// timings, take no turns.
package final class TimingTurn {
    private let descriptor: Int32

    /// Turns on a device (`cpu`, `cuda:1`; `cuda` is its first). A process that is to enter a sandbox makes it before that.
    package init(device: String) {
        let name = device.contains(":") || device == "cpu" ? device : device + ":0"
        guard let home = getenv("HOME") else {
            descriptor = -1
            return
        }
        var folder = String(cString: home)
        for part in ["/.cache", "/hearth"] {
            folder += part
            mkdir(folder, 0o755)
        }
        descriptor = open("\(folder)/\(name).turn", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    }

    /// Begins a turn: waits until nobody else times there, but no longer than `patience` seconds, as who was stopped in the middle must stop
    /// nobody else. Begins at once where the lock cannot be opened.
    package func begin(patience: Double = 20) {
        guard descriptor >= 0 else { return }
        let end = monotonicSeconds() + patience
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0, monotonicSeconds() < end { usleep(500) }
    }

    /// Ends the turn.
    package func end() { if descriptor >= 0 { flock(descriptor, LOCK_UN) } }

    deinit { if descriptor >= 0 { close(descriptor) } }
}
