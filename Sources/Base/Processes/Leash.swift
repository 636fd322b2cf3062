internal import Glibc
internal import Synchronization

/// What ends the children when this process is killed and can end nothing any more: a shell that reads which process groups
/// live, and kills those that are left when the end of its input says that this process is gone. One for all children,
/// started with the first. Groups rather than processes: compilers start children of their own.
///
/// Asking the kernel for a signal at the parent's death (PR_SET_PDEATHSIG) would not do: it is sent when the thread that
/// started the child ends, and does not reach the children of compilers.
enum Leash {
    /// Write end of the shell's input; nil before the first child, -1 when there is no shell to be had.
    private static let shell = Mutex<Int32?>(nil)

    /// Signals at which people and services end a process must not end the shell before it has done its work.
    private static let script = """
        trap '' HUP INT QUIT TERM
        groups=' '
        while read -r change group; do
            case $change in
            +) groups="$groups$group " ;;
            -) groups="${groups%% $group *} ${groups#* $group }" ;;
            esac
        done
        for group in $groups; do kill -KILL "-$group"; done
        """

    /// From now on the group ends with this process.
    static func hold(_ group: Int32) { tell("+ \(group)\n") }

    /// The group ends by itself; to be said before its number can be given to another.
    static func release(_ group: Int32) { tell("- \(group)\n") }

    private static func tell(_ line: String) {
        shell.withLock { descriptor in
            let input = descriptor ?? start()
            descriptor = input
            guard input >= 0 else { return }
            let bytes = Array(line.utf8)
            // A shell that is gone costs the leash, nothing else.
            _ = bytes.withUnsafeBytes { send(input, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        }
    }

    /// Starts the shell and returns the write end of its input, or -1. No other process may hold that end: it is closed on
    /// exec.
    private static func start() -> Int32 {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { return -1 }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        // Who reads this process's output to its end must not wait for the shell.
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        // Nor for what else was open when it was started: a caller's pipes, and locks that end with their last holder.
        for descriptor in 3..<Int32(min(1024, sysconf(Int32(_SC_OPEN_MAX)))) {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }
        var pid = pid_t()
        let code = withCStrings(["/bin/sh", "-c", script]) { argv in
            withSpawnAttributes { posix_spawn(&pid, "/bin/sh", &actions, $0, argv, environ) }
        }
        guard code == 0 else {
            close(ends[1])
            return -1
        }
        return ends[1]
    }
}

/// Calls `body` with the attributes of every child: a group of its own, no signal blocked, and SIGPIPE and SIGINT as they are
/// by default.
func withSpawnAttributes(_ body: (UnsafePointer<posix_spawnattr_t>) -> Int32) -> Int32 {
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(
        &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    posix_spawnattr_setpgroup(&attributes, 0)
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigaddset(&signals, SIGPIPE)
    sigaddset(&signals, SIGINT)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    return body(&attributes)
}

/// Calls `body` with a null-terminated array of C strings.
func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    pointers.append(nil)
    return body(pointers)
}
