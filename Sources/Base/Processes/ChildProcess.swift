internal import Glibc

/// A running child in a process group of its own. Forgetting it kills the group and collects the child, so that no child
/// outlives its owner; when this process itself is killed, its leash kills the groups that are left.
package struct ChildProcess: ~Copyable, Sendable {
    /// Where a standard stream of the child goes.
    package enum Stream: Hashable, Sendable {
        /// Nowhere; reads find the end at once.
        case null
        /// To this process, through a pipe.
        case pipe
        /// The same as this process's.
        case inherited
    }

    /// How a child ended.
    package enum End: Hashable, Sendable, CustomStringConvertible {
        case exited(code: Int32)
        case signaled(Int32)

        /// Such as `exit code 3` or `signal 11 (Segmentation fault)`.
        package var description: String {
            switch self {
            case .exited(let code): "exit code \(code)"
            case .signaled(let signal): "signal \(signal) (\(String(cString: strsignal(signal))))"
            }
        }
    }

    /// The process's number, which is also its group's.
    package let number: Int32
    /// Write end of the child's standard input, or -1.
    private var input: Int32 = -1
    /// Read end of the child's standard output, or -1.
    private var output: Int32 = -1
    /// Read end of the child's standard error, or -1.
    private var errors: Int32 = -1

    /// Starts a program by path. `environment` holds `NAME=value` lines; nil passes on this process's.
    package init(
        executable: String, arguments: [String], environment: [String]? = nil, input: Stream = .null,
        output: Stream = .pipe, errors: Stream = .pipe
    ) throws(ProcessError) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var childEnds: [Int32] = []
        defer { for end in childEnds { close(end) } }
        var ownEnds: [Int32] = []

        for (stream, descriptor) in [(input, 0 as Int32), (output, 1), (errors, 2)] {
            switch stream {
            case .inherited: ownEnds.append(-1)
            case .null:
                posix_spawn_file_actions_addopen(
                    &actions, descriptor, "/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY, 0)
                ownEnds.append(-1)
            case .pipe:
                var ends: [Int32] = [-1, -1]
                // A socket pair rather than a pipe: it can be closed on exec from the start (so that children started meanwhile
                // by other threads do not keep it open), and written without SIGPIPE.
                let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
                guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
                    let reason = String(cString: strerror(errno))
                    for end in ownEnds where end >= 0 { close(end) }
                    throw .noPipe(reason: reason)
                }
                childEnds.append(ends[descriptor == 0 ? 0 : 1])
                ownEnds.append(ends[descriptor == 0 ? 1 : 0])
                posix_spawn_file_actions_adddup2(&actions, ends[descriptor == 0 ? 0 : 1], descriptor)
            }
        }

        var pid = pid_t()
        let code = withCStrings([executable] + arguments) { argv in
            withSpawnAttributes { attributes in
                guard let environment else {
                    return posix_spawn(&pid, executable, &actions, attributes, argv, environ)
                }
                return withCStrings(environment) { posix_spawn(&pid, executable, &actions, attributes, argv, $0) }
            }
        }
        guard code == 0 else {
            for end in ownEnds where end >= 0 { close(end) }
            throw .notStarted(program: executable, reason: String(cString: strerror(code)))
        }
        Leash.hold(pid)
        number = pid
        self.input = ownEnds[0]
        self.output = ownEnds[1]
        self.errors = ownEnds[2]
    }

    deinit {
        for descriptor in [input, output, errors] where descriptor >= 0 { close(descriptor) }
        kill(-number, SIGKILL)
        Leash.release(number)
        var status: Int32 = 0
        while waitpid(number, &status, 0) < 0, errno == EINTR {}
    }

    /// Writes all bytes to the child's standard input, waiting at most until `deadline` (see `monotonicSeconds`). Open files of
    /// these numbers come with the first byte (SCM_RIGHTS).
    package func write(_ bytes: [UInt8], files: [Int32] = [], deadline: Double) throws(ProcessError) {
        precondition(input >= 0, "the child's input is no pipe")
        var offset = 0
        while offset < bytes.count {
            try Self.await(input, Int16(POLLOUT), deadline)
            let count = bytes.withUnsafeBytes { buffer in
                let rest = UnsafeRawBufferPointer(rebasing: buffer[offset...])
                return sendWithFiles(input, rest, offset == 0 ? files : [])
            }
            if count > 0 {
                offset += count
            } else if errno == EPIPE || errno == ECONNRESET {
                throw .closed
            } else if errno != EINTR, errno != EAGAIN {
                throw .failed(operation: "write to the process", reason: String(cString: strerror(errno)))
            }
        }
    }

    /// Reads exactly `count` bytes of the child's standard output, waiting at most until `deadline`.
    package func read(_ count: Int, deadline: Double) throws(ProcessError) -> [UInt8] {
        precondition(output >= 0, "the child's output is no pipe")
        var bytes: [UInt8] = []
        while bytes.count < count {
            try Self.await(output, Int16(POLLIN), deadline)
            let piece = readSome(output, limit: count - bytes.count)
            guard let piece else { continue }
            if piece.isEmpty { throw .closed }
            bytes += piece
        }
        return bytes
    }

    /// Reads standard output and standard error to their ends and waits for the child; kills it at `deadline` or when
    /// `isCancelled` says so (asked every 50 ms), and then throws `timedOut`. Keeps at most `limit` bytes of each stream.
    package consuming func collect(
        timeLimit: Double, limit: Int = 1 << 20, isCancelled: () -> Bool = { false }
    ) throws(ProcessError) -> (end: End, output: [UInt8], errors: [UInt8]) {
        let deadline = monotonicSeconds() + timeLimit
        var collected: [[UInt8]] = [[], []]
        var open = [output, errors]
        while open.contains(where: { $0 >= 0 }) {
            if monotonicSeconds() >= deadline || isCancelled() { throw .timedOut(seconds: timeLimit) }
            var polled = open.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            poll(&polled, 2, 50)
            for index in 0..<2 where open[index] >= 0 && polled[index].revents != 0 {
                guard let piece = readSome(open[index], limit: 1 << 16) else { continue }
                if piece.isEmpty { open[index] = -1 }
                collected[index] += piece.prefix(limit - min(limit, collected[index].count))
            }
        }
        while true {
            if let end = finished() { return (end, collected[0], collected[1]) }
            if monotonicSeconds() >= deadline || isCancelled() { throw .timedOut(seconds: timeLimit) }
            usleep(1000)
        }
    }

    /// How the child ended, or nil while it runs. The child stays collectable, so that asking again gives the same answer.
    package func finished() -> End? {
        var info = siginfo_t()
        guard waitid(P_PID, id_t(number), &info, WEXITED | WNOHANG | WNOWAIT) == 0,
            info._sifields._sigchld.si_pid == number
        else { return nil }
        let status = info._sifields._sigchld.si_status
        return info.si_code == CLD_EXITED ? .exited(code: status) : .signaled(status)
    }

    private static func await(_ descriptor: Int32, _ events: Int16, _ deadline: Double) throws(ProcessError) {
        let start = monotonicSeconds()
        while true {
            let left = deadline - monotonicSeconds()
            if left <= 0 { throw .timedOut(seconds: deadline - start) }
            var polled = pollfd(fd: descriptor, events: events, revents: 0)
            if poll(&polled, 1, Int32(min(left * 1000 + 1, 1_000_000))) > 0 { return }
        }
    }
}

/// `send` with open files beside the bytes, as unix(7) has it: a header of its length, level and type, then the numbers.
private func sendWithFiles(_ socket: Int32, _ bytes: UnsafeRawBufferPointer, _ files: [Int32]) -> Int {
    let flags = Int32(Int(MSG_NOSIGNAL) | Int(MSG_DONTWAIT))
    if files.isEmpty { return send(socket, bytes.baseAddress, bytes.count, flags) }
    var part = iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
    let header = MemoryLayout<cmsghdr>.size
    let length = header + 4 * files.count
    return withUnsafeTemporaryAllocation(byteCount: (length + 7) / 8 * 8, alignment: 8) { control in
        control.initializeMemory(as: UInt8.self, repeating: 0)
        control.storeBytes(of: length, as: Int.self)
        control.storeBytes(of: SOL_SOCKET, toByteOffset: 8, as: Int32.self)
        control.storeBytes(of: Int32(SCM_RIGHTS), toByteOffset: 12, as: Int32.self)
        for (index, file) in files.enumerated() {
            control.storeBytes(of: file, toByteOffset: header + 4 * index, as: Int32.self)
        }
        return withUnsafeMutablePointer(to: &part) { part in
            var message = msghdr()
            message.msg_iov = part
            message.msg_iovlen = 1
            message.msg_control = control.baseAddress
            message.msg_controllen = control.count
            return sendmsg(socket, &message, flags)
        }
    }
}

/// Seconds of the monotonic clock.
package func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Up to `limit` bytes; empty at the end; nil when interrupted.
private func readSome(_ descriptor: Int32, limit: Int) -> [UInt8]? {
    var failed = false
    let bytes = [UInt8](unsafeUninitializedCapacity: min(limit, 1 << 16)) { buffer, count in
        let got = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        failed = got < 0 && (errno == EINTR || errno == EAGAIN)
        count = max(got, 0)
    }
    return failed ? nil : bytes
}
