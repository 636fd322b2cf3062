internal import Glibc
internal import JSON
internal import Processes
internal import Synchronization

/// Triton to cubins, in Python processes that wait for work; needs neither a GPU nor PyTorch. Where a process fails, hangs or
/// ends, another takes its place.
package final class TritonToolchain: Sendable {
    /// What it calls itself, a part of the keys of compiled kernels.
    package let version: String
    private let python: String
    private let script: String
    private let gate: Gate
    /// Processes without work.
    private let idle = Mutex<[TritonProcess]>([])
    /// Seconds for one kernel.
    private let timeLimit: Double

    /// A compiled kernel.
    package struct Compiled: Hashable, Sendable {
        package var cubin: [UInt8]
        /// Bytes of shared memory that a launch asks for.
        package var sharedBytes: Int
    }

    /// Starts a process to see whether Triton is there. `script` is the path of `python/hearth/triton_worker.py`, `parallel` how
    /// many kernels compile at a time.
    package static func find(
        python: String, script: String, parallel: Int, timeLimit: Double = 120
    ) async throws(ToolchainError) -> TritonToolchain {
        try await onOwnThread { () -> Result<TritonToolchain, ToolchainError> in
            do throws(ToolchainError) {
                let process = try TritonProcess(python: python, script: script)
                switch try process.ask(["do": "hello"], timeLimit: timeLimit).reply {
                case .ready(let version):
                    return .success(TritonToolchain(python, script, version, parallel, timeLimit, process))
                case .missing(let reason), .refused(let reason): throw .noTriton(reason: reason)
                case .compiled: throw .noTriton(reason: "an answer to another question")
                }
            } catch {
                if case .noTriton = error { return .failure(error) }
                return .failure(.noTriton(reason: "\(python): \(error)"))
            }
        }.get()
    }

    private init(
        _ python: String, _ script: String, _ version: String, _ parallel: Int, _ timeLimit: Double,
        _ first: TritonProcess
    ) {
        self.version = "Triton \(version)"
        self.python = python
        self.script = script
        self.timeLimit = timeLimit
        gate = Gate(limit: parallel)
        idle.withLock { $0.append(first) }
    }

    /// Compiles the kernel `symbol` of a text for an architecture such as `sm_90a`.
    package func compile(
        _ text: String, symbol: String, _ source: TritonSource, architecture: String
    ) async throws(ToolchainError) -> Compiled {
        let digits = architecture.drop { !$0.isNumber }.prefix { $0.isNumber }
        guard architecture.hasPrefix("sm_"), let capability = Int(digits) else {
            throw .failed(end: version, firstError: "it makes nothing for \(architecture)")
        }
        let arguments: [JSONValue] = source.arguments.map {
            .array([.string($0.name), .string($0.type), .bool($0.isAligned)])
        }
        let request: JSONObject = [
            "do": "compile", "text": .string(text), "symbol": .string(symbol), "arguments": .array(arguments),
            "warps": .integer(Int64(source.warps)), "stages": .integer(Int64(source.stages)),
            "capability": .integer(Int64(capability)),
        ]
        await gate.enter()
        let result = await onOwnThread { [self] () -> Result<Compiled, ToolchainError> in
            do throws(ToolchainError) { return .success(try run(request, symbol, source)) } catch {
                return .failure(error)
            }
        }
        await gate.leave()
        return try result.get()
    }

    private func run(
        _ request: JSONObject, _ symbol: String, _ source: TritonSource
    ) throws(ToolchainError) -> Compiled {
        let process: TritonProcess
        if let waiting = idle.withLock({ $0.popLast() }) {
            process = waiting
        } else {
            process = try TritonProcess(python: python, script: script)
        }
        let (reply, cubin) = try process.ask(request, timeLimit: timeLimit)
        // What has answered can be asked again; what has not is forgotten, which ends it.
        idle.withLock { $0.append(process) }
        switch reply {
        case .compiled(_, let sharedBytes, let name, let threads, let scratchBytes):
            guard name == symbol, threads == 32 * source.warps, scratchBytes == 0 else {
                throw .failed(
                    end: version,
                    firstError: "it made \(name) with \(threads) threads and \(scratchBytes) bytes of scratch memory")
            }
            return Compiled(cubin: cubin, sharedBytes: sharedBytes)
        case .missing(let reason), .refused(let reason): throw .failed(end: version, firstError: reason)
        case .ready: throw .failed(end: version, firstError: "an answer to another question")
        }
    }
}

/// One process; used by one thread at a time.
private final class TritonProcess: @unchecked Sendable {
    // Safety: whoever has taken the process out of the list of idle ones is the only one to use it.
    private let child: ChildProcess

    init(python: String, script: String) throws(ToolchainError) {
        do throws(ProcessError) {
            child = try ChildProcess(
                executable: python, arguments: ["-u", script], input: .pipe, output: .pipe, errors: .null)
        } catch {
            throw .unusable(path: python, reason: "\(error)")
        }
    }

    /// Lets the process remove its files; what does not end by itself is ended.
    deinit {
        do throws(ProcessError) {
            try child.write([13, 0, 0, 0] + Array(#"{"do":"quit"}"#.utf8), deadline: monotonicSeconds() + 0.1)
        } catch { return }
        for _ in 0..<200 where child.finished() == nil { usleep(1000) }
    }

    /// Sends a request and reads its reply, with the bytes that follow it.
    func ask(_ request: JSONObject, timeLimit: Double) throws(ToolchainError) -> (reply: TritonReply, bytes: [UInt8]) {
        let body = Array(JSONValue.object(request).text.utf8)
        let head = (0..<4).map { UInt8(truncatingIfNeeded: body.count >> (8 * $0)) }
        let deadline = monotonicSeconds() + timeLimit
        do {
            try child.write(head + body, deadline: deadline)
            let size = try child.read(4, deadline: deadline).reversed().reduce(0) { $0 << 8 | Int($1) }
            guard (1...(1 << 20)).contains(size) else {
                throw TritonReply.Malformed(reason: "a frame of \(size) bytes")
            }
            let reply = try TritonReply(try child.read(size, deadline: deadline))
            guard case .compiled(let byteCount, _, _, _, _) = reply else { return (reply, []) }
            return (reply, try child.read(byteCount, deadline: deadline))
        } catch let error as TritonReply.Malformed {
            throw .failed(end: "Triton's process", firstError: "it answered outside of the protocol: \(error.reason)")
        } catch ProcessError.timedOut {
            throw .timedOut(seconds: timeLimit)
        } catch {
            throw .failed(end: "Triton's process", firstError: "\(error)")
        }
    }
}
