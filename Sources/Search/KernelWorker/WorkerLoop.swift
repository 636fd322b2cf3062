internal import CKernelHarness
internal import CProcessor
internal import CSandbox
internal import Glibc

/// The worker process of the judge and of constant folding: reads requests from standard input, runs generated code and
/// answers on what was standard output. It knows no truth and no tolerance, and may crash or hang without harm.
package enum WorkerLoop {
    /// Serves until the parent closes its end; then ends the process. `threads` is the size of the pool, nil for as many
    /// as the runtime would take. `without` are parts of the sandbox that are left out, and `counting` what is counted of candidates
    /// where the machine does: both for tests.
    package static func run(
        threads: Int?, without: [Sandbox.Part] = [], counting: [[EventCounter]] = EventCounter.hardware
    ) -> Never {
        // Before the sandbox, which lets nobody open one, and before the threads that inherit them.
        let counters = EventCounters(counting)
        let (input, output, entered) = prepare(.host, without)
        var sandbox = entered
        guard let pool = hearth_pool_create(Int32(clamping: threads ?? 0), 0) else { exit(3) }
        // From here on generated code is called by threads that can do nothing but compute.
        let isStarted =
            sandbox.parts.contains(.calls)
            ? hearth_harness_start_runner(pool, hearth_sandbox_confine_thread) : hearth_harness_start_runner(pool, nil)
        guard isStarted == 0 else { exit(3) }
        if hearth_harness_unconfined() > 0 { sandbox.parts.remove(.calls) }
        var session = Session(pool: pool, counters: counters)
        serve(input, output, threads: Int(hearth_pool_threads(pool)), sandbox) { request throws(RequestError) in
            try session.perform(request)
        }
    }

    /// As above for requests that something else performs: code for a device. `start` comes first, once what candidates print
    /// cannot meet the protocol; when it throws, the process ends. `caches` are folders that the device's driver writes.
    package static func run<Performer>(
        caches: [String],
        start: () throws -> Performer,
        perform: (inout Performer, WorkerRequest) throws(RequestError) -> WorkerReply
    ) -> Never {
        let (input, output, sandbox) = prepare(.device(caches: caches), [])
        guard var performer = try? start() else { exit(3) }
        serve(input, output, threads: 1, sandbox) { request throws(RequestError) in try perform(&performer, request) }
    }

    /// Puts the protocol out of reach of generated code, and the process into its sandbox; returns the descriptors that it uses.
    private static func prepare(
        _ profile: Sandbox.Profile, _ without: [Sandbox.Part]
    ) -> (input: Int32, output: Int32, Sandbox) {
        // What a candidate prints or reads must not meet the protocol.
        let input = fcntl(0, F_DUPFD_CLOEXEC, 100)
        let output = fcntl(1, F_DUPFD_CLOEXEC, 100)
        let null = open("/dev/null", O_RDWR)
        guard input >= 0, output >= 0, null >= 0 else { exit(3) }
        dup2(null, 0)
        dup2(null, 1)
        close(null)
        // Before the first thread.
        let sandbox = Sandbox.enter(profile, without: without)
        // Asks for the tile registers, which candidates may use; threads started later inherit the permission.
        var processor = HearthProcessor()
        hearth_processor(&processor)
        hearth_harness_install(output, WorkerReply.faultTag)
        hearth_harness_watch(input)
        return (input, output, sandbox)
    }

    private static func serve(
        _ input: Int32, _ output: Int32, threads: Int, _ sandbox: Sandbox,
        _ perform: (WorkerRequest) throws(RequestError) -> WorkerReply
    ) -> Never {
        send(.ready(threads: threads, sandbox), sequence: 0, to: output)
        while true {
            hearth_harness_close_files()
            guard let prefix = receive(WorkerFrame.prefixBytes, from: input), let length = WorkerFrame.length(prefix),
                let frame = receive(length, from: input), let (sequence, read) = try? WorkerRequest.read(frame)
            else { exit(0) }
            var request = read
            request.files = request.files.indices.map {
                WorkerFile(descriptor: hearth_harness_file(Int32($0)), byteCount: request.files[$0].byteCount)
            }
            hearth_harness_set_sequence(sequence)
            let reply: WorkerReply
            do throws(RequestError) {
                reply = try perform(request)
            } catch {
                reply = .refused(error.reason, detail: error.detail)
            }
            send(reply, sequence: sequence, to: output)
            // A fault leaves nothing that could go on.
            if case .fault = reply { exit(0) }
        }
    }

    private struct Session {
        let pool: OpaquePointer
        let counters: EventCounters
        var libraries: [Int: LoadedLibrary] = [:]

        init(pool: OpaquePointer, counters: EventCounters) {
            self.pool = pool
            self.counters = counters
        }

        mutating func perform(_ request: WorkerRequest) throws(RequestError) -> WorkerReply {
            switch request {
            case .load(let library, let path):
                libraries[library] = try LoadedLibrary(path: path)
                return .done
            case .forget:
                libraries = [:]
                return .done
            case .check(let job):
                let runner = CheckRunner(pool: pool, library: try library(job.call), job: job)
                return .checked(try runner.perform())
            case .time(let job):
                let candidate = try library(job.candidate)
                let incumbent = try library(job.incumbent)
                let runner = try TimeRunner(pool: pool, job: job, counters: counters)
                return .timed(try runner.perform(candidate: candidate, incumbent: incumbent))
            case .fold(let job):
                return .checked([try FoldRunner(pool: pool, library: try library(job.library), job: job).perform()])
            }
        }

        private func library(_ call: WorkerCall) throws(RequestError) -> LoadedLibrary { try library(call.library) }

        private func library(_ number: Int) throws(RequestError) -> LoadedLibrary {
            guard let library = libraries[number] else {
                throw RequestError(.badRequest, "library \(number) is not loaded")
            }
            return library
        }
    }

    private static func send(_ reply: WorkerReply, sequence: UInt64, to descriptor: Int32) {
        let frame = reply.frame(sequence: sequence)
        var offset = 0
        while offset < frame.count {
            let count = frame.withUnsafeBytes { buffer in
                buffer.baseAddress.map { Glibc.write(descriptor, $0 + offset, buffer.count - offset) } ?? -1
            }
            if count < 0, errno != EINTR { exit(0) }
            offset += max(0, count)
        }
    }

    private static func receive(_ count: Int, from descriptor: Int32) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var offset = 0
        while offset < count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                buffer.baseAddress.map { hearth_harness_receive(descriptor, $0 + offset, Int64(count - offset)) } ?? -1
            }
            if got < 0, errno == EINTR { continue }
            if got <= 0 { return nil }
            offset += Int(got)
        }
        return bytes
    }
}
