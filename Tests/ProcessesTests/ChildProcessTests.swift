import Foundation
import Glibc
import Processes
import Testing

@Suite struct ChildProcessTests {
    @Test func collectsBothStreamsAndTheExitCode() throws {
        let child = try ChildProcess(executable: "/bin/sh", arguments: ["-c", "echo out; echo err >&2; exit 3"])
        let result = try child.collect(timeLimit: 30)
        #expect(result.end == .exited(code: 3))
        #expect(String(decoding: result.output, as: UTF8.self) == "out\n")
        #expect(String(decoding: result.errors, as: UTF8.self) == "err\n")
    }

    @Test func reportsTheSignal() throws {
        let child = try ChildProcess(executable: "/bin/sh", arguments: ["-c", "kill -SEGV $$"])
        #expect(try child.collect(timeLimit: 30).end == .signaled(SIGSEGV))
    }

    @Test func exchangesBytesWithARunningChild() throws {
        let child = try ChildProcess(executable: "/bin/cat", arguments: [], input: .pipe, errors: .null)
        let message = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        // In pieces that both pipes together can hold, as the child answers while we write.
        for piece in stride(from: 0, to: message.count, by: 50_000) {
            let bytes = Array(message[piece..<piece + 50_000])
            try child.write(bytes, deadline: monotonicSeconds() + 30)
            #expect(try child.read(bytes.count, deadline: monotonicSeconds() + 30) == bytes)
        }
        let end = child.finished()
        #expect(end == nil)
    }

    /// The shell that ends what is left outlives everything else here: a pipe or a lock that it held would never end.
    @Test func whatEndsChildrenHoldsNothingOfOurs() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        let child = try ChildProcess(executable: "/bin/true", arguments: [])
        #expect(try child.collect(timeLimit: 30).end == .exited(code: 0))
        let shells = try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { name in
            guard let number = Int32(name), number != getpid() else { return false }
            let command = FileManager.default.contents(atPath: "/proc/\(number)/cmdline") ?? Data()
            let status = FileManager.default.contents(atPath: "/proc/\(number)/status") ?? Data()
            return String(decoding: command, as: UTF8.self).contains("trap '' HUP INT QUIT TERM")
                && String(decoding: status, as: UTF8.self).contains("PPid:\t\(getpid())\n")
        }
        #expect(shells.count == 1)
        for shell in shells {
            let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(shell)/fd")
            #expect(Set(open).isSubset(of: ["0", "1", "2"]), "it holds \(open)")
        }
    }

    @Test func endsAChildThatTakesTooLong() throws {
        let child = try ChildProcess(executable: "/bin/sleep", arguments: ["1000"])
        let number = child.number
        do throws(ProcessError) {
            _ = try child.collect(timeLimit: 0.05)
            Issue.record("the child ended by itself")
        } catch {
            #expect(error == .timedOut(seconds: 0.05))
        }
        #expect(kill(number, 0) == -1)
    }

    @Test func saysWhenAReaderIsGone() throws {
        let child = try ChildProcess(executable: "/bin/true", arguments: [], input: .pipe)
        while child.finished() == nil { usleep(1000) }
        do throws(ProcessError) {
            // A child that another thread starts just now may hold the other end for a moment.
            let deadline = monotonicSeconds() + 30
            while monotonicSeconds() < deadline { try child.write([0], deadline: deadline) }
            Issue.record("written to nobody")
        } catch {
            #expect(error == .closed)
        }
        do throws(ProcessError) {
            _ = try child.read(1, deadline: monotonicSeconds() + 30)
            Issue.record("read from nobody")
        } catch {
            #expect(error == .closed)
        }
    }

    @Test func namesAProgramThatIsNotThere() {
        #expect(throws: ProcessError.notStarted(program: "/no/such/program", reason: "No such file or directory")) {
            _ = try ChildProcess(executable: "/no/such/program", arguments: [])
        }
    }

    @Test func theGateHoldsItsLimit() async {
        let gate = Gate(limit: 2)
        let inside = Counter()
        await withTaskGroup { group in
            for _ in 0..<20 {
                group.addTask {
                    await gate.enter()
                    await inside.add(1)
                    await Task.yield()
                    await inside.add(-1)
                    await gate.leave()
                }
            }
        }
        #expect(await inside.most <= 2)
        #expect(await inside.now == 0)
    }
}

private actor Counter {
    var now = 0
    var most = 0
    func add(_ step: Int) {
        now += step
        most = max(most, now)
    }
}
