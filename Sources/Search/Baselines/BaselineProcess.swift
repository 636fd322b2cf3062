import JSON
import Processes

/// Why a baseline could not be measured.
package enum BaselineError: Error, CustomStringConvertible {
    /// The process could not be started or ended early.
    case ended(mode: String, reason: String)
    /// The process answered with an error of a closed set of codes: `bad-request`, `model`, `inputs`, `unsupported`, `failed`.
    case refused(mode: String, code: String, reason: String)
    /// The process answered with something else than the protocol says.
    case malformed(mode: String, reason: String)

    package var description: String {
        switch self {
        case .ended(let mode, let reason):
            "baseline \(mode) ended: \(reason); check HEARTH_PYTHON and that torch imports there"
        case .refused(let mode, _, let reason): "baseline \(mode): \(reason)"
        case .malformed(let mode, let reason): "baseline \(mode) answered outside the protocol: \(reason)"
        }
    }
}

/// One model in one mode of PyTorch or a peer, in a Python process of its own; see `Documentation/baseline-protocol.md`.
package struct BaselineProcess: ~Copyable {
    /// The mode that it runs.
    package let mode: String
    private var child: ChildProcess

    /// Starts `python baseline.py`; `script` is the path of `python/hearth/baseline.py`.
    package init(mode: String, python: String, script: String) throws(BaselineError) {
        self.mode = mode
        do {
            child = try ChildProcess(
                executable: python, arguments: [script], input: .pipe, output: .pipe, errors: .null)
        } catch {
            throw .ended(mode: mode, reason: "\(error)")
        }
    }

    /// Sends one request and returns its reply.
    package mutating func ask(
        _ request: String, _ fields: JSONObject = JSONObject(), timeLimit: Double = 1200
    ) throws(BaselineError) -> JSONValue {
        try send(request, fields)
        return try reply(timeLimit: timeLimit)
    }

    /// Sends one request. Its `reply` is due before the next one, so that several processes can work at the same time.
    package mutating func send(_ request: String, _ fields: JSONObject = JSONObject()) throws(BaselineError) {
        var members = [JSONObject.Member(name: "do", value: .string(request))]
        members += fields.members
        let body = Array(JSONValue.object(JSONObject(members: members)).text.utf8)
        let count = UInt32(body.count)
        let head = (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * UInt32($0))) }
        do {
            try child.write(head + body, deadline: monotonicSeconds() + 60)
        } catch {
            throw .ended(mode: mode, reason: "\(error)")
        }
    }

    /// Waits for the reply to the last request.
    package mutating func reply(timeLimit: Double = 1200) throws(BaselineError) -> JSONValue {
        let deadline = monotonicSeconds() + timeLimit
        let reply: [UInt8]
        do {
            let length = try child.read(4, deadline: deadline)
            let size = length.enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
            guard size > 0, size <= 64 << 20 else {
                throw BaselineError.malformed(mode: mode, reason: "a frame of \(size) bytes")
            }
            reply = try child.read(size, deadline: deadline)
        } catch let error as BaselineError {
            throw error
        } catch {
            throw .ended(mode: mode, reason: "\(error)")
        }
        let value: JSONValue
        do { value = try JSONReader().read(reply) } catch { throw .malformed(mode: mode, reason: "\(error)") }
        guard value.objectValue?["ok"]?.boolValue == true else {
            throw .refused(
                mode: mode, code: value.objectValue?["code"]?.stringValue ?? "failed",
                reason: value.objectValue?["error"]?.stringValue ?? "no reason given")
        }
        return value
    }

    /// Runs `calls` calls on an input set; nanoseconds of each.
    package mutating func run(calls: Int, discard: Int = 1, set: Int = 0) throws(BaselineError) -> [Double] {
        let reply = try ask(
            "run",
            [
                "calls": .integer(Int64(calls)), "discard": .integer(Int64(discard)), "set": .integer(Int64(set)),
            ])
        guard let numbers = reply.objectValue?["ns"]?.arrayValue else {
            throw .malformed(mode: mode, reason: "no times")
        }
        return numbers.compactMap(\.doubleValue)
    }

    /// Ends the process.
    package consuming func quit() {
        let request = Array(#"{"do":"quit"}"#.utf8)
        let head = [UInt8(request.count), 0, 0, 0]
        do { try child.write(head + request, deadline: monotonicSeconds() + 1) } catch { return }
    }
}
